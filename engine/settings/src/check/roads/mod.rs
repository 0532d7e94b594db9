//! roads.toml: the network, imported, made by hand, or both; and what stands where on it.

mod access;
mod changes;
mod place;
mod streets;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vlot_model::{City, LinkId, LinkIx, LonLat, Mode, NodeIx, Permission, RoadNetwork};
use vlot_network::path::usual;
use vlot_network::reach::largest_part;
use vlot_network::{Draft, Index};

use super::city::Area;
use super::registry::Names;
use super::{ROADS, whole_file};
pub(super) use place::{Thing, fit};

use crate::Source;
use crate::read::{FilePath, Number, Report, Table};
use crate::source::is_network;

/// Metres from which nothing is on a street by itself, unless the city says otherwise.
const SNAP_WITHIN_M: f64 = 60.0;

/// The city's streets, as far as other files can be placed on them.
pub(super) struct Roads {
    state: State,
    area: Area,
    pub(super) junctions: Names<NodeIx>,
    pub(super) roads: Names<[Option<LinkIx>; 2]>,
}

enum State {
    /// No file speaks of them.
    Absent,
    /// What speaks of them is wrong, which has been reported.
    Unknown,
    Known(Box<Known>),
}

/// A network with what is looked up in it.
pub(super) struct Known {
    pub(super) network: Arc<RoadNetwork>,
    snap_within_m: f64,
    /// By car and by bicycle.
    ways: [Ways; 2],
}

struct Ways {
    index: Index,
    /// Links that lead everywhere and are reached from everywhere.
    joined: Vec<bool>,
}

impl Default for Roads {
    fn default() -> Self {
        Roads {
            state: State::Absent,
            area: Area::default(),
            junctions: Names::new(ROADS, "[[junction]]"),
            roads: Names::new(ROADS, "[[road]]"),
        }
    }
}

impl Roads {
    /// The network, where there is one without fault.
    pub(super) fn known(&self) -> Option<&Known> {
        if let State::Known(known) = &self.state { Some(known) } else { None }
    }

    /// Whether no file speaks of streets.
    pub(super) fn absent(&self) -> bool {
        matches!(self.state, State::Absent)
    }
}

impl Known {
    fn ways(&self, mode: Mode) -> &Ways {
        &self.ways[usize::from(mode != Mode::Car)]
    }
}

/// Reads the file; `whole` says whether it could be.
pub(super) fn read(
    mut root: Table<'_>,
    (source, report): (&Source, &Report),
    (whole, area): (bool, &Area),
    city: &mut City,
) -> Roads {
    let mut roads = Roads { area: *area, ..Roads::default() };
    let before = report.count();
    let (imported, snap_within_m) = imported(&mut root, source);
    let mut draft = imported.as_ref().map_or_else(|| Draft::new(ROADS), Draft::of);
    let mut made = streets::read(&mut root, area, imported.as_ref(), &mut draft);
    let changed = changes::read(&mut root, &mut draft);
    let turns = turns::read(&mut root, &made, &mut draft);
    if source.file(ROADS).is_none() {
        return roads;
    }
    roads.state = State::Unknown;
    let numbers: Vec<(LinkId, [i64; 2])> = draft.links_mut().iter().map(|l| (l.id, l.nodes)).collect();
    if numbers.is_empty() && whole && report.count() == before {
        let hint = "name a network's file in [network], or add a [[road]]";
        whole_file(report, ROADS, "describes no street", hint);
    }
    // Behind a fault, islands may be of its making, and points none.
    if report.count() > before || !whole {
        return roads;
    }
    let untouched = made.roads.is_empty() && !changed && turns.is_empty();
    let network = match imported {
        Some(imported) if untouched => imported,
        _ => {
            let made = draft.make();
            for refused in made.refused {
                whole_file(
                    report,
                    ROADS,
                    &format!("gives a network with a fault: {refused}"),
                    "import it again",
                );
            }
            made.network
        }
    };
    let nodes: BTreeMap<i64, NodeIx> = numbers
        .iter()
        .filter(|_| !made.junctions.is_empty())
        .filter_map(|(id, ends)| Some((network.link(network.find(*id)?)?, ends)))
        .flat_map(|(link, ends)| [(ends[0], link.from), (ends[1], link.to)])
        .collect();
    for (id, junction) in &made.junctions {
        if let Some(node) = nodes.get(&junction.number) {
            roads.junctions.take(id, *node);
        }
    }
    for road in &made.roads {
        roads.roads.take(&road.id, road.links.map(|id| id.and_then(|id| network.find(id))));
    }
    let ways = [Mode::Car, Mode::Bicycle].map(|mode| {
        let usable = |link| usual(&network, link, mode) != Permission::No;
        Ways { index: Index::new(&network, usable), joined: largest_part(&network, usable) }
    });
    streets::reached(&mut made, &network, &ways);
    turns::lead_on(&turns, &network);
    if !ways[0].joined.contains(&true) {
        whole_file(report, ROADS, "has no street that cars may use", "closing every street is a slip");
    }
    if report.count() == before {
        let network = Arc::new(network);
        city.network = Some(Arc::clone(&network));
        roads.state = State::Known(Box::new(Known { network, snap_within_m, ways }));
    }
    roads
}

/// The imported network, where one is named, and how near things stand to their street.
fn imported(root: &mut Table<'_>, source: &Source) -> (Option<RoadNetwork>, f64) {
    let mut table = root.section("network");
    let snap_within_m = table.or("snap_within_m", Number(1.0..=1_000.0), &format!("{SNAP_WITHIN_M:.1}"));
    let named = table.optional("file", FilePath);
    let networks = source.binaries().filter(|(name, _)| is_network(name));
    for (name, _) in networks.filter(|(name, _)| named.as_deref() != Some(*name)) {
        if table.is_sound("file") {
            let hint = "name it as file of [network], or take it away: the fingerprint covers it";
            table.wrong(format!("does not name {name:?}, which lies there"), hint);
        }
    }
    let Some(name) = named else { return (None, snap_within_m) };
    let network = match source.binary(&name) {
        None => {
            let hint = "`vlot import osm` makes one; it lies beside roads.toml and its name ends in .vlotnet";
            table.problem("file", format!("{name:?} is not there"), hint);
            None
        }
        Some(bytes) => match vlot_network::read(bytes) {
            Ok(network) => Some(network),
            Err(error) => {
                // The error brings its own hint.
                let said = error.to_string();
                let (what, hint) = said.split_once(" (hint: ").unwrap_or((&said, "import it again"));
                table.problem("file", format!("{name:?} cannot be used: {what}"), hint.trim_end_matches(')'));
                None
            }
        },
    };
    (network, snap_within_m)
}

/// What is made by hand.
struct Made<'a> {
    junctions: BTreeMap<String, Junction>,
    roads: Vec<Road<'a>>,
}

/// A junction that roads name.
struct Junction {
    /// In the draft.
    number: i64,
    position: LonLat,
}

/// A road made by hand.
struct Road<'a> {
    id: String,
    /// From its beginning to its end, and back.
    links: [Option<LinkId>; 2],
    /// The numbers of its ends.
    ends: [i64; 2],
    table: Table<'a>,
}

impl Made<'_> {
    fn road(&self, id: &str) -> Option<&Road<'_>> {
        self.roads.iter().find(|road| road.id == id)
    }

    fn ids(&self) -> BTreeSet<&str> {
        self.roads.iter().map(|road| road.id.as_str()).collect()
    }
}

/// A number made of a name that changes with nothing but the name (64-bit FNV-1a), below 0: imported numbers are not.
fn number_of(name: &str) -> i64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    -1 - i64::try_from(hash >> 1).unwrap_or(0)
}
