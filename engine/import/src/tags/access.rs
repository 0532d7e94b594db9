//! Who may use a direction of a way: the tags of access from the general to the specific, and their conditions in time.

use std::sync::Arc;

use vlot_model::Permission::{self, Destination, No, Yes};
use vlot_model::{Access, AccessRule, Mode, Modes};

use super::Direction;
use super::condition::{self, When};
use super::size::lower;
use crate::read::Tags;
use crate::report::{Gap, Notes};

/// The keys that speak of a mode, from the general to the specific: the last one that is tagged counts.
const fn chain(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Car => &["access", "vehicle", "motor_vehicle", "motorcar"],
        Mode::Bicycle => &["access", "vehicle", "bicycle"],
        Mode::Foot => &["access", "foot"],
        Mode::Bus => &["access", "vehicle", "motor_vehicle", "psv", "bus"],
    }
}

/// Permission while nothing in time holds, and what holds in which hours, the last one that holds counting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) usual: Permission,
    pub(crate) timed: Vec<(String, Permission)>,
}

impl Allowed {
    pub(crate) fn never(&self) -> bool {
        self.usual == No && self.timed.iter().all(|(_, permission)| *permission == No)
    }
}

/// What a value of access comes to; `None`: nothing is said, or it is not known.
fn permission(value: &str) -> Result<Option<Permission>, ()> {
    let mut best = None;
    let mut strange = false;
    for part in value.split([';', ',', '|']).map(str::trim).filter(|part| !part.is_empty()) {
        let permission = match part {
            "yes" | "permissive" | "designated" | "official" | "public" | "allowed" | "discouraged"
            | "lane" | "exclusive" => Yes,
            "destination" | "customers" | "customer" | "visitors" => Destination,
            "no" | "private" | "permit" | "residents" | "delivery" | "agricultural" | "forestry"
            | "emergency" | "military" | "employees" | "staff" | "restricted" | "use_sidepath"
            | "dismount" | "separate" | "license" | "members" => No,
            "unknown" => continue,
            _ => {
                strange = true;
                continue;
            }
        };
        best = Some(best.map_or(permission, |best: Permission| best.min(permission)));
    }
    if strange && best.is_none() { Err(()) } else { Ok(best) }
}

/// What is allowed to a mode where `usual` holds when nothing is tagged.
///
/// `access` on its own never opens what the kind of street keeps closed (`access=yes` on a footway means walkers).
pub(crate) fn allowed(
    tags: Tags<'_>,
    mode: Mode,
    direction: Option<Direction>,
    usual: Permission,
    notes: &mut Notes<'_>,
) -> Allowed {
    let mut allowed = Allowed { usual, timed: Vec::new() };
    for key in chain(mode) {
        let directed = direction.map(|d| format!("{key}:{}", d.suffix()));
        for key in [Some((*key).to_owned()), directed].into_iter().flatten() {
            if let Some(value) = tags.get(&key) {
                match permission(value) {
                    Ok(None) => {}
                    Ok(Some(said)) => {
                        allowed = Allowed { usual: bounded(&key, said, usual), timed: Vec::new() }
                    }
                    Err(()) => {
                        notes.gap(Gap::AccessValue, || format!("{key}={value}"));
                        allowed = Allowed { usual: No, timed: Vec::new() };
                    }
                }
            }
            let conditional = format!("{key}:conditional");
            if let Some(text) = tags.get(&conditional) {
                let now = allowed.usual;
                let forbids = |value: &str| matches!(permission(value), Ok(Some(p)) if p >= now);
                for part in condition::parts(&conditional, text, forbids, notes) {
                    let When::Hours(hours) = part.when else { continue };
                    match permission(part.value) {
                        Ok(Some(said)) => allowed.timed.push((hours, bounded(&key, said, usual))),
                        _ => notes.gap(Gap::AccessValue, || format!("{conditional}={text}")),
                    }
                }
            }
        }
    }
    allowed
}

fn bounded(key: &str, said: Permission, usual: Permission) -> Permission {
    if key.starts_with("access") { said.max(usual) } else { said }
}

/// Vehicles heavier than a bound that is tagged as a condition of access.
pub(crate) fn weight(tags: Tags<'_>, access: &mut Access, notes: &mut Notes<'_>) {
    for key in ["access:conditional", "vehicle:conditional", "motor_vehicle:conditional"] {
        let Some(text) = tags.get(key).filter(|text| text.contains("weight")) else { continue };
        for part in condition::parts(key, text, |_| true, notes) {
            if let (When::HeavierThan(kg), Ok(Some(No))) = (part.when, permission(part.value)) {
                lower(&mut access.max_weight_kg, kg);
            }
        }
    }
}

/// One access of what is allowed to each mode, in the order of [`Mode::ALL`].
pub(crate) fn together(of: &[Allowed; 4]) -> Access {
    let mut access = Access::default();
    for mode in Mode::ALL {
        access.always[mode as usize] = of[mode as usize].usual;
    }
    // Modes with the same rules share them; rules of different modes do not touch each other.
    let mut done = Modes::NONE;
    for mode in Mode::ALL {
        let timed = &of[mode as usize].timed;
        if done.has(mode) || timed.is_empty() {
            continue;
        }
        let alike = Mode::ALL.into_iter().filter(|other| of[*other as usize].timed == *timed);
        let modes = alike.fold(Modes::NONE, Modes::with);
        done = Mode::ALL.into_iter().filter(|m| modes.has(*m)).fold(done, Modes::with);
        access.rules.extend(timed.iter().map(|(hours, permission)| AccessRule {
            modes,
            hours: Arc::from(hours.as_str()),
            permission: *permission,
        }));
    }
    access
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::class::{self, Kind};
    use crate::tags::tests::with;

    /// What each mode may do forward, as y, d or n in the order car, bicycle, foot, bus; `*`: with rules in time.
    fn read(text: &str) -> (String, Vec<Gap>) {
        let (shown, report) = with(text, |tags, notes| {
            let Some(Kind::Street(class)) = class::of(tags) else { panic!("{text}: no street") };
            let shown = Mode::ALL.map(|mode| {
                let usual = class.usual[mode as usize];
                let got = allowed(tags, mode, Some(Direction::Forward), usual, notes);
                let letter = match got.usual {
                    Yes => "y",
                    Destination => "d",
                    No => "n",
                };
                format!("{letter}{}", if got.timed.is_empty() { "" } else { "*" })
            });
            shown.concat()
        });
        (shown, report.gaps.into_keys().collect())
    }

    #[test]
    fn the_most_specific_tag_counts() {
        for (text, expected) in [
            ("highway=residential", "yyyy"),
            ("highway=residential access=destination", "dddd"),
            ("highway=residential motor_vehicle=destination", "dyyd"),
            ("highway=residential access=private", "nnnn"),
            ("highway=residential access=customers foot=yes", "ddyd"),
            ("highway=residential vehicle=no", "nnyn"),
            ("highway=residential vehicle=no bicycle=yes", "nyyn"),
            ("highway=residential motor_vehicle=delivery", "nyyn"),
            ("highway=residential motor_vehicle=agricultural;destination", "dyyd"),
            ("highway=residential access=permissive", "yyyy"),
            ("highway=residential access=unknown", "yyyy"),
            // A bus gate.
            ("highway=residential motor_vehicle=no bus=yes", "nyyy"),
            ("highway=residential motor_vehicle=no psv=designated", "nyyy"),
            ("highway=residential motorcar=no", "nyyy"),
            ("highway=busway", "nnny"),
            ("highway=busway bicycle=yes", "nyny"),
            ("highway=service access=no bus=yes", "nnny"),
            ("highway=pedestrian", "nnyn"),
            ("highway=pedestrian bicycle=yes motor_vehicle=delivery", "nyyn"),
            ("highway=footway access=yes", "nnyn"),
            ("highway=footway bicycle=designated", "nyyn"),
            ("highway=track motor_vehicle=yes", "yyyy"),
            ("highway=cycleway foot=no", "nynn"),
            ("highway=primary bicycle=use~sidepath", "ynyy"),
            ("highway=primary motorroad=yes", "ynny"),
            ("highway=residential vehicle:forward=no", "nnyn"),
            ("highway=residential vehicle:backward=no", "yyyy"),
            ("highway=residential motor_vehicle:conditional=no_@_(Mo-Fr_08:15-08:45)", "y*yyy*"),
            // What is said of bicycles alone is not touched by a rule on all vehicles.
            ("highway=residential vehicle:conditional=no_@_(Mo-Fr_08:15-08:45) bicycle=yes", "y*yyy*"),
            ("highway=pedestrian vehicle:conditional=yes_@_(06:00-11:00)", "n*n*yn*"),
        ] {
            assert_eq!(read(text), (expected.to_owned(), vec![]), "{text}");
        }
        assert_eq!(read("highway=primary bicycle=sometimes"), ("ynyy".into(), vec![Gap::AccessValue]));
        let snow = read("highway=primary access:conditional=no_@_snow");
        assert_eq!(snow, ("yyyy".into(), vec![Gap::Condition]));
    }

    #[test]
    fn modes_share_rules_that_are_alike() {
        let school = Allowed { usual: Yes, timed: vec![("Mo-Fr 08:15-08:45".into(), No)] };
        let open = Allowed { usual: Yes, timed: vec![] };
        let access = together(&[school.clone(), open.clone(), open, school]);
        assert_eq!(access.rules.len(), 1);
        assert_eq!(access.rules[0].modes, Modes::NONE.with(Mode::Car).with(Mode::Bus));
    }

    #[test]
    fn a_weight_in_a_condition_is_a_bound() {
        let text = "highway=primary motor_vehicle:conditional=no_@_(weight>7.5)";
        let (access, _) = with(text, |tags, notes| {
            let mut access = Access::default();
            weight(tags, &mut access, notes);
            access
        });
        assert_eq!(access.max_weight_kg, Some(7_500));
        assert_eq!(read(text), ("yyyy".into(), vec![]));
    }
}
