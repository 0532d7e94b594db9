use super::{Dice, MONDAY, hour_of_week};
use crate::health::Rule::{
    self, Clamped, Drift, MidnightJump, OutOfBounds, Reset, Sentinel, Silent, Spiking, Stuck,
};
use crate::health::{
    DAY, FigureHealth, FigureRules, HOUR, MINUTE, Micros, RULES, Reporting, SourceLife, State, is_sentinel,
};

const CAPACITY: u32 = 400;

/// Free spaces of a garage that fills by day, is quieter on Sundays, and hardly moves at night.
fn truth(at: Micros, dice: &mut Dice) -> i32 {
    let hour = (at - MONDAY).rem_euclid(DAY) as f64 / HOUR as f64;
    let sunday = (at - MONDAY).rem_euclid(7 * DAY) / DAY == 6;
    let filled = if sunday { 60.0 } else { 250.0 };
    let by_day = ((hour - 13.0) / 4.0).powi(2);
    let noise = if (7.0..22.0).contains(&hour) { dice.below(9) - 4 } else { i32::from(dice.below(12) == 0) };
    370 - (filled * (-by_day).exp()) as i32 + noise
}

/// A garage and its health after five weeks of well days, read every 5 minutes.
struct Lab {
    health: FigureHealth,
    rules: FigureRules,
    dice: Dice,
    now: Micros,
}

impl Lab {
    fn learnt() -> Lab {
        let mut lab = Lab {
            health: FigureHealth::new(Reporting::Repeated),
            rules: FigureRules::default(),
            dice: Dice(7),
            now: MONDAY,
        };
        let seen = lab.run(35 * DAY, |_, v| Some(v));
        assert_eq!(seen, vec![], "well days raise nothing");
        lab
    }

    /// Lets time pass with what `fault` makes of the truth (hours since now); the rules that stood meanwhile, in order.
    fn run(&mut self, span: Micros, mut fault: impl FnMut(f64, i32) -> Option<i32>) -> Vec<Rule> {
        let (start, end) = (self.now, self.now + span);
        let mut seen = Vec::new();
        while self.now < end {
            self.now += 5 * MINUTE;
            let value = truth(self.now, &mut self.dice);
            let hour = hour_of_week(self.now);
            if let Some(value) = fault((self.now - start) as f64 / HOUR as f64, value) {
                self.health.observe(self.now, hour, value, CAPACITY, &self.rules);
            }
            self.health.on_clock(self.now, hour, SourceLife::Heard, &self.rules);
            for rule in RULES {
                if self.health.has(rule) && !seen.contains(&rule) {
                    seen.push(rule);
                }
            }
        }
        seen
    }
}

#[test]
fn each_rule_fires_on_its_fault_and_on_nothing_else() {
    type Fault = fn(f64, i32) -> Option<i32>;
    // Fault, from this hour of a Monday on, for so many hours: the rules that may stand, the first must.
    let cases: &[(&str, Fault, i64, i64, &[Rule])] = &[
        ("nothing", |_, v| Some(v), 0, 14 * 24, &[]),
        ("frozen at noon", |_, _| Some(120), 12, 4, &[Stuck, Reset]),
        ("an hour without change at night", |_, _| Some(370), 2, 2, &[]),
        ("silent", |_, _| None, 12, 3, &[Silent]),
        ("half an hour late", |h, v| (h > 0.5).then_some(v), 12, 3, &[]),
        ("full", |_, v| Some(v.min(250)), 8, 6 * 24, &[Clamped, Stuck, Reset]),
        ("reset to capacity", |_, v| Some((v + 250).min(400)), 13, 6, &[Reset, Clamped]),
        ("a coach arrives", |_, v| Some(v - 12), 13, 6, &[]),
        ("midnight jump", |_, v| Some(v - 120), 24, 3, &[MidnightJump, Stuck]),
        ("spike", |h, v| Some(if h < 0.1 { 5 } else { v }), 11, 3, &[Spiking, Reset]),
        ("drift", |h, v| Some(v - (h / 3.0) as i32), 0, 20 * 24, &[Drift, Stuck, Clamped, OutOfBounds]),
        ("above capacity", |_, v| Some(v + 60), 0, 24, &[OutOfBounds, MidnightJump, Reset]),
        ("sentinels", |_, _| Some(65_535), 12, 1, &[Sentinel]),
        ("one sentinel", |h, v| Some(if h < 0.1 { -1 } else { v }), 12, 3, &[]),
    ];
    for (name, fault, from, hours, rules) in cases {
        let mut lab = Lab::learnt();
        lab.run(from * HOUR, |_, v| Some(v));
        let seen = lab.run(hours * HOUR, fault);
        match rules.first() {
            Some(first) => assert!(seen.contains(first), "{name}: {seen:?}"),
            None => assert_eq!(seen, vec![], "{name}"),
        }
        assert!(seen.iter().all(|r| rules.contains(r)), "{name}: {seen:?}");
    }
}

#[test]
fn each_fault_recovers_by_its_own_rule() {
    type Fault = fn(f64, i32) -> Option<i32>;
    let cases: &[(&str, Fault, i64, Rule, i64)] = &[
        ("one change ends a freeze", |_, _| Some(120), 4, Stuck, 1),
        ("one reading ends silence", |_, _| None, 3, Silent, 1),
        ("a spike is forgotten after half a day", |h, v| Some(if h < 0.1 { 5 } else { v }), 1, Spiking, 13),
        ("a jump is left to the daily level after a day", |_, v| Some((v + 250).min(400)), 1, Reset, 26),
        ("a value ends sentinels", |_, _| Some(65_535), 1, Sentinel, 1),
    ];
    for (name, fault, hours, rule, until) in cases {
        let mut lab = Lab::learnt();
        lab.run(12 * HOUR, |_, v| Some(v));
        assert!(lab.run(hours * HOUR, fault).contains(rule), "{name}");
        lab.run(until * HOUR, |_, v| Some(v));
        assert!(!lab.health.has(*rule), "{name}: {:?}", lab.health.state());
    }
}

#[test]
fn the_verdict_says_since_when_and_why() {
    let mut lab = Lab::learnt();
    lab.run(12 * HOUR, |_, v| Some(v));
    let noon = lab.now;
    lab.run(4 * HOUR, |_, _| Some(121));
    let health = lab.health.state();
    assert_eq!((health.state, health.rule), (State::Failed, Some(Stuck)));
    assert!(health.since.is_some_and(|s| s - noon <= 5 * MINUTE), "since its last change");
    assert!(health.detail.seen > health.detail.limit);
}

#[test]
fn a_closed_facility_or_a_recount_is_no_fault() {
    let mut lab = Lab::learnt();
    lab.run(12 * HOUR, |_, v| Some(v));
    lab.health.opening(lab.now, false);
    assert_eq!(lab.run(5 * HOUR, |_, _| Some(0)), vec![]);
    lab.health.opening(lab.now, true);
    assert_eq!(lab.run(2 * HOUR, |_, v| Some(v)), vec![]);
    lab.health.recounted(lab.now);
    assert_eq!(lab.run(2 * HOUR, |_, v| Some(v - 60)), vec![]);
}

#[test]
fn the_end_of_a_freeze_is_no_second_fault() {
    let mut lab = Lab::learnt();
    lab.run(8 * HOUR, |_, v| Some(v));
    let (mut held, mut last) = (None, 0);
    let seen = lab.run(5 * HOUR, |_, v| {
        last = v;
        Some(*held.get_or_insert(v))
    });
    assert_eq!(seen, vec![Stuck]);
    assert!(held.is_some_and(|held| held - last > 100), "it leaps when it moves again: {held:?} {last}");
    assert!(!lab.run(HOUR, |_, v| Some(v)).contains(&Reset));
}

#[test]
fn a_public_holiday_may_be_quieter_than_any_sunday() {
    for (holiday, expected) in [(false, vec![Stuck]), (true, vec![])] {
        let mut lab = Lab::learnt();
        lab.run(12 * HOUR, |_, v| Some(v));
        if holiday {
            lab.rules = lab.rules.on_holiday();
        }
        let mut held = None;
        let seen = lab.run(80 * MINUTE, |_, v| Some(*held.get_or_insert(v)));
        assert_eq!(seen, expected, "holiday: {holiday}");
    }
}

/// A figure that tells changes alone, of a source that lives, after five weeks; its rules, and noon.
fn told_changes() -> (FigureHealth, FigureRules, Micros) {
    let mut health = FigureHealth::new(Reporting::ChangesOnly);
    let rules = FigureRules::default();
    let mut dice = Dice(3);
    let mut last = 0;
    let noon = MONDAY + 35 * DAY + 12 * HOUR;
    let mut now = MONDAY;
    while now < noon {
        now += 5 * MINUTE;
        let value = truth(now, &mut dice);
        if value != last {
            health.observe(now, hour_of_week(now), value, CAPACITY, &rules);
            last = value;
        }
        health.on_clock(now, hour_of_week(now), SourceLife::Heard, &rules);
        assert_eq!(health.state().state, State::Healthy, "{:?}", health.state());
    }
    (health, rules, noon)
}

#[test]
fn what_changed_while_the_source_was_away_is_no_step() {
    for (source, expected) in [(SourceLife::Heard, Some(Reset)), (SourceLife::Away, None)] {
        let (mut health, rules, mut now) = told_changes();
        let end = now + 40 * MINUTE;
        while now < end {
            now += 5 * MINUTE;
            health.on_clock(now, hour_of_week(now), source, &rules);
        }
        health.observe(now, hour_of_week(now), 300, CAPACITY, &rules);
        assert_eq!(health.state().rule, expected, "{source:?}");
    }
}

#[test]
fn a_source_that_tells_changes_alone_is_judged_by_the_clock() {
    let (mut health, rules, noon) = told_changes();
    let mut now = noon;
    let mut dead = health.clone();
    while now < noon + 4 * HOUR {
        now += 5 * MINUTE;
        health.on_clock(now, hour_of_week(now), SourceLife::Heard, &rules);
        dead.on_clock(now, hour_of_week(now), SourceLife::Away, &rules);
    }
    assert_eq!(health.state().rule, Some(Stuck), "the source lives: the figure should have moved");
    assert_eq!(dead.state().rule, Some(Silent), "the source is gone: nothing else can be said");
}

/// Of a feed that nothing else speaks for, as the engine has them.
#[test]
fn a_feed_that_tells_changes_alone_may_be_quiet_for_as_long_as_it_may_be_silent() {
    let rules = FigureRules { silent_after: 12 * HOUR, ..FigureRules::default() };
    let night = MONDAY + 35 * DAY;
    let (mut changes, mut repeats) =
        (FigureHealth::new(Reporting::ChangesOnly), FigureHealth::new(Reporting::Repeated));
    let quiet = |health: &mut FigureHealth, from: Micros, until: Micros, rules: &FigureRules| {
        for now in (from..until).step_by(usize::try_from(5 * MINUTE).unwrap()) {
            health.on_clock(now, hour_of_week(now), SourceLife::Unknown, rules);
        }
    };
    let (mut dice, mut now, mut last) = (Dice(3), MONDAY, 0);
    while now < night {
        now += 5 * MINUTE;
        let value = truth(now, &mut dice);
        for health in [&mut changes, &mut repeats] {
            if value != last {
                health.observe(now, hour_of_week(now), value, CAPACITY, &rules);
            }
            health.on_clock(now, hour_of_week(now), SourceLife::Unknown, &rules);
        }
        last = value;
        assert_eq!(changes.state().state, State::Healthy, "{:?}", changes.state());
    }
    let hourly = FigureRules { silent_after: HOUR, ..rules };
    quiet(&mut changes, night, night + 4 * HOUR, &rules);
    quiet(&mut repeats, night, night + 4 * HOUR, &hourly);
    assert_eq!(changes.state().state, State::Healthy, "nothing moves by night: {:?}", changes.state());
    assert_eq!(repeats.state().rule, Some(Silent), "it should have said the same again");
    quiet(&mut changes, night + 4 * HOUR, night + 11 * HOUR, &rules);
    assert!(changes.has(Stuck), "by day it should have moved: {:?}", changes.state());
    quiet(&mut changes, night + 11 * HOUR, night + 13 * HOUR, &rules);
    assert!(changes.has(Silent), "long enough a silence is one: {:?}", changes.state());
    changes.observe(night + 14 * HOUR, 14, 20, CAPACITY, &rules);
    assert_eq!(changes.state().state, State::Healthy, "{:?}", changes.state());
}

#[test]
fn sentinels_are_codes_and_not_counts() {
    let cases = [
        (9_999, 400, true),
        (65_535, 400, true),
        (-1, 400, true),
        (999, 1_000, false),
        (9_999, 12_000, false),
        (-8, 400, false),
        (412, 400, false),
        (0, 400, false),
    ];
    for (value, capacity, expected) in cases {
        assert_eq!(is_sentinel(value, capacity), expected, "{value} of {capacity}");
    }
}

#[test]
fn hostile_values_do_no_harm() {
    let mut health = FigureHealth::new(Reporting::Repeated);
    let rules = FigureRules::default();
    let values = [i32::MIN, i32::MAX, 0, 7, i32::MIN, 3];
    for (i, at) in [0, i64::MIN / 4, 5, i64::MAX / 4, 9, i64::MAX / 4 + 1].into_iter().enumerate() {
        health.observe(at, 255, values[i], u32::MAX, &rules);
        health.observe(at + 1, 0, values[i], 0, &rules);
        health.on_clock(at, 255, if i % 2 == 0 { SourceLife::Heard } else { SourceLife::Away }, &rules);
    }
    assert!(size_of::<FigureHealth>() <= 8_192);
}
