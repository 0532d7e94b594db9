//! Which situations a reader asks for.

use tonic::Status;
use vlot_model::{City, Location, LonLat, SituationState};

use crate::acts::ask::wrong;
use crate::convert;
use crate::wire::traffic::v1 as wire;
use crate::wire::traffic::v1::situation_filter::Box as WireBox;

#[derive(Default)]
pub(super) struct Wanted {
    area: Option<WireBox>,
    kinds: Vec<i32>,
    phases: Vec<i32>,
}

impl Wanted {
    pub(super) fn new(filter: Option<wire::SituationFilter>) -> Result<Self, Status> {
        let wire::SituationFilter { r#box: area, kinds, phases } = filter.unwrap_or_default();
        if let Some(WireBox { south, west, north, east }) = area {
            let hint = "give degrees with south below north and west below east";
            // Not so, too, where one of them is no number.
            let sound =
                south < north && west < east && [south, west, north, east].iter().all(|d| d.abs() <= 180.0);
            if !sound {
                return Err(wrong("filter.box", format!("is no box (hint: {hint})")));
            }
        }
        let known = |kind: &i32| *kind != 0 && wire::SituationKind::try_from(*kind).is_ok();
        if !kinds.iter().all(known) {
            return Err(wrong("filter.kinds", "has one that is no kind of situation"));
        }
        let known = |phase: &i32| *phase != 0 && wire::SituationPhase::try_from(*phase).is_ok();
        if !phases.iter().all(known) {
            return Err(wrong("filter.phases", "has one that is no phase"));
        }
        Ok(Wanted { area, kinds, phases })
    }

    pub(super) fn has(&self, city: &City, state: &SituationState) -> bool {
        let kind = i32::from(convert::situation_kind(state.situation.kind));
        let phase = i32::from(convert::situation_phase(state.phase));
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.phases.is_empty() || self.phases.contains(&phase))
            && self.area.is_none_or(|area| touches(area, city, state))
    }
}

fn touches(area: WireBox, city: &City, state: &SituationState) -> bool {
    let own: &[LonLat] = match &state.situation.location {
        Location::Point(point) => std::slice::from_ref(point),
        Location::Line(points) => points,
        Location::Links(_) => &[],
    };
    let shapes = city.network.iter().flat_map(|network| state.links.iter().map(|link| network.shape(*link)));
    shapes.chain([own]).filter(|points| !points.is_empty()).any(|points| {
        let ends = |of: fn(&LonLat) -> f64| {
            let start = (f64::INFINITY, f64::NEG_INFINITY);
            points.iter().map(of).fold(start, |(low, high), d| (low.min(d), high.max(d)))
        };
        let ((south, north), (west, east)) = (ends(|p| p.lat), ends(|p| p.lon));
        south <= area.north && north >= area.south && west <= area.east && east >= area.west
    })
}
