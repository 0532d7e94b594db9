//! Vlot's own JSON: the fields of `vlot.device.v1.Envelope` by the same names.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};
use vlot_model::{AirQuantity, City, Direction, Reading, Refusal, SignalState, Timestamp};

use crate::json::{self, Instant, Object, Whole, Word};
use crate::refuse::malformed;
use crate::statement::{Said, Statement};

pub(crate) fn decode(
    topic: &str,
    payload: &[u8],
    received_at: Timestamp,
    city: &City,
) -> Result<Reading, Refusal> {
    let message: Message<'_> = json::parse(payload)?;
    let said = Said {
        statement: message.statement()?,
        device: &message.device,
        sequence: message.sequence.map(|n| n.0),
        observed_at: message.observed_at.0,
    };
    said.judge(topic, received_at, city)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Message<'a> {
    #[serde(borrow)]
    device: Cow<'a, str>,
    sequence: Option<Whole>,
    observed_at: Instant,
    bay: Option<Object<Bay>>,
    passage: Option<Object<Passage>>,
    totals: Option<Object<Totals>>,
    occupancy: Option<Object<Occupancy>>,
    opening: Option<Object<Opening>>,
    traffic: Option<Object<Traffic>>,
    bicycles: Option<Object<Bicycles>>,
    places: Option<Object<Places>>,
    signal: Option<Object<Signal>>,
    air: Option<Object<Air>>,
    alive: Option<Object<Alive>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Bay {
    occupied: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Passage {
    direction: Way,
    vehicles: Whole,
}

/// As text alone; a derived enum would be read from an object too.
struct Way(Direction);

impl<'de> Deserialize<'de> for Way {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct InOrOut;
        impl Visitor<'_> for InOrOut {
            type Value = Way;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"in\" or \"out\"")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Way, E> {
                match v {
                    "in" => Ok(Way(Direction::In)),
                    "out" => Ok(Way(Direction::Out)),
                    other => Err(E::invalid_value(Unexpected::Str(other), &self)),
                }
            }
        }
        d.deserialize_str(InOrOut)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Totals {
    entries: Whole,
    exits: Whole,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Occupancy {
    occupied_spaces: Whole,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    open: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Traffic {
    interval_s: Whole,
    vehicles: Whole,
    speed_kmh: Option<f64>,
    detector_occupancy_pct: Option<f64>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Bicycles {
    interval_s: Whole,
    inbound: Option<Whole>,
    outbound: Option<Whole>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Places {
    free_places: Whole,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Signal {
    state: Word<SignalState>,
    plan: Option<Whole>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Air {
    quantity: Word<AirQuantity>,
    value: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Alive {}

impl Message<'_> {
    /// The one value of the message.
    fn statement(&self) -> Result<Statement, Refusal> {
        let mut values = [
            self.bay.as_ref().map(|Object(v)| Statement::Bay { occupied: v.occupied }),
            self.passage
                .as_ref()
                .map(|Object(v)| Statement::Passage { direction: v.direction.0, vehicles: v.vehicles.0 }),
            self.totals
                .as_ref()
                .map(|Object(v)| Statement::Totals { entries: v.entries.0, exits: v.exits.0 }),
            self.occupancy
                .as_ref()
                .map(|Object(v)| Statement::Occupancy { occupied_spaces: v.occupied_spaces.0 }),
            self.opening.as_ref().map(|Object(v)| Statement::Opening { open: v.open }),
            self.traffic.as_ref().map(|Object(v)| Statement::Traffic {
                interval_s: v.interval_s.0,
                vehicles: v.vehicles.0,
                speed_kmh: v.speed_kmh,
                detector_occupancy_pct: v.detector_occupancy_pct,
            }),
            self.bicycles.as_ref().map(|Object(v)| Statement::Bicycles {
                interval_s: v.interval_s.0,
                inbound: v.inbound.map(|n| n.0),
                outbound: v.outbound.map(|n| n.0),
            }),
            self.places.as_ref().map(|Object(v)| Statement::Places { free_places: v.free_places.0 }),
            self.signal
                .as_ref()
                .map(|Object(v)| Statement::Signal { state: v.state.0, plan: v.plan.map(|n| n.0) }),
            self.air.as_ref().map(|Object(v)| Statement::Air { quantity: v.quantity.0, value: v.value }),
            self.alive.as_ref().map(|_| Statement::Alive),
        ]
        .into_iter()
        .flatten();
        match (values.next(), values.next()) {
            (Some(statement), None) => Ok(statement),
            (None, _) => Err(malformed(
                "no value: one of bay, passage, totals, occupancy, opening, traffic, bicycles, places, signal, air, alive",
            )),
            (Some(_), Some(_)) => Err(malformed("more than one value: a message says one thing")),
        }
    }
}
