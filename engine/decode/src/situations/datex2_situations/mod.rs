//! DATEX II situation publications, versions 2 and 3, read leniently: by the local names of elements, wherever a maker puts
//! them. One situation record is one situation.

mod periods;
mod record;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeSet;

use vlot_model::{Refusal, RefusalKind};

use super::{About, MAX_FILE_BYTES, Said};
use crate::refuse::{malformed, unsupported};

/// What a file states. Records that are over, cancelled or suspended are left out of it.
///
/// # Errors
/// When it is no such file: then what it said before stands.
pub fn read(bytes: &[u8], about: &About<'_>) -> Result<Said, Refusal> {
    if bytes.len() > MAX_FILE_BYTES {
        let detail = format!("{} bytes; at most {MAX_FILE_BYTES} are read", bytes.len());
        return Err(Refusal::new(RefusalKind::Oversized, detail));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|e| malformed(format!("no UTF-8 at byte {}", e.valid_up_to())))?;
    let text = text.trim_start_matches('\u{feff}');
    let root = xml::parse(text).map_err(malformed)?;
    let mut records = Vec::new();
    root.all("situationRecord", &mut records);
    let is_publication = ["situation", "payloadPublication"].iter().any(|name| root.first(name).is_some());
    if records.is_empty() && !is_publication && root.name != "payload" {
        return Err(unsupported("no DATEX II situation publication"));
    }
    let (mut said, mut seen) = (Said::default(), BTreeSet::new());
    for (n, record) in records.into_iter().enumerate() {
        let id = record.attribute("id").and_then(super::id);
        let read = record::situation(record, id.as_deref().unwrap_or_default(), about);
        said.take(&mut seen, n, id, read);
    }
    Ok(said)
}
