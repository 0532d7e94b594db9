//! Drive in, or park at the edge: the two times that a sign may show side by side.

use std::time::Duration;

use vlot_model::{FacilityIx, Onward, Timestamp};

use super::onward::wait_and_ride_s;

/// A way from a sign, over a car park, to where people want to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Door {
    /// Where one parks.
    pub facility: FacilityIx,
    /// Seconds from the sign to the destination.
    pub door_s: f64,
    /// What the risk of being turned away costs, seconds.
    pub risk_s: f64,
}

impl Door {
    fn cost_s(&self) -> f64 {
        self.door_s + self.risk_s
    }
}

/// The better of either kind, and whether a sign shows both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The best edge car park.
    pub edge: FacilityIx,
    /// The best car park to drive in to.
    pub inner: FacilityIx,
    /// Seconds by the edge, the wait and the ride in them.
    pub edge_s: f64,
    /// Seconds driving in.
    pub in_s: f64,
    /// The edge wins, or is no slower than by less than the margin.
    pub shown: bool,
}

/// Over an edge car park: driving there, the first of its lines that is there soonest, and the walk from where that stops.
/// `walk_s` gives the seconds from where a line ends to the destination; `None`: that is not known, or nothing leaves.
pub fn edge_door(
    facility: FacilityIx,
    drive_s: f64,
    risk_s: f64,
    lines: &[Onward],
    now: Timestamp,
    walk_s: impl Fn(&Onward) -> Option<f64>,
) -> Option<Door> {
    let there = now + super::seconds(drive_s);
    let on = lines.iter().filter_map(|line| Some(wait_and_ride_s(line, there)? + walk_s(line)?));
    on.min_by(f64::total_cmp).map(|on_s| Door { facility, door_s: drive_s + on_s, risk_s })
}

/// Sets the best of the edge against the best of driving in, the risk of being turned away in both; `None`: one of them is
/// missing, and there is nothing to compare. Signs show times without the risk, for that is what a driver can check.
#[must_use]
pub fn edge_or_in(edges: &[Door], inner: &[Door], margin: Duration) -> Option<Comparison> {
    let best = |doors: &[Door]| {
        let known = doors.iter().filter(|door| door.cost_s().is_finite());
        known.min_by(|a, b| a.cost_s().total_cmp(&b.cost_s()).then(a.facility.cmp(&b.facility))).copied()
    };
    let (edge, inner) = (best(edges)?, best(inner)?);
    Some(Comparison {
        edge: edge.facility,
        inner: inner.facility,
        edge_s: edge.door_s,
        in_s: inner.door_s,
        shown: edge.cost_s() < inner.cost_s() + margin.as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(facility: u32, door_s: f64, risk_s: f64) -> Door {
        Door { facility: FacilityIx(facility), door_s, risk_s }
    }

    fn line(headway_min: u32, ride_min: u32) -> Onward {
        let (line, to) = ("2".to_owned(), "Centre".to_owned());
        Onward { line, to, headway_min, ride_min, alights: None, stops: None, timetable: None }
    }

    #[test]
    fn both_are_shown_when_the_edge_wins_or_comes_close() {
        let margin = Duration::from_secs(300);
        for (edge, inner, shown) in [
            (door(0, 1_200.0, 0.0), door(1, 900.0, 0.0), false),
            (door(0, 1_199.0, 0.0), door(1, 900.0, 0.0), true),
            (door(0, 800.0, 0.0), door(1, 900.0, 0.0), true),
            // In the city centre one is likely to be turned away.
            (door(0, 1_500.0, 0.0), door(1, 900.0, 400.0), true),
            (door(0, 1_100.0, 200.0), door(1, 900.0, 0.0), false),
        ] {
            let got = edge_or_in(&[edge, door(7, 9e9, 0.0)], &[door(8, 5e3, 0.0), inner], margin).unwrap();
            assert_eq!(
                (got.shown, got.edge_s, got.in_s),
                (shown, edge.door_s, inner.door_s),
                "{edge:?} {inner:?}"
            );
            assert_eq!((got.edge, got.inner), (edge.facility, inner.facility));
        }
        assert_eq!(edge_or_in(&[], &[door(1, 1.0, 0.0)], margin), None);
        assert_eq!(edge_or_in(&[door(1, f64::NAN, 0.0)], &[door(1, 1.0, 0.0)], margin), None);
        assert_eq!(edge_or_in(&[door(1, 1.0, 0.0)], &[], margin), None);
    }

    #[test]
    fn the_edge_is_driving_half_a_headway_the_ride_and_the_walk() {
        let lines = [line(20, 5), line(10, 8)];
        let walk = |line: &Onward| (line.ride_min == 8).then_some(120.0);
        let got = edge_door(FacilityIx(3), 600.0, 9.0, &lines, Timestamp::EPOCH, walk).unwrap();
        assert_eq!(got, door(3, 600.0 + 300.0 + 480.0 + 120.0, 9.0));
        assert_eq!(edge_door(FacilityIx(3), 600.0, 0.0, &lines, Timestamp::EPOCH, |_| None), None);
        assert_eq!(edge_door(FacilityIx(3), 600.0, 0.0, &[], Timestamp::EPOCH, walk), None);
    }
}
