//! Restrictions and barriers to turns over links.

use std::collections::VecDeque;

use vlot_model::{Mode, Modes};
use vlot_network::{Draft, DraftTurn};

use super::collect::Collected;
use super::pieces::{Directed, Named};
use super::restriction::{Restriction, Rule, Via};
use crate::report::{Gap, Notes, Report};

/// A turn leads over fewer links between the first and the last.
const MAX_LINKS: usize = 64;

pub(crate) fn draft(kept: &Collected, named: &Named, draft: &mut Draft, report: &mut Report) {
    for restriction in &kept.restrictions {
        let mut notes = Notes::new(report, "relation", restriction.id);
        let missing = restriction.ways().find(|way| !named.of_ways.contains_key(way));
        if let Some(way) = missing {
            notes.gap(Gap::RestrictionMembers, || format!("way {way}"));
            continue;
        }
        for rule in &restriction.rules {
            match resolve(restriction, rule, named) {
                Ok(turns) => turns.into_iter().for_each(|turn| draft.turn(turn)),
                Err(why) => notes.gap(Gap::RestrictionPath, || why.to_owned()),
            }
        }
    }
    report.barrier_turns = barriers(kept, named, draft);
}

/// Whoever a barrier stops may only turn back there.
fn barriers(kept: &Collected, named: &Named, draft: &mut Draft) -> usize {
    let mut made = 0;
    for (node, [into, out]) in &named.at_barriers {
        let Some(barrier) = kept.barriers.get(node) else { continue };
        let timed = barrier.timed.iter().map(|(hours, modes)| (*modes, Some(hours.as_str().into())));
        for (stops, hours) in std::iter::once((barrier.stops, None)).chain(timed) {
            for (from, to) in into.iter().flat_map(|from| out.iter().map(move |to| (from, to))) {
                let modes = common(common(stops, from.modes), to.modes);
                if from.opposite == Some(to.id) || modes.is_empty() {
                    continue;
                }
                let hours = hours.clone();
                draft.turn(DraftTurn {
                    from: from.id,
                    via: Vec::new(),
                    to: to.id,
                    only: false,
                    modes,
                    hours,
                });
                made += 1;
            }
        }
    }
    made
}

fn common(a: Modes, b: Modes) -> Modes {
    Mode::ALL.into_iter().filter(|mode| a.has(*mode) && b.has(*mode)).fold(Modes::NONE, Modes::with)
}

fn resolve(restriction: &Restriction, rule: &Rule, named: &Named) -> Result<Vec<DraftTurn>, &'static str> {
    let of = |ways: &[i64]| -> Vec<Directed> {
        let links = ways.iter().filter_map(|way| named.of_ways.get(way)).flatten();
        links.filter(|link| !common(link.modes, rule.modes).is_empty()).copied().collect()
    };
    let (from, to) = (of(&restriction.from), of(&restriction.to));
    let paths = match &restriction.via {
        Via::Node(node) => {
            let touches = |ways: &[i64]| {
                let mut links = ways.iter().filter_map(|way| named.of_ways.get(way)).flatten();
                links.any(|link| link.nodes.contains(node))
            };
            if !touches(&restriction.from) || !touches(&restriction.to) {
                return Err("its ways do not meet at its node");
            }
            let into: Vec<_> = from.into_iter().filter(|link| link.nodes[1] == *node).collect();
            let out: Vec<_> = to.into_iter().filter(|link| link.nodes[0] == *node).collect();
            let pairs = into.iter().flat_map(|a| out.iter().map(move |b| (a, b)));
            let back = |a: &Directed, b: &Directed| a.opposite == Some(b.id);
            let same_way = restriction.from == restriction.to;
            let fits = |(a, b): &(&Directed, &Directed)| {
                if rule.u_turn { !same_way || back(a, b) } else { !back(a, b) }
            };
            pairs.filter(fits).map(|(a, b)| (*a, Vec::new(), *b)).collect::<Vec<_>>()
        }
        Via::Ways(ways) => {
            let via: Vec<_> = ways.iter().map(|way| of(&[*way])).collect();
            from.iter().filter_map(|a| over(*a, &via, &to)).collect()
        }
    };
    // Where a way runs on through the node, it is not said from which side one comes; turning back is meant from both.
    let turning_back = rule.u_turn && restriction.from == restriction.to;
    if !turning_back && paths.len() > restriction.from.len().max(restriction.to.len()) {
        return Err("its ways meet in several ways");
    }
    if paths.is_empty() && (rule.only || matches!(restriction.via, Via::Ways(_))) {
        return Err("nobody could turn so");
    }
    let turn = |(from, via, to): (Directed, Vec<Directed>, Directed)| DraftTurn {
        from: from.id,
        via: via.iter().map(|link| link.id).collect(),
        to: to.id,
        only: rule.only,
        modes: rule.modes,
        hours: rule.hours.clone(),
    };
    Ok(paths.into_iter().map(turn).collect())
}

/// The shortest way from the end of `from` over links of all `via` ways to a link of `to`.
fn over(
    from: Directed,
    via: &[Vec<Directed>],
    to: &[Directed],
) -> Option<(Directed, Vec<Directed>, Directed)> {
    let whole = (1_u32 << via.len()) - 1;
    // A link that was come to, the one before, the ways so far and how many links those are.
    let mut seen: Vec<(Directed, Option<usize>, u32, usize)> = Vec::new();
    let mut queue = VecDeque::from([(from.nodes[1], None::<usize>)]);
    while let Some((node, last)) = queue.pop_front() {
        let (before, mask, length) =
            last.and_then(|l| seen.get(l)).map_or((None, 0, 0), |s| (Some(s.0), s.2, s.3));
        let back = |link: &&Directed| before.and_then(|b| b.opposite) == Some(link.id);
        let mut ends = to.iter().filter(|link| link.nodes[0] == node && !back(link));
        // Where the last way runs on through the node, it is not said to which side one turns.
        if let (true, Some(end), None) = (mask == whole, ends.next(), ends.next()) {
            let mut links = Vec::new();
            let mut at = last;
            while let Some((link, previous, ..)) = at.and_then(|at| seen.get(at)) {
                links.push(*link);
                at = *previous;
            }
            links.reverse();
            return Some((from, links, *end));
        }
        if length >= MAX_LINKS {
            continue;
        }
        for (i, links) in via.iter().enumerate() {
            let mask = mask | 1 << i;
            for link in links.iter().filter(|link| link.nodes[0] == node) {
                let back = before.is_some_and(|before| before.opposite == Some(link.id));
                if !back && !seen.iter().any(|s| s.0.id == link.id && s.2 == mask) {
                    seen.push((*link, last, mask, length + 1));
                    queue.push_back((link.nodes[1], Some(seen.len() - 1)));
                }
            }
        }
    }
    None
}
