//! A disk that fails: nothing is acknowledged that is not durable, nothing is lost, and all goes on afterwards.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use vlot_model::{Clock, Timestamp};
use vlot_store::journal::{Journal, JournalError, OnDamage, Options, Reader, Record, State};

use crate::disk::{FakeDisk, Fault, Op};
use crate::help::{Acks, DIR, Hand, batch, era, open, options, read, ticks, wait_state};

fn failing(state: &State) -> bool {
    matches!(state, State::Failing { .. })
}

/// A journal with an era and tick 1 on disk, and who hears of what follows.
fn begun(disk: &FakeDisk) -> (Journal, Arc<Acks>) {
    let (mut journal, _) = open(disk);
    let acks = Arc::new(Acks::default());
    journal.append_blocking(Record::Era(era(1)), acks.receipts(0)).unwrap();
    acks.wait(1);
    journal.append_blocking(batch(1, 1), acks.receipts(1)).unwrap();
    acks.wait(2);
    (journal, acks)
}

#[test]
fn short_and_interrupted_writes_are_finished() {
    let disk = FakeDisk::default();
    let mut n = 0;
    disk.set_faults(move |op| {
        n += 1;
        match (op, n % 3) {
            (Op::Write { bytes, .. }, 0) => Fault::Short(bytes / 2 + 1),
            (Op::Write { .. }, 1) => Fault::Fail(ErrorKind::Interrupted),
            (Op::Other, 0) => Fault::Short(5),
            _ => Fault::Pass,
        }
    });
    let (mut journal, acks) = begun(&disk);
    for tick in 2..50 {
        journal.append_blocking(batch(tick, 30), acks.receipts(tick)).unwrap();
    }
    journal.close_blocking().unwrap();
    assert_eq!(ticks(&read(&disk)), (1..50).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_shows_one_segment_early_then_holds_back_and_then_goes_on() {
    let disk = FakeDisk::default();
    let clock = Arc::new(Hand::default());
    clock.set(Timestamp::from_secs(77));
    let held = Options { clock: Arc::<Hand>::clone(&clock), ..options(&disk) };
    let (mut journal, _) = Journal::open(Path::new(DIR), held).unwrap();
    let acks = Arc::new(Acks::default());
    // The first segment has its room; for the next one there is none.
    disk.set_capacity(Some(disk.used()));
    journal.append_blocking(Record::Era(era(1)), acks.receipts(0)).unwrap();
    acks.wait(1);
    let state = wait_state(journal.state(), |s| *s != State::Ok);
    let State::NoReserve { what, since } = state else { panic!("{state:?}") };
    assert!(what.contains("next.reserve") && what.contains("free some space"), "{what}");
    assert_eq!(since, clock.now());

    clock.set(Timestamp::from_secs(100));
    let mut tick = 1;
    while !failing(&journal.state().borrow()) {
        let n = acks.so_far().len();
        journal.append_blocking(batch(tick, 10), acks.receipts(tick)).unwrap();
        // Either it is written, or the disk is found full.
        wait_until(|| acks.so_far().len() > n || failing(&journal.state().borrow()));
        tick += 1;
    }
    let written = acks.so_far().len() as u64;
    assert!(written > 5 && written < tick, "{written} of {tick}");
    let State::Failing { what, since } = journal.state().borrow().clone() else { panic!() };
    assert!(what.contains("free some space"), "{what}");
    assert_eq!(since, clock.now());
    // A record more waits with it; the instant stays that of the first failure.
    clock.set(Timestamp::from_secs(200));
    journal.append_blocking(batch(tick, 10), acks.receipts(tick)).unwrap();
    assert_eq!(acks.so_far().len() as u64, written);
    wait_state(journal.state(), |s| matches!(s, State::Failing { since: s, .. } if *s == since));

    disk.set_capacity(None);
    acks.wait(usize::try_from(tick).unwrap() + 1);
    wait_state(journal.state(), |s| *s == State::Ok);
    journal.close_blocking().unwrap();
    assert_eq!(acks.so_far(), (0..=tick).collect::<Vec<_>>());
    assert_eq!(ticks(&read(&disk)), (1..=tick).collect::<Vec<_>>());
}

fn wait_until(done: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !done() {
        assert!(started.elapsed() < crate::help::PATIENCE);
        std::thread::yield_now();
    }
}

#[test]
fn what_a_failed_sync_gave_up_is_written_again_elsewhere() {
    // The first sync after the fault, and also those of the attempts to begin another segment.
    for failures in [1, 2, 5] {
        let disk = FakeDisk::default();
        let (mut journal, acks) = begun(&disk);
        let mut reader = Reader::open_with(Path::new(DIR), Arc::new(disk.clone()), OnDamage::Refuse).unwrap();
        assert_eq!(reader.by_ref().count(), 2);
        let left = Arc::new(AtomicUsize::new(failures));
        disk.set_faults({
            let left = left.clone();
            move |op| match op {
                Op::Sync | Op::SyncDir if left.load(Ordering::Relaxed) > 0 => {
                    left.fetch_sub(1, Ordering::Relaxed);
                    Fault::Fail(ErrorKind::Other)
                }
                _ => Fault::Pass,
            }
        });
        for tick in 2..6 {
            journal.append_blocking(batch(tick, 1), acks.receipts(tick)).unwrap();
        }
        assert_eq!(acks.wait(6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(left.load(Ordering::Relaxed), 0);
        wait_state(journal.state(), |s| *s == State::Ok);
        let rest: Vec<Record> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(ticks(&rest), [2, 3, 4, 5], "a reader that was there sees nothing twice");
        assert_eq!(disk.segments().len(), 2);
        drop(journal);
        disk.cut_power(&mut |_| 0);
        assert_eq!(ticks(&read(&disk)), [1, 2, 3, 4, 5]);
        assert_eq!(open(&disk).1.last_tick, 5);
    }
}

#[test]
fn a_write_that_fails_midway_is_done_again() {
    for kind in [ErrorKind::StorageFull, ErrorKind::ReadOnlyFilesystem, ErrorKind::Other] {
        let disk = FakeDisk::default();
        let (mut journal, acks) = begun(&disk);
        let mut left = 3;
        disk.set_faults(move |op| match op {
            Op::Write { offset, .. } if *offset > 0 && left > 0 => {
                left -= 1;
                Fault::Tear(11, kind)
            }
            _ => Fault::Pass,
        });
        journal.append_blocking(batch(2, 5), acks.receipts(2)).unwrap();
        journal.append_blocking(batch(3, 5), acks.receipts(3)).unwrap();
        assert_eq!(acks.wait(4), [0, 1, 2, 3]);
        journal.close_blocking().unwrap();
        assert_eq!(ticks(&read(&disk)), [1, 2, 3], "{kind:?}");
        // A disk that takes nothing gets the same bytes again; a file that fails gets a successor.
        assert_eq!(disk.segments().len(), if kind == ErrorKind::Other { 2 } else { 1 });
    }
}

#[test]
fn an_engine_can_stop_while_the_disk_fails() {
    let disk = FakeDisk::default();
    let kept = Options { retry_every: Duration::from_secs(3_600), ..options(&disk) };
    let (mut journal, _) = Journal::open(Path::new(DIR), kept).unwrap();
    let acks = Arc::new(Acks::default());
    journal.append_blocking(Record::Era(era(1)), acks.receipts(0)).unwrap();
    acks.wait(1);
    disk.set_faults(|op| match op {
        Op::Write { .. } => Fault::Fail(ErrorKind::ReadOnlyFilesystem),
        _ => Fault::Pass,
    });
    journal.append_blocking(batch(1, 1), acks.receipts(1)).unwrap();
    wait_state(journal.state(), failing);
    journal.append_blocking(batch(2, 1), acks.receipts(2)).unwrap();
    let error = journal.close_blocking().unwrap_err();
    assert!(matches!(error, JournalError::Unwritten { records: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("remount"), "{error}");
    assert_eq!(acks.so_far(), [0], "the messages come again");
    disk.clear_faults();
    assert_eq!(open(&disk).1.last_tick, 0);
}

#[test]
fn a_disk_that_cannot_be_written_to_is_found_at_the_start() {
    for (kind, hint) in [
        (ErrorKind::ReadOnlyFilesystem, "read-only"),
        (ErrorKind::PermissionDenied, "may not"),
        (ErrorKind::StorageFull, "free some space"),
    ] {
        let disk = FakeDisk::default();
        disk.set_faults(move |op| match op {
            Op::Write { .. } | Op::Create => Fault::Fail(kind),
            _ => Fault::Pass,
        });
        let error = Journal::open(Path::new(DIR), options(&disk)).map(drop).unwrap_err().to_string();
        assert!(error.contains(DIR) && error.contains(hint), "{error}");
    }
}

#[test]
fn a_process_that_dies_after_a_failed_sync_leaves_nothing_that_only_looks_durable() {
    let disk = FakeDisk::default();
    let (mut journal, acks) = begun(&disk);
    disk.set_faults(|op| match op {
        Op::Sync => Fault::Fail(ErrorKind::Other),
        _ => Fault::Pass,
    });
    journal.append_blocking(batch(2, 1), acks.receipts(2)).unwrap();
    wait_state(journal.state(), failing);
    drop(journal);
    disk.kill();
    disk.clear_faults();
    // The page cache still shows tick 2, which no sync would write any more. What is said to be there must be there.
    let (journal, recovered) = open(&disk);
    assert_eq!(recovered.last_tick, 2);
    drop(journal);
    disk.cut_power(&mut |_| 0);
    assert_eq!(ticks(&read(&disk)), [1, 2]);
}

#[test]
fn a_process_that_dies_before_a_segments_name_is_durable_leaves_it_to_the_next_one() {
    let disk = FakeDisk::default();
    let (mut journal, _) = open(&disk);
    disk.set_faults(|op| match op {
        Op::SyncDir => Fault::Fail(ErrorKind::Other),
        _ => Fault::Pass,
    });
    journal.append_blocking(Record::Era(era(1)), Vec::new()).unwrap();
    wait_state(journal.state(), failing);
    drop(journal);
    assert_eq!(disk.segments().len(), 1);
    disk.kill();
    disk.clear_faults();
    let (_journal, _acks) = begun(&disk);
    disk.cut_power(&mut |_| 0);
    assert_eq!(ticks(&read(&disk)), [1]);
}
