//! What looks like an incident, by three rules; an operator says what it is.
//!
//! - **Sudden drop**: the speed of a link falls within five minutes to half of what it was or less, below half of free flow, while no
//!   more vehicles pass than before (more would be a rush; where nobody counts, speed alone decides). After the temporal test of
//!   the California algorithms (Payne and Tignor 1978, *Freeway incident-detection algorithms based on decision trees*).
//! - **Bottleneck**: a link is slow for two minutes while the next one flows: the difference of their shares of free flow is above a
//!   limit, which is raised by what that difference usually is there: a light makes one every few minutes. After the spatial
//!   test of the same algorithms, with the persistence check of their number 8.
//! - **Standing vehicle**: a detector is covered for 90 % of two minutes while nothing passes. One that its rules of health do not believe
//!   says nothing: it may be stuck.
//!
//! Only measured links count. A link has one suspected incident at a time, of the rule that fired first. It ends when its rule no longer holds,
//! or nothing is known of the link any more; what an operator said of it goes with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timely::dataflow::operators::Concatenate;
use timely::dataflow::operators::vec::Map;
use vlot_model::{
    Admitted, City, DeviceIx, LinkIx, LinkState, Meters, Product, Tick, Timestamp, Value, Verdict,
};

use crate::links::{believed, counts_motor};
use crate::shell::{Stamped, per_tick};
use crate::trust::said_at;
use crate::{Clocks, Readings, Updates};

mod logic;
mod rules;
#[cfg(test)]
mod tests;

/// What incidents hear of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heard {
    tick: Tick,
    at: Timestamp,
    /// Place in the tick: states of links first, then what is thought of detectors, then they and verdicts by their index.
    order: (u8, u32),
    link: LinkIx,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum What {
    State(LinkState),
    /// From when to when a detector said this.
    Covered {
        device: DeviceIx,
        from: Timestamp,
        until: Timestamp,
        vehicles: u32,
        pct: f32,
    },
    Verdict(Verdict),
    Believed {
        device: DeviceIx,
        believed: bool,
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

fn heard(record: &Admitted, city: &City) -> Option<Heard> {
    let reading = &record.reading;
    let (link, what) = match reading.value {
        Value::IncidentVerdict { link, verdict } => {
            (city.network.as_ref()?.find(link)?, What::Verdict(verdict))
        }
        Value::Traffic { interval_s, vehicles, detector_occupancy_pct: Some(pct), .. }
            if counts_motor(reading.device, city) =>
        {
            let place = (*city.placed.devices.get(reading.device.at())?)?;
            let from = said_at(reading);
            let until = from + std::time::Duration::from_secs(u64::from(interval_s));
            (place.link, What::Covered { device: reading.device, from, until, vehicles, pct })
        }
        _ => return None,
    };
    Some(Heard { tick: record.tick, at: record.at, order: (2, record.index), link, what })
}

/// Suspected incidents. On one worker: a rule looks at links that follow each other.
///
/// `judged` is what the traffic operator concludes of detectors' health. Of `of_situations` it takes the verdicts; situations themselves are another operator's.
pub(crate) fn incidents<'s>(
    links: Updates<'s>,
    judged: Updates<'s>,
    of_traffic: Readings<'s>,
    of_situations: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let scope = links.scope();
    let states = links.flat_map(|update| {
        let Product::Link(state) = &*update.product else { return None };
        let (order, link) = ((0, state.link.0), state.link);
        Some(Heard { tick: update.tick, at: update.at, order, link, what: What::State(state.clone()) })
    });
    let of = Arc::clone(city);
    let covered = of_traffic.flat_map(move |record| heard(&record, &of));
    let of = Arc::clone(city);
    let believed = judged.flat_map(move |update| {
        let (link, device, believed) = believed(&update, &of)?;
        let (tick, at, order) = (update.tick, update.at, (1, device.0));
        Some(Heard { tick, at, order, link, what: What::Believed { device, believed } })
    });
    let (of, counted) = (Arc::clone(city), Arc::clone(meters));
    let verdicts = of_situations.flat_map(move |record| {
        let Value::IncidentVerdict { .. } = record.reading.value else { return None };
        counted.readings_absorbed.add(1);
        let heard = heard(&record, &of);
        counted.readings_unusable.add(u64::from(heard.is_none()));
        heard
    });
    let (city, meters) = (Arc::clone(city), Arc::clone(meters));
    let all = scope.concatenate([states, believed, covered, verdicts]);
    per_tick("Incidents", all, clock, |_| 0, move |_| logic::Incidents::new(&city, &meters))
}
