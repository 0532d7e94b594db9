//! A car park fills: from its last reading to the new face of every sign that this changes, guidance and its proof included.
//!
//! `cargo run --release -p vlot-benches --bin fills -- [--broker mosquitto|embedded] [--rounds 400] [--network FILE]`
//!
//! The car parks and signs of `config/leuven`, where they stand, over its streets or another network of Leuven (a `.vlotnet` of
//! `vlot import osm`). Each car park has a counter: a round gives one of them its last car, waits for the faces of all signs that
//! announce it, takes the car away again, and waits for those. A face counts from the instant at which the reading is published:
//! broker, admission and the journal's sync are in it.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use rumqttc::{AsyncClient, QoS};
use tokio::sync::mpsc;
use vlot_benches::city::{self, CAPACITY, Ports};
use vlot_benches::engine::Engine;
use vlot_benches::load::client_options;
use vlot_benches::process::Broker;
use vlot_benches::{histogram, milliseconds, now_micros, row};
use vlot_model::{City, LonLat, Placement, Target};
use vlot_proto::sign::v1::join_request::Message;
use vlot_proto::sign::v1::sign_service_client::SignServiceClient;
use vlot_proto::sign::v1::{Face, Hello, JoinRequest};

/// A face that takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Parser)]
struct Options {
    /// mosquitto or embedded
    #[arg(long, default_value = "mosquitto")]
    broker: String,
    /// Car parks that fill
    #[arg(long, default_value_t = 400)]
    rounds: usize,
    /// Streets in place of the configuration's own
    #[arg(long)]
    network: Option<PathBuf>,
}

/// A city whose car parks can be filled by one reading.
struct Town {
    parks: usize,
    /// By sign: positions of the car parks that it announces.
    signs: Vec<Vec<usize>>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let dir = tempfile::tempdir()?;
    let broker = Broker::start(&options.broker, dir.path()).await?;
    let mut town = None;
    let engine = Engine::start_with(broker.port(), |config, ports| {
        town = Some(Town::write(config, ports, options.network.as_deref())?);
        Ok(())
    })
    .await?;
    let town = town.context("a town")?;
    let (faces, mut shown) = mpsc::channel(10_000);
    let _open = join(engine.grpc, town.signs.len(), faces).await?;
    let (mqtt, network) = client_options("fills", broker.port());
    let (client, mut events) = AsyncClient::new(mqtt, 1_000);
    events.set_network_options(network);
    let acknowledged = tokio::spawn(async move { while events.poll().await.is_ok() {} });

    let mut sequence = vec![0; town.parks];
    let mut say = async |park: usize, free: u32| -> Result<i64> {
        sequence[park] += 1;
        let (device, micros) = (city::device(park), now_micros());
        let payload = format!(
            r#"{{"device":"{device}","sequence":{},"observed_at":"{}","occupancy":{{"occupied_spaces":{}}}}}"#,
            sequence[park],
            vlot_model::Timestamp::from_micros(micros),
            CAPACITY - free,
        );
        client.publish(format!("vlot/v1/{device}/json"), QoS::AtLeastOnce, false, payload).await?;
        Ok(micros)
    };
    for park in 0..town.parks {
        say(park, 1).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;

    let (mut each, mut last) = (histogram(), histogram());
    for round in 0..options.rounds {
        let park = round % town.parks;
        for free in [0, 1] {
            while shown.try_recv().is_ok() {}
            let published = say(park, free).await?;
            let mut waiting: Vec<usize> =
                (0..town.signs.len()).filter(|sign| town.signs[*sign].contains(&park)).collect();
            let mut slowest = 0;
            while !waiting.is_empty() {
                let next = tokio::time::timeout(PATIENCE, shown.recv()).await;
                let (sign, face, arrived): (usize, Face, i64) = next
                    .ok()
                    .flatten()
                    .with_context(|| format!("no face of signs {waiting:?} in round {round}"))?;
                let by = face.trigger.as_ref().and_then(|trigger| trigger.observed_at);
                let by = by.map(|at| at.seconds * 1_000_000 + i64::from(at.nanos) / 1_000);
                if by != Some(published) || !waiting.contains(&sign) {
                    continue;
                }
                waiting.retain(|other| *other != sign);
                let micros = u64::try_from(arrived - published).unwrap_or(0).max(1);
                slowest = slowest.max(micros);
                if free == 0 {
                    each.record(micros)?;
                }
            }
            if free == 0 {
                last.record(slowest.max(1))?;
            }
        }
    }
    acknowledged.abort();
    println!(
        "a car park fills, {} signs, {} car parks, through {}",
        town.signs.len(),
        town.parks,
        options.broker
    );
    println!("  each face            {}", milliseconds(&each));
    println!("  the last of a round  {}", milliseconds(&last));
    let p99 = last.value_at_quantile(0.99) as f64 / 1_000.0;
    row("a car park fills: last sign, p99", &format!("{p99:.2} ms"), "under 50 ms", p99 < 50.0)?;
    Ok(())
}

/// Joins all signs; what they are sent goes into the channel with the instant at which it came.
async fn join(
    port: u16,
    signs: usize,
    faces: mpsc::Sender<(usize, Face, i64)>,
) -> Result<Vec<mpsc::Sender<JoinRequest>>> {
    let mut client = SignServiceClient::connect(format!("http://127.0.0.1:{port}")).await?;
    let mut open = Vec::new();
    for sign in 0..signs {
        let hello = Hello { sign_id: city::sign(sign), width_px: 96, height_px: 96, ..Hello::default() };
        let (tx, rx) = mpsc::channel(4);
        tx.send(JoinRequest { message: Some(Message::Hello(hello)) }).await?;
        let mut stream = client.join(tokio_stream::wrappers::ReceiverStream::new(rx)).await?.into_inner();
        open.push(tx);
        let faces = faces.clone();
        tokio::spawn(async move {
            while let Ok(Some(response)) = stream.message().await {
                let arrived = now_micros();
                let Some(face) = response.face else { continue };
                if faces.send((sign, face, arrived)).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(open)
}

impl Town {
    /// Writes the configuration.
    fn write(dir: &Path, ports: Ports, network: Option<&Path>) -> Result<Town> {
        let leuven = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/leuven");
        let source = vlot_settings::Source::read_dir(&leuven)?;
        let settings = vlot_settings::check(&source).map_err(|problems| anyhow::anyhow!("{problems}"))?;
        city::write_common(dir, ports)?;
        match network {
            Some(file) => {
                std::fs::copy(file, dir.join("streets.vlotnet"))?;
                std::fs::write(dir.join("roads.toml"), "[network]\nfile = \"streets.vlotnet\"\n")?;
            }
            None => {
                std::fs::copy(leuven.join("roads.toml"), dir.join("roads.toml"))?;
            }
        }
        let (parks, facilities) = facilities(&settings.city);
        std::fs::write(dir.join("facilities.toml"), facilities)?;
        let (signs, written) = signs(&settings.city, &parks);
        std::fs::write(dir.join("signs.toml"), written)?;
        ensure!(!signs.is_empty(), "no sign of {} announces a car park", leuven.display());
        Ok(Town { parks: parks.len(), signs })
    }
}

/// The city's car parks that signs announce, each with a counter: their numbers, and the configuration.
fn facilities(city: &City) -> (BTreeMap<usize, usize>, String) {
    let lines = city.signs.iter().flat_map(|sign| &sign.lines);
    let mut parks: BTreeMap<usize, usize> = BTreeMap::new();
    for line in lines {
        if let Target::Facility(facility) = line.target {
            parks.insert(facility.at(), 0);
        }
    }
    let mut written = String::new();
    for (n, (facility, park)) in parks.iter_mut().enumerate() {
        *park = n;
        let LonLat { lon, lat } = city.facilities[*facility].position;
        written += &format!(
            "[[facility]]\nid = \"park-{n}\"\nname = \"Park {n}\"\nlat = {lat}\nlon = {lon}\nkind = \"off-street\"\n\
             capacity = {CAPACITY}\ncounting = \"absolute\"\nvalid_for = \"15m\"\nmin_share = 0.0\nfull_at = 0\n\
             reopen_at = 1\n[facility.estimate]\nfigure_sd = 0\nwidth_max = 1.0\n[[facility.device]]\nid = \"{}\"\n\
             kind = \"counter\"\nsilent_after = \"10m\"\n",
            city::device(n)
        );
    }
    (parks, written)
}

/// The city's signs along streets with their car parks, and the configuration.
fn signs(city: &City, parks: &BTreeMap<usize, usize>) -> (Vec<Vec<usize>>, String) {
    let mut signs = Vec::new();
    let mut written = String::new();
    for sign in city.signs.iter().filter(|sign| sign.placement == Placement::Street) {
        let mut announced = Vec::new();
        for line in &sign.lines {
            if let Target::Facility(facility) = line.target
                && let Some(park) = parks.get(&facility.at())
            {
                announced.push(*park);
            }
        }
        if announced.is_empty() {
            continue;
        }
        let LonLat { lon, lat } = sign.position;
        let id = city::sign(signs.len());
        let rows: String = (1..=announced.len())
            .map(|n| format!("[tr1,{},96,16][fo7]{{figure.{n}}} {{time.{n}}}", n * 16 - 15))
            .collect();
        written += &format!(
            "[[template]]\nname = \"t-{id}\"\nmulti = \"{rows}\"\n[[sign]]\nid = \"{id}\"\nname = \"{id}\"\nlat = {lat}\n\
             lon = {lon}\nwidth_px = 96\nheight_px = 96\ntemplate = \"t-{id}\"\ntime_to_live = \"60s\"\nmin_dwell = \"0s\"\n",
        );
        for park in &announced {
            written += &format!(
                "[[sign.line]]\nfacility = \"park-{park}\"\nlabel = \"P{park}\"\narrow = \"ahead\"\ntravel_time = \"3m\"\n"
            );
        }
        signs.push(announced);
    }
    (signs, written)
}
