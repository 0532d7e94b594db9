//! All sources of one facility together: the bookkeeping of what they said, and the estimate that is made of it.

use std::time::Duration;

use vlot_model::{
    AnchorKind, Anchored, City, Counting, DeviceIx, Facility, Reading, Role, Share, Timestamp, Value,
};

use super::account::{Account, Told};
use super::bays::Bays;
use super::groups::Sum;
use super::movements::Moved;
use crate::estimate::{Anchor, Estimate, Estimator, Model, Passed, Policy};
use crate::shell::Standing;
use crate::trust::said_at;

/// Standard deviation of what an operator sets without having counted, vehicles.
const CORRECTED_SD: f64 = 2.0;
/// Of what passes while a counter restarts, vehicles.
const RESTARTED_SD: f64 = 1.0;
/// A verified count that is older says nothing of what the bays hold now.
const BAYS_HOLD: Duration = Duration::from_secs(60);
/// A figure that ages is looked at anew so often, microseconds.
const AGES_US: i64 = 60_000_000;

/// What the sources say at an instant.
pub(crate) struct Said {
    /// Entries minus exits since the last anchor, or the plain sum or figure: nothing is corrected in it.
    pub(crate) uncorrected: Option<i64>,
    pub(crate) estimate: Option<Estimate>,
    pub(crate) share: Share,
    pub(crate) lost: u32,
    /// Newest message that the figures rest on; `None`: there never were any.
    pub(crate) rests_on: Option<Timestamp>,
    /// Enough of what it rests on is there.
    pub(crate) sound: bool,
    /// A barrier or a counter is silent or not believed, and the bays, of which each space has one, carry the figure.
    pub(crate) bays_alone: bool,
    /// Time alone changes nothing before.
    pub(crate) due: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct Sources {
    counting: Counting,
    min_share: f32,
    account: Account,
    bays: Bays,
    estimator: Estimator,
    anchored: Option<Anchored>,
    lost: u32,
    /// Vehicles that passed while a barrier was not believed.
    passed_in_doubt: u32,
    /// The estimate as of its last change, and of which minute if it ages.
    known: Option<Estimate>,
    aged_at: i64,
    changed: bool,
    /// The estimate is the bays' alone.
    bays_alone: bool,
}

impl Sources {
    /// Of a facility and the devices that are no bays of it.
    pub(crate) fn new(facility: &Facility, members: &[DeviceIx], city: &City) -> Self {
        let by_barriers = facility.counting == Counting::Barriers;
        let fits = |device: DeviceIx| match city.devices[device.at()].role {
            Role::Barrier { .. } => by_barriers,
            Role::Counter { .. } => facility.counting == Counting::Absolute,
            _ => false,
        };
        // Where no device is of the fitting kind, the figure rests on those that there are.
        let any = facility.counting != Counting::Bays && !members.iter().any(|d| fits(*d));
        let member = |d: &DeviceIx| (city.devices[d.at()].silent_after, any || fits(*d));
        let reliability = &facility.estimate;
        let model = Model {
            ceiling: reliability.ceiling,
            barriers: by_barriers,
            miss: reliability.miss_rate,
            double: reliability.double_rate,
            lie: reliability.lie_rate,
            figure_sd: reliability.figure_sd,
            ..Model::new(facility.capacity)
        };
        let stated_is_exact = reliability.figure_sd <= 0.0;
        Sources {
            counting: facility.counting,
            min_share: facility.min_share,
            account: Account::new(by_barriers, stated_is_exact, members.iter().map(member)),
            bays: Bays::new(facility, city),
            estimator: Estimator::new(model, facility.bays.len()),
            anchored: None,
            lost: 0,
            passed_in_doubt: 0,
            known: None,
            aged_at: i64::MIN,
            changed: false,
            bays_alone: false,
        }
    }

    /// When the count was last tied to the truth.
    pub(crate) fn anchored(&self) -> Option<Anchored> {
        self.anchored
    }

    pub(crate) fn take_bay(&mut self, position: usize, reading: &Reading, now: Timestamp) {
        self.changed |= self.bays.take(position, reading, now, &mut self.estimator);
    }

    pub(crate) fn take_member(&mut self, position: usize, reading: &Reading) {
        let told = self.account.take(position, reading);
        match told {
            Told::Nothing => {}
            Told::Moved(moved) => self.move_by(moved),
            Told::Restarted(moved) => {
                self.move_by(moved);
                self.estimator.restarted(RESTARTED_SD);
            }
            Told::Started { spaces, at, since } => {
                let sd = self.estimator.model().figure_sd;
                let found = self.estimator.corrected(Anchor { occupied: spaces, sd, since: passed(since) });
                self.anchored = Some(Anchored { at, by: AnchorKind::Stated, drift: found.drift });
            }
            Told::Figure { spaces, at } => {
                self.estimator.figure(spaces, at.micros());
            }
        }
        let lost = self.account.lost();
        if self.account.by_barriers() && self.lost != lost {
            self.lost = lost;
            self.estimator.set_lost(lost);
            self.changed = true;
        }
        self.changed |= told != Told::Nothing;
    }

    /// The bays' sums by group of users.
    pub(crate) fn sums(&self) -> &[Sum] {
        self.bays.sums()
    }

    /// The facility has so many spaces from now on.
    pub(crate) fn set_capacity(&mut self, capacity: u32) {
        self.estimator.set_capacity(capacity);
        self.changed = true;
    }

    /// From now on the bay at `position` is believed or not.
    pub(crate) fn bay_stands(&mut self, position: usize, standing: Standing) {
        self.bays.stand(position, standing, &mut self.estimator);
        self.changed = true;
    }

    /// From now on the barrier or counter at `position` is believed or not.
    pub(crate) fn member_stands(&mut self, position: usize, standing: Standing) {
        self.account.stand(position, standing);
        if !self.account.any_doubted() && self.passed_in_doubt > 0 {
            // Any of what was counted meanwhile may be wrong.
            self.estimator.restarted(f64::from(self.passed_in_doubt));
            self.passed_in_doubt = 0;
        }
        self.changed = true;
    }

    fn move_by(&mut self, moved: Moved) {
        let passed = Passed { entries: spaces(moved.entries), exits: spaces(moved.exits) };
        if passed != Passed::default() {
            if self.account.any_doubted() {
                let vehicles = passed.entries.saturating_add(passed.exits);
                self.passed_in_doubt = self.passed_in_doubt.saturating_add(vehicles);
            }
            self.estimator.passed(passed);
        }
        let taken_back = moved.entries.min(0) - moved.exits.min(0);
        if taken_back != 0 {
            self.estimator.revised(taken_back);
        }
    }

    /// Takes what an operator did.
    pub(crate) fn act(&mut self, reading: &Reading, now: Timestamp) {
        match reading.value {
            Value::Verified { occupied } => self.anchor(occupied, reading, AnchorKind::Verified, now),
            Value::Corrected { occupied } => self.anchor(occupied, reading, AnchorKind::Corrected, now),
            Value::CounterReplaced => {
                // What was lost stays lost, but no number of the new counter will bring it back.
                self.account.replace_counters();
                self.estimator.replaced(f64::from(self.lost).sqrt());
                self.estimator.set_lost(0);
                self.lost = 0;
                self.changed = true;
            }
            _ => {}
        }
    }

    fn anchor(&mut self, occupied: u32, reading: &Reading, by: AnchorKind, now: Timestamp) {
        let at = reading.observed_at;
        let sd = if by == AnchorKind::Verified { 0.0 } else { CORRECTED_SD };
        self.anchor_at(occupied, sd, at, said_at(reading), by, now);
    }

    /// Nobody is inside at `at`, for it was said to be closed long enough before.
    pub(crate) fn closed_and_empty(&mut self, at: Timestamp, said_at: Timestamp, now: Timestamp) {
        self.anchor_at(0, 0.0, at, said_at, AnchorKind::ClosedAndEmpty, now);
    }

    fn anchor_at(
        &mut self,
        occupied: u32,
        sd: f64,
        at: Timestamp,
        said_at: Timestamp,
        by: AnchorKind,
        now: Timestamp,
    ) {
        let (since, sd, best) = if self.account.by_barriers() {
            let Some(since) = self.account.anchor(occupied, at, said_at) else { return };
            (since, sd, None)
        } else {
            let fresh = now.since(at) <= BAYS_HOLD;
            let best = self.estimator.estimate(now.micros(), 0.5).map(|e| e.best);
            (Moved::default(), if fresh { sd } else { sd.max(CORRECTED_SD) }, best)
        };
        let anchor = Anchor { occupied, sd, since: passed(since) };
        let found = match by {
            AnchorKind::Verified | AnchorKind::ClosedAndEmpty => self.estimator.verified(anchor),
            AnchorKind::Corrected | AnchorKind::Stated => self.estimator.corrected(anchor),
        };
        let (inside, variance) = if self.account.by_barriers() {
            let passed = f64::from(anchor.since.entries) + f64::from(anchor.since.exits);
            let model = self.estimator.model();
            let inside =
                f64::from(occupied) + f64::from(anchor.since.entries) - f64::from(anchor.since.exits);
            (inside, sd * sd + passed * (model.miss + model.double))
        } else {
            let age = now.since(at);
            let hours = if age <= BAYS_HOLD { 0.0 } else { age.as_secs_f64() / 3_600.0 };
            (f64::from(occupied), sd * sd + self.estimator.model().turnover_per_hour * hours)
        };
        self.estimator.shown(inside, variance, now.micros());
        let off = best.map(|best| i64::from(occupied) - i64::from(best));
        self.anchored = Some(Anchored { at, by, drift: found.drift.or(off) });
        self.lost = self.account.lost();
        if self.account.by_barriers() {
            self.estimator.set_lost(self.lost);
        }
        self.changed = true;
    }

    /// A system of the place's own states that so many were inside, give or take `sd`.
    pub(crate) fn stated(&mut self, occupied: u32, sd: f64, reading: &Reading, now: Timestamp) {
        self.anchor_at(occupied, sd, reading.observed_at, said_at(reading), AnchorKind::Stated, now);
    }

    /// The plain count as it was at `at`, as far as passages since are remembered; `None` before the first anchor.
    pub(crate) fn counted_at(&self, at: Timestamp) -> Option<i64> {
        self.account.occupied().map(|now| now - self.account.moved_after(at).net())
    }

    /// What all say at `now`.
    pub(crate) fn said(&mut self, now: Timestamp) -> Said {
        self.changed |= self.bays.advance(now, &mut self.estimator);
        self.changed |= self.estimator.advance(now.micros());
        let minute = now.micros().div_euclid(AGES_US) * AGES_US;
        let ages = self.estimator.ages();
        let (of_account, of_bays) = (self.account.share(now), self.bays.share());
        let share = Share {
            reporting: of_account.reporting + of_bays.reporting,
            total: of_account.total + of_bays.total,
        };
        let own = match self.counting {
            // One lane that is not counted makes the whole account wrong, and ever more so.
            Counting::Barriers => of_account.reporting == of_account.total,
            Counting::Absolute => of_account.ratio() >= self.min_share,
            Counting::Bays => of_bays.ratio() >= self.min_share,
        };
        let each_space = of_bays.reporting > 0 && of_bays.total >= self.estimator.model().capacity;
        let bays_alone = !own && each_space && of_bays.ratio() >= self.min_share;
        if self.changed || self.bays_alone != bays_alone || (ages && self.aged_at != minute) {
            let tail = Policy::default().tail;
            self.known = if bays_alone {
                self.estimator.estimate_of_bays(tail)
            } else {
                self.estimator.estimate(minute, tail)
            };
            self.aged_at = minute;
            self.changed = false;
            self.bays_alone = bays_alone;
        }
        let uncorrected = match self.counting {
            Counting::Bays => (of_bays.reporting > 0).then(|| i64::from(self.bays.occupied())),
            Counting::Barriers | Counting::Absolute => self.account.occupied(),
        };
        let of_count = self.account.rests_on().filter(|_| self.account.occupied().is_some());
        let rests_on =
            of_count.filter(|_| !bays_alone).max(self.bays.heard_at().filter(|_| self.bays.known()));
        let due = [
            self.account.next_silence(now),
            Some(self.bays.next_silence()),
            self.estimator.due().map(Timestamp::from_micros),
            ages.then(|| Timestamp::from_micros(minute.saturating_add(AGES_US))),
        ];
        Said {
            uncorrected,
            estimate: self.known,
            share,
            lost: self.account.lost(),
            rests_on,
            sound: own || bays_alone,
            bays_alone,
            due: due.into_iter().flatten().filter(|due| now < *due).min(),
        }
    }
}

fn spaces(n: i64) -> u32 {
    u32::try_from(n.max(0)).unwrap_or(u32::MAX)
}

/// The same net, with neither part below 0.
fn passed(moved: Moved) -> Passed {
    let (less_in, less_out) = (moved.entries.min(0), moved.exits.min(0));
    Passed { entries: spaces(moved.entries.max(0) - less_out), exits: spaces(moved.exits.max(0) - less_in) }
}
