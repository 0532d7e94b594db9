//! What is configured of facilities and devices beyond where they stand: how sure their sources are, for whom they are,
//! and when.

use serde::{Deserialize, Serialize};

use crate::{DeviceIx, Timestamp};

/// How a facility's sources err, and what its sign may say of a figure that is not sure. Rates are shares, 0..=0.4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliability {
    /// Vehicles that can be inside at most; at least the capacity, for in full car parks some stand beside the spaces.
    pub ceiling: u32,
    /// Passages that a barrier does not count.
    pub miss_rate: f64,
    /// Passages that a barrier counts twice.
    pub double_rate: f64,
    /// Reporting bays whose word is wrong.
    pub lie_rate: f64,
    /// Standard deviation of a parking system's or a controller's own figure, vehicles; 0: a count starts over from each.
    pub figure_sd: f64,
    /// Nobody is inside so long after it closed; `None`: vehicles stay overnight.
    pub empty_after_closing: Option<std::time::Duration>,
    /// No figure is shown when the 95 % interval is wider than this share of the capacity, 0..=1.
    pub width_max: f64,
    /// Signs show the low end of what is free, or the best figure.
    pub shows: Shows,
}

impl Reliability {
    /// The defaults for a capacity: 1 % missed, 0.5 % double, 2 % of bays wrong; the low end is shown, and nothing where
    /// the interval is wider than a fifth of the capacity.
    #[must_use]
    pub fn of(capacity: u32) -> Self {
        Reliability {
            ceiling: capacity,
            miss_rate: 0.01,
            double_rate: 0.005,
            lie_rate: 0.02,
            figure_sd: 3.0,
            empty_after_closing: None,
            width_max: 0.2,
            shows: Shows::Low,
        }
    }
}

/// Which figure a sign shows of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shows {
    /// The low end of the free spaces: whoever drives there finds at least so many.
    #[default]
    Low,
    /// The best figure.
    Best,
}

/// What a visitor wants to know of a facility.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// Spaces by group of users, beside those for everyone; parts of the capacity.
    pub groups: Vec<Group>,
    /// Opening hours in OpenStreetMap syntax, checked; `None`: not stated, which is not "always".
    pub opening_hours: Option<String>,
    /// Highest vehicle that fits, centimetres.
    pub height_limit_cm: Option<u32>,
    /// Where its prices stand: an identifier or an address.
    pub tariff: Option<String>,
    /// How one goes on from an edge car park.
    pub onward: Vec<Onward>,
    /// Spaces of the whole facility from dates on, which rise; before the first it is [`Facility::capacity`].
    pub capacities: Vec<CapacityFrom>,
    /// Its parts, as people find them inside; no figures of their own.
    pub parts: Vec<Part>,
    /// How its spaces may be used, and from when on they are used too hard.
    pub street: StreetRules,
}

/// Spaces from a date on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityFrom {
    /// From then on.
    pub from: Timestamp,
    /// Spaces for everyone.
    pub capacity: u32,
}

/// A part of a facility: a level, a wing, a row of streets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Unique in its facility.
    pub id: Box<str>,
    /// As people call it.
    pub name: String,
    /// Storeys above the street; below it negative.
    pub level: i8,
    /// Spaces; parts of the capacity.
    pub capacity: u32,
}

/// How spaces may be used, and from when on they are used too hard.
#[derive(Clone, Debug, PartialEq)]
pub struct StreetRules {
    /// Longest stay on a short-stay bay.
    pub max_stay: std::time::Duration,
    /// When that holds, in OpenStreetMap syntax, checked; `None`: always.
    pub max_stay_hours: Option<String>,
    /// Mean share of taken spaces over a whole hour that raises the alarm, 0..=1.
    pub pressure_alarm: f32,
}

impl Default for StreetRules {
    fn default() -> Self {
        StreetRules {
            max_stay: std::time::Duration::from_mins(30),
            max_stay_hours: None,
            pressure_alarm: 0.85,
        }
    }
}

impl Site {
    /// Spaces for everyone at an instant, where there are `first` before every date.
    #[must_use]
    pub fn capacity_at(&self, first: u32, now: Timestamp) -> u32 {
        self.capacities.iter().take_while(|c| c.from <= now).last().map_or(first, |c| c.capacity)
    }

    /// The next instant after `now` at which the capacity changes.
    #[must_use]
    pub fn capacity_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.capacities.iter().map(|c| c.from).find(|from| now < *from)
    }

    /// Groups and their spaces at an instant, in the configured order, each once; `None`: before every date.
    pub fn groups_at(&self, now: Option<Timestamp>) -> impl Iterator<Item = (UserGroup, u32)> {
        let begun = move |group: &Group| group.from.is_none_or(|from| now.is_some_and(|now| from <= now));
        let holds = move |at: usize, group: &Group| {
            let later = self.groups.iter().skip(at + 1);
            begun(group) && !later.into_iter().any(|l| l.group == group.group && begun(l))
        };
        let held = self.groups.iter().enumerate().filter(move |(at, group)| holds(*at, group));
        held.map(|(_, group)| (group.group, group.capacity))
    }
}

/// Spaces for one group of users.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Whom they are for.
    pub group: UserGroup,
    /// Spaces, from `from` on; dates of one group grow.
    pub capacity: u32,
    /// `None`: always.
    pub from: Option<Timestamp>,
}

/// What a bicycle garage is, and from when to when it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GarageSite {
    /// Its kind.
    pub kind: GarageKind,
    /// It stands from the first until the second, and is neither open nor missed outside; `None`: always.
    pub stands: Option<(Timestamp, Timestamp)>,
    /// A bicycle that has not moved for so long is listed; `None`: none is.
    pub unmoved_after: Option<std::time::Duration>,
}

/// What watches a section of a bicycle garage besides a sensor of its own and gates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SectionSources {
    /// Devices of kind [`crate::DeviceKind::Camera`].
    pub cameras: Vec<Camera>,
    /// Single places with a sensor each; in a part of the section, or in all of it.
    pub places: Vec<Place>,
}

/// A camera over a section.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// The device.
    pub device: DeviceIx,
    /// Standard deviation of what it states, places.
    pub sd: f64,
}

/// A place with a sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Unique in its section.
    pub id: Box<str>,
    /// Its sensor.
    pub device: DeviceIx,
}

impl GarageSite {
    /// Whether it stands at an instant, and until when that holds.
    #[must_use]
    pub fn stands_at(&self, now: Timestamp) -> (bool, Option<Timestamp>) {
        match self.stands {
            Some((from, _)) if now < from => (false, Some(from)),
            Some((_, until)) if now < until => (true, Some(until)),
            Some(_) => (false, None),
            None => (true, None),
        }
    }
}

/// Kinds of bicycle garages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GarageKind {
    /// Open to everyone.
    #[default]
    Garage,
    /// A shed of a neighbourhood, for those who hire a place.
    Shed,
    /// Set up for an event.
    Event,
}

/// Groups of users: whom a space or a bay is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserGroup {
    /// Anyone.
    Everyone,
    /// Short stay.
    ShortStay,
    /// Holders of a card for disabled persons.
    Accessible,
    /// Vehicles that charge.
    Charging,
    /// Residents.
    Residents,
    /// Care-givers.
    CareGivers,
    /// Loading and unloading.
    Loading,
    /// Cargo bicycles.
    CargoBicycles,
    /// Motor cycles and mopeds.
    TwoWheelers,
}

impl UserGroup {
    /// As configurations and interfaces write it.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            UserGroup::Everyone => "everyone",
            UserGroup::ShortStay => "short-stay",
            UserGroup::Accessible => "accessible",
            UserGroup::Charging => "charging",
            UserGroup::Residents => "residents",
            UserGroup::CareGivers => "care-givers",
            UserGroup::Loading => "loading",
            UserGroup::CargoBicycles => "cargo-bicycles",
            UserGroup::TwoWheelers => "two-wheelers",
        }
    }
}

/// A way on from an edge car park.
#[derive(Clone, Debug, PartialEq)]
pub struct Onward {
    /// The line's name.
    pub line: String,
    /// Where it goes.
    pub to: String,
    /// Minutes between two departures.
    pub headway_min: u32,
    /// Minutes on the way.
    pub ride_min: u32,
    /// Where one gets off; `None`: nobody said.
    pub alights: Option<crate::LonLat>,
    /// The stops' names in the feed of timetables, from and to.
    pub stops: Option<[Box<str>; 2]>,
    /// Departures between them; `None`: headways are all that is known.
    pub timetable: Option<std::sync::Arc<crate::Timetable>>,
}

/// A device's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Being commissioned until then: heard, and not believed. `None`: believed from the first word.
    pub in_service_from: Option<Timestamp>,
    /// Retired from then on: neither heard nor missed. `None`: not yet.
    pub retired_from: Option<Timestamp>,
}

/// Days that are not like their day of the week.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Public holidays: local days, as days since 1970-01-01, rising.
    pub holidays: Vec<i32>,
    /// Events that fill car parks.
    pub events: Vec<Event>,
}

/// An event that changes how many vehicles come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// As people call it; forecasts learn by this name, so that the next one of it is known.
    pub name: String,
    /// When vehicles begin to come.
    pub from: Timestamp,
    /// When the last have left.
    pub until: Timestamp,
    /// Facilities that it fills; empty: all.
    pub facilities: Vec<crate::FacilityIx>,
}
