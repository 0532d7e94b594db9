//! Who may use which link now: what always holds, and the rules in time that hold at an instant.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use vlot_hours::Schedule;
use vlot_model::{Access, City, LinkIx, Mode, Opening, Permission, RoadNetwork, Timestamp, Turn};

/// The rules of a network, with the hours that they speak of at one instant.
#[derive(Clone, Debug)]
pub struct Permits {
    schedules: Vec<Schedule>,
    by_hours: FxHashMap<Arc<str>, usize>,
    /// Whether each schedule holds.
    holds: Vec<bool>,
    /// Nothing changes before.
    until: Timestamp,
}

impl Permits {
    /// At an instant, by the city's clock and calendar.
    #[must_use]
    pub fn new(network: &RoadNetwork, city: &City, now: Timestamp) -> Self {
        let of_links = network.access.iter().flat_map(|access| access.rules.iter().map(|rule| &rule.hours));
        let of_turns = network.turns.iter().filter_map(|turn| turn.hours.as_ref());
        let (mut schedules, mut by_hours) = (Vec::new(), FxHashMap::default());
        for hours in of_links.chain(of_turns) {
            by_hours.entry(Arc::clone(hours)).or_insert_with(|| {
                schedules.push(Schedule::new(hours, city));
                schedules.len() - 1
            });
        }
        let holds = vec![false; schedules.len()];
        let mut permits = Permits { schedules, by_hours, holds, until: now };
        permits.advance(now);
        permits
    }

    /// While no rule in time holds, of links and of turns: for who knows neither the hour nor the city's calendar.
    #[must_use]
    pub fn usual(network: &RoadNetwork) -> Self {
        let of_links = network.access.iter().flat_map(|access| access.rules.iter().map(|rule| &rule.hours));
        let of_turns = network.turns.iter().filter_map(|turn| turn.hours.as_ref());
        let by_hours = of_links.chain(of_turns).map(|hours| (Arc::clone(hours), 0)).collect();
        let until = Timestamp::from_micros(i64::MAX);
        Permits { schedules: Vec::new(), by_hours, holds: vec![false], until }
    }

    /// Moves on to an instant. Whether anything holds or no longer holds.
    pub fn advance(&mut self, now: Timestamp) -> bool {
        let mut changed = false;
        self.until = Timestamp::from_micros(i64::MAX);
        for (schedule, holds) in self.schedules.iter().zip(&mut self.holds) {
            let (opening, until) = schedule.at(now);
            // Hours that are not known (a year whose holidays nobody entered) bind: advice must not lead through them.
            let now_holds = opening != Opening::Closed;
            changed |= *holds != now_holds;
            *holds = now_holds;
            self.until = self.until.min(until);
        }
        changed
    }

    /// Nothing changes before.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }

    fn now(&self, hours: &Arc<str>) -> bool {
        self.by_hours.get(hours).and_then(|at| self.holds.get(*at)).copied().unwrap_or(true)
    }

    /// Who may use a link now; nobody one that is not of this network.
    #[must_use]
    pub fn permission(&self, network: &RoadNetwork, link: LinkIx, mode: Mode) -> Permission {
        let access = network.link(link).and_then(|link| network.access.get(link.access as usize));
        access.map_or(Permission::No, |access| self.of(access, mode))
    }

    /// Who may now use a link of that access.
    #[must_use]
    pub fn of(&self, access: &Access, mode: Mode) -> Permission {
        let holding = access.rules.iter().rev().find(|rule| rule.modes.has(mode) && self.now(&rule.hours));
        holding.map_or_else(|| access.usual(mode), |rule| rule.permission)
    }

    /// Whether a turn's rule binds now.
    #[must_use]
    pub fn binds(&self, turn: &Turn, mode: Mode) -> bool {
        turn.modes.has(mode) && turn.hours.as_ref().is_none_or(|hours| self.now(hours))
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::{AccessRule, LonLat, Modes, RoadClass};

    use super::*;
    use crate::{Draft, DraftLink};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_school_street_is_closed_to_cars_at_school_hours() {
        let points = [4.7, 4.71].map(|lon| LonLat { lon, lat: 50.88 }).to_vec();
        let rule = AccessRule {
            modes: Modes::NONE.with(Mode::Car),
            hours: "Mo-Fr 08:15-08:45".into(),
            permission: Permission::No,
        };
        let mut access = Access { rules: vec![rule], ..Access::default() };
        access.always[Mode::Bus as usize] = Permission::No;
        let mut draft = Draft::new("test");
        draft.link(DraftLink { points, access, ..DraftLink::new([1, 2], 1, RoadClass::Residential) });
        let network = draft.make().network;
        let city = City { timezone: "Europe/Brussels".into(), ..City::default() };
        // A Monday.
        let mut permits = Permits::new(&network, &city, at("2026-05-04T08:00:00+02:00"));
        let may = |permits: &Permits, mode| permits.permission(&network, LinkIx(0), mode);
        assert_eq!((may(&permits, Mode::Car), may(&permits, Mode::Bus)), (Permission::Yes, Permission::No));
        assert_eq!(permits.until(), at("2026-05-04T08:15:00+02:00"));
        assert!(permits.advance(permits.until()));
        assert_eq!((may(&permits, Mode::Car), may(&permits, Mode::Foot)), (Permission::No, Permission::Yes));
        assert!(!permits.advance(at("2026-05-04T08:30:00+02:00")));
        assert!(permits.advance(at("2026-05-04T08:45:00+02:00")));
        assert_eq!(may(&permits, Mode::Car), Permission::Yes);
        assert_eq!(permits.permission(&network, LinkIx(7), Mode::Car), Permission::No);
        let mut usual = Permits::usual(&network);
        assert_eq!((may(&usual, Mode::Car), may(&usual, Mode::Bus)), (Permission::Yes, Permission::No));
        assert!(!usual.advance(at("2026-05-04T08:30:00+02:00")));
        assert_eq!(may(&usual, Mode::Car), Permission::Yes);
    }
}
