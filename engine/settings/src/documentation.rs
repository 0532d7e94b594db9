//! Holds `docs/configuration.md` against the code: every key, what it wants and its default, in both directions.

use std::collections::BTreeMap;

use vlot_model::{LinkId, LonLat, RoadClass};
use vlot_network::{Draft, DraftLink};

use crate::read::{Documented, Key, Report};
use crate::{Source, check};

/// One of everything, so that every key is asked for.
const FULL: [(&str, &str); 12] = [
    (
        "city.toml",
        r#"
name = "Leuven"
timezone = "Europe/Brussels"
area = { south = 50, north = 51, west = 4, east = 5 }
guidance = { centre = { lat = 50.5, lon = 4.5 } }
[serve]
listen = "0.0.0.0:7101"
tls = { cert_file = "a", key_file = "b" }
[history.influx]
url = "https://influx.example:8086"
org = "leuven"
bucket = "parking"
"#,
    ),
    (
        "mqtt.toml",
        r#"
[[source]]
name = "field"
host = "broker.example"
port = 8883
client_id = "vlot"
tls = { ca_file = "ca.pem" }
subscription = [{ filter = "a", format = "vlot-json" }]
"#,
    ),
    (
        "facilities.toml",
        r#"
[[facility]]
id = "ladeuze"
name = "Ladeuze"
kind = "off-street"
lat = 50.5
lon = 4.5
capacity = 10
counting = "barriers"
valid_for = "15m"
full_at = 0
reopen_at = 1
device = [{ id = "in", kind = "barrier" }]
capacity_from = [{ from = "2026-09-01", capacity = 12 }]
group = [{ group = "accessible", capacity = 2 }]
onward = [{ line = "2", to = "Station", headway_min = 10, ride_min = 8 }]
part = [{ id = "a", name = "Level -1", level = -1, capacity = 5 }]
"#,
    ),
    ("bays.csv", "device,eui,kind,facility,bay,use\nb,,bay,ladeuze,1,everyone\n"),
    (
        "garages.toml",
        r#"
[[garage]]
id = "station"
name = "Station"
lat = 50.5
lon = 4.5
valid_for = "15m"
unmoved_after = "28d"
[[garage.section]]
id = "a"
name = "A"
rack = "single"
capacity = 9
full_at = 0
reopen_at = 1
device = "s"
gate = [{ id = "g" }]
camera = [{ id = "c", sd = 3.0 }]
place = [{ id = "1", device = "p" }]
"#,
    ),
    (
        "stations.toml",
        r#"
[[station]]
id = "ring"
name = "Ring"
mode = "motor"
lat = 50.5
lon = 4.5
device = [{ id = "loop", kind = "loop" }]
"#,
    ),
    (
        "signs.toml",
        r#"
template = [{ name = "one", multi = "{label.1}" }]
place = [{ id = "centre", name = "Centre", lat = 50.5, lon = 4.5 }]
[[sign]]
id = "sign"
name = "Sign"
lat = 50.5
lon = 4.5
width_px = 96
height_px = 32
template = "one"
time_to_live = "90s"
line = [{ facility = "ladeuze", label = "L", travel_time = "2m" }]
"#,
    ),
    (
        "calendar.toml",
        r#"
holiday = [{ date = "2026-12-25", name = "Christmas" }]
event = [{ name = "Market", from = "2026-09-07T06:00", until = "2026-09-07T20:00", facilities = ["ladeuze"] }]
"#,
    ),
    ("health.toml", "[figure]\nstuck_nats = 20\n"),
    (
        "roads.toml",
        r#"
junction = [{ id = "a", lat = 50.5, lon = 4.5, join = true }, { id = "b", lat = 50.501, lon = 4.5 }]
road = [{ id = "r", from = "a", to = "b", class = "primary", speed_kmh = 50, rule = [
  { modes = ["car"], hours = "Mo-Fr 08:00-09:00", permission = "no" },
] }]
turn = [{ from = "r", to = "r", at = "b" }]
change = [{ street = "Ring", lat = 50.5, lon = 4.5, speed_kmh = 30, rule = [
  { modes = ["car"], hours = "Mo-Fr 08:00-09:00", permission = "no" },
] }]
[network]
file = "city.vlotnet"
"#,
    ),
    (
        "traffic.toml",
        r#"
probe_feed = [{ id = "fcd" }]
situation_feed = [{ id = "works" }]
corridor = [{ id = "c", name = "C", from = "a", to = "b" }]
reader = [{ id = "reader-a", lat = 50.5, lon = 4.5 }, { id = "reader-b", lat = 50.501, lon = 4.5 }]
pair = [{ id = "pair", from = "reader-a", to = "reader-b", min = "2s", max = "10m" }]
controller = [{ id = "lights", name = "Lights", lat = 50.5, lon = 4.5 }]
air_station = [{ id = "air", name = "Air", lat = 50.5, lon = 4.5 }]
"#,
    ),
    (
        "http.toml",
        r#"
[[http_source]]
name = "miv"
url = "https://miv.example/miv/verkeersdata"
format = "miv-xml"
"#,
    ),
];

/// With an imported street beside the one of the file.
fn full() -> Source {
    let mut draft = Draft::new("test");
    let points = [4.5, 4.501].map(|lon| LonLat { lon, lat: 50.5 });
    for (id, back) in [(1, false), (2, true)] {
        let mut link = DraftLink::new([i64::from(back), i64::from(!back)], id, RoadClass::Primary);
        link.points = if back { vec![points[1], points[0]] } else { points.to_vec() };
        (link.name, link.opposite) = ("Ring".into(), Some(LinkId(3 - id)));
        draft.link(link);
    }
    let bytes = vlot_network::write(&draft.make().network).expect("memory does not fail");
    Source::from_files(FULL).with_binary("city.vlotnet", bytes)
}

#[test]
fn a_configuration_with_one_of_everything_is_accepted() {
    let settings = check(&full()).unwrap_or_else(|problems| panic!("\n{problems}"));
    assert_eq!(settings.serve.max_streams, 20_000);
    assert!(settings.mqtt[0].tls.is_some());
}

#[test]
fn every_key_is_documented_as_it_is_read() {
    let report = Report::default();
    crate::check::settings(&full(), &report);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = std::fs::read_to_string(path).unwrap();
    let known: BTreeMap<_, _> = report.known().into_iter().map(|(key, says)| (owned(key), says)).collect();
    let documented = documented(&text);
    let lacking: Vec<String> = known
        .iter()
        .filter(|(key, says)| documented.get(*key) != Some(says))
        .map(|((file, table, name), says)| {
            format!("{file} [{table}]: | `{name}` | {} | {} |", says.wanted, default(says))
        })
        .collect();
    assert!(lacking.is_empty(), "the documentation lacks these rows:\n{}", lacking.join("\n"));
    for key in documented.keys() {
        assert!(known.contains_key(key), "the documentation has {key:?}, which is never read");
    }
}

fn owned((file, table, key): Key) -> (String, String, String) {
    (file.to_owned(), table, key.to_owned())
}

/// As the documentation writes it: words plain, values in backquotes.
fn default(says: &Documented) -> String {
    match says.default.as_str() {
        word @ ("required" | "none") => word.to_owned(),
        value => format!("`{value}`"),
    }
}

/// Rows by file (`## file`), table (### `[table]`, or none yet) and key.
fn documented(text: &str) -> BTreeMap<(String, String, String), Documented> {
    let (mut file, mut table) = (String::new(), String::new());
    let mut rows = BTreeMap::new();
    let mut of_keys = false;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            (file, table) = (heading.to_owned(), String::new());
        } else if let Some(heading) = line.strip_prefix("### ") {
            table = heading.replace(['`', '[', ']'], "");
        } else if line.starts_with("| ") && !line.starts_with("| `") {
            of_keys = line == "| key | value | default | meaning |";
        } else if let Some(row) = line.strip_prefix("| `").filter(|_| of_keys) {
            let cells: Vec<&str> = row.split(" | ").collect();
            let [key, wanted, default, _meaning] = cells[..] else { panic!("not four cells: {line}") };
            let key = (file.clone(), table.clone(), key.trim_end_matches('`').to_owned());
            let says =
                Documented { wanted: wanted.to_owned(), default: default.trim_matches('`').to_owned() };
            assert!(rows.insert(key.clone(), says).is_none(), "twice: {key:?}");
        }
    }
    rows
}
