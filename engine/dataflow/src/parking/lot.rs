//! One facility: its figures, its opening, and what both make of it in one word.

use std::time::Duration;

use vlot_model::{
    City, Counting, DeviceIx, Facility, FacilityIx, FacilityState, FacilityStatus, Opening, Quality, Reading,
    Role, Share, Timestamp, Trigger, Value,
};

use super::account::Account;
use super::bays::Bays;
use super::groups::{Groups, Sum};
use crate::trust::{Fullness, said_at};

/// Where a device's readings belong in its facility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// A bay, by position.
    Bay(u32),
    /// Any other device, by position among those.
    Member(u32),
}

#[derive(Debug)]
enum Figures {
    Bays(Bays),
    Account(Account),
}

impl Figures {
    fn sums(&self) -> &[Sum] {
        match self {
            Figures::Bays(bays) => bays.sums(),
            Figures::Account(_) => &[],
        }
    }
}

/// What the figures say at an instant.
struct Said {
    uncorrected: Option<i64>,
    free: Option<u32>,
    share: Share,
    lost: u32,
    rests_on: Option<Timestamp>,
    known: bool,
    /// Enough of what it rests on is there.
    sound: bool,
    /// Spaces of which nothing is known.
    silent: u32,
    next_silence: Option<Timestamp>,
}

/// A facility's state as it is folded from its readings.
#[derive(Debug)]
pub(super) struct Lot {
    facility: FacilityIx,
    capacity: u32,
    valid_for: Duration,
    min_share: f32,
    full_at: u32,
    reopen_at: u32,
    figures: Figures,
    groups: Groups,
    opening: Opening,
    opening_at: Option<Timestamp>,
    /// Newest message of any device.
    heard_at: Option<Timestamp>,
    fullness: Fullness,
    published: Option<FacilityState>,
    /// Time alone changes nothing before.
    due: Option<Timestamp>,
    /// The last reading of the tick under way; `None` between ticks.
    pub(super) trigger: Option<Trigger>,
}

impl Lot {
    /// A facility and the devices that are no bays of it, in the order of their seats.
    pub(super) fn new(ix: FacilityIx, facility: &Facility, members: &[DeviceIx], city: &City) -> Self {
        let figures = match facility.counting {
            Counting::Bays => Figures::Bays(Bays::new(facility, city)),
            Counting::Barriers | Counting::Absolute => {
                let by_barriers = facility.counting == Counting::Barriers;
                let fits = |device: DeviceIx| match city.devices[device.at()].role {
                    Role::Barrier { .. } => by_barriers,
                    Role::Counter { .. } => !by_barriers,
                    _ => false,
                };
                // Where no device is of the fitting kind, the figure rests on those that there are.
                let any = !members.iter().any(|d| fits(*d));
                let member = |d: &DeviceIx| (city.devices[d.at()].silent_after, any || fits(*d));
                Figures::Account(Account::new(by_barriers, members.iter().map(member)))
            }
        };
        Lot {
            facility: ix,
            capacity: facility.capacity,
            valid_for: facility.valid_for,
            min_share: facility.min_share,
            full_at: facility.full_at,
            reopen_at: facility.reopen_at,
            figures,
            groups: Groups::new(facility),
            opening: Opening::Unknown,
            opening_at: None,
            heard_at: None,
            fullness: Fullness::default(),
            published: None,
            due: None,
            trigger: None,
        }
    }

    /// Whether time alone may have changed it.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Takes a reading of the device on that seat.
    pub(super) fn take(&mut self, seat: Seat, reading: &Reading, now: Timestamp) {
        self.heard_at = self.heard_at.max(Some(said_at(reading)));
        if let Value::Opening { open } = reading.value
            && self.opening_at.is_none_or(|at| at <= reading.observed_at)
        {
            self.opening_at = Some(reading.observed_at);
            self.opening = if open { Opening::Open } else { Opening::Closed };
        }
        match (&mut self.figures, seat) {
            (Figures::Bays(bays), Seat::Bay(position)) => bays.take(position as usize, reading, now),
            (Figures::Account(account), Seat::Member(position)) => account.take(position as usize, reading),
            // It speaks of the opening alone.
            _ => {}
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
        let said = match &mut self.figures {
            Figures::Bays(bays) => {
                bays.advance(now);
                of_bays(bays, self.min_share)
            }
            Figures::Account(account) => of_account(account, now, self.capacity, self.min_share),
        };
        let valid_until = said.rests_on.filter(|_| said.known).map(|at| at + self.valid_for);
        let in_bounds = said.uncorrected.is_none_or(|n| (0..=i64::from(self.capacity)).contains(&n));
        let quality = match valid_until {
            None => Quality::Missing,
            // Figures that were there and are gone are old, not unknown.
            Some(until) if until <= now || said.uncorrected.is_none() => Quality::Stale,
            Some(_) if said.sound && in_bounds => Quality::Good,
            Some(_) => Quality::Degraded,
        };
        let heard_until = self.heard_at.map(|at| at + self.valid_for);
        let closed = self.opening == Opening::Closed && heard_until.is_some_and(|until| now < until);
        let status = if closed {
            FacilityStatus::Closed
        } else {
            self.fullness.status(said.free, said.silent, quality, self.full_at, self.reopen_at)
        };
        let ahead = |until: &Timestamp| now < *until;
        self.due = [valid_until, heard_until, said.next_silence, self.groups.until(now)]
            .into_iter()
            .flatten()
            .filter(ahead)
            .min();
        FacilityState {
            facility: self.facility,
            capacity: self.capacity,
            occupied: said.uncorrected.map(|n| bounded(n, self.capacity)),
            free: said.free,
            occupied_uncorrected: said.uncorrected,
            opening: self.opening,
            status,
            observed_at: said.rests_on.filter(|_| said.known),
            valid_until,
            quality,
            sensors: said.share,
            lost_messages: said.lost,
            certainty: None,
            groups: self.groups.states(self.figures.sums(), now),
        }
    }
}

fn of_bays(bays: &Bays, min_share: f32) -> Said {
    let share = bays.share();
    let reports = share.reporting > 0;
    Said {
        uncorrected: reports.then(|| i64::from(bays.occupied())),
        // Free bays that report: a silent bay is neither free nor taken.
        free: reports.then(|| bays.free()),
        share,
        lost: 0,
        rests_on: bays.heard_at(),
        known: bays.known(),
        sound: share.ratio() >= min_share,
        silent: share.total - share.reporting,
        next_silence: Some(bays.next_silence()),
    }
}

fn of_account(account: &Account, now: Timestamp, capacity: u32, min_share: f32) -> Said {
    let (uncorrected, share, lost) = (account.occupied(), account.share(now), account.lost());
    let sound = if account.by_barriers() {
        // One lane that is not counted makes the whole account wrong, and ever more so.
        share.reporting == share.total && lost == 0
    } else {
        share.ratio() >= min_share
    };
    Said {
        uncorrected,
        free: uncorrected.map(|n| capacity - bounded(n, capacity)),
        share,
        lost,
        rests_on: account.rests_on(),
        known: uncorrected.is_some(),
        sound,
        silent: 0,
        next_silence: account.next_silence(now),
    }
}

fn bounded(n: i64, capacity: u32) -> u32 {
    u32::try_from(n.clamp(0, i64::from(capacity))).unwrap_or(capacity)
}
