//! Names that are taken, and what they stand for.

use std::collections::BTreeMap;
use std::time::Duration;

use vlot_model::{City, Device, DeviceIx, DeviceKind, FacilityIx, GarageIx, Role, SectionIx, Service};

use super::roads::Roads;
use super::{FACILITIES, GARAGES};
use crate::read::Table;

/// The most devices of a city: every index stays far below its type's end.
pub(super) const DEVICES_MAX: usize = 1_000_000;

/// Names of one kind of thing.
pub(super) struct Names<I> {
    of: BTreeMap<String, I>,
    /// Where such names are made, for messages: `facilities.toml has no such [[facility]]`.
    home: (&'static str, &'static str),
    /// Whether every name is known here: false when the file that holds them cannot be read.
    pub(super) complete: bool,
}

impl<I: Copy> Names<I> {
    pub(super) fn new(file: &'static str, table: &'static str) -> Self {
        Names { of: BTreeMap::new(), home: (file, table), complete: true }
    }

    /// Whether the name is taken.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.of.contains_key(name)
    }

    /// Takes a name; false when it is taken. Without a name there is nothing to take.
    pub(super) fn take(&mut self, name: &str, index: I) -> bool {
        match self.of.get(name) {
            Some(_) => false,
            None => {
                if !name.is_empty() {
                    self.of.insert(name.to_owned(), index);
                }
                true
            }
        }
    }

    /// What a key's value stands for; an unknown name is reported.
    pub(super) fn find(&self, name: &str, complain: impl FnOnce(String, String)) -> Option<I> {
        let found = self.of.get(name).copied();
        if found.is_none() && self.complete && !name.is_empty() {
            let near: Vec<_> = self.of.keys().filter(|k| near(k, name)).take(3).cloned().collect();
            let (file, table) = self.home;
            let hint = match near.as_slice() {
                [] => format!("{file} has no such {table}"),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            complain(format!("{name:?} is unknown"), hint);
        }
        found
    }
}

/// Whether one name may be a slip for the other: at most two letters differ.
fn near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return false;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()] <= 2
}

/// All names of a configuration, as far as it has been read.
pub(super) struct Registry {
    pub(super) facilities: Names<FacilityIx>,
    pub(super) garages: Names<GarageIx>,
    /// Under `garage/section`.
    pub(super) sections: Names<SectionIx>,
    /// The streets that things stand on.
    pub(super) roads: Roads,
    /// Whether every row of bays.csv was counted to its facility.
    pub(super) bays_complete: bool,
    /// Where each device name and EUI is, lower-case.
    devices: BTreeMap<String, (&'static str, usize)>,
    full: bool,
}

/// A device to be.
pub(super) struct NewDevice<'n> {
    /// The key that names it, for messages.
    pub(super) key: &'n str,
    pub(super) id: &'n str,
    pub(super) eui: Option<&'n str>,
    pub(super) kind: DeviceKind,
    pub(super) role: Role,
    pub(super) silent_after: Duration,
    pub(super) file: &'static str,
    pub(super) line: usize,
}

impl Default for Registry {
    fn default() -> Self {
        Registry {
            facilities: Names::new(FACILITIES, "[[facility]]"),
            garages: Names::new(GARAGES, "[[garage]]"),
            sections: Names::new(GARAGES, "[[garage.section]] in that garage"),
            roads: Roads::default(),
            bays_complete: true,
            devices: BTreeMap::new(),
            full: false,
        }
    }
}

impl Registry {
    /// Adds a device to the city. `complain` takes the key, what is wrong and the hint.
    pub(super) fn device(
        &mut self,
        city: &mut City,
        new: &NewDevice<'_>,
        complain: impl Fn(&str, String, &str),
    ) -> DeviceIx {
        if city.devices.len() >= DEVICES_MAX {
            if !std::mem::replace(&mut self.full, true) {
                complain(new.key, format!("is beyond the {DEVICES_MAX} devices of a city"), "split the city");
            }
            return DeviceIx::default();
        }
        let index = DeviceIx::from_position(city.devices.len());
        for (key, name) in [(new.key, Some(new.id)), ("eui", new.eui)] {
            let Some(name) = name.filter(|name| !name.is_empty()) else { continue };
            match self.devices.entry(name.to_ascii_lowercase()) {
                std::collections::btree_map::Entry::Occupied(held) => {
                    let (file, line) = held.get();
                    let what = format!("{name:?} is taken by the device of {file}:{line}");
                    complain(key, what, "every device has a name and an EUI of its own, whatever its kind");
                }
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert((new.file, new.line));
                    city.directory.insert(name, index);
                }
            }
        }
        city.devices.push(Device {
            id: new.id.into(),
            kind: new.kind,
            role: new.role,
            silent_after: new.silent_after,
            service: Service::default(),
        });
        index
    }

    /// Adds the device that a table of a TOML file describes.
    pub(super) fn device_of(
        &mut self,
        city: &mut City,
        table: &Table<'_>,
        (key, id): (&str, &str),
        (kind, role): (DeviceKind, Role),
        silent_after: Duration,
    ) -> DeviceIx {
        let (file, line) = (table.file_name(), table.line());
        let new = NewDevice { key, id, eui: None, kind, role, silent_after, file, line };
        self.device(city, &new, |key, what, hint| table.problem(key, what, hint))
    }
}

impl Registry {
    /// Gives a device one more name, which a key of its table makes.
    pub(super) fn also_called(
        &mut self,
        city: &mut City,
        table: &Table<'_>,
        (key, name): (&str, &str),
        device: DeviceIx,
    ) {
        if city.directory.find(name) == Some(device) {
            return;
        }
        if let Some((file, line)) = self.devices.insert(name.to_owned(), (table.file_name(), table.line())) {
            let what = format!("{name:?} is taken by the device of {file}:{line}");
            table.problem(key, what, "every device has a name of its own, whatever its kind");
        } else {
            city.directory.insert(name, device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_beyond_its_bound_of_devices_says_so_once() {
        let (mut city, mut registry) = (City::default(), Registry::default());
        let device = |id| NewDevice {
            key: "id",
            id,
            eui: None,
            kind: DeviceKind::Bay,
            role: Role::Bay { facility: FacilityIx(0), bay: 0 },
            silent_after: Duration::from_secs(60),
            file: "bays.csv",
            line: 1,
        };
        let said = std::cell::RefCell::new(Vec::new());
        let complain = |_: &str, what: String, _: &str| said.borrow_mut().push(what);
        registry.device(&mut city, &device("first"), complain);
        let first = city.devices[0].clone();
        city.devices.resize(DEVICES_MAX - 1, first);
        for id in ["last", "beyond", "further"] {
            registry.device(&mut city, &device(id), complain);
        }
        assert_eq!(*said.borrow(), ["is beyond the 1000000 devices of a city"]);
        assert_eq!(city.devices.len(), DEVICES_MAX);
        assert!(city.directory.find("last").is_some() && city.directory.find("beyond").is_none());
    }

    #[test]
    fn a_slip_is_near_and_another_name_is_not() {
        for (a, b, expected) in
            [("ladeuze", "ladeuse", true), ("bond", "de-bond", false), ("ab", "ba", true), ("", "abc", false)]
        {
            assert_eq!((near(a, b), near(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
