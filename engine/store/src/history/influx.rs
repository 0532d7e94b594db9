//! The thread that writes to InfluxDB 2: gathers lines, sends them, and tries again, ever more rarely, while the server is
//! away. What the server refuses for good is counted and left.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use influxdb2::api::write::TimestampPrecision;
use influxdb2::{Client, ClientBuilder, RequestError};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use vlot_model::{HistoryRecord, Meters};

use super::line;
use super::queue::Queue;
use super::trouble::Fares;

/// Where and how to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfluxOptions {
    /// `http://` or `https://`, host and port, and no path.
    pub url: String,
    /// The organisation.
    pub org: String,
    /// The bucket.
    pub bucket: String,
    /// A file with the token alone; `None` where the server asks for none.
    pub token_file: Option<PathBuf>,
    /// Trust servers whose certificate this authority issued too (PEM).
    pub ca_file: Option<PathBuf>,
    /// Records of one request.
    pub batch: usize,
    /// Records that may wait while the server is away.
    pub queue: usize,
    /// A request that is not answered by then has failed.
    pub timeout: Duration,
    /// The first wait after a failure; each one doubles it.
    pub retry_first: Duration,
    /// The longest wait.
    pub retry_last: Duration,
    /// Seed of the waits' jitter.
    pub seed: u64,
}

impl InfluxOptions {
    /// Requests of up to 5,000 records, 200,000 waiting at most, waits from 1 to 60 seconds.
    #[must_use]
    pub fn new(url: &str, org: &str, bucket: &str) -> Self {
        InfluxOptions {
            url: url.to_owned(),
            org: org.to_owned(),
            bucket: bucket.to_owned(),
            token_file: None,
            ca_file: None,
            batch: 5_000,
            queue: 200_000,
            timeout: Duration::from_secs(10),
            retry_first: Duration::from_secs(1),
            retry_last: Duration::from_mins(1),
            seed: 0,
        }
    }
}

/// Longest wait for more to send.
const GATHER: Duration = Duration::from_secs(1);

pub(super) struct Exporter {
    pub(super) options: InfluxOptions,
    pub(super) queue: Arc<Queue>,
    pub(super) fares: Arc<Fares>,
    pub(super) meters: Arc<Meters>,
}

/// What became of a request.
enum Outcome {
    Taken,
    /// It will never be taken.
    Refused(String),
    /// It may be taken later.
    Away(String),
    /// It may be taken later, with what the token's file holds then.
    Denied(String),
}

impl Exporter {
    /// Runs until the queue is closed and all of it is sent, or until it is closed while the server is away.
    pub(super) fn run(self, runtime: &tokio::runtime::Runtime) {
        let mut waits = Waits::new(self.options.retry_first, self.options.retry_last, self.options.seed);
        let mut client = None;
        while let Some(first) = self.queue.take() {
            let body = self.gather(&first);
            // A batch is one moment's records, which may be more than one request is to carry.
            let mut parts = parts(&body, self.options.batch).into_iter();
            while let Some(part) = parts.next() {
                if !self.deliver(runtime, &mut client, &mut waits, part) {
                    let left = lines(part) + parts.map(lines).sum::<u64>() + self.queue.abandon();
                    self.lose(left, "the engine ends");
                    return;
                }
            }
        }
    }

    /// Sends until it is taken or refused; false when the engine ends before that.
    fn deliver(
        &self,
        runtime: &tokio::runtime::Runtime,
        client: &mut Option<Client>,
        waits: &mut Waits,
        part: &str,
    ) -> bool {
        let mut last_attempt = false;
        loop {
            let away = match self.send(runtime, client, part) {
                Outcome::Taken => {
                    self.meters.influx_written.add(lines(part));
                    break;
                }
                Outcome::Refused(what) => {
                    self.lose(lines(part), &what);
                    break;
                }
                Outcome::Denied(what) => {
                    *client = None;
                    what
                }
                Outcome::Away(what) => what,
            };
            if last_attempt {
                return false;
            }
            last_attempt = self.away(away, waits);
        }
        waits.reset();
        if self.fares.works() {
            tracing::info!("InfluxDB takes records again");
        }
        true
    }

    /// Lines of what is there and what comes soon.
    fn gather(&self, first: &[HistoryRecord]) -> String {
        let (mut body, mut records, mut unfit) = (String::new(), 0_u64, 0);
        let mut push = |batch: &[HistoryRecord]| {
            for record in batch {
                let known = record.cells.iter().any(Option::is_some);
                match line::push(&mut body, record) {
                    true => records += 1,
                    false if known => unfit += 1,
                    false => {}
                }
            }
            records
        };
        let begun = Instant::now();
        let mut gathered = push(first);
        while gathered < self.options.batch as u64 {
            let left = GATHER.saturating_sub(begun.elapsed());
            let Some(batch) = self.queue.take_within(left) else { break };
            gathered = push(&batch);
        }
        if unfit > 0 {
            self.lose(unfit, "ids that cannot be tags");
        }
        body
    }

    fn send(&self, runtime: &tokio::runtime::Runtime, client: &mut Option<Client>, part: &str) -> Outcome {
        let ready = match client {
            Some(ready) => ready,
            None => match self.client() {
                Ok(made) => client.insert(made),
                Err(what) => return Outcome::Away(what),
            },
        };
        let InfluxOptions { org, bucket, url, .. } = &self.options;
        let request = ready.write_line_protocol_with_precision(
            org,
            bucket,
            part.to_owned(),
            TimestampPrecision::Seconds,
        );
        match runtime.block_on(request) {
            Ok(()) => Outcome::Taken,
            Err(RequestError::Http { status, text }) => {
                let said: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
                let what = format!("{url} answers {status}: {said}");
                match status.as_u16() {
                    400 | 413 | 422 => Outcome::Refused(what),
                    401 | 403 | 404 => Outcome::Denied(what),
                    _ => Outcome::Away(what),
                }
            }
            Err(error) => Outcome::Away(format!("{url}: {error}")),
        }
    }

    fn client(&self) -> Result<Client, String> {
        let InfluxOptions { url, org, token_file, ca_file, timeout, .. } = &self.options;
        let read = |file: &Path| {
            std::fs::read(file).map_err(|e| format!("{}: {e} (hint: [history.influx])", file.display()))
        };
        let token = match token_file {
            Some(file) => String::from_utf8_lossy(&read(file)?).trim().to_owned(),
            None => String::new(),
        };
        if token.chars().any(|c| c.is_control() || !c.is_ascii()) {
            return Err("the token's file holds more than one line of plain text".to_owned());
        }
        let mut http = reqwest::Client::builder().timeout(*timeout);
        if let Some(file) = ca_file {
            let authority = reqwest::Certificate::from_pem(&read(file)?)
                .map_err(|e| format!("{}: {e}", file.display()))?;
            http = http.add_root_certificate(authority);
        }
        ClientBuilder::with_builder(http, url, org, token).build().map_err(|e| e.to_string())
    }

    /// Says so, and waits; whether there is only one attempt left.
    fn away(&self, what: String, waits: &mut Waits) -> bool {
        if self.fares.fails(what.clone()) {
            tracing::warn!(%what, "InfluxDB takes no records; they wait, and it is tried again");
        }
        self.queue.pause(waits.next())
    }

    fn lose(&self, records: u64, why: &str) {
        self.meters.influx_lost.add(records);
        if self.fares.lost(records) {
            tracing::error!(records, why, "records are lost to InfluxDB");
        }
    }
}

/// How many records a text carries.
fn lines(text: &str) -> u64 {
    text.bytes().filter(|b| *b == b'\n').count() as u64
}

/// The body in pieces of so many lines.
fn parts(body: &str, lines: usize) -> Vec<&str> {
    let (mut parts, mut begin) = (Vec::new(), 0);
    for (n, (end, _)) in body.match_indices('\n').enumerate() {
        if (n + 1) % lines.max(1) == 0 {
            parts.push(&body[begin..=end]);
            begin = end + 1;
        }
    }
    if begin < body.len() {
        parts.push(&body[begin..]);
    }
    parts
}

/// Waits that double, each cut by up to half so that many engines do not come back at once.
struct Waits {
    first: Duration,
    last: Duration,
    next: Duration,
    jitter: StdRng,
}

impl Waits {
    fn new(first: Duration, last: Duration, seed: u64) -> Waits {
        Waits { first, last, next: first, jitter: StdRng::seed_from_u64(seed) }
    }

    fn next(&mut self) -> Duration {
        let wait = self.next.mul_f64(self.jitter.random_range(0.5..=1.0));
        self.next = (self.next * 2).min(self.last);
        wait
    }

    fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound_and_begin_anew() {
        let second = Duration::from_secs(1);
        let mut waits = Waits::new(second, 8 * second, 1);
        for whole in [1, 2, 4, 8, 8, 8] {
            let wait = waits.next();
            assert!(wait >= whole * second / 2 && wait <= whole * second, "{wait:?} of {whole} s");
        }
        waits.reset();
        assert!(waits.next() <= second);
        let all = |seed| -> Vec<_> {
            let mut waits = Waits::new(second, 8 * second, seed);
            (0..5).map(|_| waits.next()).collect()
        };
        assert!(all(7) == all(7) && all(7) != all(8));
    }

    #[test]
    fn a_body_is_cut_between_lines() {
        assert_eq!(parts("a\nb\nc\nd\ne\n", 2), ["a\nb\n", "c\nd\n", "e\n"]);
        assert_eq!(parts("a\nb\n", 2), ["a\nb\n"]);
        assert_eq!(parts("", 2), [""; 0]);
    }
}
