use super::MONDAY;
use crate::health::Rule::{Chattering, Silent, Stuck};
use crate::health::State::{Failed, Healthy, Suspect};
use crate::health::{BayHealth, BayRules, DAY, HOUR, MINUTE, Micros, Rule, SECOND, State};

/// A bay after 60 days of 4 cars a day, with heartbeats.
fn learnt(rules: &BayRules) -> (BayHealth, Micros) {
    let mut bay = BayHealth::default();
    let mut now = MONDAY;
    for _ in 0..60 {
        for step in 0..8 {
            now += 3 * HOUR;
            bay.observe(now, step % 2 == 0, rules);
            assert_eq!(bay.state(now, rules).state, Healthy);
        }
    }
    (bay, now)
}

#[test]
fn a_bay_may_stand_still_for_days_but_not_chatter_or_fall_silent() {
    let rules = BayRules::default();
    // Changes so far apart, so many, then heartbeats each hour for so long: what then holds.
    let cases: &[(&str, Micros, i64, Micros, State, Option<Rule>)] = &[
        ("three days unchanged", HOUR, 1, 3 * DAY, Healthy, None),
        ("six days unchanged", HOUR, 1, 6 * DAY, Healthy, None),
        ("eight days, 40 of its usual gaps are 5", HOUR, 1, 8 * DAY, Suspect, Some(Stuck)),
        ("fifteen days", HOUR, 1, 15 * DAY, Failed, Some(Stuck)),
        ("a car manoeuvres", 30 * SECOND, 6, 0, Healthy, None),
        ("a change every ten seconds", 10 * SECOND, 12, 0, Failed, Some(Chattering)),
        ("a change every two minutes for an hour", 2 * MINUTE, 30, 0, Healthy, None),
        ("chattering calms", 10 * SECOND, 12, 7 * HOUR, Healthy, None),
    ];
    for (name, apart, changes, then, state, rule) in cases {
        let (mut bay, mut now) = learnt(&rules);
        let mut occupied = false;
        for _ in 0..*changes {
            now += apart;
            occupied = !occupied;
            bay.observe(now, occupied, &rules);
        }
        let end = now + then;
        while now < end {
            now += HOUR;
            bay.observe(now, occupied, &rules);
        }
        let health = bay.state(now, &rules);
        assert_eq!((health.state, health.rule), (*state, *rule), "{name}: {health:?}");
    }
}

/// Were all of it learnt, two standstills of a month would let the third pass.
#[test]
fn a_standstill_that_was_a_fault_teaches_little() {
    let rules = BayRules::default();
    let (mut bay, mut now) = learnt(&rules);
    for standstill in 0..3 {
        let end = now + 30 * DAY;
        while now < end {
            now += 12 * HOUR;
            bay.observe(now, true, &rules);
        }
        assert_eq!(bay.state(now, &rules).rule, Some(Stuck), "standstill {standstill}");
        for step in 0..80 {
            now += 3 * HOUR;
            bay.observe(now, step % 2 == 1, &rules);
        }
        assert_eq!(bay.state(now, &rules).state, Healthy);
    }
}

#[test]
fn silence_is_measured_from_the_last_message_and_ends_with_one() {
    let rules = BayRules::default();
    let (mut bay, heard) = learnt(&rules);
    assert_eq!(bay.due(&rules), Some(heard + rules.silent_after));
    bay.on_clock(heard + rules.silent_after, &rules);
    assert_eq!(bay.state(heard, &rules).state, Healthy);
    let now = heard + rules.silent_after + 1;
    bay.on_clock(now, &rules);
    let health = bay.state(now, &rules);
    assert_eq!((health.state, health.rule, health.since), (Failed, Some(Silent), Some(heard)));
    bay.alive(now + HOUR, &rules);
    assert_eq!(bay.state(now + HOUR, &rules).state, Healthy);
}

#[test]
fn a_young_bay_and_old_messages_prove_nothing() {
    let rules = BayRules::default();
    let mut bay = BayHealth::default();
    bay.on_clock(MONDAY, &rules);
    assert_eq!(bay.state(MONDAY, &rules).since, None);
    for day in 0..60 {
        bay.observe(MONDAY + day * DAY, true, &rules);
    }
    let now = MONDAY + 59 * DAY;
    assert_eq!(bay.state(now, &rules).state, Healthy, "its past is too short to judge two months");
    for i in 0..50 {
        bay.observe(MONDAY + i, i % 2 == 0, &rules);
    }
    assert_eq!(bay.state(now, &rules).state, Healthy, "what is old is ignored");
}
