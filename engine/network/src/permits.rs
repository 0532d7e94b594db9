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
    /// Whether each schedule holds; `None`: nobody knows.
    holds: Vec<Option<bool>>,
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
        let holds = vec![Some(false); schedules.len()];
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
        Permits { schedules: Vec::new(), by_hours, holds: vec![Some(false)], until }
    }

    /// Moves on to an instant. Whether anything holds or no longer holds.
    pub fn advance(&mut self, now: Timestamp) -> bool {
        let mut changed = false;
        self.until = Timestamp::from_micros(i64::MAX);
        for (schedule, holds) in self.schedules.iter().zip(&mut self.holds) {
            let (opening, until) = schedule.at(now);
            let now_holds = match opening {
                Opening::Open => Some(true),
                Opening::Closed => Some(false),
                // A year whose holidays nobody entered, hours "by appointment".
                Opening::Unknown => None,
            };
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

    fn now(&self, hours: &Arc<str>) -> Option<bool> {
        self.by_hours.get(hours).and_then(|at| self.holds.get(*at)).copied().flatten()
    }

    /// Who may use a link now; nobody one that is not of this network.
    #[must_use]
    pub fn permission(&self, network: &RoadNetwork, link: LinkIx, mode: Mode) -> Permission {
        let access = network.link(link).and_then(|link| network.access.get(link.access as usize));
        access.map_or(Permission::No, |access| self.of(access, mode))
    }

    /// Who may now use a link of that access. Of a rule whose hours are not known the narrower counts, of what it says and of
    /// what would hold without it: it may close a street, and never opens one.
    #[must_use]
    pub fn of(&self, access: &Access, mode: Mode) -> Permission {
        let mut at_widest = Permission::Yes;
        for rule in access.rules.iter().rev().filter(|rule| rule.modes.has(mode)) {
            match self.now(&rule.hours) {
                Some(true) => return rule.permission.max(at_widest),
                Some(false) => {}
                None => at_widest = at_widest.max(rule.permission),
            }
        }
        access.usual(mode).max(at_widest)
    }

    /// Whether a turn's rule binds now; one whose hours are not known does.
    #[must_use]
    pub fn binds(&self, turn: &Turn, mode: Mode) -> bool {
        turn.modes.has(mode) && turn.hours.as_ref().is_none_or(|hours| self.now(hours) != Some(false))
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

    /// Public holidays that nobody entered: whether the rule holds is not known.
    const UNKNOWN: &str = "PH 08:00-18:00";

    fn rule(hours: &str, permission: Permission) -> AccessRule {
        AccessRule { modes: Modes::ALL, hours: hours.into(), permission }
    }

    /// A link of that access, and who may go there by car on a Monday at noon.
    fn by_car(usual: Permission, rules: Vec<AccessRule>) -> Permission {
        let points = [4.7, 4.71].map(|lon| LonLat { lon, lat: 50.88 }).to_vec();
        let access = Access { always: [usual; 4], rules, ..Access::default() };
        let mut draft = Draft::new("test");
        draft.link(DraftLink { points, access, ..DraftLink::new([1, 2], 1, RoadClass::Residential) });
        let network = draft.make().network;
        let city = City { timezone: "Europe/Brussels".into(), ..City::default() };
        let permits = Permits::new(&network, &city, at("2026-05-04T12:00:00+02:00"));
        permits.permission(&network, LinkIx(0), Mode::Car)
    }

    #[test]
    fn a_rule_in_hours_that_are_not_known_may_close_a_street_and_never_opens_one() {
        use Permission::{Destination, No, Yes};
        for hours in [UNKNOWN, "Mo-Fr 08:00-18:00 \"by appointment\"", "no hours at all"] {
            for usual in [Yes, Destination, No] {
                for said in [Yes, Destination, No] {
                    assert_eq!(
                        by_car(usual, vec![rule(hours, said)]),
                        usual.max(said),
                        "{hours} {usual:?} {said:?}"
                    );
                }
            }
        }
        // What holds for certain stands behind it, and counts with it; what stands behind that does not.
        let noon = "11:00-13:00";
        let night = "23:00-24:00";
        assert_eq!(by_car(Yes, vec![rule(noon, No), rule(UNKNOWN, Yes)]), No);
        assert_eq!(by_car(No, vec![rule(noon, Yes), rule(UNKNOWN, Destination)]), Destination);
        assert_eq!(by_car(Yes, vec![rule(UNKNOWN, No), rule(noon, Yes)]), Yes);
        assert_eq!(by_car(No, vec![rule(UNKNOWN, Yes), rule(night, Yes)]), No);
        assert_eq!(by_car(Yes, vec![rule(UNKNOWN, Destination), rule(UNKNOWN, No), rule(UNKNOWN, Yes)]), No);
    }

    #[test]
    fn a_turn_in_hours_that_are_not_known_is_forbidden() {
        let turn = |hours: Option<&str>| Turn {
            from: LinkIx(0),
            via: Vec::new(),
            to: LinkIx(1),
            only: false,
            modes: Modes::NONE.with(Mode::Car),
            hours: hours.map(Arc::from),
        };
        let turns = [turn(Some(UNKNOWN)), turn(Some("23:00-24:00")), turn(None)];
        let network = RoadNetwork { turns: turns.to_vec(), ..RoadNetwork::default() };
        let permits = Permits::new(&network, &City::default(), at("2026-05-04T12:00:00Z"));
        assert_eq!(turns.map(|turn| permits.binds(&turn, Mode::Car)), [true, false, true]);
        assert!(!permits.binds(&network.turns[0], Mode::Foot));
    }
}
