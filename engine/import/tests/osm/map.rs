//! Small maps, written by hand: nodes are letters, a way or relation is a line.

use std::fmt::Write as _;

use vlot_import::read::Source;
use vlot_import::{Imported, Options, osm};
use vlot_model::{Link, LinkIx, LonLat, Mode, Permission, RoadNetwork};

/// One element a line; `_` stands for a blank in values.
///
/// - `way 7 abc highway=primary`: a way through the nodes a, b and c
/// - `node b barrier=bollard`
/// - `turn 3 from=7 via=b to=8 restriction=no_left_turn`: `~` for a blank in values here; `via=7,8` for ways
pub(crate) fn xml(map: &str) -> String {
    let lines = || map.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut nodes = String::new();
    for (i, letter) in ('a'..='z').enumerate() {
        let place = place(i);
        write!(nodes, "<node id=\"{}\" lat=\"{:.7}\" lon=\"{:.7}\">", i + 1, place.lat, place.lon).unwrap();
        let own = lines().filter_map(|line| line.strip_prefix(&format!("node {letter} ")));
        own.for_each(|text| put_tags(&mut nodes, text.split_whitespace()));
        nodes.push_str("</node>\n");
    }
    let (mut ways, mut relations) = (String::new(), String::new());
    for line in lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("way"), Some(id)) => {
                write!(ways, "<way id=\"{id}\">").unwrap();
                for letter in words.next().unwrap().chars() {
                    write!(ways, "<nd ref=\"{}\"/>", number(letter)).unwrap();
                }
                put_tags(&mut ways, words);
                ways.push_str("</way>\n");
            }
            (Some("turn"), Some(id)) => {
                write!(relations, "<relation id=\"{id}\">").unwrap();
                for _ in 0..3 {
                    let (role, ids) = words.next().unwrap().split_once('=').unwrap();
                    for id in ids.split(',') {
                        let letter = id.chars().next().filter(char::is_ascii_lowercase);
                        let (kind, id) =
                            letter.map_or(("way", id.to_owned()), |l| ("node", number(l).to_string()));
                        write!(relations, "<member type=\"{kind}\" ref=\"{id}\" role=\"{role}\"/>").unwrap();
                    }
                }
                put_tags(&mut relations, words.chain(["type=restriction"]));
                relations.push_str("</relation>\n");
            }
            _ => {}
        }
    }
    format!("<?xml version=\"1.0\"?>\n<osm version=\"0.6\">\n{nodes}{ways}{relations}</osm>\n")
}

fn put_tags<'a>(xml: &mut String, tags: impl Iterator<Item = &'a str>) {
    for (k, v) in tags.map(|tag| tag.split_once('=').unwrap()) {
        let v = v.replace('~', " ").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        write!(xml, "<tag k=\"{k}\" v=\"{v}\"/>").unwrap();
    }
}

fn number(letter: char) -> usize {
    letter as usize - 'a' as usize + 1
}

/// Each node has a place of its own.
fn place(i: usize) -> LonLat {
    LonLat { lon: (47_000 + 10 * i) as f64 / 1e4, lat: (508_800 + i * i % 7) as f64 / 1e4 }
}

pub(crate) fn import(map: &str) -> Imported {
    osm(&Source::from(xml(map).as_str()), &Options::default()).unwrap()
}

pub(crate) fn letter(network: &RoadNetwork, node: vlot_model::NodeIx) -> char {
    let at = network.nodes[node.at()];
    let i = (0..26).find(|i| (place(*i).lon - at.lon).abs() < 1e-6).unwrap();
    char::from(b'a' + u8::try_from(i).unwrap())
}

/// `a>c`.
pub(crate) fn ends(network: &RoadNetwork, link: &Link) -> String {
    format!("{}>{}", letter(network, link.from), letter(network, link.to))
}

/// Modes as C, B, F and U (bus), small where only for who has business there.
pub(crate) fn modes(network: &RoadNetwork, link: &Link) -> String {
    let access = &network.access[link.access as usize];
    let letters = [(Mode::Car, 'C'), (Mode::Bicycle, 'B'), (Mode::Foot, 'F'), (Mode::Bus, 'U')];
    let shown = letters.iter().filter_map(|(mode, letter)| match access.usual(*mode) {
        Permission::Yes => Some(*letter),
        Permission::Destination => Some(letter.to_ascii_lowercase()),
        Permission::No => None,
    });
    shown.collect()
}

/// All links as `a>c CBFU`, sorted.
pub(crate) fn links(network: &RoadNetwork) -> Vec<String> {
    let mut shown: Vec<_> = network
        .links
        .iter()
        .map(|link| format!("{} {}", ends(network, link), modes(network, link)))
        .collect();
    shown.sort();
    shown
}

/// All turns as `no a>b b>c CBU`, sorted; hours at the end.
pub(crate) fn turns(network: &RoadNetwork) -> Vec<String> {
    let name = |link: &LinkIx| ends(network, network.link(*link).unwrap());
    let letters = [(Mode::Car, 'C'), (Mode::Bicycle, 'B'), (Mode::Foot, 'F'), (Mode::Bus, 'U')];
    let mut shown: Vec<_> = network
        .turns
        .iter()
        .map(|turn| {
            let links: Vec<_> = [turn.from].iter().chain(&turn.via).chain([&turn.to]).map(name).collect();
            let modes: String = letters.iter().filter(|l| turn.modes.has(l.0)).map(|l| l.1).collect();
            let hours = turn.hours.as_deref().map_or(String::new(), |hours| format!(" {hours}"));
            format!("{} {} {modes}{hours}", if turn.only { "only" } else { "no" }, links.join(" "))
        })
        .collect();
    shown.sort();
    shown
}
