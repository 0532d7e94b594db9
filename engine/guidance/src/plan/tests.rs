//! The planner on a few streets.

use std::sync::Arc;

use vlot_model::{
    AdviceReason, Arrow, City, Effect, FacilityIx, GuidanceMode, GuidanceRules, LineWay, LinkId, LinkIx,
    Location, LonLat, Mode, Modes, OnLink, Phase, Placed, Product, RoadClass, RoadNetwork, SignPlan,
    Situation, SituationIx, SituationKind, SituationState,
};
use vlot_network::{Draft, DraftLink};

use super::Planner;
use crate::testing::{at, facility_state, good};

/// A road from west to east, nodes 0 to 5, and a second way over nodes 6 and 7 from node 1 to node 4, south of it. Car park 0 is
/// near node 3 on the road, car park 1 on the second way, car park 2 at the end. Sign 0 (the street's) stands before node 1, and a
/// twin of it between nodes 1 and 2.
pub(super) fn draft() -> Draft {
    let place = |n: i64| match n {
        6 => LonLat { lon: 4.71, lat: 50.873 },
        7 => LonLat { lon: 4.73, lat: 50.873 },
        n => LonLat { lon: 4.70 + 0.01 * n as f64, lat: 50.88 },
    };
    let mut draft = Draft::new("test");
    for (i, [a, b]) in (0_u64..).zip([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [1, 6], [6, 7], [7, 4]]) {
        for (from, to, id) in [(a, b, 2 * i), (b, a, 2 * i + 1)] {
            draft.link(DraftLink {
                points: vec![place(from), place(to)],
                opposite: Some(LinkId(id ^ 1)),
                ..DraftLink::new([from, to], id, RoadClass::Primary)
            });
        }
    }
    draft
}

pub(super) fn streets() -> Arc<RoadNetwork> {
    Arc::new(draft().make().network)
}

pub(super) fn on(network: &RoadNetwork, id: u64) -> Option<OnLink> {
    let link = network.find(LinkId(id)).unwrap();
    Some(OnLink { link, offset_m: 300.0, distance_m: 5.0 })
}

pub(super) fn city(mode: GuidanceMode) -> Arc<City> {
    let network = streets();
    let mut city = crate::testing::city();
    city.signs[1] = vlot_model::Sign { id: "second".into(), ..city.signs[0].clone() };
    let signs = vec![on(&network, 0), on(&network, 2)];
    let facilities = vec![on(&network, 4), on(&network, 12), on(&network, 8)];
    city.placed = Placed { facilities, garages: vec![None], signs, ..Placed::default() };
    city.guidance = GuidanceRules { mode, ..GuidanceRules::default() };
    city.network = Some(network);
    Arc::new(city)
}

pub(super) struct Desk {
    pub(super) planner: Planner,
    pub(super) plans: Vec<Option<Arc<SignPlan>>>,
    pub(super) refused: Vec<String>,
}

impl Desk {
    fn new(mode: GuidanceMode) -> Self {
        Desk::of(&city(mode))
    }

    pub(super) fn of(city: &Arc<City>) -> Self {
        Desk { planner: Planner::new(city, at(0)), plans: vec![None; 2], refused: Vec::new() }
    }

    pub(super) fn free(&mut self, second: i64, free: [u32; 3]) {
        for (f, free) in (0..).zip(free) {
            self.planner.note(&facility_state(FacilityIx(f), &good(free, at(second))), at(second));
        }
    }

    pub(super) fn decide(&mut self, second: i64) -> Vec<Option<u32>> {
        let (plans, state) = self.planner.decide(at(second));
        for plan in plans {
            let place = plan.sign.at();
            self.plans[place] = Some(plan);
        }
        self.refused = state.refused.map_or(Vec::new(), |refused| refused.faults);
        self.plans.iter().map(|plan| plan.as_ref().unwrap().advice).collect()
    }

    fn way(&self, sign: usize, line: usize) -> Option<Vec<u64>> {
        let network = streets();
        match &self.plans[sign].as_ref().unwrap().lines[line].way {
            LineWay::Live(way) => {
                Some(way.links.iter().map(|link| network.link(*link).unwrap().id.0).collect())
            }
            LineWay::Configured | LineWay::None => None,
        }
    }
}

pub(super) fn closure(ids: &[u64], phase: Phase, slot: u32) -> Product {
    let network = streets();
    let situation = Situation {
        id: "works".into(),
        source: "operator".into(),
        kind: SituationKind::Works,
        headline: "Works".into(),
        effect: Effect::Closed,
        modes: Modes::NONE.with(Mode::Car),
        location: Location::Links(ids.iter().map(|id| LinkId(*id)).collect()),
        both_directions: false,
        from: at(0),
        until: None,
        hours: None,
        withdrawn: false,
    };
    Product::Situation(SituationState {
        slot: SituationIx(slot),
        situation: Arc::new(situation),
        phase,
        since: at(0),
        links: ids.iter().map(|id| network.find(LinkId(*id)).unwrap()).collect(),
        detours: Vec::new(),
    })
}

#[test]
fn the_nearest_with_space_is_advised_over_live_ways() {
    for mode in [GuidanceMode::Each, GuidanceMode::Together] {
        let mut desk = Desk::new(mode);
        assert_eq!(desk.decide(0), [None, None], "nothing is known yet");
        desk.free(1, [50, 80, 120]);
        assert_eq!(desk.decide(1), [Some(0), Some(0)], "{mode:?}");
        assert_eq!(desk.way(0, 0).unwrap(), [0, 2, 4]);
        assert_eq!(desk.way(0, 1).unwrap(), [0, 10, 12]);
        assert_eq!(desk.way(1, 2).unwrap(), [2, 4, 6, 8]);
        assert!(desk.refused.is_empty(), "{:?}", desk.refused);
    }
    let mut desk = Desk::new(GuidanceMode::Count);
    desk.free(1, [50, 80, 120]);
    assert_eq!(desk.decide(1), [None, None]);
    assert_eq!(desk.plans[0].as_ref().unwrap().reason, AdviceReason::Off);
}

#[test]
fn what_fills_loses_its_advice_in_the_same_tick() {
    let mut desk = Desk::new(GuidanceMode::Together);
    desk.free(0, [50, 80, 120]);
    assert_eq!(desk.decide(0), [Some(0), Some(0)]);
    assert!(!desk.planner.is_due(at(1)));
    desk.free(1, [3, 80, 120]);
    assert!(desk.planner.is_due(at(1)), "it does not wait for its turn");
    let advice = desk.decide(1);
    assert!(advice.iter().all(|advice| matches!(advice, Some(1 | 2))), "{advice:?}");
    desk.free(2, [3, 2, 1]);
    assert_eq!(desk.decide(2), [None, None], "everything is full");
}

#[test]
fn a_closure_turns_ways_and_arrows_and_its_end_turns_them_back() {
    let mut desk = Desk::new(GuidanceMode::Together);
    desk.free(0, [50, 80, 120]);
    desk.decide(0);
    let arrow =
        |desk: &Desk, sign: usize, line: usize| match &desk.plans[sign].as_ref().unwrap().lines[line].way {
            LineWay::Live(way) => Some(way.arrow),
            _ => None,
        };
    assert_eq!(arrow(&desk, 0, 2), Some(Arrow::Back), "as configured");
    // Between nodes 1 and 2, where the second sign stands.
    desk.planner.note(&closure(&[2], Phase::Active, 0), at(1));
    assert!(desk.planner.is_due(at(1)));
    assert_eq!(desk.decide(1)[0], Some(1));
    assert_eq!(desk.way(0, 2).unwrap(), [0, 10, 12, 14, 8], "round by the south");
    assert_eq!(arrow(&desk, 0, 2), Some(Arrow::Right));
    assert_eq!(desk.way(0, 0), None, "its entrance is on one side, and nobody may turn around there");
    assert_eq!(
        (desk.way(1, 0), desk.plans[1].as_ref().unwrap().advice),
        (None, None),
        "nobody comes past it"
    );
    assert!(desk.refused.is_empty(), "{:?}", desk.refused);
    desk.planner.note(&closure(&[2], Phase::Ended, 0), at(2));
    desk.decide(2);
    assert_eq!(desk.way(0, 0).unwrap(), [0, 2, 4]);
    // Contradicting closures: the stronger binds, and one that ends opens nothing that the other closes.
    desk.planner.note(&closure(&[2, 10], Phase::Active, 0), at(3));
    desk.planner.note(&closure(&[10], Phase::Active, 1), at(3));
    desk.decide(3);
    assert_eq!((desk.way(0, 0), desk.way(0, 1), desk.plans[0].as_ref().unwrap().advice), (None, None, None));
    desk.planner.note(&closure(&[2, 10], Phase::Ended, 0), at(4));
    desk.decide(4);
    assert_eq!(desk.way(0, 2).unwrap(), [0, 2, 4, 6, 8]);
    assert_eq!(desk.way(0, 1), None, "the other closure still stands");
    let all: Vec<_> = (0..16).collect();
    desk.planner.note(&closure(&all, Phase::Active, 2), at(5));
    assert_eq!(desk.decide(5), [None, None], "every street is closed");
}

#[test]
fn live_travel_times_turn_a_way_only_when_it_is_worth_it() {
    let mut desk = Desk::new(GuidanceMode::Together);
    desk.free(0, [50, 80, 120]);
    desk.decide(0);
    assert_eq!(desk.way(0, 2).unwrap(), [0, 2, 4, 6, 8]);
    let network = streets();
    let slow = |seconds: f32| {
        let link = network.find(LinkId(2)).unwrap();
        Product::Link(vlot_model::LinkState { travel_time_s: seconds, ..link_state(link) })
    };
    let usual = network.link(network.find(LinkId(2)).unwrap()).unwrap().free_flow_s();
    desk.planner.note(&slow(usual + 5.0), at(10));
    desk.decide(10);
    assert_eq!(desk.way(0, 2).unwrap(), [0, 2, 4, 6, 8]);
    desk.planner.note(&slow(usual + 900.0), at(20));
    desk.decide(20);
    assert_eq!(desk.way(0, 2).unwrap(), [0, 10, 12, 14, 8]);
}

fn link_state(link: LinkIx) -> vlot_model::LinkState {
    vlot_model::LinkState {
        link,
        observed_at: at(0),
        valid_until: at(1_000),
        speed_kmh: 10.0,
        speed_low_kmh: 8.0,
        speed_high_kmh: 12.0,
        travel_time_s: 1.0,
        flow_vph: None,
        level: vlot_model::LevelOfService::F,
        sources: vlot_model::LinkSources::default(),
        probes: 0,
        quality: vlot_model::Quality::Good,
        situations: Vec::new(),
    }
}

/// The city fills: advice leaves the near car park before it is full, and no sign changes more often than it may.
#[test]
fn advice_leaves_a_filling_car_park_in_time_and_keeps_calm() {
    let mut desk = Desk::new(GuidanceMode::Together);
    let mut changes = Vec::new();
    let (mut advice, mut inside) = (vec![None, None], 100_i64);
    for minute in 0..60 {
        let second = minute * 60;
        inside = (inside + 2).min(199);
        for (f, inside) in (0..).zip([inside, 20 + minute % 2, 30]) {
            let free = u32::try_from(200 - inside).unwrap().max(1);
            let state = facility_state(FacilityIx(f), &good(free, at(second)));
            let Product::Facility(state) = state else { unreachable!() };
            let state = vlot_model::FacilityState { occupied_uncorrected: Some(inside), ..state };
            desk.planner.note(&Product::Facility(state), at(second));
        }
        let now = desk.decide(second);
        if now != advice {
            changes.push((minute, inside, now.clone()));
        }
        advice = now;
    }
    let left = changes.iter().find(|(_, _, advice)| advice[0].is_some_and(|line| line != 0));
    let (_, inside, _) = left.expect("the near one is left");
    assert!((150..196).contains(inside), "left at {inside} of 200: {changes:?}");
    assert!(changes.len() <= 4, "{changes:?}");
}

/// Two spaces are left inside and the bus runs: the sign shows both ways, until there is space inside again.
#[test]
fn the_edge_is_compared_with_driving_in() {
    let city = city(GuidanceMode::Together);
    let mut with_edge = City::clone(&city);
    with_edge.facilities[2].kind = vlot_model::FacilityKind::Edge;
    let centre = LonLat { lon: 4.731, lat: 50.8805 };
    with_edge.facilities[0].position = centre;
    with_edge.facilities[1].position = LonLat { lon: 4.75, lat: 50.90 };
    with_edge.facilities[2].site.onward = vec![vlot_model::Onward {
        line: "1".into(),
        to: "Centre".into(),
        headway_min: 2,
        ride_min: 1,
        alights: Some(centre),
        stops: None,
        timetable: None,
    }];
    with_edge.guidance.centre = Some(centre);
    let mut desk = Desk {
        planner: Planner::new(&Arc::new(with_edge), at(0)),
        plans: vec![None; 2],
        refused: Vec::new(),
    };
    desk.free(0, [150, 1, 120]);
    desk.decide(0);
    let edge = |desk: &Desk| desk.plans[0].as_ref().unwrap().edge;
    let near = edge(&desk).expect("the edge is slower by less than the margin");
    assert!(near.line == 2 && near.onward_s >= 60.0 && near.in_s < near.drive_s + near.onward_s, "{near:?}");
    // Driving in is no longer possible: nothing to compare with, and the edge is advised.
    desk.free(20, [1, 1, 120]);
    assert_eq!(desk.decide(20)[0], Some(2));
    assert_eq!(edge(&desk), None);
}

/// Signs sent nobody while the engine stood still, as far as it knows.
#[test]
fn whom_nobody_advised_for_an_hour_is_not_on_the_way() {
    let on_the_way = |pause: i64| {
        let mut desk = Desk::new(GuidanceMode::Together);
        for second in (0..=600_u32).step_by(10) {
            desk.free(second.into(), [90 - second / 10, 80, 120]);
            desk.decide(second.into());
        }
        desk.free(600 + pause, [30, 80, 120]);
        desk.decide(600 + pause);
        let loads = &desk.planner.state.loads;
        loads.iter().map(|load| load.on_the_way).sum::<f32>()
    };
    let (a_minute, an_hour) = (on_the_way(60), on_the_way(3_600));
    assert!(a_minute > 0.0 && an_hour <= a_minute, "{an_hour} after an hour, {a_minute} after a minute");
}

/// What apps have announced is on its way like those who were sent by signs.
#[test]
fn apps_announce_who_is_on_the_way() {
    let mut desk = Desk::new(GuidanceMode::Together);
    desk.free(0, [20, 80, 120]);
    desk.decide(0);
    let free = |desk: &Desk| desk.plans[0].as_ref().unwrap().lines[0].arrival.unwrap().free;
    let before = free(&desk);
    desk.planner.note(
        &Product::Expected(vlot_model::ExpectedArrivals {
            facility: FacilityIx(0),
            arrivals: vec![vlot_model::ExpectedMinute { minute: at(60), vehicles: 15 }],
        }),
        at(1),
    );
    desk.decide(10);
    assert!((before - free(&desk) - 15.0).abs() < 0.5, "{before} {}", free(&desk));
}

/// Half of the car parks are silent: they are neither advised nor spoken of, and the others still are.
#[test]
fn what_is_not_heard_is_not_advised() {
    let mut desk = Desk::new(GuidanceMode::Together);
    desk.free(0, [50, 80, 120]);
    assert_eq!(desk.decide(0), [Some(0), Some(0)]);
    // Two of three speak no more; their figures are past their validity after a minute.
    for second in [30, 60, 90] {
        desk.planner.note(&facility_state(FacilityIx(2), &good(120, at(second))), at(second));
        desk.decide(second);
    }
    let plan = |desk: &Desk, sign: usize| Arc::clone(desk.plans[sign].as_ref().unwrap());
    for sign in 0..2 {
        let plan = plan(&desk, sign);
        assert_eq!(plan.advice, Some(2));
        assert!(plan.lines[0].arrival.is_none() && plan.lines[1].arrival.is_none(), "{plan:?}");
    }
    assert_eq!(desk.decide(200), [None, None], "nobody is heard any more");
    assert!(desk.refused.is_empty(), "{:?}", desk.refused);
}

/// A forecast that is wrong by half costs trust in what comes, never in what is: a car park that is full is left at once.
#[test]
fn a_wrong_forecast_does_not_outlive_the_figures() {
    let mut desk = Desk::new(GuidanceMode::Together);
    let forecast = |second: i64, free: u32| {
        let point =
            |ahead_s| vlot_model::ForecastPoint { ahead_s, free_low: free - 5, free, free_high: free + 5 };
        Product::Forecast(vlot_model::FacilityForecast {
            facility: FacilityIx(0),
            made_at: at(second),
            valid_until: at(second + 300),
            basis: vlot_model::ForecastBasis::OwnHistory { days: 30 },
            points: vec![point(0), point(900), point(3_600)],
        })
    };
    desk.free(0, [30, 80, 120]);
    desk.planner.note(&forecast(0, 60), at(0));
    assert_eq!(desk.decide(0), [Some(0), Some(0)], "twice as many as there will be");
    desk.free(60, [2, 80, 120]);
    desk.planner.note(&forecast(60, 60), at(60));
    assert!(desk.planner.is_due(at(60)));
    assert!(desk.decide(60).iter().all(|advice| *advice != Some(0)));
    // Half as many as there will be: somebody drives farther than needed, and nobody in vain.
    desk.free(400, [100, 80, 120]);
    desk.planner.note(&forecast(400, 50), at(400));
    assert!(desk.decide(400).iter().all(Option::is_some));
    assert!(desk.refused.is_empty(), "{:?}", desk.refused);
}
