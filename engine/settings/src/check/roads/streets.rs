//! `[[junction]]` and `[[road]]`: streets made by hand.

use std::collections::BTreeMap;

use vlot_model::{Access, LinkIx, LonLat, Mode, Permission, RoadClass, RoadNetwork};
use vlot_network::path::usual;
use vlot_network::{Draft, DraftLink, geo};

use super::super::city::Area;
use super::super::registry::Names;
use super::{Junction, Made, ROADS, Road, Ways, access, number_of};
use crate::read::{Among, Course, Id, Named, Number, Table, Text, Truth, Whole};

/// A junction is joined to the imported one that is nearest, within this many metres.
const JOIN_WITHIN_M: f64 = 50.0;
/// Junctions of one place would be streets of no length.
const APART_M: f64 = 1.0;

/// What may be driven against the direction of a road.
#[derive(Clone, Copy, PartialEq)]
enum Oneway {
    No,
    Yes,
    Motors,
}

const ONEWAY: [(&str, Oneway); 3] = [("no", Oneway::No), ("yes", Oneway::Yes), ("motor", Oneway::Motors)];

pub(super) fn read<'a>(
    root: &mut Table<'a>,
    area: &Area,
    imported: Option<&RoadNetwork>,
    draft: &mut Draft,
) -> Made<'a> {
    let mut names = Names::new(ROADS, "[[junction]]");
    let mut tables = Vec::new();
    let mut junctions: BTreeMap<String, Junction> = BTreeMap::new();
    for mut table in root.tables("junction") {
        let id = table.required("id", Id);
        let position = area.position(&mut table);
        let join = table.or("join", Truth, "false");
        if !names.take(&id, ()) {
            table.problem("id", format!("{id:?} is taken"), "every junction has an id of its own");
        }
        let junction = if join {
            joined(&table, position, imported)
        } else {
            Junction { number: number_of(&id), position }
        };
        junctions.entry(id.clone()).or_insert(junction);
        tables.push((id, table));
    }
    let mut roads: Vec<Road<'a>> = Vec::new();
    let mut taken = Names::new(ROADS, "[[road]]");
    let mut used = std::collections::BTreeSet::new();
    for mut table in root.tables("road") {
        let (id, ends) = (table.required("id", Id), ends(&mut table, &names));
        used.extend(ends.clone());
        let found = ends.map(|end| junctions.get(&end));
        let course = table.or("via", Course, "[]");
        if course.iter().any(|point| !area.has(*point)) {
            table.problem(
                "via",
                "leaves the city's box",
                "a point is [latitude, longitude]; else widen [area]",
            );
        }
        if !taken.take(&id, ()) {
            table.problem("id", format!("{id:?} is taken"), "every road has an id of its own");
        }
        let [there, back] = links(&mut table, &id, found, &course);
        let links = [&there, &back].map(|link| link.as_ref().map(|link| link.id));
        let numbers = found.map(|junction| junction.map_or(0, |junction| junction.number));
        for link in [there, back].into_iter().flatten() {
            draft.link(link);
        }
        roads.push(Road { id, links, ends: numbers, table });
    }
    for (id, table) in tables.iter().filter(|(id, _)| !id.is_empty() && !used.contains(id)) {
        if !roads.is_empty() || imported.is_none() {
            let joined = junctions.get(id).is_some_and(|junction| junction.number >= 0);
            if !joined {
                table.wrong("is where no road begins or ends", "add its road, or remove it");
            }
        }
    }
    Made { junctions, roads }
}

/// The imported junction that is meant.
fn joined(table: &Table<'_>, position: LonLat, imported: Option<&RoadNetwork>) -> Junction {
    let fallback = Junction { number: -1, position };
    let Some(network) = imported else {
        table.problem(
            "join",
            "has no imported network to join",
            "name its file in [network], or leave it out",
        );
        return fallback;
    };
    let distances = network.nodes.iter().map(|node| geo::distance_m(*node, position)).enumerate();
    let nearest = distances.min_by(|a, b| a.1.total_cmp(&b.1));
    match nearest.filter(|(_, distance)| *distance <= JOIN_WITHIN_M) {
        Some((at, _)) => Junction {
            number: i64::try_from(at).unwrap_or(-1),
            position: network.nodes.get(at).copied().unwrap_or(position),
        },
        None => {
            // A position that cannot be read has been reported.
            if position.lat.is_finite() && position.lon.is_finite() {
                let what = format!("no junction of the imported network is within {JOIN_WITHIN_M} m");
                table.problem("join", what, "give the place of the junction that it is");
            }
            fallback
        }
    }
}

fn ends(table: &mut Table<'_>, names: &Names<()>) -> [String; 2] {
    ["from", "to"].map(|key| {
        let id = table.required(key, Id);
        names.find(&id, |what, hint| table.problem(key, what, hint));
        id
    })
}

/// The links of a road, there and back.
fn links(
    table: &mut Table<'_>,
    id: &str,
    ends: [Option<&Junction>; 2],
    course: &[LonLat],
) -> [Option<DraftLink>; 2] {
    let class = table.required("class", Named::or_stand_in(RoadClass::Unclassified));
    let speed_kmh = table.required("speed_kmh", Number(3.0..=130.0));
    let lanes = table.or("lanes", Whole(1..=12), "1");
    let lanes_back = table.optional("lanes_back", Whole(1..=12));
    let name = table.optional("name", Text(80)).unwrap_or_default();
    let oneway = table.or("oneway", Among(&ONEWAY), "\"no\"");
    let mut open = Access { always: access::of_class(class), ..Access::default() };
    access::read(table, &mut open);
    if lanes_back.is_some() && oneway == Oneway::Yes {
        table.problem("lanes_back", "is given, and nobody drives back", "leave it out, or leave out oneway");
    }
    let [Some(from), Some(to)] = ends else { return [None, None] };
    let points: Vec<_> = std::iter::once(from.position)
        .chain(course.iter().copied())
        .chain(std::iter::once(to.position))
        .collect();
    if from.number == to.number || geo::distance_m(from.position, to.position) < APART_M && course.is_empty()
    {
        table.problem("to", "is where it begins", "a road leads from one junction to another: cut it in two");
        return [None, None];
    }
    let (way, numbers) = (number_of(id), [from.number, to.number]);
    // By its own name and direction alone: a junction that is renamed or moved makes no other street.
    let names = [[0, 1], [1, 0]].map(|direction| DraftLink::id_of(way, direction, 0));
    #[expect(clippy::cast_possible_truncation, reason = "a speed within bounds")]
    let there = DraftLink {
        points: points.clone(),
        free_flow_kmh: speed_kmh as f32,
        lanes,
        name,
        access: open,
        opposite: (oneway != Oneway::Yes).then_some(names[1]),
        ..DraftLink::new(numbers, names[0].0, class)
    };
    let back = (oneway != Oneway::Yes).then(|| {
        let mut back = DraftLink {
            id: names[1],
            nodes: [to.number, from.number],
            points: points.into_iter().rev().collect(),
            lanes: lanes_back.unwrap_or(lanes),
            opposite: Some(names[0]),
            ..there.clone()
        };
        if oneway == Oneway::Motors {
            access::without_motors(&mut back.access);
        }
        back
    });
    [Some(there), back]
}

/// Reports roads that cannot be reached, or not be left: islands and one-way traps.
pub(super) fn reached(made: &mut Made<'_>, network: &RoadNetwork, ways: &[Ways; 2]) {
    for road in &made.roads {
        let links: Vec<LinkIx> = road.links.iter().flatten().filter_map(|id| network.find(*id)).collect();
        for (ways, (mode, who)) in ways.iter().zip([(Mode::Car, "cars"), (Mode::Bicycle, "bicycles")]) {
            let used: Vec<_> =
                links.iter().filter(|link| usual(network, **link, mode) != Permission::No).collect();
            if used.is_empty() {
                continue;
            }
            if used.iter().any(|link| !ways.joined.get(link.at()).copied().unwrap_or_default()) {
                let what =
                    format!("is an island or a trap: {who} cannot come to it from the rest and go back");
                road.table.wrong(what, "join it to the rest, or correct oneway and access there");
            }
            break;
        }
    }
}
