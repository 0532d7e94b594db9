//! Situations on the network: which links they are on, and the ways around those that nobody may use.

use std::collections::BTreeSet;
use std::sync::Arc;

use vlot_model::{City, Detour, Effect, LinkIx, Mode, Permission, RoadNetwork, Situation, Timestamp};
use vlot_network::detour::{Detours, free_s, is_quiet};
use vlot_network::{Index, Permits, geo, locate};

/// Ways around one situation for one mode: a closed street has one for each direction, and of a closed quarter nobody reads
/// more.
const MOST_WAYS: usize = 4;
/// Rows of links that ways around are sought for.
const MOST_ROWS: usize = 16;

/// Links that each mode cannot use now, in order.
pub(super) type Closed = [Vec<LinkIx>; 4];

/// The network, looked at when the first situation is stated.
#[derive(Debug)]
pub(super) struct Streets {
    network: Arc<RoadNetwork>,
    index: Index,
    detours: Detours,
    permits: Permits,
}

impl Streets {
    pub(super) fn new(network: &Arc<RoadNetwork>, city: &City, now: Timestamp) -> Self {
        Streets {
            network: Arc::clone(network),
            index: Index::new(network, |_| true),
            detours: Detours::new(network),
            permits: Permits::new(network, city, now),
        }
    }

    /// Moves on to an instant. Whether somebody may go elsewhere than before.
    pub(super) fn advance(&mut self, now: Timestamp) -> bool {
        now >= self.permits.until() && self.permits.advance(now)
    }

    /// Nobody's permission changes before.
    pub(super) fn until(&self) -> Timestamp {
        self.permits.until()
    }

    pub(super) fn links(&self, stated: &Situation) -> Vec<LinkIx> {
        let Situation { location, modes, both_directions, .. } = stated;
        locate::locate(&self.network, &self.index, location, *modes, *both_directions)
    }

    /// The ways around a situation, for each mode that it keeps out of a street: one for each row of its links, empty where
    /// there is none, and a single empty one where no row has any.
    pub(super) fn around(&self, stated: &Situation, links: &[LinkIx], closed: &Closed) -> Vec<Detour> {
        let mut detours = Vec::new();
        if stated.effect != Effect::Closed {
            return detours;
        }
        for mode in Mode::ALL.into_iter().filter(|mode| stated.modes.has(*mode)) {
            let may = |link: LinkIx| self.permits.permission(&self.network, link, mode) != Permission::No;
            let mut own: Vec<_> = links.iter().copied().filter(|link| may(*link)).collect();
            if own.is_empty() {
                continue;
            }
            let rows = self.rows(mode, &own);
            own.sort_unstable();
            let closed = &closed[mode as usize];
            let shut = |link: LinkIx| own.binary_search(&link).is_ok() || closed.binary_search(&link).is_ok();
            let ways: Vec<_> =
                rows.iter().filter_map(|row| self.around_row(mode, row, &shut)).take(MOST_WAYS).collect();
            match ways.iter().all(|way| way.links.is_empty()) {
                true => detours.push(none(mode)),
                false => detours.extend(ways),
            }
        }
        detours
    }

    /// The way around links in a row; `None` where they lead from nowhere or to nowhere.
    fn around_row(&self, mode: Mode, row: &[LinkIx], shut: &dyn Fn(LinkIx) -> bool) -> Option<Detour> {
        let (&first, &last) = (row.first()?, row.last()?);
        let (from, to) = (self.network.link(first)?.from, self.network.link(last)?.to);
        let may = |link: LinkIx| self.permits.permission(&self.network, link, mode) != Permission::No;
        let turns = |a, b| self.detours.may_turn(&self.network, &self.permits, mode, a, b);
        let not_about =
            |a: LinkIx, b: LinkIx| self.network.link(a).is_some_and(|link| link.opposite != Some(b));
        // Links that end where the row begins: looked for among the opposites would miss one-way streets.
        let arriving = self.arriving(from);
        let before: Vec<_> = arriving
            .into_iter()
            .filter(|link| may(*link) && not_about(*link, first) && turns(*link, first))
            .collect();
        let leaving = self.detours.leaving(to).iter().copied();
        let after: Vec<_> =
            leaving.filter(|link| may(*link) && not_about(last, *link) && turns(last, *link)).collect();
        if before.is_empty() || after.is_empty() {
            return None;
        }
        let open = |all: &[LinkIx], beside: LinkIx| {
            let fits = |link: &LinkIx| !shut(*link);
            all.iter().copied().filter(fits).min_by(|a, b| self.prefer(mode, beside, *a, *b))
        };
        let (Some(before), Some(after)) = (open(&before, first), open(&after, last)) else {
            return Some(none(mode));
        };
        let way = self.detours.way(&self.network, &self.permits, mode, shut, [before, after]);
        let through = std::iter::once(before).chain(row.iter().copied()).chain([after]);
        let through_s: f32 = through.filter_map(|link| free_s(&self.network, link, mode)).sum();
        Some(way.map_or_else(
            || none(mode),
            |way| Detour {
                mode,
                extra_s: way.travel_time_s - through_s,
                travel_time_s: way.travel_time_s,
                links: way.links,
            },
        ))
    }

    fn arriving(&self, node: vlot_model::NodeIx) -> Vec<LinkIx> {
        let ends = self.network.links.iter().enumerate().filter(|(_, link)| link.to == node);
        ends.map(|(at, _)| LinkIx::from_position(at)).collect()
    }

    /// Of two links before or after another the one that most of its traffic uses, as far as one can see.
    fn prefer(&self, mode: Mode, beside: LinkIx, a: LinkIx, b: LinkIx) -> std::cmp::Ordering {
        let quiet = |link| is_quiet(&self.network, &self.permits, mode, link);
        let other_name = |link| self.network.name(link) != self.network.name(beside);
        let class = |link| self.network.link(link).map(|link| link.class);
        (quiet(a), other_name(a), class(a))
            .cmp(&(quiet(b), other_name(b), class(b)))
            .then_with(|| self.bend(beside, a).total_cmp(&self.bend(beside, b)))
            .then(a.cmp(&b))
    }

    /// How far two links that meet are from being straight on, degrees.
    fn bend(&self, a: LinkIx, b: LinkIx) -> f64 {
        let bearing = |link: LinkIx| match self.network.shape(link) {
            [first, .., last] => geo::bearing_deg(*first, *last),
            _ => 0.0,
        };
        geo::turn_deg(bearing(a), bearing(b))
    }

    /// Links in rows in which one follows on the other, each link once, in the order of their first links.
    fn rows(&self, mode: Mode, links: &[LinkIx]) -> Vec<Vec<LinkIx>> {
        let follows = |a: LinkIx, b: LinkIx| match (self.network.link(a), self.network.link(b)) {
            (Some(one), Some(next)) => {
                one.to == next.from
                    && one.opposite != Some(b)
                    && self.detours.may_turn(&self.network, &self.permits, mode, a, b)
            }
            _ => false,
        };
        let own: BTreeSet<_> = links.iter().copied().collect();
        let onward = |link: LinkIx| {
            let to = self.network.link(link).map(|link| link.to);
            let leaving = to.map_or(&[][..], |to| self.detours.leaving(to)).iter().copied();
            leaving.filter(move |next| follows(link, *next)).filter(|next| own.contains(next))
        };
        let led_to: BTreeSet<_> = links.iter().flat_map(|link| onward(*link)).collect();
        let (inner, first): (Vec<_>, Vec<_>) = links.iter().partition(|link| led_to.contains(link));
        let mut left = own.clone();
        let mut rows = Vec::new();
        // What is led to by another and not in a row yet is in a circle.
        for begin in first.into_iter().chain(inner) {
            if rows.len() >= MOST_ROWS {
                break;
            }
            if !left.remove(&begin) {
                continue;
            }
            let mut row = vec![begin];
            while let Some(&last) = row.last() {
                let next = onward(last)
                    .filter(|next| left.contains(next))
                    .min_by(|a, b| self.bend(last, *a).total_cmp(&self.bend(last, *b)));
                let Some(next) = next else { break };
                left.remove(&next);
                row.push(next);
            }
            rows.push(row);
        }
        rows
    }
}

/// That there is no way around.
fn none(mode: Mode) -> Detour {
    Detour { mode, links: Vec::new(), travel_time_s: f32::INFINITY, extra_s: f32::INFINITY }
}
