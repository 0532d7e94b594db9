//! `[[corridor]]` and `[[pair]]` of traffic.toml: stretches of the network, laid out when the configuration is read.

use std::time::Duration;

use vlot_model::{
    City, Corridor, CorridorIx, DeviceIx, DeviceKind, LinkIx, LonLat, Mode, OnLink, Pair, PairIx,
    RoadNetwork, Role,
};
use vlot_network::geo;
use vlot_network::path::{Path, shortest, shortest_of};

use super::registry::{Names, Registry};
use super::roads::Known;
use super::{TRAFFIC, WHILE};
use crate::read::{Id, Ids, Span, Table, Text, written};

/// Travel times that make sense at all.
const TRAVEL_TIME: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(6);
/// A reader reads the streets this far around it, metres.
const READS_WITHIN_M: f64 = 60.0;
/// And among those, the ones that are this much farther than the nearest.
const AS_NEAR_M: f32 = 5.0;
/// Less of a link is none of it, metres.
const SHORTEST_M: f32 = 1.0;

pub(super) fn corridors(root: &mut Table<'_>, city: &mut City, registry: &Registry) {
    let mut names = Names::new(TRAFFIC, "[[corridor]]");
    for mut table in root.tables("corridor") {
        let id = table.required("id", Id);
        let name = table.required("name", Text(80));
        if !names.take(&id, CorridorIx::from_position(city.corridors.len())) {
            table.problem("id", format!("{id:?} is taken"), "every corridor has an id of its own");
        }
        let links = corridor(&mut table, registry);
        city.corridors.push(Corridor { id: id.into(), name, links: links.unwrap_or_default() });
    }
}

/// The links of a corridor; `None` where something is wrong, which is reported.
fn corridor(table: &mut Table<'_>, registry: &Registry) -> Option<Vec<LinkIx>> {
    let from = table.optional("from", Id);
    let via = table.or("via", Ids, "[]");
    let to = table.optional("to", Id);
    let by_roads = table.or("roads", Ids, "[]");
    if by_roads.is_empty() == (from.is_none() && to.is_none()) || from.is_some() != to.is_some() {
        if table.is_sound("roads") && table.is_sound("from") && table.is_sound("to") {
            table.wrong(
                "needs either from and to, or roads",
                "junctions at its ends, or roads one after another",
            );
        }
        return None;
    }
    let known = known(table, registry)?;
    if let (Some(from), Some(to)) = (from, to) {
        let stops: Vec<_> = std::iter::once(("from", &from))
            .chain(via.iter().map(|id| ("via", id)))
            .chain(std::iter::once(("to", &to)))
            .map(|(key, id)| registry.roads.junctions.find(id, |what, hint| table.problem(key, what, hint)))
            .collect::<Option<_>>()?;
        let way = by_junctions(&known.network, &stops);
        if way.is_none() {
            table.wrong(
                "has no way for cars from one of its junctions to the next",
                "name junctions in order of travel",
            );
        }
        return way;
    }
    let roads: Vec<_> = by_roads
        .iter()
        .map(|id| registry.roads.roads.find(id, |what, hint| table.problem("roads", what, hint)))
        .collect::<Option<_>>()?;
    let way = by_road(&known.network, &roads);
    if way.is_none() {
        table.problem("roads", "do not meet end to end", "name them in order of travel");
    }
    way
}

/// The network; where there is none, or none without fault, that is said once.
fn known<'r>(table: &Table<'_>, registry: &'r Registry) -> Option<&'r Known> {
    if registry.roads.absent() {
        table.wrong("lies on streets, and there is no roads.toml", "add roads.toml");
    }
    registry.roads.known()
}

fn free_flow(network: &RoadNetwork) -> impl Fn(LinkIx) -> Option<f64> {
    |link| network.link(link).map(|link| f64::from(link.free_flow_s()))
}

/// The quickest way along junctions when nothing disturbs.
fn by_junctions(network: &RoadNetwork, stops: &[vlot_model::NodeIx]) -> Option<Vec<LinkIx>> {
    let links = || network.links.iter().enumerate().map(|(at, link)| (LinkIx::from_position(at), link));
    let mut way: Vec<LinkIx> = Vec::new();
    for leg in stops.windows(2) {
        let into: Vec<_> = links().filter(|(_, link)| link.to == leg[1]).map(|(ix, _)| ix).collect();
        let out: Vec<_> = links().filter(|(_, link)| link.from == leg[0]).map(|(ix, _)| ix).collect();
        match way.last() {
            None => way = shortest_of(network, None, Mode::Car, &out, &into, free_flow(network))?.links,
            Some(last) => {
                // From the last link on, so that turns at the stop count as well.
                let starts = [*last];
                let leg = shortest_of(network, None, Mode::Car, &starts, &into, free_flow(network))?;
                way.extend(leg.links.into_iter().skip(1));
            }
        }
    }
    Some(way)
}

/// Roads end to end, each in the direction in which it meets the next.
fn by_road(network: &RoadNetwork, roads: &[[Option<LinkIx>; 2]]) -> Option<Vec<LinkIx>> {
    let start = |link: LinkIx| network.link(link).map(|link| link.from);
    let end = |link: LinkIx| network.link(link).map(|link| link.to);
    let mut ways: Vec<Vec<LinkIx>> = roads.first()?.iter().flatten().map(|link| vec![*link]).collect();
    for road in roads.iter().skip(1) {
        let mut longer = Vec::new();
        for way in &ways {
            for link in road.iter().flatten() {
                if way.last().is_some_and(|last| end(*last) == start(*link)) {
                    longer.push([way.as_slice(), &[*link]].concat());
                }
            }
        }
        ways = longer;
    }
    // One road alone goes in its own direction.
    ways.into_iter().next()
}

/// Readers by name, with their place.
pub(super) type Readers = Names<(DeviceIx, usize)>;

pub(super) fn pairs(
    root: &mut Table<'_>,
    (readers, places): (&Readers, &[LonLat]),
    city: &mut City,
    registry: &mut Registry,
) {
    for mut table in root.tables("pair") {
        let id = table.required("id", Id);
        let [from, to] = ["from", "to"].map(|key| {
            let reader = table.required(key, Id);
            readers.find(&reader, |what, hint| table.problem(key, what, hint))
        });
        let min = table.required("min", Span(TRAVEL_TIME));
        let max = table.required("max", Span(TRAVEL_TIME));
        let silent_after = table.or("silent_after", Span(WHILE), "\"30m\"");
        let sound = table.is_sound("min") && table.is_sound("max");
        if sound && min >= max {
            table.problem("max", "is not longer than min", "between the two lies what a drive may take");
        }
        let links = from.zip(to).zip(known(&table, registry)).and_then(|((from, to), known)| {
            let place = |at: usize| places.get(at).copied();
            let (a, b) = (place(from.1)?, place(to.1)?);
            let way = between(&known.network, a, b);
            match &way {
                None => table.wrong(
                    "has no way for cars from one reader to the other",
                    "is \"from\" the first of the two?",
                ),
                Some(way) if sound && min < max => {
                    let free_s = way.cost;
                    if !(min.as_secs_f64()..max.as_secs_f64()).contains(&free_s) {
                        let free = Duration::try_from_secs_f64(free_s.round().max(1.0));
                        let free = free.map_or_else(|_| "time".to_owned(), written);
                        let what = format!("leaves no room for the {free} that an undisturbed car takes");
                        table.problem("max", what, "min lies below it and max well above");
                    }
                }
                Some(_) => {}
            }
            way
        });
        let index = PairIx::from_position(city.pairs.len());
        let role = Role::Pair { pair: index };
        let device = registry.device_of(city, &table, ("id", &id), (DeviceKind::Pair, role), silent_after);
        let [from, to] = [from, to].map(|reader| reader.map_or_else(DeviceIx::default, |(device, _)| device));
        let links = links.map(|way| way.links).unwrap_or_default();
        city.pairs.push(Pair { id: id.into(), from, to, links, min, max, device });
    }
}

/// The quickest way from where one reader stands to where another does. A link of which less than half lies between the two is
/// left out.
fn between(network: &RoadNetwork, a: LonLat, b: LonLat) -> Option<Path> {
    let length_m = |on: &OnLink| network.link(on.link).map_or(0.0, |link| link.length_m);
    // A reader at a junction stands at the end of some links and at the start of others: the way begins and ends with what is ahead.
    let ahead = |on: &OnLink| length_m(on) - on.offset_m >= SHORTEST_M;
    let behind = |on: &OnLink| on.offset_m >= SHORTEST_M;
    let starts: Vec<_> = around(network, a).into_iter().filter(ahead).collect();
    let goals: Vec<_> = around(network, b).into_iter().filter(behind).collect();
    let seconds =
        |on: &OnLink, metres: f32| network.link(on.link).map(|l| f64::from(metres * 3.6 / l.free_flow_kmh));
    let mut best: Option<(Path, OnLink, OnLink)> = None;
    for start in &starts {
        for goal in &goals {
            if start.link == goal.link && goal.offset_m <= start.offset_m {
                continue;
            }
            let found = shortest(network, None, Mode::Car, start.link, goal.link, free_flow(network));
            let Some(mut path) = found else { continue };
            let beyond = length_m(goal) - goal.offset_m;
            path.cost -= seconds(start, start.offset_m)? + seconds(goal, beyond)?;
            if best.as_ref().is_none_or(|(best, ..)| path.cost < best.cost) {
                best = Some((path, *start, *goal));
            }
        }
    }
    let (mut path, start, goal) = best?;
    let half = |on: &OnLink| length_m(on) / 2.0;
    if path.links.len() > 1 && goal.offset_m < half(&goal) {
        path.links.pop();
    }
    if path.links.len() > 1 && start.offset_m > half(&start) {
        path.links.remove(0);
    }
    Some(path)
}

/// Links that a reader reads: the nearest, and what is as near.
pub(super) fn around(network: &RoadNetwork, place: LonLat) -> Vec<OnLink> {
    let car = |link| vlot_network::path::usual(network, link, Mode::Car) != vlot_model::Permission::No;
    let mut near: Vec<OnLink> = (0..network.links.len())
        .map(LinkIx::from_position)
        .filter(|link| car(*link))
        .filter_map(|link| {
            let at = geo::project(network.shape(link), place)?;
            #[expect(clippy::cast_possible_truncation, reason = "metres within a city")]
            let (offset_m, distance_m) = (at.along_m as f32, at.distance_m as f32);
            (at.distance_m <= READS_WITHIN_M).then_some(OnLink { link, offset_m, distance_m })
        })
        .collect();
    near.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then(a.link.cmp(&b.link)));
    let nearest = near.first().map_or(0.0, |on| on.distance_m);
    near.retain(|on| on.distance_m <= nearest + AS_NEAR_M);
    near
}
