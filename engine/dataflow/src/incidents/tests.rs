use std::sync::Arc;

use vlot_model::{
    City, DeviceIx, Incident, IncidentRule, LinkIx, LinkState, Meters, Product, Quality, Verdict,
};

use super::logic::Incidents;
use super::{Heard, What};
use crate::shell::Logic;
use crate::testing::s;
use crate::testing_roads::{link_state, roads};

struct Play {
    logic: Incidents,
    tick: u64,
    meters: Arc<Meters>,
}

impl Play {
    /// A street of four links at 36 km/h.
    fn new() -> Self {
        let (meters, network) = (Arc::default(), Some(Arc::new(roads(4))));
        Play { logic: Incidents::new(&City { network, ..City::default() }, &meters), tick: 0, meters }
    }

    fn hear(&mut self, at: i64, all: Vec<(u32, What)>) -> Vec<Incident> {
        self.tick += 1;
        let (mut out, tick) = (Vec::new(), self.tick);
        self.logic.on_clock(tick, s(at), &mut out);
        let heard: Vec<_> = (0..)
            .zip(all)
            .map(|(i, (link, what))| {
                let order = (u8::from(!matches!(what, What::State(_))), i);
                Heard { tick, at: s(at), order, link: LinkIx(link), what }
            })
            .collect();
        self.logic.on_tick(tick, s(at), &heard, &mut out);
        out.iter()
            .map(|u| match &*u.product {
                Product::Incident(incident) => incident.clone(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn speeds(&mut self, at: i64, speeds: &[(u32, f32)]) -> Vec<Incident> {
        let state =
            |(link, kmh): &(u32, f32)| (*link, What::State(link_state(*link, at, *kmh, Quality::Good)));
        self.hear(at, speeds.iter().map(state).collect())
    }
}

fn with_flow(link: u32, at: i64, kmh: f32, flow: u32) -> (u32, What) {
    let state = LinkState { flow_vph: Some(flow), ..link_state(link, at, kmh, Quality::Good) };
    (link, What::State(state))
}

#[test]
fn a_sudden_drop_is_suspected_and_ends_when_it_flows_again() {
    let mut play = Play::new();
    assert!(play.speeds(0, &[(1, 34.0)]).is_empty());
    assert!(play.speeds(60, &[(1, 30.0)]).is_empty());
    let fired = play.speeds(120, &[(1, 9.0)]);
    let expected = Incident {
        link: LinkIx(1),
        rule: IncidentRule::SuddenDrop,
        verdict: Verdict::Suspected,
        since: s(120),
        ended: None,
        seen: 9.0,
        limit: 17.0,
    };
    assert_eq!(fired, std::slice::from_ref(&expected));
    assert!(play.speeds(700, &[(1, 10.0)]).is_empty(), "it goes on, however long ago it fell");
    assert_eq!(play.speeds(760, &[(1, 30.0)]), [Incident { ended: Some(s(760)), ..expected }]);
}

#[test]
fn slow_from_the_start_slowing_for_long_and_a_rush_are_no_drop() {
    let mut play = Play::new();
    assert!(play.speeds(0, &[(1, 9.0)]).is_empty());
    let mut play = Play::new();
    for (i, kmh) in [36.0, 30.0, 25.0, 21.0, 18.0, 15.0, 12.0].into_iter().enumerate() {
        assert!(play.speeds(200 * i as i64, &[(1, kmh)]).is_empty());
    }
    let mut play = Play::new();
    assert!(play.hear(0, vec![with_flow(1, 0, 34.0, 600)]).is_empty());
    assert!(play.hear(60, vec![with_flow(1, 60, 9.0, 900)]).is_empty(), "more pass than before");
    assert_eq!(play.hear(120, vec![with_flow(1, 120, 9.0, 500)]).len(), 1);
}

#[test]
fn a_slow_link_before_a_free_one_is_a_bottleneck_after_two_minutes() {
    let mut play = Play::new();
    let mut fired = Vec::new();
    for at in (0..=180).step_by(30) {
        fired.extend(play.speeds(at, &[(1, 7.2), (2, 34.0)]));
    }
    assert_eq!(fired.len(), 1);
    // The state of the link after it is known from its first one on: 30 s later.
    assert_eq!((fired[0].rule, fired[0].since, fired[0].link), (IncidentRule::Bottleneck, s(150), LinkIx(1)));
    assert!((fired[0].seen - 0.744).abs() < 0.01);
    let ended = play.speeds(300, &[(1, 30.0), (2, 34.0)]);
    assert_eq!(ended[0].ended, Some(s(300)));
}

#[test]
fn a_light_that_always_holds_is_learned() {
    let mut play = Play::new();
    let mut fired = 0;
    for minute in 0..600 {
        fired += play.speeds(minute * 60, &[(1, 9.0), (2, 34.0)]).len();
        let ended = play.speeds(minute * 60 + 30, &[(1, 15.0), (2, 34.0)]);
        fired += ended.len();
    }
    assert_eq!(fired, 0);
    // Now it stands, by no more than it often does.
    for at in (36_000..36_600).step_by(30) {
        assert!(play.speeds(at, &[(1, 14.0), (2, 34.0)]).is_empty());
    }
}

#[test]
fn a_standing_vehicle_covers_a_detector_while_nothing_passes() {
    let mut play = Play::new();
    let covered = |from: i64, vehicles, pct| {
        (2, What::Covered { device: DeviceIx(7), from: s(from), until: s(from + 60), vehicles, pct })
    };
    assert!(play.hear(60, vec![covered(0, 3, 95.0)]).is_empty(), "vehicles pass");
    assert!(play.hear(120, vec![covered(60, 0, 97.0)]).is_empty(), "a red light");
    let fired = play.hear(180, vec![covered(120, 0, 99.0)]);
    assert_eq!((fired[0].rule, fired[0].seen, fired[0].limit), (IncidentRule::StandingVehicle, 99.0, 90.0));
    assert_eq!(play.hear(240, vec![covered(180, 2, 40.0)])[0].ended, Some(s(240)));
    // One that falls silent ends by time.
    play.hear(300, vec![covered(240, 0, 97.0)]);
    assert_eq!(play.hear(360, vec![covered(300, 0, 97.0)]).len(), 1);
    assert!(play.hear(600, Vec::new()).is_empty());
    assert_eq!(play.hear(700, Vec::new())[0].ended, Some(s(700)));
}

#[test]
fn a_detector_that_is_not_believed_is_stuck_and_no_vehicle_stands() {
    let mut play = Play::new();
    let covered = |from: i64| {
        let (from, until, device) = (s(from), s(from + 60), DeviceIx(7));
        (2, What::Covered { device, from, until, vehicles: 0, pct: 99.0 })
    };
    let believed = |believed| (2, What::Believed { device: DeviceIx(7), believed });
    play.hear(60, vec![covered(0)]);
    assert_eq!(play.hear(120, vec![covered(60)]).len(), 1);
    assert_eq!(play.hear(130, vec![believed(false)])[0].ended, Some(s(130)));
    assert!(play.hear(180, vec![covered(120)]).is_empty());
    assert!(play.hear(240, vec![covered(180)]).is_empty());
    assert!(play.hear(300, vec![believed(true), covered(240)]).is_empty());
    assert_eq!(play.hear(360, vec![covered(300)]).len(), 1);
}

#[test]
fn an_operators_verdict_stays_until_it_ends() {
    let mut play = Play::new();
    let verdict = |verdict| vec![(1, What::Verdict(verdict))];
    assert!(play.hear(0, verdict(Verdict::Dismissed)).is_empty());
    assert_eq!(play.meters.readings_unusable.get(), 1, "nothing is suspected there");
    play.speeds(10, &[(1, 34.0)]);
    play.speeds(60, &[(1, 9.0)]);
    assert_eq!(play.hear(70, verdict(Verdict::Dismissed))[0].verdict, Verdict::Dismissed);
    assert!(play.speeds(80, &[(1, 8.0)]).is_empty());
    let ended = play.hear(90, vec![(1, What::State(link_state(1, 90, 36.0, Quality::Missing)))]);
    assert_eq!((ended[0].ended, ended[0].verdict), (Some(s(90)), Verdict::Dismissed));
    play.speeds(100, &[(1, 34.0)]);
    assert_eq!(play.speeds(160, &[(1, 9.0)])[0].verdict, Verdict::Suspected, "another one");
}
