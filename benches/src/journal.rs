//! Journals to replay, as `vlot run` would have written them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use vlot_model::{City, Clock, DeviceIx, DeviceKind, Direction, Reading, Role, Tick, Timestamp, Value};
use vlot_settings::Source;
use vlot_store::journal::{Era, Journal, Options, Reader, Record};

const START: Timestamp = Timestamp::from_secs(1_778_000_400);
const MINUTE_US: i64 = 60_000_000;

/// What is in a journal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    /// Readings.
    pub readings: u64,
    /// Ticks with readings.
    pub ticks: u64,
    /// Ticks of the clock.
    pub clock_ticks: u64,
}

/// Writes a data directory: every device of the city speaks in turn, in an order that mixes all kinds, so many a second
/// of engine time and so many a tick, and the clock ticks every second.
///
/// # Errors
/// When the configuration is wrong or the disk full.
pub fn write(data: &Path, config: &Path, readings: u64, per_tick: u64, per_second: u64) -> Result<Written> {
    let source = Source::read_dir(config).map_err(|problems| anyhow!("{problems}"))?;
    let settings = vlot_settings::check(&source).map_err(|problems| anyhow!("{problems}"))?;
    let kept = data.join("config").join(source.fingerprint());
    std::fs::create_dir_all(&kept)?;
    for (name, bytes) in source.all() {
        std::fs::write(kept.join(name), bytes)?;
    }
    let city = settings.city;
    let (mut journal, _) = Journal::open(&data.join("journal"), Options::new(Arc::new(Standing)))?;
    let devices = city.devices.iter().map(|d| d.id.to_string()).collect();
    let software = env!("CARGO_PKG_VERSION").to_owned();
    let era = Era { fingerprint: source.fingerprint(), software, at: START, devices };
    journal.append_blocking(Record::Era(era), Vec::new())?;

    let mut talk = Talk::new(&city, per_second);
    let mut written = Written::default();
    let mut tick: Tick = 0;
    let mut second = START;
    while written.readings < readings {
        let batch: Vec<Reading> = (0..per_tick).map(|_| talk.next()).collect();
        let at = batch.last().map_or(START, |r| r.received_at);
        while second <= at {
            tick += 1;
            journal.append_blocking(Record::Batch { tick, at: second, readings: Vec::new() }, Vec::new())?;
            second = second + std::time::Duration::from_secs(1);
            written.clock_ticks += 1;
        }
        tick += 1;
        written.ticks += 1;
        written.readings += batch.len() as u64;
        journal.append_blocking(Record::Batch { tick, at, readings: batch }, Vec::new())?;
    }
    journal.close_blocking()?;
    Ok(written)
}

/// Reads a journal and does nothing with it: the floor of a replay. Returns the readings.
///
/// # Errors
/// When it cannot be read.
pub fn read(data: &Path) -> Result<u64> {
    let mut readings = 0;
    for record in Reader::open(&data.join("journal"))? {
        if let Record::Batch { readings: batch, .. } = record? {
            readings += batch.len() as u64;
        }
    }
    Ok(readings)
}

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        START
    }
}

/// What a city says, the same in every run.
struct Talk<'a> {
    city: &'a City,
    /// Devices that speak, signs and operators left out.
    speakers: Vec<DeviceIx>,
    said: u64,
    per_second: u64,
    random: u64,
}

impl<'a> Talk<'a> {
    fn new(city: &'a City, per_second: u64) -> Self {
        let speakers = (0..city.devices.len())
            .map(DeviceIx::from_position)
            .filter(|d| {
                !matches!(
                    city.devices[d.at()].kind,
                    DeviceKind::Sign | DeviceKind::Operator | DeviceKind::Apps
                )
            })
            .collect();
        Talk { city, speakers, said: 0, per_second, random: 0x9E37_79B9_7F4A_7C15 }
    }

    fn random(&mut self, below: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        u32::try_from(self.random >> 40).unwrap_or(0) % below.max(1)
    }

    /// Of the facility that a device watches.
    fn capacity(&self, device: DeviceIx) -> u32 {
        match self.city.devices[device.at()].role {
            Role::Counter { facility } => self.city.facilities[facility.at()].capacity,
            _ => 0,
        }
    }

    fn next(&mut self) -> Reading {
        let speakers = self.speakers.len() as u64;
        let round = self.said / speakers;
        // A step that shares no factor with the number of devices visits each once a round.
        let step =
            [3_779, 3_793, 3_797].into_iter().find(|step| !speakers.is_multiple_of(*step)).unwrap_or(1);
        let device = self.speakers[usize::try_from(self.said * step % speakers).unwrap_or(0)];
        let micros = i64::try_from(self.said * 1_000_000 / self.per_second).unwrap_or(i64::MAX);
        self.said += 1;
        let received_at = Timestamp::from_micros(START.micros() + micros);
        let mut observed_at = Timestamp::from_micros(received_at.micros() - 40_000);
        // A device with intervals states each once, in whole minutes, and never one that is to come.
        let minute = Timestamp::from_micros(START.micros() + i64::try_from(round).unwrap_or(0) * MINUTE_US);
        let interval = minute.min(received_at.floor(std::time::Duration::from_secs(60)));
        let value = match self.city.devices[device.at()].kind {
            DeviceKind::Barrier => Value::Passage {
                direction: if self.random(2) == 0 { Direction::In } else { Direction::Out },
                vehicles: 1,
            },
            DeviceKind::Counter => Value::Occupied { spaces: self.random(self.capacity(device)) },
            DeviceKind::Loop => {
                observed_at = interval;
                let vehicles = self.random(40);
                Value::Traffic {
                    interval_s: 60,
                    vehicles,
                    speed_kmh: (vehicles > 0).then_some(47.5),
                    detector_occupancy_pct: Some(12.0),
                }
            }
            DeviceKind::BicycleCounter => {
                observed_at = interval;
                Value::Bicycles {
                    interval_s: 60,
                    inbound: Some(self.random(30)),
                    outbound: Some(self.random(30)),
                }
            }
            DeviceKind::SectionSensor | DeviceKind::Camera => Value::Places { free: self.random(200) },
            _ => Value::Bay { occupied: self.random(2) == 0 },
        };
        let sequence = u32::try_from(round).ok();
        Reading { device, sequence, observed_at, received_at, value }
    }
}
