//! What of a network is of no use to a trip, though it is there: islands, one-way traps, and turns that leave no way on.

use std::collections::{BTreeSet, VecDeque};

use vlot_model::{LinkIx, Mode, NodeIx, RoadNetwork};
use vlot_network::reach::largest_part;

use super::connected::may;
use crate::report::{Fault, Report};

/// Notes them, for cars and for bicycles, each with its place.
pub(crate) fn told(network: &RoadNetwork, report: &mut Report) {
    for (mode, who) in [(Mode::Car, "cars"), (Mode::Bicycle, "bicycles")] {
        beside_the_rest(network, mode, who, report);
        no_way_on(network, mode, who, report);
    }
}

fn place(network: &RoadNetwork, link: LinkIx, who: &str) -> String {
    let at = network.shape(link).first().copied().unwrap_or_default();
    let (id, name) = (network.link(link).map_or(0, |link| link.id.0), network.name(link));
    let blank = if name.is_empty() { "" } else { " " };
    format!("{who}: link {id:016x} at {:.5},{:.5}{blank}{name}", at.lat, at.lon)
}

fn beside_the_rest(network: &RoadNetwork, mode: Mode, who: &str, report: &mut Report) {
    let usable = |link: LinkIx| may(network, link, mode);
    let joined = largest_part(network, usable);
    let ends = |forwards: bool| {
        let mut next = vec![Vec::new(); network.nodes.len()];
        let (mut seen, mut waiting) = (vec![false; network.nodes.len()], VecDeque::<NodeIx>::new());
        for (at, link) in
            network.links.iter().enumerate().filter(|(at, _)| usable(LinkIx::from_position(*at)))
        {
            let (from, to) = if forwards { (link.from, link.to) } else { (link.to, link.from) };
            if let Some(next) = next.get_mut(from.at()) {
                next.push(to);
            }
            if joined.get(at).copied().unwrap_or(false) {
                waiting.push_back(from);
            }
        }
        while let Some(node) = waiting.pop_front() {
            let new = seen.get_mut(node.at()).is_some_and(|seen| !std::mem::replace(seen, true));
            if new && let Some(next) = next.get(node.at()) {
                waiting.extend(next);
            }
        }
        seen
    };
    let (come_to, leads_back) = (ends(true), ends(false));
    let has = |nodes: &[bool], node: NodeIx| nodes.get(node.at()).copied().unwrap_or(false);
    for (at, link) in network.links.iter().enumerate() {
        let ix = LinkIx::from_position(at);
        if joined.get(at).copied().unwrap_or(false) || !usable(ix) {
            continue;
        }
        let fault = match (has(&come_to, link.from), has(&leads_back, link.to)) {
            (true, _) => Fault::NoWayOut,
            (false, true) => Fault::NoWayIn,
            (false, false) => Fault::Island,
        };
        report.fault(fault, || place(network, ix, who));
    }
}

/// Links at whose end the turns that always hold forbid every way on, as an "only this one" does beside another.
fn no_way_on(network: &RoadNetwork, mode: Mode, who: &str, report: &mut Report) {
    let binds =
        |turn: &&vlot_model::Turn| turn.via.is_empty() && turn.hours.is_none() && turn.modes.has(mode);
    let bound: BTreeSet<LinkIx> = network.turns.iter().filter(binds).map(|turn| turn.from).collect();
    if bound.is_empty() {
        return;
    }
    let mut leaving = vec![Vec::new(); network.nodes.len()];
    for (at, link) in network.links.iter().enumerate() {
        let ix = LinkIx::from_position(at);
        if may(network, ix, mode)
            && let Some(leaving) = leaving.get_mut(link.from.at())
        {
            leaving.push(ix);
        }
    }
    let mut turns: Vec<_> = network.turns.iter().filter(binds).collect();
    turns.sort_by_key(|turn| turn.from);
    for from in bound {
        let Some(link) = network.link(from).filter(|_| may(network, from, mode)) else { continue };
        let first = turns.partition_point(|turn| turn.from < from);
        let own = || turns[first..].iter().take_while(|turn| turn.from == from);
        // Barriers alone are no contradiction: beyond them the street goes on for others.
        if !own().any(|turn| turn.only) {
            continue;
        }
        let mut exits =
            leaving.get(link.to.at()).into_iter().flatten().filter(|exit| Some(**exit) != link.opposite);
        let open = |exit: &LinkIx| own().all(|turn| (turn.to == *exit) == turn.only);
        if exits.clone().next().is_some() && !exits.any(open) {
            report.fault(Fault::NoWayOn, || place(network, from, who));
        }
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::{LinkId, LonLat, Modes, Permission, RoadClass};
    use vlot_network::{Draft, DraftLink, DraftTurn};

    use super::*;

    #[test]
    fn what_leads_nowhere_is_counted_with_its_place() {
        let mut draft = Draft::new("test");
        // A ring 0 1 2; into a trap 3 and its end 4; from a yard 5 out; an island 6 7.
        let pairs = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (5, 0), (6, 7), (7, 6)];
        for (i, (from, to)) in (1_u64..).zip(pairs) {
            let points = [from, to].map(|n| LonLat { lon: 4.7 + n as f64 / 1_000.0, lat: 50.88 }).to_vec();
            let mut link = DraftLink { points, ..DraftLink::new([from, to], i, RoadClass::Primary) };
            link.name = "Ring".into();
            link.access.always[Mode::Bicycle as usize] = Permission::No;
            draft.link(link);
        }
        // From the ring to its next street alone, and to the trap alone: nobody goes on.
        for to in [3, 4] {
            let (from, to, modes) = (LinkId(2), LinkId(to), Modes::ALL);
            draft.turn(DraftTurn { from, via: Vec::new(), to, only: true, modes, hours: None });
        }
        let mut report = Report::default();
        told(&draft.make().network, &mut report);
        let counts: Vec<_> = report.faults.iter().map(|(fault, found)| (*fault, found.count)).collect();
        let expected = [(Fault::Island, 2), (Fault::NoWayOut, 2), (Fault::NoWayIn, 1), (Fault::NoWayOn, 1)];
        assert_eq!(counts, expected);
        let text = report.to_string();
        for part in [
            "       2  links that nothing leads to",
            "cars: link 0000000000000004 at 50.88000,4.70200 Ring",
            "cars: link 0000000000000002 at 50.88000,4.70100 Ring",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
    }

    #[test]
    fn no_network_and_one_without_faults_have_none() {
        let mut draft = Draft::new("test");
        for (i, (from, to)) in (1_u64..).zip([(0, 1), (1, 0)]) {
            let points = [from, to].map(|n| LonLat { lon: 4.7 + n as f64 / 1_000.0, lat: 50.88 }).to_vec();
            draft.link(DraftLink { points, ..DraftLink::new([from, to], i, RoadClass::Primary) });
        }
        let mut report = Report::default();
        told(&draft.make().network, &mut report);
        told(&RoadNetwork::default(), &mut report);
        assert!(report.faults.is_empty(), "{report}");
    }
}
