//! Turn restrictions as they are mapped: relations of ways and a node or ways between them.

use std::sync::Arc;

use vlot_model::{Mode, Modes};

use crate::read::{Member, MemberKind, Tags};
use crate::report::{Gap, Notes};
use crate::tags::condition::{self, When};

/// More members than this no turn has.
const MAX_VIA: usize = 8;

/// A restriction that binds somebody whom Vlot routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Restriction {
    pub(crate) id: i64,
    pub(crate) from: Vec<i64>,
    pub(crate) via: Via,
    pub(crate) to: Vec<i64>,
    pub(crate) rules: Vec<Rule>,
}

/// What lies between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    Node(i64),
    Ways(Vec<i64>),
}

/// Who may not, or may only, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) only: bool,
    /// Back into the street that one comes from.
    pub(crate) u_turn: bool,
    pub(crate) modes: Modes,
    pub(crate) hours: Option<Arc<str>>,
}

impl Restriction {
    /// All ways that it names.
    pub(crate) fn ways(&self) -> impl Iterator<Item = i64> {
        let via = match &self.via {
            Via::Node(_) => &[][..],
            Via::Ways(ways) => ways,
        };
        self.from.iter().chain(via).chain(&self.to).copied()
    }
}

/// What a relation comes to; `None`: no restriction, or none that can be used.
pub(crate) fn of(
    id: i64,
    members: &[Member<'_>],
    tags: Tags<'_>,
    notes: &mut Notes<'_>,
) -> Option<Restriction> {
    let kind = tags.get("type")?;
    if kind != "restriction" && !kind.starts_with("restriction:") {
        return None;
    }
    let rules = rules(tags, kind.strip_prefix("restriction:"), notes);
    if rules.is_empty() {
        return None;
    }
    let ways = |role: &str| -> Vec<i64> {
        let of_role = members.iter().filter(|m| m.kind == MemberKind::Way && m.role == role);
        of_role.map(|m| m.id).collect()
    };
    let (from, via, to) = (ways("from"), ways("via"), ways("to"));
    let mut via_nodes = members.iter().filter(|m| m.kind == MemberKind::Node && m.role == "via");
    let via = match (via_nodes.next(), via_nodes.next(), via) {
        (Some(node), None, via) if via.is_empty() => Some(Via::Node(node.id)),
        (None, None, via) if !via.is_empty() && via.len() <= MAX_VIA => Some(Via::Ways(via)),
        _ => None,
    };
    match via {
        Some(via) if !from.is_empty() && !to.is_empty() && from.len().min(to.len()) == 1 => {
            Some(Restriction { id, from, via, to, rules })
        }
        _ => {
            notes.gap(Gap::RestrictionMembers, || "its from, via and to make no turn".into());
            None
        }
    }
}

fn rules(tags: Tags<'_>, of_type: Option<&str>, notes: &mut Notes<'_>) -> Vec<Rule> {
    let exempt = tags.get("except").map_or(Modes::NONE, |text| {
        let modes = text.split([';', ',']).filter_map(|vehicle| bound(vehicle.trim()));
        modes.fold(Modes::NONE, |all, some| each(some).fold(all, Modes::with))
    });
    let mut rules = Vec::new();
    for (key, value) in tags.0 {
        let Some(rest) = key.strip_prefix("restriction") else { continue };
        let (vehicle, timed) = match rest.strip_suffix(":conditional") {
            Some(vehicle) => (vehicle, true),
            None => (rest, false),
        };
        let vehicle = vehicle.strip_prefix(':').or(of_type);
        // Vehicles that Vlot does not route.
        let Some(modes) = vehicle.map_or(Some(vehicles()), bound) else { continue };
        let modes = each(modes).filter(|mode| !exempt.has(*mode)).fold(Modes::NONE, Modes::with);
        if modes.is_empty() {
            continue;
        }
        let mut rule = |kind: &str, hours: Option<Arc<str>>, notes: &mut Notes<'_>| match kind_of(kind) {
            Some((only, u_turn)) => rules.push(Rule { only, u_turn, modes, hours }),
            None if kind == "no_turn_on_red" || kind == "none" => {}
            None => notes.gap(Gap::RestrictionKind, || format!("{key}={value}")),
        };
        if !timed {
            rule(value, None, notes);
            continue;
        }
        for part in condition::parts(key, value, |_| true, notes) {
            // A bound on weight binds no car, and no bus that a city would run there.
            if let When::Hours(hours) = part.when {
                rule(part.value, Some(hours.into()), notes);
            }
        }
    }
    if tags.get("hour_on").or(tags.get("day_on")).is_some() {
        notes.gap(Gap::Condition, || "hour_on or day_on (old tags); taken to hold always".into());
    }
    rules
}

/// Whether only that turn is allowed, and whether it leads back.
fn kind_of(value: &str) -> Option<(bool, bool)> {
    match value {
        "no_left_turn" | "no_right_turn" | "no_straight_on" | "no_entry" | "no_exit" => Some((false, false)),
        "no_u_turn" => Some((false, true)),
        "only_left_turn" | "only_right_turn" | "only_straight_on" => Some((true, false)),
        "only_u_turn" => Some((true, true)),
        _ => None,
    }
}

fn vehicles() -> Modes {
    Modes::NONE.with(Mode::Car).with(Mode::Bicycle).with(Mode::Bus)
}

/// The modes that a kind of vehicle stands for; `None`: it is not routed.
fn bound(vehicle: &str) -> Option<Modes> {
    match vehicle {
        "vehicle" => Some(vehicles()),
        "motor_vehicle" => Some(Modes::NONE.with(Mode::Car).with(Mode::Bus)),
        "motorcar" | "car" => Some(Modes::NONE.with(Mode::Car)),
        "bicycle" => Some(Modes::NONE.with(Mode::Bicycle)),
        "bus" | "psv" => Some(Modes::NONE.with(Mode::Bus)),
        "foot" => Some(Modes::NONE.with(Mode::Foot)),
        _ => None,
    }
}

fn each(modes: Modes) -> impl Iterator<Item = Mode> {
    Mode::ALL.into_iter().filter(move |mode| modes.has(*mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::tests::with;

    fn read(text: &str, members: &[(MemberKind, i64, &'static str)]) -> (Option<String>, Vec<Gap>) {
        let members: Vec<_> =
            members.iter().map(|(kind, id, role)| Member { kind: *kind, id: *id, role }).collect();
        let (got, report) = with(text, |tags, notes| of(3, &members, tags, notes));
        let letters = [(Mode::Car, 'C'), (Mode::Bicycle, 'B'), (Mode::Foot, 'F'), (Mode::Bus, 'U')];
        let shown = got.map(|r| {
            let rules = r.rules.iter().map(|rule| {
                let modes: String = letters.iter().filter(|l| rule.modes.has(l.0)).map(|l| l.1).collect();
                let hours = rule.hours.as_deref().map_or(String::new(), |h| format!(" {h}"));
                format!(
                    "{}{} {modes}{hours}",
                    if rule.only { "only" } else { "no" },
                    if rule.u_turn { "U" } else { "" }
                )
            });
            rules.collect::<Vec<_>>().join(", ")
        });
        (shown, report.gaps.into_keys().collect())
    }

    #[test]
    fn restrictions_bind_whom_they_name() {
        use MemberKind::{Node, Way};
        let whole = [(Way, 1, "from"), (Node, 2, "via"), (Way, 3, "to")];
        for (text, expected) in [
            ("type=restriction restriction=no~left~turn", Some("no CBU")),
            ("type=restriction restriction=only~straight~on", Some("only CBU")),
            ("type=restriction restriction=no~u~turn", Some("noU CBU")),
            ("type=restriction restriction=no~left~turn except=bicycle;psv", Some("no C")),
            ("type=restriction restriction:hgv=no~left~turn", None),
            ("type=restriction restriction:bicycle=no~left~turn", Some("no B")),
            ("type=restriction:bus restriction=no~left~turn", Some("no U")),
            (
                "type=restriction restriction:conditional=no~left~turn_@_(Mo-Fr_07:00-09:00)",
                Some("no CBU Mo-Fr 07:00-09:00"),
            ),
            (
                "type=restriction restriction:motorcar:conditional=no~left~turn_@_(Mo-Fr_07:00-09:00)",
                Some("no C Mo-Fr 07:00-09:00"),
            ),
            ("type=restriction restriction:conditional=no~left~turn_@_(weight>7.5)", None),
            ("type=multipolygon restriction=no~left~turn", None),
        ] {
            assert_eq!(read(text, &whole), (expected.map(Into::into), vec![]), "{text}");
        }
        let odd = read("type=restriction restriction=no~dancing", &whole);
        assert_eq!(odd, (None, vec![Gap::RestrictionKind]));
        let text = "type=restriction restriction=no~left~turn";
        assert_eq!(read(text, &whole[..2]), (None, vec![Gap::RestrictionMembers]));
        let two = [(Way, 1, "from"), (Node, 2, "via"), (Node, 4, "via"), (Way, 3, "to")];
        assert_eq!(read(text, &two), (None, vec![Gap::RestrictionMembers]));
    }
}
