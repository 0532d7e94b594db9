//! Distances and directions on a city's scale: a plane that touches the earth where one stands. Within 50 km it errs by less
//! than 0.1 %.

use vlot_model::LonLat;

/// Mean radius of the earth, metres (IUGG).
const EARTH_M: f64 = 6_371_008.8;

/// Metres east and north of `origin`.
#[must_use]
pub fn plane(origin: LonLat, point: LonLat) -> [f64; 2] {
    let east = (point.lon - origin.lon).to_radians() * origin.lat.to_radians().cos() * EARTH_M;
    let north = (point.lat - origin.lat).to_radians() * EARTH_M;
    [east, north]
}

/// The point so many metres east and north of `origin`.
#[must_use]
pub fn offset(origin: LonLat, [east, north]: [f64; 2]) -> LonLat {
    LonLat {
        lon: origin.lon + (east / EARTH_M / origin.lat.to_radians().cos()).to_degrees(),
        lat: origin.lat + (north / EARTH_M).to_degrees(),
    }
}

/// Metres between two points.
#[must_use]
pub fn distance_m(a: LonLat, b: LonLat) -> f64 {
    let middle = LonLat { lon: a.lon, lat: f64::midpoint(a.lat, b.lat) };
    let [east, north] = plane(middle, LonLat { lon: b.lon, lat: b.lat + (middle.lat - a.lat) });
    east.hypot(north)
}

/// Metres along a line.
#[must_use]
pub fn length_m(line: &[LonLat]) -> f64 {
    line.windows(2).map(|ab| distance_m(ab[0], ab[1])).sum()
}

/// The direction from `a` to `b`, degrees clockwise from north, 0..360; 0 where they are the same.
#[must_use]
pub fn bearing_deg(a: LonLat, b: LonLat) -> f64 {
    let [east, north] = plane(a, b);
    east.atan2(north).to_degrees().rem_euclid(360.0)
}

/// The smaller angle between two directions, 0..=180 degrees.
#[must_use]
pub fn turn_deg(a: f64, b: f64) -> f64 {
    let d = (a - b).rem_euclid(360.0);
    d.min(360.0 - d)
}

/// A point brought to a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projected {
    /// Metres from the line's start to there, along it.
    pub along_m: f64,
    /// Metres from the point to there.
    pub distance_m: f64,
    /// There.
    pub point: LonLat,
    /// The line's direction there, degrees clockwise from north.
    pub bearing_deg: f64,
}

/// The place on a line that is nearest to a point; the first of several. `None` for a line of fewer than two points.
#[must_use]
pub fn project(line: &[LonLat], point: LonLat) -> Option<Projected> {
    let mut best: Option<Projected> = None;
    let mut along_m = 0.0;
    for ab in line.windows(2) {
        let (a, b) = (plane(point, ab[0]), plane(point, ab[1]));
        let d = [b[0] - a[0], b[1] - a[1]];
        let squared = d[0] * d[0] + d[1] * d[1];
        let share =
            if squared > 0.0 { (-(a[0] * d[0] + a[1] * d[1]) / squared).clamp(0.0, 1.0) } else { 0.0 };
        let foot = [a[0] + share * d[0], a[1] + share * d[1]];
        let step_m = squared.sqrt();
        let distance_m = foot[0].hypot(foot[1]);
        if best.is_none_or(|best| distance_m < best.distance_m) {
            best = Some(Projected {
                along_m: along_m + share * step_m,
                distance_m,
                point: offset(point, foot),
                bearing_deg: bearing_deg(ab[0], ab[1]),
            });
        }
        along_m += step_m;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };

    fn at(east: f64, north: f64) -> LonLat {
        offset(HERE, [east, north])
    }

    #[test]
    fn a_minute_of_latitude_is_a_nautical_mile() {
        let b = LonLat { lat: HERE.lat + 1.0 / 60.0, ..HERE };
        assert!((distance_m(HERE, b) - 1_853.2).abs() < 1.0);
        assert!((distance_m(at(0.0, 0.0), at(300.0, 400.0)) - 500.0).abs() < 0.1);
    }

    #[test]
    fn directions_go_clockwise_from_north() {
        for (east, north, expected) in
            [(0.0, 9.0, 0.0), (9.0, 0.0, 90.0), (0.0, -9.0, 180.0), (-9.0, 0.0, 270.0)]
        {
            assert!(turn_deg(bearing_deg(HERE, at(east, north)), expected) < 0.01, "{east} {north}");
        }
        assert!((turn_deg(350.0, 20.0) - 30.0).abs() < 1e-9);
    }

    #[test]
    fn a_point_comes_to_the_nearest_place_of_a_line() {
        let line = [at(0.0, 0.0), at(100.0, 0.0), at(100.0, 50.0)];
        let got = project(&line, at(40.0, 7.0)).expect("a line");
        assert!((got.along_m - 40.0).abs() < 0.1 && (got.distance_m - 7.0).abs() < 0.01);
        let got = project(&line, at(120.0, 60.0)).expect("a line");
        assert!((got.along_m - 150.0).abs() < 0.1 && (got.distance_m - 500.0_f64.sqrt()).abs() < 0.1);
        assert_eq!(project(&line[..1], HERE), None);
    }

    proptest! {
        #[test]
        fn a_plane_is_left_as_it_was_entered(east in -20_000.0..20_000.0_f64, north in -20_000.0..20_000.0_f64) {
            let [e, n] = plane(HERE, at(east, north));
            prop_assert!((e - east).abs() < 1e-3 && (n - north).abs() < 1e-3);
        }
    }
}
