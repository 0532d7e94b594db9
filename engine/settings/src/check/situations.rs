//! city.toml: where situations on the roads come from, beside operators.

use crate::read::{FilePath, Table};
use crate::{SituationSettings, Source};

pub(super) fn read(mut table: Table<'_>, source: &Source) -> SituationSettings {
    let folder = table.optional("folder", FilePath);
    SituationSettings { folder: folder.map(|path| source.path(&path)) }
}
