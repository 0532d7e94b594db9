//! What a visitor wants to know of a facility, in facilities.toml: for whom, when, how high, how to go on.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use vlot_model::{
    CapacityFrom, Counting, Facility, Group, LonLat, Onward, Part, Site, StreetRules, UserGroup,
};

use crate::read::{Degrees, Id, Kind, Level, Local, Named, Share, Span, Table, Text, Whole};
use vlot_hours::wrong_hours;

const STAY: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(7 * 24);
const SPACES: RangeInclusive<u32> = 0..=100_000;

/// Reads it; `zone` is the city's time zone.
pub(super) fn read(table: &mut Table<'_>, facility: &Facility, zone: &str) -> Site {
    let capacities = capacities(table, facility, zone);
    let (groups, sound) = groups(table, zone);
    let site = Site {
        groups,
        opening_hours: hours(table, "opening_hours"),
        height_limit_cm: table.optional("height_limit_cm", Whole(50..=2_000)),
        tariff: table.optional("tariff", Text(200)),
        onward: onward(table),
        parts: parts(table, facility.capacity),
        street: StreetRules {
            max_stay: table.or("max_stay", Span(STAY), "\"30m\""),
            max_stay_hours: hours(table, "max_stay_hours"),
            pressure_alarm: table.or("pressure_alarm", Share, "0.85"),
        },
        capacities,
    };
    if sound && table.is_sound("capacity") {
        groups_fit(table, facility, &site);
    }
    site
}

/// Whether bays.csv and the groups say the same.
pub(super) fn bays_fit(table: &Table<'_>, facility: &Facility) {
    let site = &facility.site;
    if facility.counting == Counting::Bays && table.is_sound("counting") {
        let told = "counts by bays: bays.csv says how many there are, and for whom";
        if !site.groups.is_empty() {
            table.problem("group", told, "remove the groups: those of bays.csv are published");
        }
        if !site.capacities.is_empty() {
            table.problem("capacity_from", told, "remove it: change bays.csv on that day");
        }
        return;
    }
    for group in &site.groups {
        let bays = facility.bays.iter().filter(|b| b.bay_use == group.group).count();
        if bays > group.capacity as usize && group.from.is_none() {
            let what = format!(
                "has {} spaces in an entry, but bays.csv has {bays} bays of that group",
                group.capacity
            );
            table.problem("group", what, "bays are part of their group's spaces");
        }
    }
}

/// Hours that can be read: what cannot is a problem, and never "always open".
fn hours(table: &mut Table<'_>, key: &'static str) -> Option<String> {
    let text = table.optional(key, Text(255))?;
    if let Some((what, hint)) = wrong_hours(&text) {
        table.problem(key, what, hint);
    }
    Some(text)
}

fn capacities(table: &mut Table<'_>, facility: &Facility, zone: &str) -> Vec<CapacityFrom> {
    let mut read: Vec<CapacityFrom> = Vec::new();
    for mut entry in table.tables("capacity_from") {
        let from = entry.required("from", Local(zone));
        let capacity = entry.required("capacity", Whole(1..=100_000));
        if entry.is_sound("from") && read.last().is_some_and(|before| from <= before.from) {
            entry.problem("from", "is not after the one before", "dates rise from entry to entry");
        }
        if entry.is_sound("capacity") && table.is_sound("reopen_at") && capacity < facility.reopen_at {
            let what = format!("{capacity} is below reopen_at, {}", facility.reopen_at);
            entry.problem("capacity", what, "once full, it would stay full for ever");
        }
        read.push(CapacityFrom { from, capacity });
    }
    read
}

/// The groups, and whether all of them are what the file says.
fn groups(table: &mut Table<'_>, zone: &str) -> (Vec<Group>, bool) {
    let (mut read, mut all_sound): (Vec<Group>, bool) = (Vec::new(), true);
    for mut entry in table.tables("group") {
        let group = entry.required("group", Named::or_stand_in(UserGroup::Everyone));
        let capacity = entry.required("capacity", Whole(SPACES));
        let from = entry.optional("from", Local(zone));
        let sound = entry.is_sound("group") && entry.is_sound("from");
        let before = read.iter().rev().find(|before| before.group == group);
        if sound && before.is_some_and(|before| from <= before.from) {
            let (what, hint) = match from {
                None => (
                    "has no \"from\", and the group is there already",
                    "say from when on it has so many spaces",
                ),
                Some(_) => {
                    ("is not after the group's entry before", "dates of one group rise from entry to entry")
                }
            };
            entry.problem("from", what, hint);
        }
        all_sound &= sound && entry.is_sound("capacity");
        read.push(Group { group, capacity, from });
    }
    (read, all_sound)
}

/// Whether the groups' spaces are part of the capacity, on every day on which one of them changes.
fn groups_fit(table: &Table<'_>, facility: &Facility, site: &Site) {
    let starts = site.groups.iter().map(|g| g.from).chain(site.capacities.iter().map(|c| Some(c.from)));
    let days: BTreeSet<_> = starts.chain([None]).collect();
    for day in days {
        let capacity = day.map_or(facility.capacity, |day| site.capacity_at(facility.capacity, day));
        let taken: u64 = site.groups_at(day).map(|(_, spaces)| u64::from(spaces)).sum();
        if taken > u64::from(capacity) {
            let when = day.map_or_else(String::new, |day| format!(" from {day} on"));
            let what = format!("has {taken} spaces in all{when}, above the capacity, {capacity}");
            table.problem("group", what, "groups are parts of the capacity");
            return;
        }
    }
}

fn onward(table: &mut Table<'_>) -> Vec<Onward> {
    let read = |mut entry: Table<'_>| Onward {
        line: entry.required("line", Text(24)),
        to: entry.required("to", Text(80)),
        headway_min: entry.required("headway_min", Whole(1..=1_440)),
        ride_min: entry.required("ride_min", Whole(1..=240)),
        alights: both(&mut entry, ["lat", "lon"], [Degrees(90.0), Degrees(180.0)])
            .map(|[lat, lon]| LonLat { lon, lat }),
        stops: both(&mut entry, ["from_stop", "to_stop"], [Text(128), Text(128)])
            .map(|stops| stops.map(String::into_boxed_str)),
        timetable: None,
    };
    table.tables("onward").into_iter().map(read).collect()
}

/// Two values that say something together alone.
fn both<K: Kind>(entry: &mut Table<'_>, keys: [&'static str; 2], kinds: [K; 2]) -> Option<[K::Out; 2]> {
    let [a, b] = kinds;
    match (entry.optional(keys[0], a), entry.optional(keys[1], b)) {
        (Some(a), Some(b)) => Some([a, b]),
        (None, None) => None,
        (a, _) => {
            let (there, lacking) = if a.is_some() { (keys[0], keys[1]) } else { (keys[1], keys[0]) };
            if !entry.has(lacking) {
                entry.problem(there, format!("stands without {lacking}"), "give both, or neither");
            }
            None
        }
    }
}

fn parts(table: &mut Table<'_>, capacity: u32) -> Vec<Part> {
    let (mut ids, mut sum) = (BTreeSet::new(), 0_u64);
    let mut read = Vec::new();
    for mut entry in table.tables("part") {
        let id = entry.required("id", Id);
        let name = entry.required("name", Text(80));
        let level = entry.or("level", Level, "0");
        let spaces = entry.required("capacity", Whole(1..=100_000));
        if !id.is_empty() && !ids.insert(id.clone()) {
            entry.problem(
                "id",
                format!("{id:?} is taken"),
                "every part has an id of its own in its facility",
            );
        }
        sum += u64::from(spaces);
        if sum > u64::from(capacity) && entry.is_sound("capacity") && table.is_sound("capacity") {
            let what = format!("brings the parts to {sum}, above the capacity, {capacity}");
            entry.problem("capacity", what, "parts share the capacity");
        }
        read.push(Part { id: id.into(), name, level, capacity: spaces });
    }
    read
}
