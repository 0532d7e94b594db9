//! Who may use a street: the keys that roads and corrections share.

use vlot_hours::wrong_hours;
use vlot_model::{Access, AccessRule, Mode, Modes, Permission, RoadClass};

use crate::read::{MODES, ModeList, Named, Table, Text, Whole};

/// What holds in streets of that class where nothing else is said.
pub(super) fn of_class(class: RoadClass) -> [Permission; 4] {
    use Permission::{Destination, No, Yes};
    // Car, bicycle, foot, bus.
    match class {
        RoadClass::Motorway | RoadClass::Trunk => [Yes, No, No, Yes],
        RoadClass::Residential | RoadClass::LivingStreet => [Destination, Yes, Yes, Yes],
        RoadClass::Track | RoadClass::Pedestrian | RoadClass::Cycleway | RoadClass::Path => {
            [No, Yes, Yes, No]
        }
        RoadClass::Steps => [No, No, Yes, No],
        RoadClass::Busway => [No, No, No, Yes],
        RoadClass::Primary
        | RoadClass::Secondary
        | RoadClass::Tertiary
        | RoadClass::Unclassified
        | RoadClass::Service => [Yes; 4],
    }
}

/// Puts what the table says into `access`. Whether it says anything.
pub(super) fn read(table: &mut Table<'_>, access: &mut Access) -> bool {
    let mut said = false;
    for (key, mode) in MODES {
        if let Some(permission) = table.optional(key, Named::or_stand_in(Permission::Yes)) {
            access.always[mode as usize] = permission;
            said = true;
        }
    }
    if let Some(kg) = table.optional("max_weight_kg", Whole(100..=200_000)) {
        (access.max_weight_kg, said) = (Some(kg), true);
    }
    if let Some(cm) = table.optional("max_height_cm", Whole(100..=1_000)) {
        (access.max_height_cm, said) = (Some(cm), true);
    }
    let mut rules: Vec<AccessRule> = Vec::new();
    for mut entry in table.tables("rule") {
        let modes = entry.required("modes", ModeList);
        let hours = entry.required("hours", Text(255));
        let permission = entry.required("permission", Named::or_stand_in(Permission::Yes));
        right_hours(&entry, &hours);
        let meet = |rule: &&AccessRule| {
            *rule.hours == *hours && Mode::ALL.iter().any(|m| rule.modes.has(*m) && modes.has(*m))
        };
        if rules.iter().find(meet).is_some_and(|rule| rule.permission != permission)
            && entry.is_sound("permission")
        {
            entry.wrong(
                "contradicts another rule of the same hours and modes",
                "of several rules that hold the last one counts: keep one",
            );
        }
        rules.push(AccessRule { modes, hours: hours.into(), permission });
    }
    said |= !rules.is_empty();
    access.rules.extend(rules);
    said
}

/// Reports hours that nobody can follow.
pub(super) fn right_hours(table: &Table<'_>, hours: &str) {
    if let Some((what, hint)) = wrong_hours(hours).filter(|_| table.is_sound("hours")) {
        table.problem("hours", what, hint);
    }
}

/// Takes cars and buses out of an access: a one-way street against its direction.
pub(super) fn without_motors(access: &mut Access) {
    for mode in [Mode::Car, Mode::Bus] {
        access.always[mode as usize] = Permission::No;
    }
    for rule in &mut access.rules {
        let left = [Mode::Bicycle, Mode::Foot].into_iter().filter(|mode| rule.modes.has(*mode));
        rule.modes = left.fold(Modes::NONE, Modes::with);
    }
    access.rules.retain(|rule| !rule.modes.is_empty());
}
