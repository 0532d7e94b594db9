//! Traffic on each link, from all sources: detectors in the street, followed vehicles, pairs of readers.
//!
//! **The method** ([`fuse`]). A link's state is the logarithm of its travel time over the free-flow time (softened on links of a few seconds). Each source says one figure
//! of it with a variance and an age, and they are weighed with each other and with free flow by their precisions, as a Kalman
//! filter with an Ornstein-Uhlenbeck model would (Kalman 1960; for traffic: van Lint and Hoogendoorn 2010, *A robust and
//! efficient method for fusing heterogeneous data from traffic sensors on freeways*; El Faouzi and Klein 2016, *Data fusion for
//! ITS*): what is old says less and less, and the estimate decays to free flow. What is older than the window is forgotten.
//!
//! **Detectors** see a spot, not a link. Their arithmetic mean speed becomes a space mean; what they say of the link is taken with the
//! variance of a spot, and where followed vehicles pass as well it is learned how far they are off. Speed without vehicles is none,
//! and so are codes above 250 km/h. A detector that its rules of health do not believe counts for nothing.
//!
//! **Followed vehicles** say their mean time without outliers (they stopped on the way), from `probes_min` distinct vehicles in the window
//! on; below that nothing of them shows, in no figure. **Pairs** say the median time between two readers without outliers, of
//! as many vehicles at least; it is divided among the links in proportion to what they are believed to take without it.
//!
//! **Situations** ([`bound`]). A speed limit takes the place of free flow: what is assumed, and what an estimate decays to; what is measured
//! stands. Of a link that is closed to cars no speed and no travel time is known (`Missing`), whatever is measured there; pairs over it say
//! nothing, and when it opens everything that was heard of it before is forgotten.
//!
//! **When.** On the clock, at its next tick where a situation begins or ends; else 10 s after the last time at the earliest when something was heard, else every 30 s while anything is
//! known; and once when nothing is any more: free flow, with no sources and quality `Missing`. A link that was never
//! heard of has no state: free flow. Its flow may be known where its speed is not (no vehicle passed).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timely::dataflow::operators::Concatenate;
use timely::dataflow::operators::vec::Map;
use vlot_model::{
    Admitted, City, CountMode, DeviceIx, HealthState, Life, LinkIx, Meters, PairIx, Product, Role, Situation,
    SituationIx, Tick, Timestamp, Update, Value,
};

use crate::shell::{Stamped, per_tick};
use crate::trust::said_at;
use crate::{Clocks, Readings, Updates};

mod bound;
pub(crate) mod fuse;
mod kept;
mod logic;
mod pairs;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;

use bound::Reach;
use logic::Links;

/// What is heard of a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heard {
    tick: Tick,
    at: Timestamp,
    /// Place in the tick: what is thought of devices first (0), then situations by their places (1), then readings by their index (2).
    order: (u8, u32),
    /// The link; of a pair its first one.
    link: LinkIx,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum What {
    Believed {
        device: DeviceIx,
        believed: bool,
    },
    /// `at` is the end of the interval.
    Counted {
        device: DeviceIx,
        at: Timestamp,
        interval_s: u16,
        vehicles: u32,
        speed_kmh: Option<f32>,
    },
    Followed {
        at: Timestamp,
        seconds: f32,
        token: u32,
    },
    Pair {
        pair: PairIx,
        at: Timestamp,
        seconds: f32,
    },
    /// A situation holds on the link from now on; `None`: no longer.
    Bound {
        slot: SituationIx,
        situation: Option<Arc<Situation>>,
    },
}

impl Stamped for Heard {
    type Order = (u8, u32);

    fn tick(&self) -> Tick {
        self.tick
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn order(&self) -> (u8, u32) {
        self.order
    }
}

/// Whether a device is a motor station's detector.
pub(crate) fn counts_motor(device: DeviceIx, city: &City) -> bool {
    let role = city.devices.get(device.at()).map(|device| device.role);
    let Some(Role::Lane { station }) = role else { return false };
    city.stations.get(station.at()).is_some_and(|station| station.mode == CountMode::Motor)
}

/// Whether what a device says of its link counts, where the product speaks of one that stands on the streets.
pub(crate) fn believed(update: &Update, city: &City) -> Option<(LinkIx, DeviceIx, bool)> {
    let Product::Health(health) = &*update.product else { return None };
    let place = city.placed.devices.get(health.device.at()).copied().flatten()?;
    let counts = health.life == Life::InService && health.health != HealthState::Failed;
    Some((place.link, health.device, counts))
}

/// What a reading says of which link.
pub(crate) fn heard(record: &Admitted, city: &City) -> Option<Heard> {
    let reading = &record.reading;
    let device = city.devices.get(reading.device.at())?;
    let said = said_at(reading);
    let (link, what) = match (&reading.value, device.role) {
        (&Value::Traversal { link, seconds, token }, Role::Probes) => {
            (city.network.as_ref()?.find(link)?, What::Followed { at: said, seconds, token })
        }
        (&Value::PairTime { seconds }, Role::Pair { pair }) => {
            let link = *city.pairs.get(pair.at())?.links.first()?;
            (link, What::Pair { pair, at: said, seconds })
        }
        (&Value::Traffic { interval_s, vehicles, speed_kmh, .. }, Role::Lane { .. }) => {
            let motor = counts_motor(reading.device, city);
            let service = &device.service;
            let in_service = service.in_service_from.is_none_or(|from| from <= record.at)
                && service.retired_from.is_none_or(|from| record.at < from);
            let length = std::time::Duration::from_secs(u64::from(interval_s));
            let at = (reading.observed_at + length).min(reading.received_at);
            let place = (*city.placed.devices.get(reading.device.at())?)?;
            let what = What::Counted { device: reading.device, at, interval_s, vehicles, speed_kmh };
            (motor && in_service && interval_s > 0).then_some((place.link, what))?
        }
        _ => return None,
    };
    Some(Heard { tick: record.tick, at: record.at, order: (2, record.index), link, what })
}

/// The state of each link that something is known of.
///
/// `of_links` are followed vehicles and pairs, `of_traffic` the readings of count stations, and `judged` what that operator concludes
/// of their health. `situations` are the states of situations, all of them from one worker.
pub(crate) fn states<'s>(
    of_links: Readings<'s>,
    of_traffic: Readings<'s>,
    judged: Updates<'s>,
    situations: Updates<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let scope = of_links.scope();
    let links = city.network.as_ref().map_or(0, |network| network.links.len());
    let groups = pairs::groups(city, links);
    let (of, counted) = (Arc::clone(city), Arc::clone(meters));
    let followed = of_links.flat_map(move |record| {
        counted.readings_absorbed.add(1);
        let heard = heard(&record, &of);
        // A link that the network no longer has, or a value that such a device does not say.
        let unusable = heard.is_none() && record.reading.value != Value::Alive;
        counted.readings_unusable.add(u64::from(unusable));
        heard
    });
    let of = Arc::clone(city);
    let counted = of_traffic.flat_map(move |record| heard(&record, &of));
    let of = Arc::clone(city);
    let believed = judged.flat_map(move |update| {
        let (link, device, believed) = believed(&update, &of)?;
        let (tick, at, order) = (update.tick, update.at, (0, device.0));
        Some(Heard { tick, at, order, link, what: What::Believed { device, believed } })
    });
    let mut reach = Reach::default();
    let bounds = situations.flat_map(move |update| {
        let Product::Situation(state) = &*update.product else { return Vec::new() };
        let (tick, at, slot) = (update.tick, update.at, state.slot);
        let bound = |(link, situation)| {
            let what = What::Bound { slot, situation };
            Heard { tick, at, order: (1, slot.0), link, what }
        };
        reach.take(state).into_iter().map(bound).collect()
    });
    let facts = scope.concatenate([followed, counted, believed, bounds]);
    let (city, meters) = (Arc::clone(city), Arc::clone(meters));
    let route = move |heard: &Heard| u64::from(groups.get(heard.link.at()).copied().unwrap_or(heard.link.0));
    per_tick("Links", facts, clock, route, move |_| Links::new(&city, &meters))
}
