//! A trip between two places: the streets near them, and a way's course, length, travel time and what that rests on.

use vlot_model::{LinkIx, LonLat, Mode, OnLink, RoadNetwork};

use crate::route::{NoRoute, Route};
use crate::{Index, geo};

/// A street farther away is not near, metres.
pub const NEAR_M: f64 = 500.0;
/// A street that is farther than the nearest by no more than this is as near: the other direction, mostly.
const AS_NEAR_M: f32 = 3.0;
/// So many streets at most.
const STREETS: usize = 6;
/// A cyclist's and a pedestrian's time scatters by this much (standard deviation of its logarithm).
const OWN_PACE_SD: f64 = 0.2;
/// A link's of which nothing is known: as `dataflow` assumes it.
const UNKNOWN_SD: f64 = 0.55;
/// This share of the errors of two links' times is alike: a lull or a shower is everywhere.
const ALIKE: f64 = 0.3;
/// An 80 % interval ends so many standard deviations from the middle.
const SD_OF_80_PCT: f64 = 1.281_55;

/// Why there is no trip.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoTrip {
    /// No street near.
    #[error(
        "{end}: no street for {} is within {NEAR_M} m of {:.5},{:.5} (hint: latitude first; is it within the road network?)",
        name(*mode), at.lat, at.lon
    )]
    NothingNear {
        /// `origin` or `destination`.
        end: &'static str,
        /// For this mode.
        mode: Mode,
        /// There.
        at: LonLat,
    },
    /// No way.
    #[error(
        "no way leads {} from {:.5},{:.5} to {:.5},{:.5}: {why}",
        by(*mode), from.lat, from.lon, to.lat, to.lon
    )]
    Unreachable {
        /// For this mode.
        mode: Mode,
        /// From here.
        from: LonLat,
        /// To here.
        to: LonLat,
        /// That is why.
        why: NoRoute,
    },
}

/// A mode as people say it.
#[must_use]
pub fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Car => "cars",
        Mode::Bicycle => "bicycles",
        Mode::Foot => "pedestrians",
        Mode::Bus => "buses",
    }
}

fn by(mode: Mode) -> &'static str {
    match mode {
        Mode::Car => "by car",
        Mode::Bicycle => "by bicycle",
        Mode::Foot => "on foot",
        Mode::Bus => "by bus",
    }
}

/// What is known of a link's travel time now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// Seconds over the whole of it.
    pub travel_time_s: f32,
    /// Standard deviation of its logarithm.
    pub sd: f64,
}

impl Known {
    /// From the 80 % interval of a speed.
    #[must_use]
    pub fn of(travel_time_s: f32, speed_low_kmh: f32, speed_high_kmh: f32) -> Self {
        let sd = f64::from(speed_high_kmh / speed_low_kmh).ln() / (2.0 * SD_OF_80_PCT);
        Known { travel_time_s, sd: if sd.is_finite() { sd.max(0.0) } else { UNKNOWN_SD } }
    }
}

/// A way, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    /// See [`Route::links`].
    pub links: Vec<LinkIx>,
    /// From its beginning to its end, at least one point.
    pub shape: Vec<LonLat>,
    /// Metres.
    pub length_m: f64,
    /// Seconds.
    pub travel_time_s: f64,
    /// Low end of the 80 % interval.
    pub travel_time_low_s: f64,
    /// High end.
    pub travel_time_high_s: f64,
    /// Seconds of an undisturbed trip over the same links, with the same turns.
    pub free_flow_s: f64,
    /// Share of its length of which something is known, 0..=100.
    pub measured_pct: f64,
    /// Where the street's name changes: the position of the first link of each stretch, and its metres.
    pub steps: Vec<(usize, f64)>,
}

/// The streets near a place that `usable` lets through: the nearest, and those that are as near. Empty: none within [`NEAR_M`].
#[must_use]
pub fn near(
    network: &RoadNetwork,
    index: &Index,
    at: LonLat,
    usable: impl Fn(LinkIx) -> bool,
) -> Vec<OnLink> {
    for within_m in [25.0, 100.0, NEAR_M] {
        let mut found = index.near(network, at, within_m, usize::MAX);
        found.retain(|on| usable(on.link));
        if let Some(nearest) = found.first() {
            let as_near = nearest.distance_m + AS_NEAR_M;
            found.retain(|on| on.distance_m <= as_near);
            found.truncate(STREETS);
            return found;
        }
    }
    Vec::new()
}

/// Seconds that an undisturbed traveller takes for a link.
pub type Undisturbed<'a> = &'a dyn Fn(LinkIx) -> f64;

/// A way's course, length, travel time and what that rests on. Of links that `known` says nothing of, the undisturbed time is
/// taken.
#[must_use]
pub fn trip(
    network: &RoadNetwork,
    mode: Mode,
    way: &Route,
    undisturbed_s: Undisturbed<'_>,
    known: impl Fn(LinkIx) -> Option<Known>,
) -> Trip {
    let last = way.links.len().saturating_sub(1);
    let assumed_sd = if matches!(mode, Mode::Car | Mode::Bus) { UNKNOWN_SD } else { OWN_PACE_SD };
    let mut shape: Vec<LonLat> = Vec::new();
    let mut steps: Vec<(usize, f64)> = Vec::new();
    let (mut length_m, mut measured_m, mut free_flow_s) = (0.0, 0.0, 0.0);
    let (mut over_links_s, mut apart, mut alike) = (0.0, 0.0, 0.0);
    let mut street = None;
    for (i, ix) in way.links.iter().enumerate() {
        let Some(link) = network.link(*ix) else { continue };
        let whole_m = f64::from(link.length_m);
        let from = if i == 0 { f64::from(way.start_m).clamp(0.0, whole_m) } else { 0.0 };
        let to = if i == last { f64::from(way.end_m).clamp(from, whole_m) } else { whole_m };
        let part_m = to - from;
        let share = part_m / whole_m;
        let (seconds, sd) = match known(*ix) {
            Some(known) => {
                measured_m += part_m;
                (f64::from(known.travel_time_s), known.sd)
            }
            None => (undisturbed_s(*ix), assumed_sd),
        };
        over_links_s += share * seconds;
        apart += (share * seconds * sd).powi(2);
        alike += share * seconds * sd;
        free_flow_s += share * undisturbed_s(*ix);
        length_m += part_m;
        match steps.last_mut().filter(|_| street == Some(link.name)) {
            Some(step) => step.1 += part_m,
            None => steps.push((i, part_m)),
        }
        street = Some(link.name);
        for point in cut(network.shape(*ix), from, to) {
            if shape.last() != Some(&point) {
                shape.push(point);
            }
        }
    }
    let travel_time_s = f64::from(way.travel_time_s);
    let sd = ((1.0 - ALIKE) * apart + ALIKE * alike * alike).sqrt();
    // Of the logarithm: a time is never negative.
    let factor = if over_links_s > 0.0 { (SD_OF_80_PCT * sd / over_links_s).exp() } else { 1.0 };
    Trip {
        links: way.links.clone(),
        shape,
        length_m,
        travel_time_s,
        travel_time_low_s: travel_time_s / factor,
        travel_time_high_s: travel_time_s * factor,
        free_flow_s: free_flow_s + f64::from(way.turns_s),
        measured_pct: if length_m > 0.0 { 100.0 * measured_m / length_m } else { 0.0 },
        steps,
    }
}

/// The piece of a line between two places along it, metres from its start.
fn cut(line: &[LonLat], from_m: f64, to_m: f64) -> Vec<LonLat> {
    let at = |ab: &[LonLat], share: f64| LonLat {
        lon: ab[0].lon + share * (ab[1].lon - ab[0].lon),
        lat: ab[0].lat + share * (ab[1].lat - ab[0].lat),
    };
    let mut piece = Vec::new();
    let mut along = 0.0;
    for ab in line.windows(2) {
        let step = geo::distance_m(ab[0], ab[1]);
        let share = |m: f64| if step > 0.0 { ((m - along) / step).clamp(0.0, 1.0) } else { 0.0 };
        if along + step >= from_m && piece.is_empty() {
            piece.push(at(ab, share(from_m)));
        }
        if !piece.is_empty() {
            piece.push(at(ab, share(to_m)));
        }
        along += step;
        if along >= to_m {
            break;
        }
    }
    piece
}

#[cfg(test)]
mod tests {
    use vlot_model::RoadClass;

    use super::*;
    use crate::{Draft, DraftLink};

    const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };

    /// Three links of 100 m eastwards, the last two in one street, 36 km/h.
    fn network() -> RoadNetwork {
        let mut draft = Draft::new("test");
        for i in 0..3_i64 {
            let points = [i, i + 1].map(|n| geo::offset(HERE, [100.0 * n as f64, 0.0])).to_vec();
            let name = if i == 0 { "Vest" } else { "Baan" };
            let link = DraftLink::new([i, i + 1], i.unsigned_abs() + 1, RoadClass::Primary);
            draft.link(DraftLink { points, name: name.into(), free_flow_kmh: 36.0, ..link });
        }
        draft.make().network
    }

    fn way(start_m: f32, end_m: f32, travel_time_s: f32) -> Route {
        let links = vec![LinkIx(0), LinkIx(1), LinkIx(2)];
        Route { links, start_m, end_m, travel_time_s, turns_s: 1.5, length_m: 200.0 + end_m - start_m }
    }

    #[test]
    fn a_trip_begins_and_ends_within_its_links() {
        let network = network();
        let free = |_| 10.0;
        let got = trip(&network, Mode::Car, &way(40.0, 25.0, 18.5), &free, |_| None);
        assert!((got.length_m - 185.0).abs() < 0.5, "{}", got.length_m);
        assert!((geo::length_m(&got.shape) - 185.0).abs() < 0.5, "{:?}", got.shape);
        assert!((got.free_flow_s - 20.0).abs() < 0.05 && got.measured_pct == 0.0);
        assert!((got.shape[0].lon - geo::offset(HERE, [40.0, 0.0]).lon).abs() < 1e-6);
        let steps: Vec<_> = got.steps.iter().map(|(at, m)| (*at, m.round())).collect();
        assert_eq!(steps, [(0, 60.0), (1, 125.0)]);
        assert!(got.travel_time_low_s < 18.5 && got.travel_time_high_s > 18.5);
    }

    #[test]
    fn what_is_measured_makes_it_surer() {
        let network = network();
        let free = |_| 10.0;
        let unknown = trip(&network, Mode::Car, &way(0.0, 100.0, 30.0), &free, |_| None);
        let known = |link| (link == LinkIx(1)).then(|| Known::of(20.0, 16.0, 20.0));
        let measured = trip(&network, Mode::Car, &way(0.0, 100.0, 40.0), &free, known);
        assert!((measured.measured_pct - 33.3).abs() < 0.5, "{}", measured.measured_pct);
        let width = |t: &Trip| t.travel_time_high_s / t.travel_time_low_s;
        assert!(width(&measured) < width(&unknown));
        let on_foot = trip(&network, Mode::Foot, &way(0.0, 100.0, 30.0), &free, |_| None);
        assert!(width(&on_foot) < width(&unknown));
    }

    #[test]
    fn the_nearest_usable_street_is_taken_and_what_is_as_near() {
        let network = network();
        let index = Index::new(&network, |_| true);
        let at = geo::offset(HERE, [150.0, 8.0]);
        let links = |usable: &dyn Fn(LinkIx) -> bool, at| {
            near(&network, &index, at, usable).iter().map(|on| on.link.0).collect::<Vec<_>>()
        };
        assert_eq!(links(&|_| true, at), [1]);
        assert_eq!(links(&|link| link != LinkIx(1), at), [0, 2]);
        assert_eq!(links(&|_| false, at), [0; 0]);
        assert_eq!(links(&|_| true, geo::offset(HERE, [0.0, 600.0])), [0; 0]);
    }

    #[test]
    fn an_interval_without_width_is_no_panic() {
        assert!((Known::of(9.0, 30.0, 30.0).sd).abs() < 1e-6);
        assert!((Known::of(9.0, 0.0, 30.0).sd - UNKNOWN_SD).abs() < 1e-6);
    }
}
