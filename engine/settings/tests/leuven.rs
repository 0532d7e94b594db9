//! The default city is accepted, and is what it is said to be.

use std::path::PathBuf;
use std::time::Duration;

use vlot_model::{CountMode, Counting, DeviceKind, FacilityKind, Placement, Role, Target};
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
            Role::Operator { facility } => facility.at() < city.facilities.len(),
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
                let Target::Section(section) = line.target else { panic!("{}", sign.id) };
                assert_eq!(city.sections[section.at()].garage, garage, "{}", sign.id);
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
