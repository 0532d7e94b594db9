//! What a facility's lanes lean to: vehicles of drift for each entry and each exit, learned from anchors.
//!
//! A scalar measurement of two slowly moving unknowns: the Kalman filter of a constant state, which is recursive least
//! squares (R. E. Kalman, *J. Basic Eng.* 82, 1960; K. J. Astrom, B. Wittenmark, *Adaptive Control*, ch. 2).

use super::model::Model;

/// At each anchor what was learned loses this share of its weight: lanes change.
const FORGET: f64 = 1.02;
/// From so many times the expected variance on, what was learned is doubted: three standard deviations.
const INFLATED_FROM: f64 = 9.0;
/// No lane is believed to lose or to add more than this share of its passages.
const MOST: f64 = 0.2;

/// So many anchors' worth of weight the configured rates have against what anchors show of them.
const RATES_WEIGH: f64 = 16.0;
/// And so many anchors at most are remembered.
const ANCHORS_MAX: f64 = 40.0;
/// Bounds of the factor by which the rates may turn out to be wrong.
const FACTOR: (f64, f64) = (0.1, 10.0);

/// Drift a passage, per direction, with its covariance; and how often passages err at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bias {
    /// Errors a passage as configured, and as they seem to be.
    configured: f64,
    errors: f64,
    /// Anchors, and the sum of their squared misses in units of what was expected: inverse gamma, as the variance of a
    /// normal is learned (A. Gelman et al., *Bayesian Data Analysis*, 3rd ed., 2.6).
    anchors: f64,
    misses: f64,
    entry: f64,
    exit: f64,
    entry_var: f64,
    exit_var: f64,
    covar: f64,
    /// The variances at the start, which forgetting never exceeds.
    prior_var: f64,
}

impl Bias {
    /// Nothing learned: both 0. Missed entries and missed exits of the same hardware cancel over a stay, so that what is
    /// unknown of both (`miss - double`) is of opposite sign; only the lean of a lane adds up.
    pub(super) fn unknown(model: &Model) -> Self {
        let gain = model.miss - model.double;
        let lean = model.lean * model.per_passage();
        let var = gain * gain + lean * lean;
        Bias {
            configured: model.per_passage(),
            errors: model.per_passage(),
            anchors: RATES_WEIGH,
            misses: RATES_WEIGH,
            entry: 0.0,
            exit: 0.0,
            entry_var: var,
            exit_var: var,
            covar: -gain * gain,
            prior_var: var,
        }
    }

    /// Errors of one vehicle a passage: the variance of drift that it adds.
    pub(super) fn per_passage(&self) -> f64 {
        self.errors
    }

    /// Vehicles of drift that so many passages bring.
    pub(super) fn drift(&self, entries: f64, exits: f64) -> f64 {
        self.entry * entries + self.exit * exits
    }

    /// The variance of that.
    pub(super) fn variance(&self, entries: f64, exits: f64) -> f64 {
        let square = self.entry_var * entries * entries
            + 2.0 * self.covar * entries * exits
            + self.exit_var * exits * exits;
        square.max(0.0)
    }

    /// Per entry, and per exit.
    pub(super) fn rates(&self) -> (f64, f64) {
        (self.entry, self.exit)
    }

    /// So many passages brought a drift whose square is `variance`, or more: lanes may lean that far, to either side.
    pub(super) fn open(&mut self, entries: f64, exits: f64, variance: f64) {
        let passages = (entries * entries + exits * exits).max(1.0);
        let var = (variance / passages).min(MOST * MOST);
        self.entry_var = self.entry_var.max(var);
        self.exit_var = self.exit_var.max(var);
    }

    /// So many passages turned out to have brought `drift` vehicles; `variance` of that is the anchors' own doubt.
    pub(super) fn learn(&mut self, entries: f64, exits: f64, drift: f64, variance: f64) {
        let noise = variance + (entries + exits) * self.per_passage();
        let expected = self.variance(entries, exits) + noise;
        // Too little has passed to tell anything.
        if self.prior_var <= 0.0 || expected <= variance + 0.1 {
            return;
        }
        let off = drift - self.drift(entries, exits);
        let ratio = off * off / expected;
        // What was held for nearly certain and proves wrong is opened again (an adaptive filter's inflation).
        if ratio > INFLATED_FROM {
            let by = ratio.min(MOST * MOST / self.entry_var.max(self.exit_var).max(1e-12)).max(1.0);
            self.entry_var *= by;
            self.exit_var *= by;
            self.covar *= by;
        }
        let factor = self.errors / self.configured.max(1e-12);
        let keep = if self.anchors < ANCHORS_MAX { 1.0 } else { 1.0 - 1.0 / ANCHORS_MAX };
        self.anchors = self.anchors * keep + 1.0;
        self.misses = self.misses * keep + ratio.min(INFLATED_FROM) * factor;
        self.errors = self.configured * (self.misses / self.anchors).clamp(FACTOR.0, FACTOR.1);
        let entry_gain = self.entry_var * entries + self.covar * exits;
        let exit_gain = self.covar * entries + self.exit_var * exits;
        let all = self.variance(entries, exits) + noise;
        let missed = drift - self.drift(entries, exits);
        self.entry = (self.entry + entry_gain / all * missed).clamp(-MOST, MOST);
        self.exit = (self.exit + exit_gain / all * missed).clamp(-MOST, MOST);
        self.entry_var = (self.entry_var - entry_gain * entry_gain / all).max(0.0);
        self.exit_var = (self.exit_var - exit_gain * exit_gain / all).max(0.0);
        self.covar -= entry_gain * exit_gain / all;
        if FORGET * self.entry_var.max(self.exit_var) < self.prior_var {
            self.entry_var *= FORGET;
            self.exit_var *= FORGET;
            self.covar *= FORGET;
        }
        let most = (self.entry_var * self.exit_var).sqrt();
        self.covar = self.covar.clamp(-most, most);
    }
}
