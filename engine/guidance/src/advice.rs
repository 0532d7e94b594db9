//! Which line a sign advises.
//!
//! The candidates are the sign's car parks and zones that show a figure and have more free spaces than the number
//! at which they would be full; on a sign without any, its garages and sections. The best is the one with the
//! shortest travel time; of equals the upper line. An advice that loses its space is replaced at once. Another line
//! takes over only when it is nearer by [`MARGIN`], and only when the present advice has stood for `min_dwell`.

use std::time::Duration;

use vlot_model::{City, RackKind, Sign, Target, UserGroup};

/// A line must be nearer by this much before it takes the advice over.
pub(crate) const MARGIN: Duration = Duration::from_secs(30);

/// What the choice rests on, line by line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) line: usize,
    pub(crate) travel_time: Duration,
}

/// Which of a sign's lines its advice may name: those for the people whom the sign speaks to.
///
/// A sign with a car park or zone speaks to drivers who look for any space. One with spaces of a group alone speaks to that group. One
/// of cargo sections speaks to cargo bicycles, which fit nowhere else; any other garage sign to the rest, whom it never sends among
/// cargo bicycles. A named place is where somebody goes, and never where one parks.
pub(crate) fn advisable(city: &City, sign: &Sign) -> Vec<bool> {
    let targets = || sign.lines.iter().map(|line| line.target);
    let any_space = targets().any(|target| matches!(target, Target::Facility(_)));
    let group = targets().find_map(group);
    let one_group = targets().filter_map(self::group).all(|other| Some(other) == group);
    let mut sections = targets().filter(|target| matches!(target, Target::Section(_))).peekable();
    let cargo = sections.peek().is_some() && sections.all(|target| is_for_cargo(city, target));
    let suits = |target| match target {
        Target::Facility(_) => true,
        Target::Group { .. } => !any_space && one_group,
        Target::Garage(_) | Target::Section(_) => {
            !any_space && group.is_none() && is_for_cargo(city, target) == cargo
        }
        Target::Place(_) => false,
    };
    targets().map(suits).collect()
}

fn group(target: Target) -> Option<UserGroup> {
    if let Target::Group { group, .. } = target { Some(group) } else { None }
}

/// Whether cargo bicycles alone stand there.
fn is_for_cargo(city: &City, target: Target) -> bool {
    let cargo = |s: &vlot_model::SectionIx| {
        city.sections.get(s.at()).is_some_and(|section| section.rack == RackKind::Cargo)
    };
    match target {
        Target::Section(s) => cargo(&s),
        Target::Garage(g) => {
            let sections = city.garages.get(g.at()).map_or(&[][..], |g| &g.sections);
            !sections.is_empty() && sections.iter().all(cargo)
        }
        Target::Facility(_) | Target::Place(_) | Target::Group { .. } => false,
    }
}

/// What to do with the advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It holds.
    Keep,
    /// It must become this: the present one would mislead.
    Must(Option<usize>),
    /// It may become this once it has stood long enough.
    May(usize),
}

/// Chooses among `candidates`, which come in the order of their lines.
pub(crate) fn choose(current: Option<usize>, candidates: &[Candidate]) -> Next {
    // `min_by_key` returns the first of equals: the upper line.
    let best = candidates.iter().min_by_key(|c| c.travel_time);
    let held = current.map(|line| candidates.iter().find(|c| c.line == line));
    match (held, best) {
        (None, None) => Next::Keep,
        (None, Some(best)) => Next::May(best.line),
        (Some(None), best) => Next::Must(best.map(|c| c.line)),
        (Some(Some(held)), Some(best)) if best.travel_time + MARGIN <= held.travel_time => {
            Next::May(best.line)
        }
        (Some(Some(_)), _) => Next::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_with_space_is_advised_and_kept_within_the_margin() {
        let line = |line, seconds| Candidate { line, travel_time: Duration::from_secs(seconds) };
        let table: [(Option<usize>, &[Candidate], Next); 8] = [
            (None, &[], Next::Keep),
            (None, &[line(0, 300), line(1, 120)], Next::May(1)),
            (None, &[line(1, 120), line(2, 120)], Next::May(1)),
            (Some(0), &[line(0, 300), line(1, 271)], Next::Keep),
            (Some(0), &[line(0, 300), line(1, 270)], Next::May(1)),
            (Some(0), &[line(1, 500), line(2, 400)], Next::Must(Some(2))),
            (Some(0), &[], Next::Must(None)),
            (Some(1), &[line(0, 300), line(1, 120)], Next::Keep),
        ];
        for (current, candidates, choice) in table {
            assert_eq!(choose(current, candidates), choice, "{current:?} of {candidates:?}");
        }
    }
}
