//! What every sign of a configuration shows on an evening on which the city fills.
//!
//! `cargo run -p vlot-guidance --example evening -- config/leuven 17:00 19:00 20:45 21:30` writes a line for each of those times
//! and each sign: time, sign, face in MULTI. The `faces` example of `vlot-publish` draws them. The evening is made up: commuters
//! leave the edge, and theatres and restaurants fill the centre from the station outwards.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use timely::dataflow::operators::{Input, Inspect, Probe};
use vlot_model::{
    City, ClockTick, FacilityIx, FacilityKind, FacilityState, FacilityStatus, GarageIx, GarageState, Meters,
    Opening, Product, Quality, SectionState, Share, Tick, Timestamp, Update,
};

/// Hours and the share of spaces that is taken: at the edge, along streets, in car parks and in bicycle garages.
const EDGE: &[(f64, f64)] = &[(16.0, 0.80), (18.0, 0.38), (20.0, 0.22), (22.0, 0.15)];
const STREET: &[(f64, f64)] = &[(16.0, 0.70), (18.0, 0.95), (20.0, 1.0), (22.0, 0.6)];
const CENTRE: &[(f64, f64)] =
    &[(16.0, 0.60), (18.0, 0.66), (18.8, 0.72), (19.4, 1.0), (21.0, 1.0), (22.0, 0.8)];
const BICYCLES: &[(f64, f64)] = &[(16.0, 0.86), (17.5, 0.97), (19.0, 1.0), (20.5, 1.0), (22.0, 0.7)];
/// From one look at the city to the next, seconds; the first is at 16:00.
const STEP_S: i64 = 30;
const FROM_S: i64 = 16 * 3_600;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [config, times @ ..] = arguments.as_slice() else {
        return Err("usage: evening CONFIG HH:MM...".into());
    };
    let source = vlot_settings::Source::read_dir(std::path::Path::new(config))?;
    let city = vlot_settings::check(&source).map_err(|problems| problems.to_string())?.city;
    let seconds = |time: &String| {
        let (hours, minutes) = time.split_once(':')?;
        Some(hours.parse::<i64>().ok()? * 3_600 + minutes.parse::<i64>().ok()? * 60)
    };
    let wanted: Option<Vec<i64>> = times.iter().map(seconds).collect();
    let wanted =
        wanted.filter(|w| w.is_sorted() && w.iter().all(|s| (FROM_S..FROM_S + 7 * 3_600).contains(s)));
    let wanted = wanted.ok_or("give times from 16:00 to 22:59, in order")?;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (out, names) = (Arc::clone(&lines), times.to_vec());
    timely::execute_directly(move |worker| {
        let faces = Arc::new(Mutex::new(BTreeMap::new()));
        let newest = Arc::clone(&faces);
        let meters = Arc::new(Meters::default());
        let (mut updates, mut clocks, probe) = worker.dataflow(|scope| {
            let (updates, products) = scope.new_input();
            let (clocks, clock) = scope.new_input();
            let faces = vlot_guidance::build(products, clock, &city, &meters);
            let keep = move |update: &Update| {
                if let (Product::Face(face), Ok(mut newest)) = (&*update.product, newest.lock()) {
                    newest.insert(face.sign, Arc::clone(face));
                }
            };
            let (probe, _) = faces.inspect(keep).probe();
            (updates, clocks, probe)
        });
        let mut tick: Tick = 1;
        for (name, until) in names.iter().zip(wanted) {
            while FROM_S + i64::try_from(tick / 2).unwrap_or(0) * STEP_S <= until {
                let second = FROM_S + i64::try_from(tick / 2).unwrap_or(0) * STEP_S;
                let at = Timestamp::from_secs(1_700_000_000 + second);
                for product in products(&city, second as f64 / 3_600.0, at) {
                    updates.send(Update { tick, at, trigger: None, product: Arc::new(product) });
                }
                clocks.send(ClockTick { tick: tick + 1, at });
                tick += 2;
                updates.advance_to(tick);
                clocks.advance_to(tick);
                while probe.less_than(&tick) {
                    worker.step();
                }
            }
            if let (Ok(faces), Ok(mut out)) = (faces.lock(), out.lock()) {
                let line = |(sign, face): (&vlot_model::SignIx, &Arc<vlot_model::Face>)| {
                    format!("{name}\t{}\t{}", city.signs[sign.at()].id, face.multi)
                };
                out.extend(faces.iter().map(line));
            }
        }
    });
    let mut out = std::io::stdout().lock();
    for line in lines.lock().map_err(|_| "a worker ended")?.iter() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn level(table: &[(f64, f64)], hour: f64) -> f64 {
    let next = table.iter().position(|(h, _)| *h > hour).unwrap_or(table.len() - 1).max(1);
    let ((h0, l0), (h1, l1)) = (table[next - 1], table[next]);
    l0 + (l1 - l0) * ((hour - h0) / (h1 - h0)).clamp(0.0, 1.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "spaces of a car park")]
fn taken(capacity: u32, table: &[(f64, f64)], hour: f64) -> u32 {
    (f64::from(capacity) * level(table, hour)).round().clamp(0.0, f64::from(capacity)) as u32
}

/// Everything that signs announce, at an hour of that day.
fn products(city: &City, hour: f64, at: Timestamp) -> Vec<Product> {
    let valid_until = Some(at + Duration::from_mins(5));
    let status = |free: u32, full_at: u32| {
        if free <= full_at { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable }
    };
    let facility = |(i, f): (usize, &vlot_model::Facility)| {
        let (table, late_h) = match f.kind {
            FacilityKind::Edge => (EDGE, 0.0),
            FacilityKind::OnStreet => (STREET, 0.0),
            // Car parks do not fill all at once.
            FacilityKind::OffStreet => (CENTRE, [0.0, 1.4, 0.4, 0.8][i % 4]),
        };
        let occupied = taken(f.capacity, table, hour - late_h);
        let free = f.capacity - occupied;
        Product::Facility(FacilityState {
            facility: FacilityIx::from_position(i),
            capacity: f.capacity,
            occupied: Some(occupied),
            free: Some(free),
            occupied_uncorrected: Some(i64::from(occupied)),
            opening: Opening::Open,
            closed: None,
            status: status(free, f.full_at),
            observed_at: Some(at),
            valid_until,
            quality: Quality::Good,
            sensors: Share { reporting: 1, total: 1 },
            lost_messages: 0,
            certainty: None,
            groups: Vec::new(),
        })
    };
    let garage = |(i, g): (usize, &vlot_model::Garage)| {
        let mut sections = Vec::new();
        for (n, ix) in g.sections.iter().enumerate() {
            let section = &city.sections[ix.at()];
            let late_h = 0.2 * n as f64 + [0.0, 2.5, 1.0][i % 3];
            let free = section.capacity - taken(section.capacity, BICYCLES, hour - late_h);
            sections.push(SectionState {
                section: *ix,
                capacity: section.capacity,
                free: Some(free),
                status: status(free, section.full_at),
                observed_at: Some(at),
                valid_until,
                quality: Quality::Good,
                certainty: None,
            });
        }
        Product::Garage(GarageState {
            garage: GarageIx::from_position(i),
            free: Some(sections.iter().filter_map(|s| s.free).sum()),
            capacity: sections.iter().map(|s| s.capacity).sum(),
            sections,
            observed_at: Some(at),
            valid_until,
            quality: Quality::Good,
            sensors: Share { reporting: 1, total: 1 },
            unmoved: None,
        })
    };
    let facilities = city.facilities.iter().enumerate().map(facility);
    facilities.chain(city.garages.iter().enumerate().map(garage)).collect()
}
