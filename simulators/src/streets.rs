//! The streets of a configuration that cars drive on, read from `roads.toml` as a client reads it. What it names of an imported
//! network is not known here: simulated traffic keeps to the roads made by hand.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use serde::Deserialize;

/// Metres of a degree of latitude.
const DEGREE_M: f64 = 111_195.0;
/// Streets on which cars drive.
const MOTOR: [&str; 9] = [
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "living-street",
    "service",
];

/// `roads.toml`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RoadsFile {
    #[serde(default, rename = "junction")]
    junctions: Vec<Junction>,
    #[serde(default, rename = "road")]
    roads: Vec<Road>,
}

#[derive(Debug, Deserialize)]
struct Junction {
    id: String,
    lat: f64,
    lon: f64,
}

#[derive(Debug, Deserialize)]
struct Road {
    id: String,
    from: String,
    to: String,
    #[serde(default)]
    via: Vec<[f64; 2]>,
    class: String,
    speed_kmh: f64,
    #[serde(default)]
    oneway: String,
    #[serde(default)]
    car: Option<String>,
}

/// A point: degrees, WGS 84.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// North of the equator.
    pub lat: f64,
    /// East of Greenwich.
    pub lon: f64,
}

impl Place {
    /// Metres east and north of `self` to `other`; good over a city.
    #[must_use]
    pub fn to(self, other: Place) -> (f64, f64) {
        let east = (other.lon - self.lon) * DEGREE_M * self.lat.to_radians().cos();
        (east, (other.lat - self.lat) * DEGREE_M)
    }

    /// So many metres east and north of here.
    #[must_use]
    pub fn moved(self, east_m: f64, north_m: f64) -> Place {
        Place {
            lat: self.lat + north_m / DEGREE_M,
            lon: self.lon + east_m / (DEGREE_M * self.lat.to_radians().cos()),
        }
    }
}

/// One direction of a road.
#[derive(Clone, Debug)]
pub struct Street {
    /// The road's id.
    pub road: String,
    /// Junction where it begins, by position.
    pub from: usize,
    /// Junction where it ends.
    pub to: usize,
    /// Its course, ends included, in the direction of travel.
    pub points: Vec<Place>,
    /// Metres.
    pub length_m: f64,
    /// Speed of an undisturbed car.
    pub free_kmh: f64,
    /// Open to who only passes through.
    pub through: bool,
}

/// Directed streets between junctions.
#[derive(Clone, Debug, Default)]
pub struct Streets {
    /// Junctions.
    pub nodes: Vec<Place>,
    /// Streets.
    pub links: Vec<Street>,
    /// Streets that begin at each junction.
    pub out: Vec<Vec<usize>>,
}

impl Streets {
    pub(crate) fn new(file: &RoadsFile) -> Streets {
        let at: BTreeMap<&str, usize> =
            file.junctions.iter().enumerate().map(|(i, j)| (j.id.as_str(), i)).collect();
        let nodes: Vec<Place> = file.junctions.iter().map(|j| Place { lat: j.lat, lon: j.lon }).collect();
        let mut streets = Streets { out: vec![Vec::new(); nodes.len()], nodes, links: Vec::new() };
        for road in &file.roads {
            let (Some(&from), Some(&to)) = (at.get(road.from.as_str()), at.get(road.to.as_str())) else {
                continue;
            };
            if !MOTOR.contains(&road.class.as_str()) || road.car.as_deref() == Some("no") {
                continue;
            }
            let mut points = vec![streets.nodes[from]];
            points.extend(road.via.iter().map(|[lat, lon]| Place { lat: *lat, lon: *lon }));
            points.push(streets.nodes[to]);
            let back = points.iter().rev().copied().collect();
            streets.add(road, (from, to), points);
            if !matches!(road.oneway.as_str(), "yes" | "motor") {
                streets.add(road, (to, from), back);
            }
        }
        streets
    }

    fn add(&mut self, road: &Road, (from, to): (usize, usize), points: Vec<Place>) {
        let length = |pair: &[Place]| {
            let (east, north) = pair[0].to(pair[1]);
            east.hypot(north)
        };
        let quiet = matches!(road.class.as_str(), "residential" | "living-street" | "service");
        self.out[from].push(self.links.len());
        self.links.push(Street {
            road: road.id.clone(),
            from,
            to,
            length_m: points.windows(2).map(length).sum::<f64>().max(1.0),
            points,
            free_kmh: road.speed_kmh.max(3.0),
            through: road.car.as_deref() == Some("yes") || (road.car.is_none() && !quiet),
        });
    }

    /// Where one is on a street after so many metres, and in which direction it goes there, degrees clockwise from north.
    #[must_use]
    pub fn on(&self, link: usize, offset_m: f64) -> (Place, f64) {
        let Some(street) = self.links.get(link) else { return (Place::default(), 0.0) };
        let mut rest = offset_m.clamp(0.0, street.length_m);
        let mut last = (Place::default(), 0.0);
        for pair in street.points.windows(2) {
            let (east, north) = pair[0].to(pair[1]);
            let length = east.hypot(north);
            let heading = east.atan2(north).to_degrees().rem_euclid(360.0);
            if rest <= length && length > 0.0 {
                let share = rest / length;
                return (pair[0].moved(east * share, north * share), heading);
            }
            rest -= length;
            last = (pair[1], heading);
        }
        last
    }

    /// The nearest street, of those that go about in that direction or belong to that road, where these are said.
    #[must_use]
    pub fn nearest(&self, to: Place, heading_deg: Option<f64>, road: Option<&str>) -> Option<usize> {
        let distance = |(link, street): (usize, &Street)| {
            if road.is_some_and(|road| road != street.road) {
                return None;
            }
            let off = street.points.windows(2).map(|p| off_m(p[0], p[1], to));
            let (off, along, heading) = off.min_by(|a, b| a.0.total_cmp(&b.0))?;
            let turned = heading_deg.is_some_and(|wanted| angle(heading, wanted) > 90.0);
            // Traffic keeps to the right: of the two directions it is the one that has the thing on its right.
            (!turned).then_some((off + if along { 0.0 } else { 1.0 }, link))
        };
        let best = self.links.iter().enumerate().filter_map(distance).min_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(best.1)
    }

    /// The junction nearest to a place.
    #[must_use]
    pub fn junction(&self, to: Place) -> Option<usize> {
        let far = |node: &Place| {
            let (east, north) = to.to(*node);
            east.hypot(north)
        };
        let all = self.nodes.iter().enumerate().filter(|(i, _)| !self.out[*i].is_empty());
        all.map(|(i, node)| (far(node), i)).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, i)| i)
    }

    /// The quickest way of an undisturbed car; through traffic keeps out of quiet streets.
    #[must_use]
    pub fn way(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let mut best: Vec<Option<(u64, Option<usize>)>> = vec![None; self.nodes.len()];
        let mut queue = BinaryHeap::from([Reverse((0_u64, from, None))]);
        while let Some(Reverse((cost, node, by))) = queue.pop() {
            if best.get(node)?.is_some() {
                continue;
            }
            best[node] = Some((cost, by));
            if node == to {
                break;
            }
            for &link in &self.out[node] {
                let street = &self.links[link];
                let slow = if street.through { 1.0 } else { 5.0 };
                let ms = crate::time::round(street.length_m * 3_600.0 / street.free_kmh * slow);
                queue.push(Reverse((cost + u64::try_from(ms).unwrap_or(1).max(1), street.to, Some(link))));
            }
        }
        let mut way = Vec::new();
        let mut node = to;
        while let (_, Some(link)) = best.get(node).copied()?? {
            way.push(link);
            node = self.links[link].from;
        }
        way.reverse();
        Some(way)
    }
}

/// Metres from a stretch to a place, whether the place is on its right, and where the stretch goes.
fn off_m(a: Place, b: Place, to: Place) -> (f64, bool, f64) {
    let (east, north) = a.to(b);
    let (x, y) = a.to(to);
    let length = (east * east + north * north).max(1e-9);
    let share = ((x * east + y * north) / length).clamp(0.0, 1.0);
    let off = (x - share * east).hypot(y - share * north);
    (off, east * y - north * x <= 0.0, east.atan2(north).to_degrees().rem_euclid(360.0))
}

/// Degrees between two directions, 0..=180.
pub(crate) fn angle(a: f64, b: f64) -> f64 {
    let between = (a - b).rem_euclid(360.0);
    between.min(360.0 - between)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROADS: &str = r#"
junction = [
  { id = "a", lat = 50.88, lon = 4.70 }, { id = "b", lat = 50.88, lon = 4.71 },
  { id = "c", lat = 50.89, lon = 4.71 }, { id = "d", lat = 50.89, lon = 4.70 },
]
road = [
  { id = "ab", from = "a", to = "b", class = "primary", speed_kmh = 50 },
  { id = "bc", from = "b", to = "c", class = "primary", speed_kmh = 50, oneway = "yes" },
  { id = "cd", from = "c", to = "d", via = [[50.891, 4.705]], class = "secondary", speed_kmh = 30 },
  { id = "da", from = "d", to = "a", class = "residential", speed_kmh = 30 },
  { id = "path", from = "a", to = "c", class = "cycleway", speed_kmh = 15 },
]
"#;

    #[test]
    fn streets_are_directed_and_found_by_side_and_heading() {
        let streets = Streets::new(&toml::from_str(ROADS).unwrap());
        assert_eq!(streets.links.len(), 7);
        let road = |link: usize| (streets.links[link].road.as_str(), streets.links[link].from);
        // South of it: the eastbound direction has it on its right.
        let south = Place { lat: 50.8799, lon: 4.705 };
        assert_eq!(road(streets.nearest(south, None, None).unwrap()), ("ab", 0));
        assert_eq!(road(streets.nearest(south, Some(265.0), None).unwrap()), ("ab", 1));
        assert_eq!(streets.nearest(south, None, Some("elsewhere")), None);
        let (place, heading) = streets.on(0, streets.links[0].length_m / 2.0);
        assert!((place.lon - 4.705).abs() < 1e-6 && (heading - 90.0).abs() < 0.1, "{place:?} {heading}");
        // Nobody goes from c to b: the way back leads around, and through traffic prefers the longer street to the quiet one.
        let ways =
            |from, to| streets.way(from, to).unwrap().into_iter().map(|l| road(l).0).collect::<Vec<_>>();
        assert_eq!(ways(0, 2), ["ab", "bc"]);
        assert_eq!(ways(2, 1), ["cd", "da", "ab"]);
        assert_eq!(streets.junction(Place { lat: 50.8901, lon: 4.7 }), Some(3));
    }
}
