//! Ways by plain Dijkstra, for who asks once: nothing is prepared, so the first answer is the quickest to come.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use vlot_model::{LinkIx, Mode, OnLink, RoadNetwork};

use crate::trip::Way;
use crate::{Permits, path};

/// Cyclists and pedestrians, km/h, whatever the street allows cars.
const BICYCLE_KMH: f32 = 15.0;
const FOOT_KMH: f32 = 5.0;
/// An alternative is not slower than the best by more than this share of it.
const SLOWER: f32 = 0.4;
/// Nor does it share more than this share of the best's links.
const SHARED: f32 = 0.7;
/// To find others, links that were used cost so many times as much.
const USED_AGAIN: f64 = 1.5;

/// Streets with what is known of them.
#[derive(Clone, Debug)]
pub struct Plain {
    /// The streets.
    pub network: Arc<RoadNetwork>,
    /// Who may use them now; `None`: what always holds.
    pub permits: Option<Permits>,
    /// For whom.
    pub mode: Mode,
    /// Seconds over whole links, where they are not the usual ones; infinite: closed.
    pub known_s: FxHashMap<LinkIx, f32>,
}

/// Seconds that an undisturbed traveller takes for a link; infinite for one that is not of this network.
#[must_use]
pub fn undisturbed_s(network: &RoadNetwork, link: LinkIx, mode: Mode) -> f32 {
    let Some(link) = network.link(link) else { return f32::INFINITY };
    match mode {
        Mode::Car | Mode::Bus => link.free_flow_s(),
        Mode::Bicycle => link.length_m * 3.6 / BICYCLE_KMH,
        Mode::Foot => link.length_m * 3.6 / FOOT_KMH,
    }
}

impl Plain {
    fn seconds(&self, link: LinkIx) -> f32 {
        let known = self.known_s.get(&link).copied();
        known.unwrap_or_else(|| undisturbed_s(&self.network, link, self.mode))
    }

    /// Ways from one of some places to one of others, the quickest first, at most so many. Empty: there is none.
    #[must_use]
    pub fn ways(&self, from: &[OnLink], to: &[OnLink], most: usize) -> Vec<Way> {
        let mut used: FxHashMap<LinkIx, f64> = FxHashMap::default();
        let mut ways: Vec<Way> = Vec::new();
        for _ in 0..3 * most {
            let Some(way) = self.way(from, to, &used) else { break };
            for link in &way.links {
                *used.entry(*link).or_insert(1.0) *= USED_AGAIN;
            }
            let best_s = ways.first().map_or(f32::INFINITY, |best| best.travel_time_s);
            let other = ways.iter().all(|taken| shared(&way, taken) <= SHARED);
            if other && way.travel_time_s <= best_s * (1.0 + SLOWER) {
                ways.push(way);
            }
            if ways.len() >= most {
                break;
            }
        }
        ways.sort_by(|a, b| a.travel_time_s.total_cmp(&b.travel_time_s));
        ways
    }

    fn way(&self, from: &[OnLink], to: &[OnLink], used: &FxHashMap<LinkIx, f64>) -> Option<Way> {
        if let Some(way) = self.along(from, to) {
            return used.is_empty().then_some(way);
        }
        // From behind a place on the same link one must leave it first, which a way from end to end does not tell.
        let behind = |on: &&OnLink| from.iter().any(|a| a.link == on.link);
        let ends: Vec<_> = to.iter().filter(|on| !behind(on)).map(|on| on.link).collect();
        let starts: Vec<_> = from.iter().map(|on| on.link).collect();
        // Of the first link and of the last a part counts alone. (A way that comes over one of them once more in its middle is then
        // taken for shorter than it is; its time is still told right.)
        let mut part: FxHashMap<LinkIx, f64> = FxHashMap::default();
        let behind_start = from.iter().map(|on| (on.link, 1.0 - self.share(on)));
        let before_end = to.iter().filter(|on| !behind(on)).map(|on| (on.link, self.share(on)));
        for (link, share) in behind_start.chain(before_end) {
            part.insert(link, share.into());
        }
        let weight = |link: LinkIx| {
            let seconds = f64::from(self.seconds(link)) * part.get(&link).copied().unwrap_or(1.0);
            (seconds.is_finite() && seconds >= 0.0).then(|| seconds * used.get(&link).copied().unwrap_or(1.0))
        };
        let found =
            path::shortest_of(&self.network, self.permits.as_ref(), self.mode, &starts, &ends, weight)?;
        let first = from.iter().find(|on| Some(&on.link) == found.links.first())?;
        let last = to.iter().find(|on| Some(&on.link) == found.links.last())?;
        let over: f32 = found.links.iter().map(|link| self.seconds(*link)).sum();
        let before = self.seconds(first.link) * self.share(first);
        let behind = self.seconds(last.link) * (1.0 - self.share(last));
        Some(Way {
            links: found.links,
            start_m: first.offset_m,
            end_m: last.offset_m,
            travel_time_s: (over - before - behind).max(0.0),
        })
    }

    /// The quickest way that does not leave its link.
    fn along(&self, from: &[OnLink], to: &[OnLink]) -> Option<Way> {
        let pairs = from.iter().flat_map(|a| to.iter().map(move |b| (a, b)));
        let ways = pairs.filter(|(a, b)| a.link == b.link && a.offset_m <= b.offset_m).map(|(a, b)| Way {
            links: vec![a.link],
            start_m: a.offset_m,
            end_m: b.offset_m,
            travel_time_s: self.seconds(a.link) * (self.share(b) - self.share(a)),
        });
        let open = ways.filter(|way| way.travel_time_s.is_finite());
        open.min_by(|a, b| a.travel_time_s.total_cmp(&b.travel_time_s))
    }

    fn share(&self, on: &OnLink) -> f32 {
        self.network.link(on.link).map_or(0.0, |link| (on.offset_m / link.length_m).clamp(0.0, 1.0))
    }
}

/// The share of a way's links that another uses too.
fn shared(way: &Way, other: &Way) -> f32 {
    let both = way.links.iter().filter(|link| other.links.contains(link)).count();
    both as f32 / way.links.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use vlot_model::{LinkId, LonLat, RoadClass};

    use super::*;
    use crate::{Draft, DraftLink, geo};

    /// A square of 100 m, both ways, 36 km/h: junctions 0 1 3 2 around it; lasting names 10 a + b.
    fn square() -> Plain {
        let here = LonLat { lon: 4.7, lat: 50.88 };
        let place = |n: i64| geo::offset(here, [100.0 * (n % 2) as f64, 100.0 * (n / 2) as f64]);
        let mut draft = Draft::new("test");
        for (a, b) in [(0, 1), (1, 3), (0, 2), (2, 3)] {
            for (a, b) in [(a, b), (b, a)] {
                let id = |a: i64, b: i64| u64::try_from(10 * a + b + 100).expect("small");
                let link = DraftLink::new([a, b], id(a, b), RoadClass::Primary);
                let opposite = Some(LinkId(id(b, a)));
                let points = vec![place(a), place(b)];
                draft.link(DraftLink { points, opposite, free_flow_kmh: 36.0, ..link });
            }
        }
        let network = Arc::new(draft.make().network);
        Plain { network, permits: None, mode: Mode::Car, known_s: FxHashMap::default() }
    }

    fn on(plain: &Plain, id: u64, offset_m: f32) -> OnLink {
        let link = plain.network.find(LinkId(id)).expect("a link");
        OnLink { link, offset_m, distance_m: 0.0 }
    }

    fn ids(plain: &Plain, way: &Way) -> Vec<u64> {
        way.links.iter().map(|link| plain.network.links[link.at()].id.0).collect()
    }

    #[test]
    fn parts_of_links_count_as_parts() {
        let plain = square();
        let ways = plain.ways(&[on(&plain, 101, 50.0)], &[on(&plain, 113, 20.0)], 1);
        assert_eq!(ids(&plain, &ways[0]), [101, 113]);
        assert!((ways[0].travel_time_s - 7.0).abs() < 0.1, "{ways:?}");
    }

    #[test]
    fn along_one_link_forwards_and_around_it_backwards() {
        let plain = square();
        let forwards = plain.ways(&[on(&plain, 101, 20.0)], &[on(&plain, 101, 70.0)], 3);
        assert_eq!(forwards.len(), 1);
        assert!((forwards[0].travel_time_s - 5.0).abs() < 0.1);
        // Whoever may start in either direction just drives back.
        let both = [on(&plain, 101, 70.0), on(&plain, 110, 30.0)];
        let backwards = plain.ways(&both, &[on(&plain, 101, 20.0), on(&plain, 110, 80.0)], 1);
        assert_eq!(ids(&plain, &backwards[0]), [110]);
    }

    #[test]
    fn an_alternative_is_another_way_and_a_closed_link_is_none() {
        let mut plain = square();
        let (from, to) =
            ([on(&plain, 101, 0.0), on(&plain, 102, 0.0)], [on(&plain, 113, 100.0), on(&plain, 123, 100.0)]);
        let ways = plain.ways(&from, &to, 3);
        let mut found: Vec<_> = ways.iter().map(|way| ids(&plain, way)).collect();
        found.sort();
        assert_eq!(found, [[101, 113], [102, 123]]);
        plain.known_s.insert(on(&plain, 113, 0.0).link, f32::INFINITY);
        let ways = plain.ways(&from, &to, 3);
        assert_eq!(ways.iter().map(|way| ids(&plain, way)).collect::<Vec<_>>(), [[102, 123]]);
        plain.known_s.insert(on(&plain, 123, 0.0).link, f32::INFINITY);
        assert!(plain.ways(&from, &to, 3).is_empty());
    }
}
