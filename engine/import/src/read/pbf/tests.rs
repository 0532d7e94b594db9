//! A small file of OSM PBF, made with the same messages, whole and damaged.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;
use prost::Message;

use super::messages::{DenseNodes, Node, PrimitiveGroup, Relation, StringTable, Way};
use super::*;
use crate::read::Source;
use crate::{Imported, Options, osm};

fn blob(kind: &str, data: Blob) -> Vec<u8> {
    let data = data.encode_to_vec();
    let datasize = i32::try_from(data.len()).unwrap();
    let header = BlobHeader { kind: kind.into(), datasize }.encode_to_vec();
    let length = u32::try_from(header.len()).unwrap().to_be_bytes();
    [length.as_slice(), &header, &data].concat()
}

fn zlib(bytes: &[u8]) -> Blob {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    Blob {
        raw_size: i32::try_from(bytes.len()).ok(),
        zlib: Some(packed.finish().unwrap()),
        ..Blob::default()
    }
}

fn raw(bytes: &[u8]) -> Blob {
    Blob { raw: Some(bytes.to_vec()), ..Blob::default() }
}

fn head(features: &[&str]) -> Vec<u8> {
    let required_features = features.iter().map(|f| (*f).to_owned()).collect();
    blob("OSMHeader", raw(&HeaderBlock { required_features }.encode_to_vec()))
}

/// Three nodes, two ways, one restriction; `scale` writes places in another grain.
fn block(scale: i64) -> Vec<u8> {
    let texts = [
        "",
        "highway",
        "primary",
        "barrier",
        "gate",
        "type",
        "restriction",
        "no_u_turn",
        "from",
        "via",
        "to",
    ];
    let at = |n: i64| n * 100 / scale;
    let dense = DenseNodes {
        id: vec![1, 1],
        lat: vec![at(508_800_000), at(10_000)],
        lon: vec![at(47_000_000), at(10_000)],
        keys_vals: vec![0, 3, 4, 0],
    };
    let single = Node { id: 3, keys: vec![], vals: vec![], lat: at(508_830_000), lon: at(47_050_000) };
    let way = |id, refs| Way { id, keys: vec![1], vals: vec![2], refs };
    let relation = Relation {
        id: 9,
        keys: vec![5, 6],
        vals: vec![6, 7],
        roles_sid: vec![8, 9, 10],
        memids: vec![7, -5, 6],
        types: vec![1, 0, 1],
    };
    let group = |fill: &dyn Fn(&mut PrimitiveGroup)| {
        let mut group = PrimitiveGroup::default();
        fill(&mut group);
        group
    };
    PrimitiveBlock {
        strings: Some(StringTable { s: texts.iter().map(|t| t.as_bytes().to_vec()).collect() }),
        groups: vec![
            group(&|g| g.dense = Some(dense.clone())),
            group(&|g| g.nodes = vec![single.clone()]),
            group(&|g| g.ways = vec![way(7, vec![1, 1]), way(8, vec![2, 1])]),
            group(&|g| g.relations = vec![relation.clone()]),
        ],
        granularity: (scale != 100).then(|| i32::try_from(scale).unwrap()),
        lat_offset: None,
        lon_offset: None,
    }
    .encode_to_vec()
}

fn file(data: Blob) -> Vec<u8> {
    [head(&["OsmSchema-V0.6", "DenseNodes"]), blob("OSMData", data)].concat()
}

fn import(bytes: Vec<u8>) -> Result<Imported, ImportError> {
    osm(&Source::from(bytes), &Options::default())
}

#[test]
fn it_is_the_same_map_as_in_xml() {
    let xml = "<osm><node id='1' lat='50.88' lon='4.70'/>
        <node id='2' lat='50.881' lon='4.701'><tag k='barrier' v='gate'/></node>
        <node id='3' lat='50.883' lon='4.705'/>
        <way id='7'><nd ref='1'/><nd ref='2'/><tag k='highway' v='primary'/></way>
        <way id='8'><nd ref='2'/><nd ref='3'/><tag k='highway' v='primary'/></way>
        <relation id='9'><member type='way' ref='7' role='from'/><member type='node' ref='2' role='via'/>
        <member type='way' ref='8' role='to'/><tag k='type' v='restriction'/>
        <tag k='restriction' v='no_u_turn'/></relation></osm>";
    let expected = import(xml.into()).unwrap();
    assert_eq!((expected.network.links.len(), expected.network.turns.len()), (4, 3));
    for data in [zlib(&block(100)), raw(&block(100)), zlib(&block(1_000)), zlib(&block(1))] {
        assert_eq!(import(file(data)).unwrap(), expected);
    }
    // Blobs of kinds that others add are passed over.
    let with_index = [file(zlib(&block(100))), blob("Index", raw(b"xyz"))].concat();
    assert_eq!(import(with_index).unwrap(), expected);
}

#[test]
fn a_file_cut_short_is_an_error_that_says_where() {
    let whole = file(zlib(&block(100)));
    for cut in 0..whole.len() {
        let error = import(whole[..cut].to_vec()).expect_err("it was cut").to_string();
        assert!(error.contains("(hint: "), "{cut}: {error}");
    }
    let error = import(whole[..whole.len() - 3].to_vec()).expect_err("it was cut").to_string();
    assert!(error.contains("(block 2): the file ends after"), "{error}");
}

#[test]
fn what_is_not_read_says_what_is() {
    let history = [head(&["HistoricalInformation"]), blob("OSMData", zlib(&block(100)))].concat();
    let zstd = file(Blob { zstd: Some(vec![1]), ..Blob::default() });
    let wrong_size = file(Blob { raw_size: Some(3), ..zlib(&block(100)) });
    let huge = [head(&[]), blob("OSMData", zlib(&vec![0; 33 << 20]))].concat();
    for (bytes, expected) in [
        (history, "\"HistoricalInformation\""),
        (zstd, "packed with Zstandard"),
        (wrong_size, "not to what it says"),
        (huge, "not to what it says"),
        (file(Blob::default()), "a block without data"),
    ] {
        let error = import(bytes).expect_err("not read").to_string();
        assert!(error.contains(expected) && error.contains("(hint: "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Nothing guards these bytes: every change comes through to the messages.
    #[test]
    fn no_change_is_too_odd(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
        let mut bytes = file(raw(&block(100)));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Err(error) = import(bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
