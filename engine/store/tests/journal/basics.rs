//! What is appended is acknowledged once it is durable, and is read again as it was.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use vlot_model::{DeviceIx, Direction, Reading, SignFault, Timestamp, Value};
use vlot_store::journal::{
    AppendError, Era, Journal, JournalError, OnDamage, Options, Reader, RealDisk, Record, Recovered, State,
};

use crate::disk::FakeDisk;
use crate::help::{Acks, DIR, Hand, PATIENCE, at, batch, bay, era, open, options, read, ticks};

#[test]
fn a_journal_goes_on_where_it_ended() {
    let disk = FakeDisk::default();
    let acks = Arc::new(Acks::default());
    let (mut journal, recovered) = open(&disk);
    assert_eq!(recovered, Recovered::default());
    let mut written = vec![Record::Era(era(1)), batch(1, 2), batch(2, 0), batch(9, 1)];
    for (token, record) in written.iter().enumerate() {
        journal.append_blocking(record.clone(), acks.receipts(token as u64)).unwrap();
    }
    assert_eq!(acks.wait(4), [0, 1, 2, 3]);
    assert_eq!(*journal.state().borrow(), State::Ok);
    journal.close_blocking().unwrap();
    assert_eq!(read(&disk), written);

    let (mut journal, recovered) = open(&disk);
    let expected =
        Recovered { last_tick: 9, last_at: Some(at(9)), era: Some(era(1)), ..Recovered::default() };
    assert_eq!(recovered, expected);
    for record in [batch(10, 1), Record::Era(era(2)), batch(11, 3)] {
        journal.append_blocking(record.clone(), Vec::new()).unwrap();
        written.push(record);
    }
    journal.close_blocking().unwrap();
    assert_eq!(read(&disk), written);
    assert_eq!(disk.segments().len(), 1);
    let end = Reader::open_end(Path::new(DIR), Arc::new(disk.clone()), OnDamage::Refuse).unwrap();
    assert_eq!(end.collect::<Result<Vec<_>, _>>().unwrap(), written, "a young journal is all end");
    assert_eq!(open(&disk).1.era, Some(era(2)));
}

#[test]
fn segments_follow_one_another_and_each_knows_its_era() {
    let disk = FakeDisk::default();
    let acks = Arc::new(Acks::default());
    let (mut journal, _) = open(&disk);
    journal.append_blocking(Record::Era(era(1)), Vec::new()).unwrap();
    for tick in 1..=40 {
        journal.append_blocking(batch(tick, 40), acks.receipts(tick)).unwrap();
        acks.wait(usize::try_from(tick).unwrap());
    }
    journal.close_blocking().unwrap();
    let segments = disk.segments();
    assert!(segments.len() > 5, "{segments:?}");
    let all = read(&disk);
    assert_eq!(ticks(&all), (1..=40).collect::<Vec<_>>());

    // Who wants what was written last alone reads the last two, which begin with their era too.
    let of = |segment: &Path| segment.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let end = Reader::open_end(Path::new(DIR), Arc::new(disk.clone()), OnDamage::Refuse).unwrap();
    let end: Vec<Record> = end.map(Result::unwrap).collect();
    assert_eq!(end[0], Record::Era(era(1)));
    assert_eq!(ticks(&end), (of(&segments[segments.len() - 2])..=40).collect::<Vec<_>>());

    // The oldest ones can go: the rest still begins with its era.
    disk.delete(&segments[0]);
    disk.delete(&segments[1]);
    let rest = read(&disk);
    assert_eq!(rest[0], Record::Era(era(1)));
    assert_eq!(ticks(&rest), (of(&segments[2])..=40).collect::<Vec<_>>());

    // One from the middle cannot go unseen.
    disk.delete(&segments[4]);
    let mut reader = Reader::open_with(Path::new(DIR), Arc::new(disk.clone()), OnDamage::Refuse).unwrap();
    let error = reader.find_map(Result::err).unwrap().to_string();
    assert!(error.contains("are gone") && error.contains(segments[3].to_str().unwrap()), "{error}");
    assert!(reader.next().is_none());
    let mut reader = Reader::open_with(Path::new(DIR), Arc::new(disk), OnDamage::SkipOver).unwrap();
    let rest: Vec<Record> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(ticks(&rest).last(), Some(&40));
    assert_eq!(reader.skipped().len(), 1);
}

#[test]
fn what_cannot_follow_is_refused() {
    let disk = FakeDisk::default();
    let (mut journal, _) = open(&disk);
    let acks = Arc::new(Acks::default());
    let mut append = |record| journal.append_blocking(record, acks.receipts(0));
    assert_eq!(append(batch(1, 0)), Err(AppendError::NoEra));
    append(Record::Era(era(1))).unwrap();
    assert_eq!(append(batch(0, 0)), Err(AppendError::OutOfOrder { tick: 0, last: 0 }));
    append(batch(7, 1)).unwrap();
    assert_eq!(append(batch(7, 1)), Err(AppendError::OutOfOrder { tick: 7, last: 7 }));
    assert_eq!(append(batch(u64::MAX, 1)), Err(AppendError::OutOfOrder { tick: u64::MAX, last: 7 }));
    let stranger = Record::Batch { tick: 8, at: at(8), readings: vec![bay(8, 100)] };
    assert_eq!(append(stranger), Err(AppendError::UnknownDevice { device: 100, devices: 100 }));
    let large = Record::Era(Era { software: "x".repeat(16 << 20), ..era(2) });
    assert!(matches!(append(large), Err(AppendError::TooLarge { .. })));
    append(batch(8, 1)).unwrap();
    journal.close_blocking().unwrap();
    assert_eq!(acks.so_far().len(), 3, "what was refused is not acknowledged");
    assert_eq!(ticks(&read(&disk)), [7, 8]);
}

#[test]
fn a_record_larger_than_a_segment_has_a_segment_of_its_own() {
    let disk = FakeDisk::default();
    let (mut journal, _) = open(&disk);
    let records = [Record::Era(era(1)), batch(1, 1), batch(2, 2_000), batch(3, 1)];
    let acks = Arc::new(Acks::default());
    for (n, record) in records.iter().enumerate() {
        journal.append_blocking(record.clone(), acks.receipts(0)).unwrap();
        acks.wait(n + 1);
    }
    journal.close_blocking().unwrap();
    assert_eq!(disk.segments().len(), 3);
    assert_eq!(read(&disk), records);
    assert_eq!(open(&disk).1.last_tick, 3);
}

#[tokio::test]
async fn appenders_are_held_back_while_the_disk_is_slow() {
    let disk = FakeDisk::default();
    let acks = Arc::new(Acks::default());
    let (mut journal, _) = Journal::open(Path::new(DIR), Options { queue: 4, ..options(&disk) }).unwrap();
    journal.append(Record::Era(era(1)), acks.receipts(0)).await.unwrap();
    tokio::task::spawn_blocking({
        let acks = acks.clone();
        move || acks.wait(1)
    })
    .await
    .unwrap();
    disk.hold_syncs(true);
    let mut tick = 1;
    // At most a group that is being written and a full queue are taken in.
    let held_back = loop {
        let append = journal.append(batch(tick, 1), acks.receipts(tick));
        match tokio::time::timeout(Duration::from_millis(200), append).await {
            Ok(appended) => appended.unwrap(),
            Err(_) => break tick,
        }
        assert!(tick <= 10, "nothing holds the appender back");
        tick += 1;
    };
    assert_eq!(acks.so_far(), [0]);
    disk.hold_syncs(false);
    // The append that was given up has left nothing behind.
    journal.append(batch(held_back, 1), acks.receipts(held_back)).await.unwrap();
    journal.close().await.unwrap();
    assert_eq!(acks.so_far(), (0..=held_back).collect::<Vec<_>>());
    assert_eq!(ticks(&read(&disk)), (1..=held_back).collect::<Vec<_>>());
}

#[test]
fn old_segments_leave_when_nothing_keeps_them() {
    for (keep, max_bytes) in [(Some(Duration::from_secs(20)), None), (None, Some(6 * 4_096)), (None, None)] {
        let disk = FakeDisk::default();
        let acks = Arc::new(Acks::default());
        let kept = Options { keep, max_bytes, ..options(&disk) };
        let (mut journal, _) = Journal::open(Path::new(DIR), kept.clone()).unwrap();
        journal.append_blocking(Record::Era(era(1)), Vec::new()).unwrap();
        for tick in 1..=200 {
            journal.append_blocking(batch(tick, 40), acks.receipts(tick)).unwrap();
            acks.wait(usize::try_from(tick).unwrap());
        }
        journal.close_blocking().unwrap();
        let left = ticks(&read(&disk));
        assert_eq!(left.last(), Some(&200));
        match (keep, max_bytes) {
            (Some(_), _) => assert!((180 - 10..=180).contains(&left[0]), "{left:?}"),
            (_, Some(max)) => assert!(disk.used() as u64 <= max && left.len() > 10, "{left:?}"),
            _ => assert_eq!(left.len(), 200),
        }
        // A start applies what has come to hold since.
        let stricter = Options { keep: keep.map(|_| Duration::ZERO), ..kept };
        let before = disk.segments().len();
        let (journal, recovered) = Journal::open(Path::new(DIR), stricter).unwrap();
        journal.close_blocking().unwrap();
        assert_eq!(recovered.last_tick, 200);
        assert_eq!(disk.segments().len(), if keep.is_some() { 1 } else { before });
    }
}

#[test]
fn one_directory_has_one_engine() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), options(&RealDisk)).unwrap();
    let error = Journal::open(dir.path(), options(&RealDisk)).map(drop).unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }));
    assert!(error.to_string().contains("another engine"), "{error}");
    journal.close_blocking().unwrap();
    Journal::open(dir.path(), options(&RealDisk)).unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_to_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    // The kernel lets nobody make files in the last one, root included.
    for wrong in [file.as_path(), &file.join("below"), Path::new("/proc/self/journal")] {
        let error = Journal::open(wrong, Options::new(Arc::new(Hand::default()))).map(drop).unwrap_err();
        assert!(error.to_string().contains(wrong.to_str().unwrap()), "{error}");
    }
    let error = Reader::open(&dir.path().join("absent")).map(drop).unwrap_err().to_string();
    assert!(error.contains("absent") && error.contains("does the directory exist?"), "{error}");
}

#[test]
fn files_of_others_are_left_alone_and_said_to_be_so() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("README"), "not ours").unwrap();
    let (mut journal, _) = Journal::open(dir.path(), options(&RealDisk)).unwrap();
    journal.append_blocking(Record::Era(era(1)), Vec::new()).unwrap();
    journal.close_blocking().unwrap();
    let segment = dir.path().join("00000000000000000001.vlotj");
    let mut bytes = std::fs::read(&segment).unwrap();
    // A later format: version and checksum of the header.
    bytes[8] = 2;
    let crc = crc32c(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    for (bytes, part) in [(bytes.as_slice(), "format 2"), (b"text", "does not begin")] {
        std::fs::write(&segment, bytes).unwrap();
        let error = Journal::open(dir.path(), options(&RealDisk)).map(drop).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains(segment.to_str().unwrap()), "{error}");
        assert!(Reader::open(dir.path()).unwrap().next().unwrap().is_err());
    }
    assert_eq!(std::fs::read_to_string(dir.path().join("README")).unwrap(), "not ours");
}

/// By the definition, bit by bit: a twin of the fast one.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, b| {
        (0..8)
            .fold(crc ^ u32::from(*b), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 })
    })
}

#[test]
fn a_reader_follows_a_writer() {
    const LAST: u64 = 3_000;
    let dir = tempfile::tempdir().unwrap();
    let kept = Options { segment_bytes: 16 << 10, ..options(&RealDisk) };
    let (mut journal, _) = Journal::open(dir.path(), kept).unwrap();
    let writer = std::thread::spawn(move || {
        journal.append_blocking(Record::Era(era(1)), Vec::new()).unwrap();
        for tick in 1..=LAST {
            journal.append_blocking(batch(tick, u32::try_from(tick % 20).unwrap()), Vec::new()).unwrap();
        }
        journal.close_blocking().unwrap();
    });
    let mut reader = Reader::open(dir.path()).unwrap();
    let mut seen = Vec::new();
    // Of the disk's speed only this much is asked: that it goes on.
    let mut last_seen = std::time::Instant::now();
    while ticks(&seen[seen.len().saturating_sub(1)..]) != [LAST] {
        assert!(last_seen.elapsed() < PATIENCE);
        match reader.next() {
            Some(record) => {
                seen.push(record.unwrap());
                last_seen = std::time::Instant::now();
            }
            None => std::thread::yield_now(),
        }
    }
    writer.join().unwrap();
    assert_eq!(seen.len() as u64, LAST + 1);
    assert!(reader.next().is_none());
    for (tick, record) in (1..).zip(&seen[1..]) {
        assert_eq!(*record, batch(tick, u32::try_from(tick % 20).unwrap()));
    }
}

fn value() -> impl Strategy<Value = Value> {
    let fault = prop_oneof![
        Just(SignFault::None),
        Just(SignFault::Pixel),
        Just(SignFault::Power),
        Just(SignFault::Temperature),
        Just(SignFault::Photocell),
        Just(SignFault::Controller),
        Just(SignFault::FaceRejected),
    ];
    let direction = prop_oneof![Just(Direction::In), Just(Direction::Out)];
    let float = || proptest::option::of(any::<u32>().prop_map(f32::from_bits));
    prop_oneof![
        any::<bool>().prop_map(|occupied| Value::Bay { occupied }),
        (direction, any::<u16>()).prop_map(|(direction, vehicles)| Value::Passage { direction, vehicles }),
        any::<(u32, u32)>().prop_map(|(entries, exits)| Value::Totals { entries, exits }),
        any::<u32>().prop_map(|spaces| Value::Occupied { spaces }),
        any::<bool>().prop_map(|open| Value::Opening { open }),
        (any::<(u16, u32)>(), float(), float()).prop_map(
            |((interval_s, vehicles), speed_kmh, detector_occupancy_pct)| Value::Traffic {
                interval_s,
                vehicles,
                speed_kmh,
                detector_occupancy_pct
            }
        ),
        any::<(u16, Option<u32>, Option<u32>)>()
            .prop_map(|(interval_s, inbound, outbound)| Value::Bicycles { interval_s, inbound, outbound }),
        any::<u32>().prop_map(|free| Value::Places { free }),
        Just(Value::Alive),
        Just(Value::BayUnsure),
        any::<u64>().prop_map(|face_version| Value::SignShown { face_version }),
        fault.prop_map(|fault| Value::SignFault { fault }),
        any::<bool>().prop_map(|connected| Value::SignLink { connected }),
        any::<u32>().prop_map(|occupied| Value::Verified { occupied }),
        any::<u32>().prop_map(|occupied| Value::Corrected { occupied }),
        Just(Value::CounterReplaced),
        any::<bool>().prop_map(|closed| Value::Closure { closed }),
        any::<(u16, u32)>().prop_map(|(vehicles, arrive_after_s)| Value::Guided { vehicles, arrive_after_s }),
    ]
}

fn reading() -> impl Strategy<Value = Reading> {
    let instant = || any::<i64>().prop_map(Timestamp::from_micros);
    (0..100_u32, any::<Option<u32>>(), instant(), instant(), value()).prop_map(
        |(device, sequence, observed_at, received_at, value)| Reading {
            device: DeviceIx(device),
            sequence,
            observed_at,
            received_at,
            value,
        },
    )
}

/// A float that is no number equals nothing, not even itself; its bits do.
fn bits(value: &Value) -> [Option<u32>; 2] {
    match value {
        Value::Traffic { speed_kmh, detector_occupancy_pct, .. } => {
            [speed_kmh.map(f32::to_bits), detector_occupancy_pct.map(f32::to_bits)]
        }
        _ => [None; 2],
    }
}

proptest! {
    #[test]
    fn every_reading_comes_back_as_it_was(
        batches in prop::collection::vec((any::<i64>(), prop::collection::vec(reading(), 0..20)), 1..10)
    ) {
        let disk = FakeDisk::default();
        let (mut journal, _) = open(&disk);
        journal.append_blocking(Record::Era(era(1)), Vec::new()).unwrap();
        for (tick, (at, readings)) in (1..).zip(&batches) {
            let record = Record::Batch { tick, at: Timestamp::from_micros(*at), readings: readings.clone() };
            journal.append_blocking(record, Vec::new()).unwrap();
        }
        journal.close_blocking().unwrap();
        let records = read(&disk);
        prop_assert_eq!(records.len(), batches.len() + 1);
        for (record, (at, readings)) in records[1..].iter().zip(&batches) {
            let Record::Batch { at: read_at, readings: read, .. } = record else { panic!("{record:?}") };
            prop_assert_eq!(read_at.micros(), *at);
            prop_assert_eq!(read.len(), readings.len());
            for (read, reading) in read.iter().zip(readings) {
                prop_assert_eq!(bits(&read.value), bits(&reading.value));
                if bits(&reading.value).iter().flatten().all(|b| !f32::from_bits(*b).is_nan()) {
                    prop_assert_eq!(read, reading);
                } else {
                    let with = |r: &Reading| Reading { value: Value::Alive, ..*r };
                    prop_assert_eq!(with(read), with(reading));
                }
            }
        }
    }
}
