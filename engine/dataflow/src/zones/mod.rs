//! How hard a zone's spaces are used: parking pressure by the local hour, departures, overstays, and the balance of capacity
//! and demand.
//!
//! **Pressure** is the share of taken spaces, weighted by time, over those moments at which parking knows the figure: its
//! quality is good, it has not outlived its validity, and the facility is not closed. An hour of which less than
//! [`COVERAGE`] is known has no pressure; the hour under way is measured against its part so far. Time counts by the
//! engine's clock, in which figures come to be known.
//!
//! **Departures** and **overstays** come from bays. A vehicle's stay begins when its bay's sensor first says that the bay is
//! taken. Where messages were lost, or the sensor was silent, or unsure, another vehicle may stand there since: the stay begins
//! anew, for it is better to miss an overstay than to invent one.
//!
//! **Demand** is what was taken: its mean and its peak. Who found no space is not in it, so the seconds in which none was free
//! stand beside it.
//!
//! A zone is published every minute, if it changed, and at once when an overstay begins or ends.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timely::dataflow::operators::Concat;
use timely::dataflow::operators::vec::Map;
use vlot_model::{City, FacilityIx, Reading, Tick, Timestamp};

use crate::shell::{Stamped, per_tick};
use crate::{Clocks, Readings, Updates};

mod hours;
mod logic;
mod stays;
#[cfg(test)]
mod tests;

/// Less than this share of an hour known: no pressure.
const COVERAGE: f64 = 0.75;

/// What zones hear of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Heard {
    tick: Tick,
    at: Timestamp,
    /// Place in the tick: readings first, by their index, then facilities.
    order: (bool, u32),
    facility: FacilityIx,
    what: What,
}

/// A bay's word, or what parking made of the facility.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum What {
    Bay { position: u32, reading: Reading },
    Figure(Option<hours::Figure>),
}

impl Stamped for Heard {
    type Order = (bool, u32);

    fn tick(&self) -> Tick {
        self.tick
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn order(&self) -> (bool, u32) {
        self.order
    }
}

/// The state of each zone, of the readings of bays and of parking's products.
pub(crate) fn zones<'s>(
    readings: Readings<'s>,
    lots: Updates<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
) -> Updates<'s> {
    let seats = logic::seats(city);
    let bays = readings.flat_map(move |record| {
        let (facility, position) = seats.get(record.reading.device.at()).copied().flatten()?;
        let what = What::Bay { position, reading: record.reading };
        Some(Heard { tick: record.tick, at: record.at, order: (false, record.index), facility, what })
    });
    let figures = lots.flat_map(|update| {
        let (facility, figure) = hours::figure(&update.product)?;
        let (order, what) = ((true, facility.0), What::Figure(figure));
        Some(Heard { tick: update.tick, at: update.at, order, facility, what })
    });
    let city = Arc::clone(city);
    let route = |heard: &Heard| u64::from(heard.facility.0);
    per_tick("Zones", bays.concat(figures), clock, route, move |_| logic::Zones::new(&city))
}
