//! From the board to records: what was known at the beginning of each minute, and what was counted, forecast and found
//! out since the last look. Pure: the board's own time is the only clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    BicycleCount, Board, Cell, City, FacilityForecast, FacilityIx, FacilityState, FacilityStatus, GarageIx,
    GarageState, HealthState, HistoryRecord, HistoryTable, Key, Life, Product, Quality, SensorHealth,
    SensorRule, Tick, Timestamp, TrafficCount,
};

use super::usage::{self, Zones};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
/// Of the forecasts made within so long, the first is kept.
const FORECASTS: Duration = Duration::from_mins(5);

/// Looks at the board once a second of its time.
pub struct Sampler {
    city: Arc<City>,
    facilities: Vec<Arc<str>>,
    sections: Vec<Arc<str>>,
    stations: Vec<Arc<str>>,
    devices: Vec<Arc<str>>,
    /// All changes up to there have been seen.
    seen: Tick,
    second: Timestamp,
    minute: Timestamp,
    /// When the forecast that was kept last was made.
    forecast: BTreeMap<FacilityIx, Timestamp>,
    zones: Zones,
}

impl Sampler {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new(city: Arc<City>) -> Self {
        let section = |s: &vlot_model::Section| {
            let garage = city.garages.get(s.garage.at()).map_or("", |g| &*g.id);
            Arc::from(format!("{garage}/{}", s.id))
        };
        Sampler {
            facilities: city.facilities.iter().map(|f| Arc::from(&*f.id)).collect(),
            sections: city.sections.iter().map(section).collect(),
            stations: city.stations.iter().map(|s| Arc::from(&*s.id)).collect(),
            devices: city.devices.iter().map(|d| Arc::from(&*d.id)).collect(),
            seen: 0,
            second: Timestamp::EPOCH,
            minute: Timestamp::EPOCH,
            forecast: BTreeMap::new(),
            zones: Zones::default(),
            city,
        }
    }

    /// Records since the last look; none within a second of it. The first look brings all that the board has: what was
    /// recorded before has the same key.
    pub fn look(&mut self, board: &Board) -> Vec<HistoryRecord> {
        let at = board.completed_at();
        let second = at.floor(SECOND);
        let mut records = Vec::new();
        if board.completed() == 0 || second <= self.second {
            return records;
        }
        self.second = second;
        let wanted = |key| matches!(key, Key::Station(_) | Key::Forecast(_) | Key::Health(_) | Key::Zone(_));
        let (seen, changed) = board.changed_since(self.seen, wanted);
        self.seen = seen;
        for (_, entry) in changed {
            self.change(&entry.product, &mut records);
        }
        let minute = at.floor(MINUTE);
        if minute > self.minute {
            self.minute = minute;
            self.states(board, minute, at, &mut records);
        }
        records
    }

    fn change(&mut self, product: &Product, out: &mut Vec<HistoryRecord>) {
        match product {
            Product::Traffic(count) => out.extend(traffic(&self.stations, count)),
            Product::Bicycle(count) => out.extend(bicycles(&self.stations, count)),
            Product::Zone(zone) => {
                let at = zone.facility.at();
                if let (Some(facility), Some(id)) = (self.city.facilities.get(at), self.facilities.get(at)) {
                    self.zones.look(facility, id, zone, self.second, out);
                }
            }
            Product::Health(health) => out.extend(sensor(&self.devices, health)),
            Product::Forecast(forecast) => {
                let kept = self.forecast.get(&forecast.facility);
                let slot = forecast.made_at.floor(FORECASTS);
                if kept.is_none_or(|k| slot > k.floor(FORECASTS) || forecast.made_at == *k) {
                    self.forecast.insert(forecast.facility, forecast.made_at);
                    out.extend(points(&self.facilities, forecast));
                }
            }
            Product::Facility(_)
            | Product::Garage(_)
            | Product::Face(_)
            | Product::Sign(_)
            | Product::Link(_)
            | Product::Corridor(_)
            | Product::Jams(_)
            | Product::Incident(_)
            | Product::Situation(_)
            | Product::Controller(_)
            | Product::Air(_)
            | Product::Plan(_)
            | Product::Guidance(_)
            | Product::Expected(_) => {}
        }
    }

    /// Every facility with its groups, and every section: of what is not on the board, that nothing is known.
    fn states(&self, board: &Board, minute: Timestamp, at: Timestamp, out: &mut Vec<HistoryRecord>) {
        for (position, (facility, id)) in self.city.facilities.iter().zip(&self.facilities).enumerate() {
            let entry = board.get(Key::Facility(FacilityIx::from_position(position)));
            let state = match entry.as_ref().map(|e| &*e.product) {
                Some(Product::Facility(state)) => Some(state),
                _ => None,
            };
            let cells = facility_cells(state, facility.capacity, at);
            out.push(record(HistoryTable::FacilityMinute, id, minute, cells));
            usage::groups(facility, state, minute, at, out);
        }
        for (position, garage) in self.city.garages.iter().enumerate() {
            let entry = board.get(Key::Garage(GarageIx::from_position(position)));
            let state = match entry.as_ref().map(|e| &*e.product) {
                Some(Product::Garage(state)) => Some(state),
                _ => None,
            };
            for ix in &garage.sections {
                let (Some(section), Some(id)) = (self.city.sections.get(ix.at()), self.sections.get(ix.at()))
                else {
                    continue;
                };
                let cells = section_cells(state, *ix, section.capacity, at);
                out.push(record(HistoryTable::SectionMinute, id, minute, cells));
            }
        }
    }
}

pub(super) fn record(
    table: HistoryTable,
    id: &Arc<str>,
    start: Timestamp,
    cells: Vec<Option<Cell>>,
) -> HistoryRecord {
    HistoryRecord { table, id: Arc::clone(id), start: start.floor(SECOND), ahead_s: 0, cells }
}

pub(super) fn whole(n: impl Into<i64>) -> Option<Cell> {
    Some(Cell::Whole(n.into()))
}

pub(super) fn real(x: Option<f32>) -> Option<Cell> {
    x.map(f64::from).filter(|x| x.is_finite()).map(Cell::Real)
}

/// The quality at an instant: a figure that has gone stale since it was published is stale.
pub(super) fn quality_at(quality: Quality, valid_until: Option<Timestamp>, at: Timestamp) -> Quality {
    if valid_until.is_some_and(|until| until <= at) { quality.max(Quality::Stale) } else { quality }
}

pub(super) fn is_known(quality: Quality) -> bool {
    matches!(quality, Quality::Good | Quality::Degraded)
}

fn facility_cells(state: Option<&FacilityState>, capacity: u32, at: Timestamp) -> Vec<Option<Cell>> {
    let Some(s) = state else {
        let (status, quality) = (word(status(FacilityStatus::Unknown)), word(quality(Quality::Missing)));
        return vec![None, None, None, None, None, whole(capacity), status, quality, None, None];
    };
    let held = quality_at(s.quality, s.valid_until, at);
    // A figure that is stale is none of this minute.
    let now = |n: Option<u32>| n.filter(|_| is_known(held)).and_then(whole);
    let sure = s.certainty.as_ref().filter(|_| s.free.is_some());
    vec![
        now(s.free),
        now(sure.map(|c| s.capacity.saturating_sub(c.occupied_high))),
        now(sure.map(|c| s.capacity.saturating_sub(c.occupied_low))),
        now(s.occupied),
        s.occupied_uncorrected.filter(|_| is_known(held)).and_then(whole),
        whole(s.capacity),
        word(status(s.status)),
        word(quality(held)),
        whole(s.sensors.reporting),
        whole(s.sensors.total),
    ]
}

fn section_cells(
    state: Option<&GarageState>,
    ix: vlot_model::SectionIx,
    capacity: u32,
    at: Timestamp,
) -> Vec<Option<Cell>> {
    match state.and_then(|g| g.sections.iter().find(|s| s.section == ix)) {
        None => {
            let (status, quality) = (word(status(FacilityStatus::Unknown)), word(quality(Quality::Missing)));
            vec![None, whole(capacity), status, quality]
        }
        Some(s) => {
            let held = quality_at(s.quality, s.valid_until, at);
            let free = s.free.filter(|_| is_known(held)).and_then(whole);
            vec![free, whole(s.capacity), word(status(s.status)), word(quality(held))]
        }
    }
}

fn traffic(stations: &[Arc<str>], c: &TrafficCount) -> Option<HistoryRecord> {
    let cells = vec![
        c.vehicles.and_then(whole),
        c.flow_vph.and_then(whole),
        real(c.speed_kmh),
        real(c.detector_occupancy_pct),
        whole(c.interval_s),
        word(quality(c.quality)),
        whole(c.sensors.reporting),
        whole(c.sensors.total),
        whole(c.late_readings),
    ];
    Some(record(HistoryTable::TrafficMinute, stations.get(c.station.at())?, c.observed_at, cells))
}

fn bicycles(stations: &[Arc<str>], c: &BicycleCount) -> Option<HistoryRecord> {
    let cells = vec![
        c.inbound.and_then(whole),
        c.outbound.and_then(whole),
        whole(c.interval_s),
        word(quality(c.quality)),
        whole(c.sensors.reporting),
        whole(c.sensors.total),
        whole(c.late_readings),
    ];
    Some(record(HistoryTable::BicycleQuarter, stations.get(c.station.at())?, c.observed_at, cells))
}

fn sensor(devices: &[Arc<str>], h: &SensorHealth) -> Option<HistoryRecord> {
    let life = match h.life {
        Life::Commissioning => "commissioning",
        Life::InService => "in-service",
        Life::Retired => "retired",
    };
    let health = match h.health {
        HealthState::Healthy => "healthy",
        HealthState::Suspect => "suspect",
        HealthState::Failed => "failed",
    };
    let cells =
        vec![word(life), word(health), h.rule.and_then(|r| word(rule(r))), real(h.seen), real(h.limit)];
    Some(record(HistoryTable::Sensor, devices.get(h.device.at())?, h.since, cells))
}

fn points(facilities: &[Arc<str>], f: &FacilityForecast) -> Vec<HistoryRecord> {
    let Some(id) = facilities.get(f.facility.at()) else { return Vec::new() };
    let point = |p: &vlot_model::ForecastPoint| {
        let cells = vec![whole(p.free_low), whole(p.free), whole(p.free_high)];
        HistoryRecord { ahead_s: p.ahead_s, ..record(HistoryTable::Forecast, id, f.made_at, cells) }
    };
    f.points.iter().map(point).collect()
}

pub(super) fn word(word: &'static str) -> Option<Cell> {
    Some(Cell::Word(word))
}

pub(super) fn quality(quality: Quality) -> &'static str {
    match quality {
        Quality::Good => "good",
        Quality::Degraded => "degraded",
        Quality::Stale => "stale",
        Quality::Missing => "missing",
    }
}

fn status(status: FacilityStatus) -> &'static str {
    match status {
        FacilityStatus::SpacesAvailable => "spaces_available",
        FacilityStatus::Full => "full",
        FacilityStatus::Closed => "closed",
        FacilityStatus::Unknown => "unknown",
    }
}

fn rule(rule: SensorRule) -> &'static str {
    match rule {
        SensorRule::Silent => "silent",
        SensorRule::Chattering => "chattering",
        SensorRule::Stuck => "stuck",
        SensorRule::Spiking => "spiking",
        SensorRule::Clamped => "clamped",
        SensorRule::Reset => "reset",
        SensorRule::MidnightJump => "midnight-jump",
        SensorRule::Drift => "drift",
        SensorRule::OutOfBounds => "out-of-bounds",
        SensorRule::ClockWrong => "clock-wrong",
        SensorRule::Sentinel => "sentinel",
        SensorRule::Implausible => "implausible",
    }
}
