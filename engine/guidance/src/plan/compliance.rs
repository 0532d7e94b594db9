//! How many obey, as it is told: measured afterwards, at the entrances that let everybody in, while there is anybody to send elsewhere.

use std::time::Duration;

use vlot_model::Compliance;

use super::decide::small;

/// Arrivals are compared in steps of this: shorter ones are noise, longer ones see no change of advice.
pub(super) const STEP: Duration = Duration::from_mins(5);
/// What was seen so long ago counts 1/e.
const MEMORY: Duration = Duration::from_hours(6);
/// Shares of the facilities are learned over about this many vehicles.
pub(super) const VEHICLES: f64 = 300.0;
/// The assumed share weighs as much as this: squared vehicles in which advice made a difference.
const ASSUMED_WEIGHT: f64 = 60.0;
/// From facilities with a smaller share of the demand nothing is told of the others.
pub(super) const LEAST_TOLD: f64 = 0.2;
/// Where advice would move this share of those who come of their own accord, nothing is learned of what they want...
const DISTURBED: f64 = 0.25;
/// ... but so much, for wishes change with the day.
const LEAST_LEARNED: f64 = 0.02;
/// Who passes which sign, and who reads a warning there, is configured and reckoned and not counted: the share is told no more exactly.
const PASSING_SD: f64 = 0.3;
/// So many vehicles must have come before it is known what people want of their own accord.
const LEARNED: f64 = 2.0 * VEHICLES;
/// Nobody is believed to obey always or never.
const BOUNDS: [f64; 2] = [0.05, 0.95];

/// A regression through the origin.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    of: Vec<Sums>,
    minutes: f64,
}

/// What one facility adds to it.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Fit {
    pub(super) fn new(facilities: usize) -> Self {
        Fit { of: vec![Sums::default(); facilities], minutes: 0.0 }
    }

    /// One step's evidence: the facility, what would be otherwise if everyone obeyed, what is otherwise, and the weight of it.
    pub(super) fn learn(&mut self, evidence: impl Iterator<Item = (usize, f64, f64, f64)>) {
        let fade = (-STEP.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        for Sums { xx, xy, yy } in &mut self.of {
            [xx, xy, yy].into_iter().for_each(|sum| *sum *= fade);
        }
        for (facility, x, y, weight) in evidence {
            let sums = &mut self.of[facility];
            sums.xx += weight * x * x;
            sums.xy += weight * x * y;
            sums.yy += weight * y * y;
        }
        self.minutes = self.minutes * fade + STEP.as_secs_f64() / 60.0;
    }

    fn sum(&self, sum: impl Fn(&Sums) -> f64) -> f64 {
        self.of.iter().map(sum).sum()
    }

    /// As the sums have it, which can lie outside what is believed of anybody.
    fn slope(&self, assumed: f64) -> f64 {
        (self.sum(|s| s.xy) + assumed * ASSUMED_WEIGHT) / (self.sum(|s| s.xx) + ASSUMED_WEIGHT)
    }

    pub(super) fn share(&self, assumed: f64) -> f64 {
        self.slope(assumed).clamp(BOUNDS[0], BOUNDS[1])
    }

    /// How much of the slope is measured, 0..=1; the rest is assumed.
    fn measured(&self) -> f64 {
        let xx = self.sum(|s| s.xx);
        xx / (xx + ASSUMED_WEIGHT)
    }

    /// Standard deviation of the slope: what single counts leave open, and at least what facilities do that contradict each other.
    ///
    /// Who passes which sign is assumed, and what is wrong with that is wrong at the same facility for hours: no number of counts
    /// takes it out (errors by cluster: Liang and Zeger, *Longitudinal data analysis using generalized linear models*, 1986).
    fn sd(&self, assumed: f64) -> f64 {
        let slope = self.slope(assumed);
        let weight = self.sum(|s| s.xx) + ASSUMED_WEIGHT;
        let residual = self.sum(|s| s.yy - 2.0 * slope * s.xy + slope * slope * s.xx).max(0.0);
        let steps = (self.minutes * 60.0 / STEP.as_secs_f64()).max(1.0);
        let noise = (residual / (steps * self.of.len().max(1) as f64)).max(1.0);
        // The assumed share is a witness like another.
        let off = (assumed - slope) * ASSUMED_WEIGHT;
        let apart = off * off + self.sum(|s| (s.xy - slope * s.xx).powi(2));
        let witnesses = 1.0 + self.of.iter().filter(|s| s.xx > 0.0).count() as f64;
        let apart = apart * witnesses / (witnesses - 1.0).max(1.0) / (weight * weight);
        (noise / weight).max(apart).sqrt()
    }
}

/// Measures how many obey.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    assumed: f64,
    /// By facility: how many more vehicles (or fewer) would have entered in this step if everyone obeyed.
    moved: Vec<f64>,
    /// Share of all vehicles that go to each of their own accord.
    own: Vec<f64>,
    /// Vehicles in all from which that was learned.
    learned: Vec<f64>,
    fit: Fit,
}

impl Measure {
    pub(super) fn new(assumed: f64, capacities: &[f64]) -> Self {
        let all = capacities.iter().sum::<f64>().max(1.0);
        Measure {
            assumed,
            moved: vec![0.0; capacities.len()],
            own: capacities.iter().map(|capacity| capacity / all).collect(),
            learned: vec![0.0; capacities.len()],
            fit: Fit::new(capacities.len()),
        }
    }

    pub(super) fn moved(&mut self, facility: usize, vehicles: f64) {
        self.moved[facility] += vehicles;
    }

    /// A step is over. `entered`: vehicles, by facility; `told`: facilities that let everybody in.
    pub(super) fn step(&mut self, entered: &[f64], told: impl Fn(usize) -> bool) {
        let told: Vec<_> = (0..self.own.len()).filter(|i| told(*i)).collect();
        // Without a share of its own there is nothing to compare a facility with.
        let known: Vec<_> = told.iter().copied().filter(|i| self.learned[*i] >= LEARNED).collect();
        self.compare(entered, &known);
        self.learn(entered, &told);
        self.moved.fill(0.0);
    }

    /// By how much entries are other than people want of their own accord, against by how much they would be if everyone obeyed. If a
    /// share c obeys, entered = own * all + c * moved; how many they are in all is not known of itself where some are turned away, so
    /// it is what fits this step best.
    fn compare(&mut self, entered: &[f64], known: &[usize]) {
        let of = |what: &[f64]| known.iter().map(|i| what[*i]).sum::<f64>();
        let (own, all, moved) = (of(&self.own), of(entered), of(&self.moved));
        let nobody_moved = known.iter().all(|i| self.moved[*i] == 0.0);
        if own < LEAST_TOLD || all <= 0.0 || nobody_moved {
            return;
        }
        let evidence = known.iter().map(|&i| {
            let part = self.own[i] / own;
            // Counts scatter with their size: large facilities are no louder than small ones.
            let weight = 1.0 / (part * all).max(1.0);
            (i, self.moved[i] - part * moved, entered[i] - part * all, weight)
        });
        self.fit.learn(evidence);
    }

    /// What people want of their own accord is seen where nobody is sent to and nobody away: what an advice that stands moves would
    /// else be taken for a wish, and nothing be left of it to measure.
    fn learn(&mut self, entered: &[f64], told: &[usize]) {
        let of = |what: &[f64]| told.iter().map(|i| what[*i]).sum::<f64>();
        let (own, all) = (of(&self.own), of(entered));
        let share = self.fit.share(self.assumed);
        let step = (all / VEHICLES).min(0.25);
        let wanted: Vec<_> = told.iter().map(|&i| (entered[i] - share * self.moved[i]).max(0.0)).collect();
        let wanted_all: f64 = wanted.iter().sum();
        if own < LEAST_TOLD || wanted_all <= 0.0 {
            return;
        }
        for (&i, wanted) in told.iter().zip(&wanted) {
            let usual = self.own[i] / own * all;
            let undisturbed = (1.0 - self.moved[i].abs() / (DISTURBED * usual.max(1.0))).max(LEAST_LEARNED);
            self.own[i] += step * undisturbed * (wanted / wanted_all * own - self.own[i]);
            self.learned[i] += undisturbed * all;
        }
        let sum: f64 = told.iter().map(|i| self.own[*i]).sum();
        if sum > 0.0 {
            told.iter().for_each(|i| self.own[*i] *= own / sum);
        }
    }

    fn sd(&self) -> f64 {
        // Of what was only assumed nothing rests on who passes.
        let measured = self.fit.measured();
        let share = self.fit.share(self.assumed);
        // A slope that nobody is believed to have says that the reckoning is off by as much.
        let beyond = self.fit.slope(self.assumed) - share;
        self.fit.sd(self.assumed).hypot(PASSING_SD * measured * share).hypot(beyond)
    }

    /// What is believed now.
    pub(super) fn compliance(&self) -> Compliance {
        Compliance {
            share: small(self.fit.share(self.assumed)),
            sd: small(self.sd().min(0.3)),
            minutes: small(self.fit.minutes),
        }
    }
}
