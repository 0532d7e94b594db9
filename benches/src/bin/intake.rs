//! Sustained QoS 1 intake: `vlot run` with its journal beside subscribers that only count, through the same brokers and
//! under the same load. Broker, subscriber and load are a process each and share the machine.
//!
//! `cargo run --release -p vlot-benches --bin intake -- [--brokers mosquitto,embedded] [--seconds 10]`

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use vlot_benches::city::Kind;
use vlot_benches::engine::Engine;
use vlot_benches::process::{Broker, Part, Process, Used, answer};
use vlot_benches::{flood, row};

#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// mosquitto, embedded
    #[arg(long, value_delimiter = ',', default_value = "mosquitto,embedded")]
    brokers: Vec<String>,
    /// socket (a bare socket that counts), rumqttc (that client, counting), vlot
    #[arg(long, value_delimiter = ',', default_value = "socket,rumqttc,vlot")]
    subjects: Vec<String>,
    /// Seconds of load
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// What speaks
    #[arg(long, value_enum, value_delimiter = ',', default_value = "bays,parks")]
    cities: Vec<Kind>,
    /// Devices that speak; without it, 100,000 bays or 1000 counters
    #[arg(long)]
    devices: Option<usize>,
    /// Signs, at most as many as car parks or zones
    #[arg(long, default_value_t = 1000)]
    signs: usize,
    /// Connections of the load
    #[arg(long, default_value_t = 2)]
    publishers: usize,
}

#[derive(Subcommand)]
enum Role {
    /// The embedded broker
    Broker,
    /// A subscriber that counts: socket or rumqttc
    Count { client: String, port: u16 },
    /// The load
    Load { port: u16, kind: Kind, devices: usize, publishers: usize, seconds: u64 },
}

fn main() -> Result<()> {
    let options = Options::parse();
    match &options.role {
        Some(Role::Broker) => broker(),
        Some(Role::Count { client, port }) => count(client, *port),
        Some(Role::Load { port, kind, devices, publishers, seconds }) => {
            let duration = Duration::from_secs(*seconds);
            answer("ready", |_| Ok(flood::flood(*port, *kind, *devices, *publishers, duration)?.to_string()))
        }
        None => measure_all(&options),
    }
}

fn broker() -> Result<()> {
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let broker =
        vlot_broker::Broker::start(vlot_broker::Options { listen, ..vlot_broker::Options::default() })?;
    answer(&broker.addr().port().to_string(), |_| Ok(format!("{:?}", broker.stats())))
}

fn count(client: &str, port: u16) -> Result<()> {
    let count = Arc::new(AtomicU64::new(0));
    let (subscribed, ready) = std::sync::mpsc::channel();
    let subscribed = move || {
        // Nobody waits any more when that took too long.
        let _gone = subscribed.send(());
    };
    let counted = count.clone();
    let client = client.to_owned();
    std::thread::spawn(move || match client.as_str() {
        "socket" => flood::count_on_socket(port, &counted, subscribed),
        "rumqttc" => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(flood::count_with_rumqttc(port, counted, subscribed)),
        other => bail!("no client {other}"),
    });
    ready.recv().context("not subscribed")?;
    answer("ready", |_| Ok(count.load(Ordering::Relaxed).to_string()))
}

/// Who takes the messages in.
enum Subject {
    Bare(Part),
    Vlot(Box<Engine>),
}

impl Subject {
    fn process(&self) -> &Process {
        match self {
            Subject::Bare(part) => &part.process,
            Subject::Vlot(engine) => &engine.process,
        }
    }

    /// Messages that it has taken in.
    async fn taken(&mut self) -> Result<u64> {
        match self {
            Subject::Bare(part) => Ok(part.ask("count")?.parse()?),
            Subject::Vlot(engine) => Ok(engine.status().await?.readings_admitted),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn measure_all(options: &Options) -> Result<()> {
    println!(
        "sustained intake at QoS 1, {} s of load over {} connections",
        options.seconds, options.publishers
    );
    for kind in &options.cities {
        for broker in &options.brokers {
            measure_beside(options, *kind, broker).await?;
        }
    }
    Ok(())
}

/// All subjects of one city through one broker, each beside those before it.
async fn measure_beside(options: &Options, kind: Kind, broker: &str) -> Result<()> {
    let mut floors: Vec<(&str, f64)> = Vec::new();
    let city = kind.name();
    for subject in &options.subjects {
        let (rate, line) = measure(options, kind, broker, subject).await?;
        let share = |floor: f64| rate * 100.0 / floor;
        let ratios: Vec<String> =
            floors.iter().map(|(name, floor)| format!("{:.0} % of {name}", share(*floor))).collect();
        println!("{city} {broker:>9}  {subject:<7} {rate:>7.0}/s  {line}  {}", ratios.join(", "));
        if subject == "vlot" {
            let aim = if broker == "mosquitto" { 90 } else { 60 };
            for (name, floor) in &floors {
                row(
                    &format!("intake of {city} through {broker}, of a bare {name} subscriber"),
                    &format!("{:.0} % ({rate:.0}/s of {floor:.0}/s)", share(*floor)),
                    &format!("{aim} %"),
                    share(*floor) >= f64::from(aim),
                )?;
            }
        }
        floors.push((subject, rate));
    }
    Ok(())
}

async fn measure(options: &Options, kind: Kind, broker: &str, subject: &str) -> Result<(f64, String)> {
    let dir = tempfile::tempdir()?;
    let devices = options.devices.unwrap_or(kind.usual());
    let (mosquitto, embedded);
    let (broker, port) = match broker {
        "mosquitto" => {
            mosquitto = Broker::start("mosquitto", dir.path()).await?;
            let Broker::Mosquitto(process, port) = &mosquitto else { bail!("another broker") };
            (process, *port)
        }
        "embedded" => {
            let (part, port) = Part::start(&["broker"])?;
            embedded = part;
            (&embedded.process, port.parse()?)
        }
        other => bail!("no broker {other}"),
    };
    let mut subject = match subject {
        "vlot" => Subject::Vlot(Box::new(Engine::start(kind, devices, options.signs, port).await?)),
        client => Subject::Bare(Part::start(&["count", client, &port.to_string()])?.0),
    };
    let numbers = [port.into(), devices, options.publishers].map(|n: usize| n.to_string());
    let seconds = options.seconds.to_string();
    let (mut load, _) = Part::start(&["load", &numbers[0], kind.name(), &numbers[1], &numbers[2], &seconds])?;

    let used = [
        Used::by("load", &load.process),
        Used::by("broker", broker),
        Used::by("subscriber", subject.process()),
    ];
    let started = Instant::now();
    let sent: u64 = load.ask("go")?.parse()?;
    let mut seen = (0, Instant::now());
    let taken = loop {
        let taken = subject.taken().await?;
        if taken >= sent {
            break started.elapsed();
        }
        if taken > seen.0 {
            seen = (taken, Instant::now());
        }
        ensure!(seen.1.elapsed() < Duration::from_secs(10), "{sent} sent, {taken} arrived");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let processes = [&load.process, broker, subject.process()];
    let used: Vec<String> = used.iter().zip(processes).map(|(u, p)| u.a_message(p, sent)).collect();
    let rss = subject.process().rss_kb().unwrap_or(0) / 1_000;
    let mut line = format!("{sent} messages, processor a message: {}; {rss} MB", used.join(", "));
    if let Subject::Vlot(engine) = &mut subject {
        let status = engine.status().await?;
        ensure!(
            status.readings_admitted == sent,
            "{sent} acknowledged, {} admitted",
            status.readings_admitted
        );
        ensure!(status.refused.is_empty() && status.lost_upstream == 0, "refused or lost: {status:?}");
    }
    match subject {
        Subject::Vlot(engine) => {
            engine.stop().await?.prove(sent)?;
            line += "; all in the journal, once";
        }
        Subject::Bare(mut part) => {
            ensure!(part.ask("count")? == sent.to_string(), "more arrived than was sent")
        }
    }
    Ok((sent as f64 / taken.as_secs_f64(), line))
}
