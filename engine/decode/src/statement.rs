//! What a device said in one of Vlot's own formats, before its bounds are checked: they are the same for both.

use vlot_model::{
    AirQuantity, City, Device, DeviceIx, DeviceKind, Direction, Reading, Refusal, SignalState, Timestamp,
    Value,
};

use crate::refuse::{malformed, out_of_range, quote, unknown_device, wrong_kind};

/// Spaces of a facility or places of a section at most; the largest car parks have under 30,000.
const SPACES: std::ops::RangeInclusive<i64> = 0..=50_000;
const VEHICLES_A_PASSAGE: std::ops::RangeInclusive<i64> = 1..=1_000;
const INTERVAL_S: std::ops::RangeInclusive<i64> = 1..=3_600;
const COUNT_AN_INTERVAL: std::ops::RangeInclusive<i64> = 0..=10_000;
const TOTAL: std::ops::RangeInclusive<i64> = 0..=u32::MAX as i64;
/// Above this a speed is a code (252 stands for "no vehicle" in several controllers).
const SPEED_KMH: std::ops::RangeInclusive<f64> = 0.0..=250.0;
const SHARE_PCT: std::ops::RangeInclusive<f64> = 0.0..=100.0;
/// Numbers of a controller's plans.
const PLAN: std::ops::RangeInclusive<i64> = 0..=u16::MAX as i64;

/// What a street can be: above the worst that was measured in European cities, below the codes for "no value" (9999).
const fn air_bounds(quantity: AirQuantity) -> std::ops::RangeInclusive<f64> {
    match quantity {
        AirQuantity::No2 | AirQuantity::Pm25 => 0.0..=1_000.0,
        AirQuantity::Pm10 => 0.0..=2_000.0,
        AirQuantity::O3 => 0.0..=600.0,
        AirQuantity::Noise => 10.0..=140.0,
    }
}

/// A value as it stands in the message, after `vlot.device.v1.Envelope.value`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Statement {
    Bay { occupied: bool },
    Passage { direction: Direction, vehicles: i64 },
    Totals { entries: i64, exits: i64 },
    Occupancy { occupied_spaces: i64 },
    Opening { open: bool },
    Traffic { interval_s: i64, vehicles: i64, speed_kmh: Option<f64>, detector_occupancy_pct: Option<f64> },
    Bicycles { interval_s: i64, inbound: Option<i64>, outbound: Option<i64> },
    Places { free_places: i64 },
    Signal { state: SignalState, plan: Option<i64> },
    Air { quantity: AirQuantity, value: f64 },
    Alive,
}

impl Statement {
    /// The field of the message that holds it.
    fn name(&self) -> &'static str {
        match self {
            Statement::Bay { .. } => "bay",
            Statement::Passage { .. } => "passage",
            Statement::Totals { .. } => "totals",
            Statement::Occupancy { .. } => "occupancy",
            Statement::Opening { .. } => "opening",
            Statement::Traffic { .. } => "traffic",
            Statement::Bicycles { .. } => "bicycles",
            Statement::Places { .. } => "places",
            Statement::Signal { .. } => "signal",
            Statement::Air { .. } => "air",
            Statement::Alive => "alive",
        }
    }

    /// Whether a device of that kind can say it.
    fn fits(&self, kind: DeviceKind) -> bool {
        use DeviceKind as K;
        match self {
            Statement::Bay { .. } => {
                matches!(kind, K::Bay | K::BoschTps110 | K::Nwave | K::NetvoxR719a | K::LibeliumParking)
            }
            Statement::Passage { .. } | Statement::Totals { .. } => kind == K::Barrier,
            Statement::Occupancy { .. } => matches!(kind, K::Barrier | K::Counter | K::Camera),
            Statement::Opening { .. } => matches!(kind, K::Barrier | K::Counter),
            Statement::Traffic { .. } => kind == K::Loop,
            Statement::Bicycles { .. } => kind == K::BicycleCounter,
            Statement::Places { .. } => matches!(kind, K::SectionSensor | K::Camera),
            Statement::Signal { .. } => kind == K::SignalController,
            Statement::Air { .. } => kind == K::AirStation,
            // A sign speaks over its own stream, where its link says that it lives.
            Statement::Alive => !matches!(kind, K::Sign | K::Operator | K::Pair | K::SituationFeed),
        }
    }

    /// The value, if a device of that kind can say it and it is within its bounds.
    fn value(self) -> Result<Value, Refusal> {
        Ok(match self {
            Statement::Bay { occupied } => Value::Bay { occupied },
            Statement::Passage { direction, vehicles } => Value::Passage {
                direction,
                vehicles: whole("passage.vehicles", vehicles, VEHICLES_A_PASSAGE)?,
            },
            Statement::Totals { entries, exits } => Value::Totals {
                entries: whole("totals.entries", entries, TOTAL)?,
                exits: whole("totals.exits", exits, TOTAL)?,
            },
            Statement::Occupancy { occupied_spaces } => {
                Value::Occupied { spaces: whole("occupancy.occupied_spaces", occupied_spaces, SPACES)? }
            }
            Statement::Opening { open } => Value::Opening { open },
            Statement::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } => {
                let vehicles = whole("traffic.vehicles", vehicles, COUNT_AN_INTERVAL)?;
                let speed_kmh = real("traffic.speed_kmh", speed_kmh, SPEED_KMH)?;
                Value::Traffic {
                    interval_s: whole("traffic.interval_s", interval_s, INTERVAL_S)?,
                    vehicles,
                    // Without vehicles there is no speed, whatever the controller fills in.
                    speed_kmh: speed_kmh.filter(|_| vehicles > 0),
                    detector_occupancy_pct: real(
                        "traffic.detector_occupancy_pct",
                        detector_occupancy_pct,
                        SHARE_PCT,
                    )?,
                }
            }
            Statement::Bicycles { interval_s, inbound, outbound } => Value::Bicycles {
                interval_s: whole("bicycles.interval_s", interval_s, INTERVAL_S)?,
                inbound: inbound.map(|n| whole("bicycles.inbound", n, COUNT_AN_INTERVAL)).transpose()?,
                outbound: outbound.map(|n| whole("bicycles.outbound", n, COUNT_AN_INTERVAL)).transpose()?,
            },
            Statement::Places { free_places } => {
                Value::Places { free: whole("places.free_places", free_places, SPACES)? }
            }
            Statement::Signal { state, plan } => {
                Value::Signal { state, plan: plan.map(|n| whole("signal.plan", n, PLAN)).transpose()? }
            }
            Statement::Air { quantity, value } => {
                Value::Air { quantity, value: figure("air.value", value, air_bounds(quantity))? }
            }
            Statement::Alive => Value::Alive,
        })
    }
}

/// A message of Vlot's own formats, read but not judged.
pub(crate) struct Said<'a> {
    pub(crate) device: &'a str,
    pub(crate) sequence: Option<i64>,
    pub(crate) observed_at: Timestamp,
    pub(crate) statement: Statement,
}

impl Said<'_> {
    /// Judges the message: its sender, its sender's kind, its bounds.
    pub(crate) fn judge(self, topic: &str, received_at: Timestamp, city: &City) -> Result<Reading, Refusal> {
        if let Some(owner) = owner_of(topic)
            && !owner.eq_ignore_ascii_case(self.device)
        {
            let detail = format!("device: {} on the topic of device {}", quote(self.device), quote(owner));
            return Err(malformed(detail));
        }
        let (ix, device) = find(city, self.device).ok_or_else(|| unknown_device(&[self.device]))?;
        if !self.statement.fits(device.kind) {
            let detail = format!(
                "{}: device {} is of kind {:?}",
                self.statement.name(),
                quote(&device.id),
                device.kind
            );
            return Err(wrong_kind(detail));
        }
        Ok(Reading {
            device: ix,
            sequence: self.sequence.map(|n| whole("sequence", n, TOTAL)).transpose()?,
            observed_at: self.observed_at,
            received_at,
            value: self.statement.value()?,
        })
    }
}

/// The device of that name. An operator's desk is none to a message: its acts have a way of their own, with names and
/// rights, and whoever may publish to a broker must not be able to count for a person. Nor are a pair of readers, whose
/// travel times the gate finds, and a feed of situations.
pub(crate) fn find<'c>(city: &'c City, name: &str) -> Option<(DeviceIx, &'c Device)> {
    let ix = city.directory.find(name)?;
    let device = city.devices.get(ix.at())?;
    let speaks = !matches!(
        device.kind,
        DeviceKind::Operator | DeviceKind::Apps | DeviceKind::Pair | DeviceKind::SituationFeed
    );
    speaks.then_some((ix, device))
}

/// The device that `vlot/v1/{device}/json`, `/pb` or `/sightings` belongs to: a broker can let each device write to its own topic
/// alone, and that is worth nothing unless the message speaks of the same device. Other topics belong to nobody.
pub(crate) fn owner_of(topic: &str) -> Option<&str> {
    let (device, format) = topic.strip_prefix("vlot/v1/")?.split_once('/')?;
    matches!(format, "json" | "pb" | "sightings").then_some(device)
}

fn whole<T: TryFrom<i64>>(field: &str, n: i64, bounds: std::ops::RangeInclusive<i64>) -> Result<T, Refusal> {
    let refusal = || out_of_range(format!("{field}: {n} is outside {}..={}", bounds.start(), bounds.end()));
    if !bounds.contains(&n) {
        return Err(refusal());
    }
    T::try_from(n).map_err(|_| refusal())
}

fn real(field: &str, x: Option<f64>, bounds: std::ops::RangeInclusive<f64>) -> Result<Option<f32>, Refusal> {
    x.map(|x| figure(field, x, bounds)).transpose()
}

fn figure(field: &str, x: f64, bounds: std::ops::RangeInclusive<f64>) -> Result<f32, Refusal> {
    // NaN is in no range.
    if !bounds.contains(&x) {
        return Err(out_of_range(format!("{field}: {x} is outside {}..={}", bounds.start(), bounds.end())));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a sensor's figure has fewer digits than an f32")]
    Ok(x as f32)
}
