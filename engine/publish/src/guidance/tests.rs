use std::sync::Arc;

use vlot_model::{
    Arrow, Choice, Compliance, DeviceIx, FaceRow, Facility, FacilityIx, FacilityKind, FacilityLoad, LiveWay,
    LonLat, Matrix, Placement, RefusedSet, RowReason, Sight, Sign, SignIx,
};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + second)
}

/// A sign with four lines: Ladeuze, Bruul, Vaart, Kessel-Lo.
fn city() -> City {
    let facility = |name: &str| Facility {
        id: name.into(),
        name: name.into(),
        kind: FacilityKind::OffStreet,
        position: LonLat::default(),
        capacity: 200,
        counting: vlot_model::Counting::Barriers,
        bays: Vec::new(),
        valid_for: Duration::from_secs(60),
        min_share: 1.0,
        full_at: 4,
        reopen_at: 9,
        estimate: vlot_model::Reliability::of(200),
        site: vlot_model::Site::default(),
    };
    let line = |n: u32| SignLine {
        target: Target::Facility(FacilityIx(n)),
        label: "P".into(),
        arrow: Arrow::Left,
        travel_time: Duration::from_secs(120),
    };
    let sign = Sign {
        id: "ring".into(),
        name: "Ring".into(),
        position: LonLat::default(),
        matrix: Matrix { width_px: 96, height_px: 64 },
        placement: Placement::Street,
        lines: (0..4).map(line).collect(),
        template: 0,
        time_to_live: Duration::from_secs(90),
        min_dwell: Duration::from_secs(20),
        demand: 1.0,
        device: DeviceIx(0),
    };
    let facilities = ["Ladeuze", "Bruul", "Vaart", "Kessel-Lo"].map(facility).to_vec();
    City { facilities, signs: vec![sign], ..City::default() }
}

fn live(seconds: f32) -> LineWay {
    LineWay::Live(LiveWay {
        links: Arc::from([]),
        start_m: 0.0,
        end_m: 0.0,
        travel_time_s: seconds,
        length_m: 900.0,
        arrow: Arrow::Left,
    })
}

fn expected(free: f32, basis: ArrivalBasis, on_the_way: f32) -> Option<Arrival> {
    let (free_low, free_high) = (free - 7.0, free + 7.0);
    Some(Arrival { after_s: 240.0, free_low, free, free_high, on_the_way, chance: 0.999, basis })
}

/// Ladeuze and Bruul could be advised, Vaart is full, no way leads to Kessel-Lo.
fn plan(costs: [Option<f32>; 2], advice: Option<u32>, reason: AdviceReason) -> SignPlan {
    let walk_s = |cost_s: Option<f32>| cost_s.map(|_| 150.0);
    let line = |way, arrival, cost_s| LinePlan { way, arrival, avoid: false, cost_s, walk_s: walk_s(cost_s) };
    SignPlan {
        sign: SignIx(0),
        decided_at: at(600),
        lines: vec![
            line(live(240.0), expected(31.0, ArrivalBasis::Forecast, 3.4), costs[0]),
            line(LineWay::Configured, expected(12.0, ArrivalBasis::Trend, 0.2), costs[1]),
            line(live(200.0), expected(1.0, ArrivalBasis::Trend, 0.0), None),
            line(LineWay::None, None, None),
        ],
        advice,
        advised_since: advice.map(|_| at(0)),
        reason,
        seekers_vph: 40.0,
        edge: None,
    }
}

fn face(advice: Option<u32>) -> Face {
    let row = |(n, wanted): (u32, Figure)| FaceRow {
        target: Target::Facility(FacilityIx(n)),
        label: "P".into(),
        arrow: Arrow::Left,
        figure: wanted,
        minutes: None,
        filling: false,
        why: RowReason { sight: Sight::unseen(200), wanted, calm_until: None },
    };
    let wanted = [Figure::Free(31), Figure::Free(12), Figure::Full, Figure::Blank];
    Face {
        sign: SignIx(0),
        version: 1,
        rows: (0..).zip(wanted).map(row).collect(),
        advice,
        choice: Choice::default(),
        multi: String::new(),
        decided_at: at(600),
        valid_until: at(690),
        trigger: None,
    }
}

fn refused() -> GuidanceState {
    let faults = vec!["sign ring to Ladeuze: link 12 is closed".to_owned(), "and another".to_owned()];
    GuidanceState {
        proven_at: Some(at(500)),
        refused: Some(RefusedSet { since: at(510), faults }),
        ..Default::default()
    }
}

#[test]
fn every_advice_says_why_this_and_no_other() {
    use AdviceReason::{Assigned, Held, LastGood, Nearest, NoCandidate, Off, Withdrawn};
    let city = city();
    let (fine, broken) = (GuidanceState::default(), refused());
    let since = "since 1970-01-12T13:46:40Z";
    let of = "one of 2 lines with space and a way";
    let young = SignPlan { advised_since: Some(at(590)), ..plan([Some(460.0), Some(440.0)], Some(0), Held) };
    let table = [
        (
            plan([Some(400.0), Some(460.0)], Some(0), Assigned),
            &fine,
            format!(
                "Ladeuze is advised {since}: {of}, and the least time for all drivers together, 6.7 min for a driver, 60 s less \
                 than Bruul, the next."
            ),
        ),
        (
            plan([Some(400.0), Some(310.0)], Some(0), Assigned),
            &fine,
            format!(
                "Ladeuze is advised {since}: {of}, and the least time for all drivers together, 6.7 min for a driver; Bruul would be \
                 1.5 min less for one, and more for all who are sent there."
            ),
        ),
        (
            plan([Some(400.0), Some(400.5)], Some(0), Assigned),
            &fine,
            format!(
                "Ladeuze is advised {since}: {of}, and the least time for all drivers together, 6.7 min for a driver, as much as Bruul."
            ),
        ),
        (
            plan([Some(400.0), None], Some(0), Assigned),
            &fine,
            format!("Ladeuze is advised {since}: the only line with space and a way, 6.7 min for a driver."),
        ),
        (
            plan([Some(460.0), Some(440.0)], Some(0), Held),
            &fine,
            format!("Ladeuze stays advised {since}: Bruul would be 20 s less, and that is not worth a change, which takes 30 s."),
        ),
        (
            plan([Some(460.0), Some(360.0)], Some(0), Held),
            &fine,
            format!("Ladeuze stays advised {since}: Bruul would be 1.7 min less for one, and not for all who are sent there."),
        ),
        (
            plan([Some(460.0), Some(460.0)], Some(0), Held),
            &fine,
            format!("Ladeuze stays advised {since}: no other line is better."),
        ),
        (
            young,
            &fine,
            "Ladeuze stays advised since 1970-01-12T13:56:30Z: Bruul would be 20 s less, and this has not stood for 2.0 min yet."
                .to_owned(),
        ),
        (
            plan([Some(240.0), Some(120.0)], Some(1), Nearest),
            &fine,
            format!("Bruul is advised {since}: {of}, and the nearest, 2.0 min; the sign does not show it, for it no longer says that \
                     there is space."),
        ),
        (
            plan([Some(400.0), None], Some(0), LastGood),
            &broken,
            format!(
                "Ladeuze stays advised {since}: the newest set of advice broke a rule (sign ring to Ladeuze: link 12 is closed), and the \
                 last good one holds."
            ),
        ),
        (
            plan([None, None], None, LastGood),
            &broken,
            "No advice: the newest set of advice broke a rule (sign ring to Ladeuze: link 12 is closed), and in the last good one this \
             sign had none."
                .to_owned(),
        ),
        (
            plan([None, None], None, Withdrawn),
            &broken,
            "No advice: the newest set of advice broke a rule (sign ring to Ladeuze: link 12 is closed), and what was advised before no \
             longer holds either."
                .to_owned(),
        ),
        (
            plan([Some(1.0), None], None, Withdrawn),
            &fine,
            "No advice: it is taken back here, for following it from sign to sign would have led in a circle.".to_owned(),
        ),
        (
            plan([Some(1.0), None], None, Held),
            &fine,
            "No advice: a moment ago no line had both space and a way, and what comes and goes is not advised.".to_owned(),
        ),
        (plan([None, None], None, NoCandidate), &fine, "No advice: no line has both space and a way.".to_owned()),
        (plan([None, None], None, Off), &fine, "No advice: it is switched off: signs count, and advise nothing.".to_owned()),
    ];
    for (plan, state, expected) in table {
        // What the sign shows is what was planned, but for the one that says otherwise.
        let shown = if plan.reason == Nearest { None } else { plan.advice };
        let told = plan_reasons(&plan, Some(&face(shown)), Some(state), &city);
        assert_eq!(told.advice, expected);
        assert_eq!(told.lines.len(), 4);
    }
}

#[test]
fn every_line_says_what_it_would_cost_or_why_it_is_none() {
    let city = city();
    let lines = |plan: &SignPlan, face: Option<&Face>| plan_reasons(plan, face, None, &city).lines;
    let assigned = plan([Some(400.0), Some(460.0)], Some(0), AdviceReason::Assigned);
    let full = "1 free on arrival (-6 to 8), 99 % chance of a space, by what goes in and out now.";
    assert_eq!(
        lines(&assigned, Some(&face(Some(0)))),
        [
            "Ladeuze: 6.7 min, 4.0 min of it driving, 2.5 min on foot, 10 s for the risk of being turned away; 31 free on arrival (24 to \
             38), 99 % chance of a space, by its forecast, 3 on the way there taken off; advised."
                .to_owned(),
            "Bruul: 7.7 min, 2.0 min of it driving, 2.5 min on foot, 3.2 min for the risk of being turned away; 12 free on arrival (5 to 19), \
             99 % chance of a space, by what goes in and out now; 60 s more than Ladeuze."
                .to_owned(),
            format!("Vaart: not to be advised, it is full; {full}"),
            "Kessel-Lo: no way leads there now: the sign says nothing of it.".to_owned(),
        ]
    );
    // Without a face there is no word on a line that nothing is known of.
    assert_eq!(
        lines(&assigned, None)[2],
        format!("Vaart: not to be advised, nothing is known of it yet; {full}")
    );
    let cheaper = plan([Some(400.0), Some(310.0)], Some(0), AdviceReason::Assigned);
    assert!(lines(&cheaper, None)[1].ends_with("; 1.5 min less than Ladeuze."));
    let off = plan([None, None], None, AdviceReason::Off);
    assert!(lines(&off, None)[0].starts_with("Ladeuze: not compared, as advice is switched off, 31 free"));
}

#[test]
fn what_is_not_compared_says_what_is_so() {
    let (mut city, advised) = (city(), plan([Some(400.0), None], Some(0), AdviceReason::Assigned));
    let told = |plan: &SignPlan, city: &City, change: &dyn Fn(&mut FaceRow)| {
        let mut face = face(Some(0));
        change(&mut face.rows[1]);
        let line = plan_reasons(plan, Some(&face), None, city).lines.swap_remove(1);
        line.split(';').next().unwrap().to_owned()
    };
    let filling = |chance| {
        let mut plan = advised.clone();
        plan.lines[1].avoid = true;
        plan.lines[1].arrival.as_mut().unwrap().chance = chance;
        plan
    };
    let unsure = vlot_model::Certainty {
        occupied_low: 190,
        occupied_high: 200,
        says: Figure::Blank,
        why: vlot_model::SureWhy::MayBeFull,
        conflict: false,
        bays_alone: false,
        anchored: None,
    };
    let blank = |quality, observed: bool, sure: bool| {
        move |row: &mut FaceRow| {
            row.why.wanted = Figure::Blank;
            row.why.sight.quality = quality;
            row.why.sight.observed_at = observed.then(|| at(590));
            row.why.sight.certainty = sure.then_some(unsure);
        }
    };
    let table = [
        (told(&advised, &city, &|_| {}), "too few are free to send somebody there"),
        (told(&filling(0.4), &city, &|_| {}), "it will probably be full on arrival"),
        (told(&filling(0.6), &city, &|_| {}), "it is filling, and that is not clearly over"),
        (told(&advised, &city, &blank(Quality::Missing, false, false)), "nothing is known of it yet"),
        (told(&advised, &city, &blank(Quality::Good, true, true)), "it is not sure that it has space"),
        (told(&advised, &city, &blank(Quality::Stale, true, true)), "its figure cannot be trusted now"),
    ];
    for (told, why) in table {
        assert_eq!(told.trim_end_matches('.'), format!("Bruul: not to be advised, {why}"));
    }
    let group = Target::Group { facility: FacilityIx(1), group: vlot_model::UserGroup::Charging };
    city.signs[0].lines[1].target = group;
    assert!(
        told(&advised, &city, &|_| {})
            .contains("its spaces are for some alone, and the sign advises everybody")
    );
    city.places = vec![vlot_model::NamedPlace {
        id: "e314".into(),
        name: "E314".into(),
        position: LonLat::default(),
        mode: vlot_model::Mode::Car,
    }];
    city.signs[0].lines[1].target = Target::Place(vlot_model::PlaceIx(0));
    assert_eq!(
        told(&advised, &city, &blank(Quality::Missing, false, false)),
        "E314: never advised: it is a place, where nothing is counted."
    );
    let only = plan([Some(0.0), None], Some(0), AdviceReason::Nearest);
    let only = plan_reasons(&only, Some(&face(Some(0))), None, &city).advice;
    assert!(only.ends_with("the only line with space and a way, 4.0 min."), "{only}");
}

#[test]
fn guidance_says_how_it_does() {
    let city = city();
    let load = |n| FacilityLoad {
        facility: FacilityIx(n),
        own_vph: 31.4,
        sent_vph: 12.0,
        on_the_way: 2.6,
        leaving_vph: 20.0,
    };
    let good = GuidanceState {
        proven_at: Some(at(500)),
        compliance: Compliance { share: 0.42, sd: 0.061, minutes: 34.7 },
        entries_vph: 120.3,
        loads: vec![load(1)],
        ..GuidanceState::default()
    };
    assert_eq!(
        guidance_sentences(&good, &city),
        [
            "The newest set of advice was proven at 1970-01-12T13:55:00Z.",
            "42 % of drivers go where they are sent, \u{b1} 6, by 35 minutes of counts.",
            "120 vehicles an hour go into the facilities that signs announce.",
            "Bruul: 31 an hour come of their own accord, 12 an hour are sent, 3 of them on the way, 20 an hour leave.",
        ]
    );
    assert_eq!(refused_set(&good), None);
    let bad = refused();
    let what = "new sets of advice break a rule: sign ring to Ladeuze: link 12 is closed; and another; what still holds of the set \
                of 1970-01-12T13:55:00Z stands";
    assert_eq!(refused_set(&bad), Some((at(510), what.to_owned())));
    let told = guidance_sentences(&bad, &city);
    assert_eq!(told[0], format!("Since 1970-01-12T13:55:10Z {what}."));
    assert_eq!(told[1], "0 % of drivers are assumed to go where they are sent: nothing is measured yet.");
    assert_eq!(guidance_sentences(&GuidanceState::default(), &city)[0], "No set of advice yet.");
}
