//! The city as the configuration describes it: checked, dense, immutable.
//!
//! `settings` is the only maker of a [`City`]; every index in it is valid.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::signs::{NamedPlace, Sign, SignTexts, Template};
use crate::site::{GarageSite, Reliability, Service, Site, UserGroup};
use crate::streets::{AirStation, Controller, Corridor, Pair, Placed, TrafficRules};
use crate::{
    AirIx, ControllerIx, DeviceIx, FacilityIx, GarageIx, PairIx, RoadNetwork, SectionIx, SignIx, StationIx,
};

/// Everything that stands in the city and that Vlot knows of.
#[derive(Clone, Debug, Default)]
pub struct City {
    /// The city's own name, as people read it.
    pub name: String,
    /// IANA time zone, for the edges where a person reads a time.
    pub timezone: String,
    /// Field devices, by [`DeviceIx`].
    pub devices: Vec<Device>,
    /// Finds a device by what a message calls it.
    pub directory: Directory,
    /// Car parks and on-street zones, by [`FacilityIx`].
    pub facilities: Vec<Facility>,
    /// Bicycle garages, by [`GarageIx`].
    pub garages: Vec<Garage>,
    /// Sections of all garages, by [`SectionIx`].
    pub sections: Vec<Section>,
    /// Count stations, by [`StationIx`].
    pub stations: Vec<Station>,
    /// Named places that signs lead to, by [`PlaceIx`].
    pub places: Vec<NamedPlace>,
    /// Signs, by [`SignIx`].
    pub signs: Vec<Sign>,
    /// Layouts that signs refer to by position.
    pub templates: Vec<Template>,
    /// Words and colours on signs.
    pub texts: SignTexts,
    /// Public holidays and events.
    pub calendar: crate::Calendar,
    /// Its streets; `None`: nothing is known of them, and there are no routes.
    pub network: Option<Arc<RoadNetwork>>,
    /// Where things stand on the network.
    pub placed: Placed,
    /// Stretches whose travel time people ask for, by [`crate::CorridorIx`].
    pub corridors: Vec<Corridor>,
    /// By [`PairIx`].
    pub pairs: Vec<Pair>,
    /// By [`ControllerIx`].
    pub controllers: Vec<Controller>,
    /// By [`AirIx`].
    pub air_stations: Vec<AirStation>,
    /// How traffic is judged.
    pub traffic: TrafficRules,
    /// How guidance decides.
    pub guidance: crate::GuidanceRules,
    /// How sensors are judged.
    pub health: crate::HealthSettings,
}

impl City {
    /// Devices that stand in the city; operators' desks are none, and neither are pairs of readers.
    #[must_use]
    pub fn field_devices(&self) -> usize {
        // No configured id holds a slash: those are desks.
        self.devices.iter().filter(|d| d.kind != DeviceKind::Pair && !d.id.contains('/')).count()
    }

    /// The operator's desk of a facility.
    #[must_use]
    pub fn desk(&self, facility: FacilityIx) -> Option<DeviceIx> {
        let id = format!("{}/operator", self.facilities.get(facility.at())?.id);
        let ix = self.directory.find(&id)?;
        (self.devices.get(ix.at())?.role == Role::Operator { facility }).then_some(ix)
    }
}

impl City {
    /// Where apps announce who is on the way to a facility.
    #[must_use]
    pub fn apps_desk(&self, facility: FacilityIx) -> Option<DeviceIx> {
        let id = format!("{}/apps", self.facilities.get(facility.at())?.id);
        let ix = self.directory.find(&id)?;
        (self.devices.get(ix.at())?.role == Role::Apps { facility }).then_some(ix)
    }

    /// The operators' desk for the roads.
    #[must_use]
    pub fn roads_desk(&self) -> Option<DeviceIx> {
        let ix = self.directory.find("roads/operator")?;
        (self.devices.get(ix.at())?.role == Role::Situations).then_some(ix)
    }
}

/// A point: degrees, WGS 84.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LonLat {
    /// East of Greenwich, -180..=180.
    pub lon: f64,
    /// North of the equator, -90..=90.
    pub lat: f64,
}

/// A field device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Unique in the city; Vlot's own formats name it so.
    pub id: Box<str>,
    /// What it is, hence what it can say and how its payload is packed.
    pub kind: DeviceKind,
    /// What it watches.
    pub role: Role,
    /// Without a message for this long it no longer counts as reporting.
    pub silent_after: Duration,
    /// From when to when it is in service.
    pub service: Service,
}

/// What a device is. A LoRaWAN sensor's kind also names its payload codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// A bay sensor that speaks Vlot's own formats.
    Bay,
    /// Bosch TPS110, LoRaWAN.
    BoschTps110,
    /// Nwave parking sensors (NPS, NCC), LoRaWAN.
    Nwave,
    /// Netvox R719A, LoRaWAN.
    NetvoxR719a,
    /// Libelium Smart Parking, LoRaWAN.
    LibeliumParking,
    /// A barrier's counter: pulses, totals, absolute counts, open and closed.
    Barrier,
    /// A parking system that states occupied spaces, open and closed, of a facility.
    Counter,
    /// A loop or tube: motor traffic per interval.
    Loop,
    /// A bicycle counter.
    BicycleCounter,
    /// The section sensor of a bicycle garage.
    SectionSensor,
    /// A camera over a section of a bicycle garage: states its free or taken places, give or take.
    Camera,
    /// A sign, which reports what it shows.
    Sign,
    /// A feed of followed vehicles (floating car data).
    ProbeFeed,
    /// A reader of plates or Bluetooth addresses. What it reads ends at the gate; of itself it says that it lives.
    Reader,
    /// Two readers and the way between them; says travel times, and no message can name it.
    Pair,
    /// A traffic-light controller.
    SignalController,
    /// An air-quality or noise station.
    AirStation,
    /// A feed of situations, or the operators' desk for them, `roads/operator`.
    SituationFeed,
    /// An operator's desk: one stands, unconfigured, beside each facility, under the name `<facility>/operator`.
    Operator,
    /// Where apps announce who is on the way: one beside each facility, under the name `<facility>/apps`.
    Apps,
}

/// What a device watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// One bay, by position in [`Facility::bays`].
    Bay {
        /// Of this zone.
        facility: FacilityIx,
        /// Position in the zone's list of bays.
        bay: u32,
    },
    /// A lane in and out of a facility.
    Barrier {
        /// Of this facility.
        facility: FacilityIx,
    },
    /// A facility as a whole.
    Counter {
        /// This facility.
        facility: FacilityIx,
    },
    /// A lane or direction of a count station.
    Lane {
        /// Of this station.
        station: StationIx,
    },
    /// A section of a bicycle garage: its sensor, a camera, or (of kind [`DeviceKind::Barrier`]) a gate.
    Section {
        /// This section.
        section: SectionIx,
    },
    /// One place of a section, by position in [`SectionSources::places`](crate::SectionSources).
    Place {
        /// Of this section.
        section: SectionIx,
        /// Position in the section's list of places.
        place: u32,
    },
    /// It is a sign.
    Sign {
        /// This one.
        sign: SignIx,
    },
    /// An operator's acts on a facility.
    Operator {
        /// This facility.
        facility: FacilityIx,
    },
    /// What apps announce of a facility.
    Apps {
        /// This facility.
        facility: FacilityIx,
    },
    /// Followed vehicles, anywhere on the network.
    Probes,
    /// One end of pairs.
    Reader,
    /// Travel times of a pair.
    Pair {
        /// This one.
        pair: PairIx,
    },
    /// A traffic-light controller.
    Controller {
        /// This one.
        controller: ControllerIx,
    },
    /// An air station.
    Air {
        /// This one.
        station: AirIx,
    },
    /// Situations, and verdicts on suspected incidents.
    Situations,
}

/// Finds devices by the names that messages use.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    by_name: FxHashMap<Box<str>, DeviceIx>,
}

impl Directory {
    /// Adds a name (a device id, or a LoRaWAN EUI); compares without regard to ASCII case.
    /// Returns the device that already holds the name.
    pub fn insert(&mut self, name: &str, device: DeviceIx) -> Option<DeviceIx> {
        let name = name.to_ascii_lowercase().into_boxed_str();
        match self.by_name.entry(name) {
            std::collections::hash_map::Entry::Occupied(held) => Some(*held.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(device);
                None
            }
        }
    }

    /// The device of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<DeviceIx> {
        // Nearly every name arrives in the form that it is stored in: look first, fold afterwards.
        self.by_name.get(name).copied().or_else(|| {
            name.bytes()
                .any(|b| b.is_ascii_uppercase())
                .then(|| self.by_name.get(name.to_ascii_lowercase().as_str()).copied())
                .flatten()
        })
    }
}

/// A car park or an on-street zone (DATEX II: ParkingSite, group of spaces).
#[derive(Clone, Debug, PartialEq)]
pub struct Facility {
    /// Unique in the city.
    pub id: Box<str>,
    /// As people call it.
    pub name: String,
    /// Off street, edge or on street.
    pub kind: FacilityKind,
    /// Where a driver enters.
    pub position: LonLat,
    /// Spaces for everyone.
    pub capacity: u32,
    /// What its occupancy comes from.
    pub counting: Counting,
    /// Its bays, where they have sensors of their own.
    pub bays: Vec<Bay>,
    /// A figure older than this is stale.
    pub valid_for: Duration,
    /// Below this share of reporting sensors no figure is published as good, 0..=1.
    pub min_share: f32,
    /// FULL is shown from this many free spaces downwards.
    pub full_at: u32,
    /// After FULL, figures return only from this many free spaces upwards; above `full_at`.
    pub reopen_at: u32,
    /// How its sources err, and what its sign may say of a figure that is not sure.
    pub estimate: Reliability,
    /// What a visitor wants to know of it.
    pub site: Site,
}

/// Kinds of facilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FacilityKind {
    /// A public car park in the city.
    OffStreet,
    /// An edge car park, with an onward bus, shuttle or walk.
    Edge,
    /// A zone of bays along streets.
    OnStreet,
}

/// What a facility's occupancy comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counting {
    /// A sensor in every bay.
    Bays,
    /// Barriers: entries minus exits since the last absolute count.
    Barriers,
    /// A parking system's own figure.
    Absolute,
}

/// A bay (DATEX II: ParkingSpace).
#[derive(Clone, Debug, PartialEq)]
pub struct Bay {
    /// Unique in its facility.
    pub id: Box<str>,
    /// Whom it is for.
    pub bay_use: UserGroup,
    /// Its sensor.
    pub device: DeviceIx,
}

/// A bicycle garage.
#[derive(Clone, Debug, PartialEq)]
pub struct Garage {
    /// Unique in the city.
    pub id: Box<str>,
    /// As people call it.
    pub name: String,
    /// Its entrance.
    pub position: LonLat,
    /// Its sections, in the order in which a cyclist passes them.
    pub sections: Vec<SectionIx>,
    /// A section's figure older than this is stale.
    pub valid_for: Duration,
    /// What it is, and from when to when it stands.
    pub site: GarageSite,
}

/// A section of a bicycle garage.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Unique in its garage.
    pub id: Box<str>,
    /// As its sign calls it.
    pub name: String,
    /// Of this garage.
    pub garage: GarageIx,
    /// Places.
    pub capacity: u32,
    /// What stands in it.
    pub rack: RackKind,
    /// Storeys above the street; below it negative.
    pub level: i8,
    /// FULL from this many free places downwards.
    pub full_at: u32,
    /// After FULL, figures return from this many free places upwards; above `full_at`.
    pub reopen_at: u32,
    /// What watches it besides a sensor of its own and gates.
    pub sources: crate::SectionSources,
}

/// Kinds of bicycle racks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RackKind {
    /// On the ground.
    Single,
    /// Two tiers.
    TwoTier,
    /// Space for cargo bicycles.
    Cargo,
}

/// A count station (DATEX II: MeasurementSite).
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// Unique in the city.
    pub id: Box<str>,
    /// As people call it.
    pub name: String,
    /// Where it counts.
    pub position: LonLat,
    /// What it counts.
    pub mode: CountMode,
    /// Length of one product: a minute for motor traffic, 15 minutes for bicycles.
    pub interval: Duration,
    /// How long after an interval's end its readings are waited for.
    pub lateness: Duration,
    /// Its figures are scaled up by their keeper for the time in which the counter did not look (citizens' counters).
    pub uptime_corrected: bool,
    /// Its detectors, one a lane or direction.
    pub devices: Vec<DeviceIx>,
}

/// What a station counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountMode {
    /// Motor vehicles.
    Motor,
    /// Bicycles.
    Bicycle,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_one_device_whatever_its_case() {
        let mut d = Directory::default();
        assert_eq!(d.insert("70B3D5", DeviceIx(1)), None);
        assert_eq!(d.insert("70b3d5", DeviceIx(2)), Some(DeviceIx(1)));
        assert_eq!(d.find("70B3d5"), Some(DeviceIx(1)));
        assert_eq!(d.find("other"), None);
    }
}
