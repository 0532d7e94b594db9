//! Bytes that are no longer what was written: a torn end is cut off, anything else is said.

use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vlot_store::journal::{
    Disk, DiskFile, Journal, JournalError, OnDamage, Options, Reader, Record, Skipped,
};

use crate::disk::FakeDisk;
use crate::help::{Acks, DIR, batch, era, open, options, read, ticks};

/// Five groups of one record in one segment: the era and ticks 1 to 4. Also where each ends.
fn five_groups(disk: &FakeDisk) -> (PathBuf, Vec<usize>) {
    let acks = Arc::new(Acks::default());
    let (mut journal, _) = open(disk);
    let path = Path::new(DIR).join("00000000000000000001.vlotj");
    for (n, record) in
        [Record::Era(era(1)), batch(1, 3), batch(2, 3), batch(3, 3), batch(4, 3)].into_iter().enumerate()
    {
        journal.append_blocking(record, acks.receipts(0)).unwrap();
        acks.wait(n + 1);
    }
    journal.close_blocking().unwrap();
    let ends = ends(&disk.bytes(&path));
    assert_eq!(ends.len(), 5);
    (path, ends)
}

/// Where the records of a segment end, behind its head.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 16;
    while let Some(word) = bytes[at..].first_chunk::<4>().filter(|word| **word != [0; 4]) {
        at += 8 + (u32::from_le_bytes(*word) & !(1 << 31)) as usize;
        ends.push(at);
    }
    ends.remove(0);
    ends
}

fn content(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1)
}

fn reopened(disk: &FakeDisk, on_damage: OnDamage) -> Result<(u64, u64, Vec<Skipped>), JournalError> {
    let (journal, recovered) = Journal::open(Path::new(DIR), Options { on_damage, ..options(disk) })?;
    journal.close_blocking().unwrap();
    Ok((recovered.last_tick, recovered.torn_bytes, recovered.skipped))
}

#[test]
fn a_torn_end_is_cut_off_wherever_it_is_torn() {
    let disk = FakeDisk::default();
    let (path, ends) = five_groups(&disk);
    let whole = disk.bytes(&path);
    for cut in ends[3]..ends[4] {
        // What comes after the cut is blank, or the cut is a hole in front of the rest.
        let (mut blank, mut hole) = (whole.clone(), whole.clone());
        blank[cut..].fill(0);
        hole[ends[3]..=cut].fill(0);
        for torn in [blank, hole] {
            let torn_bytes = content(&torn).max(ends[3]) - ends[3];
            disk.place(&path, torn);
            assert_eq!(ticks(&read(&disk)), [1, 2, 3]);
            assert_eq!(reopened(&disk, OnDamage::Refuse).unwrap(), (3, torn_bytes as u64, vec![]), "{cut}");
            assert!(disk.bytes(&path)[ends[3]..].iter().all(|b| *b == 0), "nothing of it is left");
            let (mut journal, _) = open(&disk);
            journal.append_blocking(batch(5, 1), Vec::new()).unwrap();
            journal.close_blocking().unwrap();
            assert_eq!(ticks(&read(&disk)), [1, 2, 3, 5]);
        }
    }
}

#[test]
fn damage_before_a_later_write_is_no_torn_end() {
    let disk = FakeDisk::default();
    let (path, ends) = five_groups(&disk);
    let whole = disk.bytes(&path);
    for at in ends[1]..ends[2] {
        for (n, damage) in [0xff, whole[at], 0x80].into_iter().enumerate() {
            let mut bytes = whole.clone();
            bytes[at] ^= damage;
            if bytes == whole {
                continue;
            }
            disk.place(&path, bytes.clone());
            let error = reopened(&disk, OnDamage::Refuse).unwrap_err();
            let JournalError::Damaged { file, offset, .. } = &error else { panic!("{error}") };
            assert_eq!((file, *offset), (&path, ends[1] as u64), "{at} {n}");
            assert!(error.to_string().contains("restore the file"), "{error}");

            let mut reader =
                Reader::open_with(Path::new(DIR), Arc::new(disk.clone()), OnDamage::Refuse).unwrap();
            let seen: Vec<Record> = reader.by_ref().map_while(Result::ok).collect();
            assert_eq!(ticks(&seen), [1], "what stands before the damage is read");
            assert!(reader.next().is_none());
            assert_eq!(disk.bytes(&path), bytes, "neither has touched the file");

            let mut reader =
                Reader::open_with(Path::new(DIR), Arc::new(disk.clone()), OnDamage::SkipOver).unwrap();
            let seen: Vec<Record> = reader.by_ref().map(Result::unwrap).collect();
            assert_eq!(ticks(&seen), [1, 3, 4]);
            let [gap] = reader.skipped() else { panic!("{:?}", reader.skipped()) };
            assert_eq!((gap.from, gap.to), (ends[1] as u64, ends[2] as u64));
        }
    }
}

#[test]
fn an_engine_told_to_goes_on_after_damage_in_a_segment_of_its_own() {
    let disk = FakeDisk::default();
    let (path, ends) = five_groups(&disk);
    let mut bytes = disk.bytes(&path);
    bytes[ends[2] + 10] ^= 1;
    disk.place(&path, bytes.clone());
    let (last_tick, _, skipped) = reopened(&disk, OnDamage::SkipOver).unwrap();
    assert_eq!((last_tick, skipped.len()), (4, 1));
    let skip_over = Options { on_damage: OnDamage::SkipOver, ..options(&disk) };
    let (mut journal, _) = Journal::open(Path::new(DIR), skip_over).unwrap();
    journal.append_blocking(batch(5, 1), Vec::new()).unwrap();
    journal.close_blocking().unwrap();
    assert_eq!(disk.bytes(&path), bytes, "the damaged file is as it was");
    // The next start finds nothing wrong with its own segment; a reader still says what it meets.
    assert_eq!(reopened(&disk, OnDamage::Refuse).unwrap(), (5, 0, vec![]));
    let reader = Reader::open_with(Path::new(DIR), Arc::new(disk.clone()), OnDamage::Refuse).unwrap();
    let error = reader.filter_map(Result::err).next().unwrap();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    let reader = Reader::open_with(Path::new(DIR), Arc::new(disk), OnDamage::SkipOver).unwrap();
    let seen: Vec<Record> = reader.map(Result::unwrap).collect();
    assert_eq!(ticks(&seen), [1, 2, 4, 5]);
}

#[test]
fn a_segment_that_lost_its_end_is_missed_by_the_next_one() {
    let disk = FakeDisk::default();
    let acks = Arc::new(Acks::default());
    let (mut journal, _) = open(&disk);
    journal.append_blocking(Record::Era(era(1)), Vec::new()).unwrap();
    for tick in 1..=10 {
        journal.append_blocking(batch(tick, 40), acks.receipts(tick)).unwrap();
        acks.wait(usize::try_from(tick).unwrap());
    }
    journal.close_blocking().unwrap();
    let first = disk.segments()[0].clone();
    let mut bytes = disk.bytes(&first);
    let ends = ends(&bytes);
    // Blank, as if the last group had never been written: by itself the file looks whole.
    bytes[ends[ends.len() - 2]..].fill(0);
    disk.place(&first, bytes);
    let mut reader = Reader::open_with(Path::new(DIR), Arc::new(disk), OnDamage::Refuse).unwrap();
    assert!(reader.any(|r| matches!(r, Err(JournalError::Damaged { ref file, .. }) if *file == first)));
}

#[test]
fn ticks_that_do_not_grow_are_an_error() {
    let disk = FakeDisk::default();
    let (path, ends) = five_groups(&disk);
    let mut bytes = disk.bytes(&path);
    let repeated = bytes[ends[2]..ends[3]].to_vec();
    bytes[ends[4]..ends[4] + repeated.len()].copy_from_slice(&repeated);
    disk.place(&path, bytes);
    let error = reopened(&disk, OnDamage::Refuse).unwrap_err().to_string();
    assert!(error.contains("tick 3 does not come after tick 4"), "{error}");
    let mut reader = Reader::open_with(Path::new(DIR), Arc::new(disk), OnDamage::Refuse).unwrap();
    assert!(reader.any(|r| r.is_err_and(|e| e.to_string().contains("does not come after"))));
}

/// A disk for reading whose first file shows an older state than all later ones.
struct Lagging {
    disk: FakeDisk,
    older: FakeDisk,
    opened: AtomicUsize,
}

impl Disk for Lagging {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn open(&self, file: &Path, write: bool) -> io::Result<Box<dyn DiskFile>> {
        let first = self.opened.fetch_add(1, Ordering::Relaxed) == 0;
        if first { self.older.open(file, write) } else { self.disk.open(file, write) }
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn Any + Send>> {
        unreachable!()
    }

    fn create(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        unreachable!()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        unreachable!()
    }
}

#[test]
fn what_was_written_while_one_read_is_no_damage() {
    let (disk, older) = (FakeDisk::default(), FakeDisk::default());
    let (path, ends) = five_groups(&disk);
    let mut bytes = disk.bytes(&path);
    bytes[ends[1]..].fill(0);
    older.place(&path, bytes);
    // The reader has read ahead to where tick 2 was not yet written; when it looks further, ticks 2 to 4 are there.
    let lagging = Lagging { disk, older, opened: AtomicUsize::new(0) };
    let reader = Reader::open_with(Path::new(DIR), Arc::new(lagging), OnDamage::Refuse).unwrap();
    let seen: Vec<Record> = reader.map(Result::unwrap).collect();
    assert_eq!(ticks(&seen), [1, 2, 3, 4]);
}
