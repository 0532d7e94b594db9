//! Who comes past which sign, and how many of them obey.
//!
//! How many look for a space is measured where they end: at the facilities' entrances. How they spread over the signs is configured
//! (`demand`). Of those who pass a sign, the ones whom another sign has just sent past it are not counted twice.
//!
//! Compliance is measured afterwards: step by step, the arrivals that would have come if everyone obeyed, against those that came. Least
//! squares over what is forgotten within hours; the assumed share counts as a little evidence of its own. Twice: as it is told
//! (`compliance`), where advice moves somebody and everybody gets in; and as plans count on it, here, over everything, which is lower where
//! it is not plain to see. To count on too many does more harm than on too few: who is thought to be on the way takes space from others.

use vlot_model::{Compliance, Timestamp};

use super::compliance::{Fit, Measure, STEP, VEHICLES};

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
    /// Share of all vehicles that go to each of their own accord.
    own: Vec<f64>,
    seen: f64,
    begun: Option<Timestamp>,
    counted_on: Fit,
    told: Measure,
}

impl Obedience {
    pub(crate) fn new(assumed: f64, capacities: &[f64]) -> Self {
        let (facilities, all) = (capacities.len(), capacities.iter().sum::<f64>().max(1.0));
        Obedience {
            assumed,
            entered: vec![0.0; facilities],
            moved: vec![0.0; facilities],
            own: capacities.iter().map(|capacity| capacity / all).collect(),
            seen: 0.0,
            begun: None,
            counted_on: Fit::new(facilities),
            told: Measure::new(assumed, capacities),
        }
    }

    pub(crate) fn entered(&mut self, facility: usize, vehicles: f64) {
        if let Some(count) = self.entered.get_mut(facility) {
            *count += vehicles;
        }
    }

    /// So many more would arrive there now if everyone obeyed; fewer, where they are sent away. `evident`: the same, reckoned from who
    /// passes which sign and is better off elsewhere.
    pub(crate) fn moved(&mut self, facility: usize, vehicles: f64, evident: f64) {
        if let Some(count) = self.moved.get_mut(facility) {
            *count += vehicles;
            self.told.moved(facility, evident);
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
        self.told.step(&self.entered, told);
        // Without a share of its own for each facility there is nothing to compare with.
        if self.seen >= VEHICLES / 4.0 && total > 0.0 && self.moved.iter().any(|moved| *moved > 0.0) {
            // If a share c obeys: entered = own + c moved. Counts scatter with their size: large ones are no louder than small ones.
            let own = |i: usize| self.own[i] * total;
            let of = |i| (i, self.moved[i], self.entered[i] - own(i), 1.0 / own(i).max(1.0));
            self.counted_on.learn((0..self.own.len()).map(of));
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
    }

    /// The share that plans count on, 0..=1.
    pub(crate) fn counted_on(&self) -> f64 {
        self.counted_on.share(self.assumed)
    }

    /// What is believed now.
    pub(crate) fn compliance(&self) -> Compliance {
        self.told.compliance()
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
                        obedience.moved(f, 40.0 * (sent - own), 40.0 * (sent - own));
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
    fn an_advice_that_stands_is_not_taken_for_a_wish() {
        for truth in [0.1, 0.6] {
            let mut obedience = Obedience::new(0.3, &[40.0, 30.0, 20.0, 10.0]);
            for step in 0..160_i64 {
                // After the first hours ever the same: two in ten are sent from the first to the last.
                let sent = if step < 40 { 0.0 } else { 8.0 };
                for (f, own, moved) in [(0, 16.0, -sent), (1, 12.0, 0.0), (2, 8.0, 0.0), (3, 4.0, sent)] {
                    obedience.entered(f, own + truth * moved);
                    obedience.moved(f, moved, moved);
                }
                obedience.advance(Timestamp::from_secs(step * 300), &[]);
            }
            let found = obedience.compliance();
            assert!((f64::from(found.share) - truth).abs() < 0.12, "{truth}: {found:?}");
        }
    }

    #[test]
    fn where_wishes_were_never_seen_nothing_is_measured() {
        // Wishes are unlike the sizes, and the advice stands from the beginning.
        let mut obedience = Obedience::new(0.3, &[10.0, 10.0, 40.0, 40.0]);
        for step in 0..100_i64 {
            for (f, own, moved) in [(0, 20.0, -8.0), (1, 12.0, -4.0), (2, 6.0, 6.0), (3, 2.0, 6.0)] {
                obedience.entered(f, own + 0.6 * moved);
                obedience.moved(f, moved, moved);
            }
            obedience.advance(Timestamp::from_secs(step * 300), &[]);
        }
        let found = obedience.compliance();
        assert!((f64::from(found.share) - 0.3).abs() < 0.01 && found.sd > 0.12, "{found:?}");
        assert!(found.minutes.abs() < 1.0, "{found:?}");
    }

    #[test]
    fn facilities_that_contradict_each_other_leave_it_open() {
        // By what the counts of one say, nobody obeys; by those of the other, six in ten do.
        let sd = |of: [f64; 2]| {
            let mut obedience = Obedience::new(0.3, &[40.0, 20.0, 20.0, 20.0]);
            for step in 0..2_000_i64 {
                let sent = if step < 40 { 0.0 } else { 6.0 };
                let turn = usize::try_from(step % 2).expect("small");
                let came = |f: usize| if f == 2 + turn { of[turn] * sent } else { 0.0 };
                let apart = came(2) + came(3);
                for (f, usual) in [16.0, 8.0, 8.0, 8.0].into_iter().enumerate() {
                    obedience.entered(f, usual + came(f) - if f == 0 { apart } else { 0.0 });
                    let moved = if f == 0 { -sent } else { 0.0 } + if f == 2 + turn { sent } else { 0.0 };
                    obedience.moved(f, moved, moved);
                }
                obedience.advance(Timestamp::from_secs(step * 300), &[]);
            }
            obedience.compliance()
        };
        let (agreed, apart) = (sd([0.3, 0.3]), sd([0.0, 0.6]));
        assert!((agreed.share - apart.share).abs() < 0.1, "{agreed:?} {apart:?}");
        assert!(apart.sd > 1.5 * agreed.sd, "{agreed:?} {apart:?}");
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
                    let moved = if full && f == 0 { -16.0 } else { sent };
                    obedience.moved(f, moved, moved);
                }
                obedience.advance(Timestamp::from_secs(step * 300), &[full, false, false, false]);
            }
            let found = obedience.compliance();
            assert!((f64::from(found.share) - truth).abs() < 0.12, "{truth}: {found:?}");
        }
    }
}
