//! What the devices of announced places had said last.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use vlot_model::{City, DeviceIx, Reading, Role, SectionIx, SignLine, Target};

use crate::convert::{self, timestamp};
use crate::wire::guidance::v1 as wire;

/// By device, oldest first.
type Readings = BTreeMap<DeviceIx, Vec<Reading>>;

/// Readings of a place that are told at most.
const READINGS: usize = 50;

/// Of each line's target, in the lines' order, each target once.
pub(super) fn of_lines(city: &City, all: &Readings, lines: &[SignLine]) -> Vec<wire::PlaceReadings> {
    let mut seen = Vec::with_capacity(lines.len());
    for line in lines {
        if !seen.contains(&line.target) {
            seen.push(line.target);
        }
    }
    seen.into_iter().map(|target| of_place(city, all, target)).collect()
}

fn of_place(city: &City, readings: &Readings, target: Target) -> wire::PlaceReadings {
    let all: Vec<DeviceIx> = (0..city.devices.len())
        .map(DeviceIx::from_position)
        .filter(|ix| city.devices.get(ix.at()).is_some_and(|device| belongs(city, target, device.role)))
        .collect();
    // A person is no device that could have been silent.
    let is_device = |ix: &&DeviceIx| {
        let role = city.devices.get(ix.at()).map(|device| device.role);
        !matches!(role, Some(Role::Operator { .. } | Role::Apps { .. }))
    };
    let heard = |ix: &&DeviceIx| readings.get(ix).is_some_and(|said| !said.is_empty());
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut said: Vec<_> = all.iter().filter_map(|ix| readings.get(ix)).flatten().collect();
    said.sort_by_key(|r| (Reverse((r.observed_at, r.received_at)), r.device, Reverse(r.sequence)));
    let told = said.into_iter().take(READINGS).map(|r| wire::PastReading {
        device_id: city.devices.get(r.device.at()).map(|d| d.id.to_string()).unwrap_or_default(),
        said: vlot_publish::reading_words(&r.value),
        observed_at: Some(timestamp(r.observed_at)),
        received_at: Some(timestamp(r.received_at)),
        sequence: r.sequence,
    });
    wire::PlaceReadings {
        target_id: convert::target(city, target),
        name: vlot_publish::target_name(city, target).to_owned(),
        readings: told.collect(),
        devices_heard: count(all.iter().filter(is_device).filter(heard).count()),
        devices: count(all.iter().filter(is_device).count()),
    }
}

/// Whether what a device says is of a place.
fn belongs(city: &City, target: Target, role: Role) -> bool {
    let of_section = |s: SectionIx| match target {
        Target::Facility(_) | Target::Group { .. } | Target::Place(_) => false,
        Target::Garage(g) => city.sections.get(s.at()).is_some_and(|section| section.garage == g),
        Target::Section(of) => of == s,
    };
    match role {
        Role::Bay { facility, .. }
        | Role::Barrier { facility }
        | Role::Counter { facility }
        | Role::Apps { facility }
        | Role::Operator { facility } => match target {
            Target::Facility(of) | Target::Group { facility: of, .. } => of == facility,
            _ => false,
        },
        Role::Section { section } | Role::Place { section, .. } => of_section(section),
        _ => false,
    }
}
