//! Who comes past which sign, and how many of them obey.
//!
//! How many look for a space is measured where they end: at the facilities' entrances. How they spread over the signs is configured
//! (`demand`). Of those who pass a sign, the ones whom another sign has just sent past it are not counted twice.
//!
//! Compliance is measured afterwards: minute by minute, the arrivals that would have come if everyone obeyed, against those that
//! came. Least squares over what is forgotten within hours; the assumed share counts as a little evidence of its own. Twice: as it is
//! told, where advice moves somebody and everybody gets in; and as plans count on it, over everything, which is lower where it is not
//! plain to see. To count on too many does more harm than on too few: who is thought to be on the way takes space from others.

use std::time::Duration;

use vlot_model::{Compliance, Timestamp};

use super::decide::small;

/// Arrivals are compared in steps of this: shorter ones are noise, longer ones see no change of advice.
const STEP: Duration = Duration::from_mins(5);
/// What was seen so long ago counts 1/e.
const MEMORY: Duration = Duration::from_hours(6);
/// Shares of the facilities are learned over about this many vehicles.
const VEHICLES: f64 = 300.0;
/// The assumed share weighs as much as this: squared vehicles in which advice made a difference.
const ASSUMED_WEIGHT: f64 = 60.0;
/// With a smaller share of the demand at facilities that let everybody in, the others tell nothing.
const LEAST_TOLD: f64 = 0.2;
/// Nobody is believed to obey always or never.
const BOUNDS: [f64; 2] = [0.05, 0.95];

/// What of the demand comes to each sign first: `demand` by sign, and the sign that each one's advice leads past next.
pub(crate) fn fresh(demand: &[f64], next: &[Option<usize>]) -> Vec<f64> {
    let mut handed = vec![0.0; demand.len()];
    for (i, next) in next.iter().enumerate() {
        if let Some(next) = next.filter(|next| *next < demand.len()) {
            handed[next] += demand[i];
        }
    }
    // Even the last sign before a car park meets somebody who comes from around the corner.
    let fresh: Vec<_> =
        demand.iter().zip(&handed).map(|(own, handed)| (own - handed).max(own * 0.1)).collect();
    let sum: f64 = fresh.iter().sum();
    if sum > 0.0 { fresh.iter().map(|f| f / sum).collect() } else { fresh }
}

/// Measures how many obey.
#[derive(Clone, Debug)]
pub(crate) struct Obedience {
    assumed: f64,
    /// By facility: vehicles that entered in this step, and how many more (or fewer) would have if everyone obeyed.
    entered: Vec<f64>,
    moved: Vec<f64>,
    /// Of `moved`, what shows in counts.
    evident: Vec<f64>,
    /// Share of all vehicles that go to each of their own accord.
    own: Vec<f64>,
    seen: f64,
    begun: Option<Timestamp>,
    told: Fit,
    counted_on: Fit,
}

/// Sums of a regression through the origin.
#[derive(Clone, Copy, Debug, Default)]
struct Fit {
    xx: f64,
    xy: f64,
    yy: f64,
    minutes: f64,
}

impl Fit {
    /// One step's evidence: what would be otherwise if everyone obeyed, what is otherwise, and the weight of it, by facility.
    fn learn(&mut self, evidence: impl Iterator<Item = (f64, f64, f64)>) {
        let fade = (-STEP.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        for sum in [&mut self.xx, &mut self.xy, &mut self.yy, &mut self.minutes] {
            *sum *= fade;
        }
        for (x, y, weight) in evidence {
            self.xx += weight * x * x;
            self.xy += weight * x * y;
            self.yy += weight * y * y;
        }
        self.minutes += STEP.as_secs_f64() / 60.0;
    }

    /// As the sums have it, which can lie outside what is believed of anybody.
    fn slope(&self, assumed: f64) -> f64 {
        (self.xy + assumed * ASSUMED_WEIGHT) / (self.xx + ASSUMED_WEIGHT)
    }

    fn share(&self, assumed: f64) -> f64 {
        self.slope(assumed).clamp(BOUNDS[0], BOUNDS[1])
    }
}

impl Obedience {
    pub(crate) fn new(assumed: f64, capacities: &[f64]) -> Self {
        let (facilities, all) = (capacities.len(), capacities.iter().sum::<f64>().max(1.0));
        Obedience {
            assumed,
            entered: vec![0.0; facilities],
            moved: vec![0.0; facilities],
            evident: vec![0.0; facilities],
            own: capacities.iter().map(|capacity| capacity / all).collect(),
            seen: 0.0,
            begun: None,
            told: Fit::default(),
            counted_on: Fit::default(),
        }
    }

    pub(crate) fn entered(&mut self, facility: usize, vehicles: f64) {
        if let Some(count) = self.entered.get_mut(facility) {
            *count += vehicles;
        }
    }

    /// So many more would arrive there now if everyone obeyed; fewer, where they are sent away. Of these the share `evident` shows in
    /// counts.
    pub(crate) fn moved(&mut self, facility: usize, vehicles: f64, evident: f64) {
        if let (Some(count), Some(shows)) = (self.moved.get_mut(facility), self.evident.get_mut(facility)) {
            *count += vehicles;
            *shows += vehicles * evident;
        }
    }

    /// Share of those who look for a space that want this one of their own accord; before anything was counted, by its size.
    pub(crate) fn own_share(&self, facility: usize) -> f64 {
        self.own.get(facility).copied().unwrap_or(0.0)
    }

    /// Time passed. `censored`: facilities that may have turned somebody away.
    pub(crate) fn advance(&mut self, now: Timestamp, censored: &[bool]) {
        let begun = *self.begun.get_or_insert(now);
        if now.since(begun) < STEP {
            return;
        }
        self.begun = Some(now);
        let total: f64 = self.entered.iter().sum();
        let share = self.counted_on();
        // Where everybody gets in, entries say what people want; elsewhere they say what there was room for.
        let told = |i: usize| !censored.get(i).copied().unwrap_or(false);
        let some = |moved: &[f64]| moved.iter().any(|moved| *moved > 0.0);
        // Without a share of its own for each facility there is nothing to compare with.
        if self.seen >= VEHICLES / 4.0 && total > 0.0 {
            if some(&self.evident) {
                self.compare(told);
            }
            if some(&self.moved) {
                // If a share c obeys: entered = own + c moved. Counts scatter with their size: large ones are no louder than small ones.
                let all = self.entered.iter().zip(&self.moved).zip(&self.own);
                let of = |((entered, moved), own): ((&f64, &f64), &f64)| {
                    (*moved, entered - own * total, 1.0 / (own * total).max(1.0))
                };
                self.counted_on.learn(all.map(of));
            }
        }
        let wanted: Vec<_> =
            self.entered.iter().zip(&self.moved).map(|(e, moved)| (e - share * moved).max(0.0)).collect();
        let counted: f64 = (0..wanted.len()).filter(|i| told(*i)).map(|i| wanted[i]).sum();
        let of_these: f64 = (0..wanted.len()).filter(|i| told(*i)).map(|i| self.own[i]).sum();
        if counted > 0.0 {
            let step = (total / VEHICLES).min(0.25);
            for i in (0..wanted.len()).filter(|i| told(*i)) {
                self.own[i] += step * (wanted[i] / counted * of_these - self.own[i]);
            }
            self.seen += total;
        }
        self.entered.fill(0.0);
        self.moved.fill(0.0);
        self.evident.fill(0.0);
    }

    /// One step's evidence: by how much entries are other than people want of their own accord, against by how much they would be
    /// if everyone obeyed. If a share c obeys, entered = own * all + c * moved; how many they are in all is not known of itself where
    /// some are turned away, so it is what fits this step best.
    fn compare(&mut self, told: impl Fn(usize) -> bool) {
        let of = |sum: &dyn Fn(usize) -> f64| (0..self.own.len()).filter(|i| told(*i)).map(sum).sum::<f64>();
        let (own, entered, moved) =
            (of(&|i| self.own[i]), of(&|i| self.entered[i]), of(&|i| self.evident[i]));
        if own < LEAST_TOLD || entered <= 0.0 {
            return;
        }
        let evidence = |i: usize| {
            let part = self.own[i] / own;
            // Counts scatter with their size: large facilities are no louder than small ones.
            let weight = 1.0 / (part * entered).max(1.0);
            (self.evident[i] - part * moved, self.entered[i] - part * entered, weight)
        };
        let evidence: Vec<_> = (0..self.own.len()).filter(|i| told(*i)).map(evidence).collect();
        self.told.learn(evidence.into_iter());
    }

    /// The share that plans count on, 0..=1.
    pub(crate) fn counted_on(&self) -> f64 {
        self.counted_on.share(self.assumed)
    }

    /// What is believed now.
    pub(crate) fn compliance(&self) -> Compliance {
        let fit = &self.told;
        let slope = fit.slope(self.assumed);
        let residual = (fit.yy - 2.0 * slope * fit.xy + slope * slope * fit.xx).max(0.0);
        let steps = (fit.minutes * 60.0 / STEP.as_secs_f64()).max(1.0);
        let noise = (residual / (steps * self.own.len().max(1) as f64)).max(1.0);
        Compliance {
            share: small(fit.share(self.assumed)),
            sd: small((noise / (fit.xx + ASSUMED_WEIGHT)).sqrt().min(0.3)),
            minutes: small(fit.minutes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_sent_past_a_sign_is_not_counted_twice() {
        // 0 sends past 1, 1 past 2; 3 stands alone.
        let fresh = fresh(&[4.0, 5.0, 5.0, 2.0], &[Some(1), Some(2), None, None]);
        let sum = 4.0 + 1.0 + 0.5 + 2.0;
        for (share, of) in fresh.iter().zip([4.0, 1.0, 0.5, 2.0]) {
            assert!((share - of / sum).abs() < 1e-12, "{fresh:?}");
        }
        assert!(super::fresh(&[], &[]).is_empty());
    }

    #[test]
    fn compliance_is_found_in_the_counts() {
        for truth in [0.1, 0.5, 0.8] {
            let mut obedience = Obedience::new(0.3, &[60.0, 30.0, 10.0]);
            assert!((obedience.compliance().share - 0.3).abs() < 1e-6);
            let own = [0.6, 0.3, 0.1];
            for step in 0..200_i64 {
                // The first day nothing is advised; then the advice goes round.
                let advised = usize::try_from(step % 3).expect("small");
                let share = if step < 40 { 0.0 } else { truth };
                for (f, own) in own.iter().enumerate() {
                    let sent = if f == advised { 1.0 } else { 0.0 };
                    obedience.entered(f, 40.0 * ((1.0 - share) * own + share * sent));
                    if step >= 40 {
                        obedience.moved(f, 40.0 * (sent - own), 1.0);
                    }
                }
                obedience.advance(Timestamp::from_secs(step * 300), &[]);
            }
            let found = obedience.compliance();
            assert!((f64::from(found.share) - truth).abs() < 0.12, "{truth}: {found:?}");
            assert!(found.minutes > 60.0);
        }
    }

    #[test]
    fn plans_count_on_what_shows_and_what_is_told_waits_for_evidence() {
        let mut obedience = Obedience::new(0.3, &[50.0, 50.0]);
        assert!((obedience.counted_on() - 0.3).abs() < 1e-9, "assumed");
        for step in 0..60_i64 {
            for f in 0..2 {
                obedience.entered(f, 40.0);
            }
            // It is assumed that some look elsewhere, and no count shows it.
            obedience.moved(0, -20.0, 0.0);
            obedience.moved(1, 20.0, 0.0);
            obedience.advance(Timestamp::from_secs(step * 300), &[false, false]);
        }
        assert!((f64::from(obedience.compliance().share) - 0.3).abs() < 1e-6, "{:?}", obedience.compliance());
        assert!(obedience.counted_on() < 0.25, "{}", obedience.counted_on());
    }

    #[test]
    fn what_a_full_car_park_lets_in_tells_nothing_of_who_obeys() {
        for truth in [0.1, 0.4, 0.8] {
            let mut obedience = Obedience::new(0.3, &[40.0, 30.0, 20.0, 10.0]);
            let own = [0.4, 0.3, 0.2, 0.1];
            for step in 0..200_i64 {
                let full = step >= 40;
                let advised = 1 + usize::try_from(step / 3 % 3).expect("small");
                for (f, own) in own.iter().enumerate() {
                    let sent = if full && f == advised { 40.0 * 0.4 } else { 0.0 };
                    // As many get into the full one as leave it; who is turned away goes home.
                    let came = if full && f == 0 { 3.0 } else { 40.0 * own + truth * sent };
                    obedience.entered(f, came);
                    obedience.moved(f, if full && f == 0 { -16.0 } else { sent }, 1.0);
                }
                obedience.advance(Timestamp::from_secs(step * 300), &[full, false, false, false]);
            }
            let found = obedience.compliance();
            assert!((f64::from(found.share) - truth).abs() < 0.12, "{truth}: {found:?}");
        }
    }
}
