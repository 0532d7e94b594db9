use std::sync::Arc;

use proptest::prelude::*;
use vlot_model::{
    Closed, Counting, ExpectedMinute, ForecastBasis, ForecastPoint, GarageSite, Group, GroupState, LegBasis,
    LonLat, Onward, Quality, Run, SectionState, ServiceDay, Share, Site, Timetable,
};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_778_241_600);

fn after(s: u64) -> Timestamp {
    NOW + Duration::from_secs(s)
}

fn leg(kind: LegKind, seconds: f64) -> Leg {
    let time = Span { seconds, low_s: seconds * 0.8, high_s: seconds * 1.25 };
    Leg { kind, time, length_m: Some(seconds * 1.4), basis: LegBasis::Streets { measured_pct: 50.0 } }
}

fn trip() -> Trip {
    Trip {
        now: NOW,
        when: When::Depart(NOW),
        groups: Vec::new(),
        height_cm: None,
        cargo: false,
        two_tier: true,
        stay: None,
        walk_max_m: 2_000.0,
        turned_away: Duration::from_secs(600),
    }
}

fn facility(kind: FacilityKind, site: Site) -> Facility {
    Facility {
        id: "f".into(),
        name: "F".into(),
        kind,
        position: LonLat::default(),
        capacity: 100,
        counting: Counting::Absolute,
        bays: Vec::new(),
        valid_for: Duration::from_secs(600),
        min_share: 0.5,
        full_at: 2,
        reopen_at: 5,
        estimate: vlot_model::Reliability::of(100),
        site,
    }
}

fn state(free: u32) -> FacilityState {
    FacilityState {
        facility: FacilityIx(0),
        capacity: 100,
        occupied: Some(100 - free),
        free: Some(free),
        occupied_uncorrected: None,
        opening: Opening::Open,
        closed: None,
        status: if free <= 2 { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable },
        observed_at: Some(NOW),
        valid_until: Some(after(600)),
        quality: Quality::Good,
        sensors: Share { reporting: 1, total: 1 },
        lost_messages: 0,
        certainty: None,
        groups: Vec::new(),
    }
}

fn forecast(points: [[u32; 3]; 2]) -> FacilityForecast {
    let point =
        |ahead_s, [free_low, free, free_high]: [u32; 3]| ForecastPoint { ahead_s, free_low, free, free_high };
    FacilityForecast {
        facility: FacilityIx(0),
        made_at: NOW,
        valid_until: after(600),
        basis: ForecastBasis::OwnHistory { days: 30 },
        points: vec![point(0, points[0]), point(3_600, points[1])],
    }
}

fn park<'a>(facility: &'a Facility, state: Option<&'a FacilityState>) -> CarPark<'a> {
    CarPark {
        ix: FacilityIx(0),
        facility,
        state,
        forecast: None,
        load: None,
        expected: None,
        hours: None,
        stay_hours: None,
        drive: Some(leg(LegKind::Drive, 600.0)),
        walk: Some(leg(LegKind::Walk, 300.0)),
        walk_on: vec![Some(leg(LegKind::Walk, 120.0)); facility.site.onward.len()],
    }
}

fn why(trip: &Trip, park: &CarPark<'_>) -> RuledOutBy {
    let mut got = options(trip, std::slice::from_ref(park), &[]);
    assert!(got.options.is_empty(), "{got:?}");
    got.ruled_out.remove(0).why
}

fn only(trip: &Trip, park: &CarPark<'_>) -> TripOption {
    let mut got = options(trip, std::slice::from_ref(park), &[]);
    assert_eq!(got.options.len(), 1, "{got:?}");
    got.options.remove(0)
}

fn line(timetable: Option<Timetable>) -> Onward {
    let (line, to) = ("shuttle".to_owned(), "Fochplein".to_owned());
    Onward {
        line,
        to,
        headway_min: 20,
        ride_min: 10,
        alights: None,
        stops: None,
        timetable: timetable.map(Arc::new),
    }
}

fn edge(onward: Vec<Onward>) -> Facility {
    facility(FacilityKind::Edge, Site { onward, ..Site::default() })
}

/// One day from midnight of NOW's, with runs at those seconds after NOW.
fn timetable(runs: &[i64]) -> Timetable {
    let begins = NOW - Duration::from_hours(12);
    let run = |s: &i64| Run { leaves_s: u32::try_from(12 * 3_600 + s).unwrap(), ride_s: 540, service: 0 };
    Timetable {
        feed: "f".into(),
        days: vec![ServiceDay { begins, services: vec![0] }],
        runs: runs.iter().map(run).collect(),
    }
}

#[test]
fn a_trip_is_its_legs_one_after_the_other() {
    let (f, s) = (facility(FacilityKind::OffStreet, Site::default()), state(50));
    let got = only(&trip(), &park(&f, Some(&s)));
    assert_eq!((got.kind, got.door.seconds, got.departs), (TripKind::DrivePark, 900.0, NOW));
    assert_eq!((got.parks, got.arrives, got.open), (after(600), after(900), Some(true)));
    // Errors of the two do not all add up.
    assert!(got.door.high_s > 1_050.0 && got.door.high_s < 1_125.0, "{:?}", got.door);
    assert_eq!(got.space.basis, SpaceBasis::Present { observed_at: NOW });
    assert!(got.space.chance.unwrap() > 0.999 && got.cost_s - 900.0 < 1.0);
}

#[test]
fn who_wants_to_be_there_in_time_leaves_for_the_high_end() {
    let (f, s) = (facility(FacilityKind::OffStreet, Site::default()), state(50));
    let arrive = |s| Trip { when: When::Arrive(after(s)), ..trip() };
    let got = only(&arrive(3_600), &park(&f, Some(&s)));
    assert_eq!(got.departs, after(3_600) - seconds(got.door.high_s));
    assert!(got.arrives < after(3_600));
    assert_eq!(why(&arrive(1_000), &park(&f, Some(&s))), RuledOutBy::TooLate { arrives: after(900) });
}

#[test]
fn the_forecast_at_arrival_counts_less_those_who_are_there_first() {
    let (f, s) = (facility(FacilityKind::OffStreet, Site::default()), state(50));
    let ahead = forecast([[50, 50, 50], [14, 20, 32]]);
    let mut p = CarPark { forecast: Some(&ahead), ..park(&f, Some(&s)) };
    p.drive = Some(leg(LegKind::Drive, 3_600.0));
    let alone = only(&trip(), &p).space;
    assert_eq!((alone.basis, alone.free), (SpaceBasis::Forecast { made_at: NOW }, Some(20.0)));
    assert!((alone.free_low.unwrap() - 14.0).abs() < 1e-9 && (alone.free_high.unwrap() - 32.0).abs() < 1e-9);
    let load = FacilityLoad {
        facility: FacilityIx(0),
        own_vph: 0.0,
        sent_vph: 0.0,
        on_the_way: 12.0,
        leaving_vph: 0.0,
    };
    let minute = |s, vehicles| ExpectedMinute { minute: after(s), vehicles };
    let expected =
        ExpectedArrivals { facility: FacilityIx(0), arrivals: vec![minute(1_800, 3), minute(7_000, 50)] };
    (p.load, p.expected) = (Some(&load), Some(&expected));
    let shared = only(&trip(), &p).space;
    assert_eq!((shared.on_the_way, shared.free), (15.0, Some(5.0)));
    assert!(shared.chance < alone.chance);
    // Another forty on their way, and it will be full.
    let load = FacilityLoad { on_the_way: 52.0, ..load };
    p.load = Some(&load);
    assert!(matches!(why(&trip(), &p), RuledOutBy::Full { chance: Some(chance) } if chance < 0.01));
}

#[test]
fn without_a_forecast_the_present_figure_counts_less_the_further_ahead_it_is() {
    let (f, s) = (facility(FacilityKind::OffStreet, Site::default()), state(6));
    let mut p = park(&f, Some(&s));
    let chance = |p: &CarPark<'_>| only(&trip(), p).space.chance.unwrap();
    let (soon, later) = (chance(&p), {
        p.drive = Some(leg(LegKind::Drive, 2_400.0));
        chance(&p)
    });
    assert!(soon > later && later > 0.5, "{soon} {later}");
    // With what goes in and out, a trend.
    let load = |own_vph, leaving_vph| FacilityLoad {
        facility: FacilityIx(0),
        own_vph,
        sent_vph: 0.0,
        on_the_way: 0.0,
        leaving_vph,
    };
    let (filling, emptying) = (load(40.0, 10.0), load(0.0, 30.0));
    p.load = Some(&emptying);
    assert_eq!(only(&trip(), &p).space.free, Some(26.0));
    p.load = Some(&filling);
    assert!(matches!(why(&trip(), &p), RuledOutBy::Full { chance: Some(_) }));
}

#[test]
fn what_is_not_known_promises_nothing_and_is_not_ruled_out() {
    let f = facility(FacilityKind::OffStreet, Site::default());
    let mut stale = state(90);
    stale.valid_until = Some(NOW);
    for s in [None, Some(&stale), Some(&FacilityState { quality: Quality::Missing, free: None, ..state(90) })]
    {
        let got = only(&trip(), &park(&f, s));
        assert_eq!((got.space.chance, got.space.basis), (None, SpaceBasis::Unknown));
        assert_eq!(got.cost_s, 900.0 + 600.0);
    }
}

#[test]
fn what_is_closed_on_arrival_is_ruled_out_and_what_opens_in_time_is_not() {
    let (f, mut s) = (facility(FacilityKind::OffStreet, Site::default()), state(50));
    let opens =
        |at: u64| move |asked: Timestamp| if asked < after(at) { Opening::Closed } else { Opening::Open };
    let (in_time, too_late, unknown) = (opens(600), opens(601), |_| Opening::Unknown);
    let arrival = after(600);
    let mut p = park(&f, Some(&s));
    p.hours = Some(&too_late);
    assert_eq!(why(&trip(), &p), RuledOutBy::Closed { arrival, by: ClosedBy::Hours });
    p.hours = Some(&in_time);
    assert_eq!(only(&trip(), &p).open, Some(true));
    p.hours = Some(&unknown);
    assert_eq!(only(&trip(), &p).open, None);
    for (by, until, out) in [
        (ClosedBy::Operator, None, true),
        (ClosedBy::OwnWord, Some(after(601)), true),
        (ClosedBy::OwnWord, Some(after(600)), false),
        (ClosedBy::Hours, Some(after(9_000)), false),
    ] {
        s.closed = Some(Closed { by, until });
        let mut p = park(&f, Some(&s));
        p.hours = Some(&in_time);
        if out {
            assert_eq!(why(&trip(), &p), RuledOutBy::Closed { arrival, by });
        } else {
            only(&trip(), &p);
        }
    }
}

#[test]
fn a_full_car_park_too_low_a_roof_and_too_long_a_walk_are_ruled_out() {
    let f = facility(FacilityKind::OffStreet, Site { height_limit_cm: Some(190), ..Site::default() });
    let (s, full) = (state(50), state(2));
    assert_eq!(why(&trip(), &park(&f, Some(&full))), RuledOutBy::Full { chance: None });
    let high = Trip { height_cm: Some(191), ..trip() };
    assert_eq!(why(&high, &park(&f, Some(&s))), RuledOutBy::TooHigh { limit_cm: 190 });
    let mut p = park(&f, Some(&s));
    p.walk = Some(leg(LegKind::Walk, 2_000.0));
    assert_eq!(why(&trip(), &p), RuledOutBy::TooFar { walk_m: 2_800.0 });
    p.walk = None;
    assert_eq!(why(&trip(), &p), RuledOutBy::NoWay { by: LegKind::Walk });
    p.drive = None;
    assert_eq!(why(&trip(), &p), RuledOutBy::NoWay { by: LegKind::Drive });
}

#[test]
fn a_group_has_spaces_of_its_own() {
    let group = |group, capacity| Group { group, capacity, from: None };
    let groups = vec![group(UserGroup::Accessible, 4), group(UserGroup::Charging, 8)];
    let f = facility(FacilityKind::OffStreet, Site { groups, ..Site::default() });
    let counted = |group, capacity, free| GroupState { group, capacity, free };
    let mut s = state(60);
    s.groups = vec![counted(UserGroup::Accessible, 4, Some(3)), counted(UserGroup::Charging, 8, None)];
    let needs = |groups: &[UserGroup]| Trip { groups: groups.to_vec(), ..trip() };
    let loading = needs(&[UserGroup::Accessible, UserGroup::Loading]);
    assert_eq!(why(&loading, &park(&f, Some(&s))), RuledOutBy::NoSpaceFor { group: UserGroup::Loading });
    let accessible = only(&needs(&[UserGroup::Accessible]), &park(&f, Some(&s))).space;
    assert_eq!(accessible.free, Some(3.0));
    // Charging spaces are not counted on their own: of both together nothing is known.
    let both = only(&needs(&[UserGroup::Accessible, UserGroup::Charging]), &park(&f, Some(&s))).space;
    assert_eq!((both.chance, both.basis), (None, SpaceBasis::Unknown));
    // Anyone else does not count on the three.
    assert_eq!(only(&trip(), &park(&f, Some(&s))).space.free, Some(57.0));
}

#[test]
fn spaces_for_others_alone_and_for_shorter_stays_are_ruled_out() {
    let bays = |uses: &[UserGroup]| {
        let bay = |bay_use: &UserGroup| vlot_model::Bay {
            id: "b".into(),
            bay_use: *bay_use,
            device: vlot_model::DeviceIx(0),
        };
        let f = facility(FacilityKind::OnStreet, Site::default());
        Facility { counting: Counting::Bays, capacity: 2, bays: uses.iter().map(bay).collect(), ..f }
    };
    let s = state(50);
    let f = bays(&[UserGroup::Accessible, UserGroup::Loading]);
    assert_eq!(why(&trip(), &park(&f, Some(&s))), RuledOutBy::NoSpaceFor { group: UserGroup::Everyone });
    let f = bays(&[UserGroup::Accessible, UserGroup::ShortStay]);
    assert_eq!(only(&trip(), &park(&f, Some(&s))).stay_max_s, Some(1_800));
    let stay = |s| Trip { stay: Some(Duration::from_secs(s)), ..trip() };
    assert_eq!(why(&stay(1_801), &park(&f, Some(&s))), RuledOutBy::StayTooLong { limit_s: 1_800 });
    only(&stay(1_800), &park(&f, Some(&s)));
    // On Sundays one may stay.
    let not_on_sundays = |_| Opening::Closed;
    let sunday = CarPark { stay_hours: Some(&not_on_sundays), ..park(&f, Some(&s)) };
    assert_eq!(only(&stay(9_000), &sunday).stay_max_s, None);
    let f = bays(&[UserGroup::Everyone, UserGroup::ShortStay]);
    assert_eq!(only(&stay(9_000), &park(&f, Some(&s))).stay_max_s, None);
    // All of a car park's spaces may be a group's.
    let groups = vec![Group { group: UserGroup::Residents, capacity: 100, from: None }];
    let f = facility(FacilityKind::OffStreet, Site { groups, ..Site::default() });
    assert_eq!(why(&trip(), &park(&f, Some(&s))), RuledOutBy::NoSpaceFor { group: UserGroup::Everyone });
}

#[test]
fn the_best_over_the_edge_is_kept_so_that_both_can_be_compared() {
    let (inner, s) = (facility(FacilityKind::OffStreet, Site::default()), state(50));
    let outer = edge(vec![line(None)]);
    let mut parks: Vec<_> =
        (0..4).map(|ix| CarPark { ix: FacilityIx(ix), ..park(&inner, Some(&s)) }).collect();
    parks.push(CarPark { ix: FacilityIx(4), walk: None, ..park(&outer, Some(&s)) });
    let kept = |most| {
        let mut got = options(&trip(), &parks, &[]);
        got.keep(most);
        got.options.iter().map(|o| (o.kind, o.at)).collect::<Vec<_>>()
    };
    let inner = |ix| (TripKind::DrivePark, ParkedAt::Facility(FacilityIx(ix)));
    let outer = (TripKind::EdgeRide, ParkedAt::Facility(FacilityIx(4)));
    assert_eq!(kept(3), [inner(0), inner(1), outer]);
    assert_eq!(kept(1), [inner(0)]);
    assert_eq!(kept(9), [inner(0), inner(1), inner(2), inner(3), outer]);
}

#[test]
fn the_edge_by_headway_is_half_of_one_and_the_interval_all_of_it() {
    let (f, s) = (edge(vec![line(None)]), state(50));
    let got = options(&trip(), &[CarPark { walk: None, ..park(&f, Some(&s)) }], &[]);
    let [got] = &got.options[..] else { panic!("{got:?}") };
    assert_eq!(
        (got.kind, got.onward, got.door.seconds),
        (TripKind::EdgeRide, Some(0), 600.0 + 600.0 + 600.0 + 120.0)
    );
    let wait = got.legs[1];
    assert_eq!((wait.kind, wait.basis), (LegKind::Wait, LegBasis::Headway { minutes: 20 }));
    assert_eq!(wait.time, Span { seconds: 600.0, low_s: 0.0, high_s: 1_200.0 });
    assert!(got.door.low_s < 1_920.0 - 600.0 && got.door.high_s > 1_920.0 + 600.0);
    let kinds: Vec<_> = got.legs.iter().map(|leg| leg.kind).collect();
    assert_eq!(kinds, [LegKind::Drive, LegKind::Wait, LegKind::Ride, LegKind::Walk]);
}

#[test]
fn the_edge_by_timetable_waits_for_the_next_run() {
    let (f, s) = (edge(vec![line(Some(timetable(&[300, 660, 1_260])))]), state(50));
    let edge_of = |trip: &Trip| options(trip, &[CarPark { walk: None, ..park(&f, Some(&s)) }], &[]);
    let got = edge_of(&trip());
    let got = &got.options[0];
    assert_eq!(got.legs[1].basis, LegBasis::Timetable { leaves: after(660) });
    assert_eq!((got.legs[1].time.seconds, got.legs[2].time.seconds), (60.0, 540.0));
    assert_eq!(got.arrives, after(660 + 540 + 120));
    // Driving for a quarter longer, one misses it and waits for the next: that is in the interval.
    assert!(got.door.high_s >= (1_260 + 540 + 120) as f64, "{:?}", got.door);
    // To be there by an instant, the run before it is taken, and driving to it may take its high end.
    let got = edge_of(&Trip { when: When::Arrive(after(2_000)), ..trip() });
    let got = &got.options[0];
    assert_eq!(
        (got.departs, got.legs[1].basis),
        (after(1_260 - 750), LegBasis::Timetable { leaves: after(1_260) })
    );
    assert!(got.arrives <= after(2_000));
    let early = edge_of(&Trip { when: When::Arrive(after(1_300)), ..trip() });
    assert!(matches!(early.ruled_out[1].why, RuledOutBy::TooLate { .. }), "{early:?}");
}

#[test]
fn a_timetable_that_has_ended_is_not_used_and_one_without_a_run_says_so() {
    let ended = {
        let mut t = timetable(&[660]);
        t.days[0].begins = NOW - Duration::from_hours(24 * 300);
        t
    };
    let s = state(50);
    let f = edge(vec![line(Some(ended))]);
    let got = options(&trip(), &[CarPark { walk: None, ..park(&f, Some(&s)) }], &[]);
    assert_eq!(got.options[0].legs[1].basis, LegBasis::Headway { minutes: 20 });
    let f = edge(vec![line(Some(timetable(&[300])))]);
    let got = options(&trip(), &[CarPark { walk: None, ..park(&f, Some(&s)) }], &[]);
    assert_eq!(got.ruled_out[1].why, RuledOutBy::NoDeparture { from: after(600) });
}

#[test]
fn of_several_lines_the_best_is_taken_and_an_edge_without_any_says_so() {
    let s = state(50);
    let slow = Onward { ride_min: 30, ..line(None) };
    let f = edge(vec![slow, line(None)]);
    let got = options(&trip(), &[park(&f, Some(&s))], &[]);
    let kinds: Vec<_> = got.options.iter().map(|o| (o.kind, o.onward)).collect();
    assert_eq!(kinds, [(TripKind::DrivePark, None), (TripKind::EdgeRide, Some(1))]);
    let none = edge(Vec::new());
    assert_eq!(options(&trip(), &[park(&none, Some(&s))], &[]).ruled_out[0].why, RuledOutBy::NoLine);
}

fn section(ix: u32, rack: RackKind) -> (SectionIx, Section) {
    let sources = vlot_model::SectionSources::default();
    let section = Section {
        id: format!("s{ix}").into(),
        name: String::new(),
        garage: GarageIx(0),
        capacity: 50,
        rack,
        level: 0,
        full_at: 1,
        reopen_at: 3,
        sources,
    };
    (SectionIx(ix), section)
}

#[test]
fn a_bicycle_goes_where_its_racks_are() {
    let sections = [section(0, RackKind::TwoTier), section(1, RackKind::Cargo), section(2, RackKind::Single)];
    let free = |ix, free| SectionState {
        section: SectionIx(ix),
        capacity: 50,
        free,
        status: FacilityStatus::SpacesAvailable,
        observed_at: Some(NOW),
        valid_until: Some(after(600)),
        quality: Quality::Good,
        certainty: None,
    };
    let state = GarageState {
        garage: GarageIx(0),
        sections: vec![free(0, Some(40)), free(1, Some(3)), free(2, None)],
        free: None,
        capacity: 150,
        observed_at: None,
        valid_until: None,
        quality: Quality::Good,
        sensors: Share::default(),
        unmoved: None,
    };
    let garage = |site| Garage {
        id: "g".into(),
        name: "G".into(),
        position: LonLat::default(),
        sections: Vec::new(),
        valid_for: Duration::from_secs(600),
        site,
    };
    let advise = |trip: &Trip, site: GarageSite, sections: &[(SectionIx, Section)]| {
        let g = garage(site);
        let garage = BicycleGarage {
            ix: GarageIx(0),
            garage: &g,
            sections: sections.iter().map(|(ix, section)| (*ix, section)).collect(),
            state: Some(&state),
            cycle: Some(leg(LegKind::Cycle, 300.0)),
            walk: Some(leg(LegKind::Walk, 60.0)),
        };
        options(trip, &[], &[garage])
    };
    let got = advise(&trip(), GarageSite::default(), &sections);
    assert_eq!(
        (got.options[0].sections.clone(), got.options[0].space.free),
        (vec![SectionIx(0), SectionIx(2)], Some(40.0))
    );
    let cargo = Trip { cargo: true, ..trip() };
    let got = advise(&cargo, GarageSite::default(), &sections);
    assert_eq!((got.options[0].sections.clone(), got.options[0].space.free), (vec![SectionIx(1)], Some(3.0)));
    let ground = Trip { two_tier: false, ..trip() };
    let got = advise(&ground, GarageSite::default(), &sections);
    assert_eq!((got.options[0].sections.clone(), got.options[0].space.chance), (vec![SectionIx(2)], None));
    let why = |trip: &Trip, site, sections: &[_]| advise(trip, site, sections).ruled_out[0].why.clone();
    assert_eq!(why(&ground, GarageSite::default(), &sections[..2]), RuledOutBy::NoRack);
    let shed = GarageSite { kind: GarageKind::Shed, ..GarageSite::default() };
    assert_eq!(why(&trip(), shed, &sections), RuledOutBy::NotPublic);
    let over = GarageSite { stands: Some((NOW, after(200))), ..GarageSite::default() };
    assert_eq!(
        why(&trip(), over, &sections),
        RuledOutBy::Closed { arrival: after(300), by: ClosedBy::Dates }
    );
}

prop_compose! {
    /// Free spaces if they are known, seconds to drive and to walk, minutes between two departures, and what else may differ.
    fn candidates()(
        list in prop::collection::vec(
            (prop::option::of(0_u32..100), 60_u32..3_000, 10_u32..1_400, 1_u32..60, any::<[bool; 3]>()),
            1..12,
        ),
    ) -> Vec<(Option<u32>, u32, u32, u32, [bool; 3])> {
        list
    }
}

proptest! {
    #[test]
    fn nobody_is_sent_where_another_place_is_better_in_everything(list in candidates(), arrive in prop::option::of(0_u64..9_000)) {
        let made: Vec<_> = list
            .iter()
            .map(|(free, _, _, headway_min, [is_edge, by_timetable, closed])| {
                let timetable = by_timetable.then(|| timetable(&[500, 1_000, 2_000, 2_500, 4_000]));
                let on = Onward { headway_min: *headway_min, ..line(timetable) };
                let f = if *is_edge { edge(vec![on]) } else { facility(FacilityKind::OffStreet, Site::default()) };
                let mut s = state(free.unwrap_or(0));
                (s.free, s.status) = (*free, if *free == Some(0) { FacilityStatus::Full } else { s.status });
                s.closed = closed.then_some(Closed { by: ClosedBy::Operator, until: None });
                (f, s)
            })
            .collect();
        let parks: Vec<_> = (0..).zip(&made).zip(&list).map(|((ix, (f, s)), (_, drive, walk, ..))| CarPark {
            ix: FacilityIx(ix),
            drive: Some(leg(LegKind::Drive, f64::from(*drive))),
            walk: Some(leg(LegKind::Walk, f64::from(*walk))),
            ..park(f, Some(s))
        }).collect();
        let when = arrive.map_or(When::Depart(NOW), |s| When::Arrive(after(s)));
        let trip = Trip { when, ..trip() };
        let got = options(&trip, &parks, &[]);
        // Each way of each place is either an option or ruled out.
        let edges = parks.iter().filter(|p| p.facility.kind == FacilityKind::Edge).count();
        prop_assert_eq!(got.options.len() + got.ruled_out.len(), parks.len() + edges);
        for (i, worse) in got.options.iter().enumerate() {
            for better in &got.options[i + 1..] {
                let (a, b) = (better.space.chance.unwrap_or(0.0), worse.space.chance.unwrap_or(0.0));
                // The last digit of a chance near 1 is arithmetic.
                let dominates = better.door.seconds <= worse.door.seconds && a >= b
                    && (better.door.seconds < worse.door.seconds || a > b + 1e-9);
                prop_assert!(!dominates, "{worse:?} before {better:?}");
            }
            prop_assert!(worse.door.low_s <= worse.door.seconds && worse.door.seconds <= worse.door.high_s);
            let sum: f64 = worse.legs.iter().map(|leg| leg.time.seconds).sum();
            prop_assert!((sum - worse.door.seconds).abs() < 1e-3, "{sum} {:?}", worse.door);
            prop_assert!(worse.departs >= NOW && worse.parks <= worse.arrives);
            if let Some(s) = arrive {
                prop_assert!(worse.arrives <= after(s), "{worse:?}");
            }
            let ParkedAt::Facility(ix) = worse.at else { panic!("{worse:?}") };
            prop_assert!(!list[ix.at()].4[2], "closed");
            prop_assert!(list[ix.at()].0 != Some(0), "full");
        }
    }
}
