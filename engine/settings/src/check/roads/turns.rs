//! `[[turn]]`: turns that are forbidden, or the only ones allowed.

use std::collections::BTreeMap;

use vlot_model::{LinkId, LinkIx, Mode, Modes, Permission, RoadNetwork};
use vlot_network::path::usual;
use vlot_network::{Draft, DraftTurn};

use super::{Made, access};
use crate::read::{Id, Ids, ModeList, Table, Text, Truth, link_id};

/// A turn with the table that says it.
pub(super) struct Said<'a> {
    turn: DraftTurn,
    table: Table<'a>,
}

/// A directed link with the numbers of its ends.
type Directed = (LinkId, [i64; 2]);

pub(super) fn read<'a>(root: &mut Table<'a>, made: &Made<'_>, draft: &mut Draft) -> Vec<Said<'a>> {
    let tables = root.tables("turn");
    if tables.is_empty() {
        return Vec::new();
    }
    let ends: BTreeMap<LinkId, [i64; 2]> = draft.links_mut().iter().map(|l| (l.id, l.nodes)).collect();
    let mut said: Vec<Said<'a>> = Vec::new();
    for mut table in tables {
        let Some(turn) = turn(&mut table, made, &ends) else { continue };
        draft.turn(turn.clone());
        said.push(Said { turn, table });
    }
    said
}

fn turn(table: &mut Table<'_>, made: &Made<'_>, ends: &BTreeMap<LinkId, [i64; 2]>) -> Option<DraftTurn> {
    let from = table.required("from", Id);
    let via = table.or("via", Ids, "[]");
    let to = table.required("to", Id);
    let at = table.optional("at", Id);
    let only = table.or("only", Truth, "false");
    let modes = table.or("modes", ModeList, "[\"car\", \"bus\"]");
    let hours = table.optional("hours", Text(255));
    if let Some(hours) = &hours {
        access::right_hours(table, hours);
    }
    let names: Vec<(&'static str, &String)> = std::iter::once(("from", &from))
        .chain(via.iter().map(|id| ("via", id)))
        .chain(std::iter::once(("to", &to)))
        .collect();
    let known = made.ids();
    let mut chain: Vec<Vec<Directed>> = Vec::new();
    for (key, name) in names {
        let directed = directed(name, made, ends);
        if directed.is_empty() && !name.is_empty() && !known.contains(name.as_str()) {
            table.problem(
                key,
                format!("{name:?} is unknown"),
                "give a road's id, or the lasting name of a link",
            );
        }
        chain.push(directed);
    }
    if chain.iter().any(Vec::is_empty) {
        return None;
    }
    let at = match at {
        None => None,
        Some(id) => match made.junctions.get(&id) {
            Some(junction) => Some(junction.number),
            None => {
                table.problem("at", format!("{id:?} is unknown"), "roads.toml has no such [[junction]]");
                return None;
            }
        },
    };
    let mut ways = vec![Vec::new()];
    for step in &chain {
        ways = ways
            .into_iter()
            .flat_map(|way: Vec<Directed>| {
                let next =
                    step.iter().filter(|(_, ends)| way.last().is_none_or(|(_, before)| before[1] == ends[0]));
                next.map(|link| [way.as_slice(), &[*link]].concat()).collect::<Vec<_>>()
            })
            .collect();
    }
    ways.retain(|way| at.is_none_or(|at| way.first().is_some_and(|(_, ends)| ends[1] == at)));
    let [way] = ways.as_slice() else {
        if ways.is_empty() {
            table.wrong(
                "leads over roads that do not meet",
                "from, each of via and to meet end to end, in their directions",
            );
        } else {
            table.wrong("can be driven in two ways", "give the junction where \"from\" ends as at");
        }
        return None;
    };
    let ids: Vec<LinkId> = way.iter().map(|(id, _)| *id).collect();
    let ([from, .., to], via) = (ids.as_slice(), ids.get(1..ids.len().saturating_sub(1))) else {
        return None;
    };
    Some(DraftTurn {
        from: *from,
        via: via.unwrap_or_default().to_vec(),
        to: *to,
        only,
        modes: if modes.is_empty() { Modes::ALL } else { modes },
        hours: hours.map(Into::into),
    })
}

/// The directions of a road, or the one link of a lasting name.
fn directed(name: &str, made: &Made<'_>, ends: &BTreeMap<LinkId, [i64; 2]>) -> Vec<Directed> {
    if let Some(road) = made.road(name) {
        let [a, b] = road.ends;
        let both = road.links.into_iter().zip([[a, b], [b, a]]);
        return both.filter_map(|(id, ends)| Some((id?, ends))).collect();
    }
    let named = link_id(name).and_then(|id| Some((id, *ends.get(&id)?)));
    named.into_iter().collect()
}

/// Reports turns that together leave no way on: contradictions and traps.
pub(super) fn lead_on(said: &[Said<'_>], network: &RoadNetwork) {
    let mut told: Vec<(LinkId, usize)> = Vec::new();
    for Said { turn, table } in said.iter().rev() {
        for mode in Mode::ALL.into_iter().filter(|mode| turn.modes.has(*mode)) {
            let Some(from) = network.find(turn.from) else { continue };
            if told.contains(&(turn.from, mode as usize)) || leads_on(network, from, mode) {
                continue;
            }
            // The last of those that contradict each other is named, once.
            told.extend(Mode::ALL.iter().map(|mode| (turn.from, *mode as usize)));
            let hint = "several turns that forbid, or are the only one, leave none: remove one of them";
            table.wrong("is one turn too many: nobody could go on from there", hint);
        }
    }
}

fn leads_on(network: &RoadNetwork, from: LinkIx, mode: Mode) -> bool {
    let Some(end) = network.link(from).map(|link| link.to) else { return true };
    let turns = || {
        let plain = |turn: &&vlot_model::Turn| turn.via.is_empty() && turn.hours.is_none();
        network.turns.iter().filter(plain).filter(|turn| turn.from == from && turn.modes.has(mode))
    };
    let opposite = network.link(from).and_then(|link| link.opposite);
    let exits: Vec<LinkIx> = (0..network.links.len())
        .map(LinkIx::from_position)
        .filter(|link| network.link(*link).is_some_and(|l| l.from == end) && Some(*link) != opposite)
        .filter(|link| usual(network, *link, mode) != Permission::No)
        .collect();
    exits.is_empty() || exits.iter().any(|exit| turns().all(|turn| (turn.to == *exit) == turn.only))
}
