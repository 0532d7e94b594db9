//! Which part of the earth a request means.

use tonic::Status;
use vlot_model::{LinkIx, LonLat, RoadNetwork};

use crate::wire::common::v1 as wire;

/// A part of the earth, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    low: LonLat,
    high: LonLat,
}

impl Area {
    /// What a request's box says; `None` without one.
    pub(crate) fn asked(asked: Option<&wire::Box>) -> Result<Option<Area>, Status> {
        let Some(wire::Box { west, south, east, north }) = asked.copied() else { return Ok(None) };
        let wrong = |what: &str| {
            Err(Status::invalid_argument(format!(
                "filter.box: {what} (hint: degrees, west before east and south before north)"
            )))
        };
        if !(-180.0..=180.0).contains(&west) || !(-180.0..=180.0).contains(&east) {
            return wrong("west and east are -180 to 180");
        }
        if !(-90.0..=90.0).contains(&south) || !(-90.0..=90.0).contains(&north) {
            return wrong("south and north are -90 to 90");
        }
        if west > east || south > north {
            return wrong("it is inside out");
        }
        Ok(Some(Area { low: LonLat { lon: west, lat: south }, high: LonLat { lon: east, lat: north } }))
    }

    /// The least that holds all these points; `None` without any.
    pub(super) fn around<'p>(points: impl IntoIterator<Item = &'p LonLat>) -> Option<Area> {
        let mut points = points.into_iter();
        let first = *points.next()?;
        Some(points.fold(Area { low: first, high: first }, |a, p| Area {
            low: LonLat { lon: a.low.lon.min(p.lon), lat: a.low.lat.min(p.lat) },
            high: LonLat { lon: a.high.lon.max(p.lon), lat: a.high.lat.max(p.lat) },
        }))
    }

    pub(crate) fn holds(&self, p: LonLat) -> bool {
        (self.low.lon..=self.high.lon).contains(&p.lon) && (self.low.lat..=self.high.lat).contains(&p.lat)
    }

    pub(super) fn touches(&self, other: &Area) -> bool {
        self.low.lon <= other.high.lon
            && other.low.lon <= self.high.lon
            && self.low.lat <= other.high.lat
            && other.low.lat <= self.high.lat
    }

    /// As far as the box around a link tells.
    pub(super) fn touches_link(&self, network: &RoadNetwork, link: LinkIx) -> bool {
        Area::around(network.shape(link)).is_some_and(|around| self.touches(&around))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_held_against_the_earth() {
        let asked = |west, south, east, north| Area::asked(Some(&wire::Box { west, south, east, north }));
        let area = asked(4.6, 50.8, 4.8, 50.9).unwrap().unwrap();
        assert!(area.holds(LonLat { lon: 4.6, lat: 50.9 }) && !area.holds(LonLat { lon: 4.5, lat: 50.85 }));
        let across = [LonLat { lon: 4.5, lat: 50.7 }, LonLat { lon: 4.65, lat: 50.85 }];
        assert!(Area::around(&across).is_some_and(|a| a.touches(&area) && area.touches(&a)));
        assert_eq!(Area::around(&[]), None);
        assert_eq!(Area::asked(None).unwrap(), None);
        for (w, s, e, n) in [(4.8, 50.8, 4.6, 50.9), (4.6, 50.9, 4.8, 50.8), (-181.0, 0.0, 0.0, 1.0)] {
            assert_eq!(asked(w, s, e, n).unwrap_err().code(), tonic::Code::InvalidArgument);
        }
        assert!(asked(f64::NAN, 0.0, 1.0, 1.0).is_err() && asked(0.0, 0.0, 1.0, f64::INFINITY).is_err());
    }
}
