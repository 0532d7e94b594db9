//! Plays a recording to the forecaster, and judges what it said.

use std::time::Instant;

use jiff::Timestamp;
use vlot_dataflow::forecast::model::{Forecaster, Moment};

use super::data::{Lot, Set};

/// Seconds ahead.
const HORIZONS_S: [i64; 3] = [900, 1800, 3600];
/// Quarters of an hour in a week.
const QUARTERS: usize = 672;
const WEEK_S: i64 = 7 * 86_400;
/// Persistence, last week, the weekly profile, ours.
const METHODS: usize = 4;

/// What a set came to.
pub(super) struct Scores {
    pub(super) lots: usize,
    pub(super) updates: usize,
    /// Processor time of the observations, microseconds each.
    pub(super) us_per_update: f64,
    pub(super) rows: Vec<Row>,
    /// Horizons at which the recording has too few outcomes, minutes.
    pub(super) not_scored: Vec<i64>,
}

/// One horizon: means over car parks.
pub(super) struct Row {
    pub(super) minutes: i64,
    pub(super) outcomes: u64,
    /// Mean absolute errors, % of capacity.
    pub(super) percent: [f64; METHODS],
    /// The same in spaces.
    pub(super) spaces: [f64; METHODS],
    /// Outcomes below, inside and above the interval, %.
    pub(super) parts: [f64; 3],
    /// Mean width of the interval, % of capacity.
    pub(super) width: f64,
    /// The lowest and the highest share of outcomes inside of any car park, %.
    pub(super) inside_by_lot: [f64; 2],
}

/// Sums of one car park at one horizon.
#[derive(Clone, Copy, Default)]
struct Sum {
    /// Times at which a forecast was due, and those whose outcome is known.
    due: u64,
    n: f64,
    error: [f64; METHODS],
    parts: [f64; 3],
    width: f64,
}

/// Scores a set, on two threads.
pub(super) fn score(set: &Set) -> Scores {
    let half = |odd: usize| -> Vec<_> {
        let lots = set.lots.iter().enumerate().filter(|(at, _)| at % 2 == odd);
        lots.map(|(at, lot)| (at, lot, sums(set, lot), seconds(set, lot))).collect()
    };
    let mut done = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        let mut done = half(0);
        done.extend(other.join().unwrap_or_default());
        done
    });
    done.sort_by_key(|(at, ..)| *at);
    let updates: usize = set.lots.iter().map(|lot| lot.seen.len()).sum();
    let spent: f64 = done.iter().map(|(.., seconds)| seconds).sum();
    let (mut rows, mut not_scored) = (Vec::new(), Vec::new());
    for (i, horizon) in HORIZONS_S.into_iter().enumerate() {
        let lots: Vec<(&Lot, Sum)> = done.iter().map(|(_, lot, sums, _)| (*lot, sums[i])).collect();
        match row(horizon / 60, &lots) {
            Some(row) => rows.push(row),
            None => not_scored.push(horizon / 60),
        }
    }
    Scores {
        lots: set.lots.len(),
        updates,
        us_per_update: spent / updates.max(1) as f64 * 1e6,
        rows,
        not_scored,
    }
}

/// `None` where fewer than half of the due forecasts have an outcome.
fn row(minutes: i64, lots: &[(&Lot, Sum)]) -> Option<Row> {
    let outcomes: f64 = lots.iter().map(|(_, sum)| sum.n).sum();
    let due: u64 = lots.iter().map(|(_, sum)| sum.due).sum();
    if outcomes < due as f64 / 2.0 {
        return None;
    }
    let scored: Vec<&(&Lot, Sum)> = lots.iter().filter(|(_, sum)| sum.n > 0.0).collect();
    let mean = |of: &dyn Fn(&Lot, &Sum) -> f64| {
        scored.iter().map(|(lot, sum)| of(lot, sum)).sum::<f64>() / scored.len().max(1) as f64
    };
    let said = |sum: &Sum| sum.parts.iter().sum::<f64>().max(1.0);
    let inside = scored.iter().map(|(_, sum)| sum.parts[1] / said(sum) * 100.0);
    Some(Row {
        minutes,
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        outcomes: outcomes as u64,
        percent: std::array::from_fn(|k| {
            mean(&|lot, sum| sum.error[k] / sum.n / f64::from(lot.capacity) * 100.0)
        }),
        spaces: std::array::from_fn(|k| mean(&|_, sum| sum.error[k] / sum.n)),
        parts: std::array::from_fn(|k| mean(&|_, sum| sum.parts[k] / said(sum) * 100.0)),
        width: mean(&|lot, sum| sum.width / said(sum) / f64::from(lot.capacity) * 100.0),
        inside_by_lot: [inside.clone().fold(100.0, f64::min), inside.fold(0.0, f64::max)],
    })
}

fn moment(set: &Set, at_s: i64) -> Moment {
    let local = set.zone.to_datetime(Timestamp::from_second(at_s).unwrap_or_default());
    let hours = i64::from(local.weekday().to_monday_zero_offset()) * 24 + i64::from(local.hour());
    Moment::ordinary(at_s, u16::try_from(hours * 60 + i64::from(local.minute())).unwrap_or(0))
}

/// The figure nearest to a time, within a tolerance; of two as near the later.
fn near(lot: &Lot, at_s: i64, tolerance_s: i64) -> Option<f64> {
    let after = lot.seen.partition_point(|seen| seen.at_s < at_s);
    let around = lot.seen.get(after.saturating_sub(1)..lot.seen.len().min(after + 1))?;
    let off = |at: i64| (at - at_s).abs();
    let best =
        around.iter().rev().min_by_key(|seen| off(seen.at_s)).filter(|seen| off(seen.at_s) <= tolerance_s)?;
    Some(best.free.clamp(0.0, f64::from(lot.capacity)))
}

fn sums(set: &Set, lot: &Lot) -> [Sum; 3] {
    let mut forecaster = Forecaster::new(lot.capacity, 7);
    let mut sums = [Sum::default(); 3];
    // Sum and number by quarter of the week.
    let mut profile = vec![(0.0, 0.0); QUARTERS];
    let quarter = |minute: i64| usize::try_from(minute.rem_euclid(10_080) / 15).unwrap_or(0);
    for seen in &lot.seen {
        let now = moment(set, seen.at_s);
        let minute = i64::from(now.week_minute);
        forecaster.observe(now, spaces(seen.free), lot.capacity);
        let free = seen.free.clamp(0.0, f64::from(lot.capacity));
        for (sum, horizon) in sums.iter_mut().zip(HORIZONS_S).filter(|_| seen.at_s >= set.cut_s) {
            sum.due += 1;
            let Some(came) = near(lot, seen.at_s + horizon, set.tolerance_s.min(horizon / 3)) else {
                continue;
            };
            // What a method does not know, it takes to stay as it is.
            let week = near(lot, seen.at_s + horizon - WEEK_S, set.tolerance_s.max(300)).unwrap_or(free);
            let (total, n) = profile[quarter(minute + horizon / 60)];
            let usual = if n > 0.0 { total / n } else { free };
            let ours = forecaster.predict(horizon);
            let said = [free, week, usual, ours.map_or(free, |ours| f64::from(ours.best))];
            sum.n += 1.0;
            for (error, said) in sum.error.iter_mut().zip(said) {
                *error += (said - came).abs();
            }
            if let Some(ours) = ours {
                let (low, high) = (f64::from(ours.low) - 1e-3, f64::from(ours.high) + 1e-3);
                let part = if came < low { 0 } else { 1 + usize::from(came > high) };
                sum.parts[part] += 1.0;
                sum.width += f64::from(ours.high - ours.low);
            }
        }
        let cell = &mut profile[quarter(minute)];
        *cell = (cell.0 + free, cell.1 + 1.0);
    }
    sums
}

/// Processor seconds of all observations of a car park; elapsed ones where the system does not tell.
fn seconds(set: &Set, lot: &Lot) -> f64 {
    let on_processor = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
    };
    let moments: Vec<_> = lot.seen.iter().map(|seen| (moment(set, seen.at_s), spaces(seen.free))).collect();
    let mut forecaster = Forecaster::new(lot.capacity, 7);
    let (before, started) = (on_processor(), Instant::now());
    for (moment, free) in moments {
        forecaster.observe(moment, free, lot.capacity);
    }
    match (before, on_processor()) {
        (Some(before), Some(after)) => after - before,
        _ => started.elapsed().as_secs_f64(),
    }
}

/// Resident bytes of a facility's forecaster, from what 2,000 of them take after a day; `None` where the system does
/// not tell.
pub(super) fn bytes_each() -> Option<u64> {
    let pages = || std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse::<u64>().ok();
    let before = pages()?;
    let mut forecasters: Vec<Forecaster> = (0..2_000).map(|seed| Forecaster::new(100, seed)).collect();
    for slot in 0..288_u16 {
        for forecaster in &mut forecasters {
            forecaster.observe(Moment::ordinary(i64::from(slot) * 300, slot * 5), f32::from(slot % 90), 100);
        }
    }
    let after = pages()?;
    let used = after.saturating_sub(before) * 4096 / forecasters.len() as u64;
    Some(used)
}

#[expect(clippy::cast_possible_truncation, reason = "figures of car parks fit")]
fn spaces(free: f64) -> f32 {
    free as f32
}
