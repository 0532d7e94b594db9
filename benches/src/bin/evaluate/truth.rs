use anyhow::{Result, bail};

use crate::Options;

pub(crate) fn run(options: &Options) -> Result<()> {
    let _ = (&options.files, &options.capacities, options.json, options.seeds);
    bail!("not there yet")
}
