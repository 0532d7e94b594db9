//! What is published held against the truth.

use vlot_model::{FacilityState, Figure};

/// Sums over minutes.
#[derive(Clone, Copy, Default)]
pub(super) struct Score {
    pub(super) minutes: u64,
    pub(super) exact: u64,
    pub(super) error: u64,
    pub(super) naive_error: u64,
    pub(super) worst: u64,
    pub(super) inside: u64,
    pub(super) width: u64,
    pub(super) wrong_full: u64,
    pub(super) full_early: u64,
    pub(super) wrong_free: u64,
    pub(super) too_many: u64,
    pub(super) dark: u64,
    pub(super) near_full: u64,
    pub(super) dark_near_full: u64,
    pub(super) naive_wrong_full: u64,
    pub(super) naive_wrong_free: u64,
    pub(super) naive_too_many: u64,
    /// Readings that admission refused: repeated, or overtaken states.
    pub(super) refused: u64,
}

impl Score {
    pub(super) fn share(&self, n: u64) -> f64 {
        n as f64 / self.minutes.max(1) as f64
    }
}

impl Score {
    pub(super) fn add(&mut self, s: &Score) {
        let worst = self.worst.max(s.worst);
        for (sum, n) in self.fields().into_iter().zip(s.clone().fields()) {
            *sum += *n;
        }
        self.worst = worst;
    }

    fn fields(&mut self) -> [&mut u64; 18] {
        [
            &mut self.minutes,
            &mut self.exact,
            &mut self.error,
            &mut self.naive_error,
            &mut self.worst,
            &mut self.inside,
            &mut self.width,
            &mut self.wrong_full,
            &mut self.full_early,
            &mut self.wrong_free,
            &mut self.too_many,
            &mut self.dark,
            &mut self.near_full,
            &mut self.dark_near_full,
            &mut self.naive_wrong_full,
            &mut self.naive_wrong_free,
            &mut self.naive_too_many,
            &mut self.refused,
        ]
    }
}

/// Entries minus exits of what was admitted, and a sign with hysteresis on it.
#[derive(Clone, Copy, Default)]
pub(super) struct Naive {
    pub(super) count: i64,
    pub(super) full: bool,
}

/// One minute of one car park.
pub(super) fn judge(
    score: &mut Score,
    state: &FacilityState,
    truth: u32,
    naive: &mut Naive,
    full_at: u32,
    reopen_at: u32,
) {
    let (capacity, free) = (state.capacity, state.capacity - truth);
    let naive_free = i64::from(capacity) - naive.count;
    naive.full = naive_free <= i64::from(full_at) || (naive.full && naive_free < i64::from(reopen_at));
    let (Some(occupied), Some(certainty)) = (state.occupied, state.certainty) else { return };
    // A closed car park's sign says that it is closed.
    if certainty.says == Figure::Closed {
        return;
    }
    let word = certainty.says;
    let one = u64::from;
    let off = u64::from(occupied.abs_diff(truth));
    score.minutes += 1;
    score.exact += one(off == 0);
    score.error += off;
    score.worst = score.worst.max(off);
    score.naive_error += naive.count.abs_diff(i64::from(truth));
    score.inside += one((certainty.occupied_low..=certainty.occupied_high).contains(&truth));
    score.width += u64::from(certainty.occupied_high - certainty.occupied_low);
    score.wrong_full += one(word == Figure::Full && free >= reopen_at);
    score.full_early += one(word == Figure::Full && free > full_at);
    score.wrong_free += one(matches!(word, Figure::Free(_)) && free == 0);
    score.too_many += one(matches!(word, Figure::Free(said) if said > free));
    score.dark += one(word == Figure::Blank);
    score.near_full += one(free <= capacity / 10);
    score.dark_near_full += one(word == Figure::Blank && free <= capacity / 10);
    score.naive_wrong_full += one(naive.full && free >= reopen_at);
    score.naive_wrong_free += one(!naive.full && free == 0);
    score.naive_too_many += one(!naive.full && naive_free > i64::from(free));
}
