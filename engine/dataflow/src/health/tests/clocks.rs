use crate::health::{ClockHealth, ClockOffset, ClockRules, HOUR, MINUTE, Micros, SECOND, State};

#[test]
fn clocks() {
    let rules = ClockRules::default();
    let steady = |lag: Micros| [lag; 8];
    let whole = |h| Some(ClockOffset::WholeHours(h));
    let cases: &[(&str, [Micros; 8], Option<ClockOffset>)] = &[
        ("well", steady(20 * SECOND), None),
        ("a little ahead", steady(-20 * SECOND), None),
        ("ahead", steady(-5 * MINUTE), Some(ClockOffset::Other)),
        ("summer time, behind", steady(HOUR + 30 * SECOND), whole(1)),
        ("summer time, ahead", steady(-HOUR + 30 * SECOND), whole(-1)),
        ("another zone", steady(2 * HOUR), whole(2)),
        ("behind by 40 minutes", steady(40 * MINUTE), Some(ClockOffset::Other)),
        (
            "a batch held up on its way",
            [HOUR, 50 * MINUTE, 40 * MINUTE, 30 * MINUTE, 20 * MINUTE, 9 * MINUTE, MINUTE, 0],
            None,
        ),
        (
            "all held up by different times",
            [HOUR, 3 * HOUR, HOUR, 5 * HOUR, HOUR, HOUR, HOUR, HOUR],
            Some(ClockOffset::Other),
        ),
        ("one message ahead", [-HOUR, 0, 0, 0, 0, 0, 0, 0], None),
        ("hostile", [i64::MAX / 2; 8], Some(ClockOffset::Other)),
    ];
    for (name, lags, expected) in cases {
        let mut clock = ClockHealth::default();
        for (i, lag) in lags.iter().enumerate() {
            assert_eq!(clock.offset(), None, "{name}: too early at {i}");
            clock.observe(-lag, 0, &rules);
        }
        assert_eq!(clock.offset(), *expected, "{name}");
        assert_eq!(clock.state().state == State::Suspect, expected.is_some(), "{name}");
        for (i, lag) in lags.iter().enumerate() {
            let received = (i64::try_from(i).unwrap() + 1) * 2 * MINUTE;
            clock.observe(received - lag, received, &rules);
        }
        let failed = matches!(expected, Some(ClockOffset::WholeHours(_)));
        assert_eq!(clock.state().state == State::Failed, failed, "{name}: {:?}", clock.state());
        clock.observe(0, 0, &rules);
        assert_eq!(clock.state().state, State::Healthy, "{name}: one good reading recovers it");
    }
}
