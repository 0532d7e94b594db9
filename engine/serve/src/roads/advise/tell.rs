//! Options and what is ruled out, as messages.

use vlot_model::{
    City, Leg, LegBasis, LegKind, LonLat, ParkedAt, RuledOut, RuledOutBy, SpaceBasis, SpaceOnArrival,
    TripKind, TripOption,
};
use vlot_network::geo;
use vlot_publish::{option_why, ruled_out_why};

use super::ask::Asked;
use super::gather::{Found, Part};
use crate::convert::{position, timestamp};
use crate::shared::Shared;
use crate::wire::guidance::v1 as wire;

/// Of what is ruled out.
const RULED_OUT_MAX: usize = 100;

pub(super) fn response(asked: &Asked, shared: &Shared, found: Found) -> wire::AdviseResponse {
    let city = &shared.context.city;
    let options =
        found.advised.options.iter().map(|option| self::option(option, &found, asked, city)).collect();
    let mut ruled_out: Vec<&RuledOut> = found.advised.ruled_out.iter().collect();
    let away = |out: &&RuledOut| geo::distance_m(place(city, out.at).2, asked.destination);
    ruled_out.sort_by(|a, b| away(a).total_cmp(&away(b)));
    let told = ruled_out.into_iter().take(RULED_OUT_MAX).map(|out| {
        let (facility_id, garage_id) = ids(city, out.at);
        wire::RuledOut {
            kind: kind(out.kind).into(),
            facility_id,
            garage_id,
            name: place(city, out.at).1,
            reason: reason(&out.why).into(),
            why: ruled_out_why(out, city, asked.trip.now),
        }
    });
    wire::AdviseResponse { options, ruled_out: told.collect(), position: None, at: None }
}

/// Id, name and position of where one parks.
fn place(city: &City, at: ParkedAt) -> (String, String, LonLat) {
    let found = match at {
        ParkedAt::Facility(ix) => city.facilities.get(ix.at()).map(|f| (&f.id, &f.name, f.position)),
        ParkedAt::Garage(ix) => city.garages.get(ix.at()).map(|g| (&g.id, &g.name, g.position)),
    };
    found.map(|(id, name, position)| (id.to_string(), name.clone(), position)).unwrap_or_default()
}

fn ids(city: &City, at: ParkedAt) -> (String, String) {
    let (id, ..) = place(city, at);
    match at {
        ParkedAt::Facility(_) => (id, String::new()),
        ParkedAt::Garage(_) => (String::new(), id),
    }
}

fn option(option: &TripOption, found: &Found, asked: &Asked, city: &City) -> wire::Option {
    let (facility_id, garage_id) = ids(city, option.at);
    let (_, name, at) = place(city, option.at);
    let facility = if let ParkedAt::Facility(ix) = option.at { city.facilities.get(ix.at()) } else { None };
    let sections = option.sections.iter().filter_map(|ix| city.sections.get(ix.at()));
    let legs = option.legs.iter().map(|leg| {
        let part = match (leg.kind, option.onward) {
            (LegKind::Drive | LegKind::Cycle, _) => Some(Part::In),
            (LegKind::Walk, None) => Some(Part::Walk),
            (LegKind::Walk, Some(line)) => Some(Part::WalkOn(line)),
            (LegKind::Wait | LegKind::Ride, _) => None,
        };
        let line = option.onward.and_then(|line| facility?.site.onward.get(line)).filter(|_| part.is_none());
        wire::Leg {
            line: line.map_or_else(String::new, |line| line.line.clone()),
            to: line.map_or_else(String::new, |line| line.to.clone()),
            shape: part.map_or_else(String::new, |part| found.shape(option.at, part).to_owned()),
            ..self::leg(leg)
        }
    });
    wire::Option {
        kind: kind(option.kind).into(),
        facility_id,
        garage_id,
        section_ids: sections.map(|section| section.id.to_string()).collect(),
        name,
        position: Some(position(at)),
        departure: Some(timestamp(option.departs)),
        parked: Some(timestamp(option.parks)),
        arrival: Some(timestamp(option.arrives)),
        legs: legs.collect(),
        door_s: option.door.seconds,
        door_low_s: option.door.low_s,
        door_high_s: option.door.high_s,
        space: Some(space(&option.space)),
        open: option.open,
        tariff: facility.and_then(|f| f.site.tariff.clone()).unwrap_or_default(),
        cost_s: option.cost_s,
        why: option_why(option, city, asked.trip.now),
        stay_max_s: option.stay_max_s,
    }
}

fn leg(leg: &Leg) -> wire::Leg {
    let kind = match leg.kind {
        LegKind::Drive => wire::LegKind::Drive,
        LegKind::Cycle => wire::LegKind::Cycle,
        LegKind::Wait => wire::LegKind::Wait,
        LegKind::Ride => wire::LegKind::Ride,
        LegKind::Walk => wire::LegKind::Walk,
    };
    let (basis, leaves) = match leg.basis {
        LegBasis::Streets { .. } => (wire::LegBasis::Streets, None),
        LegBasis::StraightLine => (wire::LegBasis::StraightLine, None),
        LegBasis::Timetable { leaves } => (wire::LegBasis::Timetable, Some(timestamp(leaves))),
        LegBasis::Headway { .. } => (wire::LegBasis::Headway, None),
        LegBasis::Configured => (wire::LegBasis::Configured, None),
    };
    #[expect(clippy::cast_possible_truncation, reason = "percent")]
    let measured_pct = match leg.basis {
        LegBasis::Streets { measured_pct } if leg.kind == LegKind::Drive => Some(measured_pct as f32),
        _ => None,
    };
    wire::Leg {
        kind: kind.into(),
        seconds: leg.time.seconds,
        low_s: leg.time.low_s,
        high_s: leg.time.high_s,
        length_m: leg.length_m,
        basis: basis.into(),
        measured_pct,
        leaves,
        ..wire::Leg::default()
    }
}

fn space(space: &SpaceOnArrival) -> wire::Space {
    let (basis, of) = match space.basis {
        SpaceBasis::Forecast { made_at } => (wire::SpaceBasis::Forecast, Some(made_at)),
        SpaceBasis::Trend { observed_at } => (wire::SpaceBasis::Trend, Some(observed_at)),
        SpaceBasis::Present { observed_at } => (wire::SpaceBasis::Present, Some(observed_at)),
        SpaceBasis::Unknown => (wire::SpaceBasis::Unknown, None),
    };
    wire::Space {
        chance: space.chance,
        free_low: space.free_low,
        free: space.free,
        free_high: space.free_high,
        on_the_way: space.on_the_way,
        basis: basis.into(),
        of: of.map(timestamp),
    }
}

fn kind(kind: TripKind) -> wire::OptionKind {
    match kind {
        TripKind::DrivePark => wire::OptionKind::DrivePark,
        TripKind::EdgeRide => wire::OptionKind::EdgeRide,
        TripKind::CycleGarage => wire::OptionKind::CycleGarage,
    }
}

fn reason(why: &RuledOutBy) -> wire::RuledOutReason {
    match why {
        RuledOutBy::Closed { .. } => wire::RuledOutReason::Closed,
        RuledOutBy::Full { .. } => wire::RuledOutReason::Full,
        RuledOutBy::NoWay { .. } => wire::RuledOutReason::NoWay,
        RuledOutBy::NoSpaceFor { .. } => wire::RuledOutReason::NoSpaceForGroup,
        RuledOutBy::StayTooLong { .. } => wire::RuledOutReason::StayTooLong,
        RuledOutBy::NoRack => wire::RuledOutReason::NoRack,
        RuledOutBy::TooHigh { .. } => wire::RuledOutReason::TooHigh,
        RuledOutBy::TooFar { .. } => wire::RuledOutReason::TooFar,
        RuledOutBy::NoLine => wire::RuledOutReason::NoLine,
        RuledOutBy::NoDeparture { .. } => wire::RuledOutReason::NoDeparture,
        RuledOutBy::NotPublic => wire::RuledOutReason::NotPublic,
        RuledOutBy::TooLate { .. } => wire::RuledOutReason::TooLate,
    }
}
