//! Routes of one mode, kept up to date with travel times, closures and permissions.

use std::collections::BTreeMap;
use std::sync::Arc;

use vlot_model::{LinkIx, Mode, RoadNetwork};
use vlot_network::Permits;
use vlot_network::route::Router;

/// Routes of a mode, and the travel times that they are by.
pub(super) struct Ways {
    router: Arc<Router>,
    /// Seconds over links of which something is known; infinite: closed.
    known_s: BTreeMap<LinkIx, f32>,
}

impl Ways {
    /// Nothing may be used before the first [`Ways::bring`]. Takes seconds in a large city.
    pub(super) fn new(network: &Arc<RoadNetwork>, mode: Mode) -> Self {
        let router = Arc::new(Router::new(Arc::clone(network), mode, None));
        Ways { router, known_s: BTreeMap::default() }
    }

    pub(super) fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// Brings them up to an instant: not at all, by the links that changed, or anew. Whoever still has the routes of before keeps
    /// them as they were.
    pub(super) fn bring(&mut self, permits: &Permits, known_s: BTreeMap<LinkIx, f32>) {
        let news = known_s.iter().filter(|(link, s)| self.known_s.get(link) != Some(s));
        let mut changed: Vec<(LinkIx, f32)> = news.map(|(link, s)| (*link, *s)).collect();
        let gone = self.known_s.keys().filter(|link| !known_s.contains_key(link));
        changed.extend(gone.map(|link| (*link, f32::NAN)));
        let heeds = self.router.heeds(permits);
        if heeds && changed.is_empty() {
            return;
        }
        let mut router = Router::clone(&self.router);
        if heeds {
            router.update(&changed);
        } else {
            router.weights(permits, |link| known_s.get(&link).copied());
        }
        *self = Ways { router: Arc::new(router), known_s };
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::{Access, AccessRule, City, LonLat, Modes, OnLink, Permission, RoadClass, Timestamp};
    use vlot_network::{Draft, DraftLink};

    use super::*;

    /// A ring of 40 links, one way; cars may not use the first by night.
    fn ring() -> Arc<RoadNetwork> {
        let place = |n: i64| {
            let (sin, cos) = (std::f64::consts::TAU * n as f64 / 40.0).sin_cos();
            LonLat { lon: 4.7 + 0.02 * sin, lat: 50.88 + 0.01 * cos }
        };
        let mut draft = Draft::new("test");
        for n in 0..40 {
            let mut access = Access::default();
            if n == 0 {
                let modes = Modes::NONE.with(Mode::Car);
                access.rules =
                    vec![AccessRule { modes, hours: "22:00-06:00".into(), permission: Permission::No }];
            }
            let link = DraftLink::new([n, (n + 1) % 40], 1 + n.unsigned_abs(), RoadClass::Primary);
            draft.link(DraftLink { points: vec![place(n), place(n + 1)], access, ..link });
        }
        Arc::new(draft.make().network)
    }

    /// Permits, what is known of cars' travel times, whether it is news to them, and whether they get through.
    type Step<'a> = (&'a Permits, &'a [(u32, f32)], bool, bool);

    #[test]
    fn routes_are_made_anew_only_for_whom_something_changed_and_as_if_made_at_once() {
        let network = ring();
        let city = City { timezone: "Europe/Brussels".into(), ..City::default() };
        let at = |text: &str| Permits::new(&network, &city, text.parse::<Timestamp>().unwrap());
        let (day, night) = (at("2026-05-04T12:00:00+02:00"), at("2026-05-04T23:00:00+02:00"));
        let on = |n| [OnLink { link: LinkIx(n), offset_m: 0.0, distance_m: 0.0 }];
        let mut cars = Ways::new(&network, Mode::Car);
        let mut bicycles = Ways::new(&network, Mode::Bicycle);
        let known =
            |all: &[(u32, f32)]| all.iter().map(|(n, s)| (LinkIx(*n), *s)).collect::<BTreeMap<_, _>>();
        let steps: [Step<'_>; 7] = [
            (&day, &[], true, true),
            (&day, &[], false, true),
            (&day, &[(3, 900.0)], true, true),
            (&day, &[(3, f32::INFINITY)], true, false),
            (&day, &[(3, 900.0)], true, true),
            (&day, &[], true, true),
            (&night, &[], true, false),
        ];
        for (i, (permits, seconds, changes, leads)) in steps.into_iter().enumerate() {
            let before = [&cars, &bicycles].map(|ways| Arc::clone(ways.router()));
            cars.bring(permits, known(seconds));
            bicycles.bring(permits, BTreeMap::default());
            assert_eq!(!Arc::ptr_eq(cars.router(), &before[0]), changes, "step {i}");
            // What is said of cars is nothing to them, by day as by night.
            assert_eq!(!Arc::ptr_eq(bicycles.router(), &before[1]), i == 0, "step {i}");
            let got = cars.router().distance(&on(39), &on(10));
            assert_eq!(got.is_some(), leads, "step {i}");
            let mut anew = Router::new(Arc::clone(&network), Mode::Car, None);
            anew.weights(permits, |link| known(seconds).get(&link).copied());
            assert_eq!(got, anew.distance(&on(39), &on(10)), "step {i}");
        }
    }
}
