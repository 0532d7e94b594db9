//! Whatever the moment at which the machine or the process goes: what comes back is what was appended, in order, from
//! the first record on, with everything that was acknowledged and nothing twice.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use vlot_store::journal::{Journal, Options, Record};

use crate::disk::{FakeDisk, Fault, Op};
use crate::help::{Acks, DIR, batch, era, options, read, ticks};

/// One life of an engine and how it ends.
#[derive(Clone, Debug)]
struct Life {
    /// Readings of each batch.
    batches: Vec<u32>,
    /// Eras come before the batches of these numbers.
    eras: Vec<usize>,
    /// Bytes until everything stops.
    fuse: usize,
    power_cut: bool,
    /// Each operation fails with this chance in 1,000; none for a disk that is well.
    failing: usize,
    /// Waits for each acknowledgement before the next append, so that groups are small.
    one_by_one: bool,
    seed: u64,
}

fn life() -> impl Strategy<Value = Life> {
    (
        prop::collection::vec(prop_oneof![0..4_u32, 0..60_u32], 0..60),
        prop::collection::vec(0..60_usize, 0..3),
        prop_oneof![0..8_000_usize, 0..60_000_usize],
        any::<bool>(),
        prop_oneof![2 => Just(0), 1 => 1..200_usize],
        any::<bool>(),
        any::<u64>(),
    )
        .prop_map(|(batches, eras, fuse, power_cut, failing, one_by_one, seed)| Life {
            batches,
            eras,
            fuse,
            power_cut,
            failing,
            one_by_one,
            seed,
        })
}

/// Numbers of chance that a failing case can be repeated with.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}

/// Each batch with the era that gives it its meaning.
fn in_force(records: &[Record]) -> Vec<(&Record, u64)> {
    let mut era = 0;
    let mut batches = Vec::new();
    for record in records {
        match record {
            Record::Era(e) => era = u64::from_str_radix(&e.fingerprint, 16).unwrap(),
            Record::Batch { .. } => batches.push((record, era)),
        }
    }
    batches
}

fn live(disk: &FakeDisk, life: &Life, journalled: &mut Vec<Record>, eras: &mut u64) -> usize {
    let mut dice = Dice(life.seed);
    if life.failing > 0 {
        let mut dice = Dice(life.seed ^ 1);
        let failing = life.failing;
        disk.set_faults(move |op| {
            let kind = [ErrorKind::StorageFull, ErrorKind::Other, ErrorKind::Interrupted][dice.below(3)];
            match op {
                _ if dice.below(1_000) >= failing => Fault::Pass,
                Op::Write { bytes, .. } if dice.below(2) == 0 => Fault::Tear(dice.below(*bytes), kind),
                Op::Write { bytes, .. } => Fault::Short(1 + dice.below(*bytes)),
                // Nobody is told to do a sync again.
                Op::Sync | Op::SyncDir | Op::Rename | Op::Create => Fault::Fail(ErrorKind::Other),
                Op::Remove | Op::Open | Op::Other => Fault::Pass,
            }
        });
    }
    disk.set_fuse(life.fuse.max(1));
    let acks = Arc::new(Acks::default());
    let known = journalled.len();
    let opened = Journal::open(Path::new(DIR), Options { segment_bytes: 2_048, ..options(disk) });
    if let Ok((mut journal, recovered)) = opened {
        let newest = ticks(journalled).last().copied().unwrap_or(0);
        assert_eq!(recovered.last_tick, newest, "a start finds what a reader found");
        let mut append = |record: Record, journalled: &mut Vec<Record>| {
            let taken = journal.append_blocking(record.clone(), acks.receipts(journalled.len() as u64));
            assert!(taken.is_ok());
            journalled.push(record);
        };
        let mut tick = newest;
        *eras += 1;
        append(Record::Era(era(*eras)), journalled);
        for (n, readings) in life.batches.iter().enumerate() {
            for _ in life.eras.iter().filter(|at| **at == n) {
                *eras += 1;
                append(Record::Era(era(*eras)), journalled);
            }
            tick += 1 + dice.below(3) as u64;
            append(batch(tick, *readings), journalled);
            while life.one_by_one && acks.so_far().len() < journalled.len() - known && !disk.is_off() {
                std::thread::yield_now();
            }
        }
    }
    let acked = acks.so_far();
    let expected: Vec<u64> = (known as u64..).take(acked.len()).collect();
    assert_eq!(acked, expected, "acknowledged in order, once");
    known + acked.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_comes_back_once(lives in prop::collection::vec(life(), 1..5)) {
        let disk = FakeDisk::default();
        let mut journalled = Vec::new();
        let mut eras = 0;
        for life in &lives {
            let acked = live(&disk, life, &mut journalled, &mut eras);
            disk.clear_faults();
            let mut dice = Dice(life.seed ^ 2);
            if life.power_cut {
                disk.cut_power(&mut |bound| dice.below(bound));
            } else {
                disk.kill();
            }

            let found = read(&disk);
            let batches = in_force(&found);
            let appended = in_force(&journalled);
            prop_assert!(batches.len() <= appended.len());
            prop_assert_eq!(&batches[..], &appended[..batches.len()]);
            prop_assert!(batches.len() >= in_force(&journalled[..acked]).len());
            let newest_era = |records: &[Record]| {
                records.iter().rev().find_map(|r| match r {
                    Record::Era(e) => Some(e.at),
                    Record::Batch { .. } => None,
                })
            };
            prop_assert!(newest_era(&found) >= newest_era(&journalled[..acked]));

            // What a start calls recovered is durable from then on.
            let (journal, recovered) = Journal::open(Path::new(DIR), options(&disk)).unwrap();
            prop_assert_eq!(recovered.last_tick, ticks(&found).last().copied().unwrap_or(0));
            prop_assert_eq!(recovered.era.map(|e| e.at), newest_era(&found));
            drop(journal);
            prop_assert_eq!(&read(&disk), &found);
            journalled = found;
        }
    }
}
