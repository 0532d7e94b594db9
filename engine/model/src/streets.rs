//! What stands along the streets: corridors, pairs of readers, traffic lights, air stations, and where everything is on the network.

use std::time::Duration;

use crate::{DeviceIx, LinkIx, LonLat, OnLink};

/// Where things stand on the network, each by its own index; all empty without a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placed {
    /// Where a car enters a facility.
    pub facilities: Vec<Option<OnLink>>,
    /// Where a cyclist enters a garage.
    pub garages: Vec<Option<OnLink>>,
    /// Where a named place is.
    pub places: Vec<Option<OnLink>>,
    /// The link along which a sign is read; none inside a garage.
    pub signs: Vec<Option<OnLink>>,
    /// Detectors on their directed links, by [`DeviceIx`]; other devices have none.
    pub devices: Vec<Option<OnLink>>,
}

/// A stretch of streets with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Corridor {
    /// Unique in the city.
    pub id: Box<str>,
    /// As people call it.
    pub name: String,
    /// In order of travel; each begins where the one before ends.
    pub links: Vec<LinkIx>,
}

/// Two readers of plates or Bluetooth addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Unique in the city; also the id of its device.
    pub id: Box<str>,
    /// Where vehicles are seen first.
    pub from: DeviceIx,
    /// Where they are seen then.
    pub to: DeviceIx,
    /// The way between them, in order of travel.
    pub links: Vec<LinkIx>,
    /// Shorter times are misreadings.
    pub min: Duration,
    /// Longer times are stops on the way.
    pub max: Duration,
    /// Says the travel times.
    pub device: DeviceIx,
}

/// A traffic-light controller.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    /// Unique in the city.
    pub id: Box<str>,
    /// As people call its junction.
    pub name: String,
    /// Where it stands.
    pub position: LonLat,
    /// What it says is stale after this.
    pub valid_for: Duration,
    /// Its device.
    pub device: DeviceIx,
}

/// An air-quality or noise station.
#[derive(Clone, Debug, PartialEq)]
pub struct AirStation {
    /// Unique in the city.
    pub id: Box<str>,
    /// As people call it.
    pub name: String,
    /// Where it stands.
    pub position: LonLat,
    /// What it says is stale after this.
    pub valid_for: Duration,
    /// Its device.
    pub device: DeviceIx,
}

/// How traffic on links is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrafficRules {
    /// Fewer distinct vehicles than this are not published.
    pub probes_min: u16,
    /// What is older than this is forgotten by a link's estimate.
    pub window: Duration,
}

impl Default for TrafficRules {
    fn default() -> Self {
        TrafficRules { probes_min: 3, window: Duration::from_mins(10) }
    }
}
