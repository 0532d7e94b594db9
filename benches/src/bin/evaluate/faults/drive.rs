//! A detector on its way through a series.

use vlot_dataflow::health::{
    FigureHealth, FigureRules, HOUR, MINUTE, Micros, RULES, Reporting, Rule, SourceLife,
};

use super::sets::{Series, Set};

/// Outside 0..=capacity by more than this share is impossible.
const OUTSIDE: f64 = 0.02;

/// A rule that was raised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) at: Micros,
    pub(super) rule: Rule,
    /// Impossible by the plainest criterion: no data, outside 0..=capacity, 30 % of the capacity between two readings at
    /// most an hour apart, or a standstill at a figure that it had leapt to by as much.
    pub(super) real: bool,
}

/// The detector and where it stands.
#[derive(Clone)]
pub(super) struct Drive {
    pub(super) health: FigureHealth,
    clock: Micros,
    standing: [bool; RULES.len()],
    last: Option<(Micros, i32)>,
    /// By what share of the capacity it came to where it is.
    arrived: f32,
}

impl Drive {
    fn new(set: &Set, at: Micros) -> Self {
        let standing = [false; RULES.len()];
        Drive { health: FigureHealth::new(set.reporting), clock: at, standing, last: None, arrived: 0.0 }
    }

    fn events(&mut self, set: &Set, at: Micros, capacity: u32, jump: f32, out: &mut Vec<Event>) {
        let relabelled = self.standing[Rule::Reset as usize] || self.standing[Rule::MidnightJump as usize];
        let outside = self.last.is_some_and(|(_, value)| {
            let (value, most) = (f64::from(value), f64::from(capacity));
            let slack = (most * OUTSIDE).max(3.0);
            value < -slack || value > most + slack
        });
        for rule in RULES {
            let stands = self.health.has(rule);
            let was = std::mem::replace(&mut self.standing[rule as usize], stands);
            if stands && !was && !(rule == Rule::Spiking && relabelled) {
                let real = match rule {
                    // Of a source that tells changes alone a sensor may be silent and well.
                    Rule::Silent => set.reporting == Reporting::Repeated || !set.alive(at),
                    Rule::Sentinel | Rule::OutOfBounds => true,
                    Rule::Reset | Rule::MidnightJump | Rule::Spiking => jump >= 0.3,
                    // Nothing comes because its source is away: that is what the rule is for.
                    Rule::Stuck | Rule::Clamped => self.arrived >= 0.3 || (!set.life_known && !set.alive(at)),
                    _ => false,
                } || outside;
                out.push(Event { at, rule, real });
            }
        }
    }

    /// Until (excluding) `end`; `dead`: the source itself is away.
    pub(super) fn run(
        &mut self,
        set: &Set,
        capacity: u32,
        readings: &[(Micros, i32)],
        end: Micros,
        dead: bool,
        out: &mut Vec<Event>,
    ) {
        let usual = FigureRules { silent_after: set.silent_after, ..FigureRules::default() };
        let of = |at| if set.is_holiday(at) { usual.on_holiday() } else { usual };
        let mut readings = readings.iter().copied().take_while(|r| r.0 < end).peekable();
        loop {
            let tick = self.clock + 5 * MINUTE;
            if let Some((at, value)) = readings.next_if(|r| r.0 <= tick) {
                self.health.observe(at, set.hour_of_week(at), value, capacity, &of(at));
                let quick =
                    self.last.is_some_and(|l| set.reporting == Reporting::ChangesOnly || at - l.0 <= HOUR);
                let jump = self.last.map_or(0.0, |l| (value - l.1).abs() as f32 / capacity as f32);
                let moved = self.last.is_none_or(|l| l.1 != value);
                if moved {
                    self.arrived = if quick { jump } else { 0.0 };
                }
                self.last = Some((at, value));
                self.events(set, at, capacity, if quick { jump } else { 0.0 }, out);
            } else if tick < end {
                self.clock = tick;
                let source = match set.life_known {
                    false => SourceLife::Unknown,
                    true if !dead && set.alive(tick) => SourceLife::Heard,
                    true => SourceLife::Away,
                };
                self.health.on_clock(tick, set.hour_of_week(tick), source, &of(tick));
                self.events(set, tick, capacity, 0.0, out);
            } else {
                return;
            }
        }
    }
}

/// The whole series as it is: what was raised, and the detector at each of `snapshots`.
pub(super) fn clean(set: &Set, series: &Series, snapshots: &[Micros]) -> (Vec<Event>, Vec<Drive>) {
    let (mut events, mut kept, mut from) = (Vec::new(), Vec::new(), 0);
    let (Some(first), Some(last)) = (series.readings.first(), series.readings.last()) else {
        return (events, kept);
    };
    let mut drive = Drive::new(set, first.0);
    for &until in snapshots.iter().chain([&(last.0 + 1)]) {
        let to = series.readings.partition_point(|r| r.0 < until);
        drive.run(set, series.capacity, &series.readings[from..to], until, false, &mut events);
        from = to;
        kept.push(drive.clone());
    }
    (events, kept)
}
