//! Which directions of a way each mode may use, when nothing but `oneway` and its kin counts.

use vlot_model::{Mode, RoadClass};

use super::Direction;
use super::class::Class;
use super::condition::{self, When};
use crate::read::Tags;
use crate::report::{Gap, Notes};

/// Which way traffic goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ways {
    forward: [bool; 4],
    backward: [bool; 4],
}

impl Ways {
    pub(crate) fn open(self, mode: Mode, direction: Direction) -> bool {
        match direction {
            Direction::Forward => self.forward[mode as usize],
            Direction::Backward => self.backward[mode as usize],
        }
    }
}

/// A direction that is closed at certain times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClosedAt {
    pub(crate) direction: Direction,
    pub(crate) hours: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Both,
    Forward,
    Backward,
    /// It changes, or nobody knows.
    Unknown,
}

impl Flow {
    fn read(value: &str) -> Self {
        match value {
            "yes" | "true" | "1" => Flow::Forward,
            "-1" | "reverse" => Flow::Backward,
            "no" | "false" | "0" | "alternating" => Flow::Both,
            _ => Flow::Unknown,
        }
    }

    fn opens(self) -> [bool; 2] {
        match self {
            Flow::Both => [true, true],
            Flow::Forward => [true, false],
            Flow::Backward => [false, true],
            Flow::Unknown => [false, false],
        }
    }
}

/// Which directions are open to whom always, and which are closed at times.
pub(crate) fn of(tags: Tags<'_>, class: Class, notes: &mut Notes<'_>) -> (Ways, Vec<ClosedAt>) {
    let implied = roundabout(tags) || class.class == RoadClass::Motorway;
    let mut flow = |key: &str| {
        let value = tags.get(key)?;
        let flow = Flow::read(value);
        if flow == Flow::Unknown {
            notes.gap(Gap::Oneway, || format!("{key}={value}"));
        }
        Some(flow)
    };
    let all = flow("oneway").unwrap_or(if implied { Flow::Forward } else { Flow::Both });
    let vehicles = flow("oneway:vehicle").unwrap_or(all);
    let motors = flow("oneway:motor_vehicle").unwrap_or(vehicles);
    let against =
        |keys: &[&str]| keys.iter().any(|key| tags.get(key).is_some_and(|v| v.starts_with("opposite")));
    // A lane against the traffic opens the other direction, and leaves this one as it is.
    let with_lane = |flow: Flow, lane: bool| if lane { Flow::Both } else { flow };
    let bus_lane = against(&["busway", "busway:left", "busway:right", "busway:both"]);
    let lane = against(&["cycleway", "cycleway:left", "cycleway:right", "cycleway:both"])
        || ["cycleway:left:oneway", "cycleway:right:oneway", "cycleway:both:oneway"]
            .iter()
            .any(|key| matches!(tags.get(key), Some("no" | "-1")));
    let mut ways = Ways::default();
    let mut put = |mode: Mode, flow: Flow| {
        let [forward, backward] = flow.opens();
        ways.forward[mode as usize] = forward;
        ways.backward[mode as usize] = backward;
    };
    put(Mode::Car, flow("oneway:motorcar").unwrap_or(motors));
    let buses = flow("oneway:psv").unwrap_or(with_lane(motors, bus_lane));
    put(Mode::Bus, flow("oneway:bus").unwrap_or(buses));
    put(Mode::Bicycle, flow("oneway:bicycle").unwrap_or(with_lane(vehicles, lane)));
    put(Mode::Foot, on_foot(tags, class, &mut flow));
    (ways, at_times(tags, notes))
}

/// People walk both ways along a street; a moving stairway and a path for them alone go as they are tagged.
fn on_foot(tags: Tags<'_>, class: Class, flow: &mut impl FnMut(&str) -> Option<Flow>) -> Flow {
    let conveyed = match tags.get("conveying") {
        Some("forward" | "yes") => Some(Flow::Forward),
        Some("backward") => Some(Flow::Backward),
        _ => None,
    };
    let walks_alone = class.usual[Mode::Bicycle as usize] == vlot_model::Permission::No
        && class.usual[Mode::Car as usize] == vlot_model::Permission::No
        && class.class != RoadClass::Busway
        && !matches!(tags.get("bicycle"), Some("yes" | "designated" | "permissive"));
    let own = if walks_alone && class.class != RoadClass::Pedestrian { flow("oneway") } else { None };
    conveyed.or_else(|| flow("oneway:foot")).or(own).unwrap_or(Flow::Both)
}

fn at_times(tags: Tags<'_>, notes: &mut Notes<'_>) -> Vec<ClosedAt> {
    let Some(text) = tags.get("oneway:conditional") else { return Vec::new() };
    let mut closed = Vec::new();
    for part in condition::parts("oneway:conditional", text, |value| value != "no", notes) {
        match (Flow::read(part.value), part.when) {
            (Flow::Forward, When::Hours(hours)) => {
                closed.push(ClosedAt { direction: Direction::Backward, hours });
            }
            (Flow::Backward, When::Hours(hours)) => {
                closed.push(ClosedAt { direction: Direction::Forward, hours });
            }
            _ => notes.gap(Gap::Condition, || format!("oneway:conditional={text}")),
        }
    }
    closed
}

pub(crate) fn roundabout(tags: Tags<'_>) -> bool {
    matches!(tags.get("junction"), Some("roundabout" | "circular"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::class::{self, Kind};
    use crate::tags::tests::with;

    /// Modes open forward and backward, as C, B, F and U (bus).
    fn open(text: &str) -> (String, Report2) {
        let ((ways, closed), report) = with(text, |tags, notes| {
            let Some(Kind::Street(class)) = class::of(tags) else { panic!("{text}: no street") };
            of(tags, class, notes)
        });
        let side = |direction| -> String {
            let letters = [(Mode::Car, 'C'), (Mode::Bicycle, 'B'), (Mode::Foot, 'F'), (Mode::Bus, 'U')];
            letters.iter().filter(|(mode, _)| ways.open(*mode, direction)).map(|(_, l)| *l).collect()
        };
        let shown = format!("{}/{}", side(Direction::Forward), side(Direction::Backward));
        (shown, (closed, report.gaps.contains_key(&Gap::Oneway)))
    }

    type Report2 = (Vec<ClosedAt>, bool);

    #[test]
    fn each_mode_has_its_directions() {
        for (text, expected) in [
            ("highway=primary", "CBFU/CBFU"),
            ("highway=primary oneway=yes", "CBFU/F"),
            ("highway=primary oneway=-1", "F/CBFU"),
            ("highway=primary oneway=alternating", "CBFU/CBFU"),
            ("highway=primary oneway=reversible", "F/F"),
            ("highway=primary junction=roundabout", "CBFU/F"),
            ("highway=motorway", "CBFU/F"),
            ("highway=motorway~link", "CBFU/F"),
            ("highway=motorway oneway=no", "CBFU/CBFU"),
            ("highway=residential oneway=yes oneway:bicycle=no", "CBFU/BF"),
            ("highway=residential oneway=yes cycleway=opposite", "CBFU/BF"),
            ("highway=residential oneway=yes cycleway:left=opposite~lane", "CBFU/BF"),
            ("highway=residential oneway=yes cycleway:right:oneway=no", "CBFU/BF"),
            ("highway=residential oneway=yes cycleway=lane", "CBFU/F"),
            ("highway=residential oneway=yes oneway:bus=no", "CBFU/FU"),
            ("highway=residential oneway=yes busway=opposite~lane", "CBFU/FU"),
            ("highway=residential oneway:motor_vehicle=yes", "CBFU/BF"),
            ("highway=cycleway oneway=yes", "CBFU/F"),
            ("highway=steps conveying=backward", "CBU/CBFU"),
            ("highway=footway oneway=yes", "CBFU/"),
            ("highway=footway oneway=yes bicycle=yes", "CBFU/F"),
        ] {
            assert_eq!(open(text).0, expected, "{text}");
        }
        assert!(open("highway=primary oneway=reversible").1.1);
        let (_, (closed, _)) = open("highway=primary oneway:conditional=yes_@_(Mo-Fr_07:00-09:00)");
        let hours = "Mo-Fr 07:00-09:00".to_owned();
        assert_eq!(closed, [ClosedAt { direction: Direction::Backward, hours }]);
    }
}
