//! The default city is accepted, and is what it is said to be.

use std::path::PathBuf;
use std::time::Duration;

use vlot_model::{
    City, CountMode, Counting, DeviceKind, FacilityKind, LinkIx, Mode, OnLink, Placement, RoadClass, Role,
    Target,
};
use vlot_network::geo;
use vlot_network::path::shortest;
use vlot_settings::{Settings, Source, check};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/leuven")
}

fn leuven() -> Settings {
    let settings = Source::read_dir(&directory()).and_then(|source| check(&source));
    settings.unwrap_or_else(|problems| panic!("\n{problems}"))
}

#[test]
fn the_city_has_what_the_readme_promises() {
    let city = leuven().city;
    let of_kind = |kind| city.facilities.iter().filter(|f| f.kind == kind).count();
    assert!(of_kind(FacilityKind::OffStreet) >= 8 && of_kind(FacilityKind::Edge) >= 3);
    let bays: usize =
        city.facilities.iter().filter(|f| f.kind == FacilityKind::OnStreet).map(|f| f.bays.len()).sum();
    assert!(bays >= 100, "{bays}");
    let on_streets = city.signs.iter().filter(|s| s.placement == Placement::Street).count();
    assert!(on_streets >= 12, "{on_streets}");
    let of_mode = |mode| city.stations.iter().filter(|s| s.mode == mode).count();
    assert!(of_mode(CountMode::Motor) >= 8 && of_mode(CountMode::Bicycle) >= 6);
    assert!(city.stations.iter().all(|s| s.mode == CountMode::Bicycle || s.devices.len() == 2));
    for kind in [DeviceKind::Bay, DeviceKind::BoschTps110, DeviceKind::Nwave, DeviceKind::NetvoxR719a] {
        assert!(city.devices.iter().any(|d| d.kind == kind), "{kind:?}");
    }
}

#[test]
fn every_index_leads_back_to_where_it_came_from() {
    let city = leuven().city;
    for (at, device) in city.devices.iter().enumerate() {
        assert_eq!(city.directory.find(&device.id).map(|d| d.at()), Some(at));
        let named = match device.role {
            Role::Bay { facility, bay } => {
                city.facilities[facility.at()].bays[bay as usize].device.at() == at
            }
            Role::Barrier { facility } => city.facilities[facility.at()].counting == Counting::Barriers,
            Role::Counter { facility } => city.facilities[facility.at()].counting == Counting::Absolute,
            Role::Lane { station } => city.stations[station.at()].devices.iter().any(|d| d.at() == at),
            Role::Section { section } => {
                let garage = city.sections[section.at()].garage;
                city.garages[garage.at()].sections.contains(&section)
            }
            Role::Place { section, place } => {
                city.sections[section.at()].sources.places[place as usize].device.at() == at
            }
            Role::Sign { sign } => city.signs[sign.at()].device.at() == at,
            Role::Operator { facility } | Role::Apps { facility } => facility.at() < city.facilities.len(),
            Role::Pair { pair } => city.pairs[pair.at()].device.at() == at,
            Role::Controller { controller } => city.controllers[controller.at()].device.at() == at,
            Role::Air { station } => city.air_stations[station.at()].device.at() == at,
            Role::Probes | Role::Reader | Role::Situations => true,
        };
        assert!(named, "{}", device.id);
    }
    for sign in &city.signs {
        assert!(sign.template < city.templates.len());
        if let Placement::Garage(garage) = sign.placement {
            for line in &sign.lines {
                match line.target {
                    Target::Section(section) => {
                        assert_eq!(city.sections[section.at()].garage, garage, "{}", sign.id)
                    }
                    // The next one, for who finds no place in this.
                    Target::Garage(next) => assert_ne!(next, garage, "{}", sign.id),
                    other => panic!("{}: {other:?}", sign.id),
                }
            }
        }
    }
}

#[test]
fn a_sensor_is_found_by_its_eui_in_any_case() {
    let city = leuven().city;
    let device = city.directory.find("02564c4f54000001").unwrap();
    assert_eq!(city.directory.find("02564C4F54000001"), Some(device));
    assert_eq!(&*city.devices[device.at()].id, "shopgo-tiensestraat-01");
    assert_eq!(city.devices[device.at()].silent_after, Duration::from_hours(26));
}

#[test]
fn the_fingerprint_is_of_content_alone() {
    let read = Source::read_dir(&directory()).unwrap();
    let again = Source::from_files(read.files());
    assert_eq!(read.fingerprint(), again.fingerprint());
    assert_eq!(read.fingerprint().len(), 64);
    let mut files: Vec<(String, String)> = read.files().map(|(n, t)| (n.to_owned(), t.to_owned())).collect();
    files[0].1.push('\n');
    assert_ne!(Source::from_files(files).fingerprint(), read.fingerprint());
    // A byte that moves from one file to the next is a change too.
    let moved = [("a", "bc"), ("d", "e")].map(|(n, t)| (n, t.to_owned()));
    let other = [("a", "b"), ("cd", "e")].map(|(n, t)| (n, t.to_owned()));
    assert_ne!(Source::from_files(moved).fingerprint(), Source::from_files(other).fingerprint());
}

/// What stands on the street of that name, heading about there.
fn on(city: &City, placed: Option<&Option<OnLink>>, street: &str, heading_deg: f64) {
    let network = city.network.as_ref().expect("a network");
    let on = placed.copied().flatten().unwrap_or_else(|| panic!("nothing on {street}"));
    assert_eq!(network.name(on.link), street);
    let along = f64::from(on.offset_m);
    let shape = network.shape(on.link);
    let mut walked = 0.0;
    let ab = shape.windows(2).find(|ab| {
        walked += geo::distance_m(ab[0], ab[1]);
        walked + 1.0 >= along
    });
    let ab = ab.expect("within the link");
    let off = geo::turn_deg(geo::bearing_deg(ab[0], ab[1]), heading_deg);
    assert!(off < 30.0, "{street}: {off} degrees off {heading_deg}");
}

#[test]
fn everything_stands_on_its_street() {
    let city = leuven().city;
    let placed = &city.placed;
    assert!(placed.facilities.iter().all(Option::is_some) && placed.garages.iter().all(Option::is_some));
    assert!(placed.places.iter().all(Option::is_some) && placed.places.len() == city.places.len());
    assert_eq!(
        (placed.facilities.len(), placed.garages.len(), placed.signs.len(), placed.devices.len()),
        (city.facilities.len(), city.garages.len(), city.signs.len(), city.devices.len())
    );
    for (sign, on) in city.signs.iter().zip(&placed.signs) {
        assert_eq!(on.is_some(), sign.placement == Placement::Street, "{}", sign.id);
    }
    for (device, on) in city.devices.iter().zip(&placed.devices) {
        assert_eq!(on.is_some(), device.kind == DeviceKind::Loop, "{}", device.id);
    }
    let sign = |id: &str| placed.signs.get(city.signs.iter().position(|s| &*s.id == id).expect("a sign"));
    on(&city, sign("fiets-vaartdijk"), "Vaartdijk", 180.0);
    on(&city, sign("tiensesteenweg-in"), "Tiensesteenweg", 290.0);
    on(&city, sign("r23-naamsevest-west"), "Naamsevest", 275.0);
    on(&city, sign("kapucijnenvoer"), "Kapucijnenvoer", 0.0);
    let device = |id: &str| placed.devices.get(city.directory.find(id).expect("a device").at());
    on(&city, device("r23-tiensevest-loop-1"), "Tiensevest", 190.0);
    on(&city, device("r23-tiensevest-loop-2"), "Tiensevest", 10.0);
    on(&city, device("mechelsesteenweg-loop-1"), "Mechelsesteenweg", 155.0);
}

#[test]
fn corridors_and_pairs_lead_over_links_that_meet() {
    let city = leuven().city;
    let network = city.network.clone().expect("a network");
    assert!(city.corridors.len() >= 7 && city.pairs.len() >= 4 && city.controllers.len() >= 3);
    let ways =
        city.corridors.iter().map(|c| (&c.id, &c.links)).chain(city.pairs.iter().map(|p| (&p.id, &p.links)));
    for (id, links) in ways {
        assert!(!links.is_empty(), "{id}");
        for ab in links.windows(2) {
            let [a, b] = [ab[0], ab[1]].map(|l| network.link(l).expect("a link"));
            assert_eq!(a.to, b.from, "{id}");
        }
    }
    let ring = city.corridors.iter().find(|c| &*c.id == "ring-clockwise").expect("the ring");
    let [first, last] =
        [ring.links.first(), ring.links.last()].map(|l| network.link(*l.expect("links")).expect("a link"));
    assert_eq!(first.from, last.to, "round");
    let length_m: f32 = ring.links.iter().map(|l| network.links[l.at()].length_m).sum();
    assert!((7_000.0..9_000.0).contains(&length_m), "{length_m}");
}

#[test]
fn no_car_crosses_from_one_zone_to_another_but_a_bicycle_does() {
    let city = leuven().city;
    let network = city.network.clone().expect("a network");
    let of = |id: &str| {
        let at = city.facilities.iter().position(|f| &*f.id == id).expect("a facility");
        city.placed.facilities[at].expect("a place").link
    };
    let ring: Vec<_> = (0..network.links.len())
        .filter(|at| network.links[*at].class < RoadClass::Tertiary)
        .map(LinkIx::from_position)
        .collect();
    // The heads of the five loops.
    let heads = ["center", "kinepolis", "ladeuze", "heilig-hart", "sint-jacob"].map(of);
    let seconds = |link: LinkIx| Some(f64::from(network.links[link.at()].free_flow_s()));
    for from in heads {
        for to in heads.into_iter().filter(|to| *to != from) {
            let by = |mode| shortest(&network, None, mode, from, to, seconds).expect("a way").links;
            assert!(by(Mode::Car).iter().any(|link| ring.contains(link)), "by car, over the ring");
            let without = |link: LinkIx| seconds(link).filter(|_| !ring.contains(&link));
            assert_eq!(shortest(&network, None, Mode::Car, from, to, without), None);
        }
    }
    let (from, to) = (of("ladeuze"), of("sint-jacob"));
    let quiet = |link: LinkIx| seconds(link).filter(|_| !ring.contains(&link));
    assert!(shortest(&network, None, Mode::Bicycle, from, to, quiet).is_some(), "through the core");
}
