//! signs.toml: layouts, signs and what each announces.

use std::time::Duration;

use vlot_model::{
    Arrow, City, DeviceIx, DeviceKind, GarageIx, LonLat, Matrix, Mode, PlaceIx, Placement, Role, Sign,
    SignIx, SignLine, Target, Template, UserGroup,
};

use super::SIGNS;
use super::city::Area;
use super::places;
use super::registry::{Names, Registry};
use super::roads::Thing;
use super::template::Placeholders;
use crate::read::{Id, Named, Number, Span, Table, Text, Whole};

/// Lines of one sign.
const LINES_MAX: usize = 8;
const TRAVEL_TIME_MAX: Duration = Duration::from_hours(2);
const TIME_TO_LIVE: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_mins(10);

/// Layouts by name, each with what it asks for; `None` where that cannot be told.
struct Layouts {
    names: Names<usize>,
    placeholders: Vec<Option<Placeholders>>,
}

pub(super) fn read(mut root: Table<'_>, area: &Area, city: &mut City, registry: &mut Registry) {
    let known =
        Known { layouts: templates(&mut root, city), places: places::read(&mut root, area, city, registry) };
    let mut names = Names::new(SIGNS, "[[sign]]");
    for mut table in root.tables("sign") {
        let index = SignIx::from_position(city.signs.len());
        let sign = sign(&mut table, index, area, city, registry, &known);
        if !names.take(&sign.id, index) {
            table.problem("id", format!("{:?} is taken", sign.id), "every sign has an id of its own");
        }
        city.signs.push(sign);
    }
}

/// What signs refer to within their file.
struct Known {
    layouts: Layouts,
    places: Names<PlaceIx>,
}

fn templates(root: &mut Table<'_>, city: &mut City) -> Layouts {
    let mut layouts = Layouts { names: Names::new(SIGNS, "[[template]]"), placeholders: Vec::new() };
    for mut table in root.tables("template") {
        let name = table.required("name", Id);
        let multi = table.required("multi", Text(4_096));
        if !layouts.names.take(&name, city.templates.len()) {
            table.problem("name", format!("{name:?} is taken"), "every template has a name of its own");
        }
        layouts.placeholders.push(match Placeholders::of(&multi) {
            Ok(placeholders) => Some(placeholders).filter(|_| table.is_sound("multi")),
            Err(what) => {
                table.problem("multi", what, Placeholders::KNOWN);
                None
            }
        });
        city.templates.push(Template { name: name.into(), multi });
    }
    layouts
}

fn sign(
    table: &mut Table<'_>,
    index: SignIx,
    area: &Area,
    city: &mut City,
    registry: &mut Registry,
    known: &Known,
) -> Sign {
    let layouts = &known.layouts;
    let id = table.required("id", Id);
    let name = table.required("name", Text(80));
    let position: LonLat = area.position(table);
    let matrix = Matrix {
        width_px: table.required("width_px", Whole(8..=1024)),
        height_px: table.required("height_px", Whole(8..=1024)),
    };
    let template_name = table.required("template", Id);
    let template = layouts.names.find(&template_name, |what, hint| table.problem("template", what, hint));
    let garage_id = table.optional("garage", Id);
    let garage = garage_id
        .as_deref()
        .and_then(|id| registry.garages.find(id, |what, hint| table.problem("garage", what, hint)));
    let lines = lines(table, garage_id.as_deref(), registry, &known.places, city);
    if lines.is_empty() {
        let hint = "add a [[sign.line]] with facility, garage, section or place";
        table.wrong("announces nothing", hint);
    }
    let spot = registry.roads.spot(table);
    if garage_id.is_some() {
        for key in ["road", "link", "heading_deg"].into_iter().filter(|key| table.has(key)) {
            table.problem(key, "is given of a sign inside a garage", "leave it out: nobody drives past it");
        }
    }
    if registry.roads.known().is_some() {
        let in_street = garage_id.is_none();
        let for_bicycles = lines.iter().flatten().all(|line| line.target.mode(city) == Mode::Bicycle);
        let thing = if for_bicycles { Thing::ForBicycles } else { Thing::AtTheStreet };
        let on = in_street.then(|| registry.roads.place(table, thing, position, &spot)).flatten();
        city.placed.signs.push(on);
    }
    let time_to_live = table.required("time_to_live", Span(TIME_TO_LIVE));
    let min_dwell = table.or("min_dwell", Span(Duration::ZERO..=*TIME_TO_LIVE.end()), "\"20s\"");
    if min_dwell >= time_to_live && table.is_sound("time_to_live") {
        let key = if table.has("min_dwell") { "min_dwell" } else { "time_to_live" };
        table.problem(
            key,
            "min_dwell is not shorter than time_to_live",
            "a face must be able to change before it ends",
        );
    }
    #[expect(clippy::cast_possible_truncation, reason = "a ratio")]
    let demand = table.or("demand", Number(0.01..=100.0), "1.0") as f32;
    if let Some(placeholders) = template.and_then(|t| layouts.placeholders.get(t)?.as_ref()) {
        fits(table, &template_name, placeholders, &lines);
    }
    let role = Role::Sign { sign: index };
    // A sign that is well reports at least once within the life of a face.
    let device: DeviceIx = registry.device_of(
        city,
        table,
        ("id", &id),
        (DeviceKind::Sign, role),
        time_to_live.saturating_mul(2),
    );
    Sign {
        id: id.into(),
        name,
        position,
        matrix,
        placement: garage.map_or(Placement::Street, Placement::Garage),
        lines: lines.into_iter().flatten().collect(),
        template: template.unwrap_or_default(),
        time_to_live,
        min_dwell,
        demand,
        device,
    }
}

/// The lines; `None` for one whose target is not known, so that the others keep their numbers.
fn lines(
    table: &mut Table<'_>,
    garage: Option<&str>,
    registry: &Registry,
    places: &Names<PlaceIx>,
    city: &City,
) -> Vec<Option<SignLine>> {
    let entries = table.tables("line");
    if entries.len() > LINES_MAX {
        table.wrong(format!("has {} lines", entries.len()), format!("at most {LINES_MAX}"));
    }
    let mut lines: Vec<Option<SignLine>> = Vec::new();
    for mut entry in entries.into_iter().take(LINES_MAX) {
        let target = target(&mut entry, garage, registry, places, city);
        let label = entry.required("label", Text(24));
        let arrow = entry.or("arrow", Named::or_stand_in(Arrow::None), "\"none\"");
        let travel_time = entry.or("travel_time", Span(Duration::ZERO..=TRAVEL_TIME_MAX), "\"0s\"");
        if entry.has("facility") && !entry.has("travel_time") {
            let hint = "advice goes to the nearest with space: without a travel time this would always be the nearest";
            entry.problem("travel_time", "is missing", hint);
        }
        if entry.has("place") && !entry.has("travel_time") {
            let hint = "it is shown until a live one is known: without it the place would be 0 minutes away";
            entry.problem("travel_time", "is missing", hint);
        }
        if target.is_some() && lines.iter().flatten().any(|line| Some(line.target) == target) {
            entry.wrong("announces what another line of the sign announces", "one line a destination");
        }
        lines.push(target.map(|target| SignLine { target, label: label.into(), arrow, travel_time }));
    }
    lines
}

fn target(
    entry: &mut Table<'_>,
    garage: Option<&str>,
    registry: &Registry,
    places: &Names<PlaceIx>,
    city: &City,
) -> Option<Target> {
    let facility = entry.optional("facility", Id);
    let whole_garage = entry.optional("garage", Id);
    let section = entry.optional("section", Id);
    let place = entry.optional("place", Id);
    let group = entry.optional("group", Named::or_stand_in(UserGroup::Everyone));
    let written = ["facility", "garage", "section", "place"].into_iter().filter(|key| entry.has(key)).count();
    if written != 1 {
        let hint = "exactly one of facility, garage, section and place";
        entry.wrong(format!("announces {written} things"), hint);
        return None;
    }
    if entry.has("group") && !entry.has("facility") {
        entry.problem(
            "group",
            "is given without a facility",
            "groups of users have spaces at facilities alone",
        );
    }
    if let Some(id) = facility {
        let found = registry.facilities.find(&id, |what, hint| entry.problem("facility", what, hint))?;
        let Some(group) = group else { return Some(Target::Facility(found)) };
        let of = city.facilities.get(found.at())?;
        let configured = of.site.groups.iter().any(|g| g.group == group);
        if !configured && of.bays.iter().all(|bay| bay.bay_use != group) {
            let what = format!("{:?} has no spaces of its own at {id:?}", group.id());
            entry.problem("group", what, "add a [[facility.group]] or bays of that use, or leave it out");
        }
        return Some(Target::Group { facility: found, group });
    }
    if let Some(id) = place {
        return places.find(&id, |what, hint| entry.problem("place", what, hint)).map(Target::Place);
    }
    if let Some(id) = whole_garage {
        let found: Option<GarageIx> =
            registry.garages.find(&id, |what, hint| entry.problem("garage", what, hint));
        return found.map(Target::Garage);
    }
    let id = section?;
    let Some(garage) = garage else {
        entry.problem("section", format!("{id:?} is a section of no garage"), "give the sign its garage");
        return None;
    };
    // An unknown garage has been reported where it stands.
    if !registry.garages.knows(garage) {
        return None;
    }
    let within = format!("{garage}/{id}");
    let found = registry.sections.find(&within, |what, hint| {
        // The garage stands on the sign already; the key names the section alone.
        let own = |text: String| text.replace(&format!("{garage}/"), "");
        entry.problem("section", own(what), own(hint));
    });
    found.map(Target::Section)
}

/// Whether the layout shows exactly the sign's lines.
fn fits(table: &Table<'_>, name: &str, placeholders: &Placeholders, lines: &[Option<SignLine>]) {
    let highest = placeholders.lines.last().copied().unwrap_or(0);
    if highest > lines.len() {
        let what = format!("{name:?} asks for line {highest}, and the sign has {}", lines.len());
        table.problem("template", what, "use a template of as many lines, or add lines");
    }
    let hidden: Vec<String> =
        (1..=lines.len()).filter(|n| !placeholders.lines.contains(n)).map(|n| n.to_string()).collect();
    if !hidden.is_empty() && !placeholders.advice {
        let what = format!("{name:?} never shows line {}", hidden.join(", "));
        table.problem("template", what, "use a template of as many lines, or remove lines");
    }
}
