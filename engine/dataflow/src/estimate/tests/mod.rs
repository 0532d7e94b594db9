//! Properties, against naive twins, with a seeded generator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_precision_loss, clippy::cast_possible_wrap)]
#![allow(clippy::indexing_slicing, reason = "a test may panic")]

mod acts;
mod beyond;

use std::collections::BTreeMap;

use super::bays::{BayState, Bays};
use super::drift::Drift;
use super::maths::float;
use super::{Anchor, Estimate, Estimator, Model, Passed};

const ENTRY: Passed = Passed { entries: 1, exits: 0 };
const EXIT: Passed = Passed { entries: 0, exits: 1 };
const MINUTE: i64 = 60_000_000;

/// `splitmix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn exactly(occupied: u32) -> Anchor {
    Anchor { occupied, sd: 0.0, since: Passed::default() }
}

fn now(e: &Estimator, at: i64) -> Estimate {
    e.estimate(at, 0.01).expect("a source has spoken")
}

fn in_order(e: &Estimate) -> bool {
    e.sure_low <= e.low && e.low <= e.best && e.best <= e.high && e.high <= e.sure_high
}

#[test]
fn without_faults_the_best_figure_is_the_truth() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let capacity = u32::try_from(dice.below(400)).unwrap() + 20;
        let (mut e, mut truth) = (Estimator::new(Model::new(capacity), capacity as usize), 0_u32);
        for bay in 0..capacity as usize {
            e.bay(bay, BayState::Free);
        }
        e.verified(exactly(0));
        let mut taken = Vec::new();
        let mut free: Vec<usize> = (0..capacity as usize).collect();
        for minute in 0..3_000_i64 {
            // Fills for a while, then empties, against both bounds.
            let fills = dice.below(10) < if minute % 1_000 < 500 { 8 } else { 2 };
            if fills && let Some(bay) = free.pop() {
                e.passed(ENTRY);
                e.bay(bay, BayState::Occupied);
                taken.push(bay);
                truth += 1;
            } else if !fills && !taken.is_empty() {
                let at = usize::try_from(dice.below(taken.len() as u64)).unwrap();
                let bay = taken.swap_remove(at);
                e.passed(EXIT);
                e.bay(bay, BayState::Free);
                free.push(bay);
                truth -= 1;
            }
            e.advance(minute * MINUTE);
            if minute % 700 == 699 {
                assert_eq!(e.verified(exactly(truth)).drift, Some(0));
            }
            let said = now(&e, minute * MINUTE);
            assert_eq!(said.best, truth, "seed {seed} minute {minute}");
            assert_eq!(said.uncorrected, Some(i64::from(truth)));
            assert!(in_order(&said) && said.high <= capacity, "{said:?}");
        }
    }
}

#[test]
fn without_rates_there_is_no_interval() {
    let model = Model { miss: 0.0, double: 0.0, lie: 0.0, ..Model::new(100) };
    let mut e = Estimator::new(model, 0);
    e.verified(exactly(50));
    for i in 0..1_000 {
        e.passed(if i % 2 == 0 { ENTRY } else { EXIT });
        e.advance(i * MINUTE);
    }
    let said = now(&e, 0);
    assert_eq!((said.sure_low, said.low, said.best, said.high, said.sure_high), (50, 50, 50, 50, 50));
}

#[test]
fn the_histogram_is_the_naive_convolution() {
    for seed in 0..10 {
        let mut dice = Dice(seed);
        let mut drift = Drift::exactly(0);
        let mut twin = BTreeMap::from([(0_i64, 1.0_f64)]);
        for _ in 0..400 {
            let errors = (dice.below(30) as f64) / 1_000.0;
            let net = errors * (dice.below(21) as f64 - 10.0) / 10.0;
            drift.passage(errors, net);
            let mut next = BTreeMap::new();
            for (at, mass) in &twin {
                let (up, down) = ((errors + net) / 2.0, (errors - net) / 2.0);
                for (to, share) in [(at - 1, down), (*at, 1.0 - up - down), (at + 1, up)] {
                    *next.entry(to).or_insert(0.0) += mass * share;
                }
            }
            twin = next;
            if dice.below(50) == 0 {
                let (least, most) = (-3 - dice.below(6) as i64, 3 + dice.below(6) as i64);
                drift.bound(least, most, 1.0);
                twin.retain(|at, _| (least..=most).contains(at));
            }
            let sum: f64 = twin.values().sum();
            let mean = twin.iter().map(|(at, m)| float(*at) * m).sum::<f64>() / sum;
            let square = twin.iter().map(|(at, m)| float(*at) * float(*at) * m).sum::<f64>() / sum;
            let (ours, variance) = drift.moments();
            assert!((ours - mean).abs() < 1e-3, "{ours} {mean}");
            assert!((variance - (square - mean * mean)).abs() < 1e-3);
            let within = |low: i64, high: i64| twin.range(low..=high).map(|(_, m)| m).sum::<f64>() / sum;
            let (low, high) = drift.interval(0.025);
            assert!(within(low, high) >= 0.95 - 1e-4);
            assert!(within(i64::MIN, low) > 0.025 - 1e-4 && within(high, i64::MAX) > 0.025 - 1e-4);
            let (low, high) = drift.shortest(0.95);
            assert!(within(low, high) >= 0.95 - 1e-4);
            assert!(low == high || within(low + 1, high).max(within(low, high - 1)) < 0.95 + 1e-4);
        }
    }
}

#[test]
fn the_histogram_survives_anything() {
    for seed in 0..50 {
        let mut dice = Dice(seed);
        let mut drift = Drift::exactly(0);
        for _ in 0..200 {
            let size = [0.01, 1.0, 1e3, 1e7][usize::try_from(dice.below(4)).unwrap()];
            let some = float(i64::try_from(dice.below(1_000)).unwrap() - 500) / 100.0 * size;
            match dice.below(5) {
                0 => drift.passage(some.abs(), some),
                1 => drift.weigh(some, some.abs()),
                2 => drift.spread(some.abs()),
                3 => drift.shift(i64::try_from(dice.below(100)).unwrap() - 50),
                _ => {
                    let (least, width) = (dice.below(2_000) as i64 - 1_000, dice.below(50) as i64);
                    drift.bound(least, least + width, some.abs());
                    let (low, high) = drift.interval(1e-6);
                    assert!(high >= least && low <= least + width, "{low} {high} {least} {width}");
                }
            }
            let (mean, variance) = drift.moments();
            assert!(mean.is_finite() && variance.is_finite() && variance >= 0.0);
            let (low, high) = drift.interval(0.025);
            let (inner_low, inner_high) = drift.shortest(0.95);
            assert!(low <= high && inner_low <= inner_high);
        }
    }
}

#[test]
fn a_normal_has_its_moments() {
    for (mean, variance) in [(0.0, 1.0), (0.4, 4.0), (-17.0, 90.0), (250.3, 1e4), (0.0, 1e8)] {
        let (m, v) = Drift::normal(mean, variance).moments();
        assert!((m - mean).abs() < 0.02 * variance.sqrt(), "{m} {mean}");
        assert!((v / variance - 1.0).abs() < 0.05, "{v} {variance}");
    }
}

#[test]
fn bay_sums_are_what_a_recount_gives() {
    let mut dice = Dice(5);
    let mut bays = Bays::new(40);
    let mut twin = [(BayState::Silent, false); 40];
    for step in 0..5_000 {
        let (at, state) = (usize::try_from(dice.below(42)).unwrap(), dice.below(3));
        let state = [BayState::Silent, BayState::Free, BayState::Occupied][usize::try_from(state).unwrap()];
        bays.set(at, state);
        if let Some(bay) = twin.get_mut(at) {
            bay.0 = state;
        }
        if step % 100 == 99 {
            // Nearly all free, so that the rest are believed to lie.
            for (at, bay) in twin.iter_mut().enumerate().skip(4) {
                bays.set(at, BayState::Free);
                bay.0 = BayState::Free;
            }
            assert!(bays.judge(BayState::Free));
            for bay in twin.iter_mut().filter(|bay| bay.0 != BayState::Silent) {
                bay.1 = bay.0 == BayState::Occupied;
            }
        }
        let count = |state| twin.iter().filter(|bay| **bay == (state, false)).count();
        assert_eq!(bays.occupied() as usize, count(BayState::Occupied));
        assert_eq!(bays.free() as usize, count(BayState::Free));
        assert_eq!(bays.doubted() as usize, twin.iter().filter(|bay| bay.1).count());
    }
    (0..40).for_each(|at| {
        bays.set(at, BayState::Occupied);
    });
    assert!(!bays.judge(BayState::Free), "so many do not lie");
}

/// No FULL of any estimate while at its sure end as many may be free as would open it again.
#[test]
fn full_holds_at_the_sure_end() {
    use super::{Decider, Policy, Says};
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let mut decider = Decider::default();
        let policy = Policy { full_at: 3, reopen_at: 8, ..Policy::default() };
        for _ in 0..200 {
            let mut ends: Vec<u32> = (0..5).map(|_| u32::try_from(85 + dice.below(20)).unwrap()).collect();
            ends.sort_unstable();
            let [sure_low, low, best, high, sure_high] = ends[..] else { panic!() };
            let (uncorrected, conflict) = (None, false);
            let estimate = Estimate { best, low, high, sure_low, sure_high, uncorrected, conflict };
            let (says, _) = decider.decide(&estimate, 100, &policy);
            if says == Says::Full {
                assert!(100_u32.saturating_sub(sure_low) < policy.reopen_at, "{estimate:?}");
            }
        }
    }
}
