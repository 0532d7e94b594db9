//! Barriers on nodes: whom they stop.

use vlot_model::Permission::{self, No, Yes};
use vlot_model::{Mode, Modes};

use super::access;
use crate::read::Tags;
use crate::report::{Gap, Notes};

/// In the order of [`Mode`]: car, bicycle, foot, bus.
const POSTS: [Permission; 4] = [No, Yes, Yes, No];
const STILES: [Permission; 4] = [No, No, Yes, No];
const CARS: [Permission; 4] = [No, Yes, Yes, Yes];
const OPEN: [Permission; 4] = [Yes; 4];

/// Whom a node stops, and whether it is the gate of a car park or yard where it stands on service roads alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Barrier {
    /// Always.
    pub(crate) stops: Modes,
    /// In these hours.
    pub(crate) timed: Vec<(String, Modes)>,
    pub(crate) gate: bool,
}

/// Whom a node stops; `None`: nobody.
pub(crate) fn of(tags: Tags<'_>, notes: &mut Notes<'_>) -> Option<Barrier> {
    let barrier = tags.get("barrier")?;
    let usual = match barrier {
        "bollard" | "block" | "jersey_barrier" | "planter" | "chain" | "log" | "rope" | "debris"
        | "spikes" | "barrier_board" | "delineators" | "cycle_barrier" | "motorcycle_barrier" | "gate"
        | "lift_gate" | "swing_gate" | "sliding_gate" | "sliding_beam" | "hampshire_gate" | "bump_gate"
        | "wicket_gate" | "swing_barrier" | "bar" | "horse_jump" | "concrete_block" | "boulder" | "tyres"
        | "rising_bollard" | "yes" => POSTS,
        "stile"
        | "turnstile"
        | "full-height_turnstile"
        | "kissing_gate"
        | "horse_stile"
        | "squeeze_gate"
        | "fence"
        | "wall"
        | "hedge"
        | "ditch"
        | "retaining_wall"
        | "city_wall"
        | "guard_rail"
        | "tank_trap"
        | "handrail"
        | "door" => STILES,
        "bus_trap" | "sump_buster" | "car_trap" => CARS,
        "cattle_grid" | "entrance" | "toll_booth" | "border_control" | "sally_port" | "checkpoint"
        | "kerb" | "height_restrictor" | "coupure" | "no" | "open" | "speed_bump" | "speed_camera"
        | "width_restrictor" => OPEN,
        other => {
            notes.gap(Gap::Barrier, || format!("barrier={other}"));
            POSTS
        }
    };
    let (mut stops, mut timed) = (Modes::NONE, Vec::<(String, Modes)>::new());
    for mode in Mode::ALL {
        // A barrier either lets somebody through or does not; whoever has business behind it gets through.
        let tagged = access::allowed(tags, mode, None, Yes, notes);
        let closed = if speaks(tags, mode) { tagged.usual == No } else { usual[mode as usize] == No };
        if closed {
            // What opens at times stays closed: that leads nobody to a closed gate.
            if tagged.timed.iter().any(|(_, permission)| *permission != No) {
                notes.gap(Gap::Condition, || format!("barrier={barrier} that opens at times"));
            }
            stops = stops.with(mode);
            continue;
        }
        for (hours, _) in tagged.timed.into_iter().filter(|(_, permission)| *permission == No) {
            match timed.iter_mut().find(|(same, _)| *same == hours) {
                Some((_, modes)) => *modes = modes.with(mode),
                None => timed.push((hours, Modes::NONE.with(mode))),
            }
        }
    }
    let gate = matches!(barrier, "lift_gate" | "swing_gate" | "sliding_gate") && !speaks(tags, Mode::Car);
    (!stops.is_empty() || !timed.is_empty()).then_some(Barrier { stops, timed, gate })
}

/// Whether anything is tagged of who may pass.
fn speaks(tags: Tags<'_>, mode: Mode) -> bool {
    let keys: &[&str] = match mode {
        Mode::Car => &["access", "vehicle", "motor_vehicle", "motorcar"],
        Mode::Bicycle => &["access", "vehicle", "bicycle"],
        Mode::Foot => &["access", "foot"],
        Mode::Bus => &["access", "vehicle", "motor_vehicle", "psv", "bus"],
    };
    keys.iter().any(|key| tags.get(key).is_some_and(|value| value != "unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::tests::with;

    #[test]
    fn barriers_stop_whom_they_are_for() {
        for (text, expected, gate) in [
            ("barrier=bollard", "CU", false),
            ("barrier=bollard motor_vehicle=yes", "", false),
            ("barrier=bollard bicycle=no", "CBU", false),
            ("barrier=bollard bus=yes", "C", false),
            ("barrier=gate access=private", "CBFU", false),
            ("barrier=gate access=no foot=yes", "CBU", false),
            ("barrier=gate access=customers", "", false),
            ("barrier=lift~gate", "CU", true),
            ("barrier=lift~gate motor_vehicle=no", "CU", false),
            ("barrier=kissing~gate", "CBU", false),
            ("barrier=bus~trap", "C", false),
            ("barrier=cattle~grid", "", false),
            ("barrier=cattle~grid motor_vehicle=no", "CU", false),
            ("highway=crossing", "", false),
        ] {
            let (got, report) = with(text, of);
            let letters = [(Mode::Car, 'C'), (Mode::Bicycle, 'B'), (Mode::Foot, 'F'), (Mode::Bus, 'U')];
            let stops = got.as_ref().map_or(Modes::NONE, |barrier| barrier.stops);
            let shown: String =
                letters.iter().filter(|(mode, _)| stops.has(*mode)).map(|(_, l)| *l).collect();
            assert_eq!((shown.as_str(), got.is_some_and(|b| b.gate)), (expected, gate), "{text}");
            assert!(report.gaps.is_empty(), "{text}");
        }
        let (strange, report) = with("barrier=moat", of);
        assert!(strange.is_some() && report.gaps.contains_key(&Gap::Barrier));
    }
}
