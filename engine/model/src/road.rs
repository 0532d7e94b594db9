//! The road network: directed links between junctions, who may use them when, and which turns are forbidden.
//!
//! Pure data, made by `network` (an import, a city's own file, or both) and never changed while the engine runs.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{LinkIx, LonLat, NodeIx};

/// The lasting name of a directed link: the same over re-imports, as long as the street stays what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkId(pub u64);

/// All streets and paths that the city knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoadNetwork {
    /// Where it came from, for people: a file's name and date.
    pub source: String,
    /// Junctions and ends, by [`NodeIx`].
    pub nodes: Vec<LonLat>,
    /// By [`LinkIx`]; sorted by [`Link::id`], which is unique.
    pub links: Vec<Link>,
    /// Points of all links, end points included, in the direction of travel.
    pub points: Vec<LonLat>,
    /// Turns that are forbidden or the only ones allowed.
    pub turns: Vec<Turn>,
    /// Who may use a link when; links share what is alike. The first is the rule of a link that says nothing.
    pub access: Vec<Access>,
    /// Street names; the first is empty.
    pub names: Vec<Box<str>>,
}

impl RoadNetwork {
    /// The link of that lasting name.
    #[must_use]
    pub fn find(&self, id: LinkId) -> Option<LinkIx> {
        self.links.binary_search_by_key(&id, |link| link.id).ok().map(LinkIx::from_position)
    }

    /// The link.
    #[must_use]
    pub fn link(&self, link: LinkIx) -> Option<&Link> {
        self.links.get(link.at())
    }

    /// A link's points from its start to its end, at least two; empty for a link that is not of this network.
    #[must_use]
    pub fn shape(&self, link: LinkIx) -> &[LonLat] {
        let Some(link) = self.links.get(link.at()) else { return &[] };
        self.points.get(link.points.start as usize..link.points.end as usize).unwrap_or(&[])
    }

    /// The street's name; empty where it has none.
    #[must_use]
    pub fn name(&self, link: LinkIx) -> &str {
        let name = self.links.get(link.at()).and_then(|link| self.names.get(link.name as usize));
        name.map_or("", |name| name)
    }
}

/// One direction of a street between two junctions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Its lasting name.
    pub id: LinkId,
    /// Where it begins.
    pub from: NodeIx,
    /// Where it ends.
    pub to: NodeIx,
    /// Its points in [`RoadNetwork::points`].
    pub points: Range<u32>,
    /// Metres along its points.
    pub length_m: f32,
    /// What kind of street.
    pub class: RoadClass,
    /// Speed of an undisturbed car, km/h, above 0.
    pub free_flow_kmh: f32,
    /// Lanes of this direction, at least 1.
    pub lanes: u8,
    /// Position in [`RoadNetwork::names`].
    pub name: u32,
    /// Position in [`RoadNetwork::access`].
    pub access: u32,
    /// The other direction of the same street.
    pub opposite: Option<LinkIx>,
    /// Part of a roundabout.
    pub roundabout: bool,
}

impl Link {
    /// Seconds of an undisturbed car.
    #[must_use]
    pub fn free_flow_s(&self) -> f32 {
        self.length_m * 3.6 / self.free_flow_kmh
    }
}

/// Kinds of streets, from the widest to the narrowest (OSM `highway`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoadClass {
    /// Motorway.
    Motorway,
    /// Trunk road.
    Trunk,
    /// Primary road.
    Primary,
    /// Secondary road.
    Secondary,
    /// Tertiary road.
    Tertiary,
    /// Minor road without a class.
    Unclassified,
    /// Street that people live in: no through traffic by car.
    Residential,
    /// Home zone: no through traffic by car.
    LivingStreet,
    /// Access to a car park, a yard, an alley.
    Service,
    /// Field or forest track.
    Track,
    /// Pedestrian street.
    Pedestrian,
    /// Bicycle path.
    Cycleway,
    /// Footway or path.
    Path,
    /// Stairs.
    Steps,
    /// Street for buses alone.
    Busway,
}

/// Ways to travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Motor car.
    Car,
    /// Bicycle.
    Bicycle,
    /// On foot.
    Foot,
    /// Bus.
    Bus,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 4] = [Mode::Car, Mode::Bicycle, Mode::Foot, Mode::Bus];
}

/// A set of modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Modes(u8);

impl Modes {
    /// None.
    pub const NONE: Modes = Modes(0);
    /// All.
    pub const ALL: Modes = Modes(0b1111);

    /// This set and `mode`.
    #[must_use]
    pub const fn with(self, mode: Mode) -> Modes {
        Modes(self.0 | 1 << mode as u8)
    }

    /// Whether `mode` is in it.
    #[must_use]
    pub const fn has(self, mode: Mode) -> bool {
        self.0 & (1 << mode as u8) != 0
    }

    /// Without any.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Who may use a link, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Access {
    /// Who may use it while no rule of `rules` holds.
    pub always: [Permission; 4],
    /// Rules in time; of several that hold, the last one counts.
    pub rules: Vec<AccessRule>,
    /// Heaviest vehicle, kilograms.
    pub max_weight_kg: Option<u32>,
    /// Highest vehicle, centimetres.
    pub max_height_cm: Option<u32>,
}

impl Access {
    /// While no rule in time holds.
    #[must_use]
    pub fn usual(&self, mode: Mode) -> Permission {
        self.always[mode as usize]
    }
}

/// Permission at certain times (a school street, a bus gate, a market).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    /// For whom.
    pub modes: Modes,
    /// When, in OpenStreetMap's syntax of opening hours, checked.
    pub hours: Arc<str>,
    /// What then holds.
    pub permission: Permission,
}

/// Whether a link may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// By anyone.
    #[default]
    Yes,
    /// Only by who begins or ends in it, or in the streets that only it leads to: no through traffic.
    Destination,
    /// By nobody.
    No,
}

/// A turn that is forbidden, or the only one allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Turn {
    /// Whoever comes from here,
    pub from: LinkIx,
    /// through these, in order; mostly none: `from` and `to` meet.
    pub via: Vec<LinkIx>,
    /// to here.
    pub to: LinkIx,
    /// `false`: may not. `true`: may go nowhere else from the end of `from` and `via`.
    pub only: bool,
    /// Whom it binds.
    pub modes: Modes,
    /// When it holds, in OpenStreetMap's syntax; `None`: always.
    pub hours: Option<Arc<str>>,
}

/// A place on the network: so far along a link.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnLink {
    /// The link.
    pub link: LinkIx,
    /// Metres from its start.
    pub offset_m: f32,
    /// Metres from what was looked for to there.
    pub distance_m: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_modes_holds_what_was_put_in() {
        let set = Modes::NONE.with(Mode::Bicycle).with(Mode::Bus);
        let held: Vec<_> = Mode::ALL.into_iter().filter(|mode| set.has(*mode)).collect();
        assert_eq!(held, [Mode::Bicycle, Mode::Bus]);
        assert!(Modes::NONE.is_empty() && Mode::ALL.into_iter().all(|mode| Modes::ALL.has(mode)));
    }

    #[test]
    fn a_link_is_found_by_its_lasting_name() {
        let link = |id| Link {
            id: LinkId(id),
            from: NodeIx(0),
            to: NodeIx(1),
            points: 0..2,
            length_m: 100.0,
            class: RoadClass::Primary,
            free_flow_kmh: 36.0,
            lanes: 1,
            name: 0,
            access: 0,
            opposite: None,
            roundabout: false,
        };
        let network = RoadNetwork {
            links: vec![link(3), link(7)],
            points: vec![LonLat::default(); 2],
            names: vec!["".into()],
            ..RoadNetwork::default()
        };
        assert_eq!(network.find(LinkId(7)), Some(LinkIx(1)));
        assert_eq!(network.find(LinkId(5)), None);
        assert_eq!((network.shape(LinkIx(0)).len(), network.shape(LinkIx(9)).len()), (2, 0));
        assert_eq!((network.name(LinkIx(0)), network.name(LinkIx(9))), ("", ""));
        assert!((network.links[0].free_flow_s() - 10.0).abs() < 1e-6);
    }
}
