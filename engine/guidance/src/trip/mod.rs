//! From door to door: which car park, which edge car park with its bus, which bicycle garage, and what each costs.
//!
//! Pure: whoever asks has found the ways over the streets; here they are put together with what leads on from an edge car park,
//! with what will be free on arrival, and with what rules a place out. Options are ranked by the seconds from door to door, the
//! risk of being turned away in them.

use std::time::Duration;

use vlot_model::{
    ClosedBy, ExpectedArrivals, Facility, FacilityForecast, FacilityIx, FacilityKind, FacilityLoad,
    FacilityState, FacilityStatus, Garage, GarageIx, GarageKind, GarageState, Leg, LegKind, Opening,
    ParkedAt, RackKind, RuledOut, RuledOutBy, Section, SectionIx, SpaceBasis, SpaceOnArrival, Span,
    Timestamp, TripKind, TripOption, UserGroup,
};

mod compare;
mod onward;
mod space;
#[cfg(test)]
mod tests;

pub use compare::{Comparison, Door, edge_door, edge_or_in};
pub use onward::on_foot;

/// A place with a smaller chance of a space is ruled out.
const CHANCE_MIN: f64 = 0.05;

/// When one wants to travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Leaving then.
    Depart(Timestamp),
    /// To be there by then, with the high end of the interval.
    Arrive(Timestamp),
}

/// What a trip asks for.
#[derive(Clone, Debug)]
pub struct Trip {
    /// The engine's time.
    pub now: Timestamp,
    /// When.
    pub when: When,
    /// Groups whose spaces the driver needs, all of them; empty: any space.
    pub groups: Vec<UserGroup>,
    /// Of the car, centimetres; `None`: low enough for anywhere.
    pub height_cm: Option<u32>,
    /// The bicycle needs space for a cargo bicycle.
    pub cargo: bool,
    /// Two tiers will do.
    pub two_tier: bool,
    /// How long one wants to stay; `None`: not said.
    pub stay: Option<Duration>,
    /// Nobody walks farther at a stretch, metres.
    pub walk_max_m: f64,
    /// What it costs to be turned away.
    pub turned_away: Duration,
}

/// A way that was found, or that there is none.
pub type Way = Option<Leg>;

/// When a place is open, asked of an instant.
pub type Hours<'a> = &'a dyn Fn(Timestamp) -> Opening;

/// A car park or zone, and the ways to and from it.
pub struct CarPark<'a> {
    /// Which.
    pub ix: FacilityIx,
    /// As configured.
    pub facility: &'a Facility,
    /// As it is.
    pub state: Option<&'a FacilityState>,
    /// What will be free.
    pub forecast: Option<&'a FacilityForecast>,
    /// What guidance expects there.
    pub load: Option<&'a FacilityLoad>,
    /// What apps announce.
    pub expected: Option<&'a ExpectedArrivals>,
    /// Its opening hours; `None`: not stated.
    pub hours: Option<Hours<'a>>,
    /// When its longest stay holds; `None`: always.
    pub stay_hours: Option<Hours<'a>>,
    /// From the origin.
    pub drive: Way,
    /// To the destination.
    pub walk: Way,
    /// From where each of its ways on ends to the destination, in the order of `Site::onward`.
    pub walk_on: Vec<Way>,
}

/// A bicycle garage, and the ways to and from it.
pub struct BicycleGarage<'a> {
    /// Which.
    pub ix: GarageIx,
    /// As configured.
    pub garage: &'a Garage,
    /// Its sections, in its order.
    pub sections: Vec<(SectionIx, &'a Section)>,
    /// As it is.
    pub state: Option<&'a GarageState>,
    /// From the origin.
    pub cycle: Way,
    /// To the destination.
    pub walk: Way,
}

/// Options, the best first, and what is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Advised {
    /// Ranked by [`TripOption::cost_s`].
    pub options: Vec<TripOption>,
    /// In the order of places.
    pub ruled_out: Vec<RuledOut>,
}

/// All that lead there, ranked.
#[must_use]
pub fn options(trip: &Trip, parks: &[CarPark<'_>], garages: &[BicycleGarage<'_>]) -> Advised {
    let mut advised = Advised::default();
    for park in parks {
        let at = ParkedAt::Facility(park.ix);
        advised.take(TripKind::DrivePark, at, drive_park(trip, park));
        if park.facility.kind == FacilityKind::Edge {
            advised.take(TripKind::EdgeRide, at, edge_ride(trip, park));
        }
    }
    for garage in garages {
        advised.take(TripKind::CycleGarage, ParkedAt::Garage(garage.ix), cycle_garage(trip, garage));
    }
    advised.options.sort_by(|a, b| {
        a.cost_s
            .total_cmp(&b.cost_s)
            .then(a.door.seconds.total_cmp(&b.door.seconds))
            .then((a.kind, a.at).cmp(&(b.kind, b.at)))
    });
    advised
}

impl Advised {
    /// Keeps the best so many; where one could ride on from the edge, the best of that is among them, so that both can be compared.
    pub fn keep(&mut self, most: usize) {
        let best_edge = self.options.iter().position(|option| option.kind == TripKind::EdgeRide);
        if let Some(edge) = best_edge.filter(|edge| *edge >= most && most > 1) {
            self.options.swap(edge, most - 1);
        }
        self.options.truncate(most);
    }

    fn take(&mut self, kind: TripKind, at: ParkedAt, found: Result<TripOption, RuledOutBy>) {
        match found {
            Ok(option) => self.options.push(option),
            Err(why) => self.ruled_out.push(RuledOut { kind, at, why }),
        }
    }
}

/// A trip laid out in time.
#[derive(Clone, Debug)]
struct Timed {
    departs: Timestamp,
    parks: Timestamp,
    legs: Vec<Leg>,
    door: Span,
}

impl Timed {
    fn walked(departs: Timestamp, way_in: Leg, walk: Leg) -> Timed {
        Timed {
            departs,
            parks: departs + seconds(way_in.time.seconds),
            door: way_in.time.then(walk.time),
            legs: vec![way_in, walk],
        }
    }

    fn arrives(&self) -> Timestamp {
        self.departs + seconds(self.door.seconds)
    }
}

/// Leaves as asked; for who wants to be there by an instant, early enough for the high end of the interval.
fn at_walk(trip: &Trip, way_in: Leg, walk: Leg) -> Result<Timed, RuledOutBy> {
    match trip.when {
        When::Depart(at) => Ok(Timed::walked(at, way_in, walk)),
        When::Arrive(by) => {
            let now = Timed::walked(trip.now, way_in, walk);
            in_time(trip, now.arrives(), by - seconds(now.door.high_s))?;
            Ok(Timed::walked(by - seconds(now.door.high_s), way_in, walk))
        }
    }
}

/// Whether one need not have left already.
fn in_time(trip: &Trip, arrives: Timestamp, departs: Timestamp) -> Result<(), RuledOutBy> {
    if departs < trip.now { Err(RuledOutBy::TooLate { arrives }) } else { Ok(()) }
}

fn drive_park(trip: &Trip, park: &CarPark<'_>) -> Result<TripOption, RuledOutBy> {
    fits(trip, park)?;
    let drive = park.drive.ok_or(RuledOutBy::NoWay { by: LegKind::Drive })?;
    let walk = walkable(trip, park.walk)?;
    let timed = at_walk(trip, drive, walk)?;
    let arrival = arrival(trip, park, timed.parks)?;
    Ok(option(trip, TripKind::DrivePark, ParkedAt::Facility(park.ix), timed, arrival))
}

fn edge_ride(trip: &Trip, park: &CarPark<'_>) -> Result<TripOption, RuledOutBy> {
    fits(trip, park)?;
    let drive = park.drive.ok_or(RuledOutBy::NoWay { by: LegKind::Drive })?;
    let mut best: Option<TripOption> = None;
    let mut why = RuledOutBy::NoLine;
    for (position, line) in park.facility.site.onward.iter().enumerate() {
        let Some(walk) = park.walk_on.get(position).copied().flatten() else { continue };
        let ridden = walkable(trip, Some(walk)).and_then(|walk| {
            let timed = onward::ride(trip, drive, line, walk)?;
            let arrival = arrival(trip, park, timed.parks)?;
            Ok(option(trip, TripKind::EdgeRide, ParkedAt::Facility(park.ix), timed, arrival))
        });
        match ridden {
            Ok(found) if best.as_ref().is_none_or(|best| found.cost_s < best.cost_s) => {
                best = Some(TripOption { onward: Some(position), ..found });
            }
            Ok(_) => {}
            Err(reason) => why = reason,
        }
    }
    best.ok_or(why)
}

fn cycle_garage(trip: &Trip, garage: &BicycleGarage<'_>) -> Result<TripOption, RuledOutBy> {
    if garage.garage.site.kind == GarageKind::Shed {
        return Err(RuledOutBy::NotPublic);
    }
    let suits = |section: &Section| match section.rack {
        RackKind::Cargo => trip.cargo,
        RackKind::Single => !trip.cargo,
        RackKind::TwoTier => !trip.cargo && trip.two_tier,
    };
    let suiting = garage.sections.iter().filter(|(_, section)| suits(section));
    let sections: Vec<SectionIx> = suiting.map(|(ix, _)| *ix).collect();
    if sections.is_empty() {
        return Err(RuledOutBy::NoRack);
    }
    let cycle = garage.cycle.ok_or(RuledOutBy::NoWay { by: LegKind::Cycle })?;
    let walk = walkable(trip, garage.walk)?;
    let timed = at_walk(trip, cycle, walk)?;
    if !garage.garage.site.stands_at(timed.parks).0 {
        return Err(RuledOutBy::Closed { arrival: timed.parks, by: ClosedBy::Dates });
    }
    let space = space::of_garage(trip, garage, &sections, timed.parks);
    full(&space, false)?;
    let at = ParkedAt::Garage(garage.ix);
    let arrival = Arrival { open: None, space, stay_max_s: None };
    Ok(TripOption { sections, ..option(trip, TripKind::CycleGarage, at, timed, arrival) })
}

fn walkable(trip: &Trip, walk: Way) -> Result<Leg, RuledOutBy> {
    let walk = walk.ok_or(RuledOutBy::NoWay { by: LegKind::Walk })?;
    match walk.length_m {
        Some(walk_m) if walk_m > trip.walk_max_m => Err(RuledOutBy::TooFar { walk_m }),
        _ => Ok(walk),
    }
}

/// Whether the vehicle fits and there are spaces for its driver.
fn fits(trip: &Trip, park: &CarPark<'_>) -> Result<(), RuledOutBy> {
    let limit = park.facility.site.height_limit_cm;
    if let (Some(limit_cm), Some(height)) = (limit, trip.height_cm)
        && height > limit_cm
    {
        return Err(RuledOutBy::TooHigh { limit_cm });
    }
    if trip.groups.is_empty() && space::reserved_wholly(park, trip.now) {
        return Err(RuledOutBy::NoSpaceFor { group: UserGroup::Everyone });
    }
    match trip.groups.iter().find(|group| space::group_capacity(park, **group, trip.now) == 0) {
        Some(group) => Err(RuledOutBy::NoSpaceFor { group: *group }),
        None => Ok(()),
    }
}

/// What one finds when one arrives.
struct Arrival {
    open: Option<bool>,
    space: SpaceOnArrival,
    stay_max_s: Option<u64>,
}

/// Whether it is open when one arrives, what will be free then, and how long one may stay.
fn arrival(trip: &Trip, park: &CarPark<'_>, parks: Timestamp) -> Result<Arrival, RuledOutBy> {
    let open = open(park, parks)?;
    let stay_max_s = stay_max_s(trip, park, parks);
    if let (Some(limit_s), Some(stay)) = (stay_max_s, trip.stay)
        && stay.as_secs() > limit_s
    {
        return Err(RuledOutBy::StayTooLong { limit_s });
    }
    let space = space::of_facility(trip, park, parks);
    let says_full = park.state.is_some_and(|state| state.status == FacilityStatus::Full);
    full(&space, says_full && trip.groups.is_empty())?;
    Ok(Arrival { open, space, stay_max_s })
}

/// Seconds that one may stay: where all spaces for the driver are for short stays, and where that holds then.
fn stay_max_s(trip: &Trip, park: &CarPark<'_>, parks: Timestamp) -> Option<u64> {
    let short = trip.groups.is_empty() && space::short_stay_alone(park.facility);
    let holds = park.stay_hours.is_none_or(|hours| hours(parks) != Opening::Closed);
    (short && holds).then_some(park.facility.site.street.max_stay.as_secs())
}

/// Whether it lets in then; `None`: nobody said.
fn open(park: &CarPark<'_>, parks: Timestamp) -> Result<Option<bool>, RuledOutBy> {
    let closed = park.state.and_then(|state| state.closed);
    if let Some(closed) = closed
        && (closed.by != ClosedBy::Hours || park.hours.is_none())
        && closed.until.is_none_or(|until| parks < until)
    {
        return Err(RuledOutBy::Closed { arrival: parks, by: closed.by });
    }
    match park.hours.map(|hours| hours(parks)) {
        Some(Opening::Closed) => Err(RuledOutBy::Closed { arrival: parks, by: ClosedBy::Hours }),
        Some(Opening::Open) => Ok(Some(true)),
        Some(Opening::Unknown) => Ok(None),
        None => Ok(park.state.filter(|s| s.opening == Opening::Open && closed.is_none()).map(|_| true)),
    }
}

/// A place that will be full is none. Its present status decides where nothing looks ahead.
fn full(space: &SpaceOnArrival, says_full: bool) -> Result<(), RuledOutBy> {
    let ahead = matches!(space.basis, SpaceBasis::Forecast { .. } | SpaceBasis::Trend { .. });
    match space.chance {
        Some(chance) if chance < CHANCE_MIN => Err(RuledOutBy::Full { chance: Some(chance) }),
        _ if says_full && !ahead => Err(RuledOutBy::Full { chance: None }),
        _ => Ok(()),
    }
}

fn option(
    trip: &Trip,
    kind: TripKind,
    at: ParkedAt,
    timed: Timed,
    Arrival { open, space, stay_max_s }: Arrival,
) -> TripOption {
    // Where nothing is known nothing is promised: it ranks as if one were turned away.
    let risk = 1.0 - space.chance.unwrap_or(0.0);
    let arrives = timed.arrives();
    let Timed { departs, parks, legs, door } = timed;
    let cost_s = door.seconds + risk * trip.turned_away.as_secs_f64();
    TripOption {
        kind,
        at,
        onward: None,
        departs,
        parks,
        arrives,
        legs,
        door,
        space,
        open,
        cost_s,
        sections: Vec::new(),
        stay_max_s,
    }
}

fn seconds(s: f64) -> Duration {
    Duration::try_from_secs_f64(s.max(0.0)).unwrap_or(Duration::MAX)
}
