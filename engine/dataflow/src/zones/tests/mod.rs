mod cases;
mod twin;

use std::time::Duration;

use vlot_model::{
    City, Counting, FacilityIx, Product, Reading, Tick, Timestamp, UserGroup, Value, ZonePressure,
};

use super::hours::Figure;
use super::logic::Zones;
use super::{Heard, What};
use crate::shell::Logic;
use crate::testing::{Builder, s};

/// Two zones: four bays, of which the first three are short-stay (30 minutes), silent after 600 s; and a car park. Clocks
/// there stand half an hour off.
fn city(hours: Option<&str>) -> City {
    let mut b = Builder::default();
    let zone = b.facility(Counting::Bays, 4, 0, 0);
    zone.bays.iter_mut().take(3).for_each(|bay| bay.bay_use = UserGroup::ShortStay);
    zone.site.street.max_stay = Duration::from_secs(1_800);
    zone.site.street.max_stay_hours = hours.map(str::to_owned);
    b.facility(Counting::Barriers, 0, 1, 0);
    b.city.timezone = "Asia/Kolkata".into();
    b.city
}

fn bay(position: u32, reading: Reading) -> (u32, What) {
    (0, What::Bay { position, reading })
}

fn taken(position: u32, sequence: u32, at: i64, occupied: bool) -> (u32, What) {
    bay(position, crate::testing::numbered(position, sequence, at, Value::Bay { occupied }))
}

fn figure(facility: u32, taken: u32, free: u32, until: i64) -> (u32, What) {
    (facility, What::Figure(Some(Figure { taken, free, capacity: taken + free, until: s(until) })))
}

/// One tick: readings in their order, then figures; without any it is the clock's.
fn tick(logic: &mut Zones, tick: Tick, at: i64, words: &[(u32, What)]) -> Vec<ZonePressure> {
    let mut out = Vec::new();
    if words.is_empty() {
        logic.on_clock(tick, s(at), &mut out);
    } else {
        let heard = words.iter().zip(0..).map(|((facility, what), index)| Heard {
            tick,
            at: s(at),
            order: (matches!(what, What::Figure(_)), index),
            facility: FacilityIx(*facility),
            what: what.clone(),
        });
        let mut heard: Vec<Heard> = heard.collect();
        heard.sort_by_key(|h| h.order);
        logic.on_tick(tick, s(at), &heard, &mut out);
    }
    let product = |update: vlot_model::Update| match (*update.product).clone() {
        Product::Zone(zone) => zone,
        other => panic!("{other:?}"),
    };
    out.into_iter().map(product).collect()
}

fn micros(at: Timestamp) -> i64 {
    at.micros() / 1_000_000
}
