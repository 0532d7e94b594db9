//! Load for measurements: messages of many bay sensors and barriers at an even rate, QoS 1, counted to the last.

mod wire;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use wire::{Packet, Packets};

use crate::SimError;
use crate::mqtt::{Broker, Counters};
use crate::time::{NowMicros, round};
use crate::wire::{Address, DeviceKind, Format, Statement, Topics, Value, encode};

/// Messages are sent in groups of what became due within this time.
const GROUP: Duration = Duration::from_millis(1);
/// Bytes that are handed to the connection at once, at most.
const WRITE_BYTES: usize = 64 * 1024;
/// How long the end waits for the last acknowledgements.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to send, and how fast.
pub struct Options {
    /// Where to.
    pub broker: Broker,
    /// Who sends, in turn; at least one, bays and barriers.
    pub devices: Vec<Address>,
    /// Topics by format.
    pub topics: Topics,
    /// In which format; none: each device in its kind's own.
    pub format: Option<Format>,
    /// Messages a second over all connections; none: as fast as the broker acknowledges.
    pub per_second: Option<f64>,
    /// Stop after this many messages.
    pub messages_max: Option<u64>,
    /// Connections that share the devices, at least 1.
    pub connections: usize,
    /// Messages under way on one connection, 1 to 60,000.
    pub in_flight: u16,
    /// Decides what the devices say.
    pub seed: u64,
    /// The present instant, which messages are dated with.
    pub now_micros: NowMicros,
    /// Counters to read while it runs.
    pub live: Arc<Counters>,
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoadReport {
    /// Messages handed to the connections.
    pub published: u64,
    /// Messages that the broker acknowledged.
    pub acknowledged: u64,
    /// From the first message to the last acknowledgement, in seconds.
    pub elapsed_s: f64,
    /// Acknowledged messages a second.
    pub acknowledged_per_second: f64,
    /// The furthest that sending fell behind its rate, in milliseconds.
    pub behind_ms_max: f64,
}

/// Bays and barriers named `load-bay-00000`, `load-barrier-00000` and so on.
#[must_use]
pub fn numbered_devices(bays: usize, barriers: usize) -> Vec<Address> {
    let named = |name: &'static str, n, kind| {
        (0..n).map(move |i| Address { device: format!("load-{name}-{i:05}"), eui: format!("{i:016x}"), kind })
    };
    named("bay", bays, DeviceKind::Bay).chain(named("barrier", barriers, DeviceKind::Barrier)).collect()
}

/// Sends until `stop` completes or `messages_max` are sent; then waits a bounded time for what is unacknowledged.
///
/// # Errors
/// When there are no devices, a device cannot say what it is to say in the format, or a connection breaks.
pub async fn run(options: Options, stop: impl Future<Output = ()>) -> Result<LoadReport, SimError> {
    let connections = options.connections.clamp(1, options.devices.len().max(1));
    let failed = |what: String| SimError::Broker {
        broker: format!("{}:{}", options.broker.host, options.broker.port),
        what,
    };
    if options.devices.is_empty() {
        return Err(failed("no devices to send for".into()));
    }
    let mut lanes = Vec::new();
    for n in 0..connections {
        let share = |total: u64| {
            let (n, connections) = (n as u64, connections as u64);
            total * (n + 1) / connections - total * n / connections
        };
        let devices = options.devices.iter().skip(n).step_by(connections).cloned();
        let mut lane = Lane {
            stream: TcpStream::connect((options.broker.host.as_str(), options.broker.port))
                .await
                .map_err(|e| failed(e.to_string()))?,
            packets: Packets::default(),
            talk: Talk::new(devices, options.topics.clone(), options.format, options.seed ^ n as u64),
            per_second: options.per_second.map(|r| r / connections as f64),
            messages_max: options.messages_max.map_or(u64::MAX, share),
            in_flight: u64::from(options.in_flight.clamp(1, 60_000)),
            now_micros: Arc::clone(&options.now_micros),
            live: Arc::clone(&options.live),
        };
        lane.join(&options.broker).await.map_err(&failed)?;
        lanes.push(lane);
    }

    let (stopping, stopped) = tokio::sync::watch::channel(false);
    let begin = Instant::now();
    let tasks: Vec<_> =
        lanes.into_iter().map(|lane| tokio::spawn(lane.run(begin, stopped.clone()))).collect();
    let mut joined = Box::pin(async {
        let mut report = LoadReport::default();
        let mut outcome = Ok(());
        for task in tasks {
            match task.await.unwrap_or_else(|e| Err(e.to_string())) {
                Ok(lane) => {
                    report.published += lane.published;
                    report.acknowledged += lane.acknowledged;
                    report.elapsed_s = report.elapsed_s.max(lane.elapsed_s);
                    report.behind_ms_max = report.behind_ms_max.max(lane.behind_ms_max);
                }
                Err(what) => outcome = Err(what),
            }
        }
        outcome.map(|()| report)
    });
    tokio::select! {
        report = &mut joined => return report.map(finished).map_err(failed),
        () = stop => {}
    }
    stopping.send_replace(true);
    joined.await.map(finished).map_err(failed)
}

fn finished(mut report: LoadReport) -> LoadReport {
    report.acknowledged_per_second = report.acknowledged as f64 / report.elapsed_s.max(1e-9);
    report
}

/// One connection.
struct Lane {
    stream: TcpStream,
    packets: Packets,
    talk: Talk,
    per_second: Option<f64>,
    messages_max: u64,
    in_flight: u64,
    now_micros: NowMicros,
    live: Arc<Counters>,
}

impl Lane {
    async fn join(&mut self, broker: &Broker) -> Result<(), String> {
        self.stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let mut out = Vec::new();
        wire::connect(
            &mut out,
            &format!("vlot-sim-load-{:08x}", rand::random::<u32>()),
            broker.login.as_ref(),
        );
        self.stream.write_all(&out).await.map_err(|e| e.to_string())?;
        let mut accepted = None;
        let mut bytes = [0; 256];
        while accepted.is_none() {
            let n = tokio::time::timeout(PATIENCE, self.stream.read(&mut bytes))
                .await
                .map_err(|_| "no answer to the connection".to_owned())?
                .map_err(|e| e.to_string())?;
            let read = bytes.get(..n).filter(|b| !b.is_empty()).ok_or("the broker closed the connection")?;
            self.packets.feed(read, |packet| {
                if let Packet::ConnAck(code) = packet {
                    accepted = Some(code);
                }
            })?;
        }
        match accepted {
            Some(0) => Ok(()),
            code => Err(format!("the broker refuses the connection: code {}", code.unwrap_or(0))),
        }
    }

    async fn run(
        mut self,
        begin: Instant,
        mut stopped: tokio::sync::watch::Receiver<bool>,
    ) -> Result<LoadReport, String> {
        let (mut reader, mut writer) = self.stream.split();
        let (mut published, mut acknowledged) = (0_u64, 0_u64);
        let mut out = Vec::with_capacity(2 * WRITE_BYTES);
        let mut written = 0;
        let mut bytes = vec![0; 64 * 1024];
        let mut behind = Duration::ZERO;
        let mut give_up: Option<Instant> = None;
        loop {
            let ending = *stopped.borrow() || published >= self.messages_max;
            if ending && acknowledged >= published && written >= out.len() {
                break;
            }
            if ending && give_up.is_none() {
                give_up = Some(Instant::now() + PATIENCE);
            }
            if written >= out.len() {
                out.clear();
                written = 0;
            }
            if !ending && out.is_empty() {
                let elapsed = begin.elapsed();
                let due = match self.per_second {
                    Some(rate) => u64::try_from(round((elapsed.as_secs_f64() * rate).floor())).unwrap_or(0),
                    None => u64::MAX,
                };
                if let Some(rate) = self.per_second
                    && due > published
                {
                    // The next message was due when the time was enough for one more than are sent.
                    let was_due = Duration::from_secs_f64((published + 1) as f64 / rate);
                    behind = behind.max(elapsed.saturating_sub(was_due));
                }
                let first = published;
                let window = (acknowledged + self.in_flight).min(due).min(self.messages_max);
                while published < window && out.len() < WRITE_BYTES {
                    self.talk.next(&mut out, (self.now_micros)())?;
                    published += 1;
                }
                self.live.add_published(published - first);
            }
            let waiting = out.is_empty() && !ending;
            let pause = match self.per_second {
                // Until the next message is due, but not oftener than once a group.
                Some(rate) => {
                    let next = begin + Duration::from_secs_f64((published + 1) as f64 / rate);
                    next.max(Instant::now() + GROUP)
                }
                None => Instant::now() + PATIENCE,
            };
            tokio::select! {
                n = writer.write(out.get(written..).unwrap_or_default()), if written < out.len() => {
                    written += n.map_err(|e| e.to_string())?;
                }
                n = reader.read(&mut bytes) => {
                    let n = n.map_err(|e| e.to_string())?;
                    let read = bytes.get(..n).filter(|b| !b.is_empty()).ok_or("the broker closed the connection")?;
                    let mut acks = 0;
                    self.packets.feed(read, |packet| acks += u64::from(matches!(packet, Packet::PubAck(_))))?;
                    acknowledged += acks;
                    self.live.add_acknowledged(acks);
                }
                () = tokio::time::sleep_until(pause), if waiting && self.per_second.is_some() => {}
                _ = stopped.changed(), if !ending => {}
                () = tokio::time::sleep_until(give_up.unwrap_or(pause)), if ending => break,
            }
        }
        let elapsed_s = begin.elapsed().as_secs_f64();
        out.clear();
        wire::disconnect(&mut out);
        if let Err(e) = writer.write_all(&out).await {
            tracing::debug!(error = %e, "no polite end");
        }
        let behind_ms_max = behind.as_secs_f64() * 1_000.0;
        Ok(LoadReport { published, acknowledged, elapsed_s, acknowledged_per_second: 0.0, behind_ms_max })
    }
}

/// What a connection's devices say, one message after the other.
struct Talk {
    devices: Vec<Talker>,
    next: usize,
    id: u16,
    format: Option<Format>,
    chance: ChaCha8Rng,
}

struct Talker {
    address: Address,
    topic: String,
    sequence: u32,
    /// Of a bay: taken. Of a barrier: the last vehicle went in.
    state: bool,
}

impl Talk {
    fn new(
        devices: impl Iterator<Item = Address>,
        topics: Topics,
        format: Option<Format>,
        seed: u64,
    ) -> Talk {
        let talker = |address: Address| {
            let topic = topics.of(format.unwrap_or(address.kind.usual_format()), &address);
            Talker { address, topic, sequence: 0, state: false }
        };
        let devices = devices.map(talker).collect();
        Talk { devices, next: 0, id: 0, format, chance: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn next(&mut self, out: &mut Vec<u8>, now: i64) -> Result<(), String> {
        // In turn from a random start each round would be a shuffle; a random step of 1 or 2 mixes enough and costs little.
        self.next = (self.next + self.chance.random_range(1..=2)) % self.devices.len();
        self.id = if self.id == u16::MAX { 1 } else { self.id + 1 };
        let Some(talker) = self.devices.get_mut(self.next) else { return Ok(()) };
        talker.state = !talker.state;
        let value = match talker.address.kind {
            DeviceKind::Barrier => Value::Passage { inward: talker.state, vehicles: 1 },
            _ => Value::Bay { occupied: talker.state, heartbeat: false, previous_minutes: 1 },
        };
        let statement =
            Statement { from: &talker.address, sequence: Some(talker.sequence), observed_at: now, value };
        talker.sequence = talker.sequence.wrapping_add(1);
        let format = self.format.unwrap_or(talker.address.kind.usual_format());
        let payload = encode(format, &statement).map_err(|e| e.to_string())?;
        wire::publish(out, &talker.topic, self.id, &payload);
        Ok(())
    }
}
