//! A detector on its way through a series.

use vlot_dataflow::health::{FigureHealth, FigureRules, HOUR, MINUTE, Micros, RULES, Reporting, Rule, SourceLife};

use super::sets::{Series, Set};

/// A rule that was raised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) at: Micros,
    pub(super) rule: Rule,
    /// Impossible by the plainest criterion: no data, outside 0..=capacity, or 30 % of the capacity between two
    /// readings at most an hour apart.
    pub(super) real: bool,
}

/// The detector and where it stands.
#[derive(Clone)]
pub(super) struct Drive {
    pub(super) health: FigureHealth,
    clock: Micros,
    standing: [bool; RULES.len()],
    last: Option<(Micros, i32)>,
}

impl Drive {
    fn new(set: &Set, at: Micros) -> Self {
        let standing = [false; RULES.len()];
        Drive { health: FigureHealth::new(set.reporting), clock: at, standing, last: None }
    }

    fn events(&mut self, at: Micros, jump: f32, out: &mut Vec<Event>) {
        let relabelled = self.standing[Rule::Reset as usize] || self.standing[Rule::MidnightJump as usize];
        for rule in RULES {
            let stands = self.health.has(rule);
            let was = std::mem::replace(&mut self.standing[rule as usize], stands);
            if stands && !was && !(rule == Rule::Spiking && relabelled) {
                let real = match rule {
                    Rule::Silent | Rule::Sentinel | Rule::OutOfBounds => true,
                    Rule::Reset | Rule::MidnightJump | Rule::Spiking => jump >= 0.3,
                    _ => false,
                };
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
        let rules = FigureRules { silent_after: set.silent_after, ..FigureRules::default() };
        let mut readings = readings.iter().copied().take_while(|r| r.0 < end).peekable();
        loop {
            let tick = self.clock + 5 * MINUTE;
            if let Some((at, value)) = readings.next_if(|r| r.0 <= tick) {
                self.health.observe(at, set.hour_of_week(at), value, capacity, &rules);
                let quick =
                    self.last.is_some_and(|l| set.reporting == Reporting::ChangesOnly || at - l.0 <= HOUR);
                let jump = self.last.map_or(0.0, |l| (value - l.1).abs() as f32 / capacity as f32);
                self.last = Some((at, value));
                self.events(at, if quick { jump } else { 0.0 }, out);
            } else if tick < end {
                self.clock = tick;
                let source = if !dead && set.alive(tick) { SourceLife::Heard } else { SourceLife::Away };
                self.health.on_clock(tick, set.hour_of_week(tick), source, &rules);
                self.events(tick, 0.0, out);
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
