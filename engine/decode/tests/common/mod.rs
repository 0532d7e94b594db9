//! A small city, and the one readable form of readings that expectations are written in.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "a module of tests")]

use std::time::Duration;

use serde_json::{Value as Json, json};
use vlot_model::{
    City, Device, DeviceIx, DeviceKind, FacilityIx, Format, Reading, Refusal, Role, SectionIx, SignIx,
    StationIx, Timestamp,
};

/// When every message of the tests reached us.
pub const RECEIVED_AT: &str = "2026-03-29T01:30:02Z";

/// Id, EUI and kind of the city's devices.
pub const DEVICES: &[(&str, Option<&str>, DeviceKind)] = &[
    ("bay-1", None, DeviceKind::Bay),
    ("bosch-1", Some("70B3D57ED0000001"), DeviceKind::BoschTps110),
    ("nwave-1", Some("70B3D57ED0000002"), DeviceKind::Nwave),
    ("netvox-1", Some("70B3D57ED0000003"), DeviceKind::NetvoxR719a),
    ("libelium-1", Some("70B3D57ED0000004"), DeviceKind::LibeliumParking),
    ("barrier-1", None, DeviceKind::Barrier),
    ("counter-1", None, DeviceKind::Counter),
    ("loop-1", None, DeviceKind::Loop),
    ("bicycles-1", None, DeviceKind::BicycleCounter),
    ("section-1", None, DeviceKind::SectionSensor),
    ("camera-1", None, DeviceKind::Camera),
    ("sign-1", None, DeviceKind::Sign),
    ("lights-1", None, DeviceKind::SignalController),
    ("air-1", None, DeviceKind::AirStation),
    ("reader-1", None, DeviceKind::Reader),
    ("probes-1", None, DeviceKind::ProbeFeed),
    ("pair-1", None, DeviceKind::Pair),
    ("feed-1", None, DeviceKind::SituationFeed),
];

pub fn received_at() -> Timestamp {
    RECEIVED_AT.parse().unwrap()
}

/// The city of [`DEVICES`].
pub fn city() -> City {
    let mut city = City::default();
    for (id, eui, kind) in DEVICES {
        add(&mut city, id, *eui, *kind);
    }
    city
}

pub fn add(city: &mut City, id: &str, eui: Option<&str>, kind: DeviceKind) -> DeviceIx {
    let ix = DeviceIx::from_position(city.devices.len());
    let facility = FacilityIx(0);
    let role = match kind {
        DeviceKind::Bay
        | DeviceKind::BoschTps110
        | DeviceKind::Nwave
        | DeviceKind::NetvoxR719a
        | DeviceKind::LibeliumParking => Role::Bay { facility, bay: ix.0 },
        DeviceKind::Barrier => Role::Barrier { facility },
        DeviceKind::Counter => Role::Counter { facility },
        DeviceKind::Loop | DeviceKind::BicycleCounter => Role::Lane { station: StationIx(0) },
        DeviceKind::SectionSensor | DeviceKind::Camera => Role::Section { section: SectionIx(0) },
        DeviceKind::Sign => Role::Sign { sign: SignIx(0) },
        DeviceKind::Operator => Role::Operator { facility },
        DeviceKind::Apps => Role::Apps { facility },
        DeviceKind::ProbeFeed => Role::Probes,
        DeviceKind::Reader => Role::Reader,
        DeviceKind::Pair => Role::Pair { pair: vlot_model::PairIx(0) },
        DeviceKind::SignalController => Role::Controller { controller: vlot_model::ControllerIx(0) },
        DeviceKind::AirStation => Role::Air { station: vlot_model::AirIx(0) },
        DeviceKind::SituationFeed => Role::Situations,
    };
    city.devices.push(Device {
        id: id.into(),
        kind,
        role,
        silent_after: Duration::from_secs(3_600),
        service: vlot_model::Service::default(),
    });
    for name in [Some(id), eui].into_iter().flatten() {
        assert_eq!(city.directory.insert(name, ix), None, "{name}");
    }
    ix
}

/// Decodes one message of the city's.
pub fn decode(format: Format, topic: &str, payload: &[u8]) -> Result<Vec<Reading>, Refusal> {
    let mut out = Vec::new();
    let result = vlot_decode::decode(format, topic, payload, received_at(), &city(), &mut out);
    assert!(result.is_ok() || out.is_empty(), "a refused message left readings");
    result.map(|()| out)
}

/// Readings by the names of their devices, or the refusal.
pub fn readable(result: &Result<Vec<Reading>, Refusal>, city: &City) -> Json {
    match result {
        Ok(readings) => {
            let readings: Vec<Json> = readings
                .iter()
                .map(|reading| {
                    let mut json = serde_json::to_value(reading).unwrap();
                    json["device"] = Json::from(&*city.devices[reading.device.at()].id);
                    json
                })
                .collect();
            json!({ "readings": readings })
        }
        Err(refusal) => json!({ "refused": refusal.kind.name(), "detail": refusal.detail }),
    }
}

/// Bytes of hexadecimal text; blanks and lines that start with `#` are passed over.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .map(|c| u8::try_from(c.to_digit(16).expect("a hexadecimal digit")).unwrap())
        .collect();
    assert!(digits.len().is_multiple_of(2), "half a byte");
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Numbers that are the same everywhere (xorshift).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}
