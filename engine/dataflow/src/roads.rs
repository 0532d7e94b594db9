//! Traffic on the road network: the operators that there are only where the city has one.

use std::sync::Arc;

use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;
use vlot_model::{City, Meters, Value};

use crate::{Clocks, Readings, Updates, corridors, incidents, jams, links};

/// What traffic on the streets is made of.
pub(crate) struct Heard<'s> {
    pub(crate) of_links: Readings<'s>,
    pub(crate) of_traffic: Readings<'s>,
    pub(crate) of_situations: Readings<'s>,
    /// What the traffic operator publishes, with the health of its detectors.
    pub(crate) judged: Updates<'s>,
    /// What has become of the situations that were stated.
    pub(crate) situations: Updates<'s>,
}

/// States of links, and what comes of them.
pub(crate) fn roads<'s>(
    heard: Heard<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Vec<Updates<'s>> {
    let Heard { of_links, of_traffic, of_situations, judged, situations } = heard;
    if city.network.is_none() {
        // Nothing is copied for operators that would have nothing to say.
        let verdict = |value: &Value| matches!(value, Value::IncidentVerdict { .. });
        return vec![idle(of_links, |_| true, meters), idle(of_situations, verdict, meters)];
    }
    let links =
        links::states(of_links, of_traffic.clone(), judged.clone(), situations, clock.clone(), city, meters);
    vec![
        corridors::corridors(links.clone(), clock.clone(), city),
        jams::jams(links.clone(), clock.clone(), city),
        incidents::incidents(links.clone(), judged, of_traffic, of_situations, clock, city, meters),
        links,
    ]
}

/// Meters what could only be said of links: of a stream that others read too, what is `ours`.
fn idle<'s>(readings: Readings<'s>, ours: fn(&Value) -> bool, meters: &Arc<Meters>) -> Updates<'s> {
    let meters = Arc::clone(meters);
    readings.unary(Pipeline, "No links", move |_, _| {
        move |input, output| {
            input.for_each_stamp(|cap, containers| {
                let _none = output.session(&cap);
                for record in containers.flat_map(|container| container.drain(..)) {
                    if ours(&record.reading.value) {
                        meters.readings_absorbed.add(1);
                        meters.readings_unusable.add(u64::from(record.reading.value != Value::Alive));
                    }
                }
            });
        }
    })
}
