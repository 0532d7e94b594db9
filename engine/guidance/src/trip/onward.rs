//! From an edge car park on: waiting, riding, walking.

use std::time::Duration;

use vlot_model::{Leg, LegBasis, LegKind, LonLat, Onward, RuledOutBy, Span, Timestamp};
use vlot_network::geo;

use super::{Timed, Trip, When, in_time, seconds};

/// On foot, metres a second.
const WALK_MPS: f64 = 5.0 / 3.6;
/// Streets are longer than a straight line by this factor.
const DETOUR: f64 = 4.0 / 3.0;
/// Standard deviation of the logarithm of such a walk's time.
const WALK_SD: f64 = 0.25;
/// An 80 % interval ends so many standard deviations from the middle.
const SD_OF_80_PCT: f64 = 1.281_55;

/// A walk of which no way over the streets is known: a straight line, and a third more.
#[must_use]
pub fn on_foot(from: LonLat, to: LonLat) -> Leg {
    let length_m = DETOUR * geo::distance_m(from, to);
    let s = length_m / WALK_MPS;
    let factor = (SD_OF_80_PCT * WALK_SD).exp();
    let time = Span { seconds: s, low_s: s / factor, high_s: s * factor };
    Leg { kind: LegKind::Walk, time, length_m: Some(length_m), basis: LegBasis::StraightLine }
}

/// Where departures are known by how far they are apart alone: half of that, give or take all of it.
fn by_headway(line: &Onward) -> [Leg; 2] {
    let headway_s = 60.0 * f64::from(line.headway_min);
    let time = Span { seconds: headway_s / 2.0, low_s: 0.0, high_s: headway_s };
    let basis = LegBasis::Headway { minutes: line.headway_min };
    let ride = Span::exactly(60.0 * f64::from(line.ride_min));
    [
        Leg { kind: LegKind::Wait, time, length_m: None, basis },
        Leg { kind: LegKind::Ride, time: ride, length_m: None, basis: LegBasis::Configured },
    ]
}

/// Drives, waits, rides and walks: by the timetable where it covers that instant, else by the headway.
pub(super) fn ride(trip: &Trip, drive: Leg, line: &Onward, walk: Leg) -> Result<Timed, RuledOutBy> {
    match trip.when {
        When::Depart(at) => from(at, drive, line, walk),
        When::Arrive(by) => {
            let now = from(trip.now, drive, line, walk);
            let late = || now.as_ref().map_or(by, Timed::arrives);
            let alights_by = by - seconds(walk.time.high_s);
            let departs = match line.timetable.as_ref().filter(|t| t.covers(alights_by)) {
                Some(timetable) => {
                    let run =
                        timetable.last_by(alights_by).ok_or(RuledOutBy::NoDeparture { from: alights_by })?;
                    run.leaves - seconds(drive.time.high_s)
                }
                None => {
                    let [wait, ride] = by_headway(line);
                    let door = drive.time.then(wait.time).then(ride.time).then(walk.time);
                    by - seconds(door.high_s)
                }
            };
            in_time(trip, late(), departs)?;
            from(departs, drive, line, walk)
        }
    }
}

/// The same for who leaves at an instant.
fn from(departs: Timestamp, drive: Leg, line: &Onward, walk: Leg) -> Result<Timed, RuledOutBy> {
    let parks = departs + seconds(drive.time.seconds);
    let Some(timetable) = line.timetable.as_ref().filter(|t| t.covers(parks)) else {
        let [wait, ride] = by_headway(line);
        let door = drive.time.then(wait.time).then(ride.time).then(walk.time);
        return Ok(Timed { departs, parks, legs: vec![drive, wait, ride, walk], door });
    };
    let run = timetable.next(parks).ok_or(RuledOutBy::NoDeparture { from: parks })?;
    // Who arrives a little later may miss it: the interval is that of the runs that are then caught.
    let [early, late] = [drive.time.low_s, drive.time.high_s].map(|drive_s| {
        let there = departs + seconds(drive_s);
        (there, timetable.next(there).unwrap_or(run))
    });
    let s = |from: Timestamp, to: Timestamp| to.since(from).as_secs_f64();
    let waits = [(parks, run), early, late].map(|(there, run)| s(there, run.leaves));
    let wait = Span {
        seconds: waits[0],
        low_s: waits.into_iter().fold(f64::INFINITY, f64::min),
        high_s: waits.into_iter().fold(0.0, f64::max),
    };
    let alights = Span {
        seconds: s(departs, run.arrives),
        low_s: s(departs, early.1.arrives.min(run.arrives)),
        high_s: s(departs, late.1.arrives.max(run.arrives)),
    };
    let basis = LegBasis::Timetable { leaves: run.leaves };
    let ride = Span::exactly(s(run.leaves, run.arrives));
    let legs = vec![
        drive,
        Leg { kind: LegKind::Wait, time: wait, length_m: None, basis },
        Leg { kind: LegKind::Ride, time: ride, length_m: None, basis },
        walk,
    ];
    Ok(Timed { departs, parks, legs, door: alights.then(walk.time) })
}

/// Seconds from arriving at an edge car park to getting off, as expected; `None`: nothing leaves.
pub(super) fn wait_and_ride_s(line: &Onward, there: Timestamp) -> Option<f64> {
    match line.timetable.as_ref().filter(|t| t.covers(there)) {
        Some(timetable) => Some(timetable.next(there)?.arrives.since(there).as_secs_f64()),
        None => Some(
            Duration::from_secs(30 * u64::from(line.headway_min) + 60 * u64::from(line.ride_min))
                .as_secs_f64(),
        ),
    }
}
