//! What devices say, and how: an encoder of its own for each wire format, written from its public description.

mod chirpstack;
mod lorawan;
mod sightings;
mod topic;
mod tts;
mod vlot_json;
mod vlot_protobuf;

pub use lorawan::{Uplink, uplink};
pub use topic::Topics;

/// Wire formats of MQTT messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Vlot's own JSON.
    VlotJson,
    /// Vlot's own protobuf.
    VlotProtobuf,
    /// The Things Stack v3 uplinks.
    TtsV3,
    /// ChirpStack v4 uplinks.
    ChirpstackV4,
    /// Sightings of vehicles, JSON.
    VlotSightings,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 5] =
        [Format::VlotJson, Format::VlotProtobuf, Format::TtsV3, Format::ChirpstackV4, Format::VlotSightings];

    /// Its name in configurations and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::VlotJson => "vlot-json",
            Format::VlotProtobuf => "vlot-protobuf",
            Format::TtsV3 => "tts-v3",
            Format::ChirpstackV4 => "chirpstack-v4",
            Format::VlotSightings => "vlot-sightings",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|f| f.name() == name)
    }
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceKind {
    /// A bay sensor that speaks Vlot's own formats.
    Bay,
    /// Bosch TPS110, LoRaWAN.
    BoschTps110,
    /// Nwave NPS, LoRaWAN.
    Nwave,
    /// Netvox R719A, LoRaWAN.
    NetvoxR719a,
    /// Libelium Smart Parking, LoRaWAN.
    LibeliumParking,
    /// A barrier's counter.
    Barrier,
    /// A parking system's own figure.
    Counter,
    /// A loop or tube.
    Loop,
    /// A bicycle counter.
    BicycleCounter,
    /// The section sensor of a bicycle garage.
    SectionSensor,
    /// A camera over a section of a bicycle garage.
    Camera,
    /// A feed of followed vehicles.
    ProbeFeed,
    /// A reader of plates.
    Reader,
    /// A traffic-light controller.
    SignalController,
    /// An air-quality or noise station.
    AirStation,
}

impl DeviceKind {
    const ALL: [(DeviceKind, &'static str); 15] = [
        (DeviceKind::Bay, "bay"),
        (DeviceKind::BoschTps110, "bosch-tps110"),
        (DeviceKind::Nwave, "nwave"),
        (DeviceKind::NetvoxR719a, "netvox-r719a"),
        (DeviceKind::LibeliumParking, "libelium-parking"),
        (DeviceKind::Barrier, "barrier"),
        (DeviceKind::Counter, "counter"),
        (DeviceKind::Loop, "loop"),
        (DeviceKind::BicycleCounter, "bicycle-counter"),
        (DeviceKind::SectionSensor, "section-sensor"),
        (DeviceKind::Camera, "camera"),
        (DeviceKind::ProbeFeed, "probe-feed"),
        (DeviceKind::Reader, "reader"),
        (DeviceKind::SignalController, "signal-controller"),
        (DeviceKind::AirStation, "air-station"),
    ];

    /// The kind of that name in configurations.
    #[must_use]
    pub fn from_name(name: &str) -> Option<DeviceKind> {
        Self::ALL.into_iter().find(|(_, n)| *n == name).map(|(k, _)| k)
    }

    /// Whether it speaks through a LoRaWAN network.
    #[must_use]
    pub const fn is_lorawan(self) -> bool {
        matches!(
            self,
            DeviceKind::BoschTps110
                | DeviceKind::Nwave
                | DeviceKind::NetvoxR719a
                | DeviceKind::LibeliumParking
        )
    }

    /// The format that the simulated city's devices of this kind speak.
    #[must_use]
    pub const fn usual_format(self) -> Format {
        match self {
            DeviceKind::BoschTps110 | DeviceKind::LibeliumParking => Format::TtsV3,
            DeviceKind::Nwave | DeviceKind::NetvoxR719a => Format::ChirpstackV4,
            DeviceKind::Bay | DeviceKind::Loop | DeviceKind::BicycleCounter => Format::VlotProtobuf,
            DeviceKind::Barrier
            | DeviceKind::Counter
            | DeviceKind::SectionSensor
            | DeviceKind::Camera
            | DeviceKind::SignalController
            | DeviceKind::AirStation => Format::VlotJson,
            DeviceKind::ProbeFeed | DeviceKind::Reader => Format::VlotSightings,
        }
    }
}

/// The format in which a device of that kind usually says that.
#[must_use]
pub const fn format_of(kind: DeviceKind, value: &Value) -> Format {
    match (kind, value) {
        // Of itself, not of a vehicle.
        (DeviceKind::ProbeFeed | DeviceKind::Reader, Value::Alive) => Format::VlotJson,
        _ => kind.usual_format(),
    }
}

/// A device as its messages name it.
#[derive(Clone, Debug)]
pub struct Address {
    /// Its id in the configuration.
    pub device: String,
    /// Its LoRaWAN address in hexadecimal; empty where it has none.
    pub eui: String,
    /// What it is.
    pub kind: DeviceKind,
}

/// What a device says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A bay is taken or free.
    Bay {
        /// Whether a vehicle stands in it.
        occupied: bool,
        /// A repetition of the known state, not a change.
        heartbeat: bool,
        /// How long the state before lasted, in minutes; some sensors send it.
        previous_minutes: u32,
    },
    /// Vehicles passed a barrier.
    Passage {
        /// Into the facility, not out of it.
        inward: bool,
        /// How many, 1 to 1000.
        vehicles: u32,
    },
    /// A barrier's running totals.
    Totals {
        /// Vehicles that went in.
        entries: u32,
        /// Vehicles that went out.
        exits: u32,
    },
    /// Occupied spaces of a facility.
    Occupancy {
        /// Spaces; a real recording may say fewer than none, and then so does this.
        occupied_spaces: i32,
    },
    /// A facility opens or closes.
    Opening {
        /// Open to vehicles.
        open: bool,
    },
    /// Motor traffic of an interval.
    Traffic {
        /// Length of the interval.
        interval_s: u32,
        /// Vehicles counted.
        vehicles: u32,
        /// Mean speed; none without vehicles.
        speed_kmh: Option<f32>,
        /// Share of the interval in which the detector was covered, 0 to 100.
        detector_occupancy_pct: Option<f32>,
    },
    /// Bicycles of an interval; `None` is a gap.
    Bicycles {
        /// Length of the interval.
        interval_s: u32,
        /// Towards the centre.
        inbound: Option<u32>,
        /// Away from it.
        outbound: Option<u32>,
    },
    /// Free places of a garage section.
    Places {
        /// Places.
        free_places: i32,
    },
    /// A controller's lights run a plan, flash, are dark, ...
    Signal {
        /// Its state's name.
        state: &'static str,
        /// The plan that runs.
        plan: Option<u32>,
    },
    /// An air station measured.
    Air {
        /// The quantity's name.
        quantity: &'static str,
        /// In its unit.
        value: f64,
    },
    /// A vehicle was seen.
    Sighting {
        /// A number of the simulator's own for it.
        vehicle: u64,
        /// Where; `None`: at the reader.
        position: Option<Position>,
    },
    /// It lives and has nothing to say.
    Alive,
}

/// Where a vehicle says that it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Degrees.
    pub lat: f64,
    /// Degrees.
    pub lon: f64,
    /// Its speed.
    pub speed_kmh: f64,
    /// Its direction, clockwise from north, where it says it.
    pub heading_deg: Option<f64>,
}

impl Value {
    /// Its name in reports and on the command line.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Value::Bay { .. } => "bay",
            Value::Passage { .. } => "passage",
            Value::Totals { .. } => "totals",
            Value::Occupancy { .. } => "occupancy",
            Value::Opening { .. } => "opening",
            Value::Traffic { .. } => "traffic",
            Value::Bicycles { .. } => "bicycles",
            Value::Places { .. } => "places",
            Value::Signal { .. } => "signal",
            Value::Air { .. } => "air",
            Value::Sighting { .. } => "sighting",
            Value::Alive => "alive",
        }
    }
}

/// One message before it is encoded.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// Who says it.
    pub from: &'a Address,
    /// The device's message counter.
    pub sequence: Option<u32>,
    /// When it was true, in microseconds UTC; for an interval, its start.
    pub observed_at: i64,
    /// What it says.
    pub value: Value,
}

/// Why something cannot be said in a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{device} cannot say {value:?} in {format}")]
pub struct Unsayable {
    /// The device.
    pub device: String,
    /// What it was to say.
    pub value: &'static str,
    /// The format's name.
    pub format: &'static str,
}

/// A statement as the payload of an MQTT message.
///
/// # Errors
/// A LoRaWAN network carries only LoRaWAN sensors, and those only their bay; sightings have a format of their own.
pub fn encode(format: Format, statement: &Statement<'_>) -> Result<Vec<u8>, Unsayable> {
    let carried = match (format, &statement.value) {
        (Format::VlotSightings, Value::Sighting { vehicle, position }) => {
            return Ok(sightings::encode(statement, *vehicle, position.as_ref()));
        }
        (Format::VlotSightings, _) | (_, Value::Sighting { .. }) => None,
        (Format::VlotJson, _) => return Ok(vlot_json::encode(statement)),
        (Format::VlotProtobuf, _) => return Ok(vlot_protobuf::encode(statement)),
        (Format::TtsV3 | Format::ChirpstackV4, _) => lorawan::uplink(statement),
    };
    let uplink = carried.ok_or_else(|| Unsayable {
        device: statement.from.device.clone(),
        value: statement.value.name(),
        format: format.name(),
    })?;
    Ok(if format == Format::TtsV3 {
        tts::encode(statement, &uplink)
    } else {
        chirpstack::encode(statement, &uplink)
    })
}
