//! The scenario as a city that Vlot knows: its streets, car parks with a barrier each, loops, a feed of vehicles, and signs.

use std::time::Duration;

use vlot_model::{
    Arrow, City, CountMode, Counting, Device, DeviceIx, DeviceKind, Facility, FacilityIx, FacilityKind,
    GuidanceMode, LinkId, Matrix, OnLink, Placement, Reliability, Role, Service, Sign, SignIx, SignLine,
    Site, Station, StationIx, Target, Template, TrafficRules,
};

use super::scenario::Scenario;
use super::signs::{LINES, Post};
use super::{Mode, Setup};
use crate::traveltimes::net::Edge;

/// The city, and who speaks in it.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) city: City,
    pub(super) barriers: Vec<DeviceIx>,
    pub(super) desks: Vec<DeviceIx>,
    /// By position in the scenario's loops.
    pub(super) loops: Vec<DeviceIx>,
    pub(super) feed: DeviceIx,
}

/// The city with its guidance set as a run wants it. Here, and nowhere else, a mode becomes a setting of the engine.
pub(super) fn city_for(setup: &Setup, mut city: City) -> City {
    city.guidance.turned_away = Duration::from_mins(setup.turned_away_min);
    city.guidance.mode = match setup.mode {
        Mode::Off | Mode::Roomy | Mode::Count => GuidanceMode::Count,
        Mode::Each => GuidanceMode::Each,
        Mode::Full => GuidanceMode::Together,
    };
    city
}

pub(super) fn city(scenario: &Scenario, posts: &[Post]) -> Known {
    let network = &scenario.network;
    let mut city = City {
        name: scenario.folder.display().to_string(),
        timezone: "Europe/Brussels".into(),
        network: Some(network.clone()),
        traffic: TrafficRules::default(),
        ..City::default()
    };
    let on = |edge: &Edge, offset_m: f64| {
        let link = network.find(edge.link)?;
        let longest = f64::from(network.link(link)?.length_m);
        #[expect(clippy::cast_possible_truncation, reason = "metres of a link fit f32")]
        let offset_m = offset_m.min(longest) as f32;
        Some(OnLink { link, offset_m, distance_m: 0.0 })
    };
    let (mut barriers, mut desks, mut loops) = (Vec::new(), Vec::new(), Vec::new());
    for (i, park) in scenario.parks.iter().enumerate() {
        let facility = FacilityIx::from_position(i);
        let edge = &scenario.edges[park.edge];
        let (barrier, desk) = (format!("{}-barrier", park.name), format!("{}/operator", park.name));
        barriers.push(add(&mut city, DeviceKind::Barrier, Role::Barrier { facility }, &barrier, None));
        desks.push(add(&mut city, DeviceKind::Operator, Role::Operator { facility }, &desk, None));
        // Of three spaces the last one counts.
        let full_at = if park.capacity < 4 { 0 } else { (park.capacity / 50).max(1) };
        city.facilities.push(Facility {
            id: park.name.clone().into(),
            name: park.name.clone(),
            kind: FacilityKind::OffStreet,
            position: park.position,
            capacity: park.capacity,
            counting: Counting::Barriers,
            bays: Vec::new(),
            valid_for: Duration::from_secs(900),
            min_share: 1.0,
            full_at,
            reopen_at: full_at + (park.capacity / 30).max(1),
            // A small car park's interval is wide beside its capacity, and is shown all the same.
            estimate: Reliability {
                width_max: (8.0 / f64::from(park.capacity)).clamp(0.2, 0.5),
                ..Reliability::of(park.capacity)
            },
            site: Site::default(),
        });
        city.placed.facilities.push(on(edge, park.offset_m));
    }
    for (i, edge) in scenario.loops.iter().map(|edge| &scenario.edges[*edge]).enumerate() {
        let station = StationIx::from_position(i);
        let at = on(edge, edge.length_m / 2.0);
        let device =
            add(&mut city, DeviceKind::Loop, Role::Lane { station }, &format!("loop-{}", edge.id), at);
        loops.push(device);
        city.stations.push(Station {
            id: format!("station-{}", edge.id).into(),
            name: edge.id.clone(),
            position: scenario.projection.point(edge.shape.first().copied().unwrap_or_default()),
            mode: CountMode::Motor,
            interval: Duration::from_secs(60),
            uptime_corrected: false,
            lateness: Duration::from_secs(30),
            devices: vec![device],
        });
    }
    let feed = add(&mut city, DeviceKind::ProbeFeed, Role::Probes, "vehicles", None);
    let rows = (1..=LINES).map(|n| format!("[tr1,{},96,16][fo10]{{label.{n}}} {{figure.{n}}}", n * 16 - 15));
    city.templates.push(Template { name: "rows".into(), multi: rows.collect() });
    for (i, post) in posts.iter().enumerate() {
        let edge = &scenario.edges[post.edge];
        let sign = SignIx::from_position(i);
        let id = format!("sign-{}", edge.id);
        let device = add(&mut city, DeviceKind::Sign, Role::Sign { sign }, &id, None);
        let half_m = edge.length_m / 2.0;
        city.placed.signs.push(on(edge, half_m));
        let lines = post.parks.iter().map(|park| SignLine {
            target: Target::Facility(FacilityIx::from_position(*park)),
            label: scenario.parks[*park].name.as_str().into(),
            arrow: Arrow::Ahead,
            travel_time: Duration::from_secs_f64(scenario.seconds(post.edge, *park).min(7_200.0)),
        });
        let at = super::scenario::place(&edge.shape, half_m).unwrap_or_default();
        city.signs.push(Sign {
            id: id.into(),
            name: edge.id.clone(),
            position: scenario.projection.point(at),
            matrix: Matrix { width_px: 96, height_px: 96 },
            placement: Placement::Street,
            lines: lines.collect(),
            template: 0,
            time_to_live: Duration::from_secs(90),
            min_dwell: Duration::from_secs(60),
            demand: readers(post),
            device,
        });
    }
    Known { city, barriers, desks, loops, feed }
}

fn add(city: &mut City, kind: DeviceKind, role: Role, id: &str, at: Option<OnLink>) -> DeviceIx {
    let device = DeviceIx::from_position(city.devices.len());
    city.devices.push(Device {
        id: id.into(),
        kind,
        role,
        silent_after: Duration::from_secs(600),
        service: Service::default(),
    });
    city.placed.devices.push(at);
    city.directory.insert(id, device);
    device
}

/// As many as a city would know from a count.
#[expect(clippy::cast_possible_truncation, reason = "a count of drivers fits f32")]
fn readers(post: &Post) -> f32 {
    post.readers.max(1.0) as f32
}

/// The lasting name of an edge's link.
pub(super) fn link(edge: &Edge) -> LinkId {
    edge.link
}
