//! From a journal back to a board: the one mechanism behind restart, replay and "what did we know then?".

use anyhow::{Context, Result};
use vlot_bridge::{Admission, Batch, Feeder};
use vlot_model::{City, DeviceIx, Meters, Reading, Tick, Timestamp};
use vlot_store::journal::{Era, OnDamage, Reader, RealDisk, Record};

use crate::cli::Until;

pub(crate) const UNREADABLE: &str =
    "the journal cannot be read (hint: --skip-damage passes over what is damaged, and says what)";

/// Readings that go into the dataflow at once: enough to be quick, little enough to stay small.
const READINGS_A_BATCH: usize = 1_024;

/// Opens a journal for reading.
pub(crate) fn open_reader(dir: &std::path::Path, on_damage: OnDamage) -> Result<Reader> {
    Ok(Reader::open_with(dir, std::sync::Arc::new(RealDisk), on_damage)?)
}

/// How far a journal was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// The last tick that was fed; 0 for an empty journal.
    pub(crate) tick: Tick,
    /// That tick's instant.
    pub(crate) at: Timestamp,
    /// Readings that were fed.
    pub(crate) readings: u64,
}

/// Feeds a journal's ticks, up to and with `until`, to the workers, and lets `admission` see every reading.
pub(crate) fn feed_journal(
    reader: Reader,
    until: Option<Until>,
    city: &City,
    meters: &Meters,
    admission: &mut Admission,
    feeder: &mut Feeder,
) -> Result<Recovered> {
    feed_ticks(reader, until, city, meters, feeder, |_, readings| {
        for reading in readings {
            // Judged before it was journalled: here only to remember it.
            admission.judge(std::slice::from_ref(reading), |_, _| {});
        }
        Ok(())
    })
}

/// The same for who wants to see each tick, its instant and its readings before the workers do, and can end it by an error.
pub(crate) fn feed_ticks(
    mut reader: Reader,
    until: Option<Until>,
    city: &City,
    meters: &Meters,
    feeder: &mut Feeder,
    mut see: impl FnMut(Timestamp, &[Reading]) -> Result<()>,
) -> Result<Recovered> {
    let mut recovered = Recovered::default();
    let mut batch = Batch::default();
    let retired = see_ticks(&mut reader, until, city, |tick, at, known| {
        see(at, known)?;
        recovered.tick = tick;
        recovered.at = at;
        recovered.readings += known.len() as u64;
        batch.push(tick, at, known.drain(..));
        if batch.len() >= READINGS_A_BATCH {
            feeder.feed_blocking(std::mem::take(&mut batch))?;
        }
        Ok(())
    })?;
    meters.retired_devices.add(retired);
    if !batch.is_empty() {
        feeder.feed_blocking(batch)?;
    }
    for part in reader.skipped() {
        tracing::error!(file = %part.file.display(), from = part.from, to = part.to, part.what, "left out of the journal");
    }
    Ok(recovered)
}

/// Shows each tick, its instant and its readings of devices that `city` has, up to and with `until`. How many readings were of others.
pub(crate) fn see_ticks(
    reader: &mut Reader,
    until: Option<Until>,
    city: &City,
    mut see: impl FnMut(Tick, Timestamp, &mut Vec<Reading>) -> Result<()>,
) -> Result<u64> {
    let mut names = Names::default();
    let mut known: Vec<Reading> = Vec::new();
    let mut retired = 0;
    for record in reader {
        match record.context(UNREADABLE)? {
            Record::Era(era) => names = Names::of(&era, city),
            Record::Batch { tick, at, readings } => {
                if is_past(until, tick, at) {
                    break;
                }
                known.clear();
                known.extend(readings.iter().filter_map(|r| names.translate(r.clone())));
                retired += (readings.len() - known.len()) as u64;
                see(tick, at, &mut known)?;
            }
        }
    }
    Ok(retired)
}

pub(crate) fn is_past(until: Option<Until>, tick: Tick, at: Timestamp) -> bool {
    match until {
        None => false,
        Some(Until::Tick(last)) => tick > last,
        Some(Until::At(last)) => at > last,
    }
}

/// The configuration that was in force at the end of what is to be replayed.
pub(crate) fn era_at(reader: Reader, until: Option<Until>) -> Result<Option<Era>> {
    let mut era = None;
    for record in reader {
        match record.context(UNREADABLE)? {
            Record::Era(new) => era = Some(new),
            Record::Batch { tick, at, .. } if is_past(until, tick, at) => break,
            Record::Batch { .. } => {}
        }
    }
    Ok(era)
}

/// From an era's device indices to the present city's. A device that is gone has none.
#[derive(Default)]
struct Names {
    present: Vec<Option<DeviceIx>>,
    same: bool,
}

impl Names {
    fn of(era: &Era, city: &City) -> Names {
        let present: Vec<_> = era.devices.iter().map(|id| city.directory.find(id)).collect();
        let same = present.iter().enumerate().all(|(i, d)| d.is_some_and(|d| d.at() == i));
        Names { present, same }
    }

    fn translate(&self, reading: Reading) -> Option<Reading> {
        if self.same && reading.device.at() < self.present.len() {
            return Some(reading);
        }
        let device = self.present.get(reading.device.at()).copied().flatten()?;
        Some(Reading { device, ..reading })
    }
}
