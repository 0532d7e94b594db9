//! Each rule fires on its fault, recovers, and does not fire on what only looks like it.

#![allow(
    clippy::type_complexity,
    clippy::cast_possible_truncation,
    reason = "tables of cases; small numbers"
)]

mod bays;
mod clocks;
mod counters;
mod figures;
mod judged;
mod roadside;

use super::{DAY, HOUR, Micros};

/// A Monday, 00:00 UTC, which these tests take for local time.
pub(super) const MONDAY: Micros = 2_800 * 7 * DAY + 4 * DAY;

/// Hour of the week of an instant of these tests.
pub(super) fn hour_of_week(at: Micros) -> u8 {
    u8::try_from((at - MONDAY).rem_euclid(7 * DAY) / HOUR).unwrap()
}

/// A small generator: tests must be the same each time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// 0..n.
    pub(super) fn below(&mut self, n: i32) -> i32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((self.0 >> 33) % u64::try_from(n).unwrap()).unwrap()
    }
}
