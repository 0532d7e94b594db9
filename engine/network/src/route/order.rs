//! The order of contraction, which takes seconds on a large city and depends on its streets alone: kept as bytes.

use super::hierarchy::Input;

const MAGIC: &[u8; 8] = b"VLOTORD1";

/// The bytes of an order, under the checksum of what it orders.
pub(super) fn write(input: &Input, order: &[u32]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(checksum(input).to_le_bytes());
    bytes.extend(order.iter().flat_map(|node| node.to_le_bytes()));
    bytes
}

/// The bytes of two orders, of which the first has so many nodes.
pub(super) fn split(nodes: usize, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(MAGIC.len() + 4 + 4 * nodes)
}

/// The order that bytes hold, if it is one of just these nodes and arcs.
pub(super) fn read(input: &Input, bytes: &[u8]) -> Option<Vec<u32>> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let nodes = rest.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect::<Vec<_>>();
    let mut seen = vec![false; input.nodes()];
    let each_once = nodes
        .iter()
        .all(|node| seen.get_mut(*node as usize).is_some_and(|seen| !std::mem::replace(seen, true)));
    (u32::from_le_bytes(*sum) == checksum(input) && each_once && rest.len() == 4 * seen.len())
        .then_some(nodes)
}

fn checksum(input: &Input) -> u32 {
    let words = input.first_out.iter().chain(&input.head);
    words.fold(0, |sum, word| crc32c::crc32c_append(sum, &word.to_le_bytes()))
}
