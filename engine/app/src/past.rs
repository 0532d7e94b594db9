//! The engine as it was at a moment that its journal holds: the same dataflow over the same ticks, into a board of its own.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use vlot_bridge::WorkersOptions;
use vlot_model::{Board, City, DeviceIx, Meters, Reading, Tick, Timestamp, Value};
use vlot_serve::{Moment, NoPast, Past, Said, Then};
use vlot_store::journal::{Era, OnDamage, Reader, RealDisk, Record};

use crate::check::{checked, load};
use crate::cli::Until;
use crate::home::Home;
use crate::recovery::{UNREADABLE, feed_ticks, is_past, open_reader, see_ticks};

/// What an engine spends on one moment of the past.
const LIMIT: Duration = Duration::from_secs(120);
/// Batches that may wait for the worker: few, so that giving up takes effect soon.
const LANE_DEPTH: usize = 2;
/// Readings of each device that are kept.
const READINGS_A_DEVICE: usize = 3;
/// The least that a process may be given on Linux.
const LAST_IN_LINE: i32 = 19;

/// An engine's own past.
pub(crate) struct OwnPast {
    home: Home,
    /// What runs now, by its fingerprint: most moments are of the present configuration.
    present: (String, Arc<City>),
    on_damage: OnDamage,
    /// One moment at a time.
    working: Mutex<()>,
    /// And one look at the journal's end beside it.
    looking: Mutex<()>,
}

impl OwnPast {
    pub(crate) fn new(home: Home, fingerprint: String, city: Arc<City>, on_damage: OnDamage) -> Self {
        OwnPast {
            home,
            present: (fingerprint, city),
            on_damage,
            working: Mutex::new(()),
            looking: Mutex::new(()),
        }
    }
}

impl Past for OwnPast {
    fn bring_back(&self, moment: Moment, given_up: &Arc<AtomicBool>) -> Result<Then, NoPast> {
        let _one_at_a_time = alone(&self.working)?;
        let started = Instant::now();
        let going_on = || {
            if given_up.load(Ordering::Acquire) {
                return Err(NoPast::GivenUp);
            }
            if started.elapsed() > LIMIT { Err(NoPast::TooLong(LIMIT)) } else { Ok(()) }
        };
        let city_of = |era: &Era| match &self.present {
            (present, city) if *present == era.fingerprint => Ok(city.clone()),
            _ => kept(&self.home, era),
        };
        let then =
            last_in_line(|| back_to(&self.home, Some(until(moment)), self.on_damage, city_of, going_on))?;
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(at = %then.board.completed_at(), took_ms, "a moment of the past was brought back");
        Ok(then)
    }

    fn said_last(&self, until: Tick, given_up: &Arc<AtomicBool>) -> Result<Said, NoPast> {
        let _one_at_a_time = alone(&self.looking)?;
        last_in_line(|| {
            let going_on = || if given_up.load(Ordering::Acquire) { Err(NoPast::GivenUp) } else { Ok(()) };
            said_last(&self.home, until, self.on_damage, &self.present.1, going_on)
        })
    }
}

fn alone(work: &Mutex<()>) -> Result<MutexGuard<'_, ()>, NoPast> {
    match work.try_lock() {
        Ok(mine) => Ok(mine),
        // Whoever panicked with it left nothing behind that could be wrong.
        Err(TryLockError::Poisoned(left)) => Ok(left.into_inner()),
        Err(TryLockError::WouldBlock) => Err(NoPast::Busy),
    }
}

/// Works on a thread of its own, behind whatever else the machine has to do; the threads that this one starts inherit that.
fn last_in_line<T: Send>(work: impl FnOnce() -> Result<T, NoPast> + Send) -> Result<T, NoPast> {
    let work = || {
        if let Err(error) = rustix::process::nice(LAST_IN_LINE) {
            tracing::debug!(%error, "the past is brought back at the usual priority");
        }
        work()
    };
    // A thread of its own, for a priority is not given back.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("vlot-past".into()).spawn_scoped(scope, work);
        let thread = thread.map_err(|e| NoPast::Unreadable(format!("no thread for the past: {e}")))?;
        thread.join().map_err(|_| NoPast::Unreadable("the past could not be brought back".to_owned()))?
    })
}

/// A moment of a data directory, whether or not an engine writes to it. `config`: instead of the configuration of that time.
pub(crate) fn of_home(home: &Home, moment: Option<Moment>, config: Option<&std::path::Path>) -> Result<Then> {
    let city_of = |era: &Era| match config {
        Some(config) => {
            let (_, settings) = load(config).map_err(|problems| NoPast::Unreadable(problems.to_string()))?;
            Ok(settings.city)
        }
        None => kept(home, era),
    };
    back_to(home, moment.map(until), OnDamage::Refuse, city_of, || Ok(())).map_err(|why| match why {
        NoPast::NotKept(Some(begins)) => {
            anyhow!("the journal does not reach back so far: it begins at {begins}")
        }
        NoPast::NotKept(None) => anyhow!("the journal holds nothing yet"),
        NoPast::Unreadable(what) => anyhow!(what),
        NoPast::Busy | NoPast::TooLong(_) | NoPast::GivenUp => anyhow!("the past was not brought back"),
    })
}

/// The configuration at a journal's end, and its last instant.
pub(crate) fn end_of(home: &Home, config: Option<&std::path::Path>) -> Result<(Arc<City>, Timestamp)> {
    let (mut era, mut end) = (None, None);
    for record in open_reader(&home.journal(), OnDamage::Refuse)? {
        match record.context(UNREADABLE)? {
            Record::Era(new) => era = Some(new),
            Record::Batch { at, .. } => end = Some(at),
        }
    }
    let (era, end) = era.zip(end).context("the journal holds nothing yet")?;
    let city = match config {
        Some(config) => load(config).map_err(|problems| anyhow!("{problems}"))?.1.city,
        None => checked(&home.kept(&era.fingerprint)?).map_err(|problems| anyhow!("{problems}"))?.city,
    };
    Ok((city, end))
}

fn until(moment: Moment) -> Until {
    match moment {
        Moment::At(at) => Until::At(at),
        Moment::Tick(tick) => Until::Tick(tick),
    }
}

/// The configuration that an era was written with.
fn kept(home: &Home, era: &Era) -> Result<Arc<City>, NoPast> {
    let source = home.kept(&era.fingerprint).map_err(unreadable)?;
    Ok(checked(&source).map_err(|problems| NoPast::Unreadable(problems.to_string()))?.city)
}

fn back_to(
    home: &Home,
    until: Option<Until>,
    on_damage: OnDamage,
    city_of: impl Fn(&Era) -> Result<Arc<City>, NoPast>,
    going_on: impl Fn() -> Result<(), NoPast>,
) -> Result<Then, NoPast> {
    let (begins, era) = survey(home, until, on_damage, &going_on)?;
    let city = city_of(&era)?;
    let board = Arc::new(Board::new());
    let meters = Arc::new(Meters::default());
    let mut running = vlot_bridge::start(WorkersOptions {
        workers: NonZeroUsize::MIN,
        lane_depth: LANE_DEPTH,
        city: city.clone(),
        board: board.clone(),
        meters: meters.clone(),
    })
    .map_err(|error| NoPast::Unreadable(error.to_string()))?;
    let mut said: BTreeMap<DeviceIx, Vec<Reading>> = BTreeMap::new();
    let mut ended = None;
    let reader = open_reader(&home.journal(), on_damage).map_err(unreadable)?;
    let fed = feed_ticks(reader, until, &city, &meters, &mut running.feeder, |_, readings| {
        readings.iter().for_each(|reading| remember(&mut said, reading));
        going_on().map_err(|why| {
            ended = Some(why);
            anyhow!("ended early")
        })
    });
    drop(running.feeder);
    let joined = running.join.join_blocking();
    if let Some(why) = ended {
        return Err(why);
    }
    let ends = fed.map_err(unreadable)?.tick;
    joined.map_err(|error| NoPast::Unreadable(error.to_string()))?;
    Ok(Then { city, board, said: Said { begins, ends, readings: said } })
}

/// What the devices of `city` say in the journal's newest part.
fn said_last(
    home: &Home,
    until: Tick,
    on_damage: OnDamage,
    city: &City,
    going_on: impl Fn() -> Result<(), NoPast>,
) -> Result<Said, NoPast> {
    let reader = Reader::open_end(&home.journal(), Arc::new(RealDisk), on_damage);
    let mut reader = reader.map_err(|error| unreadable(error.into()))?;
    let mut said = BTreeMap::new();
    let (mut begins, mut ends, mut ended) = (None, 0, None);
    let read = see_ticks(&mut reader, Some(Until::Tick(until)), city, |tick, at, readings| {
        begins.get_or_insert(at);
        ends = tick;
        readings.iter().for_each(|reading| remember(&mut said, reading));
        going_on().map_err(|why| {
            ended = Some(why);
            anyhow!("ended early")
        })
    });
    if let Some(why) = ended {
        return Err(why);
    }
    read.map_err(unreadable)?;
    begins.map(|begins| Said { begins, ends, readings: said }).ok_or(NoPast::NotKept(None))
}

/// The journal's oldest instant, and the configuration that was in force at the end of what is to be read.
fn survey(
    home: &Home,
    until: Option<Until>,
    on_damage: OnDamage,
    going_on: impl Fn() -> Result<(), NoPast>,
) -> Result<(Timestamp, Era), NoPast> {
    let (mut begins, mut newest) = (None, None);
    for record in open_reader(&home.journal(), on_damage).map_err(unreadable)? {
        match record.context(UNREADABLE).map_err(unreadable)? {
            Record::Era(era) => newest = Some(era),
            Record::Batch { tick, at, .. } => {
                if is_past(until, tick, at) {
                    if begins.is_none() {
                        return Err(NoPast::NotKept(Some(at)));
                    }
                    break;
                }
                begins = begins.or(Some(at));
                going_on()?;
            }
        }
    }
    begins.zip(newest).ok_or(NoPast::NotKept(None))
}

/// Keeps the newest of each device; that it lives says nothing of its subject.
fn remember(said: &mut BTreeMap<DeviceIx, Vec<Reading>>, reading: &Reading) {
    if matches!(reading.value, Value::Alive) {
        return;
    }
    let of = said.entry(reading.device).or_default();
    if of.len() >= READINGS_A_DEVICE {
        of.remove(0);
    }
    of.push(reading.clone());
}

fn unreadable(error: anyhow::Error) -> NoPast {
    NoPast::Unreadable(format!("{error:#}"))
}

#[cfg(test)]
mod tests;
