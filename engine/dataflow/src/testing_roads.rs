//! Small networks for tests, and what is said of their links.

use std::time::Duration;

use vlot_model::{
    AirIx, AirStation, Controller, ControllerIx, DeviceIx, DeviceKind, LevelOfService, Link, LinkId, LinkIx,
    LinkSources, LinkState, LonLat, NodeIx, Quality, RoadClass, RoadNetwork, Role,
};

use crate::testing::{Builder, s};

/// Metres of every link, and km/h of every vehicle that nothing hinders.
const LENGTH_M: f32 = 100.0;
const FREE_FLOW_KMH: f32 = 36.0;

fn network(nodes: u32, ends: &[(u32, u32)]) -> RoadNetwork {
    let link = |i: usize| {
        let (from, to) = ends[i];
        let opposite = ends.iter().position(|(a, b)| (*a, *b) == (to, from));
        Link {
            id: LinkId(100 + i as u64),
            from: NodeIx(from),
            to: NodeIx(to),
            points: 0..2,
            length_m: LENGTH_M,
            class: RoadClass::Secondary,
            free_flow_kmh: FREE_FLOW_KMH,
            lanes: 1,
            name: 0,
            access: 0,
            opposite: opposite.map(LinkIx::from_position),
            roundabout: false,
        }
    };
    RoadNetwork {
        nodes: vec![LonLat::default(); nodes as usize],
        links: (0..ends.len()).map(link).collect(),
        points: vec![LonLat::default(); 2],
        names: vec!["".into()],
        ..RoadNetwork::default()
    }
}

/// A one-way street of links of 100 m at 36 km/h, each 10 s; their names are 100 and up.
pub(crate) fn roads(links: u32) -> RoadNetwork {
    network(links + 1, &(0..links).map(|i| (i, i + 1)).collect::<Vec<_>>())
}

/// Streets between so many times so many junctions, in both directions.
pub(crate) fn grid(side: u32) -> RoadNetwork {
    let at = |x: u32, y: u32| y * side + x;
    let mut ends = Vec::new();
    for y in 0..side {
        for x in 0..side {
            if x + 1 < side {
                ends.extend([(at(x, y), at(x + 1, y)), (at(x + 1, y), at(x, y))]);
            }
            if y + 1 < side {
                ends.extend([(at(x, y), at(x, y + 1)), (at(x, y + 1), at(x, y))]);
            }
        }
    }
    network(side * side, &ends)
}

/// A link of such a network, give or take a tenth, observed at that second by detectors.
pub(crate) fn link_state(link: u32, at: i64, speed_kmh: f32, quality: Quality) -> LinkState {
    LinkState {
        link: LinkIx(link),
        observed_at: s(at),
        valid_until: s(at + 600),
        speed_kmh,
        speed_low_kmh: speed_kmh * 0.9,
        speed_high_kmh: speed_kmh * 1.1,
        travel_time_s: LENGTH_M * 3.6 / speed_kmh,
        flow_vph: None,
        level: LevelOfService::of(speed_kmh, FREE_FLOW_KMH),
        sources: LinkSources { detectors: quality != Quality::Missing, ..LinkSources::default() },
        probes: 0,
        quality,
        situations: Vec::new(),
    }
}

impl Builder {
    /// A controller, valid for 300 s.
    pub(crate) fn controller(&mut self) -> DeviceIx {
        let controller = ControllerIx::from_position(self.city.controllers.len());
        let device = self.device(DeviceKind::SignalController, Role::Controller { controller }, 300);
        self.city.controllers.push(Controller {
            id: "k".into(),
            name: "K".into(),
            position: LonLat::default(),
            valid_for: Duration::from_secs(300),
            device,
        });
        device
    }

    /// An air station, valid for 300 s.
    pub(crate) fn air(&mut self) -> DeviceIx {
        let station = AirIx::from_position(self.city.air_stations.len());
        let device = self.device(DeviceKind::AirStation, Role::Air { station }, 300);
        self.city.air_stations.push(AirStation {
            id: "a".into(),
            name: "A".into(),
            position: LonLat::default(),
            valid_for: Duration::from_secs(300),
            device,
        });
        device
    }

    /// Two readers and their pair over these links, 5 s to 900 s.
    pub(crate) fn pair(&mut self, links: &[u32]) -> DeviceIx {
        let pair = vlot_model::PairIx::from_position(self.city.pairs.len());
        let [from, to] = [(); 2].map(|()| self.device(DeviceKind::Reader, Role::Reader, 300));
        let device = self.device(DeviceKind::Pair, Role::Pair { pair }, 300);
        self.city.pairs.push(vlot_model::Pair {
            id: "p".into(),
            from,
            to,
            links: links.iter().map(|l| LinkIx(*l)).collect(),
            min: Duration::from_secs(5),
            max: Duration::from_secs(900),
            device,
        });
        device
    }

    /// A device stands on a link, so far along it.
    pub(crate) fn place_on(&mut self, device: u32, link: u32, offset_m: f32) {
        let placed = &mut self.city.placed.devices;
        let places = self.city.devices.len().max(placed.len());
        placed.resize(places, None);
        placed[device as usize] = Some(vlot_model::OnLink { link: LinkIx(link), offset_m, distance_m: 0.0 });
    }
}
