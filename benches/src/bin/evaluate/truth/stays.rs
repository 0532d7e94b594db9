//! The stays of a SUMO run: `parking.add.xml` and `stops.xml` or `stops.xml.gz`, one element a line, as SUMO writes them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

pub(super) struct Park {
    pub(super) name: String,
    pub(super) capacity: u32,
    /// From and until, seconds from the start of the run.
    pub(super) stays: Vec<(f64, f64)>,
}

/// The car parks of the files, or of the recording where there are none.
pub(super) fn load(files: &[PathBuf], areas: Option<&Path>) -> Result<Vec<Park>> {
    let folder =
        std::env::var_os("VLOT_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let folder = folder.join("sumo/leuven");
    let (stops, areas) = match (files, areas) {
        ([], None) => (vec![folder.join("stops.xml.gz")], folder.join("parking.add.xml")),
        ([], Some(areas)) => (vec![folder.join("stops.xml.gz")], areas.to_owned()),
        (stops, Some(areas)) => (stops.to_vec(), areas.to_owned()),
        (_, None) => bail!("truth: say with --capacities which parking.add.xml belongs to those stops"),
    };
    let mut parks = BTreeMap::new();
    for line in text(&areas)?.lines().filter(|line| line.contains("<parkingArea ")) {
        let id =
            attribute(line, " id").with_context(|| format!("{}: an area without an id", areas.display()))?;
        let capacity = attribute(line, "roadsideCapacity").and_then(|n| n.parse().ok());
        let capacity = capacity.with_context(|| format!("{}: {id} without a capacity", areas.display()))?;
        parks.insert(id.to_owned(), Park { name: id.to_owned(), capacity, stays: Vec::new() });
    }
    for file in &stops {
        for line in text(file)?.lines() {
            let number = |name| attribute(line, name).and_then(|x| x.parse::<f64>().ok());
            if let (Some(id), Some(from), Some(until)) =
                (attribute(line, "parkingArea"), number("started"), number("ended"))
                && let Some(park) = parks.get_mut(id)
            {
                park.stays.push((from, until));
            }
        }
    }
    Ok(parks.into_values().collect())
}

fn text(path: &Path) -> Result<String> {
    let whole = || -> std::io::Result<String> {
        let (mut file, mut text) = (std::fs::File::open(path)?, String::new());
        if path.extension().is_some_and(|end| end == "gz") {
            flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text)?;
        } else {
            file.read_to_string(&mut text)?;
        }
        Ok(text)
    };
    whole().with_context(|| format!("cannot read {}", path.display()))
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let from = line.find(&format!("{name}=\""))? + name.len() + 2;
    line.get(from..)?.split('"').next()
}
