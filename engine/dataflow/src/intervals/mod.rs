//! Counts per station and interval: the windows that motor traffic and bicycles share.
//!
//! **Which interval.** A reading belongs to the interval that holds its middle, so that a device whose clock is a
//! little off still counts where it should; shorter readings add up. A reading that is longer than the interval is
//! not spread over several, and one that overlaps what its device has said already is not counted twice: both are
//! metered as unusable, as are readings from further ahead than the next interval or from before the kept ones.
//!
//! **When it is published.** Intervals are closed in order, each as soon as every device has covered it, else by the
//! engine's clock at its end plus the station's lateness, whatever is missing. A later reading corrects what is
//! kept: it is published again while it is the station's newest, and metered as late otherwise. A station that was
//! never heard publishes nothing; from then on each interval without a reading is a gap, not 0.

use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    Admitted, City, CountMode, DeviceIx, Meters, Product, Quality, Reading, Role, Share, StationIx, Tick,
    Timestamp, Trigger, Update, Value,
};

use crate::shell::{Logic, Standing};
use crate::trust::trigger;

mod stations;
#[cfg(test)]
mod twin;

pub(crate) use stations::stations;

/// Closed intervals that late readings still correct.
const KEPT: i64 = 60;
/// A product stays valid until the next one is due, and this much longer: the engine's clock ticks once a second.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// What one device says over an interval.
pub(crate) trait Lane: Default + Clone + 'static {
    /// The stations that it counts for.
    const MODE: CountMode;

    /// The length of a reading of this kind in seconds; `None` for other readings.
    fn length_s(value: &Value) -> Option<u32>;
    /// Adds a reading of this kind.
    fn add(&mut self, value: &Value);
    /// Whether its figures hold for the whole interval, given how much of it was covered.
    fn reports(&self, covered_s: u32, interval_s: u32) -> bool;
    /// The station's product.
    fn product(interval: &Interval, lanes: &mut dyn Iterator<Item = &Self>) -> Product;
}

/// An interval as it is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) station: StationIx,
    pub(crate) start: Timestamp,
    pub(crate) interval_s: u32,
    pub(crate) valid_until: Timestamp,
    pub(crate) sensors: Share,
    pub(crate) late_readings: u32,
}

/// Of an interval that at least one device reported on.
pub(crate) fn quality(sensors: Share) -> Quality {
    if sensors.reporting == sensors.total { Quality::Good } else { Quality::Degraded }
}

/// The station of each device, for routing; 0 for devices of other kinds.
pub(crate) fn station_of_device(city: &City) -> Vec<u64> {
    let station = |role| if let Role::Lane { station } = role { u64::from(station.0) } else { 0 };
    city.devices.iter().map(|device| station(device.role)).collect()
}

/// Whether a device of that role counts at a station of that mode.
pub(crate) fn counts(role: Role, mode: CountMode, city: &City) -> bool {
    matches!(role, Role::Lane { station } if city.stations[station.at()].mode == mode)
}

#[derive(Clone, Debug, Default)]
struct Covered<L> {
    seconds: u32,
    /// In which 64ths of the interval the middles of its readings lie.
    middles: u64,
    lane: L,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    number: i64,
    late_readings: u32,
}

/// What became of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// It counts in an open interval, or says nothing that could count.
    Quietly,
    /// It corrects the interval that is the station's newest product.
    Corrects,
    /// It corrects one before that.
    Late,
    /// It cannot count.
    Unusable,
}

#[derive(Debug)]
struct Station<L> {
    station: StationIx,
    width: i64,
    interval_s: u32,
    lateness: Duration,
    lanes: usize,
    /// A ring by interval number, and the lanes of each of its slots.
    slots: Vec<Slot>,
    covered: Vec<Covered<L>>,
    /// Intervals are counted from the epoch; those before this one are closed. `None` before it was heard.
    closed_before: Option<i64>,
    /// Lanes whose device was retired, by position: nobody waits for them, and they are not in the totals.
    absent: Vec<bool>,
    /// The clock closes nothing before.
    due: Option<Timestamp>,
    /// The oldest open interval may be covered by now.
    filled: bool,
    changed: bool,
    trigger: Option<Trigger>,
}

impl<L: Lane> Station<L> {
    fn new(station: StationIx, city: &City) -> Self {
        let config = &city.stations[station.at()];
        let interval_s = u32::try_from(config.interval.as_secs()).unwrap_or(u32::MAX).max(1);
        let width = i64::from(interval_s) * 1_000_000;
        let open = i64::try_from(config.lateness.as_micros()).unwrap_or(i64::MAX) / width + 4;
        let slots = usize::try_from(KEPT + open.min(4_096)).unwrap_or_default();
        let lanes = config.devices.len();
        Station {
            station,
            width,
            interval_s,
            lateness: config.lateness,
            lanes,
            slots: vec![Slot { number: i64::MIN, late_readings: 0 }; slots],
            covered: vec![Covered::default(); slots * lanes],
            closed_before: None,
            absent: vec![false; lanes],
            due: None,
            filled: false,
            changed: false,
            trigger: None,
        }
    }

    /// The slot of an interval, emptied of an older one; `None` when it holds a newer one.
    fn slot(&mut self, number: i64) -> Option<usize> {
        let i = self.position(number);
        if self.slots[i].number < number {
            self.slots[i] = Slot { number, late_readings: 0 };
            self.covered[i * self.lanes..(i + 1) * self.lanes].fill(Covered::default());
        }
        (self.slots[i].number == number).then_some(i)
    }

    fn position(&self, number: i64) -> usize {
        usize::try_from(number.rem_euclid(self.slots.len() as i64)).unwrap_or_default()
    }

    /// Whether there is nothing to close.
    fn is_quiet(&self, now: Timestamp) -> bool {
        !self.filled && self.due.is_some_and(|due| now < due)
    }

    /// Closes what the clock and full coverage close.
    fn close(&mut self, now: Timestamp) {
        if self.is_quiet(now) {
            return;
        }
        self.filled = false;
        let by_clock = (now - self.lateness).micros().div_euclid(self.width);
        let Some(before) = self.closed_before else {
            self.closed_before = Some(by_clock);
            return self.set_due();
        };
        let mut closed = before.max(by_clock);
        while self.is_covered(closed) {
            closed += 1;
        }
        if closed > before {
            self.changed = true;
            self.closed_before = Some(closed);
            self.set_due();
        }
    }

    fn set_due(&mut self) {
        let end = self.closed_before.map(|closed| closed.saturating_add(1).saturating_mul(self.width));
        self.due = end.map(|end| Timestamp::from_micros(end) + self.lateness);
    }

    fn is_covered(&self, number: i64) -> bool {
        let i = self.position(number);
        let lanes = &self.covered[i * self.lanes..(i + 1) * self.lanes];
        self.slots[i].number == number
            && lanes.iter().zip(&self.absent).all(|(lane, absent)| *absent || lane.seconds >= self.interval_s)
    }

    fn take(&mut self, lane: usize, reading: &Reading, now: Timestamp) -> Taken {
        let (Some(length_s), Some(closed)) = (L::length_s(&reading.value), self.closed_before) else {
            return Taken::Quietly;
        };
        if length_s == 0 || length_s > self.interval_s {
            return Taken::Unusable;
        }
        let middle = reading.observed_at.micros().saturating_add(i64::from(length_s) * 500_000);
        let number = middle.div_euclid(self.width);
        let next = now.micros().div_euclid(self.width) + 1;
        if number < closed - KEPT || number > next {
            return Taken::Unusable;
        }
        let Some(slot) = self.slot(number) else { return Taken::Unusable };
        let covered = &mut self.covered[slot * self.lanes + lane];
        let bit = 1_u64 << (i128::from(middle.rem_euclid(self.width)) * 64 / i128::from(self.width));
        // Readings shorter than a 64th may rightly share one.
        let said_before = covered.middles & bit != 0 && length_s.saturating_mul(64) >= self.interval_s;
        if said_before || covered.seconds + length_s > self.interval_s {
            return Taken::Unusable;
        }
        covered.seconds += length_s;
        covered.middles |= bit;
        covered.lane.add(&reading.value);
        if number >= closed {
            self.filled |= number == closed;
            return Taken::Quietly;
        }
        self.slots[slot].late_readings = self.slots[slot].late_readings.saturating_add(1);
        if number == closed - 1 {
            self.changed = true;
            return Taken::Corrects;
        }
        Taken::Late
    }

    /// The newest closed interval, if it is another than before.
    fn product_if_changed(&mut self) -> Option<Product> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let number = self.closed_before? - 1;
        let slot = self.slot(number)?;
        let lanes = &self.covered[slot * self.lanes..(slot + 1) * self.lanes];
        let start = Timestamp::from_micros(number.saturating_mul(self.width));
        let reports = |c: &&Covered<L>| c.lane.reports(c.seconds, self.interval_s);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let interval = Interval {
            station: self.station,
            start,
            interval_s: self.interval_s,
            valid_until: start
                + Duration::from_secs(u64::from(self.interval_s) * 2)
                + self.lateness
                + CLOCK_STEP,
            sensors: Share {
                reporting: count(lanes.iter().filter(reports).count()),
                total: count(self.absent.iter().filter(|absent| !**absent).count()),
            },
            late_readings: self.slots[slot].late_readings,
        };
        Some(L::product(&interval, &mut lanes.iter().filter(|c| c.seconds > 0).map(|c| &c.lane)))
    }
}

/// All stations of one mode on a worker.
pub(crate) struct Stations<L> {
    /// Position in `stations`, and lane, of each device.
    seats: Vec<Option<(usize, usize)>>,
    stations: Vec<Station<L>>,
    touched: Vec<usize>,
    meters: Arc<Meters>,
}

impl<L: Lane> Stations<L> {
    pub(crate) fn new(city: &City, meters: &Arc<Meters>) -> Self {
        let mut seats = vec![None; city.devices.len()];
        let mut stations = Vec::new();
        for (i, config) in city.stations.iter().enumerate().filter(|(_, s)| s.mode == L::MODE) {
            for (lane, device) in config.devices.iter().enumerate() {
                seats[device.at()] = Some((stations.len(), lane));
            }
            stations.push(Station::new(StationIx::from_position(i), city));
        }
        Stations { seats, stations, touched: Vec::new(), meters: Arc::clone(meters) }
    }
}

impl<L: Lane> Logic for Stations<L> {
    type In = Admitted;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        for station in self.stations.iter_mut().filter(|s| s.due.is_some_and(|due| due <= at)) {
            station.close(at);
            out.extend(station.product_if_changed().map(|product| Update {
                tick,
                at,
                trigger: None,
                product: Arc::new(product),
            }));
        }
    }

    /// A failed detector's readings are withheld, so that its lane does not report; only a retired one has to be known.
    fn stand(&mut self, device: DeviceIx, standing: Standing) {
        if let Some(&Some((position, lane))) = self.seats.get(device.at())
            && let Some(absent) = self.stations[position].absent.get_mut(lane)
        {
            *absent = standing == Standing::Absent;
        }
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        let (mut late, mut unusable) = (0, 0);
        for input in inputs {
            let Some(&Some((position, lane))) = self.seats.get(input.reading.device.at()) else { continue };
            let station = &mut self.stations[position];
            if station.trigger.replace(trigger(input)).is_none() {
                self.touched.push(position);
                station.close(at);
            }
            match station.take(lane, &input.reading, at) {
                Taken::Quietly | Taken::Corrects => {}
                Taken::Late => late += 1,
                Taken::Unusable => unusable += 1,
            }
        }
        self.meters.readings_absorbed.add(inputs.len() as u64);
        self.meters.readings_late.add(late);
        self.meters.readings_unusable.add(unusable);
        for position in self.touched.drain(..) {
            let station = &mut self.stations[position];
            let trigger = station.trigger.take();
            station.close(at);
            out.extend(station.product_if_changed().map(|product| Update {
                tick,
                at,
                trigger,
                product: Arc::new(product),
            }));
        }
    }
}
