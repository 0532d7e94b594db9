//! The bytes of a payload. This is the schema that every journal ever written depends on: a tag is never given
//! another meaning, a field never another type. New facts get new tags. `docs/journal.md` says the same in protobuf.

use prost::{Enumeration, Message, Oneof};
use vlot_model::{
    DeviceIx, Direction, Reading as ModelReading, SignFault as ModelFault, Timestamp, Value as ModelValue,
};

use super::record::{Era as ModelEra, Record};
use super::wire_roads as roads;

/// What a frame holds: a batch (it has a tick), the head of a segment, or an era.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    #[prost(uint64, tag = "1")]
    pub(super) tick: u64,
    #[prost(int64, tag = "2")]
    pub(super) at_us: i64,
    #[prost(message, repeated, tag = "3")]
    pub(super) readings: Vec<Reading>,
    #[prost(message, optional, tag = "14")]
    pub(super) head: Option<Head>,
    #[prost(message, optional, tag = "15")]
    pub(super) era: Option<Era>,
}

/// The first frame of a segment: what was so when it began.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Head {
    /// First tick of the segment before it; 0 when there is none.
    #[prost(uint64, tag = "1")]
    pub(super) previous_first_tick: u64,
    /// Where the contents of the segment before it end, in bytes.
    #[prost(uint64, tag = "2")]
    pub(super) previous_end: u64,
    #[prost(uint64, tag = "3")]
    pub(super) last_tick: u64,
    #[prost(int64, optional, tag = "4")]
    pub(super) last_at_us: Option<i64>,
    #[prost(message, optional, tag = "5")]
    pub(super) era: Option<Era>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Era {
    #[prost(string, tag = "1")]
    pub(super) fingerprint: String,
    #[prost(string, tag = "2")]
    pub(super) software: String,
    #[prost(int64, tag = "3")]
    pub(super) at_us: i64,
    #[prost(string, repeated, tag = "4")]
    pub(super) devices: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Reading {
    #[prost(uint32, tag = "1")]
    device: u32,
    #[prost(uint32, optional, tag = "2")]
    sequence: Option<u32>,
    /// `at` of the batch minus `received_at`.
    #[prost(sint64, tag = "3")]
    received_before_us: i64,
    /// `received_at` minus `observed_at`.
    #[prost(sint64, tag = "4")]
    observed_before_us: i64,
    #[prost(
        oneof = "Value",
        tags = "5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 30, 31, 32, 33, 34, 35, 36"
    )]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Value {
    #[prost(bool, tag = "5")]
    BayOccupied(bool),
    #[prost(uint32, tag = "6")]
    VehiclesIn(u32),
    #[prost(uint32, tag = "7")]
    VehiclesOut(u32),
    #[prost(message, tag = "8")]
    Totals(Totals),
    #[prost(uint32, tag = "9")]
    OccupiedSpaces(u32),
    #[prost(bool, tag = "10")]
    Open(bool),
    #[prost(message, tag = "11")]
    Traffic(Traffic),
    #[prost(message, tag = "12")]
    Bicycles(Bicycles),
    #[prost(uint32, tag = "13")]
    FreePlaces(u32),
    #[prost(bool, tag = "14")]
    Alive(bool),
    #[prost(uint64, tag = "15")]
    SignShownVersion(u64),
    #[prost(enumeration = "SignFault", tag = "16")]
    SignFault(i32),
    #[prost(bool, tag = "17")]
    SignConnected(bool),
    #[prost(bool, tag = "18")]
    BayUnsure(bool),
    #[prost(uint32, tag = "19")]
    VerifiedOccupied(u32),
    #[prost(uint32, tag = "20")]
    CorrectedOccupied(u32),
    #[prost(bool, tag = "21")]
    CounterReplaced(bool),
    #[prost(bool, tag = "22")]
    ClosedByOperator(bool),
    #[prost(message, tag = "30")]
    Situation(Box<roads::Situation>),
    #[prost(message, tag = "31")]
    IncidentVerdict(roads::IncidentVerdict),
    #[prost(message, tag = "32")]
    Traversal(roads::Traversal),
    #[prost(float, tag = "33")]
    PairSeconds(f32),
    #[prost(message, tag = "34")]
    Signal(roads::Signal),
    #[prost(message, tag = "35")]
    Air(roads::Air),
    #[prost(message, tag = "36")]
    Guided(Guided),
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Totals {
    #[prost(uint32, tag = "1")]
    entries: u32,
    #[prost(uint32, tag = "2")]
    exits: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Guided {
    #[prost(uint32, tag = "1")]
    vehicles: u32,
    #[prost(uint32, tag = "2")]
    arrive_after_s: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Traffic {
    #[prost(uint32, tag = "1")]
    interval_s: u32,
    #[prost(uint32, tag = "2")]
    vehicles: u32,
    #[prost(float, optional, tag = "3")]
    speed_kmh: Option<f32>,
    #[prost(float, optional, tag = "4")]
    detector_occupancy_pct: Option<f32>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Bicycles {
    #[prost(uint32, tag = "1")]
    interval_s: u32,
    #[prost(uint32, optional, tag = "2")]
    inbound: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    outbound: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
enum SignFault {
    None = 0,
    Pixel = 1,
    Power = 2,
    Temperature = 3,
    Photocell = 4,
    Controller = 5,
    FaceRejected = 6,
}

/// What a decoded payload says.
pub(super) enum Said {
    Head(Head),
    Record(Record),
}

impl Entry {
    /// Becomes a batch, in place: the memory of the one before serves again.
    pub(super) fn set_batch(&mut self, tick: u64, at: Timestamp, readings: &[ModelReading]) {
        self.clear();
        self.tick = tick;
        self.at_us = at.micros();
        self.readings.extend(readings.iter().map(|r| Reading::new(at, r)));
    }

    /// Reads a payload, in place. The error says what of it cannot be understood.
    pub(super) fn read(&mut self, payload: &[u8]) -> Result<Said, String> {
        self.clear();
        self.merge(payload).map_err(|e| format!("its contents are not what this software writes: {e}"))?;
        if self.tick > 0 {
            let at = Timestamp::from_micros(self.at_us);
            let readings = self.readings.iter().map(|r| r.model(at)).collect::<Result<_, _>>()?;
            return Ok(Said::Record(Record::Batch { tick: self.tick, at, readings }));
        }
        match (self.head.take(), self.era.take()) {
            (Some(head), _) => Ok(Said::Head(head)),
            (None, Some(era)) => Ok(Said::Record(Record::Era(era.into()))),
            (None, None) => Err("a kind of record that this software does not know".to_owned()),
        }
    }
}

/// Whether a payload that starts so can be a batch later than tick `after`, or an era.
pub(super) fn plausible(payload: &[u8], after: u64) -> bool {
    match payload {
        // Field 1 (the tick), then field 2 or 3, or nothing.
        [0x08, rest @ ..] => {
            let mut rest = rest;
            prost::encoding::decode_varint(&mut rest).is_ok_and(|tick| tick > after)
                && matches!(rest.first(), None | Some(0x10 | 0x1a))
        }
        // Field 15 (an era), of a length, with field 1, 2 or 3 within.
        [0x7a, rest @ ..] => {
            let mut rest = rest;
            prost::encoding::decode_varint(&mut rest).is_ok()
                && matches!(rest.first(), Some(0x0a | 0x12 | 0x18))
        }
        _ => false,
    }
}

impl From<&ModelEra> for Era {
    fn from(era: &ModelEra) -> Self {
        Era {
            fingerprint: era.fingerprint.clone(),
            software: era.software.clone(),
            at_us: era.at.micros(),
            devices: era.devices.clone(),
        }
    }
}

impl From<Era> for ModelEra {
    fn from(era: Era) -> Self {
        let Era { fingerprint, software, at_us, devices } = era;
        ModelEra { fingerprint, software, at: Timestamp::from_micros(at_us), devices }
    }
}

impl Reading {
    // Differences wrap around, so that every pair of instants comes back as it was.
    fn new(at: Timestamp, r: &ModelReading) -> Self {
        Reading {
            device: r.device.0,
            sequence: r.sequence,
            received_before_us: at.micros().wrapping_sub(r.received_at.micros()),
            observed_before_us: r.received_at.micros().wrapping_sub(r.observed_at.micros()),
            value: Some(Value::new(&r.value)),
        }
    }

    fn model(&self, at: Timestamp) -> Result<ModelReading, String> {
        let received = at.micros().wrapping_sub(self.received_before_us);
        let value = self.value.as_ref().ok_or("a reading of a kind that this software does not know")?;
        Ok(ModelReading {
            device: DeviceIx(self.device),
            sequence: self.sequence,
            observed_at: Timestamp::from_micros(received.wrapping_sub(self.observed_before_us)),
            received_at: Timestamp::from_micros(received),
            value: value.clone().model()?,
        })
    }
}

impl Value {
    fn new(value: &ModelValue) -> Self {
        match *value {
            ModelValue::Bay { occupied } => Value::BayOccupied(occupied),
            ModelValue::BayUnsure => Value::BayUnsure(true),
            ModelValue::Passage { direction: Direction::In, vehicles } => Value::VehiclesIn(vehicles.into()),
            ModelValue::Passage { direction: Direction::Out, vehicles } => {
                Value::VehiclesOut(vehicles.into())
            }
            ModelValue::Totals { entries, exits } => Value::Totals(Totals { entries, exits }),
            ModelValue::Occupied { spaces } => Value::OccupiedSpaces(spaces),
            ModelValue::Opening { open } => Value::Open(open),
            ModelValue::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } => {
                Value::Traffic(Traffic {
                    interval_s: interval_s.into(),
                    vehicles,
                    speed_kmh,
                    detector_occupancy_pct,
                })
            }
            ModelValue::Bicycles { interval_s, inbound, outbound } => {
                Value::Bicycles(Bicycles { interval_s: interval_s.into(), inbound, outbound })
            }
            ModelValue::Places { free } => Value::FreePlaces(free),
            ModelValue::Verified { occupied } => Value::VerifiedOccupied(occupied),
            ModelValue::Corrected { occupied } => Value::CorrectedOccupied(occupied),
            ModelValue::CounterReplaced => Value::CounterReplaced(true),
            ModelValue::Closure { closed } => Value::ClosedByOperator(closed),
            ModelValue::Alive => Value::Alive(true),
            ModelValue::SignShown { face_version } => Value::SignShownVersion(face_version),
            ModelValue::SignFault { fault } => Value::SignFault(SignFault::from(fault).into()),
            ModelValue::SignLink { connected } => Value::SignConnected(connected),
            ModelValue::Situation(ref situation) => {
                Value::Situation(Box::new(roads::Situation::new(situation)))
            }
            ModelValue::IncidentVerdict { link, verdict } => {
                Value::IncidentVerdict(roads::IncidentVerdict::new(link, verdict))
            }
            ModelValue::Traversal { link, seconds, token } => {
                Value::Traversal(roads::Traversal::new(link, seconds, token))
            }
            ModelValue::PairTime { seconds } => Value::PairSeconds(seconds),
            ModelValue::Signal { state, plan } => Value::Signal(roads::Signal::new(state, plan)),
            ModelValue::Guided { vehicles, arrive_after_s } => {
                Value::Guided(Guided { vehicles: vehicles.into(), arrive_after_s })
            }
            ModelValue::Air { quantity, value } => Value::Air(roads::Air::new(quantity, value)),
        }
    }

    fn model(self) -> Result<ModelValue, String> {
        let narrow = |n: u32| u16::try_from(n).map_err(|_| format!("{n} where at most 65535 can stand"));
        Ok(match self {
            Value::BayOccupied(occupied) => ModelValue::Bay { occupied },
            Value::BayUnsure(_) => ModelValue::BayUnsure,
            Value::VehiclesIn(n) => ModelValue::Passage { direction: Direction::In, vehicles: narrow(n)? },
            Value::VehiclesOut(n) => ModelValue::Passage { direction: Direction::Out, vehicles: narrow(n)? },
            Value::Totals(Totals { entries, exits }) => ModelValue::Totals { entries, exits },
            Value::OccupiedSpaces(spaces) => ModelValue::Occupied { spaces },
            Value::Open(open) => ModelValue::Opening { open },
            Value::Traffic(Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct }) => {
                ModelValue::Traffic {
                    interval_s: narrow(interval_s)?,
                    vehicles,
                    speed_kmh,
                    detector_occupancy_pct,
                }
            }
            Value::Bicycles(Bicycles { interval_s, inbound, outbound }) => {
                ModelValue::Bicycles { interval_s: narrow(interval_s)?, inbound, outbound }
            }
            Value::FreePlaces(free) => ModelValue::Places { free },
            Value::VerifiedOccupied(occupied) => ModelValue::Verified { occupied },
            Value::CorrectedOccupied(occupied) => ModelValue::Corrected { occupied },
            Value::CounterReplaced(_) => ModelValue::CounterReplaced,
            Value::ClosedByOperator(closed) => ModelValue::Closure { closed },
            Value::Alive(_) => ModelValue::Alive,
            Value::SignShownVersion(face_version) => ModelValue::SignShown { face_version },
            Value::SignFault(fault) => ModelValue::SignFault {
                fault: SignFault::try_from(fault)
                    .map_err(|_| format!("the unknown sign fault {fault}"))?
                    .into(),
            },
            Value::SignConnected(connected) => ModelValue::SignLink { connected },
            Value::Situation(situation) => situation.model()?,
            Value::IncidentVerdict(verdict) => verdict.model()?,
            Value::Traversal(traversal) => traversal.model(),
            Value::PairSeconds(seconds) => ModelValue::PairTime { seconds },
            Value::Signal(signal) => signal.model()?,
            Value::Guided(Guided { vehicles, arrive_after_s }) => {
                ModelValue::Guided { vehicles: narrow(vehicles)?, arrive_after_s }
            }
            Value::Air(air) => air.model()?,
        })
    }
}

impl From<ModelFault> for SignFault {
    fn from(fault: ModelFault) -> Self {
        match fault {
            ModelFault::None => SignFault::None,
            ModelFault::Pixel => SignFault::Pixel,
            ModelFault::Power => SignFault::Power,
            ModelFault::Temperature => SignFault::Temperature,
            ModelFault::Photocell => SignFault::Photocell,
            ModelFault::Controller => SignFault::Controller,
            ModelFault::FaceRejected => SignFault::FaceRejected,
        }
    }
}

impl From<SignFault> for ModelFault {
    fn from(fault: SignFault) -> Self {
        match fault {
            SignFault::None => ModelFault::None,
            SignFault::Pixel => ModelFault::Pixel,
            SignFault::Power => ModelFault::Power,
            SignFault::Temperature => ModelFault::Temperature,
            SignFault::Photocell => ModelFault::Photocell,
            SignFault::Controller => ModelFault::Controller,
            SignFault::FaceRejected => ModelFault::FaceRejected,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::journal) fn clock_tick(tick: u64) -> Vec<u8> {
        Entry { tick, at_us: 1_700_000_000_000_000, ..Entry::default() }.encode_to_vec()
    }

    #[test]
    fn what_is_written_is_plausible_and_what_is_not_is_an_error() {
        let era = Entry { era: Some(Era { at_us: 1, ..Era::default() }), ..Entry::default() }.encode_to_vec();
        assert!(plausible(&era, u64::MAX));
        assert!(plausible(&clock_tick(9), 8) && !plausible(&clock_tick(9), 9));
        let mut entry = Entry::default();
        assert!(entry.read(&[]).is_err_and(|e| e.contains("does not know")));
        assert!(entry.read(&[0xff]).is_err_and(|e| e.contains("not what this software writes")));
        // A reading without a value, and one whose number of vehicles no model value can hold.
        for (value, part) in
            [(None, "kind"), (Some(Value::VehiclesIn(70_000)), "65535"), (Some(Value::SignFault(99)), "99")]
        {
            let reading = Reading { device: 1, value, ..Reading::default() };
            let payload = Entry { tick: 1, readings: vec![reading], ..Entry::default() }.encode_to_vec();
            assert!(entry.read(&payload).is_err_and(|e| e.contains(part)), "{part}");
        }
    }
}
