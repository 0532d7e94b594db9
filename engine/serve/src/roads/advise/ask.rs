//! What a client wants, checked.

use std::time::Duration;

use tonic::Status;
use vlot_guidance::trip::{Trip, When};
use vlot_model::{LonLat, Timestamp, UserGroup};

use crate::convert;
use crate::shared::Shared;
use crate::wire::common::v1::Position;
use crate::wire::guidance::v1::advise_request::When as AskedWhen;
use crate::wire::guidance::v1::{AdviseRequest, SpaceFor};

/// Nobody plans further ahead than this on present traffic.
const AHEAD_MAX: Duration = Duration::from_hours(24);
/// Another machine's clock may be behind ours by this much; what it dates earlier is a slip.
const BEHIND_MAX: Duration = Duration::from_secs(120);
const WALK_MAX_M: u32 = 2_000;
const WALK_MOST_M: u32 = 10_000;
const OPTIONS: u32 = 5;
const OPTIONS_MOST: u32 = 20;

/// A request, checked.
pub(super) struct Asked {
    pub(super) origin: LonLat,
    pub(super) destination: LonLat,
    pub(super) by_car: bool,
    pub(super) by_bicycle: bool,
    pub(super) most: usize,
    pub(super) trip: Trip,
}

fn wrong(what: impl Into<String>) -> Status {
    Status::invalid_argument(what)
}

fn place(end: &str, asked: Option<Position>) -> Result<LonLat, Status> {
    let p = asked.ok_or_else(|| wrong(format!("{end}: is required")))?;
    if !(-90.0..=90.0).contains(&p.latitude) || !(-180.0..=180.0).contains(&p.longitude) {
        return Err(wrong(format!(
            "{end}: {},{} is no place on the earth (hint: latitude -90 to 90, longitude -180 to 180)",
            p.latitude, p.longitude
        )));
    }
    Ok(LonLat { lon: p.longitude, lat: p.latitude })
}

fn when(asked: Option<AskedWhen>, now: Timestamp) -> Result<When, Status> {
    let (field, at) = match &asked {
        None => return Ok(When::Depart(now)),
        Some(AskedWhen::Departure(at)) => ("departure", at),
        Some(AskedWhen::Arrival(at)) => ("arrival", at),
    };
    let at = convert::instant(at).ok_or_else(|| wrong(format!("{field}: is no instant")))?;
    if now.since(at) > BEHIND_MAX {
        return Err(wrong(format!("{field}: {at} is over; the engine's clock says {now}")));
    }
    if at.since(now) > AHEAD_MAX {
        return Err(wrong(format!(
            "{field}: {at} is more than a day ahead of {now} (hint: what is free then, and how traffic is, is not known)"
        )));
    }
    let at = at.max(now);
    Ok(if field == "arrival" { When::Arrive(at) } else { When::Depart(at) })
}

fn group(asked: i32) -> Result<UserGroup, Status> {
    match SpaceFor::try_from(asked) {
        Ok(SpaceFor::Accessible) => Ok(UserGroup::Accessible),
        Ok(SpaceFor::Charging) => Ok(UserGroup::Charging),
        Ok(SpaceFor::CareGivers) => Ok(UserGroup::CareGivers),
        Ok(SpaceFor::Residents) => Ok(UserGroup::Residents),
        Ok(SpaceFor::TwoWheelers) => Ok(UserGroup::TwoWheelers),
        Ok(SpaceFor::Unspecified) | Err(_) => Err(wrong(format!("car.groups: {asked} is no group"))),
    }
}

impl Asked {
    pub(super) fn new(shared: &Shared, request: AdviseRequest) -> Result<Self, Status> {
        let AdviseRequest { origin, destination, when: asked_when, car, bicycle, walk_max_m, limit, stay_s } =
            request;
        let now = shared.context.clock.now();
        if limit > OPTIONS_MOST {
            return Err(wrong(format!("limit: at most {OPTIONS_MOST}")));
        }
        let walk_max_m = walk_max_m.unwrap_or(WALK_MAX_M);
        if walk_max_m > WALK_MOST_M {
            return Err(wrong(format!("walk_max_m: at most {WALK_MOST_M}")));
        }
        let by_car = car.is_some() || bicycle.is_none();
        let car = car.unwrap_or_default();
        let mut groups = car.groups.iter().map(|g| group(*g)).collect::<Result<Vec<_>, _>>()?;
        groups.sort_unstable();
        groups.dedup();
        Ok(Asked {
            origin: place("origin", origin)?,
            destination: place("destination", destination)?,
            by_car,
            by_bicycle: bicycle.is_some(),
            most: if limit == 0 { OPTIONS } else { limit } as usize,
            trip: Trip {
                now,
                when: when(asked_when, now)?,
                groups,
                height_cm: car.height_cm,
                cargo: bicycle.as_ref().is_some_and(|b| b.cargo),
                two_tier: bicycle.as_ref().is_none_or(|b| !b.ground_only),
                stay: stay_s.map(|s| Duration::from_secs(s.into())),
                walk_max_m: f64::from(walk_max_m),
                turned_away: shared.context.city.guidance.turned_away,
            },
        })
    }
}
