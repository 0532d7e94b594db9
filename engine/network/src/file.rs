//! A network in a file: a head that says what it is, then postcard (serde), deflated, under a checksum.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use vlot_model::RoadNetwork;

const MAGIC: &[u8; 8] = b"VLOTROAD";
/// Another layout of [`RoadNetwork`] is another version: an old file is made anew by importing again.
const VERSION: u32 = 1;
/// Nothing larger is unpacked: a country's network is smaller.
const MAX_BYTES: u64 = 4 << 30;

/// Why bytes are no network.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not such a file.
    #[error("this is no road network file (hint: `vlot import osm` makes one)")]
    Foreign,
    /// Made by another version.
    #[error("it was made by another version of vlot, {0} where {VERSION} is read (hint: import it again)")]
    Version(u32),
    /// Changed since it was written.
    #[error("it is damaged: {0} (hint: import it again)")]
    Damaged(String),
}

/// The bytes of a network.
///
/// # Errors
/// None that a caller could meet: writing to memory and packing plain data do not fail.
pub fn write(network: &RoadNetwork) -> Result<Vec<u8>, FileError> {
    let damaged = |e: &dyn std::fmt::Display| FileError::Damaged(e.to_string());
    let plain = postcard::to_stdvec(network).map_err(|e| damaged(&e))?;
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&plain).map_err(|e| damaged(&e))?;
    let packed = packed.finish().map_err(|e| damaged(&e))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(crc32c::crc32c(&packed).to_le_bytes());
    bytes.extend(packed);
    Ok(bytes)
}

/// The network that bytes hold.
///
/// # Errors
/// When they are something else, of another version, or damaged.
pub fn read(bytes: &[u8]) -> Result<RoadNetwork, FileError> {
    let (head, packed) = bytes.split_at_checked(16).ok_or(FileError::Foreign)?;
    let word =
        |from: usize| head.get(from..from + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    if !head.starts_with(MAGIC) {
        return Err(FileError::Foreign);
    }
    if word(8) != VERSION {
        return Err(FileError::Version(word(8)));
    }
    if word(12) != crc32c::crc32c(packed) {
        return Err(FileError::Damaged("its checksum differs".into()));
    }
    let mut plain = Vec::new();
    DeflateDecoder::new(packed)
        .take(MAX_BYTES)
        .read_to_end(&mut plain)
        .map_err(|e| FileError::Damaged(e.to_string()))?;
    postcard::from_bytes(&plain).map_err(|e| FileError::Damaged(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, DraftLink};
    use vlot_model::{LonLat, RoadClass};

    #[test]
    fn a_network_comes_back_as_it_was_and_nothing_else_does() {
        let mut draft = Draft::new("test");
        let points = vec![LonLat { lon: 4.7, lat: 50.88 }, LonLat { lon: 4.71, lat: 50.88 }];
        draft.link(DraftLink { points, ..DraftLink::new([1, 2], 1, RoadClass::Primary) });
        let network = draft.make().network;
        let bytes = write(&network).expect("plain data");
        assert_eq!(read(&bytes).expect("its own bytes"), network);
        assert!(matches!(read(b"<?xml version='1.0'?>"), Err(FileError::Foreign)));
        assert!(matches!(read(&bytes[..9]), Err(FileError::Foreign)));
        let mut other = bytes.clone();
        other[8] = 9;
        assert!(matches!(read(&other), Err(FileError::Version(9))));
        for at in 16..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0x10;
            assert!(matches!(read(&broken), Err(FileError::Damaged(_))), "byte {at}");
        }
    }
}
