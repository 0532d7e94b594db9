//! Where the city is: squares of half a kilometre with enough streets that people live in, in and around them.

use rustc_hash::FxHashMap;
use vlot_model::{LonLat, RoadClass};
use vlot_network::geo;

/// Of residential street in a square and its eight neighbours, from which on it is built up.
const MIN_KM_PER_KM2: f64 = 2.0;
/// Degrees of latitude of a square, about 500 m; of longitude it is widened to be about square.
const STEP_DEG: f64 = 0.0045;

/// Metres of residential street by square.
#[derive(Debug, Default)]
pub(crate) struct BuiltUp {
    metres: FxHashMap<(i32, i32), f64>,
}

impl BuiltUp {
    /// Counts a piece of street in.
    pub(crate) fn add(&mut self, class: RoadClass, points: &[LonLat]) {
        if !matches!(class, RoadClass::Residential | RoadClass::LivingStreet) {
            return;
        }
        for ab in points.windows(2) {
            *self.metres.entry(square(ab[0])).or_default() += geo::distance_m(ab[0], ab[1]);
        }
    }

    /// Whether a point is in a built-up area.
    pub(crate) fn at(&self, point: LonLat) -> bool {
        let (x, y) = square(point);
        let near = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (x + dx, y + dy)));
        let metres: f64 = near.filter_map(|at| self.metres.get(&at)).sum();
        metres / 1_000.0 >= MIN_KM_PER_KM2 * 9.0 * 0.25
    }
}

#[expect(clippy::cast_possible_truncation, reason = "degrees in steps of thousandths")]
fn square(point: LonLat) -> (i32, i32) {
    // One width for a whole band of a degree, so that squares lie below each other.
    let width = STEP_DEG / point.lat.floor().clamp(-85.0, 85.0).to_radians().cos();
    ((point.lon / width).floor() as i32, (point.lat / STEP_DEG).floor() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_town_is_where_people_live() {
        let centre = LonLat { lon: 4.7, lat: 50.88 };
        let mut town = BuiltUp::default();
        for i in 0..12 {
            let north = f64::from(i) * 60.0;
            let street: Vec<_> = (0..8).map(|j| geo::offset(centre, [f64::from(j) * 100.0, north])).collect();
            town.add(RoadClass::Residential, &street);
            town.add(RoadClass::Primary, &[centre, geo::offset(centre, [9_000.0, 9_000.0])]);
        }
        assert!(town.at(geo::offset(centre, [400.0, 300.0])));
        assert!(!town.at(geo::offset(centre, [5_000.0, 300.0])));
    }
}
