//! How long all signs take to decide anew when travel times change: ways, spaces, assignment, proof and faces.
//!
//! Signs and car parks stand on links drawn from the network by a fixed dice; every sign announces every car park, which no sign of
//! a city does. A round gives one link in fifty another travel time and lets ten seconds pass: guidance is due.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use timely::dataflow::operators::{Input, Inspect, Probe};
use vlot_model::{
    Arrow, City, ClockTick, Counting, DeviceIx, Facility, FacilityIx, FacilityKind, FacilityState,
    FacilityStatus, LevelOfService, LinkIx, LinkSources, LinkState, Matrix, Meters, Mode, OnLink, Opening,
    Placed, Placement, Product, Quality, Reliability, RoadNetwork, Share, Sign, SignLine, Site, Target,
    Template, Timestamp, Update,
};
use vlot_network::route::Through;

use crate::routing::data;

#[derive(Args, Clone)]
pub(crate) struct Options {
    /// A network as `vlot import` writes it, an OpenStreetMap extract, or a graph; without one, Leuven's graph.
    file: Option<std::path::PathBuf>,
    #[arg(long, default_value_t = 50)]
    signs: usize,
    #[arg(long, default_value_t = 30)]
    destinations: usize,
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// One JSON object in place of a table.
    #[arg(long)]
    json: bool,
}

/// A linear congruential generator (Knuth, MMIX): the same city each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % n.max(1)
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + second)
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
pub(crate) fn run(options: &Options) -> Result<()> {
    let file = options.file.clone().or_else(|| data::leuven().into_iter().next()).context("no network")?;
    let set = data::read(&file)?;
    let city = Arc::new(city(&set.network, options.signs, options.destinations));
    let links = set.network.links.len();
    let measured = measure(&city, options.rounds);
    let mut rounds: Vec<_> = measured.iter().skip(1).map(|(took, _)| *took).collect();
    rounds.sort_unstable();
    let ms = |took: Duration| took.as_secs_f64() * 1_000.0;
    let nth = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a position in a short list"
        )]
        let i = ((rounds.len().saturating_sub(1)) as f64 * share).round() as usize;
        rounds.get(i).copied().map_or(0.0, ms)
    };
    let first = measured.first().map_or(0.0, |(took, _)| ms(*took));
    let plans: usize = measured.iter().skip(1).map(|(_, plans)| plans).sum();
    if options.json {
        let json = serde_json::json!({
            "network": set.name, "links": links, "signs": options.signs, "destinations": options.destinations,
            "first_ms": first, "p50_ms": nth(0.5), "p95_ms": nth(0.95), "most_ms": nth(1.0), "plans": plans,
        });
        println!("{json}");
        return Ok(());
    }
    println!(
        "All signs decided anew: {} ({links} links), {} signs x {} destinations",
        set.name, options.signs, options.destinations
    );
    println!("| first, ms | p50 | p95 | most | plans changed a round |\n|---:|---:|---:|---:|---:|");
    let each = plans as f64 / rounds.len().max(1) as f64;
    println!("| {first:.0} | {:.1} | {:.1} | {:.1} | {each:.1} |", nth(0.5), nth(0.95), nth(1.0));
    Ok(())
}

/// The first decision, and then each round: how long, and how many signs' plans came of it.
fn measure(city: &Arc<City>, rounds: usize) -> Vec<(Duration, usize)> {
    let city = Arc::clone(city);
    let plans = Arc::new(Mutex::new(0_usize));
    timely::execute_directly(move |worker| {
        let counted = Arc::clone(&plans);
        let (mut updates, mut clocks, probe) = worker.dataflow(|scope| {
            let (updates, products) = scope.new_input();
            let (clocks, clock) = scope.new_input();
            let decided = vlot_guidance::build(products, clock, &city, &Arc::new(Meters::default()));
            let counted = Arc::clone(&counted);
            let (probe, _) = decided
                .inspect(move |update: &Update| {
                    if matches!(&*update.product, Product::Plan(_)) {
                        *counted.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
                    }
                })
                .probe();
            (updates, clocks, probe)
        });
        let network = city.network.as_ref().map_or(0, |network| network.links.len());
        let mut dice = Dice(7);
        let mut measured = Vec::new();
        for (tick, round) in (1_u64..).zip(0..=rounds) {
            let now = at(i64::try_from(round).unwrap_or(0) * 10);
            let mut send =
                |product| updates.send(Update { tick, at: now, trigger: None, product: Arc::new(product) });
            if round == 0 {
                (0..city.facilities.len()).for_each(|f| send(facility(f, 20 + dice.below(200), now)));
            } else {
                for _ in 0..network / 50 {
                    let link = LinkIx::from_position(dice.below(network));
                    let free_s = city
                        .network
                        .as_ref()
                        .and_then(|n| n.link(link))
                        .map_or(1.0, vlot_model::Link::free_flow_s);
                    let slower = 1.0 + dice.below(200) as f32 / 100.0;
                    send(Product::Link(state(link, free_s * slower, now)));
                }
            }
            clocks.send(ClockTick { tick, at: now });
            let begun = Instant::now();
            updates.advance_to(tick + 1);
            clocks.advance_to(tick + 1);
            while probe.less_than(&(tick + 1)) {
                worker.step();
            }
            let came =
                std::mem::take(&mut *counted.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            measured.push((begun.elapsed(), came));
        }
        measured
    })
}

fn city(network: &Arc<RoadNetwork>, signs: usize, destinations: usize) -> City {
    let through = Through::new(network, Mode::Car);
    let open: Vec<_> =
        (0..network.links.len()).map(LinkIx::from_position).filter(|link| through.ever(*link)).collect();
    let mut dice = Dice(1);
    let mut place = || {
        let link = open.get(dice.below(open.len())).copied().unwrap_or(LinkIx(0));
        let length = network.link(link).map_or(0.0, |link| link.length_m);
        Some(OnLink { link, offset_m: length / 2.0, distance_m: 0.0 })
    };
    let facilities: Vec<_> = (0..destinations).map(|_| place()).collect();
    let stands: Vec<_> = (0..signs).map(|_| place()).collect();
    let position =
        |on: &Option<OnLink>| on.and_then(|on| network.shape(on.link).first().copied()).unwrap_or_default();
    let lines: Vec<_> = (0..destinations)
        .map(|f| SignLine {
            target: Target::Facility(FacilityIx::from_position(f)),
            label: format!("P{f}").into(),
            arrow: Arrow::Ahead,
            travel_time: Duration::from_secs(300),
        })
        .collect();
    let sign = |(i, on)| Sign {
        id: format!("s{i}").into(),
        name: format!("Sign {i}"),
        position: position(on),
        matrix: Matrix { width_px: 96, height_px: 64 },
        placement: Placement::Street,
        lines: lines.clone(),
        template: 0,
        time_to_live: Duration::from_secs(90),
        min_dwell: Duration::from_secs(20),
        demand: 1.0,
        device: DeviceIx(0),
    };
    let park = |(i, on)| Facility {
        id: format!("p{i}").into(),
        name: format!("P{i}"),
        kind: FacilityKind::OffStreet,
        position: position(on),
        capacity: 300,
        counting: Counting::Absolute,
        bays: Vec::new(),
        valid_for: Duration::from_hours(24),
        min_share: 0.5,
        full_at: 4,
        reopen_at: 10,
        estimate: Reliability::of(300),
        site: Site::default(),
    };
    City {
        timezone: "Europe/Brussels".into(),
        facilities: facilities.iter().enumerate().map(park).collect(),
        signs: stands.iter().enumerate().map(sign).collect(),
        templates: vec![Template {
            name: "t".into(),
            multi: "{label.1}{figure.1}{minutes.1}{advice}".into(),
        }],
        network: Some(Arc::clone(network)),
        placed: Placed { facilities, signs: stands, ..Placed::default() },
        ..City::default()
    }
}

fn facility(f: usize, free: usize, now: Timestamp) -> Product {
    let free = u32::try_from(free).unwrap_or(0);
    Product::Facility(FacilityState {
        facility: FacilityIx::from_position(f),
        capacity: 300,
        occupied: Some(300_u32.saturating_sub(free)),
        free: Some(free),
        occupied_uncorrected: None,
        opening: Opening::Open,
        closed: None,
        status: FacilityStatus::SpacesAvailable,
        observed_at: Some(now),
        valid_until: Some(now + Duration::from_hours(24)),
        quality: Quality::Good,
        sensors: Share { reporting: 1, total: 1 },
        lost_messages: 0,
        certainty: None,
        groups: Vec::new(),
    })
}

fn state(link: LinkIx, seconds: f32, now: Timestamp) -> LinkState {
    LinkState {
        link,
        observed_at: now,
        valid_until: now + Duration::from_hours(24),
        speed_kmh: 20.0,
        speed_low_kmh: 15.0,
        speed_high_kmh: 25.0,
        travel_time_s: seconds,
        flow_vph: None,
        level: LevelOfService::C,
        sources: LinkSources::default(),
        probes: 0,
        quality: Quality::Good,
        situations: Vec::new(),
    }
}
