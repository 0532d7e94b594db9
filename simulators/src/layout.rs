//! The configuration files as a client reads them: what stands in the city, and which topics the engine listens to.
//!
//! Leniently: keys that a simulator does not need are passed over, and checking them is `vlot check`'s work.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::SimError;
use crate::streets::{Place as Point, RoadsFile, Streets};
use crate::time::parse_duration;
use crate::wire::{Address, DeviceKind, Format};

/// What a configuration describes.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// IANA time zone that people there live by.
    pub timezone: String,
    /// Car parks and on-street zones.
    pub facilities: Vec<Facility>,
    /// Bicycle garages.
    pub garages: Vec<Garage>,
    /// Count stations.
    pub stations: Vec<Station>,
    /// Signs.
    pub signs: Vec<Sign>,
    /// Streets that cars drive on.
    pub streets: Streets,
    /// What tells of traffic on them beside count stations.
    pub traffic: Traffic,
    /// Topic filters that the engine subscribes to, by format.
    pub filters: BTreeMap<Format, String>,
}

/// A car park or an on-street zone.
#[derive(Clone, Debug, Deserialize)]
pub struct Facility {
    /// Unique in the city.
    pub id: String,
    /// `off-street`, `edge` or `on-street`.
    #[serde(default)]
    pub kind: String,
    /// Spaces; 0 where they are counted from its bays.
    #[serde(default)]
    pub capacity: u32,
    /// `bays`, `barriers` or `absolute`.
    #[serde(default)]
    pub counting: String,
    /// Its barriers or its counter.
    #[serde(default, rename = "device")]
    pub devices: Vec<Device>,
    /// Its bay sensors count as silent after this long.
    #[serde(default)]
    bay_silent_after: Option<String>,
    /// Its bays, in the order of the file.
    #[serde(skip)]
    pub bays: Vec<Bay>,
}

/// A device named in a table of its owner.
#[derive(Clone, Debug, Deserialize)]
pub struct Device {
    /// Unique in the city.
    pub id: String,
    /// `barrier`, `counter`, `loop` or `bicycle-counter`.
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    silent_after: Option<String>,
    /// Direction that it counts.
    #[serde(default)]
    pub heading_deg: Option<f64>,
    /// The road that it stands at, instead of the nearest.
    #[serde(default)]
    pub road: Option<String>,
}

impl Device {
    /// It counts as silent after this long; none: the configuration does not say.
    #[must_use]
    pub fn silent_after(&self) -> Option<i64> {
        self.silent_after.as_deref().and_then(parse_duration)
    }
}

/// A bay with its sensor.
#[derive(Clone, Debug)]
pub struct Bay {
    /// The sensor's id.
    pub device: String,
    /// The sensor's LoRaWAN address in hexadecimal; empty where it has none.
    pub eui: String,
    /// What the sensor is.
    pub kind: DeviceKind,
    /// `everyone`, `short-stay`, `accessible`, `charging` or `loading`.
    pub bay_use: String,
    /// The sensor counts as silent after this long.
    pub silent_after: i64,
}

/// A bicycle garage.
#[derive(Clone, Debug, Deserialize)]
pub struct Garage {
    /// Unique in the city.
    pub id: String,
    /// Its sections.
    #[serde(default, rename = "section")]
    pub sections: Vec<Section>,
}

/// A section of a bicycle garage.
#[derive(Clone, Debug, Deserialize)]
pub struct Section {
    /// Unique in its garage.
    pub id: String,
    /// Places.
    #[serde(default)]
    pub capacity: u32,
    /// Its sensor's id; empty where it has none.
    #[serde(default)]
    pub device: String,
    /// Counters at its ways in and out.
    #[serde(default, rename = "gate")]
    pub gates: Vec<Device>,
    /// Cameras over it.
    #[serde(default, rename = "camera")]
    pub cameras: Vec<Camera>,
    /// Places with a sensor of their own.
    #[serde(default, rename = "place")]
    pub places: Vec<Place>,
    #[serde(default)]
    silent_after: Option<String>,
}

/// A camera over a section.
#[derive(Clone, Debug, Deserialize)]
pub struct Camera {
    /// Unique in the city.
    pub id: String,
    /// How far it is off, usually, places.
    #[serde(default)]
    pub sd: f64,
    #[serde(default)]
    silent_after: Option<String>,
}

impl Camera {
    /// It counts as silent after this long; none: the configuration does not say.
    #[must_use]
    pub fn silent_after(&self) -> Option<i64> {
        self.silent_after.as_deref().and_then(parse_duration)
    }
}

/// A place with a sensor of its own.
#[derive(Clone, Debug, Deserialize)]
pub struct Place {
    /// The sensor's id.
    pub device: String,
    /// The sensor's LoRaWAN address in hexadecimal; empty where it has none.
    #[serde(default)]
    pub eui: String,
    /// What the sensor is; empty: `bay`.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    silent_after: Option<String>,
}

impl Place {
    /// What the sensor is.
    #[must_use]
    pub fn kind(&self) -> DeviceKind {
        DeviceKind::from_name(&self.kind).unwrap_or(DeviceKind::Bay)
    }

    /// It counts as silent after this long.
    #[must_use]
    pub fn silent_after(&self) -> i64 {
        self.silent_after.as_deref().and_then(parse_duration).unwrap_or(PLACE_SILENT_AFTER)
    }
}

impl Section {
    /// The id of its first device that is no place.
    pub(crate) fn called(&self) -> &str {
        self.devices().find(|id| !id.is_empty()).map_or("", String::as_str)
    }

    /// Ids of all its devices.
    fn devices(&self) -> impl Iterator<Item = &String> {
        let gates = self.gates.iter().map(|d| &d.id);
        let cameras = self.cameras.iter().map(|c| &c.id);
        let places = self.places.iter().map(|p| &p.device);
        std::iter::once(&self.device).chain(gates).chain(cameras).chain(places)
    }
}

impl Section {
    /// Its sensor counts as silent after this long; none: the configuration does not say.
    #[must_use]
    pub fn silent_after(&self) -> Option<i64> {
        self.silent_after.as_deref().and_then(parse_duration)
    }
}

/// A count station.
#[derive(Clone, Debug, Deserialize)]
pub struct Station {
    /// Unique in the city.
    pub id: String,
    /// `motor` or `bicycle`.
    #[serde(default)]
    pub mode: String,
    #[serde(default)]
    lat: f64,
    #[serde(default)]
    lon: f64,
    /// Its detectors, one a lane or direction.
    #[serde(default, rename = "device")]
    pub devices: Vec<Device>,
}

impl Station {
    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Point {
        Point { lat: self.lat, lon: self.lon }
    }
}

/// `traffic.toml`, as far as devices speak of it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Traffic {
    /// Feeds of followed vehicles.
    #[serde(default, rename = "probe_feed")]
    pub probe_feeds: Vec<Device>,
    /// Readers of plates.
    #[serde(default, rename = "reader")]
    pub readers: Vec<Roadside>,
    /// Two readers, and the way between them.
    #[serde(default, rename = "pair")]
    pub pairs: Vec<Pair>,
    /// Traffic lights.
    #[serde(default, rename = "controller")]
    pub controllers: Vec<Roadside>,
    /// Air and noise.
    #[serde(default, rename = "air_station")]
    pub air_stations: Vec<Roadside>,
}

/// A device that stands beside a road.
#[derive(Clone, Debug, Deserialize)]
pub struct Roadside {
    /// Unique in the city.
    pub id: String,
    #[serde(default)]
    lat: f64,
    #[serde(default)]
    lon: f64,
    #[serde(default)]
    valid_for: Option<String>,
    #[serde(default)]
    silent_after: Option<String>,
}

impl Roadside {
    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Point {
        Point { lat: self.lat, lon: self.lon }
    }

    /// What it says is of use no longer than this; none: the configuration does not say.
    #[must_use]
    pub fn holds(&self) -> Option<i64> {
        let spans = [&self.valid_for, &self.silent_after];
        spans.into_iter().filter_map(|text| parse_duration(text.as_deref()?)).min()
    }
}

/// Two readers.
#[derive(Clone, Debug, Deserialize)]
pub struct Pair {
    /// Unique in the city.
    pub id: String,
    /// The reader that vehicles pass first.
    pub from: String,
    /// The reader that they pass then.
    pub to: String,
}

/// A sign.
#[derive(Clone, Debug, Deserialize)]
pub struct Sign {
    /// Unique in the city.
    pub id: String,
    /// Where it stands, in words.
    #[serde(default)]
    pub name: String,
    /// Pixels across.
    #[serde(default)]
    pub width_px: u32,
    /// Pixels down.
    #[serde(default)]
    pub height_px: u32,
    /// The garage that it stands in.
    #[serde(default)]
    pub garage: Option<String>,
    /// How many of those who look for a space pass it, against other signs.
    #[serde(default = "one")]
    pub demand: f64,
    /// What it announces.
    #[serde(default, rename = "line")]
    pub lines: Vec<Line>,
}

/// A line of a sign, as far as it announces spaces for everybody.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    #[serde(default)]
    facility: Option<String>,
    #[serde(default)]
    group: Option<String>,
}

impl Sign {
    /// Ids of the car parks and zones that it announces to everybody.
    pub fn facilities(&self) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter().filter(|line| line.group.is_none());
        lines.filter_map(|line| line.facility.as_deref())
    }
}

fn one() -> f64 {
    1.0
}

#[derive(Default, Deserialize)]
struct CityFile {
    #[serde(default)]
    timezone: String,
}

#[derive(Default, Deserialize)]
struct FacilitiesFile {
    #[serde(default, rename = "facility")]
    facilities: Vec<Facility>,
}

#[derive(Default, Deserialize)]
struct GaragesFile {
    #[serde(default, rename = "garage")]
    garages: Vec<Garage>,
}

#[derive(Default, Deserialize)]
struct StationsFile {
    #[serde(default, rename = "station")]
    stations: Vec<Station>,
}

#[derive(Default, Deserialize)]
struct SignsFile {
    #[serde(default, rename = "sign")]
    signs: Vec<Sign>,
}

#[derive(Default, Deserialize)]
struct MqttFile {
    #[serde(default, rename = "source")]
    sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default, rename = "subscription")]
    subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
struct Subscription {
    filter: String,
    format: String,
}

#[derive(Deserialize)]
struct BayRow {
    device: String,
    #[serde(default)]
    eui: Option<String>,
    kind: String,
    facility: String,
    #[serde(default, rename = "use")]
    bay_use: Option<String>,
}

/// A bay sensor whose facility names no limit counts as silent after a day.
const BAY_SILENT_AFTER: i64 = 24 * crate::time::HOUR;

/// A place that names no limit counts as silent after as long.
const PLACE_SILENT_AFTER: i64 = 26 * crate::time::HOUR;

impl Layout {
    /// Reads the files by their names (`facilities.toml`, `bays.csv`, ...); one that is missing describes nothing.
    ///
    /// # Errors
    /// When a file's text is not of its form, a bay names a facility that is not there, or a device appears twice.
    pub fn parse(files: &BTreeMap<String, String>) -> Result<Layout, SimError> {
        let city: CityFile = toml_file(files, "city.toml")?;
        let facilities: FacilitiesFile = toml_file(files, "facilities.toml")?;
        let garages: GaragesFile = toml_file(files, "garages.toml")?;
        let stations: StationsFile = toml_file(files, "stations.toml")?;
        let signs: SignsFile = toml_file(files, "signs.toml")?;
        let roads: RoadsFile = toml_file(files, "roads.toml")?;
        let traffic: Traffic = toml_file(files, "traffic.toml")?;
        let mqtt: MqttFile = toml_file(files, "mqtt.toml")?;

        let mut layout = Layout {
            timezone: if city.timezone.is_empty() { "UTC".into() } else { city.timezone },
            facilities: facilities.facilities,
            garages: garages.garages,
            stations: stations.stations,
            signs: signs.signs,
            streets: Streets::new(&roads),
            traffic,
            filters: BTreeMap::new(),
        };
        for s in mqtt.sources.into_iter().flat_map(|s| s.subscriptions) {
            if let Some(format) = Format::from_name(&s.format) {
                layout.filters.entry(format).or_insert(s.filter);
            }
        }
        layout.add_bays(files)?;
        layout.check_ids()?;
        Ok(layout)
    }

    /// Every device, in the order of the configuration.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let plain = |id: &str, kind| Address { device: id.to_owned(), eui: String::new(), kind };
        let named = |d: &Device| DeviceKind::from_name(&d.kind).map(|kind| plain(&d.id, kind));
        let mut all = Vec::new();
        for facility in &self.facilities {
            all.extend(facility.devices.iter().filter_map(named));
            all.extend(facility.bays.iter().map(|b| Address {
                device: b.device.clone(),
                eui: b.eui.clone(),
                kind: b.kind,
            }));
        }
        all.extend(self.stations.iter().flat_map(|s| s.devices.iter().filter_map(named)));
        let sections = self.garages.iter().flat_map(|g| &g.sections);
        for section in sections {
            if !section.device.is_empty() {
                all.push(plain(&section.device, DeviceKind::SectionSensor));
            }
            all.extend(section.gates.iter().map(|d| plain(&d.id, DeviceKind::Barrier)));
            all.extend(section.cameras.iter().map(|c| plain(&c.id, DeviceKind::Camera)));
            all.extend(section.places.iter().map(|p| Address {
                device: p.device.clone(),
                eui: p.eui.clone(),
                kind: p.kind(),
            }));
        }
        all
    }

    /// The device of that id.
    #[must_use]
    pub fn address(&self, device: &str) -> Option<Address> {
        self.addresses().into_iter().find(|a| a.device == device)
    }

    fn add_bays(&mut self, files: &BTreeMap<String, String>) -> Result<(), SimError> {
        const FILE: &str = "bays.csv";
        let Some(text) = file(files, FILE) else { return Ok(()) };
        let mut rows = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        for row in rows.deserialize() {
            let row: BayRow = row.map_err(|e| config(FILE, e))?;
            let kind = DeviceKind::from_name(&row.kind)
                .ok_or_else(|| config(FILE, format!("{}: unknown kind {:?}", row.device, row.kind)))?;
            let owner = self
                .facilities
                .iter_mut()
                .find(|f| f.id == row.facility)
                .ok_or_else(|| config(FILE, format!("{}: no facility {:?}", row.device, row.facility)))?;
            let silent_after =
                owner.bay_silent_after.as_deref().and_then(parse_duration).unwrap_or(BAY_SILENT_AFTER);
            owner.bays.push(Bay {
                device: row.device,
                eui: row.eui.unwrap_or_default(),
                kind,
                bay_use: row.bay_use.unwrap_or_default(),
                silent_after,
            });
        }
        Ok(())
    }

    fn check_ids(&self) -> Result<(), SimError> {
        let mut seen = BTreeSet::new();
        let ids = self
            .facilities
            .iter()
            .flat_map(|f| f.devices.iter().map(|d| &d.id).chain(f.bays.iter().map(|b| &b.device)))
            .chain(self.stations.iter().flat_map(|s| s.devices.iter().map(|d| &d.id)))
            .chain(self.garages.iter().flat_map(|g| g.sections.iter().flat_map(Section::devices)))
            .filter(|id| !id.is_empty());
        for id in ids {
            if !seen.insert(id) {
                return Err(config("configuration", format!("device {id:?} appears twice")));
            }
        }
        Ok(())
    }
}

fn config(file: &str, what: impl ToString) -> SimError {
    SimError::Config { file: file.to_owned(), what: what.to_string() }
}

/// The file of that name, wherever in the configuration it lies.
fn file<'a>(files: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    files
        .iter()
        .find(|(path, _)| path.rsplit(['/', '\\']).next() == Some(name))
        .map(|(_, text)| text.as_str())
}

fn toml_file<T: Default + DeserializeOwned>(
    files: &BTreeMap<String, String>,
    name: &str,
) -> Result<T, SimError> {
    file(files, name)
        .map_or_else(|| Ok(T::default()), |text| toml::from_str(text).map_err(|e| config(name, e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect()
    }

    const FACILITY: &str =
        "[[facility]]\nid = 'z'\nkind = 'on-street'\nbay_silent_after = '2h'\nnew_key = 1\n";

    #[test]
    fn unknown_keys_and_missing_files_are_passed_over() {
        let layout = Layout::parse(&files(&[
            ("facilities.toml", FACILITY),
            ("bays.csv", "# a comment\ndevice,eui,kind,facility,bay,use\nb1,,bay,z,1,short-stay\n"),
            (
                "mqtt.toml",
                "[[source]]\nname='a'\n[[source.subscription]]\nfilter='x/+/j'\nformat='vlot-json'\n",
            ),
        ]))
        .unwrap();
        assert_eq!(layout.timezone, "UTC");
        assert_eq!(layout.facilities[0].bays[0].silent_after, 2 * crate::time::HOUR);
        assert_eq!(layout.filters[&Format::VlotJson], "x/+/j");
    }

    #[test]
    fn what_cannot_be_simulated_is_named() {
        for (name, text, needle) in [
            ("bays.csv", "device,eui,kind,facility,bay,use\nb1,,bay,nowhere,1,\n", "nowhere"),
            ("bays.csv", "device,eui,kind,facility,bay,use\nb1,,toaster,z,1,\n", "toaster"),
            ("bays.csv", "device,eui,kind,facility,bay,use\nb1,,bay,z,1,\nb1,,bay,z,2,\n", "twice"),
            ("signs.toml", "[[sign]]\nname = 'no id'\n", "id"),
        ] {
            let e = Layout::parse(&files(&[("facilities.toml", FACILITY), (name, text)])).unwrap_err();
            assert!(e.to_string().contains(needle), "{e}");
        }
    }
}
