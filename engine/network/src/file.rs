//! A network in a file: a head that says what it is, then postcard (serde), deflated, under a checksum.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use vlot_model::{LonLat, RoadNetwork};

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
    let network = postcard::from_bytes(&plain).map_err(|e| FileError::Damaged(e.to_string()))?;
    sound(&network).map_err(FileError::Damaged)?;
    Ok(network)
}

/// Whether everything in a network refers to something in it: whoever walks it need not look again.
fn sound(network: &RoadNetwork) -> Result<(), String> {
    let here = |p: &LonLat| (-180.0..=180.0).contains(&p.lon) && (-90.0..=90.0).contains(&p.lat);
    if !network.nodes.iter().chain(&network.points).all(here) {
        return Err("it has a point that is not on the earth".into());
    }
    if !network.links.windows(2).all(|ab| ab[0].id < ab[1].id) {
        return Err("its links are not in order".into());
    }
    let links = network.links.len();
    for link in &network.links {
        let points = link.points.start as usize..link.points.end as usize;
        let known = link.from.at() < network.nodes.len()
            && link.to.at() < network.nodes.len()
            && points.len() >= 2
            && points.end <= network.points.len()
            && (link.name as usize) < network.names.len()
            && (link.access as usize) < network.access.len()
            && link.opposite.is_none_or(|opposite| opposite.at() < links);
        let measured = [link.length_m, link.free_flow_kmh].iter().all(|x| x.is_finite() && *x > 0.0);
        if !(known && measured && link.lanes > 0) {
            return Err(format!("link {:016x} is not whole", link.id.0));
        }
    }
    for turn in &network.turns {
        let mut way = [turn.from].into_iter().chain(turn.via.iter().copied()).chain([turn.to]);
        let mut at = None;
        let meets = way.all(|link| {
            let Some(link) = network.link(link) else { return false };
            at.replace(link.to).is_none_or(|end| end == link.from)
        });
        if !meets {
            return Err("it has a turn over links that do not meet".into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, DraftLink};
    use vlot_model::{LinkId, LinkIx, Modes, NodeIx, RoadClass};

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

    #[test]
    fn what_refers_to_nothing_is_damaged_and_not_walked() {
        let mut draft = Draft::new("test");
        for (nodes, id) in [([1, 2], 1), ([2, 3], 2)] {
            let points = nodes.map(|n| LonLat { lon: 4.7 + n as f64 / 100.0, lat: 50.88 }).to_vec();
            draft.link(DraftLink { points, ..DraftLink::new(nodes, id, RoadClass::Primary) });
        }
        draft.turn(crate::DraftTurn {
            from: LinkId(1),
            via: Vec::new(),
            to: LinkId(2),
            only: false,
            modes: Modes::ALL,
            hours: None,
        });
        let whole = draft.make().network;
        assert!(read(&write(&whole).expect("plain data")).is_ok());
        let breaks: [fn(&mut RoadNetwork); 12] = [
            |n| n.links[0].from = NodeIx(9),
            |n| n.links[1].to = NodeIx(9),
            |n| n.links[0].points = 0..1,
            |n| n.links[1].points = 2..9,
            |n| n.links[0].name = 9,
            |n| n.links[0].access = 9,
            |n| n.links[0].opposite = Some(LinkIx(9)),
            |n| n.links[0].length_m = f32::NAN,
            |n| n.links[0].free_flow_kmh = 0.0,
            |n| n.links.swap(0, 1),
            |n| n.turns[0].to = LinkIx(0),
            |n| n.points[0].lat = 91.0,
        ];
        for (i, damage) in breaks.into_iter().enumerate() {
            let mut network = whole.clone();
            damage(&mut network);
            let got = read(&write(&network).expect("plain data"));
            assert!(matches!(got, Err(FileError::Damaged(_))), "{i}: {got:?}");
        }
    }
}
