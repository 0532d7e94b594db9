//! Departures between two stops, as a feed of timetables states them.

use std::time::Duration;

use crate::Timestamp;

/// A run may leave so long after its day's beginning: after midnight it still belongs to the day before.
const DAY_MAX: Duration = Duration::from_hours(48);
/// Nobody waits longer than this: later departures are none.
const WAIT_MAX: Duration = Duration::from_hours(6);

/// Runs between two stops, and the days on which they go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timetable {
    /// The feed's file.
    pub feed: Box<str>,
    /// Days on which at least one of them goes, rising.
    pub days: Vec<ServiceDay>,
    /// In order of departure.
    pub runs: Vec<Run>,
}

/// A day of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDay {
    /// What the runs' times count from: noon less twelve hours, by the clock where the stops are.
    pub begins: Timestamp,
    /// Which runs go, by [`Run::service`], rising.
    pub services: Vec<u32>,
}

/// A run from one stop to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Seconds after the day's beginning.
    pub leaves_s: u32,
    /// Seconds on the way.
    pub ride_s: u32,
    /// Goes on the days that name this.
    pub service: u32,
}

/// One run on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Departure {
    /// At the other stop.
    pub arrives: Timestamp,
    /// At the first stop.
    pub leaves: Timestamp,
}

impl Timetable {
    /// From its first day on; `None`: there is none.
    #[must_use]
    pub fn begins(&self) -> Option<Timestamp> {
        self.days.first().map(|day| day.begins)
    }

    /// Nothing is known from then on; `None`: nothing ever was.
    #[must_use]
    pub fn ends(&self) -> Option<Timestamp> {
        self.days.last().map(|day| day.begins + Duration::from_hours(24))
    }

    /// Whether it says anything of an instant: outside its days it says nothing, which is not that nothing goes.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.begins().is_some_and(|begins| begins <= at) && self.ends().is_some_and(|ends| at < ends)
    }

    /// The run that arrives first of those that leave from then on, within six hours.
    #[must_use]
    pub fn next(&self, from: Timestamp) -> Option<Departure> {
        let within = from..=from + WAIT_MAX;
        self.departures(from).filter(|d| within.contains(&d.leaves)).min_by_key(|d| (d.arrives, d.leaves))
    }

    /// The run that leaves last of those that arrive by then, at most six hours before.
    #[must_use]
    pub fn last_by(&self, by: Timestamp) -> Option<Departure> {
        let from = by - WAIT_MAX;
        self.departures(from)
            .filter(|d| d.leaves >= from && d.arrives <= by)
            .max_by_key(|d| (d.leaves, d.arrives))
    }

    /// Those of the days around an instant, in no order.
    fn departures(&self, from: Timestamp) -> impl Iterator<Item = Departure> {
        let near = from - DAY_MAX..=from + WAIT_MAX;
        let first = self.days.partition_point(|day| day.begins < *near.start());
        let days = self.days[first..].iter().take_while(move |day| near.contains(&day.begins));
        days.flat_map(|day| {
            let goes = |run: &&Run| day.services.binary_search(&run.service).is_ok();
            self.runs.iter().filter(goes).map(|run| {
                let leaves = day.begins + Duration::from_secs(run.leaves_s.into());
                Departure { leaves, arrives: leaves + Duration::from_secs(run.ride_s.into()) }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn at(day: i64, seconds: i64) -> Timestamp {
        Timestamp::from_secs(day * 24 * HOUR + seconds)
    }

    /// On days 0 and 1 every half hour from 6 to 24:30; on day 3 one at 8.
    fn timetable() -> Timetable {
        let run = |leaves_s: u32, service| Run { leaves_s, ride_s: 900, service };
        let mut runs: Vec<_> = (12..=49).map(|half| run(half * 1_800, 1)).collect();
        runs.push(run(8 * 3_600, 4));
        // A fast one overtakes.
        runs.push(Run { leaves_s: 10 * 3_600 + 300, ride_s: 60, service: 1 });
        runs.sort();
        let day = |day, service| ServiceDay { begins: at(day, 0), services: vec![service] };
        Timetable { feed: "feed.zip".into(), days: vec![day(0, 1), day(1, 1), day(3, 4)], runs }
    }

    #[test]
    fn the_run_that_arrives_first_is_taken_also_past_midnight() {
        let t = timetable();
        let next = |day, s| t.next(at(day, s)).map(|d| (d.leaves, d.arrives));
        assert_eq!(next(0, 7 * HOUR + 1), Some((at(0, 7 * HOUR + 1_800), at(0, 7 * HOUR + 2_700))));
        assert_eq!(next(0, 10 * HOUR), Some((at(0, 10 * HOUR + 300), at(0, 10 * HOUR + 360))));
        assert_eq!(next(1, 60), Some((at(0, 24 * HOUR + 1_800), at(0, 24 * HOUR + 2_700))));
        assert_eq!(next(1, 1_801), Some((at(1, 6 * HOUR), at(1, 6 * HOUR + 900))));
        // On day 2 nothing goes, and nobody waits until day 3.
        assert_eq!(next(2, 9 * HOUR), None);
        assert_eq!(next(3, 8 * HOUR + 1), None);
    }

    #[test]
    fn the_last_that_is_in_time_is_taken() {
        let t = timetable();
        let by = |day, s| t.last_by(at(day, s)).map(|d| d.leaves);
        assert_eq!(by(0, 8 * HOUR), Some(at(0, 7 * HOUR + 1_800)));
        assert_eq!(by(0, 7 * HOUR + 900), Some(at(0, 7 * HOUR)));
        assert_eq!(by(0, 6 * HOUR + 899), None);
    }

    #[test]
    fn outside_its_days_it_says_nothing() {
        let t = timetable();
        assert!(
            !t.covers(at(-1, 86_399)) && t.covers(at(0, 0)) && t.covers(at(2, 5)) && t.covers(at(3, 86_399))
        );
        assert!(!t.covers(at(4, 0)) && !Timetable::default().covers(at(0, 0)));
        assert_eq!(t.next(at(300, 8 * HOUR)), None);
        assert_eq!(Timetable::default().next(at(0, 0)), None);
    }
}
