//! What is kept of the past: tables of records, their columns and units.
//!
//! One description for all who handle them: SQLite's tables, InfluxDB's fields and the gRPC answers follow from it.

use std::sync::Arc;

use crate::Timestamp;

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HistoryKind {
    /// A car park or zone.
    Facility,
    /// A section of a bicycle garage, called `<garage>/<section>`.
    Section,
    /// Motor traffic at a station.
    Traffic,
    /// Bicycles at a station.
    Bicycle,
    /// What was forecast of a facility.
    Forecast,
    /// A sensor's health.
    Sensor,
    /// Spaces of one group of users, called `<facility>/<group>`.
    Group,
    /// How hard a facility's spaces are used.
    Zone,
    /// Vehicles that stood longer than they may, called `<facility>/<bay>`.
    Overstay,
}

/// How long a record stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// A minute.
    Minute,
    /// 15 minutes.
    Quarter,
    /// An hour.
    Hour,
    /// None: it holds from its start on.
    Instant,
}

/// A table of records; the key of a record is its id, its start and, of a forecast, how far it looks ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HistoryTable {
    /// Facilities at the beginning of each minute.
    FacilityMinute,
    /// Facilities over 15 minutes.
    FacilityQuarter,
    /// Sections of bicycle garages at the beginning of each minute.
    SectionMinute,
    /// Sections over 15 minutes.
    SectionQuarter,
    /// Motor traffic of each interval, a minute.
    TrafficMinute,
    /// Motor traffic over 15 minutes.
    TrafficQuarter,
    /// Bicycles of each interval, 15 minutes.
    BicycleQuarter,
    /// Forecasts, one in five minutes at most.
    Forecast,
    /// Changes of sensors' health.
    Sensor,
    /// Groups of users at the beginning of each minute.
    GroupMinute,
    /// Groups of users over 15 minutes.
    GroupQuarter,
    /// The use of facilities' spaces over each whole hour.
    ZoneHour,
    /// Overstays, each from when the vehicle came.
    Overstay,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Unique in its table.
    pub name: &'static str,
    /// Of its numbers; empty for words.
    pub unit: &'static str,
    /// What its cells hold when something is known.
    pub holds: Holds,
}

/// What cells hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holds {
    /// Whole numbers.
    Whole,
    /// Any number.
    Real,
    /// One of these words; a word's place in the list is its code, where only numbers are taken.
    Word(&'static [&'static str]),
}

/// What is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// A whole number.
    Whole(i64),
    /// A finite number.
    Real(f64),
    /// A word of its column's.
    Word(&'static str),
}

/// One record; a later one of the same key replaces it.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRecord {
    /// Where it belongs.
    pub table: HistoryTable,
    /// What it is of, as the configuration calls it.
    pub id: Arc<str>,
    /// When it begins; of a forecast, when it was made. Whole seconds.
    pub start: Timestamp,
    /// Seconds that a forecast looks ahead; 0 elsewhere.
    pub ahead_s: u32,
    /// In the order of the table's columns; `None` is not known, never 0.
    pub cells: Vec<Option<Cell>>,
}

/// Asks for records of one id, by start and then `ahead_s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Of this table.
    pub table: HistoryTable,
    /// Of this.
    pub id: String,
    /// From then on.
    pub from: Timestamp,
    /// Before then.
    pub until: Timestamp,
    /// Behind the record with this start and `ahead_s`: the last one of the page before.
    pub after: Option<(Timestamp, u32)>,
    /// At most so many.
    pub limit: usize,
}

/// Reads what is kept. Calls block on a disk.
pub trait History: Send + Sync {
    /// Records that the query asks for.
    ///
    /// # Errors
    /// What is wrong with the file, in words for the operator.
    fn read(&self, query: &HistoryQuery) -> Result<Vec<HistoryRecord>, String>;

    /// Ids that have records, sorted, at most `limit`.
    ///
    /// # Errors
    /// What is wrong with the file, in words for the operator.
    fn ids(&self, table: HistoryTable, limit: usize) -> Result<Vec<String>, String>;
}

/// Words of `quality`, best first.
const QUALITY: Holds = Holds::Word(&["good", "degraded", "stale", "missing"]);
/// Words of `status`.
const STATUS: Holds = Holds::Word(&["spaces_available", "full", "closed", "unknown"]);
const LIFE: Holds = Holds::Word(&["commissioning", "in-service", "retired"]);
const HEALTH: Holds = Holds::Word(&["healthy", "suspect", "failed"]);
const RULE: Holds = Holds::Word(&[
    "silent",
    "chattering",
    "stuck",
    "spiking",
    "clamped",
    "reset",
    "midnight-jump",
    "drift",
    "out-of-bounds",
    "clock-wrong",
    "sentinel",
    "implausible",
]);

const fn whole(name: &'static str, unit: &'static str) -> Column {
    Column { name, unit, holds: Holds::Whole }
}

const fn real(name: &'static str, unit: &'static str) -> Column {
    Column { name, unit, holds: Holds::Real }
}

const fn word(name: &'static str, holds: Holds) -> Column {
    Column { name, unit: "", holds }
}

const FACILITY_MINUTE: &[Column] = &[
    whole("free", "spaces"),
    whole("free_low", "spaces"),
    whole("free_high", "spaces"),
    whole("occupied", "spaces"),
    whole("occupied_uncorrected", "spaces"),
    whole("capacity", "spaces"),
    word("status", STATUS),
    word("quality", QUALITY),
    whole("sensors_reporting", "sensors"),
    whole("sensors_total", "sensors"),
];

const FACILITY_QUARTER: &[Column] = &[
    real("free_mean", "spaces"),
    whole("free_min", "spaces"),
    whole("free_max", "spaces"),
    whole("free_last", "spaces"),
    real("occupied_mean", "spaces"),
    whole("occupied_min", "spaces"),
    whole("occupied_max", "spaces"),
    whole("occupied_last", "spaces"),
    whole("capacity_last", "spaces"),
    real("coverage", "share"),
];

const SECTION_MINUTE: &[Column] =
    &[whole("free", "places"), whole("capacity", "places"), word("status", STATUS), word("quality", QUALITY)];

const SECTION_QUARTER: &[Column] = &[
    real("free_mean", "places"),
    whole("free_min", "places"),
    whole("free_max", "places"),
    whole("free_last", "places"),
    whole("capacity_last", "places"),
    real("coverage", "share"),
];

const TRAFFIC_MINUTE: &[Column] = &[
    whole("vehicles", "vehicles"),
    whole("flow_vph", "vehicles/h"),
    real("speed_kmh", "km/h"),
    real("detector_occupancy_pct", "percent"),
    whole("interval_s", "s"),
    word("quality", QUALITY),
    whole("sensors_reporting", "sensors"),
    whole("sensors_total", "sensors"),
    whole("late_readings", "readings"),
];

const TRAFFIC_QUARTER: &[Column] = &[
    real("flow_vph_mean", "vehicles/h"),
    whole("flow_vph_min", "vehicles/h"),
    whole("flow_vph_max", "vehicles/h"),
    whole("flow_vph_last", "vehicles/h"),
    real("speed_kmh_mean", "km/h"),
    real("speed_kmh_min", "km/h"),
    real("speed_kmh_max", "km/h"),
    real("detector_occupancy_pct_mean", "percent"),
    real("coverage", "share"),
];

const BICYCLE_QUARTER: &[Column] = &[
    whole("inbound", "bicycles"),
    whole("outbound", "bicycles"),
    whole("interval_s", "s"),
    word("quality", QUALITY),
    whole("sensors_reporting", "sensors"),
    whole("sensors_total", "sensors"),
    whole("late_readings", "readings"),
];

const FORECAST: &[Column] =
    &[whole("free_low", "spaces"), whole("free", "spaces"), whole("free_high", "spaces")];

const SENSOR: &[Column] = &[
    word("life", LIFE),
    word("health", HEALTH),
    word("rule", RULE),
    real("seen", "the rule's"),
    real("rule_limit", "the rule's"),
];

const GROUP_MINUTE: &[Column] =
    &[whole("free", "spaces"), whole("capacity", "spaces"), word("quality", QUALITY)];

const GROUP_QUARTER: &[Column] = &[
    real("free_mean", "spaces"),
    whole("free_min", "spaces"),
    whole("free_max", "spaces"),
    whole("free_last", "spaces"),
    whole("capacity_last", "spaces"),
    real("coverage", "share"),
];

const ZONE_HOUR: &[Column] = &[
    real("pressure_pct", "percent"),
    whole("departures", "vehicles"),
    whole("capacity", "spaces"),
    real("demand_mean", "spaces"),
    whole("demand_peak", "spaces"),
    whole("full_s", "s"),
];

const OVERSTAY: &[Column] = &[whole("limit_s", "s"), whole("stood_s", "s")];

impl HistoryKind {
    /// All, in order.
    pub const ALL: [HistoryKind; 9] = [
        HistoryKind::Facility,
        HistoryKind::Section,
        HistoryKind::Traffic,
        HistoryKind::Bicycle,
        HistoryKind::Forecast,
        HistoryKind::Sensor,
        HistoryKind::Group,
        HistoryKind::Zone,
        HistoryKind::Overstay,
    ];

    /// In one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            HistoryKind::Facility => "facility",
            HistoryKind::Section => "section",
            HistoryKind::Traffic => "traffic",
            HistoryKind::Bicycle => "bicycle",
            HistoryKind::Forecast => "forecast",
            HistoryKind::Sensor => "sensor",
            HistoryKind::Group => "group",
            HistoryKind::Zone => "zone",
            HistoryKind::Overstay => "overstay",
        }
    }
}

impl HistoryTable {
    /// All, in order.
    pub const ALL: [HistoryTable; 13] = [
        HistoryTable::FacilityMinute,
        HistoryTable::FacilityQuarter,
        HistoryTable::SectionMinute,
        HistoryTable::SectionQuarter,
        HistoryTable::TrafficMinute,
        HistoryTable::TrafficQuarter,
        HistoryTable::BicycleQuarter,
        HistoryTable::Forecast,
        HistoryTable::Sensor,
        HistoryTable::GroupMinute,
        HistoryTable::GroupQuarter,
        HistoryTable::ZoneHour,
        HistoryTable::Overstay,
    ];

    /// As SQL calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            HistoryTable::FacilityMinute => "facility_minute",
            HistoryTable::FacilityQuarter => "facility_quarter",
            HistoryTable::SectionMinute => "section_minute",
            HistoryTable::SectionQuarter => "section_quarter",
            HistoryTable::TrafficMinute => "traffic_minute",
            HistoryTable::TrafficQuarter => "traffic_quarter",
            HistoryTable::BicycleQuarter => "bicycle_quarter",
            HistoryTable::Forecast => "forecast",
            HistoryTable::Sensor => "sensor",
            HistoryTable::GroupMinute => "group_minute",
            HistoryTable::GroupQuarter => "group_quarter",
            HistoryTable::ZoneHour => "zone_hour",
            HistoryTable::Overstay => "overstay",
        }
    }

    /// What its records are of.
    #[must_use]
    pub const fn kind(self) -> HistoryKind {
        match self {
            HistoryTable::FacilityMinute | HistoryTable::FacilityQuarter => HistoryKind::Facility,
            HistoryTable::SectionMinute | HistoryTable::SectionQuarter => HistoryKind::Section,
            HistoryTable::TrafficMinute | HistoryTable::TrafficQuarter => HistoryKind::Traffic,
            HistoryTable::BicycleQuarter => HistoryKind::Bicycle,
            HistoryTable::Forecast => HistoryKind::Forecast,
            HistoryTable::Sensor => HistoryKind::Sensor,
            HistoryTable::GroupMinute | HistoryTable::GroupQuarter => HistoryKind::Group,
            HistoryTable::ZoneHour => HistoryKind::Zone,
            HistoryTable::Overstay => HistoryKind::Overstay,
        }
    }

    /// How long its records stand for.
    #[must_use]
    pub const fn resolution(self) -> Resolution {
        match self {
            HistoryTable::FacilityMinute
            | HistoryTable::SectionMinute
            | HistoryTable::TrafficMinute
            | HistoryTable::GroupMinute => Resolution::Minute,
            HistoryTable::FacilityQuarter
            | HistoryTable::SectionQuarter
            | HistoryTable::TrafficQuarter
            | HistoryTable::BicycleQuarter
            | HistoryTable::GroupQuarter => Resolution::Quarter,
            HistoryTable::ZoneHour => Resolution::Hour,
            HistoryTable::Forecast | HistoryTable::Sensor | HistoryTable::Overstay => Resolution::Instant,
        }
    }

    /// What its records say.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        match self {
            HistoryTable::FacilityMinute => FACILITY_MINUTE,
            HistoryTable::FacilityQuarter => FACILITY_QUARTER,
            HistoryTable::SectionMinute => SECTION_MINUTE,
            HistoryTable::SectionQuarter => SECTION_QUARTER,
            HistoryTable::TrafficMinute => TRAFFIC_MINUTE,
            HistoryTable::TrafficQuarter => TRAFFIC_QUARTER,
            HistoryTable::BicycleQuarter => BICYCLE_QUARTER,
            HistoryTable::Forecast => FORECAST,
            HistoryTable::Sensor => SENSOR,
            HistoryTable::GroupMinute => GROUP_MINUTE,
            HistoryTable::GroupQuarter => GROUP_QUARTER,
            HistoryTable::ZoneHour => ZONE_HOUR,
            HistoryTable::Overstay => OVERSTAY,
        }
    }

    /// The table of 15 minutes that this one's records are summed up in.
    #[must_use]
    pub const fn quarters(self) -> Option<HistoryTable> {
        match self {
            HistoryTable::FacilityMinute => Some(HistoryTable::FacilityQuarter),
            HistoryTable::SectionMinute => Some(HistoryTable::SectionQuarter),
            HistoryTable::TrafficMinute => Some(HistoryTable::TrafficQuarter),
            HistoryTable::GroupMinute => Some(HistoryTable::GroupQuarter),
            _ => None,
        }
    }

    /// The table of a kind with a resolution; without one, the finest that there is.
    #[must_use]
    pub fn find(kind: HistoryKind, resolution: Option<Resolution>) -> Option<HistoryTable> {
        Self::ALL.into_iter().find(|t| t.kind() == kind && resolution.is_none_or(|r| t.resolution() == r))
    }
}

impl Column {
    /// A word of this column as it is listed; `None` when it is not.
    #[must_use]
    pub fn word(&self, word: &str) -> Option<&'static str> {
        match self.holds {
            Holds::Word(words) => words.iter().copied().find(|w| *w == word),
            _ => None,
        }
    }

    /// A word's code: its place in the list.
    #[must_use]
    pub fn code(&self, word: &str) -> Option<usize> {
        match self.holds {
            Holds::Word(words) => words.iter().position(|w| *w == word),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_sql_and_line_protocol() {
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        for (i, table) in HistoryTable::ALL.iter().enumerate() {
            assert_eq!(*table as usize, i);
            assert!(plain(table.name()), "{}", table.name());
            let mut names: Vec<_> = table.columns().iter().map(|c| c.name).collect();
            assert!(names.iter().all(|n| plain(n)), "{names:?}");
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.columns().len());
        }
    }

    #[test]
    fn without_a_resolution_it_is_the_finest() {
        assert_eq!(HistoryTable::find(HistoryKind::Facility, None), Some(HistoryTable::FacilityMinute));
        assert_eq!(HistoryTable::find(HistoryKind::Bicycle, None), Some(HistoryTable::BicycleQuarter));
        assert_eq!(HistoryTable::find(HistoryKind::Bicycle, Some(Resolution::Minute)), None);
        assert_eq!(HistoryTable::find(HistoryKind::Sensor, None), Some(HistoryTable::Sensor));
    }
}
