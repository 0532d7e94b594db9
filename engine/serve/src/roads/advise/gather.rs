//! Car parks and garages as the board and the streets know them, for one trip.

use std::collections::BTreeMap;

use tonic::Status;
use vlot_guidance::trip::{self, BicycleGarage, CarPark};
use vlot_hours::Schedule;
use vlot_model::{
    Entry, FacilityIx, FacilityLoad, GarageIx, Key, Leg, LegBasis, LegKind, LonLat, Mode, OnLink, ParkedAt,
    Product, Span,
};
use vlot_network::trip::NoTrip;
use vlot_network::{geo, polyline};

use super::ask::Asked;
use crate::roads::live::Epoch;
use crate::shared::Shared;

/// On foot, metres a second: between a place and its street.
const WALK_MPS: f64 = 5.0 / 3.6;

/// What was found, and the courses of the ways.
pub(super) struct Found {
    pub(super) advised: trip::Advised,
    shapes: BTreeMap<(ParkedAt, Part), String>,
}

/// A way whose course is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// From the origin.
    In,
    /// To the destination, from where one parked.
    Walk,
    /// To the destination, from where that way on ends.
    WalkOn(usize),
}

impl Found {
    /// A part's course, as an encoded polyline; empty: not known.
    pub(super) fn shape(&self, at: ParkedAt, part: Part) -> &str {
        self.shapes.get(&(at, part)).map_or("", String::as_str)
    }
}

/// Ways for one trip.
struct Ways<'e> {
    epoch: &'e Epoch,
    destination: LonLat,
    /// Streets for pedestrians near the destination.
    walk_to: Vec<OnLink>,
    walk_max_m: f64,
    shapes: BTreeMap<(ParkedAt, Part), String>,
}

impl Ways<'_> {
    /// A way over the streets, with the steps between its ends and the places.
    fn over(&mut self, key: (ParkedAt, Part), kind: LegKind, from: &[OnLink], to: &[OnLink]) -> Option<Leg> {
        let (epoch, mode) = (self.epoch, mode(kind));
        let way = epoch.ways(mode, from, to, 1).ok()?.into_iter().next()?;
        let undisturbed = |link| epoch.undisturbed_s(link, mode);
        let over = vlot_network::trip::trip(&epoch.streets.network, mode, &way, &undisturbed, |link| {
            epoch.known(link, mode)
        });
        let off =
            |on: &[OnLink], link| on.iter().find(|on| Some(&on.link) == link).map_or(0.0, |on| on.distance_m);
        let steps_m = if kind == LegKind::Walk {
            f64::from(off(from, way.links.first())) + f64::from(off(to, way.links.last()))
        } else {
            0.0
        };
        let s = steps_m / WALK_MPS;
        let time = Span {
            seconds: over.travel_time_s + s,
            low_s: over.travel_time_low_s + s,
            high_s: over.travel_time_high_s + s,
        };
        self.shapes.insert(key, polyline::encode(&over.shape));
        let basis = LegBasis::Streets { measured_pct: over.measured_pct };
        Some(Leg { kind, time, length_m: Some(over.length_m + steps_m), basis })
    }

    /// To the destination; where no street for pedestrians is near either end, or none leads there, a straight line stands in.
    fn walk(&mut self, at: ParkedAt, part: Part, from: LonLat) -> Leg {
        let straight = trip::on_foot(from, self.destination);
        // What is too far as the crow flies is too far, and need not be searched for.
        if geo::distance_m(from, self.destination) > self.walk_max_m || self.walk_to.is_empty() {
            return straight;
        }
        let near = self.epoch.near(from, Mode::Foot);
        let to = std::mem::take(&mut self.walk_to);
        let found = self.over((at, part), LegKind::Walk, &near, &to);
        self.walk_to = to;
        found.unwrap_or(straight)
    }
}

fn mode(kind: LegKind) -> Mode {
    match kind {
        LegKind::Drive => Mode::Car,
        LegKind::Cycle => Mode::Bicycle,
        LegKind::Walk | LegKind::Wait | LegKind::Ride => Mode::Foot,
    }
}

/// Options for a trip, ranked; at most so many as were asked for.
pub(super) fn advised(
    asked: &Asked,
    shared: &Shared,
    epoch: &Epoch,
    schedules: &[[Option<Schedule>; 2]],
) -> Result<Found, Status> {
    let city = &shared.context.city;
    let board = &shared.context.board;
    let mut ways = Ways {
        epoch,
        destination: asked.destination,
        walk_to: epoch.near(asked.destination, Mode::Foot),
        walk_max_m: asked.trip.walk_max_m,
        shapes: BTreeMap::new(),
    };
    let origin = |mode: Mode| {
        let near = epoch.near(asked.origin, mode);
        let none = || NoTrip::NothingNear { end: "origin", mode, at: asked.origin };
        if near.is_empty() { Err(Status::out_of_range(none().to_string())) } else { Ok(near) }
    };
    let loads = board.get(Key::Guidance);
    let known: Vec<_> = if asked.by_car {
        (0..city.facilities.len())
            .map(|at| {
                let ix = FacilityIx::from_position(at);
                [Key::Facility(ix), Key::Forecast(ix), Key::Expected(ix)].map(|key| board.get(key))
            })
            .collect()
    } else {
        Vec::new()
    };
    let asked_of = |schedule: &Option<Schedule>| {
        let schedule = schedule.clone();
        schedule.map(|schedule| move |at: vlot_model::Timestamp| schedule.at(at).0)
    };
    let hours: Vec<_> = schedules.iter().map(|of| [asked_of(&of[0]), asked_of(&of[1])]).collect();
    let mut parks = Vec::new();
    if asked.by_car {
        let from = origin(Mode::Car)?;
        for (at, (facility, [state, forecast, expected])) in city.facilities.iter().zip(&known).enumerate() {
            let ix = FacilityIx::from_position(at);
            let parked = ParkedAt::Facility(ix);
            let entrance = city.placed.facilities.get(at).copied().flatten();
            let to = match entrance.filter(|on| epoch.usable(on.link, Mode::Car)) {
                Some(entrance) => vec![entrance],
                None => epoch.near(facility.position, Mode::Car),
            };
            let lines: Vec<_> =
                facility.site.onward.iter().map(|line| line.alights.or(city.guidance.centre)).collect();
            parks.push(CarPark {
                ix,
                facility,
                state: state.as_ref().and_then(|entry| match &*entry.product {
                    Product::Facility(state) => Some(state),
                    _ => None,
                }),
                forecast: forecast.as_ref().and_then(|entry| match &*entry.product {
                    Product::Forecast(forecast) => Some(forecast),
                    _ => None,
                }),
                load: loads.as_ref().and_then(|entry| load(entry, ix)),
                expected: expected.as_ref().and_then(|entry| match &*entry.product {
                    Product::Expected(expected) => Some(expected),
                    _ => None,
                }),
                hours: hours.get(at).and_then(|of| of[0].as_ref()).map(|hours| hours as trip::Hours<'_>),
                stay_hours: hours.get(at).and_then(|of| of[1].as_ref()).map(|hours| hours as trip::Hours<'_>),
                drive: ways.over((parked, Part::In), LegKind::Drive, &from, &to),
                walk: Some(ways.walk(parked, Part::Walk, facility.position)),
                walk_on: (0..)
                    .zip(lines)
                    .map(|(line, stop)| stop.map(|stop| ways.walk(parked, Part::WalkOn(line), stop)))
                    .collect(),
            });
        }
    }
    let standing: Vec<Option<Entry>> =
        (0..city.garages.len()).map(|at| board.get(Key::Garage(GarageIx::from_position(at)))).collect();
    let mut garages = Vec::new();
    if asked.by_bicycle {
        let from = origin(Mode::Bicycle)?;
        for (at, (garage, state)) in city.garages.iter().zip(&standing).enumerate() {
            let ix = GarageIx::from_position(at);
            let parked = ParkedAt::Garage(ix);
            let entrance = city.placed.garages.get(at).copied().flatten();
            let to = match entrance.filter(|on| epoch.usable(on.link, Mode::Bicycle)) {
                Some(entrance) => vec![entrance],
                None => epoch.near(garage.position, Mode::Bicycle),
            };
            garages.push(BicycleGarage {
                ix,
                garage,
                sections: garage
                    .sections
                    .iter()
                    .filter_map(|s| Some((*s, city.sections.get(s.at())?)))
                    .collect(),
                state: state.as_ref().and_then(|entry| match &*entry.product {
                    Product::Garage(state) => Some(state),
                    _ => None,
                }),
                cycle: ways.over((parked, Part::In), LegKind::Cycle, &from, &to),
                walk: Some(ways.walk(parked, Part::Walk, garage.position)),
            });
        }
    }
    let mut advised = trip::options(&asked.trip, &parks, &garages);
    advised.keep(asked.most);
    Ok(Found { advised, shapes: ways.shapes })
}

fn load(entry: &Entry, ix: FacilityIx) -> Option<&FacilityLoad> {
    match &*entry.product {
        Product::Guidance(state) => state.loads.iter().find(|load| load.facility == ix),
        _ => None,
    }
}
