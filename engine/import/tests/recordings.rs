//! Real extracts of OpenStreetMap: counts, how connected the streets are, and names that last.
//!
//! The extracts (ODbL) are not part of the repository: they are looked for in `../shared/data` beside it, or where
//! `VLOT_TEST_DATA` points. Without them these tests fail.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use vlot_import::read::{Element, Source, Tags, Wanted, elements};
use vlot_import::{Gap, Imported, Options, osm};
use vlot_model::{LinkId, Mode, RoadNetwork};

fn extract(name: &str) -> PathBuf {
    let folder = match std::env::var_os("VLOT_TEST_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    let path = folder.join("osm").join(name);
    assert!(path.is_file(), "no extract {}: set VLOT_TEST_DATA", path.display());
    path
}

fn kempen() -> PathBuf {
    extract("kempen_be_lille_vorselaar_2019.osm.pbf")
}

fn import(source: &Source) -> Imported {
    osm(source, &Options::default()).unwrap()
}

fn ids(network: &RoadNetwork) -> BTreeSet<LinkId> {
    network.links.iter().map(|link| link.id).collect()
}

fn share(imported: &Imported, mode: Mode) -> f64 {
    imported.report.connected.iter().find(|island| island.mode == mode).unwrap().share().unwrap()
}

/// Every link is whole, lies where its nodes are, and is its opposite's opposite; every turn leads over links that meet.
fn sound(network: &RoadNetwork) {
    for (i, link) in network.links.iter().enumerate() {
        let shape = network.shape(vlot_model::LinkIx::from_position(i));
        assert!(shape.len() >= 2 && link.length_m > 0.0 && link.free_flow_kmh > 0.0 && link.lanes > 0);
        assert_eq!(shape[0], network.nodes[link.from.at()]);
        assert_eq!(shape[shape.len() - 1], network.nodes[link.to.at()]);
        if let Some(opposite) = link.opposite {
            let back = network.link(opposite).unwrap();
            assert_eq!((back.from, back.to), (link.to, link.from));
            assert_eq!(back.opposite.unwrap().at(), i);
        }
    }
    for rule in network.access.iter().flat_map(|access| &access.rules) {
        assert_eq!(vlot_hours::wrong_hours(&rule.hours), None);
    }
}

#[test]
fn kempen_comes_whole() {
    let imported = import(&Source::from(kempen().as_path()));
    sound(&imported.network);
    assert_eq!((imported.report.links, imported.report.turns), (8_638, 25));
    assert!(share(&imported, Mode::Car) > 0.97 && share(&imported, Mode::Bicycle) > 0.99);
}

#[test]
fn porto_comes_whole() {
    let imported = import(&Source::from(extract("porto_portugal.osm.pbf").as_path()));
    sound(&imported.network);
    assert_eq!((imported.report.links, imported.report.turns), (206_161, 530));
    assert!(share(&imported, Mode::Car) > 0.99 && share(&imported, Mode::Bicycle) > 0.98);
}

/// The streets of an extract as OSM XML, after `change` had a look at each way's nodes.
fn as_xml(source: &Source, mut change: impl FnMut(i64, &mut Vec<i64>)) -> String {
    fn escaped(text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
    }
    fn put_tags(xml: &mut String, tags: Tags<'_>) {
        for (k, v) in tags.0 {
            write!(xml, "<tag k=\"{}\" v=\"{}\"/>", escaped(k), escaped(v)).unwrap();
        }
    }
    let (mut streets, mut used) = (String::new(), BTreeSet::new());
    elements(source, Wanted::WaysAndRelations, &mut |element| {
        match element {
            Element::Way { id, nodes, tags } if tags.get("highway").is_some() => {
                let mut nodes = nodes.to_vec();
                change(id, &mut nodes);
                used.extend(nodes.iter().copied());
                write!(streets, "<way id=\"{id}\">").unwrap();
                nodes.iter().for_each(|node| write!(streets, "<nd ref=\"{node}\"/>").unwrap());
                put_tags(&mut streets, tags);
                streets.push_str("</way>\n");
            }
            Element::Relation { id, members, tags } if tags.is("type", "restriction") => {
                write!(streets, "<relation id=\"{id}\">").unwrap();
                for member in members {
                    let kind = format!("{:?}", member.kind).to_lowercase();
                    let (id, role) = (member.id, escaped(member.role));
                    write!(streets, "<member type=\"{kind}\" ref=\"{id}\" role=\"{role}\"/>").unwrap();
                }
                put_tags(&mut streets, tags);
                streets.push_str("</relation>\n");
            }
            _ => {}
        }
        Ok(())
    })
    .unwrap();
    let mut xml = String::from("<?xml version='1.0' encoding='UTF-8'?>\n<osm version='0.6'>\n");
    elements(source, Wanted::Nodes, &mut |element| {
        if let Element::Node { id, place: Some(place), tags } = element
            && used.contains(&id)
        {
            let degrees = |e7: i32| f64::from(e7) / 1e7;
            let (lat, lon) = (degrees(place.lat_e7), degrees(place.lon_e7));
            write!(xml, "<node id=\"{id}\" lat=\"{lat:.7}\" lon=\"{lon:.7}\">").unwrap();
            put_tags(&mut xml, tags);
            xml.push_str("</node>\n");
        }
        Ok(())
    })
    .unwrap();
    xml + &streets + "</osm>\n"
}

#[test]
fn names_of_links_last() {
    let source = Source::from(kempen().as_path());
    let first = import(&source);
    assert_eq!(import(&source), first, "the same file, the same network");
    // The same map in another form.
    let other = import(&Source::from(as_xml(&source, |_, _| {}).as_str()));
    assert_eq!(other.network, first.network);
    // One way of many pieces loses its last node: all other names stay, and most of its own.
    let mut longest = (0, 0);
    elements(&source, Wanted::WaysAndRelations, &mut |element| {
        if let Element::Way { id, nodes, tags } = element
            && tags.is("highway", "tertiary")
        {
            longest = longest.max((nodes.len(), id));
        }
        Ok(())
    })
    .unwrap();
    let changed = import(&Source::from(
        as_xml(&source, |id, nodes| {
            if id == longest.1 {
                nodes.pop();
            }
        })
        .as_str(),
    ));
    let (before, after) = (ids(&first.network), ids(&changed.network));
    let (lost, new) = (before.difference(&after).count(), after.difference(&before).count());
    assert!((1..=8).contains(&lost) && (0..=8).contains(&new), "{lost} lost, {new} new");
}

#[test]
fn what_is_not_understood_is_said_with_examples() {
    let report = import(&Source::from(kempen().as_path())).report;
    for (gap, examples) in &report.gaps {
        assert!(examples.count > 0 && !examples.examples.is_empty(), "{gap:?}");
        assert!(examples.examples.len() <= 5);
    }
    assert!(report.gaps.contains_key(&Gap::MissingNodes) || report.gaps.contains_key(&Gap::Closed));
}
