//! One facility: its figures, its opening, and what both make of it in one word.

use std::time::Duration;

use vlot_model::{
    Certainty, City, Closed, ClosedBy, DeviceIx, Facility, FacilityIx, FacilityState, FacilityStatus, Figure,
    Opening, Quality, Reading, Shows, Site, SureWhy, Timestamp, Trigger, Value,
};

use super::groups::Groups;
use super::sources::{Said, Sources};
use crate::estimate::{self, Decider, Estimate, Policy, Says, Why};
use crate::shell::Standing;
use crate::trust::said_at;
use vlot_hours::{ASKED_AGAIN, Schedule};

/// Where a device's readings belong in its facility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// A bay, by position.
    Bay(u32),
    /// A barrier or a counter, by position among those.
    Member(u32),
    /// The operator's desk: no sensor, so neither its silence nor its words count as a sensor's.
    Operator,
}

/// A facility's state as it is folded from its readings.
#[derive(Debug)]
pub(super) struct Lot {
    facility: FacilityIx,
    capacity: u32,
    valid_for: Duration,
    policy: Policy,
    empty_after_closing: Option<Duration>,
    sources: Sources,
    groups: Groups,
    /// Spaces before every date, and the dates.
    first_capacity: u32,
    dated: Option<Box<Site>>,
    /// Its hours, where they are configured.
    schedule: Option<Box<Schedule>>,
    /// By its own word.
    opening: Opening,
    opening_at: Option<Timestamp>,
    /// Since when it has been closed by its own word; `None` once it was taken for empty.
    closed_since: Option<Timestamp>,
    /// An operator's closure, and when it was said.
    closure: Option<(Timestamp, bool)>,
    /// Newest message of any device.
    heard_at: Option<Timestamp>,
    decider: Decider,
    published: Option<FacilityState>,
    /// Time alone changes nothing before.
    due: Option<Timestamp>,
    /// The last reading of the tick under way; `None` between ticks.
    pub(super) trigger: Option<Trigger>,
}

impl Lot {
    /// A facility and the devices that are no bays of it, in the order of their seats.
    pub(super) fn new(ix: FacilityIx, facility: &Facility, members: &[DeviceIx], city: &City) -> Self {
        let shows = match facility.estimate.shows {
            Shows::Low => estimate::Shows::Low,
            Shows::Best => estimate::Shows::Best,
        };
        Lot {
            facility: ix,
            capacity: facility.capacity,
            valid_for: facility.valid_for,
            policy: Policy {
                shows,
                width_max: facility.estimate.width_max,
                full_at: facility.full_at,
                reopen_at: facility.reopen_at,
                ..Policy::default()
            },
            empty_after_closing: facility.estimate.empty_after_closing,
            sources: Sources::new(facility, members, city),
            groups: Groups::new(facility),
            first_capacity: facility.capacity,
            dated: dated(facility),
            schedule: facility.site.opening_hours.as_ref().map(|hours| Box::new(Schedule::new(hours, city))),
            opening: Opening::Unknown,
            opening_at: None,
            closed_since: None,
            closure: None,
            heard_at: None,
            decider: Decider::default(),
            published: None,
            due: None,
            trigger: None,
        }
    }

    /// Time alone changes nothing before.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Takes a reading of the device on that seat.
    pub(super) fn take(&mut self, seat: Seat, reading: &Reading, now: Timestamp) {
        if let Seat::Operator = seat {
            return self.act(reading, now);
        }
        self.heard_at = self.heard_at.max(Some(said_at(reading)));
        if let Value::Opening { open } = reading.value
            && self.opening_at.is_none_or(|at| at <= reading.observed_at)
        {
            self.opening_at = Some(reading.observed_at);
            let opening = if open { Opening::Open } else { Opening::Closed };
            if self.opening != opening {
                self.closed_since = (opening == Opening::Closed).then_some(reading.observed_at);
            }
            self.opening = opening;
        }
        match seat {
            Seat::Bay(position) => self.sources.take_bay(position as usize, reading, now),
            Seat::Member(position) => self.sources.take_member(position as usize, reading),
            Seat::Operator => {}
        }
    }

    fn act(&mut self, reading: &Reading, now: Timestamp) {
        let at = reading.observed_at;
        match reading.value {
            Value::Closure { closed } if self.closure.is_none_or(|(old, _)| old <= at) => {
                self.closure = Some((at, closed));
            }
            _ => self.sources.act(reading, now),
        }
    }

    /// From now on the device on that seat is believed or not.
    pub(super) fn stand(&mut self, seat: Seat, standing: Standing) {
        match seat {
            Seat::Bay(position) => self.sources.bay_stands(position as usize, standing),
            Seat::Member(position) => self.sources.member_stands(position as usize, standing),
            Seat::Operator => {}
        }
    }

    /// The state at `now`, if it is another than the last one that this returned.
    pub(super) fn state_if_changed(&mut self, now: Timestamp) -> Option<FacilityState> {
        let state = self.state(now);
        if self.published.as_ref() == Some(&state) {
            return None;
        }
        self.published = Some(state.clone());
        Some(state)
    }

    fn state(&mut self, now: Timestamp) -> FacilityState {
        self.renew_capacity(now);
        let heard_until = self.heard_at.map(|at| at + self.valid_for);
        let own_word_holds = heard_until.is_some_and(|until| now < until);
        let closed_by_operator = self.closure.is_some_and(|(_, closed)| closed);
        // The hours speak where the facility itself never said anything.
        let hours = self.schedule.as_ref().filter(|_| self.opening == Opening::Unknown).map(|s| s.at(now));
        let (by_hours, hours_until) = hours.unzip();
        let own_word = self.opening == Opening::Closed && own_word_holds;
        let closed = if closed_by_operator {
            Some(Closed { by: ClosedBy::Operator, until: None })
        } else if by_hours == Some(Opening::Closed) {
            // Schedules are asked again after a while: an end that lies so far ahead moves with every look at it.
            let until = hours_until.filter(|until| *until < now + ASKED_AGAIN);
            Some(Closed { by: ClosedBy::Hours, until })
        } else {
            own_word.then_some(Closed { by: ClosedBy::OwnWord, until: heard_until })
        };
        let empty_at = self.empty(now, own_word_holds);
        let said = self.sources.said(now);
        let valid_until = said.rests_on.map(|at| at + self.valid_for);
        let (quality, mut certainty) = self.judge(&said, valid_until, now);
        if closed.is_some()
            && let Some(certainty) = &mut certainty
        {
            certainty.says = Figure::Closed;
        }
        let status = match certainty.map(|c| c.says) {
            _ if closed.is_some() => FacilityStatus::Closed,
            Some(Figure::Full) => FacilityStatus::Full,
            Some(Figure::Free(_)) => FacilityStatus::SpacesAvailable,
            _ => FacilityStatus::Unknown,
        };
        let ahead = |until: &Timestamp| now < *until;
        let dates =
            [self.groups.until(now), self.dated.as_ref().and_then(|d| d.capacity_until(now)), hours_until];
        self.due = [valid_until, heard_until, empty_at, said.due]
            .into_iter()
            .chain(dates)
            .flatten()
            .filter(ahead)
            .min();
        let occupied = said.estimate.map(|e| e.best.min(self.capacity));
        FacilityState {
            facility: self.facility,
            capacity: self.capacity,
            occupied,
            free: occupied.map(|n| self.capacity - n),
            occupied_uncorrected: said.uncorrected,
            opening: if closed_by_operator { Opening::Closed } else { by_hours.unwrap_or(self.opening) },
            closed,
            status,
            observed_at: said.rests_on,
            valid_until,
            quality,
            sensors: said.share,
            lost_messages: said.lost,
            certainty,
            groups: self.groups.states(self.sources.sums(), now),
        }
    }

    /// Capacities change at their dates.
    fn renew_capacity(&mut self, now: Timestamp) {
        let Some(dated) = &self.dated else { return };
        let capacity = dated.capacity_at(self.first_capacity, now);
        if capacity != self.capacity {
            self.capacity = capacity;
            self.sources.set_capacity(capacity);
        }
    }

    /// Takes it for empty when it has been closed for long enough; returns when that will be.
    fn empty(&mut self, now: Timestamp, own_word_holds: bool) -> Option<Timestamp> {
        let closed_since = self.closed_since?;
        let empty_at = closed_since + self.empty_after_closing?;
        if now < empty_at || !own_word_holds {
            return Some(empty_at);
        }
        self.closed_since = None;
        self.sources.closed_and_empty(empty_at, closed_since, now);
        None
    }

    /// How far the figures can be trusted, and what may be said of them.
    fn judge(
        &mut self,
        said: &Said,
        valid_until: Option<Timestamp>,
        now: Timestamp,
    ) -> (Quality, Option<Certainty>) {
        let Some(valid_until) = valid_until else { return (Quality::Missing, None) };
        // Figures that were there and are gone are old, not unknown.
        let Some(estimate) = said.estimate.filter(|_| now < valid_until) else {
            return (Quality::Stale, None);
        };
        let (says, why) = if said.sound {
            self.decide(&estimate)
        } else {
            // What sensors do not see no interval holds. The memory of FULL stays as it is.
            (Figure::Blank, SureWhy::SensorsMissing)
        };
        let good = said.sound && !said.bays_alone && !estimate.conflict && why != SureWhy::TooWide;
        let certainty = Certainty {
            occupied_low: estimate.low,
            occupied_high: estimate.high,
            says,
            why,
            conflict: estimate.conflict,
            bays_alone: said.bays_alone,
            anchored: self.sources.anchored(),
        };
        (if good { Quality::Good } else { Quality::Degraded }, Some(certainty))
    }

    fn decide(&mut self, estimate: &Estimate) -> (Figure, SureWhy) {
        let (says, why) = self.decider.decide(estimate, self.capacity, &self.policy);
        let says = match says {
            Says::Free(free) => Figure::Free(free),
            Says::Full => Figure::Full,
            Says::Blank => Figure::Blank,
        };
        let why = match why {
            Why::Sure => SureWhy::Sure,
            Why::TooWide => SureWhy::TooWide,
            Why::MayNotBeFull => SureWhy::MayNotBeFull,
            Why::MayBeFull => SureWhy::MayBeFull,
        };
        (says, why)
    }
}

/// What is configured of its dated capacities; few have any.
fn dated(facility: &Facility) -> Option<Box<Site>> {
    let capacities = facility.site.capacities.clone();
    (!capacities.is_empty()).then(|| Box::new(Site { capacities, ..Site::default() }))
}
