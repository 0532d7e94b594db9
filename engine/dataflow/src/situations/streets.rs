//! Situations on the network: which links they are on, and the ways around those that nobody may use.

use std::collections::BTreeSet;
use std::sync::Arc;

use vlot_model::{City, Detour, Effect, LinkIx, Mode, Permission, RoadNetwork, Situation, Timestamp};
use vlot_network::detour::Detours;
use vlot_network::route::undisturbed_s;
use vlot_network::{Index, Permits, geo, locate};

/// Ways around one situation for one mode: a closed street has one for each direction, and of a closed quarter nobody reads
/// more.
const MOST_WAYS: usize = 4;
/// Rows of links that ways around are sought for.
const MOST_ROWS: usize = 16;
/// A way around begins and ends no more links away than this.
const MOST_FAR: usize = 8;

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
                true => detours.push(none(mode, &[])),
                false => detours.extend(ways),
            }
        }
        detours
    }

    /// The way around links in a row; `None` where they lead from nowhere or to nowhere. Where only quiet streets lead off right
    /// before or behind them, it begins and ends farther away.
    fn around_row(&self, mode: Mode, row: &[LinkIx], shut: &dyn Fn(LinkIx) -> bool) -> Option<Detour> {
        let (&first, &last) = (row.first()?, row.last()?);
        if self.beside(mode, first, false).is_empty() || self.beside(mode, last, true).is_empty() {
            return None;
        }
        let before = self.chain(mode, first, false, shut);
        let after = self.chain(mode, last, true, shut);
        for far in 1..=before.len().max(after.len()) {
            let (before, after) = (&before[..far.min(before.len())], &after[..far.min(after.len())]);
            let (Some(start), Some(end)) = (before.last(), after.last()) else { break };
            let way = self.detours.way(&self.network, &self.permits, mode, shut, [*start, *end]);
            if let Some(way) = way {
                let through = before.iter().chain(row).chain(after);
                let through_s: f64 = through.map(|link| undisturbed_s(&self.network, *link, mode)).sum();
                #[expect(clippy::cast_possible_truncation, reason = "seconds within a city")]
                let (travel_time_s, extra_s) = (way.cost as f32, (way.cost - through_s) as f32);
                return Some(Detour { mode, around: row.to_vec(), extra_s, travel_time_s, links: way.links });
            }
        }
        Some(none(mode, row))
    }

    /// Links that lead to a link or on from it.
    fn beside(&self, mode: Mode, link: LinkIx, onward: bool) -> Vec<LinkIx> {
        let Some(of) = self.network.link(link) else { return Vec::new() };
        // Links that end there: looked for among the opposites would miss one-way streets.
        let all = if onward { self.detours.leaving(of.to).to_vec() } else { self.arriving(of.from) };
        let fits = |other: &LinkIx| {
            let [a, b] = if onward { [link, *other] } else { [*other, link] };
            of.opposite != Some(*other)
                && self.permits.permission(&self.network, *other, mode) != Permission::No
                && self.detours.may_turn(&self.network, &self.permits, mode, a, b)
        };
        all.into_iter().filter(fits).collect()
    }

    /// Where most traffic comes from to a link, or goes on to, from link to link as far as they are open.
    fn chain(&self, mode: Mode, beside: LinkIx, onward: bool, shut: &dyn Fn(LinkIx) -> bool) -> Vec<LinkIx> {
        let mut chain: Vec<LinkIx> = Vec::new();
        while chain.len() < MOST_FAR {
            let at = chain.last().copied().unwrap_or(beside);
            let fits = |link: &LinkIx| *link != beside && !shut(*link) && !chain.contains(link);
            let next = self.beside(mode, at, onward).into_iter().filter(fits);
            let Some(next) = next.min_by(|a, b| self.prefer(mode, at, *a, *b)) else { break };
            chain.push(next);
        }
        chain
    }

    fn arriving(&self, node: vlot_model::NodeIx) -> Vec<LinkIx> {
        let ends = self.network.links.iter().enumerate().filter(|(_, link)| link.to == node);
        ends.map(|(at, _)| LinkIx::from_position(at)).collect()
    }

    /// Of two links before or after another the one that most of its traffic uses, as far as one can see.
    fn prefer(&self, mode: Mode, beside: LinkIx, a: LinkIx, b: LinkIx) -> std::cmp::Ordering {
        let quiet = |link| self.detours.is_quiet(&self.network, &self.permits, mode, link);
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
fn none(mode: Mode, row: &[LinkIx]) -> Detour {
    let (travel_time_s, extra_s) = (f32::INFINITY, f32::INFINITY);
    Detour { mode, around: row.to_vec(), links: Vec::new(), travel_time_s, extra_s }
}
