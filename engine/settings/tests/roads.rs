//! A network in the configuration: imported, made by hand, corrected, and what stands on it.

use vlot_model::{LinkId, LonLat, Mode, OnLink, Permission, RoadClass, RoadNetwork};
use vlot_network::path::usual;
use vlot_network::{Draft, DraftLink, geo};
use vlot_settings::{Settings, Source, check};

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };
const CITY: &str =
    "name = 'Leuven'\ntimezone = 'Europe/Brussels'\narea = { south = 50, north = 51, west = 4, east = 5 }";
const MQTT: &str = "[[source]]\nname = 'a'\nhost = 'localhost'\nport = 1883\nclient_id = 'a'\n\
                    subscription = [{ filter = 'a', format = 'vlot-json' }]";

fn at(east: f64, north: f64) -> LonLat {
    geo::offset(HERE, [east, north])
}

/// A street of two directions from west to east, 400 m, and one northwards from its end.
fn imported() -> Vec<u8> {
    let mut draft = Draft::new("test");
    let corners = [at(0.0, 0.0), at(400.0, 0.0), at(400.0, 400.0)];
    for (id, from, to, name) in
        [(11, 0, 1, "Oost"), (12, 1, 0, "Oost"), (21, 1, 2, "Noord"), (22, 2, 1, "Noord")]
    {
        let mut link = DraftLink::new([from, to], id, RoadClass::Secondary);
        link.points = [from, to].map(|end| corners[usize::try_from(end).expect("a corner")]).to_vec();
        (link.name, link.opposite) = (name.into(), Some(LinkId(if id % 2 == 1 { id + 1 } else { id - 1 })));
        draft.link(link);
    }
    vlot_network::write(&draft.make().network).expect("memory does not fail")
}

fn station(place: LonLat, more: &str, devices: &str) -> String {
    let (lat, lon) = (place.lat, place.lon);
    format!(
        "[[station]]\nid = 's'\nname = 'S'\nmode = 'motor'\nlat = {lat:?}\nlon = {lon:?}\n{more}\ndevice = [{devices}]\n"
    )
}

fn city(roads: &str, stations: &str) -> Settings {
    let files =
        [("city.toml", CITY), ("mqtt.toml", MQTT), ("roads.toml", roads), ("stations.toml", stations)];
    let source = Source::from_files(files);
    let source =
        if roads.contains(".vlotnet") { source.with_binary("city.vlotnet", imported()) } else { source };
    check(&source).unwrap_or_else(|problems| panic!("\n{problems}"))
}

const IMPORTED: &str = "network = { file = 'city.vlotnet' }\n";

fn network(roads: &str) -> RoadNetwork {
    network_around(roads, at(200.0, 10.0))
}

/// With a station that needs a street there.
fn network_around(roads: &str, place: LonLat) -> RoadNetwork {
    let station = station(place, "", "{ id = 'l', kind = 'loop' }");
    let network = city(roads, &station).city.network.clone();
    RoadNetwork::clone(&network.expect("a network"))
}

fn cars(network: &RoadNetwork, id: u64) -> Permission {
    usual(network, network.find(LinkId(id)).expect("a link"), Mode::Car)
}

#[test]
fn an_imported_network_stays_as_it_is() {
    let network = network(IMPORTED);
    assert_eq!(network, vlot_network::read(&imported()).expect("a network"));
    // It changes the fingerprint: a journal is replayed with the streets that it was written with.
    let source = Source::from_files([("city.toml", CITY)]);
    assert_ne!(source.clone().with_binary("city.vlotnet", imported()).fingerprint(), source.fingerprint());
}

#[test]
fn a_road_by_hand_joins_an_imported_junction() {
    let (a, b) = (at(1.0, 2.0), at(-300.0, 0.0));
    let roads = format!(
        "{IMPORTED}junction = [{{ id = 'a', lat = {:?}, lon = {:?}, join = true }}, {{ id = 'b', lat = {:?}, lon = {:?} }}]\n\
         road = [{{ id = 'west', from = 'b', to = 'a', class = 'primary', speed_kmh = 70, oneway = 'no' }}]",
        a.lat, a.lon, b.lat, b.lon
    );
    let network = network(&roads);
    assert_eq!(network.links.len(), 6);
    let east = network.find(LinkId(11)).and_then(|link| network.link(link)).expect("the imported link");
    let by_hand: Vec<_> = network.links.iter().filter(|l| l.class == RoadClass::Primary).collect();
    assert!(
        by_hand.iter().any(|link| link.to == east.from) && by_hand.iter().any(|link| link.from == east.from)
    );
}

#[test]
fn corrections_close_turn_and_slow_what_they_name_and_nothing_else() {
    let middle = at(200.0, 0.0);
    let near = format!("street = 'Oost', lat = {:?}, lon = {:?}", middle.lat, middle.lon);
    let all = |network: &RoadNetwork| [11, 12, 21, 22].map(|id| cars(network, id));
    use Permission::{Destination, No, Yes};
    let slow = network(&format!(
        "{IMPORTED}change = [{{ {near}, speed_kmh = 30, lanes = 2, car = 'destination' }}]"
    ));
    assert_eq!(all(&slow), [Destination, Destination, Yes, Yes]);
    let east = &slow.links[slow.find(LinkId(11)).expect("a link").at()];
    assert!((east.free_flow_kmh - 30.0).abs() < 1e-6 && east.lanes == 2);
    // Closed in part, the rest must still lead somewhere: the other street does.
    let closed = city(
        &format!("{IMPORTED}change = [{{ {near}, closed = true }}]"),
        &station(at(410.0, 200.0), "", "{ id = 'l', kind = 'loop' }"),
    );
    let closed = closed.city.network.clone().expect("a network");
    assert_eq!(all(&closed), [No, No, Yes, Yes]);
    let link =
        network(&format!("{IMPORTED}change = [{{ link = '000000000000000b', max_weight_kg = 3500 }}]"));
    let access = |id| &link.access[link.links[link.find(LinkId(id)).expect("a link").at()].access as usize];
    assert_eq!((access(11).max_weight_kg, access(12).max_weight_kg), (Some(3_500), None));
}

#[test]
fn one_way_by_correction_is_for_motors_alone() {
    let corner = at(200.0, 0.0);
    let change = format!("street = 'Oost', lat = {:?}, lon = {:?}, oneway_deg = 90", corner.lat, corner.lon);
    // The north street is a trap then: it is closed as well, and the station looks at nothing.
    let roads = format!("{IMPORTED}change = [{{ {change} }}]");
    let north = station(at(410.0, 200.0), "", "{ id = 'l', kind = 'loop' }");
    let network = city(&roads, &north).city.network.clone().expect("a network");
    assert_eq!((cars(&network, 11), cars(&network, 12)), (Permission::Yes, Permission::No));
    let back = network.find(LinkId(12)).expect("a link");
    assert_eq!(usual(&network, back, Mode::Bicycle), Permission::Yes);
}

const BY_HAND: &str =
    "junction = [{ id = 'a', lat = 50.88, lon = 4.7 }, { id = 'b', lat = 50.883, lon = 4.7 }]\n";

#[test]
fn a_link_by_hand_keeps_its_name_when_its_junctions_do_not() {
    let by_hand = |roads: &str| network_around(roads, at(5.0, 150.0));
    let road = "road = [{ id = 'r', from = 'a', to = 'b', class = 'primary', speed_kmh = 50 }]";
    let first = by_hand(&format!("{BY_HAND}{road}").replace("lat = 50.88,", "lat = 50.8799,"));
    let renamed = BY_HAND.replace("'a'", "'first'")
        + &road.replace("'a'", "'first'").replace("speed_kmh = 50", "speed_kmh = 30");
    let second = by_hand(&renamed);
    let ids = |network: &RoadNetwork| network.links.iter().map(|link| link.id).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&second));
    assert_eq!(first.links.len(), 2);
    assert_eq!(first.links[0].opposite, Some(vlot_model::LinkIx(1)));
    let other = by_hand(&format!("{BY_HAND}{road}").replace("'r'", "'other'"));
    assert_ne!(ids(&first), ids(&other));
}

/// Bearings of the detectors' links.
fn headings(more: &str, devices: &str, east_m: f64) -> Vec<Option<i32>> {
    let road = "road = [{ id = 'r', from = 'a', to = 'b', class = 'primary', speed_kmh = 50 }]";
    let place = geo::offset(LonLat { lon: 4.7, lat: 50.8815 }, [east_m, 0.0]);
    let city = city(&format!("{BY_HAND}{road}"), &station(place, more, devices)).city;
    let network = city.network.clone().expect("a network");
    let heading = |on: OnLink| {
        let shape = network.shape(on.link);
        #[expect(clippy::cast_possible_truncation, reason = "degrees")]
        let deg = geo::bearing_deg(shape[0], shape[1]).round() as i32;
        deg % 360
    };
    city.stations[0].devices.iter().map(|d| city.placed.devices[d.at()].map(heading)).collect()
}

#[test]
fn two_detectors_count_one_direction_each() {
    let two = "{ id = '1', kind = 'loop' }, { id = '2', kind = 'loop' }";
    assert_eq!(headings("", two, 0.0), [Some(0), Some(180)]);
    assert_eq!(headings("", two, -9.0), [Some(0), Some(180)]);
    let said =
        "{ id = '1', kind = 'loop', heading_deg = 190 }, { id = '2', kind = 'loop', heading_deg = 350 }";
    assert_eq!(headings("", said, 0.0), [Some(180), Some(0)]);
    assert_eq!(headings("heading_deg = 180", two, 0.0), [Some(180), Some(180)]);
    assert_eq!(headings("road = 'r'", two, 300.0), [Some(0), Some(180)]);
}

#[test]
fn one_detector_counts_the_direction_that_has_it_on_its_right() {
    let one = "{ id = '1', kind = 'loop' }";
    assert_eq!(headings("", one, 8.0), [Some(0)]);
    assert_eq!(headings("", one, -8.0), [Some(180)]);
}

#[test]
fn against_a_one_way_street_bicycles_go_and_cars_do_not() {
    let roads = "junction = [{ id = 'a', lat = 50.88, lon = 4.7 }, { id = 'b', lat = 50.882, lon = 4.7 }, { id = 'c', lat = 50.88, lon = 4.704 }]\n\
        road = [{ id = 'one', from = 'a', to = 'b', class = 'tertiary', speed_kmh = 30, oneway = 'motor' },\
                { id = 'two', from = 'b', to = 'c', class = 'tertiary', speed_kmh = 30, oneway = 'yes' },\
                { id = 'three', from = 'c', to = 'a', class = 'tertiary', speed_kmh = 30, lanes = 2, lanes_back = 1 }]\n\
        turn = [{ from = 'three', to = 'one', hours = 'Mo-Fr 07:00-09:00', modes = ['bus'] }]";
    let network = network(roads);
    assert_eq!((network.links.len(), network.turns.len()), (5, 1));
    let count = |mode| {
        let links = (0..network.links.len()).map(vlot_model::LinkIx::from_position);
        links.filter(|link| usual(&network, *link, mode) == Permission::Yes).count()
    };
    assert_eq!((count(Mode::Car), count(Mode::Bus), count(Mode::Bicycle)), (4, 4, 5));
    let mut lanes: Vec<_> = network.links.iter().map(|link| link.lanes).collect();
    lanes.sort_unstable();
    assert_eq!(lanes, [1, 1, 1, 1, 2]);
}
