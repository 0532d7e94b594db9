//! A figure of free or occupied spaces: a facility counted by a third party, a section of a bicycle garage.

use super::alarms::Alarms;
use super::levels::Extreme;
use super::rates::{Exposure, Rates};
use super::run::Run;
use super::steps::Steps;
use super::{FigureRules, HOUR, Health, Micros, Reporting, Rule, State, hours, is_sentinel};

mod days;
mod jumps;
mod watch;

/// What is known of the life of a figure's source, beside the figure itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceLife {
    /// It was heard of lately: another of its sensors, its heartbeat.
    Heard,
    /// It is away: of its sensors nothing but silence is concluded.
    Away,
    /// Nothing: it counts as living until this figure has been silent for longer than it may.
    Unknown,
}

/// A jump that may prove to be a spike.
#[derive(Clone, Copy, Debug)]
struct Jump {
    from: i32,
    to: i32,
    at: Micros,
    readings: u8,
    rule: Rule,
    /// The largest step that would have been no fault, spaces.
    limit: f32,
}

/// The health of a figure. 4.8 kB.
#[derive(Clone, Debug)]
pub struct FigureHealth {
    reporting: Reporting,
    alarms: Alarms,
    rates: Rates,
    run: Run,
    /// The longest healthy run at 0 or at capacity is another one.
    bound_run: Run,
    steps: Steps,
    high: Extreme,
    low: Extreme,
    first_at: Option<Micros>,
    last: Option<(Micros, i32)>,
    /// Until when the run's surprise has been summed.
    advanced_to: Micros,
    heard_at: Micros,
    day: Option<u8>,
    seen_h: f32,
    capacity: u32,
    jump: Option<Jump>,
    /// Where the figure was before its last jump.
    jumped_from: Option<i32>,
    spikes: u8,
    spiked_at: Micros,
    outside_since: Option<Micros>,
    outside_at: Micros,
    sentinels: u32,
    open: bool,
    /// The source was away or the facility closed since the last reading: no step is judged across it.
    interrupted: bool,
    /// The clamp that stands was found by the day's extreme, not by a run.
    clamp_daily: bool,
    /// Days that moved since the last clamped one.
    moved_days: u8,
    level_days: u8,
}

impl FigureHealth {
    /// A figure that nothing is known of.
    #[must_use]
    pub fn new(reporting: Reporting) -> Self {
        let exposure = match reporting {
            Reporting::Repeated => Exposure::Poll,
            Reporting::ChangesOnly => Exposure::Hour,
        };
        FigureHealth {
            reporting,
            alarms: Alarms::default(),
            rates: Rates::new(exposure),
            run: Run::starting(0),
            bound_run: Run::starting(0),
            steps: Steps::new(),
            high: Extreme::new(1),
            low: Extreme::new(-1),
            first_at: None,
            last: None,
            advanced_to: 0,
            heard_at: 0,
            day: None,
            seen_h: 0.0,
            capacity: 0,
            jump: None,
            jumped_from: None,
            spikes: 0,
            spiked_at: 0,
            outside_since: None,
            outside_at: 0,
            sentinels: 0,
            open: true,
            interrupted: false,
            clamp_daily: false,
            moved_days: 0,
            level_days: 0,
        }
    }

    /// Its health by all that was observed and the last clock.
    #[must_use]
    pub fn state(&self) -> Health {
        self.alarms.health()
    }

    /// Whether a rule speaks against it, be it the worst or not.
    #[must_use]
    pub fn has(&self, rule: Rule) -> bool {
        self.alarms.stands(rule)
    }

    /// The facility opened or closed: a closed one may stand still, and starts where it likes.
    pub fn opening(&mut self, at: Micros, open: bool) {
        if self.open != open {
            self.restart_run(at);
            self.interrupted = true;
        }
        self.open = open;
    }

    /// Somebody counted: what the old count's errors raised no longer holds.
    pub fn recounted(&mut self, at: Micros) {
        for rule in [Rule::Reset, Rule::MidnightJump, Rule::Drift, Rule::Spiking] {
            self.alarms.clear(rule, at);
        }
        self.high.recounted();
        self.low.recounted();
        self.jump = None;
        self.interrupted = true;
    }

    /// A figure that was observed `at`, in spaces, with the capacity that held then. Readings come in order; an older one
    /// is ignored. Sentinels are not taken as values.
    pub fn observe(&mut self, at: Micros, hour_of_week: u8, value: i32, capacity: u32, rules: &FigureRules) {
        let hour_of_week = hour_of_week % 168;
        self.alarms.heard(at);
        self.heard_at = self.heard_at.max(at);
        if is_sentinel(value, capacity) {
            self.sentinels = self.sentinels.saturating_add(1);
            if self.sentinels >= rules.sentinels {
                self.alarms.raise(
                    Rule::Sentinel,
                    State::Failed,
                    at,
                    self.sentinels as f32,
                    rules.sentinels as f32,
                );
            }
            return;
        }
        self.sentinels = 0;
        self.alarms.clear(Rule::Sentinel, at);
        self.alarms.clear(Rule::Silent, at);
        if self.capacity != capacity {
            // A new capacity moves the figure: that is no jump.
            self.interrupted |= self.capacity != 0;
            self.capacity = capacity;
        }
        let Some((last_at, last)) = self.last else {
            self.first_at.get_or_insert(at);
            (self.run, self.bound_run) = (Run::starting(at), Run::starting(at));
            self.day = Some(hour_of_week / 24);
            self.advanced_to = at;
            self.last = Some((at, value));
            return;
        };
        if at <= last_at {
            return;
        }
        let span = at.saturating_sub(last_at);
        self.turn_day(at, hour_of_week, rules);
        let near = span <= rules.gap;
        if near || self.reporting == Reporting::ChangesOnly {
            self.high.observe(value, if value == last { span } else { 0 });
            self.low.observe(value, if value == last { span } else { 0 });
            self.seen_h += hours(span.min(rules.gap));
        } else {
            self.high.observe(value, 0);
            self.low.observe(value, 0);
        }
        // What ends a standstill that was a fault is that fault's end, not another.
        self.interrupted |= self.alarms.stands(Rule::Stuck);
        self.watch_run(at, hour_of_week, last, value, near, rules);
        self.watch_bounds(at, value, rules);
        let judged = match self.reporting {
            Reporting::Repeated => near,
            Reporting::ChangesOnly => true,
        };
        let sound = !self.interrupted && self.open;
        // Across a gap of a source that repeats itself the level of the hour judges. One that tells changes alone says 0 of
        // a closed facility more often than not.
        let gap = sound && !judged && self.reporting == Reporting::Repeated;
        self.watch_step(at, hour_of_week, (last_at, last), value, (judged && sound, gap), rules);
        self.interrupted = false;
        self.last = Some((at, value));
    }

    /// A message without a figure: the device lives.
    pub fn alive(&mut self, at: Micros) {
        self.alarms.heard(at);
        self.alarms.clear(Rule::Silent, at);
        self.heard_at = self.heard_at.max(at);
        self.first_at.get_or_insert(at);
    }

    /// The engine hears again: silence before was its own, and no step is judged across it.
    pub fn awake(&mut self, at: Micros) {
        if self.first_at.is_some() && !self.alarms.stands(Rule::Silent) {
            self.heard_at = self.heard_at.max(at);
            self.interrupted = true;
        }
    }

    /// Time passes, at least every few minutes. `source`: of one that tells changes alone; one that repeats itself speaks
    /// for itself.
    pub fn on_clock(&mut self, now: Micros, hour_of_week: u8, source: SourceLife, rules: &FigureRules) {
        if self.reporting == Reporting::ChangesOnly {
            let quiet = now.saturating_sub(self.heard_at);
            let alive = match source {
                SourceLife::Heard => {
                    self.heard_at = self.heard_at.max(now);
                    self.alarms.clear(Rule::Silent, now);
                    true
                }
                SourceLife::Away => {
                    // Over an outage of half an hour a figure changes without a step.
                    self.interrupted |= quiet > rules.gap / 4;
                    false
                }
                SourceLife::Unknown => {
                    self.interrupted |= quiet > rules.silent_after;
                    quiet <= rules.silent_after
                }
            };
            if self.last.is_some() {
                self.turn_day(now, hour_of_week % 168, rules);
                self.advance_run(now, hour_of_week % 168, alive, rules);
            }
        }
        if self.first_at.is_some() && now.saturating_sub(self.heard_at) > rules.silent_after {
            let (seen, limit) = (hours(now.saturating_sub(self.heard_at)), hours(rules.silent_after));
            self.alarms.raise(Rule::Silent, State::Failed, self.heard_at, seen, limit);
        }
        self.recover(now, rules);
    }

    fn learnt(&self, now: Micros, rules: &FigureRules) -> bool {
        self.first_at.is_some_and(|first| now.saturating_sub(first) >= rules.learn_for)
    }
}
