//! Transverse Mercator of UTM on WGS 84 (Snyder 1987, *Map projections: a working manual*, pages 60 to 64), to a centimetre within a zone.

use vlot_model::LonLat;

/// A zone of UTM, in which SUMO's coordinates are, moved by an offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Projection {
    pub(crate) zone: f64,
    pub(crate) offset: [f64; 2],
}

const A: f64 = 6_378_137.0;
const E2: f64 = 0.006_694_379_990_14;
const K0: f64 = 0.999_6;

impl Projection {
    /// SUMO's coordinates of a point, northern hemisphere.
    pub(crate) fn plane(&self, point: LonLat) -> [f64; 2] {
        let (phi, lambda0) = (point.lat.to_radians(), (self.zone * 6.0 - 183.0).to_radians());
        let ep2 = E2 / (1.0 - E2);
        let n = A / (1.0 - E2 * phi.sin().powi(2)).sqrt();
        let t = phi.tan().powi(2);
        let c = ep2 * phi.cos().powi(2);
        let a = phi.cos() * (point.lon.to_radians() - lambda0);
        let m = A
            * ((1.0 - E2 / 4.0 - 3.0 * E2 * E2 / 64.0 - 5.0 * E2.powi(3) / 256.0) * phi
                - (3.0 * E2 / 8.0 + 3.0 * E2 * E2 / 32.0 + 45.0 * E2.powi(3) / 1_024.0) * (2.0 * phi).sin()
                + (15.0 * E2 * E2 / 256.0 + 45.0 * E2.powi(3) / 1_024.0) * (4.0 * phi).sin()
                - 35.0 * E2.powi(3) / 3_072.0 * (6.0 * phi).sin());
        let x = K0
            * n
            * (a + (1.0 - t + c) * a.powi(3) / 6.0
                + (5.0 - 18.0 * t + t * t + 72.0 * c - 58.0 * ep2) * a.powi(5) / 120.0);
        let y = K0
            * (m + n
                * phi.tan()
                * (a * a / 2.0
                    + (5.0 - t + 9.0 * c + 4.0 * c * c) * a.powi(4) / 24.0
                    + (61.0 - 58.0 * t + t * t + 600.0 * c - 330.0 * ep2) * a.powi(6) / 720.0));
        [x + 500_000.0 + self.offset[0], y + self.offset[1]]
    }

    /// The point of SUMO's coordinates.
    pub(crate) fn point(&self, [x, y]: [f64; 2]) -> LonLat {
        let north = y - self.offset[1];
        let mut point = LonLat { lon: self.zone * 6.0 - 183.0, lat: north / 111_000.0 };
        for _ in 0..6 {
            let [at_x, at_y] = self.plane(point);
            point.lat += (y - at_y) / 111_200.0;
            point.lon += (x - at_x) / (111_320.0 * point.lat.to_radians().cos());
        }
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let projection = Projection { zone: 31.0, offset: [-610_399.15, -5_632_378.54] };
        // The bounds of the Leuven scenario, as SUMO's own projection gives them.
        let [x, y] = projection.plane(LonLat { lon: 4.569_470, lat: 50.830_920 });
        assert!(x.abs() < 400.0 && y.abs() < 400.0, "{x} {y}");
        let point = projection.point([5_000.0, 7_000.0]);
        let [x, y] = projection.plane(point);
        assert!((x - 5_000.0).abs() < 0.01 && (y - 7_000.0).abs() < 0.01);
    }
}
