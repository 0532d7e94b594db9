//! Faults that are put into a recording, from a seed.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "spaces and shares of them, far from the ends of their types"
)]

use vlot_dataflow::health::{DAY, HOUR, MINUTE, Micros, Reporting, Rule};

use super::sets::{Series, Set};

pub(super) struct Lcg(pub(super) u64);

impl Lcg {
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let x = (self.0 >> 33) ^ (self.0 >> 45);
        (x & 0x7fff_ffff) as f64 / 2_147_483_648.0
    }

    pub(super) fn between(&mut self, a: f64, b: f64) -> f64 {
        a + (b - a) * self.next()
    }
}

/// An instant between two.
pub(super) fn between(dice: &mut Lcg, from: Micros, until: Micros) -> Micros {
    dice.between(from as f64, until as f64) as Micros
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Freeze,
    ClampHigh,
    ClampLow,
    Reset,
    Spike,
    Midnight,
    Drift,
    Silence,
    /// A reset while the source was away: only the first figure after the gap can tell.
    ResetInGap,
}

impl Kind {
    pub(super) const ALL: [Kind; 8] = [
        Kind::Freeze,
        Kind::ClampHigh,
        Kind::ClampLow,
        Kind::Reset,
        Kind::Spike,
        Kind::Midnight,
        Kind::Drift,
        Kind::Silence,
    ];

    /// As the table names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Freeze => "freeze",
            Kind::ClampHigh => "clamp high",
            Kind::ClampLow => "clamp low",
            Kind::Reset => "reset",
            Kind::Spike => "spike",
            Kind::Midnight => "midnight jump",
            Kind::Drift => "drift",
            Kind::Silence => "silence",
            Kind::ResetInGap => "reset in a gap",
        }
    }

    pub(super) fn fits(self, rule: Rule) -> bool {
        match self {
            Kind::Freeze | Kind::ClampHigh | Kind::ClampLow => matches!(rule, Rule::Stuck | Rule::Clamped),
            Kind::Reset | Kind::ResetInGap | Kind::Midnight | Kind::Spike => {
                matches!(rule, Rule::Reset | Rule::MidnightJump | Rule::Spiking)
            }
            Kind::Drift => matches!(rule, Rule::Drift | Rule::Clamped | Rule::OutOfBounds),
            Kind::Silence => rule == Rule::Silent,
        }
    }
}

pub(super) struct Fault {
    pub(super) from: Micros,
    /// Found when raised before.
    pub(super) until: Micros,
    pub(super) readings: Vec<(Micros, i32)>,
    /// Largest error in spaces that stood for at least half an hour.
    pub(super) harm: i32,
    pub(super) in_gap: bool,
}

/// The series from `t` on with a fault; `None` where it cannot be put (no readings).
pub(super) fn inject(kind: Kind, set: &Set, s: &Series, t: Micros, rng: &mut Lcg) -> Option<Fault> {
    let cap = f64::from(s.capacity);
    let from = s.readings.partition_point(|r| r.0 < t);
    let before = s.readings.get(from.checked_sub(1)?)?.1;
    let first = *s.readings.get(from)?;
    if first.0 - t > 6 * HOUR {
        return None;
    }
    let in_gap = match set.reporting {
        Reporting::Repeated => first.0 - s.readings.get(from - 1)?.0 > 2 * HOUR,
        Reporting::ChangesOnly => !set.alive(t),
    };
    if in_gap && kind == Kind::Spike {
        return None;
    }
    let mut fault = Fault { from: t, until: t, readings: Vec::new(), harm: 0, in_gap };
    let span = match kind {
        Kind::Freeze => (rng.between(6.0, 48.0) * HOUR as f64) as Micros,
        Kind::ClampHigh | Kind::ClampLow => 7 * DAY,
        Kind::Reset | Kind::ResetInGap => DAY,
        Kind::Spike => 3 * HOUR,
        Kind::Midnight => 3 * DAY,
        Kind::Drift => 21 * DAY,
        Kind::Silence => (rng.between(6.0, 24.0) * HOUR as f64) as Micros,
    };
    fault.until = t + span;
    let window = |since: Micros| s.readings.iter().filter(move |r| r.0 >= since && r.0 < t);
    let mut levels: Vec<i32> = window(t - 14 * DAY).map(|r| r.1).collect();
    levels.sort_unstable();
    let at_share = |share: f64| levels.get((levels.len() as f64 * share) as usize).copied();
    let upwards = rng.next() < 0.5;
    let sign = if upwards { 1.0 } else { -1.0 };
    let level = match kind {
        Kind::ClampHigh => at_share(rng.between(0.6, 0.85))?,
        Kind::ClampLow => at_share(rng.between(0.15, 0.4))?,
        _ => 0,
    };
    let reset_to = if upwards { s.capacity as i32 } else { 0 };
    let offset = match kind {
        Kind::Reset => reset_to - first.1,
        Kind::Midnight => (sign * rng.between(0.15, 0.4) * cap) as i32,
        _ => 0,
    };
    let per_day = sign * rng.between(0.01, 0.03) * cap;
    let spike =
        if rng.next() < 0.5 { reset_to } else { first.1 + (sign * rng.between(0.3, 0.8) * cap) as i32 };
    let spike = spike.clamp(0, s.capacity as i32);
    let spike_for = if rng.next() < 0.5 { 1 } else { 2 };
    let mut midnight = None;
    let mut last_out = before;
    let mut wrong_since: Option<(Micros, i32)> = None;
    let mut end_spike = None;
    let mut told = false;
    for (i, &(at, v)) in s.readings.get(from..)?.iter().take_while(|r| r.0 <= fault.until).enumerate() {
        let out = match kind {
            Kind::Freeze => before,
            Kind::Silence => continue,
            Kind::ClampHigh => v.min(level),
            Kind::ClampLow => v.max(level),
            Kind::Reset | Kind::ResetInGap => (v + offset).clamp(0, s.capacity as i32),
            Kind::Spike if set.reporting == Reporting::Repeated => {
                if i < spike_for {
                    spike
                } else {
                    v
                }
            }
            Kind::Spike => {
                if i == 0 {
                    // It is told at once, and taken back one or two polls later.
                    fault.readings.push((at, spike));
                    let back = at + spike_for as i64 * 5 * MINUTE;
                    end_spike = Some((back, v));
                    continue;
                }
                if let Some((back, was)) = end_spike
                    && at > back
                {
                    fault.readings.push((back, was));
                    end_spike = None;
                }
                if end_spike.is_some() {
                    end_spike = end_spike.map(|(b, _)| (b, v));
                    continue;
                }
                v
            }
            Kind::Midnight => {
                let day = set.local(at).div_euclid(DAY);
                let started = *midnight.get_or_insert(day);
                let nights = day - started;
                if nights > 0 && set.reporting == Reporting::ChangesOnly && !told {
                    told = true;
                    let back = set.local(at).rem_euclid(DAY);
                    let jumped = (last_out + offset).clamp(0, s.capacity as i32);
                    fault.readings.push((at - back + 2 * MINUTE, jumped));
                    fault.from = at - back + 2 * MINUTE;
                }
                if nights == 0 { v } else { (v + offset).clamp(0, s.capacity as i32) }
            }
            Kind::Drift => {
                let days = (at - t) as f64 / DAY as f64;
                ((f64::from(v) + per_day * days) as i32).clamp(0, s.capacity as i32)
            }
        };
        let error = (out - v).abs();
        let big = (0.05 * cap).max(5.0) as i32;
        if error > big {
            let (since, least) = wrong_since.map_or((at, error), |(s, e)| (s, e.min(error)));
            wrong_since = Some((since, least));
            if at - since >= 30 * MINUTE {
                fault.harm = fault.harm.max(least);
            }
        } else {
            wrong_since = None;
        }
        if kind == Kind::Spike && i == 0 {
            fault.harm = fault.harm.max(error - big);
        }
        if set.reporting == Reporting::ChangesOnly && out == last_out {
            continue;
        }
        last_out = out;
        fault.readings.push((at, out));
    }
    if kind == Kind::Midnight {
        // Its beginning is the first midnight after t.
        let day = midnight? + 1;
        if !told {
            fault.from = s.readings.iter().find(|r| r.0 >= t && set.local(r.0).div_euclid(DAY) >= day)?.0;
        }
        if set.local(fault.from).rem_euclid(DAY) > HOUR / 3 && set.reporting == Reporting::Repeated {
            return None;
        }
    }
    if kind == Kind::Spike && set.reporting == Reporting::ChangesOnly {
        let big = (0.05 * cap).max(5.0) as i32;
        fault.harm = ((spike - first.1).abs() - big).max(0);
    }
    if matches!(kind, Kind::Reset | Kind::Midnight | Kind::Spike) {
        // Of jumps those count that are one: 15 % of the capacity at once.
        let to = if kind == Kind::Spike {
            spike
        } else {
            (before_jump(s, fault.from)? + offset).clamp(0, s.capacity as i32)
        };
        fault.harm = ((to - before_jump(s, fault.from)?).abs() - (0.15 * cap) as i32).max(0);
    }
    if kind == Kind::Silence {
        fault.harm = 1;
    }
    Some(fault)
}

/// The last figure at or before an instant.
fn before_jump(s: &Series, at: Micros) -> Option<i32> {
    s.readings.get(s.readings.partition_point(|r| r.0 <= at).checked_sub(1)?).map(|r| r.1)
}
