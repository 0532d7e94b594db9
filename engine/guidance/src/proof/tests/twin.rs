//! The same judgement as one would come to it on the street: a driver who goes link by link and looks at every sign.

use std::collections::BTreeSet;

use vlot_model::{FacilityStatus, LineWay, LinkIx, LiveWay, Mode, Permission, Placement, SignIx, Target};

use super::world::World;
use crate::proof::{Fault, Wrong};

/// A fault, without words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    Misfit(SignIx),
    /// Anything of rule 1.
    Way(SignIx, usize),
    Lost(SignIx, usize, SignIx),
    /// Somebody goes round on the way to there.
    Round(Target),
    /// Somebody who follows the advice goes round.
    AdvisedRound(Mode),
    NoSpace(SignIx, usize),
    NoWay(SignIx, usize),
    Unproven(SignIx, usize),
    Contradicted(SignIx, usize, SignIx),
    CarPark(SignIx, usize),
}

/// What the proof found, as the twin says it.
pub(super) fn said(world: &World, faults: &[Fault]) -> BTreeSet<Found> {
    let found = |fault: &Fault| {
        let (sign, line) = (fault.sign, fault.line.unwrap_or(usize::MAX));
        match &fault.wrong {
            Wrong::Misfit => Found::Misfit(sign),
            Wrong::NoStand | Wrong::NoEntrance | Wrong::StartsElsewhere | Wrong::EndsElsewhere => {
                Found::Way(sign, line)
            }
            Wrong::Backwards | Wrong::Unlawful { .. } => Found::Way(sign, line),
            Wrong::NoWay => Found::NoWay(sign, line),
            Wrong::Unproven => Found::Unproven(sign, line),
            Wrong::Lost { at, .. } => Found::Lost(sign, line, *at),
            Wrong::Round { advice: true, .. } => Found::AdvisedRound(mode(world.target(sign, line))),
            Wrong::Round { .. } => Found::Round(world.target(sign, line)),
            Wrong::NoSpace { .. } => Found::NoSpace(sign, line),
            Wrong::Contradicted { by, .. } => Found::Contradicted(sign, line, *by),
            Wrong::CarPark => Found::CarPark(sign, line),
        }
    };
    faults.iter().map(found).collect()
}

fn mode(target: Target) -> Mode {
    if matches!(target, Target::Facility(_)) { Mode::Car } else { Mode::Bicycle }
}

/// How a drive ends.
enum End {
    Arrived,
    /// At a sign that one has been at.
    Round,
    /// The last sign and its line, and a sign after it that knows no way.
    Lost(SignIx, usize, SignIx),
    /// At a sign whose way cannot be driven.
    Stuck,
}

pub(super) fn judge(world: &World) -> BTreeSet<Found> {
    let mut found = BTreeSet::new();
    for (i, plan) in world.plans.iter().enumerate() {
        let sign = SignIx::from_position(i);
        for n in 0..plan.lines.len() {
            let target = world.target(sign, n);
            let Some(way) = world.live(sign, n) else { continue };
            if !drivable(world, sign, n, way) {
                found.insert(Found::Way(sign, n));
                continue;
            }
            let onwards =
                |at: SignIx| world.city.signs[at.at()].lines.iter().position(|line| line.target == target);
            match drive(world, sign, n, onwards) {
                End::Round => found.insert(Found::Round(target)),
                End::Lost(from, line, at) => found.insert(Found::Lost(from, line, at)),
                End::Arrived | End::Stuck => false,
            };
        }
        let Some(n) = plan.advice.map(|n| n as usize) else { continue };
        advised(world, sign, n, &mut found);
    }
    found
}

fn advised(world: &World, sign: SignIx, n: usize, found: &mut BTreeSet<Found>) {
    let target = world.target(sign, n);
    let bad = |status| matches!(status, FacilityStatus::Full | FacilityStatus::Closed);
    if world.says[&(sign, n)] != FacilityStatus::SpacesAvailable {
        found.insert(Found::NoSpace(sign, n));
    }
    let announcing =
        |at: SignIx| world.city.signs[at.at()].lines.iter().position(|line| line.target == target);
    if let Placement::Garage(garage) = world.city.signs[sign.at()].placement {
        if mode(target) == Mode::Car {
            found.insert(Found::CarPark(sign, n));
        }
        for at in (0..world.city.signs.len()).map(SignIx::from_position).filter(|at| *at != sign) {
            let here = world.city.signs[at.at()].placement == Placement::Garage(garage);
            if here && announcing(at).is_some_and(|other| bad(world.says[&(at, other)])) {
                found.insert(Found::Contradicted(sign, n, at));
            }
        }
        return;
    }
    let way = match &world.plans[sign.at()].lines[n].way {
        LineWay::None => {
            found.insert(Found::NoWay(sign, n));
            return;
        }
        LineWay::Configured => {
            found.insert(Found::Unproven(sign, n));
            return;
        }
        LineWay::Live(way) if !drivable(world, sign, n, way) => return,
        LineWay::Live(way) => way,
    };
    for i in 0..way.links.len() {
        for at in signs_on(world, way, i, sign) {
            let Some(other) = announcing(at) else { continue };
            if bad(world.says[&(at, other)]) {
                found.insert(Found::Contradicted(sign, n, at));
            }
            if world.plans[at.at()].lines[other].way == LineWay::None {
                found.insert(Found::Lost(sign, n, at));
            }
        }
    }
    let onwards = |at: SignIx| {
        let n = world.plans[at.at()].advice? as usize;
        (mode(world.target(at, n)) == mode(target)).then_some(n)
    };
    if let End::Round = drive(world, sign, n, onwards) {
        found.insert(Found::AdvisedRound(mode(target)));
    }
}

/// Signs on a link of a way, in the order in which one passes them who began at a sign.
fn signs_on(world: &World, way: &LiveWay, i: usize, from: SignIx) -> Vec<SignIx> {
    let place = |sign: SignIx| world.city.placed.signs[sign.at()];
    let mut there = Vec::new();
    for sign in world.along() {
        let Some(on) = place(sign) else { continue };
        let begun = place(from).expect("along a street").offset_m;
        let behind = i == 0 && (on.offset_m < begun || on.offset_m == begun && sign <= from);
        let beyond = i + 1 == way.links.len() && on.offset_m >= way.end_m;
        if on.link == way.links[i] && !behind && !beyond {
            there.push(sign);
        }
    }
    there.sort_by(|a, b| {
        place(*a)
            .map(|on| on.offset_m)
            .partial_cmp(&place(*b).map(|on| on.offset_m))
            .expect("numbers")
            .then(a.cmp(b))
    });
    there
}

/// Drives a sign's way; where `onwards` says so, that of another.
fn drive(world: &World, sign: SignIx, line: usize, onwards: impl Fn(SignIx) -> Option<usize>) -> End {
    let (mut sign, mut line, mut i) = (sign, line, 0);
    let mut been = BTreeSet::from([sign]);
    loop {
        let way = match &world.plans[sign.at()].lines[line].way {
            LineWay::Live(way) if drivable(world, sign, line, way) => way,
            _ => return End::Stuck,
        };
        if i == way.links.len() {
            return End::Arrived;
        }
        let next = signs_on(world, way, i, sign).into_iter().find_map(|at| Some((at, onwards(at)?)));
        let Some((at, n)) = next else {
            i += 1;
            continue;
        };
        if !been.insert(at) {
            return End::Round;
        }
        if !matches!(world.plans[at.at()].lines[n].way, LineWay::Live(_)) {
            return End::Lost(sign, line, at);
        }
        (sign, line, i) = (at, n, 0);
    }
}

/// Rule 1, asked of every link by itself.
fn drivable(world: &World, sign: SignIx, line: usize, way: &LiveWay) -> bool {
    let (network, target) = (world.network(), world.target(sign, line));
    let (mode, Some(on)) = (mode(target), world.city.placed.signs[sign.at()]) else { return false };
    let through = if mode == Mode::Car { &world.cars } else { &world.bicycles };
    let to = world.entrance(target);
    let may = |link: LinkIx| network.access[network.links[link.at()].access as usize].always[mode as usize];
    let links = &way.links;
    let Some((first, last)) = links.first().zip(links.last()) else { return false };
    let at_ends = *first == on.link && *last == to.link;
    let near = (way.start_m - on.offset_m).abs() <= 1.0 && (way.end_m - to.offset_m).abs() <= 1.0;
    let forwards = links.len() > 1 || way.start_m - way.end_m <= 1.0;
    let open = links.iter().all(|link| may(*link) != Permission::No && !world.closed.contains(link));
    let joined = links.windows(2).all(|two| {
        let (a, b) = (&network.links[two[0].at()], &network.links[two[1].at()]);
        let other = (0..network.links.len()).map(LinkIx::from_position).any(|link| {
            network.links[link.at()].from == a.to && Some(link) != a.opposite && may(link) != Permission::No
        });
        a.to == b.from && (a.opposite != Some(two[1]) || !other)
    });
    let turns = network.turns.iter().all(|turn| {
        let sequence: Vec<_> =
            [turn.from].into_iter().chain(turn.via.iter().copied()).chain([turn.to]).collect();
        !links.windows(sequence.len()).any(|part| part == sequence.as_slice())
    });
    let leads: Vec<_> =
        links.iter().map(|link| through.ever(*link) && may(*link) == Permission::Yes).collect();
    let quiet = leads
        .iter()
        .enumerate()
        .all(|(i, leads_here)| *leads_here || !(leads[..i].contains(&true) && leads[i..].contains(&true)));
    at_ends && near && forwards && open && joined && turns && quiet
}
