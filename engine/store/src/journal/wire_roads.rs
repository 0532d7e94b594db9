//! The bytes of what is said of streets. The same promise holds as in `wire.rs`: tags keep their meaning for ever.

use std::sync::Arc;

use prost::{Enumeration, Message};
use vlot_model::{
    AirQuantity as ModelQuantity, Effect as ModelEffect, LinkId, Location as ModelPlace, LonLat, Mode, Modes,
    SignalState as ModelSignal, Situation as ModelSituation, SituationKind as ModelKind, Timestamp,
    Value as ModelValue, Verdict as ModelVerdict,
};

/// Two enumerations with the same variants, one of the model and one of the wire.
macro_rules! mirror {
    ($(#[$doc:meta])* $wire:ident = $model:ty { $($name:ident = $tag:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
        #[repr(i32)]
        pub(super) enum $wire { $($name = $tag),* }

        impl From<$model> for $wire {
            fn from(of: $model) -> Self {
                match of { $(<$model>::$name => $wire::$name),* }
            }
        }

        impl $wire {
            pub(super) fn model(of: i32) -> Result<$model, String> {
                match $wire::try_from(of) {
                    $(Ok($wire::$name) => Ok(<$model>::$name),)*
                    Err(_) => Err(format!("{of}, which is no {} that this software knows", stringify!($wire))),
                }
            }
        }
    };
}

mirror!(Verdict = ModelVerdict { Suspected = 0, Confirmed = 1, Dismissed = 2 });
mirror!(SignalState = ModelSignal { Running = 0, Flashing = 1, Dark = 2, AllRed = 3, Manual = 4, Fault = 5 });
mirror!(AirQuantity = ModelQuantity { No2 = 0, Pm10 = 1, Pm25 = 2, O3 = 3, Noise = 4 });
mirror!(SituationKind = ModelKind { Closure = 0, Works = 1, Incident = 2, Event = 3, Notice = 4 });

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct IncidentVerdict {
    #[prost(uint64, tag = "1")]
    link: u64,
    #[prost(enumeration = "Verdict", tag = "2")]
    verdict: i32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Traversal {
    #[prost(uint64, tag = "1")]
    link: u64,
    #[prost(float, tag = "2")]
    seconds: f32,
    #[prost(fixed32, tag = "3")]
    token: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Signal {
    #[prost(enumeration = "SignalState", tag = "1")]
    state: i32,
    #[prost(uint32, optional, tag = "2")]
    plan: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Air {
    #[prost(enumeration = "AirQuantity", tag = "1")]
    quantity: i32,
    #[prost(float, tag = "2")]
    value: f32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Situation {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    source: String,
    #[prost(enumeration = "SituationKind", tag = "3")]
    kind: i32,
    #[prost(string, tag = "4")]
    headline: String,
    #[prost(bool, tag = "5")]
    closed: bool,
    #[prost(uint32, optional, tag = "6")]
    lanes_closed: Option<u32>,
    #[prost(float, optional, tag = "7")]
    speed_limit_kmh: Option<f32>,
    /// Bits in the order of the model's modes.
    #[prost(uint32, tag = "8")]
    modes: u32,
    /// Degrees: longitude, latitude, longitude, ... Two of them are a point.
    #[prost(double, repeated, tag = "9")]
    line: Vec<f64>,
    #[prost(fixed64, repeated, tag = "10")]
    links: Vec<u64>,
    #[prost(bool, tag = "11")]
    both_directions: bool,
    #[prost(int64, tag = "12")]
    from_us: i64,
    #[prost(int64, optional, tag = "13")]
    until_us: Option<i64>,
    #[prost(string, optional, tag = "14")]
    hours: Option<String>,
    #[prost(bool, tag = "15")]
    withdrawn: bool,
}

impl IncidentVerdict {
    pub(super) fn new(link: LinkId, verdict: ModelVerdict) -> Self {
        IncidentVerdict { link: link.0, verdict: Verdict::from(verdict).into() }
    }

    pub(super) fn model(self) -> Result<ModelValue, String> {
        Ok(ModelValue::IncidentVerdict { link: LinkId(self.link), verdict: Verdict::model(self.verdict)? })
    }
}

impl Traversal {
    pub(super) fn new(link: LinkId, seconds: f32, token: u32) -> Self {
        Traversal { link: link.0, seconds, token }
    }

    pub(super) fn model(self) -> ModelValue {
        ModelValue::Traversal { link: LinkId(self.link), seconds: self.seconds, token: self.token }
    }
}

impl Signal {
    pub(super) fn new(state: ModelSignal, plan: Option<u16>) -> Self {
        Signal { state: SignalState::from(state).into(), plan: plan.map(u32::from) }
    }

    pub(super) fn model(self) -> Result<ModelValue, String> {
        let plan = self.plan.map(u16::try_from).transpose().map_err(|_| "a plan's number above 65535")?;
        Ok(ModelValue::Signal { state: SignalState::model(self.state)?, plan })
    }
}

impl Air {
    pub(super) fn new(quantity: ModelQuantity, value: f32) -> Self {
        Air { quantity: AirQuantity::from(quantity).into(), value }
    }

    pub(super) fn model(self) -> Result<ModelValue, String> {
        Ok(ModelValue::Air { quantity: AirQuantity::model(self.quantity)?, value: self.value })
    }
}

impl Situation {
    pub(super) fn new(of: &ModelSituation) -> Self {
        let flat = |line: &[LonLat]| line.iter().flat_map(|p| [p.lon, p.lat]).collect();
        let (line, links) = match &of.location {
            ModelPlace::Point(p) => (vec![p.lon, p.lat], Vec::new()),
            ModelPlace::Line(line) => (flat(line), Vec::new()),
            ModelPlace::Links(links) => (Vec::new(), links.iter().map(|link| link.0).collect()),
        };
        let (closed, lanes_closed, speed_limit_kmh) = match of.effect {
            ModelEffect::Closed => (true, None, None),
            ModelEffect::LanesClosed { lanes } => (false, Some(u32::from(lanes)), None),
            ModelEffect::SpeedLimit { kmh } => (false, None, Some(kmh)),
            ModelEffect::None => (false, None, None),
        };
        let bit = |mode: Mode| u32::from(of.modes.has(mode)) << mode as u32;
        Situation {
            id: of.id.to_string(),
            source: of.source.to_string(),
            kind: SituationKind::from(of.kind).into(),
            headline: of.headline.to_string(),
            closed,
            lanes_closed,
            speed_limit_kmh,
            modes: Mode::ALL.into_iter().map(bit).sum(),
            line,
            links,
            both_directions: of.both_directions,
            from_us: of.from.micros(),
            until_us: of.until.map(Timestamp::micros),
            hours: of.hours.as_deref().map(str::to_owned),
            withdrawn: of.withdrawn,
        }
    }

    pub(super) fn model(self) -> Result<ModelValue, String> {
        let points: Vec<_> = self.line.chunks_exact(2).map(|p| LonLat { lon: p[0], lat: p[1] }).collect();
        let place = match points.as_slice() {
            [] => ModelPlace::Links(self.links.into_iter().map(LinkId).collect()),
            [point] => ModelPlace::Point(*point),
            _ => ModelPlace::Line(points),
        };
        let effect = match (self.closed, self.lanes_closed, self.speed_limit_kmh) {
            (true, _, _) => ModelEffect::Closed,
            (false, Some(lanes), _) => {
                ModelEffect::LanesClosed { lanes: u8::try_from(lanes).unwrap_or(u8::MAX) }
            }
            (false, None, Some(kmh)) => ModelEffect::SpeedLimit { kmh },
            (false, None, None) => ModelEffect::None,
        };
        let modes = Mode::ALL
            .into_iter()
            .filter(|mode| self.modes >> *mode as u32 & 1 == 1)
            .fold(Modes::NONE, Modes::with);
        Ok(ModelValue::Situation(Arc::new(ModelSituation {
            id: self.id.into(),
            source: self.source.into(),
            kind: SituationKind::model(self.kind)?,
            headline: self.headline.into(),
            effect,
            modes,
            location: place,
            both_directions: self.both_directions,
            from: Timestamp::from_micros(self.from_us),
            until: self.until_us.map(Timestamp::from_micros),
            hours: self.hours.map(Into::into),
            withdrawn: self.withdrawn,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_situation_comes_back_as_it_was() {
        let line = vec![LonLat { lon: 4.7, lat: 50.88 }, LonLat { lon: 4.71, lat: 50.881 }];
        let places = [
            ModelPlace::Point(LonLat { lon: 4.7, lat: 50.9 }),
            ModelPlace::Line(line),
            ModelPlace::Links(vec![LinkId(u64::MAX), LinkId(3)]),
        ];
        let effects = [
            ModelEffect::Closed,
            ModelEffect::LanesClosed { lanes: 1 },
            ModelEffect::SpeedLimit { kmh: 30.0 },
            ModelEffect::None,
        ];
        for (place, effect) in places.iter().flat_map(|place| effects.map(|effect| (place.clone(), effect))) {
            let situation = ModelSituation {
                id: "w-12".into(),
                source: "operator".into(),
                kind: ModelKind::Works,
                headline: "Werken Naamsestraat".into(),
                effect,
                modes: Modes::NONE.with(Mode::Car).with(Mode::Bus),
                location: place,
                both_directions: true,
                from: Timestamp::from_secs(1_700_000_000),
                until: None,
                hours: Some("Mo-Fr 08:00-09:00".into()),
                withdrawn: false,
            };
            let bytes = Situation::new(&situation).encode_to_vec();
            let back = Situation::decode(bytes.as_slice()).expect("its own bytes").model();
            assert_eq!(back, Ok(ModelValue::Situation(Arc::new(situation))));
        }
    }
}
