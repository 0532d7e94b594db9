//! Entries and exits since the last anchor, and how far they may be off.

use super::bias::Bias;
use super::drift::Drift;
use super::estimator::{Anchor, Found, Passed};
use super::fuse::Fused;
use super::maths::float;
use super::model::{Instant, Model};

/// An anchor that is further off than so many standard deviations is a surprise, and holds alone.
const SURPRISE_SDS: f64 = 3.0;
/// Of what the bounds show, a standard deviation is at least so many vehicles: a few may stand beside the spaces.
const BEYOND_SD: f64 = 2.0;

#[derive(Clone, Debug)]
pub(super) struct Count {
    /// Uncorrected: the anchor, entries and exits.
    value: i64,
    /// Best true minus counted: Kalman's estimate, reflected at the bounds.
    offset: f64,
    /// Of the offset at the anchor.
    anchor_offset: f64,
    anchor_var: f64,
    entries: f64,
    exits: f64,
    /// Distribution of true minus counted.
    drift: Drift,
    /// The highest and the lowest count since bounds were last applied.
    highest: i64,
    lowest: i64,
    settle_at: Option<Instant>,
    /// Vehicles by which the bounds moved the offset, since the last anchor or with the present counter.
    bounded: f64,
}

impl Count {
    pub(super) fn starting(anchor: &Anchor, bias: &Bias) -> Self {
        let Anchor { occupied, sd, since } = *anchor;
        let value = i64::from(occupied) + i64::from(since.entries) - i64::from(since.exits);
        let mut drift = Drift::normal(0.0, sd * sd);
        let (entries, exits) = (f64::from(since.entries), f64::from(since.exits));
        drift.spread((entries + exits) * bias.per_passage());
        Count {
            value,
            offset: 0.0,
            anchor_offset: 0.0,
            anchor_var: sd * sd,
            entries,
            exits,
            drift,
            highest: value,
            lowest: value,
            settle_at: None,
            bounded: 0.0,
        }
    }

    pub(super) fn value(&self) -> i64 {
        self.value
    }

    pub(super) fn settles_at(&self) -> Option<Instant> {
        self.settle_at
    }

    pub(super) fn passages(&self) -> f64 {
        self.entries + self.exits
    }

    pub(super) fn bounded(&self) -> f64 {
        self.bounded
    }

    /// Variance of the best figure's error; `unseen` vehicles may have passed besides.
    fn variance(&self, bias: &Bias, unseen: f64) -> f64 {
        self.anchor_var
            + self.passages() * bias.per_passage()
            + bias.variance(self.entries, self.exits)
            + unseen
    }

    pub(super) fn pass(&mut self, passed: Passed, bias: &Bias) {
        let (entries, exits) = (f64::from(passed.entries), f64::from(passed.exits));
        self.value += i64::from(passed.entries) - i64::from(passed.exits);
        self.entries += entries;
        self.exits += exits;
        self.highest = self.highest.max(self.value);
        self.lowest = self.lowest.min(self.value);
        let (net, both) = (bias.drift(entries, exits), (entries + exits) * bias.per_passage());
        self.offset += net;
        self.drift.passage(both.max(net.abs()), net);
    }

    /// The count was wrong by so many, by its own devices' word: what it says changes, not how far it may be off.
    pub(super) fn revise(&mut self, net: i64) {
        self.value = self.value.saturating_add(net);
        self.highest = self.highest.max(self.value);
        self.lowest = self.lowest.min(self.value);
    }

    /// A bound that no count of the last `settle_us` keeps to is broken by the drift, not by the order of messages.
    /// `true` if it was due. Drift that the bounds show and that was thought impossible opens the bias: a lane that counts
    /// vehicles into a full car park does more than err now and then, and a bound says how far it is off at least, not at most.
    pub(super) fn settle(&mut self, now: Instant, model: &Model, bias: &mut Bias, unseen: f64) -> bool {
        let Some(due) = self.settle_at else {
            self.settle_at = Some(now.saturating_add(model.settle_us));
            return false;
        };
        if now < due {
            return false;
        }
        let least = -self.highest;
        let most = (i64::from(model.ceiling) - self.lowest).max(least);
        let doubt = self.variance(bias, unseen);
        self.drift.bound(least, most, doubt);
        let within = self.offset.clamp(float(least), float(most));
        self.bounded += within - self.offset;
        self.offset = within;
        let beyond = self.bounded * self.bounded;
        if beyond > SURPRISE_SDS * SURPRISE_SDS * doubt.max(BEYOND_SD * BEYOND_SD) {
            bias.open(self.entries, self.exits, beyond);
        }
        self.highest = self.value;
        self.lowest = self.value;
        self.settle_at = Some(now.saturating_add(model.settle_us));
        true
    }

    /// The best figure.
    pub(super) fn best(&self) -> f64 {
        float(self.value) + self.offset
    }

    pub(super) fn anchor(&mut self, anchor: &Anchor, learn: bool, bias: &mut Bias, unseen: f64) -> Found {
        let Anchor { occupied, sd, since } = *anchor;
        let (entries, exits) = (f64::from(since.entries), f64::from(since.exits));
        let value = i64::from(occupied) + i64::from(since.entries) - i64::from(since.exits);
        let (found, own) = (value - self.value, sd * sd);
        let before = self.variance(bias, unseen);
        let off = float(found) - self.offset;
        let surprising = off * off > SURPRISE_SDS * SURPRISE_SDS * (before + own).max(0.25);
        // The bias adds to the drift what it has not taught yet.
        self.drift.spread(bias.variance(self.entries, self.exits) + unseen);
        if learn {
            let (in_between, out_between) =
                ((self.entries - entries).max(0.0), (self.exits - exits).max(0.0));
            let noise = self.anchor_var + unseen + own;
            bias.learn(in_between, out_between, float(found) - self.anchor_offset, noise);
        }
        if surprising || own <= 0.0 {
            *self = Count { settle_at: self.settle_at, ..Count::starting(anchor, bias) };
        } else {
            // What was known before still counts, as far as the anchor leaves a doubt.
            self.drift.shift(found);
            self.drift.weigh(0.0, own);
            let rest = own / (before + own);
            self.offset = (self.offset - float(found)) * rest;
            self.anchor_var = before * rest;
            self.anchor_offset = self.offset;
            (self.value, self.entries, self.exits) = (value, entries, exits);
            (self.highest, self.lowest, self.bounded) = (value, value, 0.0);
        }
        Found { drift: Some(found), expected_sd: before.sqrt(), surprising, bays_disagree: false }
    }

    /// What is uncertain so far is so for good, and `variance` more: another counter begins.
    pub(super) fn freeze(&mut self, bias: &Bias, variance: f64) {
        self.drift.spread(bias.variance(self.entries, self.exits) + variance);
        self.anchor_var = self.variance(bias, variance);
        self.anchor_offset = self.offset;
        (self.entries, self.exits) = (0.0, 0.0);
        // What the bounds showed is of the counter before.
        self.bounded = 0.0;
    }

    /// As evidence of the occupied spaces.
    pub(super) fn fused(&self, bias: &Bias, unseen: f64) -> Fused {
        let mut belief = self.drift.clone();
        belief.spread(bias.variance(self.entries, self.exits) + unseen);
        belief.shift(-self.value);
        Fused::new(belief, self.best(), self.variance(bias, unseen))
    }
}
