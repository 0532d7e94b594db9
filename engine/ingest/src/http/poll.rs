//! The life of a source: ask, read, hand over, wait, and again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use tokio::time::sleep;
use vlot_decode::miv::{self, Publication};
use vlot_model::{DeviceIx, Reading, Refusal, RefusalKind, Submission, Timestamp};

use super::State;
use super::options::{Form, Options};
use super::request::{Answer, RequestError, Validators, ask};
use crate::backoff::Backoff;
use crate::mqtt::Intake;

/// Readings that are handed over at once.
const READINGS_AT_ONCE: usize = 256;
/// A server that asks for a longer pause is asked again after this.
const PAUSE_MAX: Duration = Duration::from_hours(1);
/// Up to this share of the interval is added to it, by chance.
const JITTER: f64 = 0.05;

/// Why a poll brought nothing.
enum Failure {
    /// Said to people, and asked again no sooner than that.
    Told(String, Option<Duration>),
    /// Admission is gone: there is nobody to ask for.
    NobodyListens,
}

pub(super) async fn run(
    options: Options,
    intake: Intake,
    state: Arc<Mutex<State>>,
    mut stop: watch::Receiver<()>,
) {
    let mut backoff = Backoff::new(options.retry_min, options.retry_max);
    let mut rng = SmallRng::from_os_rng();
    let mut poll = Poll {
        options: &options,
        intake: &intake,
        state: &state,
        validators: Validators::default(),
        heard: BTreeMap::new(),
    };
    loop {
        let outcome = tokio::select! {
            _ = stop.changed() => return,
            outcome = poll.once() => outcome,
        };
        let wait = match outcome {
            Ok(()) => {
                backoff.reset();
                poll.well(None);
                options.every.mul_f64(1.0 + JITTER * rng.random::<f64>())
            }
            Err(Failure::Told(what, pause)) => {
                let wait = backoff.next(&mut rng).max(pause.unwrap_or_default().min(PAUSE_MAX));
                tracing::warn!(source = %options.name, what, ?wait, "nothing polled");
                poll.well(Some(what));
                wait
            }
            Err(Failure::NobodyListens) => {
                return poll.well(Some("the engine takes no messages any more".to_owned()));
            }
        };
        tokio::select! {
            _ = stop.changed() => return,
            () = sleep(wait) => {}
        }
    }
}

struct Poll<'a> {
    options: &'a Options,
    intake: &'a Intake,
    state: &'a Mutex<State>,
    validators: Validators,
    /// The newest interval of each loop: a document repeats what has not changed.
    heard: BTreeMap<DeviceIx, Timestamp>,
}

impl Poll<'_> {
    async fn once(&mut self) -> Result<(), Failure> {
        let answer = ask(self.options, &self.validators).await;
        if answer.is_ok() {
            self.state.lock().answers += 1;
        }
        match answer {
            Ok(Answer::NotModified) => self.is_of_the_present(),
            Ok(Answer::Document { body, validators }) => {
                self.intake.meters.messages_in.add(1);
                let publication = self.read(body).await?;
                // A document that cannot be read is asked for again without a condition.
                self.validators = validators;
                self.take(publication).await
            }
            Err(error) => {
                if matches!(error, RequestError::TooLong { .. }) {
                    self.refuse("", &[], Refusal::new(RefusalKind::Oversized, error.to_string()));
                }
                let pause = match error {
                    RequestError::Status { retry_after, .. } => retry_after,
                    _ => None,
                };
                Err(Failure::Told(error.to_string(), pause))
            }
        }
    }

    /// Reads a document away from the runtime's threads: it has megabytes.
    async fn read(&self, body: Vec<u8>) -> Result<Publication, Failure> {
        let (city, received_at) = (Arc::clone(&self.intake.city), self.intake.clock.now());
        let form = self.options.form;
        let read = tokio::task::spawn_blocking(move || {
            let publication = match form {
                Form::MivXml => miv::decode(&body, received_at, &city),
            };
            publication.map_err(|refusal| (refusal, body))
        });
        match read.await {
            Ok(Ok(publication)) => Ok(publication),
            Ok(Err((refusal, body))) => {
                let what = format!("the document is refused: {refusal}");
                self.refuse("", &body, refusal);
                Err(Failure::Told(what, None))
            }
            Err(error) => Err(Failure::Told(format!("the document was not read: {error}"), None)),
        }
    }

    async fn take(&mut self, publication: Publication) -> Result<(), Failure> {
        let Publication { published_at, mut readings, points, refused } = publication;
        let told = u32::try_from(refused.len()).unwrap_or(u32::MAX);
        for (point, refusal) in refused {
            self.refuse(&point, &[], refusal);
        }
        self.intake.meters.refuse(RefusalKind::Malformed, u64::from(points.refused.saturating_sub(told)));
        {
            let mut state = self.state.lock();
            state.documents += 1;
            state.published_at = published_at;
            state.points = points;
        }
        if let Err(stale) = self.is_of_the_present() {
            self.intake.meters.refuse(RefusalKind::ClockBehind, readings.len() as u64);
            return Err(stale);
        }
        readings.retain(|reading| self.is_news(reading));
        tracing::debug!(source = %self.options.name, ?points, news = readings.len(), "polled");
        while !readings.is_empty() {
            let rest = readings.split_off(readings.len().min(READINGS_AT_ONCE));
            let submission = Submission { readings, receipt: None };
            self.intake.out.send(submission).await.map_err(|_| Failure::NobodyListens)?;
            readings = rest;
        }
        if points.known == 0 {
            let what = format!(
                "none of the document's {} points is a device of the configuration (hint: give loops their miv_id)",
                points.all
            );
            return Err(Failure::Told(what, Some(self.options.every)));
        }
        Ok(())
    }

    /// Whether the newest document was made lately. One that does not say when is believed: its figures have their own times.
    fn is_of_the_present(&self) -> Result<(), Failure> {
        let Some(published_at) = self.state.lock().published_at else { return Ok(()) };
        let now = self.intake.clock.now();
        if published_at + self.options.stale_after >= now {
            return Ok(());
        }
        let minutes = now.since(published_at).as_secs() / 60;
        let what = format!(
            "the document is of {published_at}, {minutes} minutes ago: nothing of it is taken (hint: the feed stands still, or our clock is wrong)"
        );
        Err(Failure::Told(what, None))
    }

    fn is_news(&mut self, reading: &Reading) -> bool {
        // What is dated ahead is for admission to refuse, and must not keep what comes after it out.
        if reading.observed_at > reading.received_at {
            return true;
        }
        let heard = self.heard.entry(reading.device).or_insert(Timestamp::from_micros(i64::MIN));
        let news = reading.observed_at > *heard;
        if news {
            *heard = reading.observed_at;
        }
        news
    }

    fn refuse(&self, what: &str, excerpt: &[u8], refusal: Refusal) {
        self.intake.meters.refuse(refusal.kind, 1);
        let topic = format!("http/{} {what}", self.options.name);
        self.intake.quarantine.keep(self.intake.clock.now(), topic.trim_end(), excerpt, refusal);
    }

    fn well(&self, error: Option<String>) {
        let mut state = self.state.lock();
        let well = error.is_none();
        if state.well != well {
            state.since = self.intake.clock.now();
        }
        state.well = well;
        state.error = error;
    }
}
