//! Files that are cut short, changed, or something else: an error that says what, where and what to do, never a panic.

use std::io::Write;

use proptest::prelude::*;
use vlot_import::read::Source;
use vlot_import::{ImportError, Imported, Options, osm};

use crate::map;

fn import(bytes: impl Into<Vec<u8>>) -> Result<Imported, ImportError> {
    osm(&Source::from(bytes.into()), &Options::default())
}

fn xml() -> String {
    map::xml(
        "way 1 abc highway=primary name=Naamsestraat
         way 2 bd highway=residential motor_vehicle:conditional=no~@~(Mo-Fr~08:15-08:45)
         node c barrier=bollard
         turn 9 from=1 via=b to=2 restriction=no_left_turn",
    )
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut packed = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_packed_file_is_the_same_map() {
    let plain = import(xml()).unwrap();
    assert_eq!(import(gz(xml().as_bytes())).unwrap(), plain);
    assert_eq!(import(bz2(xml().as_bytes())).unwrap(), plain);
    // As parallel packers write them: several streams behind each other.
    let text = xml();
    let (a, b) = text.as_bytes().split_at(700);
    assert_eq!(import([gz(a), gz(b)].concat()).unwrap(), plain);
    assert_eq!(import([bz2(a), bz2(b)].concat()).unwrap(), plain);
}

#[test]
fn a_file_cut_short_is_an_error() {
    let whole = xml().trim_end().as_bytes().to_vec();
    for packed in [gz(&whole), bz2(&whole), whole] {
        for cut in (0..packed.len()).step_by(7) {
            let error = import(&packed[..cut]).expect_err("it was cut").to_string();
            assert!(error.contains("(hint: "), "{cut}: {error}");
        }
    }
}

#[test]
fn what_is_no_extract_says_what_is_one() {
    for (bytes, expected) in [
        (&b""[..], "it begins with nothing: it is empty"),
        (b"\x89PNG\r\n", "it begins with the bytes 89 50 4e 47"),
        (b"<html></html>", "it begins with <html>"),
        (b"<osmChange version='0.6'></osmChange>", "is a list of changes"),
        (b"\xff\xe0\x04o5m2", "is in the format o5m"),
        (b"<osm version='0.6'></osm>", "holds no street"),
        (b"<osm><way id='x'/></osm>", "a way without a number as its id"),
        (b"<osm><way id='1'><nd/></way></osm>", "a <nd> of 1 that is not whole"),
        (b"<osm><way id='1'></osm>", "is damaged at byte"),
        (b"\x1f\x8b\x08\x00\0\0\0\0\0\0\x07\x07", "cannot be unpacked"),
    ] {
        let error = import(bytes).expect_err("no extract").to_string();
        assert!(error.contains(expected) && error.contains("(hint: "), "{error}");
    }
    let missing = osm(&Source::from(std::path::Path::new("nowhere.osm")), &Options::default());
    assert!(missing.expect_err("no file").to_string().starts_with("cannot be read"));
}

#[test]
fn memory_has_a_bound() {
    let endless = format!("<osm><node id='1' lat='1' lon='1' user='{}'/></osm>", "x".repeat(8 << 20));
    let error = import(gz(endless.as_bytes())).expect_err("too long").to_string();
    assert!(error.contains("without an end of markup"), "{error}");
    let attributes: String = (0..50_000).map(|n| format!(" a{n}='1'")).collect();
    let crowded = format!("<osm><way id='1'{attributes}/></osm>");
    let error = import(gz(crowded.as_bytes())).expect_err("too many").to_string();
    assert!(error.contains("more than 100 attributes"), "{error}");
    let few = Options { most_points: 2, ..Options::default() };
    let error = osm(&Source::from(xml().as_str()), &few).expect_err("too many").to_string();
    assert!(error.contains("is too large") && error.contains("osmium extract"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A changed byte is an error or another map, and never a panic.
    #[test]
    fn no_change_is_too_odd(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), packing in 0..3) {
        let text = xml();
        let mut bytes = match packing {
            0 => text.into_bytes(),
            1 => gz(text.as_bytes()),
            _ => bz2(text.as_bytes()),
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Err(error) = import(bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
