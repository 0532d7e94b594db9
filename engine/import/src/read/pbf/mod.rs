//! OSM PBF: blobs, each with a block of elements and a table of their strings.
//!
//! Read here instead of by a library so that a damaged file gives an error that says where, and never a panic or a tag that
//! goes missing in silence; it costs no dependency, for `prost` is in the house.

mod block;
mod messages;
#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Read};

use flate2::read::ZlibDecoder;
use prost::Message;

use self::messages::{Blob, BlobHeader, HeaderBlock, PrimitiveBlock};
use super::{Element, Wanted};
use crate::ImportError;

/// The format's own bounds.
const MAX_HEADER_BYTES: u32 = 64 * 1024;
const MAX_BLOB_BYTES: u64 = 32 * 1024 * 1024;

pub(super) fn elements(
    mut input: Box<dyn Read>,
    wanted: Wanted,
    take: &mut dyn FnMut(Element<'_>) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let mut at_byte = 0;
    for number in 1_u64.. {
        let at = Place { blob: number, byte: at_byte };
        let Some((header, bytes)) = next(&mut input, &mut at_byte, &at)? else { break };
        match header.kind.as_str() {
            "OSMHeader" => features(&unpacked(&bytes, &at)?, &at)?,
            "OSMData" => {
                let block = PrimitiveBlock::decode(unpacked(&bytes, &at)?.as_slice())
                    .map_err(|e| at.damaged(format!("its elements cannot be read: {e}")))?;
                block::elements(&block, wanted, &at, take)?;
            }
            // The format lets others add kinds of their own.
            _ => {}
        }
    }
    Ok(())
}

/// Where in a file.
struct Place {
    blob: u64,
    byte: u64,
}

impl Place {
    fn damaged(&self, what: impl Into<String>) -> ImportError {
        ImportError::damaged(format!("byte {} (block {})", self.byte, self.blob), what)
    }
}

fn next(
    input: &mut dyn Read,
    at_byte: &mut u64,
    at: &Place,
) -> Result<Option<(BlobHeader, Vec<u8>)>, ImportError> {
    let mut length = [0; 4];
    match read(input, &mut length)? {
        0 => return Ok(None),
        4 => {}
        _ => return Err(at.damaged("the file ends within a block's length")),
    }
    let length = u32::from_be_bytes(length);
    if length > MAX_HEADER_BYTES {
        return Err(at.damaged(format!("a block's head of {length} bytes, of {MAX_HEADER_BYTES} at most")));
    }
    let header = exactly(input, u64::from(length), at)?;
    let header = BlobHeader::decode(header.as_slice())
        .map_err(|e| at.damaged(format!("a block's head cannot be read: {e}")))?;
    let size = u64::try_from(header.datasize).ok().filter(|size| *size <= MAX_BLOB_BYTES);
    let size = size.ok_or_else(|| {
        at.damaged(format!("a block of {} bytes, of {MAX_BLOB_BYTES} at most", header.datasize))
    })?;
    let bytes = exactly(input, size, at)?;
    *at_byte += 4 + u64::from(length) + size;
    Ok(Some((header, bytes)))
}

/// Fills `buffer` as far as there is something.
fn read(input: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, ImportError> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(filled)
}

fn exactly(input: &mut dyn Read, size: u64, at: &Place) -> Result<Vec<u8>, ImportError> {
    let mut bytes = Vec::new();
    let got = input.take(size).read_to_end(&mut bytes)?;
    if got as u64 == size {
        Ok(bytes)
    } else {
        Err(at.damaged(format!("the file ends after {got} of a block's {size} bytes")))
    }
}

fn unpacked(bytes: &[u8], at: &Place) -> Result<Vec<u8>, ImportError> {
    let blob = Blob::decode(bytes).map_err(|e| at.damaged(format!("a block cannot be read: {e}")))?;
    if let Some(raw) = blob.raw {
        return Ok(raw);
    }
    let Some(zlib) = blob.zlib else {
        let packed = [(blob.lzma, "LZMA"), (blob.lz4, "LZ4"), (blob.zstd, "Zstandard")]
            .into_iter()
            .find(|p| p.0.is_some());
        return Err(match packed {
            Some((_, name)) => ImportError::Unsupported {
                what: format!("is packed with {name}"),
                hint: "`osmium cat in.osm.pbf -o out.osm.pbf` packs it as most files are",
            },
            None => at.damaged("a block without data"),
        });
    };
    let mut plain = Vec::new();
    ZlibDecoder::new(zlib.as_slice())
        .take(MAX_BLOB_BYTES + 1)
        .read_to_end(&mut plain)
        .map_err(|e| at.damaged(format!("a block cannot be unpacked: {e}")))?;
    let said = blob.raw_size.and_then(|size| u64::try_from(size).ok());
    if plain.len() as u64 > MAX_BLOB_BYTES || said.is_some_and(|said| said != plain.len() as u64) {
        return Err(at.damaged(format!("a block unpacks to {} bytes, not to what it says", plain.len())));
    }
    Ok(plain)
}

fn features(bytes: &[u8], at: &Place) -> Result<(), ImportError> {
    let header =
        HeaderBlock::decode(bytes).map_err(|e| at.damaged(format!("the file's head cannot be read: {e}")))?;
    let known = ["OsmSchema-V0.6", "DenseNodes"];
    match header.required_features.into_iter().find(|feature| !known.contains(&feature.as_str())) {
        None => Ok(()),
        Some(feature) => Err(ImportError::Unsupported {
            what: format!("needs a reader that knows {feature:?}"),
            hint: "take an extract of the present state, not of its history",
        }),
    }
}
