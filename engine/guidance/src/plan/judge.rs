//! The planner's way to the proof.

use vlot_model::{City, FacilityStatus, LinkIx, Mode, SignIx, SignPlan, Target};

use super::ways::Ways;
use crate::proof::{Fault, Set, Streets, prove};

/// Faults that are told at most.
const TOLD: usize = 10;

/// What a set breaks. `status`: what is known of a target now.
pub(super) fn faults(
    city: &City,
    ways: Option<&Ways>,
    plans: &[SignPlan],
    status: impl Fn(Target) -> FacilityStatus,
) -> Vec<Fault> {
    let says = |sign: SignIx, line: usize| {
        let line = city.signs.get(sign.at()).and_then(|sign| sign.lines.get(line));
        line.map_or(FacilityStatus::Unknown, |line| status(line.target))
    };
    let closed = |mode| move |link: LinkIx| ways.is_none_or(|ways| ways.router(mode).closed(link));
    let (cars, bicycles) = (closed(Mode::Car), closed(Mode::Bicycle));
    let streets = |mode, closed| {
        ways.map(|ways| Streets { permits: ways.permits(), closed, through: ways.router(mode).through() })
    };
    let set = Set {
        city,
        cars: streets(Mode::Car, &cars),
        bicycles: streets(Mode::Bicycle, &bicycles),
        plans,
        says: &says,
    };
    prove(&set).err().unwrap_or_default()
}

/// Faults as an operator reads them.
pub(super) fn told(faults: &[Fault]) -> Vec<String> {
    faults.iter().take(TOLD).map(ToString::to_string).collect()
}
