//! Sensor publish to sign received: Vlot beside the bare hop, through the same broker, in the same run.
//!
//! `cargo run --release -p vlot-benches --bin hop -- [--broker mosquitto|embedded] [--rates 2000,10000] [--peers]`

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::{Parser, Subcommand};
use hdrhistogram::Histogram;
use rumqttc::{AsyncClient, Event, Packet, QoS};
use vlot_benches::city::Kind;
use vlot_benches::engine::Engine;
use vlot_benches::load::{Pace, client_options, publish};
use vlot_benches::process::{Broker, Process, Used, free_port, open};
use vlot_benches::signs::Signs;
use vlot_benches::{bare, histogram, milliseconds, now_micros, row};

#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// mosquitto or embedded
    #[arg(long, default_value = "mosquitto")]
    broker: String,
    /// Messages a second
    #[arg(long, value_delimiter = ',', default_value = "2000,10000")]
    rates: Vec<u64>,
    /// Seconds a measurement
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Car parks and signs
    #[arg(long, default_value_t = 1000)]
    signs: usize,
    /// Also the same job in Node.js and in Python (needs npm and pip packages: benches/peers/README.md)
    #[arg(long)]
    peers: bool,
}

#[derive(Subcommand)]
enum Role {
    /// The floor, in a process of its own
    Bare { mqtt_port: u16, grpc_port: u16 },
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(Role::Bare { mqtt_port, grpc_port }) = options.role {
        return bare::hop(mqtt_port, grpc_port).await;
    }
    println!("sensor publish to sign received, QoS 1, {} signs, through {}", options.signs, options.broker);
    for rate in &options.rates {
        let print = |subject: &str, h: &Histogram<u64>, cpu: &str| {
            println!("{rate:>6}/s  {subject:<7} {}  {cpu} of processor a message", milliseconds(h));
        };
        let (floor, cpu) = measure(&options, *rate, "bare").await?;
        print("bare", &floor, &cpu);
        let (vlot, cpu) = measure(&options, *rate, "vlot").await?;
        print("vlot", &vlot, &cpu);
        rows(&options.broker, *rate, "bare", &floor, &vlot, [0.5, 5.0])?;
        if options.peers {
            for peer in ["node", "python"] {
                let (h, cpu) = measure_peer(&options, *rate, peer).await?;
                print(peer, &h, &cpu);
                rows(&options.broker, *rate, peer, &h, &vlot, [0.0, 0.0])?;
            }
        }
    }
    Ok(())
}

/// The median and the slowest hundredth beside another's; both are to be at most so many milliseconds later.
fn rows(
    broker: &str,
    rate: u64,
    other: &str,
    floor: &Histogram<u64>,
    vlot: &Histogram<u64>,
    later_ms: [f64; 2],
) -> Result<()> {
    for ((name, quantile), later_ms) in [("p50", 0.5), ("p99", 0.99)].into_iter().zip(later_ms) {
        let ms = |h: &Histogram<u64>| h.value_at_quantile(quantile) as f64 / 1_000.0;
        let (floor, vlot) = (ms(floor), ms(vlot));
        let what = format!("hop at {rate}/s through {broker}, {name}");
        let aim =
            if later_ms > 0.0 { format!("under {other} + {later_ms} ms") } else { format!("under {other}") };
        row(&what, &format!("{vlot:.2} ms, {other} {floor:.2} ms"), &aim, vlot < floor + later_ms)?;
    }
    Ok(())
}

/// Who is measured.
enum Subject {
    Bare(Process),
    Vlot(Box<Engine>),
}

impl Subject {
    fn process(&self) -> &Process {
        match self {
            Subject::Bare(process) => process,
            Subject::Vlot(engine) => &engine.process,
        }
    }
}

async fn measure(options: &Options, rate: u64, subject: &str) -> Result<(Histogram<u64>, String)> {
    let dir = tempfile::tempdir()?;
    let broker = Broker::start(&options.broker, dir.path()).await?;
    let (grpc, mut subject) = match subject {
        "bare" => {
            let grpc = free_port()?;
            let arguments = ["bare", &broker.port().to_string(), &grpc.to_string()];
            (grpc, Subject::Bare(Process::start(Command::new(std::env::current_exe()?).args(arguments))?))
        }
        _ => {
            let engine = Engine::start(Kind::Parks, options.signs, options.signs, broker.port()).await?;
            (engine.grpc, Subject::Vlot(Box::new(engine)))
        }
    };
    open(grpc).await?;
    let signs = Signs::join(grpc, options.signs).await?;
    let warmed_up = subscribed(&signs, broker.port(), options.signs).await?;
    let used = Used::by("subject", subject.process());
    let messages = rate * options.seconds;
    publish(
        broker.port(),
        options.signs,
        100_000,
        messages,
        Pace::PerSecond(rate),
        Arc::new(AtomicU64::new(0)),
    )
    .await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let h = signs.take();
    let mut used = used.a_message(subject.process(), messages);
    signs.leave().await;
    if h.len() < messages * 9 / 10 {
        println!(
            "          only {} of {messages} faces arrived: a sign gets the newest, not every one",
            h.len()
        );
    }
    if let Subject::Vlot(engine) = &mut subject {
        let status = engine.status().await?;
        let sent = warmed_up + messages;
        // Beside what was published, the signs' own connections are readings.
        ensure!(status.readings_admitted >= sent && status.refused.is_empty(), "{sent} sent: {status:?}");
        used += &format!(", {} MB", subject.process().rss_kb().unwrap_or(0) / 1_000);
    }
    Ok((h, used))
}

/// Warms up until faces arrive: the subject has subscribed and every sign has joined.
/// Returns how many messages that took.
async fn subscribed(signs: &Signs, port: u16, parks: usize) -> Result<u64> {
    for attempt in 0..100 {
        publish(
            port,
            parks,
            attempt * 50,
            parks as u64,
            Pace::PerSecond(10_000),
            Arc::new(AtomicU64::new(0)),
        )
        .await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        if signs.take().len() * 10 >= parks as u64 * 8 {
            return Ok((attempt + 1) * parks as u64);
        }
    }
    bail!("no faces arrive")
}

/// A peer publishes one result a message to `out/<device>`; its way back is MQTT.
async fn measure_peer(options: &Options, rate: u64, peer: &str) -> Result<(Histogram<u64>, String)> {
    let dir = tempfile::tempdir()?;
    let broker = Broker::start(&options.broker, dir.path()).await?;
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let python = std::env::var("VLOT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = if peer == "node" { Command::new("node") } else { Command::new(python) };
    command
        .arg(peers.join(if peer == "node" { "peer.cjs" } else { "peer.py" }))
        .arg(broker.port().to_string());
    let process = Process::start(command.stderr(Stdio::inherit()))?;

    let (mqtt, network) = client_options("results", broker.port());
    let (client, mut events) = AsyncClient::new(mqtt, 100);
    events.set_network_options(network);
    client.subscribe("out/#", QoS::AtMostOnce).await?;
    let (done, mut stop) = tokio::sync::oneshot::channel::<()>();
    let measuring = Arc::new(AtomicBool::new(false));
    let counted = measuring.clone();
    let (first, mut heard) = tokio::sync::mpsc::channel::<()>(1);
    let results = tokio::spawn(async move {
        let mut h = histogram();
        loop {
            tokio::select! {
                event = events.poll() => {
                    if let Event::Incoming(Packet::Publish(p)) = event? {
                        let result: serde_json::Value = serde_json::from_slice(&p.payload)?;
                        let at = result["observed_at"].as_str().unwrap_or_default().parse::<vlot_model::Timestamp>()?;
                        if counted.load(Ordering::Relaxed) {
                            h.saturating_record(u64::try_from(now_micros() - at.micros()).unwrap_or(0).max(1));
                        }
                        // Only the first matters.
                        let _full = first.try_send(());
                    }
                }
                _ = &mut stop => return anyhow::Ok(h),
            }
        }
    });
    let mut answered = false;
    for attempt in 0..50u64 {
        publish(broker.port(), 1, attempt, 1, Pace::Unlimited, Arc::new(AtomicU64::new(0))).await?;
        answered =
            matches!(tokio::time::timeout(Duration::from_millis(200), heard.recv()).await, Ok(Some(())));
        if answered {
            break;
        }
    }
    ensure!(answered, "{peer} does not answer (hint: benches/peers/README.md says what it needs)");
    measuring.store(true, Ordering::Relaxed);
    let used = Used::by("subject", &process);
    let messages = rate * options.seconds;
    publish(
        broker.port(),
        options.signs,
        100_000,
        messages,
        Pace::PerSecond(rate),
        Arc::new(AtomicU64::new(0)),
    )
    .await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let used = used.a_message(&process, messages);
    // The task may have failed: its own error says more.
    let _failed = done.send(());
    let h = results.await??;
    ensure!(h.len() >= messages * 99 / 100, "{peer}: {} results of {messages} messages", h.len());
    Ok((h, used))
}
