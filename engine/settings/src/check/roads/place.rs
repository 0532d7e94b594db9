//! Where things stand on the network: `road`, `link` and `heading_deg` of whatever has a position.

use vlot_model::{City, DeviceIx, LinkId, LinkIx, LonLat, Mode, OnLink, RoadClass, RoadNetwork};
use vlot_network::geo;

use super::{Known, Roads, State};
use crate::read::{Id, LinkName, Number, Table};

/// Where a street is named, its thing may stand this far from it, metres.
const NAMED_WITHIN_M: f64 = 1_000.0;
/// A street goes in a direction if it is off by no more, degrees.
const HEADING_OFF_DEG: f64 = 60.0;
/// The other direction of a street is off by no less.
const OPPOSITE_DEG: f64 = 135.0;
/// Nearer than this to one another, two links are as near.
const AS_NEAR_M: f64 = 0.5;
/// Links that are looked at around one place.
const LOOKED_AT: usize = 64;

/// What a table says of its place on the network.
#[derive(Clone, Default)]
pub(in crate::check) struct Spot {
    road: Option<String>,
    link: Option<LinkId>,
    heading_deg: Option<f64>,
}

/// What stands somewhere.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::check) enum Thing {
    /// Where a car enters: never a motorway.
    Entrance,
    /// Where a cyclist enters, or what a cyclist reads.
    ForBicycles,
    /// Something read or measured from the street.
    AtTheStreet,
}

impl Thing {
    fn mode(self) -> Mode {
        if self == Thing::ForBicycles { Mode::Bicycle } else { Mode::Car }
    }

    fn who(self) -> &'static str {
        if self == Thing::ForBicycles { "bicycles" } else { "cars" }
    }
}

/// A place with the street's direction there.
#[derive(Clone, Copy)]
struct Near {
    on: OnLink,
    bearing_deg: f64,
    /// The place lies to the right of who travels.
    right: bool,
}

impl Spot {
    /// What it says, and where it says nothing, what `other` says.
    fn or(&self, other: &Spot) -> Spot {
        let named = self.road.is_some() || self.link.is_some();
        let street = if named { self } else { other };
        Spot {
            road: street.road.clone(),
            link: street.link,
            heading_deg: self.heading_deg.or(other.heading_deg),
        }
    }
}

impl Roads {
    /// Reads `road`, `link` and `heading_deg`.
    pub(in crate::check) fn spot(&self, table: &mut Table<'_>) -> Spot {
        let road = table.optional("road", Id);
        let link = table.optional("link", LinkName);
        let heading_deg = table.optional("heading_deg", Number(0.0..=360.0));
        if road.is_some() && link.is_some() {
            table.problem("link", "is given beside road", "a street is named in one way");
        }
        for key in ["road", "link", "heading_deg"].into_iter().filter(|key| table.has(key) && self.absent()) {
            table.problem(
                key,
                "speaks of streets, and there is no roads.toml",
                "add roads.toml, or leave it out",
            );
        }
        Spot { road, link, heading_deg }
    }

    /// Where something stands; what stands nowhere is reported. `None` without a network too.
    pub(in crate::check) fn place(
        &self,
        table: &Table<'_>,
        thing: Thing,
        position: LonLat,
        spot: &Spot,
    ) -> Option<OnLink> {
        let known = self.known()?;
        Some(self.near(known, table, thing, position, spot)?.first()?.on)
    }

    /// Places a station's detectors, each with its own table and spot; two without a heading count one direction each.
    pub(in crate::check) fn detectors(
        &self,
        city: &mut City,
        (station, position, at): (&Table<'_>, LonLat, &Spot),
        devices: &[(DeviceIx, Table<'_>, Spot)],
    ) {
        let Some(known) = self.known() else { return };
        city.placed.devices.resize(city.devices.len(), None);
        let undirected: Vec<_> =
            devices.iter().filter(|(_, _, own)| own.or(at).heading_deg.is_none()).collect();
        let mut put = |device: DeviceIx, on: Option<OnLink>| {
            if let Some(slot) = city.placed.devices.get_mut(device.at()) {
                *slot = on;
            }
        };
        for (device, table, own) in devices.iter().filter(|(_, _, own)| own.or(at).heading_deg.is_some()) {
            put(*device, self.place(table, Thing::AtTheStreet, position, &own.or(at)));
        }
        let Some((_, _, first)) = undirected.first() else { return };
        let spot = first.or(at);
        let Some(near) = self.near(known, station, Thing::AtTheStreet, position, &spot) else { return };
        let Some(nearest) = near.first() else { return };
        let name = |near: &Near| known.network.name(near.on.link);
        let other = near.iter().find(|near| {
            geo::turn_deg(near.bearing_deg, nearest.bearing_deg) >= OPPOSITE_DEG
                && name(near) == name(nearest)
        });
        let mut directions = vec![*nearest];
        directions.extend(other);
        directions.sort_by(|a, b| a.bearing_deg.total_cmp(&b.bearing_deg));
        if directions.len() == 2 && undirected.len() > 2 {
            let what = format!("has {} detectors in a street of two directions", undirected.len());
            station.wrong(what, "give each [[station.device]] its heading_deg, the direction that it counts");
            return;
        }
        if undirected.len() == 1 {
            directions = vec![*nearest];
        }
        for (at, (device, _, _)) in undirected.iter().enumerate() {
            put(*device, directions.get(at % directions.len()).map(|near| near.on));
        }
    }

    /// Links that the thing may stand on, the best first; nothing is reported.
    fn near(
        &self,
        known: &Known,
        table: &Table<'_>,
        thing: Thing,
        position: LonLat,
        spot: &Spot,
    ) -> Option<Vec<Near>> {
        // A position that is wrong has been reported.
        if !self.area.has(position) {
            return None;
        }
        let (network, ways) = (&*known.network, known.ways(thing.mode()));
        let (key, limit_m, found) = match (&spot.road, spot.link) {
            (Some(road), _) => {
                let links = self.roads.find(road, |what, hint| table.problem("road", what, hint))?;
                (
                    "road",
                    NAMED_WITHIN_M,
                    links.into_iter().flatten().filter_map(|l| on(network, l, position)).collect(),
                )
            }
            (None, Some(id)) => {
                let Some(link) = network.find(id) else {
                    table.problem(
                        "link",
                        format!("there is no link {:016x}", id.0),
                        "leave it out, and the nearest is taken",
                    );
                    return None;
                };
                ("link", NAMED_WITHIN_M, on(network, link, position).into_iter().collect())
            }
            (None, None) => {
                let mut near = ways.index.near(network, position, known.snap_within_m, LOOKED_AT);
                near.retain(|on| thing != Thing::Entrance || !is_motorway(network, on.link));
                ("", known.snap_within_m, near)
            }
        };
        let mut near: Vec<Near> = found
            .into_iter()
            .filter(|on: &OnLink| f64::from(on.distance_m) <= limit_m)
            .filter_map(|on| directed(network, on, position))
            .collect();
        let complain = |what: String, hint: &str| {
            if key.is_empty() { table.wrong(what, hint) } else { table.problem(key, what, hint) }
        };
        if near.is_empty() {
            let farther = ways.index.near(network, position, 5_000.0, 1);
            let who = thing.who();
            let what = match farther.first().filter(|_| key.is_empty()) {
                Some(on) => format!(
                    "stands {:.0} m from the nearest street that {who} may use, {}: more than {limit_m} m",
                    on.distance_m,
                    called(network, on.link)
                ),
                None => format!("stands more than {limit_m} m from there"),
            };
            complain(
                what,
                "correct its place, add its street to roads.toml, or name the street by road or link",
            );
            return None;
        }
        let joined = |near: &Near| ways.joined.get(near.on.link.at()).copied().unwrap_or_default();
        if !near.iter().any(joined) {
            let name = near.first().map_or_else(String::new, |near| called(network, near.on.link));
            let what =
                format!("stands at {name}, which {} cannot reach from the rest and leave", thing.who());
            complain(
                what,
                "join the street to the rest, correct who may use it, or name another by road or link",
            );
            return None;
        }
        near.retain(joined);
        if let Some(heading) = spot.heading_deg {
            let along = |near: &Near| geo::turn_deg(near.bearing_deg, heading) <= HEADING_OFF_DEG;
            if !near.iter().any(along) {
                let ways: Vec<_> =
                    near.iter().take(4).map(|near| format!("{:.0}", near.bearing_deg)).collect();
                let hint =
                    format!("degrees clockwise from north, of travel; streets there go {}", ways.join(", "));
                table.problem("heading_deg", format!("no street there goes towards {heading}"), hint);
                return None;
            }
            near.retain(along);
        }
        let nearest_m = near.iter().map(|near| near.on.distance_m).min_by(f32::total_cmp)?;
        #[expect(clippy::cast_possible_truncation, reason = "half a metre")]
        let tied = |near: &Near| near.on.distance_m <= nearest_m + AS_NEAR_M as f32;
        near.sort_by_key(|near| (!tied(near), tied(near) && !near.right));
        Some(near)
    }
}

/// As messages call a link's street.
fn called(network: &RoadNetwork, link: LinkIx) -> String {
    match (network.name(link), network.link(link)) {
        ("", Some(link)) => format!("link {:016x}", link.id.0),
        (name, _) => format!("{name:?}"),
    }
}

fn is_motorway(network: &RoadNetwork, link: LinkIx) -> bool {
    network.link(link).is_some_and(|link| link.class == RoadClass::Motorway)
}

fn on(network: &RoadNetwork, link: LinkIx, position: LonLat) -> Option<OnLink> {
    let at = geo::project(network.shape(link), position)?;
    #[expect(clippy::cast_possible_truncation, reason = "metres within a city")]
    let (offset_m, distance_m) = (at.along_m as f32, at.distance_m as f32);
    Some(OnLink { link, offset_m: offset_m.min(network.link(link)?.length_m), distance_m })
}

fn directed(network: &RoadNetwork, on: OnLink, position: LonLat) -> Option<Near> {
    let at = geo::project(network.shape(on.link), position)?;
    let side = (geo::bearing_deg(at.point, position) - at.bearing_deg).rem_euclid(360.0);
    Some(Near { on, bearing_deg: at.bearing_deg, right: at.distance_m > AS_NEAR_M && side < 180.0 })
}

/// Makes room for everything that stands on the network, or none without one.
pub(in crate::check) fn fit(city: &mut City, roads: &Roads) {
    if matches!(roads.state, State::Known(_)) {
        city.placed.devices.resize(city.devices.len(), None);
    } else {
        city.placed = vlot_model::Placed::default();
    }
}
