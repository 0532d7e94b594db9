//! From files to settings: reads every file to its end, whatever is wrong with another.

mod bays;
mod calendar;
mod city;
mod corridors;
mod engine;
mod estimate;
mod facilities;
mod garages;
mod guidance;
mod health;
mod history;
mod http;
mod mqtt;
mod operators;
mod places;
mod registry;
mod roads;
mod sections;
mod service;
mod signs;
mod site;
mod situations;
mod stations;
mod template;
mod traffic;
mod transit;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use vlot_model::City;

use crate::problem::Problem;
use crate::read::{File, Report, Table, Whole};
use crate::{Settings, Source};
use registry::Registry;
pub use transit::{Warning, warnings};

const CITY: &str = "city.toml";
const MQTT: &str = "mqtt.toml";
const FACILITIES: &str = "facilities.toml";
const BAYS: &str = "bays.csv";
const GARAGES: &str = "garages.toml";
const STATIONS: &str = "stations.toml";
const SIGNS: &str = "signs.toml";
const CALENDAR: &str = "calendar.toml";
const HEALTH: &str = "health.toml";
const ROADS: &str = "roads.toml";
const TRAFFIC: &str = "traffic.toml";
const HTTP: &str = "http.toml";

/// Every file that a configuration can have.
const FILES: [&str; 12] =
    [CITY, MQTT, FACILITIES, BAYS, GARAGES, STATIONS, SIGNS, CALENDAR, HEALTH, ROADS, TRAFFIC, HTTP];

/// How long anything may be silent or stay valid.
const WHILE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_hours(7 * 24);

/// Reads everything; what it returns is good only if nothing was reported.
pub(crate) fn settings(source: &Source, report: &Report) -> Settings {
    for (name, _) in source.files().filter(|(name, _)| !FILES.contains(name)) {
        let hint = format!("a configuration has {}", FILES.join(", "));
        whole_file(report, name, "is not a known file", &hint);
    }
    let mut registry = Registry::default();
    let mut city = City::default();

    let (area, serve, journal, admission, history, situations, feed) =
        open(source, CITY, Need::Required, report, |_, mut root| {
            let area = city::read(&mut root, &mut city);
            city.guidance = guidance::read(root.section("guidance"), &area);
            let admission = engine::admission(root.section("admission"));
            let journal = engine::journal(root.section("journal"));
            let history = history::read(root.section("history"), source);
            let situations = situations::read(root.section("situations"), source);
            let feed = transit::read(root.section("transit"), source);
            (
                area,
                engine::serve(root.section("serve"), source),
                journal,
                admission,
                history,
                situations,
                feed,
            )
        });
    let mqtt = open(source, MQTT, Need::Required, report, |whole, root| mqtt::read(root, source, whole));
    registry.roads = open(source, ROADS, Need::Optional, report, |whole, root| {
        roads::read(root, (source, report), (whole, &area), &mut city)
    });
    open(source, FACILITIES, Need::Optional, report, |whole, root| {
        registry.facilities.complete = whole;
        let bays = source.file(BAYS).unwrap_or_default();
        facilities::read(root, bays, &area, &mut city, &mut registry, report);
    });
    open(source, GARAGES, Need::Optional, report, |whole, root| {
        registry.garages.complete = whole;
        registry.sections.complete = whole;
        garages::read(root, (&area, journal.keep), &mut city, &mut registry);
    });
    open(source, STATIONS, Need::Optional, report, |_, root| {
        stations::read(root, &area, &mut city, &mut registry);
    });
    open(source, SIGNS, Need::Optional, report, |_, root| signs::read(root, &area, &mut city, &mut registry));
    open(source, TRAFFIC, Need::Optional, report, |_, root| {
        traffic::read(root, &area, &mut city, &mut registry);
    });
    open(source, CALENDAR, Need::Optional, report, |_, root| calendar::read(root, &mut city, &registry));
    open(source, HEALTH, Need::Optional, report, |_, root| health::read(root, &mut city));
    let http = open(source, HTTP, Need::Optional, report, |_, root| http::read(root, source));

    // With anything else wrong, the devices may only be hidden behind it.
    if city.devices.is_empty() && report.is_empty() {
        whole_file(
            report,
            CITY,
            "describes a city without any device",
            "add facilities.toml, bays.csv or another",
        );
    }
    // Last, so that every configured device has the index that it has without them.
    transit::fit(&mut city, feed.as_deref(), source, report);
    operators::add(&mut city);
    roads::fit(&mut city, &registry.roads);
    Settings { city: Arc::new(city), mqtt, http, serve, journal, admission, history, situations }
}

/// Reads `full_at` and `reopen_at` of something that has `capacity` places.
fn thresholds(table: &mut Table<'_>, capacity: u32) -> (u32, u32) {
    let full_at = table.required("full_at", Whole(0..=100_000));
    let reopen_at = table.required("reopen_at", Whole(1..=100_000));
    if !table.is_sound("full_at") || !table.is_sound("reopen_at") {
    } else if reopen_at <= full_at {
        let what = format!("{reopen_at} is not above full_at, {full_at}");
        table.problem(
            "reopen_at",
            what,
            "between the two the sign keeps what it shows: without it, it would flap",
        );
    } else if reopen_at > capacity && table.is_sound("capacity") {
        let what = format!("{reopen_at} is above the capacity, {capacity}");
        table.problem("reopen_at", what, "once full, it would stay full for ever");
    }
    (full_at, reopen_at)
}

#[derive(PartialEq)]
enum Need {
    Required,
    Optional,
}

/// Reads a file. One that is missing or no TOML is reported, and then read as an empty one into a report that nobody
/// sees; `read` is told whether it has the whole file before it.
fn open<T>(
    source: &Source,
    name: &'static str,
    need: Need,
    report: &Report,
    read: impl FnOnce(bool, Table<'_>) -> T,
) -> T {
    let text = source.file(name);
    if text.is_none() && need == Need::Required {
        whole_file(report, name, "is missing", "every configuration has one: see docs/configuration.md");
    }
    match text.or((need == Need::Optional).then_some("")).and_then(|text| File::parse(name, text, report)) {
        Some(file) => read(true, file.table(report)),
        None => {
            let unseen = Report::default();
            read(false, File::empty(name).table(&unseen))
        }
    }
}

fn whole_file(report: &Report, name: &str, what: &str, hint: &str) {
    let (file, what, hint) = (name.to_owned(), what.to_owned(), hint.to_owned());
    report.add(Problem { file, line: None, place: String::new(), what, hint });
}
