//! signs.toml `[[place]]`: where signs lead besides car parks and garages.

use vlot_model::{City, Mode, NamedPlace, PlaceIx};

use super::SIGNS;
use super::city::Area;
use super::registry::{Names, Registry};
use super::roads::Thing;
use crate::read::{Among, Id, Table, Text};

const MODES: [(&str, Mode); 2] = [("car", Mode::Car), ("bicycle", Mode::Bicycle)];

pub(super) fn read(
    root: &mut Table<'_>,
    area: &Area,
    city: &mut City,
    registry: &Registry,
) -> Names<PlaceIx> {
    let mut names = Names::new(SIGNS, "[[place]]");
    for mut table in root.tables("place") {
        let index = PlaceIx::from_position(city.places.len());
        let id = table.required("id", Id);
        let name = table.required("name", Text(80));
        let position = area.position(&mut table);
        let mode = table.or("mode", Among(&MODES), "\"car\"");
        let spot = registry.roads.spot(&mut table);
        if registry.roads.known().is_some() {
            // Unlike an entrance, a way out of the city may well be a motorway.
            let thing = if mode == Mode::Bicycle { Thing::ForBicycles } else { Thing::AtTheStreet };
            city.placed.places.push(registry.roads.place(&table, thing, position, &spot));
        }
        if !names.take(&id, index) {
            table.problem("id", format!("{id:?} is taken"), "every place has an id of its own");
        }
        city.places.push(NamedPlace { id: id.into(), name, position, mode });
    }
    names
}
