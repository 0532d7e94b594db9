//! Damaged publications of the minute data: read or refused, never a panic, and never traffic that no street could carry.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use proptest::prelude::*;
use vlot_model::{City, DeviceKind, Value};

const DOCUMENT: &[u8] = include_bytes!("../src/miv/samples/two_lanes.xml");

fn city() -> City {
    let mut city = City::default();
    for name in ["miv-29", "miv-30"] {
        common::add(&mut city, name, None, DeviceKind::Loop);
    }
    city
}

fn sound(document: &[u8]) -> Result<(), TestCaseError> {
    let Ok(publication) = vlot_decode::miv::decode(document, common::received_at(), &city()) else {
        return Ok(());
    };
    prop_assert!(publication.points.known <= publication.points.all);
    for reading in publication.readings {
        let Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } = reading.value else {
            return Err(TestCaseError::fail(format!("{:?}", reading.value)));
        };
        prop_assert!(interval_s == 60 && vehicles <= 1_000);
        prop_assert!(speed_kmh.is_none_or(|v| v > 0.0 && v <= 250.0 && vehicles > 0));
        prop_assert!(detector_occupancy_pct.is_none_or(|v| (0.0..=100.0).contains(&v)));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn damaged_documents_are_read_or_refused(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut document = DOCUMENT.to_vec();
        for (place, byte) in damage {
            let place = place.index(document.len());
            document[place] = byte;
        }
        sound(&document)?;
    }

    #[test]
    fn markup_of_any_shape_is_read_or_refused(text in "(<miv>)?[<>/!?&;\"'=\\[\\]a-z0-9 -]{0,200}") {
        sound(text.as_bytes())?;
    }
}

#[test]
fn every_beginning_of_a_document_is_refused() {
    let end = DOCUMENT.trim_ascii_end().len();
    for cut in 0..end {
        let read = vlot_decode::miv::decode(&DOCUMENT[..cut], common::received_at(), &city());
        assert!(read.is_err(), "cut at byte {cut}: {read:?}");
    }
}
