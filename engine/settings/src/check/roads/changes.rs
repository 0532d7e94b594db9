//! `[[change]]`: corrections to streets that are there already, mostly imported ones.

use vlot_model::{Access, LonLat, Permission};
use vlot_network::{Draft, DraftLink, geo};

use super::access;
use crate::read::{Degrees, LinkName, Number, Table, Text, Truth, Whole};

/// Whether there are any.
pub(super) fn read(root: &mut Table<'_>, draft: &mut Draft) -> bool {
    let entries = root.tables("change");
    let any = !entries.is_empty();
    for mut table in entries {
        let chosen = chosen(&mut table, draft);
        change(&mut table, draft, &chosen);
    }
    any
}

/// Positions in the draft of the links that are meant.
fn chosen(table: &mut Table<'_>, draft: &mut Draft) -> Vec<usize> {
    let link = table.optional("link", LinkName);
    let street = table.optional("street", Text(255));
    let lat = table.optional("lat", Degrees(90.0));
    let lon = table.optional("lon", Degrees(180.0));
    let within_m = table.or("within_m", Number(1.0..=10_000.0), "30.0");
    if table.has("link") == table.has("street") {
        table.wrong("needs one of link and street", "link is a lasting name; street comes with lat and lon");
        return Vec::new();
    }
    let links = draft.links_mut();
    if let Some(id) = link {
        let found: Vec<_> = (0..links.len()).filter(|at| links[*at].id == id).collect();
        if found.is_empty() {
            let hint = "lasting names change when a street is cut anew: name it by street, lat and lon";
            table.problem("link", format!("there is no link {:016x}", id.0), hint);
        }
        return found;
    }
    let (Some(street), Some(lat), Some(lon)) = (street, lat, lon) else {
        if table.has("street") && !(table.has("lat") && table.has("lon")) {
            table.problem("street", "is named without a place", "give lat and lon of a point in it");
        }
        return Vec::new();
    };
    let here = LonLat { lon, lat };
    let far = |link: &DraftLink| geo::project(&link.points, here).map_or(f64::INFINITY, |at| at.distance_m);
    let named: Vec<_> = (0..links.len()).filter(|at| links[*at].name == street).collect();
    let found: Vec<_> = named.iter().copied().filter(|at| far(&links[*at]) <= within_m).collect();
    if found.is_empty() {
        let nearest = named.iter().map(|at| far(&links[*at])).min_by(f64::total_cmp);
        let what = match nearest {
            Some(m) => format!("{street:?} is {m:.0} m from there at its nearest"),
            None => format!("no street is called {street:?}"),
        };
        table.problem("street", what, "names are compared letter by letter; within_m widens the search");
    }
    found
}

fn change(table: &mut Table<'_>, draft: &mut Draft, chosen: &[usize]) {
    let closed = table.or("closed", Truth, "false");
    let speed_kmh = table.optional("speed_kmh", Number(3.0..=130.0));
    let lanes = table.optional("lanes", Whole(1..=12));
    let oneway_deg = table.optional("oneway_deg", Number(0.0..=360.0));
    let mut said = Access::default();
    let says_access = access::read(table, &mut said);
    if !(closed || speed_kmh.is_some() || lanes.is_some() || oneway_deg.is_some() || says_access) {
        table.wrong("changes nothing", "say closed, oneway_deg, speed_kmh, lanes, who may use it, or a rule");
    }
    if closed && says_access {
        table.problem("closed", "leaves nothing that access could say", "keep one of the two");
    }
    let given: Vec<bool> = crate::read::MODES.iter().map(|(key, _)| table.has(key)).collect();
    for at in chosen {
        let Some(link) = draft.links_mut().get_mut(*at) else { continue };
        if closed {
            link.access = Access { always: [Permission::No; 4], ..Access::default() };
            continue;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a speed within bounds")]
        if let Some(speed) = speed_kmh {
            link.free_flow_kmh = speed as f32;
        }
        link.lanes = lanes.unwrap_or(link.lanes);
        for (mode, _) in given.iter().enumerate().filter(|(_, given)| **given) {
            link.access.always[mode] = said.always[mode];
        }
        link.access.max_weight_kg = said.max_weight_kg.or(link.access.max_weight_kg);
        link.access.max_height_cm = said.max_height_cm.or(link.access.max_height_cm);
        link.access.rules.extend(said.rules.iter().cloned());
        if oneway_deg.is_some_and(|deg| geo::turn_deg(bearing(link), deg) > 90.0) {
            access::without_motors(&mut link.access);
        }
    }
}

/// Of a link as a whole.
fn bearing(link: &DraftLink) -> f64 {
    match (link.points.first(), link.points.last()) {
        (Some(a), Some(b)) => geo::bearing_deg(*a, *b),
        _ => 0.0,
    }
}
