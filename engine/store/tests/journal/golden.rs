//! The bytes of format 1, for as long as anybody keeps a journal: written the same, and read the same.

use std::path::Path;
use std::sync::Arc;

use vlot_model::{DeviceIx, Direction, Reading, SignFault, Timestamp, Value};
use vlot_store::journal::{Era, Record};

use crate::disk::FakeDisk;
use crate::help::{Acks, DIR, open, read};

/// One of everything. Never changed, only added to.
fn records() -> Vec<Record> {
    let at = Timestamp::from_micros(1_780_000_000_123_456);
    let values = [
        Value::Bay { occupied: false },
        Value::Bay { occupied: true },
        Value::Passage { direction: Direction::In, vehicles: 1 },
        Value::Passage { direction: Direction::Out, vehicles: 65_535 },
        Value::Totals { entries: 0, exits: u32::MAX },
        Value::Occupied { spaces: 0 },
        Value::Opening { open: false },
        Value::Traffic { interval_s: 60, vehicles: 0, speed_kmh: None, detector_occupancy_pct: Some(0.0) },
        Value::Traffic { interval_s: 60, vehicles: 17, speed_kmh: Some(48.3), detector_occupancy_pct: None },
        Value::Bicycles { interval_s: 900, inbound: Some(0), outbound: None },
        Value::Places { free: 300 },
        Value::Alive,
        Value::SignShown { face_version: 1 << 40 },
        Value::SignFault { fault: SignFault::None },
        Value::SignFault { fault: SignFault::FaceRejected },
        Value::SignLink { connected: true },
        Value::BayUnsure,
    ];
    let reading = |(n, value): (usize, Value)| Reading {
        device: DeviceIx(u32::try_from(n % 3).unwrap()),
        sequence: [None, Some(0), Some(70_000)][n % 3],
        // Before the batch, at the same time, and by a clock that is ahead of ours.
        observed_at: Timestamp::from_micros(at.micros() - [1_234_567, 2_000, -3_000_000][n % 3]),
        received_at: Timestamp::from_micros(at.micros() - 2_000),
        value,
    };
    let devices = vec!["bay-1".to_owned(), "".to_owned(), "sign-é".to_owned()];
    vec![
        Record::Era(Era { fingerprint: "00ff".into(), software: "0.1.0".into(), at, devices }),
        Record::Batch { tick: 1, at, readings: values.into_iter().enumerate().map(reading).collect() },
        Record::Batch { tick: 300, at: Timestamp::from_micros(-1), readings: vec![] },
    ]
}

fn golden() -> Vec<u8> {
    let text = include_str!("golden/format-1.hex");
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n";
    bytes.chunks(32).map(line).collect()
}

#[test]
fn format_1_is_written_as_ever() {
    let disk = FakeDisk::default();
    let acks = Arc::new(Acks::default());
    let (mut journal, _) = open(&disk);
    for (n, record) in records().into_iter().enumerate() {
        journal.append_blocking(record, acks.receipts(0)).unwrap();
        acks.wait(n + 1);
    }
    journal.close_blocking().unwrap();
    let mut bytes = disk.bytes(&disk.segments()[0]);
    let end = bytes.iter().rposition(|b| *b != 0).unwrap() + 1;
    bytes.truncate(end);
    assert_eq!(bytes, golden(), "now:\n{}", hex(&bytes));
}

#[test]
fn format_1_is_read_as_ever() {
    let disk = FakeDisk::default();
    drop(open(&disk));
    let path = Path::new(DIR).join("00000000000000000001.vlotj");
    disk.place(&path, golden());
    assert_eq!(read(&disk), records());
    assert_eq!(open(&disk).1.last_tick, 300);
}
