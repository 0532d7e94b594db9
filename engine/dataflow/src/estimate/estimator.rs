//! The estimator of one facility.

use super::bays::BayState;
use super::bays::Bays;
use super::bias::Bias;
use super::count::Count;
use super::drift::Drift;
use super::figure::{Counted, Figure, Heard};
use super::fuse::{Estimate, Evidence, Fused};
use super::maths::{exp_of_negative, float};
use super::model::{Instant, Model};
use super::offset::{Off, Offset};

/// Vehicles that passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Inwards.
    pub entries: u32,
    /// Outwards.
    pub exits: u32,
}

/// Somebody knows how many vehicles were inside at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchor {
    /// So many.
    pub occupied: u32,
    /// Give or take: standard deviation, vehicles; 0 is certain.
    pub sd: f64,
    /// What the barriers have counted after that instant and before now.
    pub since: Passed,
}

/// What an anchor brought to light: for the audit and for the drift report.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Found {
    /// True minus counted vehicles since the last anchor; `None` for the first.
    pub drift: Option<i64>,
    /// The standard deviation that was expected of it.
    pub expected_sd: f64,
    /// More than three times what was expected.
    pub surprising: bool,
    /// The bays contradict it: none of them was judged by it.
    pub bays_disagree: bool,
}

/// All that is known of how many vehicles stand in one facility.
#[derive(Clone, Debug)]
pub struct Estimator {
    model: Model,
    bias: Bias,
    /// Barriers, from the first anchor on.
    count: Option<Box<Count>>,
    /// Messages whose loss shows.
    lost: u32,
    bays: Bays,
    /// How many times in a row the bays' plain sum was another than the count; from [`LIES_FROM`] on some of them lie.
    disagreed: u32,
    figure: Figure,
    /// What a person's count showed of either.
    bays_off: Offset,
    figure_off: Offset,
    /// When it was shown of the figure.
    figure_off_at: Instant,
}

/// Twice, a settling time apart: messages on their way have arrived then.
const LIES_FROM: u32 = 2;

/// What a person's count showed of a third party's figure is forgotten as exp(-days).
const DAY_US: f64 = 8.64e10;

impl Estimator {
    /// A facility of which nothing is known, with so many bays that have sensors.
    #[must_use]
    pub fn new(model: Model, bays: usize) -> Self {
        let model = model.checked();
        let bias = Bias::unknown(&model);
        Estimator {
            model,
            bias,
            count: None,
            lost: 0,
            bays: Bays::new(bays),
            disagreed: 0,
            figure: Figure::default(),
            bays_off: Offset::default(),
            figure_off: Offset::default(),
            figure_off_at: 0,
        }
    }

    /// What is configured, in its bounds.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The facility has so many spaces from now on; as many more or fewer fit beside them. The count and its drift stay.
    pub fn set_capacity(&mut self, capacity: u32) {
        let beside = self.model.ceiling - self.model.capacity;
        self.model = Model { capacity, ceiling: capacity.saturating_add(beside), ..self.model }.checked();
    }

    /// The bays' sums.
    #[must_use]
    pub fn bays(&self) -> &Bays {
        &self.bays
    }

    /// Drift in vehicles that is expected of an entry and of an exit, as learned from anchors.
    #[must_use]
    pub fn lean(&self) -> (f64, f64) {
        self.bias.rates()
    }

    /// Vehicles that the physical bounds took out of or put into the best figure since the last anchor, or since the counter
    /// began anew.
    #[must_use]
    pub fn bounded(&self) -> f64 {
        self.count.as_deref().map_or(0.0, Count::bounded)
    }

    /// The barriers counted vehicles. Before the first anchor they count for nothing.
    pub fn passed(&mut self, passed: Passed) {
        if let Some(count) = &mut self.count {
            count.pass(passed, &self.bias);
        }
    }

    /// A barrier's totals tell that its passages were counted wrong: the count changes by `net` vehicles.
    pub fn revised(&mut self, net: i64) {
        if let Some(count) = &mut self.count {
            count.revise(net);
        }
    }

    /// So many messages of the barriers are known to be lost, and were not made up for by totals.
    pub fn set_lost(&mut self, lost: u32) {
        self.lost = lost;
    }

    /// The bay at `position` says so, or falls silent.
    pub fn bay(&mut self, position: usize, state: BayState) {
        if self.bays.set(position, state) && self.bays_off.is_known() {
            self.bays_off.fade(self.bays.turned());
        }
    }

    /// A third party states the occupied spaces, true at `at`.
    pub fn figure(&mut self, spaces: u32, at: Instant) -> Heard {
        let counted = self.counted();
        let known = self.known(None).map(|known| known.best());
        // It is expected to stay as far off as it was found to be.
        let off = self.figure_off(at).fair;
        let expected = known
            .map(|(mean, variance)| (mean - off, variance))
            .or_else(|| self.figure.said(&self.model, at, counted));
        let heard = self.figure.take(spaces, at, &self.model, counted, expected);
        if heard == Heard::Believed {
            self.figure_off = Offset::default();
        }
        heard
    }

    fn figure_off(&self, now: Instant) -> Off {
        let own = self.model.figure_sd * self.model.figure_sd;
        if self.model.barriers {
            return Off { plain: 0.0, fair: 0.0, variance: own };
        }
        let days = float(now.saturating_sub(self.figure_off_at).max(0)) / DAY_US;
        self.figure_off.now(own, exp_of_negative(-days))
    }

    /// Somebody knows that so many are inside now, with so much variance: bays and a third party's figure are off by the rest,
    /// which is carried on, and fades. Where barriers count it is the bays' when they speak alone.
    pub fn shown(&mut self, occupied: f64, variance: f64, now: Instant) {
        if let Some(said) = self.bays.said(&self.model) {
            let (plain, fair) = (occupied - said.plain, occupied - said.fair);
            self.bays_off.learn(plain, fair, variance, said.variance, 1.0);
        }
        if !self.model.barriers
            && let Some((mean, doubt)) = self.figure.said(&self.model, now, self.counted())
        {
            let own = self.model.figure_sd * self.model.figure_sd;
            let off = occupied - mean;
            let mut known = self.figure_off;
            known.fade(float(now.saturating_sub(self.figure_off_at).max(0)) / DAY_US);
            known.learn(off, off, variance + (doubt - own).max(0.0), own, 1.0);
            (self.figure_off, self.figure_off_at) = (known, now);
        }
    }

    /// Somebody counted: the drift ends, and what it was teaches what the lanes lean to.
    pub fn verified(&mut self, anchor: Anchor) -> Found {
        self.anchor(anchor, true)
    }

    /// An operator sets the occupied spaces without a count: the drift ends, nothing is learned.
    pub fn corrected(&mut self, anchor: Anchor) -> Found {
        self.anchor(anchor, false)
    }

    /// The facility is closed, and nobody is left in it but `sd` vehicles: an anchor at 0.
    pub fn closed_and_empty(&mut self, sd: f64) -> Found {
        self.anchor(Anchor { occupied: 0, sd, since: Passed::default() }, true)
    }

    fn anchor(&mut self, anchor: Anchor, learn: bool) -> Found {
        let anchor = Anchor { sd: anchor.sd.max(0.0), ..anchor };
        let mut found = Found::default();
        match &mut self.count {
            // It is the bays that it tells of, below.
            None if !self.model.barriers => {}
            None => self.count = Some(Box::new(Count::starting(&anchor, &self.bias))),
            Some(count) => {
                let old = count.value();
                found = count.anchor(&anchor, learn, &mut self.bias, f64::from(self.lost));
                self.figure.rebase(old - count.value(), count.passages());
            }
        }
        let certain = anchor.sd <= 0.0 && anchor.since == Passed::default();
        if certain && let Some(said) = self.bays.said(&self.model) {
            let off = (said.plain - f64::from(anchor.occupied)).abs();
            self.disagreed = if off < 1.0 { 0 } else { LIES_FROM };
        }
        self.lost = 0;
        if certain {
            let all_full =
                anchor.occupied == self.model.capacity && self.model.ceiling == self.model.capacity;
            found.bays_disagree = match anchor.occupied {
                0 => !self.bays.judge(BayState::Free),
                _ if all_full => !self.bays.judge(BayState::Occupied),
                _ => false,
            };
        }
        found
    }

    /// A counter was replaced, and `sd` vehicles may have passed uncounted meanwhile: the count goes on, what was learned
    /// of the old counter is forgotten.
    pub fn replaced(&mut self, sd: f64) {
        if let Some(count) = &mut self.count {
            count.freeze(&self.bias, sd * sd);
            self.figure.rebase(0, 0.0);
        }
        self.bias = Bias::unknown(&self.model);
        self.figure_off = Offset::default();
    }

    /// A counter began anew, and `sd` vehicles may have passed uncounted meanwhile: the count goes on, less sure.
    pub fn restarted(&mut self, sd: f64) {
        if let Some(count) = &mut self.count {
            count.freeze(&self.bias, sd * sd);
            self.figure.rebase(0, 0.0);
        }
    }

    /// When [`Estimator::advance`] has something to do; `None` while time alone changes nothing.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.count.as_deref().and_then(Count::settles_at)
    }

    /// Whether the estimate changes while nothing happens: a figure without a count ages.
    #[must_use]
    pub fn ages(&self) -> bool {
        self.count.is_none() && self.figure.is_known()
    }

    /// Lets time pass: a bound that was broken for long enough is believed. Cheap where nothing is due.
    /// `false` where nothing was.
    pub fn advance(&mut self, now: Instant) -> bool {
        let Some(count) = &mut self.count else { return false };
        let settled = count.settle(now, &self.model, &mut self.bias, f64::from(self.lost));
        if settled
            && self.disagreed < LIES_FROM
            && let Some(said) = self.bays.said(&self.model)
        {
            let off = (said.plain - count.best()).abs();
            self.disagreed = if off < 1.0 { 0 } else { self.disagreed.saturating_add(1) };
        }
        settled
    }

    /// Occupied spaces at `now`; `tail` is the chance that is left beyond either of the sure ends ([`super::Policy::tail`]).
    /// `None` while no source has said anything.
    #[must_use]
    pub fn estimate(&self, now: Instant, tail: f64) -> Option<Estimate> {
        let uncorrected = self.count.as_deref().map(Count::value);
        self.known(Some(now)).map(|known| known.estimate(tail, self.model.ceiling, uncorrected))
    }

    /// The same by the bays alone: where each space has one, they need no barrier. `None` while none of them speaks.
    #[must_use]
    pub fn estimate_of_bays(&self, tail: f64) -> Option<Estimate> {
        let uncorrected = self.count.as_deref().map(Count::value);
        let bays = Fused::with(None, self.evidence_of_bays(true)?);
        Some(bays.estimate(tail, self.model.ceiling, uncorrected))
    }

    /// What the bays say; with what a person's count showed of them.
    fn evidence_of_bays(&self, shown: bool) -> Option<Evidence> {
        let said = self.bays.said(&self.model)?;
        // Bays that were never seen to be wrong are taken at their word.
        let at_their_word = self.disagreed < LIES_FROM;
        let plain = if at_their_word { said.plain } else { said.fair };
        if !shown || !self.bays_off.is_known() {
            return Some(Evidence { plain, fair: said.fair, variance: said.variance });
        }
        let off = self.bays_off.now(said.variance, 1.0);
        let of_plain = if at_their_word { off.plain } else { off.fair };
        Some(Evidence { plain: plain + of_plain, fair: said.fair + off.fair, variance: off.variance })
    }

    /// The mean of what is known, for comparisons.
    #[must_use]
    pub fn mean(&self, now: Instant) -> Option<f64> {
        self.known(Some(now)).map(|known| known.mean(self.model.ceiling))
    }

    fn counted(&self) -> Counted {
        let (count, passages) = self.count.as_ref().map_or((0, 0.0), |c| (c.value(), c.passages()));
        Counted { count, passages, known: self.count.is_some() }
    }

    /// All sources together, the third party's figure if `with_figure` tells the time.
    fn known(&self, with_figure: Option<Instant>) -> Option<Fused> {
        let mut known = self.count.as_ref().map(|c| c.fused(&self.bias, f64::from(self.lost)));
        // The count knows already what a person's count showed.
        if let Some(evidence) = self.evidence_of_bays(!self.model.barriers) {
            known = Some(Fused::with(known, evidence));
        }
        let figure = with_figure.and_then(|now| {
            Some((self.figure.said(&self.model, now, self.counted())?, self.figure_off(now)))
        });
        if let Some(((mean, variance), off)) = figure {
            let own = self.model.figure_sd * self.model.figure_sd;
            let fair = mean + off.fair;
            let variance = (variance - own).max(0.0) + off.variance;
            known = Some(Fused::with(known, Evidence { plain: fair, fair, variance }));
        }
        known
    }
}

/// Kept small: thousands of facilities lie in one vector.
const _: () = assert!(std::mem::size_of::<Drift>() <= 528 && std::mem::size_of::<Estimator>() <= 1_024);
