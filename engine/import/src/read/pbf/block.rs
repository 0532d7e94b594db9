//! One block to its elements: strings are looked up, and what was written as a difference is summed up.

use super::Place as At;
use super::messages::{DenseNodes, Node, PrimitiveBlock, Relation, Way};
use crate::ImportError;
use crate::read::{Element, Member, MemberKind, Place, Tags, Wanted};

type Take<'t> = &'t mut dyn FnMut(Element<'_>) -> Result<(), ImportError>;

pub(super) fn elements(
    block: &PrimitiveBlock,
    wanted: Wanted,
    at: &At,
    take: Take<'_>,
) -> Result<(), ImportError> {
    let strings = Strings::new(block, at)?;
    let nodes = wanted == Wanted::Nodes;
    for group in &block.groups {
        if nodes {
            for node in &group.nodes {
                plain_node(block, node, &strings, take)?;
            }
            if let Some(dense) = &group.dense {
                dense_nodes(block, dense, &strings, take)?;
            }
        } else {
            for each in &group.ways {
                way(each, &strings, take)?;
            }
            for each in &group.relations {
                relation(each, &strings, take)?;
            }
        }
    }
    Ok(())
}

struct Strings<'a> {
    all: Vec<&'a str>,
    at: &'a At,
}

impl<'a> Strings<'a> {
    fn new(block: &'a PrimitiveBlock, at: &'a At) -> Result<Self, ImportError> {
        let texts = block.strings.iter().flat_map(|table| &table.s);
        let all = texts
            .map(|bytes| std::str::from_utf8(bytes).map_err(|_| at.damaged("a text that is not UTF-8")))
            .collect::<Result<_, _>>()?;
        Ok(Strings { all, at })
    }

    fn get(&self, number: impl TryInto<usize>) -> Result<&'a str, ImportError> {
        let text = number.try_into().ok().and_then(|n: usize| self.all.get(n));
        text.copied().ok_or_else(|| self.at.damaged("a text that the block does not hold"))
    }

    fn tags(&self, keys: &[u32], values: &[u32]) -> Result<Vec<(&'a str, &'a str)>, ImportError> {
        if keys.len() != values.len() {
            return Err(self.at.damaged(format!("{} keys with {} values", keys.len(), values.len())));
        }
        keys.iter().zip(values).map(|(k, v)| Ok((self.get(*k)?, self.get(*v)?))).collect()
    }
}

/// Degrees of a block's own grain to 10^-7 degrees, as OpenStreetMap rounds.
fn place(block: &PrimitiveBlock, lon: i64, lat: i64) -> Option<Place> {
    let grain = i64::from(block.granularity.unwrap_or(100));
    let e7 = |n: i64, offset: Option<i64>| {
        let nano = n.checked_mul(grain)?.checked_add(offset.unwrap_or(0))?;
        Some(nano.checked_add(50)?.div_euclid(100))
    };
    Place::new(e7(lon, block.lon_offset)?, e7(lat, block.lat_offset)?)
}

fn plain_node(
    block: &PrimitiveBlock,
    node: &Node,
    strings: &Strings<'_>,
    take: Take<'_>,
) -> Result<(), ImportError> {
    let tags = strings.tags(&node.keys, &node.vals)?;
    take(Element::Node { id: node.id, place: place(block, node.lon, node.lat), tags: Tags(&tags) })
}

fn dense_nodes(
    block: &PrimitiveBlock,
    dense: &DenseNodes,
    strings: &Strings<'_>,
    take: Take<'_>,
) -> Result<(), ImportError> {
    if dense.id.len() != dense.lat.len() || dense.id.len() != dense.lon.len() {
        return Err(strings.at.damaged("nodes of which some have no place"));
    }
    let (mut id, mut lat, mut lon) = (0_i64, 0_i64, 0_i64);
    let mut texts = dense.keys_vals.iter();
    let mut tags = Vec::new();
    for ((d_id, d_lat), d_lon) in dense.id.iter().zip(&dense.lat).zip(&dense.lon) {
        id = id.wrapping_add(*d_id);
        lat = lat.wrapping_add(*d_lat);
        lon = lon.wrapping_add(*d_lon);
        tags.clear();
        while let Some(key) = texts.next().filter(|key| **key != 0) {
            let value = texts.next().ok_or_else(|| strings.at.damaged("a key without its value"))?;
            tags.push((strings.get(*key)?, strings.get(*value)?));
        }
        take(Element::Node { id, place: place(block, lon, lat), tags: Tags(&tags) })?;
    }
    Ok(())
}

fn summed(differences: &[i64]) -> Vec<i64> {
    let sum = differences.iter().scan(0_i64, |sum, d| {
        *sum = sum.wrapping_add(*d);
        Some(*sum)
    });
    sum.collect()
}

fn way(way: &Way, strings: &Strings<'_>, take: Take<'_>) -> Result<(), ImportError> {
    let tags = strings.tags(&way.keys, &way.vals)?;
    take(Element::Way { id: way.id, nodes: &summed(&way.refs), tags: Tags(&tags) })
}

fn relation(relation: &Relation, strings: &Strings<'_>, take: Take<'_>) -> Result<(), ImportError> {
    let tags = strings.tags(&relation.keys, &relation.vals)?;
    let (ids, roles, kinds) = (summed(&relation.memids), &relation.roles_sid, &relation.types);
    if ids.len() != roles.len() || ids.len() != kinds.len() {
        return Err(strings.at.damaged("members of which some have no role or kind"));
    }
    let member = |((id, role), kind): ((&i64, &i32), &i32)| {
        let kind = match kind {
            0 => MemberKind::Node,
            1 => MemberKind::Way,
            2 => MemberKind::Relation,
            other => return Err(strings.at.damaged(format!("a member of the unknown kind {other}"))),
        };
        Ok(Member { kind, id: *id, role: strings.get(*role)? })
    };
    let members = ids.iter().zip(roles).zip(kinds).map(member).collect::<Result<Vec<_>, _>>()?;
    take(Element::Relation { id: relation.id, members: &members, tags: Tags(&tags) })
}
