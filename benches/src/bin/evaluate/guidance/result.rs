//! What came of a run, and what it means beside others of the same seed.

use serde::{Deserialize, Serialize};

/// A driver's end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ended {
    /// From the departure to the space, or to where the driver gave up.
    pub(super) time_s: f64,
    pub(super) turned_away: usize,
    pub(super) park: Option<usize>,
    pub(super) walk_s: f64,
    pub(super) gave_up: bool,
}

/// Who finds no space is taken to walk for so long from somewhere.
const NOWHERE_WALK_S: f64 = 1_200.0;

impl Ended {
    pub(super) fn end(&mut self, time_s: f64, turned_away: usize) {
        (self.time_s, self.turned_away) = (time_s, turned_away);
        self.walk_s = NOWHERE_WALK_S;
    }
}

/// A run as it is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Played {
    pub(super) drivers: Vec<Ended>,
    pub(super) vehicle_km: f64,
    pub(super) turned_away: u32,
    /// Deviation of the car parks' shares of taken spaces, minute by minute.
    pub(super) spread: Vec<f64>,
    pub(super) signs_read: u32,
    pub(super) advised: u32,
    pub(super) followed: u32,
    /// Passed a sign that advises another car park and does not say that theirs has space, whether or not they read signs; and of these, who
    /// took the advice.
    pub(super) warned: u32,
    pub(super) followed_warned: u32,
    /// The share that obeys, as Vlot tells it at the end, and its standard deviation.
    pub(super) told_compliance: Option<[f32; 2]>,
    pub(super) flips_per_sign_hour: f64,
    pub(super) changes_per_sign_hour: f64,
    pub(super) wrong_free: f64,
    pub(super) wrong_full: f64,
    pub(super) dark: f64,
    /// Times that SUMO would not turn a vehicle: it was being teleported.
    pub(super) refused_turns: u32,
    /// Readings that admission refused.
    pub(super) refused: u64,
    pub(super) wall_s: f64,
}

impl Played {
    pub(super) fn new(drivers: usize) -> Self {
        Played { drivers: vec![Ended::default(); drivers], ..Played::default() }
    }
}

/// Figures of a run, beside the undisturbed one of its seed.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Figures {
    /// Departure to space: mean and 95th percentile, minutes.
    pub(super) park_mean_min: f64,
    pub(super) park_p95_min: f64,
    /// More than the same driver took where every car park had room: mean, minutes.
    pub(super) lost_mean_min: f64,
    /// The same with the walk: door to door.
    pub(super) lost_door_mean_min: f64,
    pub(super) walk_mean_min: f64,
    /// Share of drivers who were turned away at least once; and how often a driver was, on average.
    pub(super) turned_away_share: f64,
    pub(super) turned_away_each: f64,
    pub(super) no_space_share: f64,
    pub(super) vehicle_km: f64,
    pub(super) spread: f64,
    pub(super) flips_per_sign_hour: f64,
    pub(super) changes_per_sign_hour: f64,
    pub(super) followed_share: f64,
    pub(super) followed_warned_share: f64,
    /// With its standard deviation; `None` without guidance.
    pub(super) told_compliance: Option<[f64; 2]>,
    pub(super) signs_read_each: f64,
    pub(super) wrong_free: f64,
    pub(super) wrong_full: f64,
    pub(super) dark: f64,
    pub(super) refused_turns: f64,
    pub(super) wall_s: f64,
}

pub(super) fn figures(played: &Played, undisturbed: &Played) -> Figures {
    let n = played.drivers.len().max(1) as f64;
    let mean = |of: &dyn Fn(&Ended) -> f64| played.drivers.iter().map(of).sum::<f64>() / n;
    let other = |of: &dyn Fn(&Ended) -> f64| undisturbed.drivers.iter().map(of).sum::<f64>() / n;
    let mut times: Vec<f64> = played.drivers.iter().map(|ended| ended.time_s).collect();
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in a list")]
    let p95_s = times.get((n * 0.95) as usize).or(times.last()).copied().unwrap_or(0.0);
    let share = |of: &dyn Fn(&Ended) -> bool| mean(&|ended| if of(ended) { 1.0 } else { 0.0 });
    let lost_s = mean(&|ended| ended.time_s) - other(&|ended| ended.time_s);
    let walked_s = mean(&|ended| ended.walk_s) - other(&|ended| ended.walk_s);
    Figures {
        park_mean_min: mean(&|ended| ended.time_s) / 60.0,
        park_p95_min: p95_s / 60.0,
        lost_mean_min: lost_s / 60.0,
        lost_door_mean_min: (lost_s + walked_s) / 60.0,
        walk_mean_min: mean(&|ended| ended.walk_s) / 60.0,
        turned_away_share: share(&|ended| ended.turned_away > 0),
        turned_away_each: f64::from(played.turned_away) / n,
        no_space_share: share(&|ended| ended.park.is_none()),
        vehicle_km: played.vehicle_km,
        spread: played.spread.iter().sum::<f64>() / played.spread.len().max(1) as f64,
        flips_per_sign_hour: played.flips_per_sign_hour,
        changes_per_sign_hour: played.changes_per_sign_hour,
        followed_share: f64::from(played.followed) / f64::from(played.advised.max(1)),
        followed_warned_share: f64::from(played.followed_warned) / f64::from(played.warned.max(1)),
        told_compliance: played.told_compliance.map(|told| told.map(f64::from)),
        signs_read_each: f64::from(played.signs_read) / n,
        wrong_free: played.wrong_free,
        wrong_full: played.wrong_full,
        dark: played.dark,
        refused_turns: f64::from(played.refused_turns),
        wall_s: played.wall_s,
    }
}

impl Figures {
    pub(super) fn mean(all: &[Figures]) -> Figures {
        let n = all.len().max(1) as f64;
        let mean = |of: fn(&Figures) -> f64| all.iter().map(of).sum::<f64>() / n;
        Figures {
            park_mean_min: mean(|f| f.park_mean_min),
            park_p95_min: mean(|f| f.park_p95_min),
            lost_mean_min: mean(|f| f.lost_mean_min),
            lost_door_mean_min: mean(|f| f.lost_door_mean_min),
            walk_mean_min: mean(|f| f.walk_mean_min),
            turned_away_share: mean(|f| f.turned_away_share),
            turned_away_each: mean(|f| f.turned_away_each),
            no_space_share: mean(|f| f.no_space_share),
            vehicle_km: mean(|f| f.vehicle_km),
            spread: mean(|f| f.spread),
            flips_per_sign_hour: mean(|f| f.flips_per_sign_hour),
            changes_per_sign_hour: mean(|f| f.changes_per_sign_hour),
            followed_share: mean(|f| f.followed_share),
            followed_warned_share: mean(|f| f.followed_warned_share),
            told_compliance: all
                .iter()
                .map(|f| f.told_compliance)
                .collect::<Option<Vec<_>>>()
                .map(|told| [0, 1].map(|i| told.iter().map(|told| told[i]).sum::<f64>() / n)),
            signs_read_each: mean(|f| f.signs_read_each),
            wrong_free: mean(|f| f.wrong_free),
            wrong_full: mean(|f| f.wrong_full),
            dark: mean(|f| f.dark),
            refused_turns: mean(|f| f.refused_turns),
            wall_s: mean(|f| f.wall_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_time_is_beside_the_undisturbed_run_and_a_longer_walk_counts_with_it() {
        let run = |ends: &[(f64, f64)]| Played {
            drivers: ends
                .iter()
                .map(|(time_s, walk_s)| Ended {
                    time_s: *time_s,
                    walk_s: *walk_s,
                    park: Some(0),
                    ..Ended::default()
                })
                .collect(),
            ..Played::default()
        };
        let (undisturbed, guided) =
            (run(&[(600.0, 60.0), (300.0, 60.0)]), run(&[(540.0, 360.0), (480.0, 60.0)]));
        let got = figures(&guided, &undisturbed);
        assert_eq!((got.lost_mean_min, got.lost_door_mean_min), (1.0, 3.5));
        assert_eq!((got.park_mean_min, got.park_p95_min, got.walk_mean_min), (8.5, 9.0, 3.5));
    }
}
