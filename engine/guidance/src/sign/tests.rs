use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use vlot_model::{
    City, ClosedBy, DeviceIx, Face, FacilityStatus, Figure, LinePlan, LineWay, Quality, Sight, SignIx,
    SignPlan, Target, Timestamp, Trigger,
};

use super::{Occasion, SignLogic};
use crate::plan::Planner;
use crate::sight::{figure, is_untrue};
use crate::testing::{DWELL, FULL_AT, TIME_TO_LIVE, at, city, good};
use vlot_publish::{Reasons, reasons};

/// A sign under a hand-written sequence of events, one tick each.
struct Street {
    city: City,
    planner: Planner,
    logic: SignLogic,
    tick: u64,
    face: Option<Arc<Face>>,
}

impl Street {
    fn new() -> Self {
        let city = city();
        let planner = Planner::new(&Arc::new(city.clone()), at(0));
        Street { logic: SignLogic::new(SignIx(0), &city), planner, city, tick: 0, face: None }
    }

    fn clock(&mut self, second: i64) -> Option<Arc<Face>> {
        self.decide(second, Occasion::Clock)
    }

    fn note(&mut self, second: i64, line: usize, sight: Sight) -> Option<Arc<Face>> {
        let trigger = Trigger { device: DeviceIx(7), sequence: Some(1), observed_at: at(second) };
        self.logic.note(line, sight, Some(trigger));
        if let Target::Facility(facility) = self.city.signs[0].lines[line].target {
            self.planner.note(&crate::testing::facility_state(facility, &sight), at(second));
        }
        self.decide(second, Occasion::Note)
    }

    fn free(&mut self, second: i64, line: usize, free: u32) -> Option<Arc<Face>> {
        self.note(second, line, good(free, at(second)))
    }

    fn decide(&mut self, second: i64, occasion: Occasion) -> Option<Arc<Face>> {
        self.tick += 1;
        let plans = self.planner.decide(at(second)).0;
        plans.into_iter().filter(|plan| plan.sign == SignIx(0)).for_each(|plan| self.logic.plan(plan));
        let face = self.logic.decide(self.tick, at(second), occasion, &self.city).map(|(face, _)| face);
        self.face = face.clone().or_else(|| self.face.take());
        face
    }

    fn shown(&self) -> Vec<Figure> {
        self.face.as_ref().map(|f| f.rows.iter().map(|r| r.figure).collect()).unwrap_or_default()
    }

    fn why(&self, face: &Face) -> Reasons {
        reasons(face, &self.city)
    }

    fn advice(&self) -> Option<u32> {
        self.face.as_ref().and_then(|f| f.advice)
    }
}

use Figure::{Blank, Closed, Free, Full};

#[test]
fn before_any_data_a_face_is_dark_and_the_first_word_is_not_held_back() {
    let mut s = Street::new();
    let face = s.clock(0).unwrap();
    assert_eq!((face.version, s.shown(), face.advice), (1, vec![Blank; 3], None));
    assert_eq!(face.valid_until, at(0) + TIME_TO_LIVE);
    assert_eq!(s.why(&face).rows[0], "Near car park: nothing is shown, nothing is known of it yet.");
    let face = s.free(1, 0, 50).unwrap();
    assert_eq!((face.version, s.shown(), face.advice), (2, vec![Free(50), Blank, Blank], Some(0)));
    s.free(2, 2, 17);
    assert_eq!(s.shown(), [Free(50), Blank, Free(17)]);
}

#[test]
fn fewer_spaces_show_at_once_and_more_after_the_dwell() {
    let mut s = Street::new();
    s.free(0, 0, 15);
    assert!(s.free(1, 0, 16).is_none(), "an improvement waits");
    assert_eq!(s.free(2, 0, 14).unwrap().rows[0].figure, Free(14));
    assert!(s.free(21, 0, 18).is_none(), "19 s after the last change");
    assert_eq!(s.clock(22).unwrap().rows[0].figure, Free(18));
}

#[test]
fn a_figure_does_not_flicker_within_its_step() {
    let mut s = Street::new();
    s.free(0, 0, 127);
    for (second, free) in (1..60).zip([126, 127, 128, 121, 120, 125, 129].into_iter().cycle()) {
        if let Some(face) = s.free(second, 0, free) {
            panic!("{free} free: {face:?}");
        }
    }
    assert_eq!(s.shown()[0], Free(120));
}

#[test]
fn full_shows_at_once_and_figures_return_after_the_dwell() {
    let mut s = Street::new();
    s.free(0, 0, 15);
    let face = s.free(1, 0, 3).unwrap();
    assert_eq!((face.rows[0].figure, face.advice), (Full, None));
    assert_eq!(
        s.why(&face).rows[0],
        "Near car park: full, 3 of 200 spaces free (full at 4 or fewer, open again from 10); quality good, 4 of 4 \
         sensors report, observed at 1970-01-12T13:46:41Z, valid until 1970-01-12T13:47:41Z."
    );
    s.free(10, 0, 30);
    assert_eq!(s.shown()[0], Full);
    s.clock(21);
    assert_eq!((s.shown()[0], s.advice()), (Free(30), Some(0)));
}

#[test]
fn closed_shows_at_once() {
    let mut s = Street::new();
    s.free(0, 0, 15);
    s.note(1, 0, closed(None, Quality::Good, 1));
    assert_eq!((s.shown()[0], s.advice()), (Closed, None));
}

/// Closed by an operator, or by its own word until then.
fn closed(until: Option<i64>, quality: Quality, second: i64) -> Sight {
    let by = if until.is_some() { ClosedBy::OwnWord } else { ClosedBy::Operator };
    let closed = Some(vlot_model::Closed { by, until: until.map(at) });
    Sight { status: FacilityStatus::Closed, closed, quality, ..good(15, at(second)) }
}

#[test]
fn closed_stays_on_a_sign_while_its_figures_grow_old() {
    let mut s = Street::new();
    s.free(0, 0, 15);
    s.note(1, 0, closed(None, Quality::Stale, -100));
    assert_eq!(s.shown()[0], Closed);
    // Nothing more is heard of it: the face is renewed all the same, by its time to live.
    for second in 2..1_000 {
        s.clock(second);
        let face = s.face.as_ref().unwrap();
        assert_eq!(face.rows[0].figure, Closed, "second {second}");
        assert!(face.valid_until > at(second + 1) && face.valid_until <= at(second) + TIME_TO_LIVE);
    }
    let face = s.face.clone().unwrap();
    assert_eq!(
        s.why(&face).rows[0],
        "Near car park: closed, by an operator, until taken back; its figure is stale, which does not matter here."
    );
    // Figures alone do not open it, and the word of its own device ends.
    let face = s.note(1_001, 0, closed(Some(1_030), Quality::Missing, -100)).unwrap();
    assert_eq!(face.valid_until, at(1_030));
    for second in 1_002..1_030 {
        s.clock(second);
        assert_eq!(s.shown()[0], Closed, "second {second}");
    }
    s.clock(1_030);
    assert_eq!(s.shown()[0], Blank);
}

#[test]
fn a_figure_that_cannot_be_trusted_leaves_at_once() {
    for quality in [Quality::Degraded, Quality::Stale, Quality::Missing] {
        let mut s = Street::new();
        s.free(0, 0, 15);
        s.note(1, 0, Sight { quality, ..good(15, at(1)) });
        assert_eq!((s.shown()[0], s.advice()), (Blank, None), "{quality:?}");
        s.free(2, 0, 15);
        assert_eq!(s.shown()[0], Blank, "it comes back with calm");
        s.clock(21);
        assert_eq!(s.shown()[0], Free(15));
    }
}

#[test]
fn a_face_ends_with_the_first_of_its_figures_and_goes_dark_by_itself() {
    let mut s = Street::new();
    let face = s.free(0, 0, 15).unwrap();
    assert_eq!(face.valid_until, at(60));
    s.free(10, 1, 15);
    assert_eq!(s.face.as_ref().unwrap().valid_until, at(60));
    for second in 11..60 {
        s.clock(second);
    }
    assert_eq!(s.shown(), [Free(15), Free(15), Blank]);
    let face = s.clock(60).unwrap();
    assert_eq!((s.shown(), face.valid_until), (vec![Blank, Free(15), Blank], at(70)));
    assert!(face.trigger.is_none());
    assert_eq!(
        s.why(&face).rows[0],
        "Near car park: nothing is shown, its figure is past its validity, observed at 1970-01-12T13:46:40Z, valid \
         until 1970-01-12T13:47:40Z."
    );
}

#[test]
fn a_shorter_validity_shortens_the_face() {
    let mut s = Street::new();
    s.free(0, 0, 15);
    let face = s.note(1, 0, Sight { valid_until: Some(at(30)), ..good(15, at(1)) }).unwrap();
    assert_eq!((face.version, face.valid_until), (1, at(30)));
}

#[test]
fn a_face_is_renewed_when_half_of_its_life_is_over() {
    let mut s = Street::new();
    s.note(0, 0, Sight { valid_until: Some(at(1_000)), ..good(15, at(0)) });
    let first = s.face.clone().unwrap();
    let renewals: Vec<_> = (1..200).filter_map(|second| s.clock(second).map(|face| (second, face))).collect();
    let seconds: Vec<_> = renewals.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds, [46, 92, 138, 184]);
    for (second, face) in renewals {
        assert_eq!(*face, Face { valid_until: at(second) + TIME_TO_LIVE, ..(*first).clone() });
    }
}

#[test]
fn the_advice_keeps_to_its_line_and_moves_when_it_must() {
    let mut s = Street::new();
    s.free(0, 2, 50);
    assert_eq!(s.advice(), Some(2));
    s.free(1, 1, 50);
    assert_eq!(s.advice(), Some(2), "a better advice waits");
    s.clock(21);
    assert_eq!(s.advice(), Some(1));
    s.free(41, 0, 50);
    s.clock(60);
    assert_eq!(s.advice(), Some(1), "10 s nearer is within the margin");
    let face = s.free(62, 1, 2).unwrap();
    assert_eq!(s.advice(), Some(0), "without space it moves at once");
    assert_eq!(s.why(&face).advice, "Near car park: 50 of 200 spaces free, the only line with space.");
    s.clock(400);
    assert_eq!((s.shown(), s.advice()), (vec![Blank; 3], None));
}

#[test]
fn a_change_names_its_reading_and_a_delayed_one_does_not() {
    let mut s = Street::new();
    let face = s.free(0, 0, 15).unwrap();
    assert_eq!(face.trigger.map(|t| t.observed_at), Some(at(0)));
    s.free(1, 0, 18);
    let face = s.clock(20).unwrap();
    assert_eq!((face.rows[0].figure, face.trigger), (Free(18), None));
}

#[test]
fn a_sign_in_a_garage_advises_its_first_section_with_places() {
    let city = city();
    let mut inside = SignLogic::new(SignIx(1), &city);
    let mut planner = Planner::new(&Arc::new(city.clone()), at(0));
    let mut tick = 0;
    let mut decide = |second, places: [u32; 2]| {
        tick += 1;
        for (line, free) in places.into_iter().enumerate() {
            inside.note(line, good(free, at(second)), None);
        }
        planner.note(&crate::testing::garage_state(places, at(second)), at(second));
        let plans = planner.decide(at(second)).0;
        plans.into_iter().filter(|plan| plan.sign == SignIx(1)).for_each(|plan| inside.plan(plan));
        inside.decide(tick, at(second), Occasion::Note, &city).map(|(face, _)| face)
    };
    assert_eq!(decide(0, [0, 30]).unwrap().advice, Some(1));
    let face = decide(30, [12, 30]).unwrap();
    assert_eq!(face.advice, Some(1), "equal travel times do not take an advice over");
    let face = decide(31, [12, 0]).unwrap();
    assert_eq!(
        (face.advice, reasons(&face, &city).advice.as_str()),
        (Some(0), "Section A: 12 of 200 places free, the first of 2 lines with space.")
    );
}

#[test]
fn a_line_without_a_way_points_nowhere_and_the_edge_is_shown_while_it_has_space() {
    let mut city = city();
    city.templates[0].multi =
        "{figure.1}{figure.2}{figure.3}{time.1}{arrow.1}{edge?}|{edge.drive}|{/edge}".into();
    let mut logic = SignLogic::new(SignIx(0), &city);
    let edge = vlot_model::EdgeOrIn { line: 2, drive_s: 100.0, onward_s: 60.0, in_s: 200.0 };
    let mut decide = |second: i64, free: u32, way: LineWay, edge| {
        for line in 0..3 {
            logic.note(line, good(if line == 2 { free } else { 50 }, at(second)), None);
        }
        let mut plan = plan(&city, None, at(second));
        (plan.lines[0].way, plan.edge) = (way, edge);
        logic.plan(Arc::new(plan));
        let tick = u64::try_from(second).unwrap() + 1;
        logic.decide(tick, at(second), Occasion::Note, &city).map(|(face, _)| face)
    };
    let face = decide(0, 40, LineWay::Configured, Some(edge)).unwrap();
    assert!(face.multi.contains("1 min") && face.multi.contains("|[cf0,255,64]2 min|"), "{}", face.multi);
    let face = decide(1, 40, LineWay::None, Some(edge)).unwrap();
    let row = &face.rows[0];
    assert_eq!((row.figure, row.arrow, row.minutes), (Blank, vlot_model::Arrow::None, None));
    assert!(face.multi.contains("|[cf0,255,64]2 min|"));
    let face = decide(30, 40, LineWay::Configured, Some(edge)).unwrap();
    assert_eq!((face.rows[0].arrow, face.rows[0].minutes), (vlot_model::Arrow::Ahead, Some(1)));
    let face = decide(31, 2, LineWay::Configured, Some(edge)).unwrap();
    assert!(!face.multi.contains('|'), "nobody is sent to an edge that is full: {}", face.multi);
    let face = decide(90, 40, LineWay::Configured, Some(edge)).unwrap();
    assert!(face.multi.contains('|'));
    assert!(!decide(91, 40, LineWay::Configured, None).unwrap().multi.contains('|'), "it no longer holds");
}

// ---- Any sequence of events ----

#[derive(Clone, Debug)]
enum Event {
    Clock,
    Note { line: usize, sight: Sight },
    Plan { advice: Option<u32> },
}

/// What could be decided for the sign.
fn plan(city: &City, advice: Option<u32>, at: Timestamp) -> SignPlan {
    let line = LinePlan { way: LineWay::Configured, arrival: None, avoid: false, cost_s: None, walk_s: None };
    SignPlan {
        edge: None,
        sign: SignIx(0),
        decided_at: at,
        lines: vec![line; city.signs[0].lines.len()],
        advice,
        advised_since: Some(at),
        reason: vlot_model::AdviceReason::Nearest,
        seekers_vph: 0.0,
    }
}

/// Seconds since the last event, and the event. Times of validity are relative to it.
fn event() -> impl Strategy<Value = (u8, Event)> {
    let free = prop_oneof![0..8_u32, 0..30_u32, 0..200_u32];
    let status = prop_oneof![
        8 => Just(None),
        1 => Just(Some(FacilityStatus::Closed)),
        1 => Just(Some(FacilityStatus::Unknown)),
        1 => Just(Some(FacilityStatus::Full)),
    ];
    let quality =
        prop_oneof![8 => Just(Quality::Good), 1 => Just(Quality::Degraded), 1 => Just(Quality::Stale)];
    let closed = prop_oneof![Just(None), Just(Some(None)), (0..200_i64).prop_map(|s| Some(Some(s)))];
    let note = (0..3_usize, free, status, quality, 1..200_u64, closed).prop_map(
        |(line, free, status, quality, valid_for, closed)| {
            let mut sight = Sight { quality, ..good(free, at(0)) };
            sight.status = status.unwrap_or(sight.status);
            let until = |until: Option<i64>| until.map(at);
            sight.closed = closed.map(|s| vlot_model::Closed { by: ClosedBy::OwnWord, until: until(s) });
            sight.valid_until = Some(at(0) + Duration::from_secs(valid_for));
            Event::Note { line, sight }
        },
    );
    let plan = prop::option::of(0..3_u32).prop_map(|advice| Event::Plan { advice });
    let dt = prop_oneof![4 => 0..3_u8, 1 => 0..40_u8];
    (dt, prop_oneof![1 => Just(Event::Clock), 2 => note, 1 => plan])
}

/// The rules of the crate's first page, told once more without any cleverness.
#[derive(Default)]
struct Twin {
    shown: Vec<Figure>,
    row_changes: Vec<Option<i64>>,
    advice: Option<usize>,
    face_change: Option<i64>,
}

impl Twin {
    fn step(&mut self, now: i64, sights: &[Sight], planned: Option<usize>) {
        let dwell = i64::try_from(DWELL.as_secs()).unwrap();
        let old = |change: Option<i64>| change.is_none() || change.is_some_and(|c| now - c >= dwell);
        let wanted: Vec<Figure> = sights.iter().map(|s| figure(s, at(now))).collect();
        let urgent = |r: usize, shown: &[Figure], changes: &[Option<i64>]| {
            is_untrue(shown[r], wanted[r]) || (changes[r].is_none() && wanted[r] != Blank)
        };
        let anything_urgent = (0..3).any(|r| urgent(r, &self.shown, &self.row_changes));
        let face_may_change = anything_urgent || old(self.face_change);
        let mut changed = false;
        for (r, &wanted) in wanted.iter().enumerate() {
            let may = face_may_change && old(self.row_changes[r]) && self.shown[r] != wanted;
            if urgent(r, &self.shown, &self.row_changes) || may {
                self.shown[r] = wanted;
                self.row_changes[r] = Some(now);
                changed = true;
            }
        }
        // What is decided for it holds at once, as long as the line says that there is space.
        let advice = planned.filter(|r| {
            let sight = &sights[*r];
            let enough = sight.free.is_some_and(|free| free > FULL_AT);
            matches!(self.shown[*r], Free(_)) && sight.status == FacilityStatus::SpacesAvailable && enough
        });
        changed |= advice != self.advice;
        self.advice = advice;
        if changed && self.row_changes.iter().any(Option::is_some) {
            self.face_change = Some(now);
        }
    }
}

/// What must hold of a sign after every event, whatever came before.
fn check(
    now: Timestamp,
    sights: &[Sight],
    event: &Event,
    before: Option<&Face>,
    emitted: Option<&(Arc<Face>, bool)>,
    changed_at: &mut [Option<Timestamp>],
) -> Result<(), TestCaseError> {
    let face = emitted.map(|(face, _)| &**face).or(before).unwrap();
    for (i, row) in face.rows.iter().enumerate() {
        let sight = &sights[i];
        // Truth, of whatever is on display now.
        prop_assert!(
            !is_untrue(row.figure, figure(sight, now)),
            "row {i} shows {:?} of {sight:?}",
            row.figure
        );
        if row.figure == Closed && sight.status == FacilityStatus::Closed && emitted.is_some() {
            let until = sight.closed.expect("somebody says so").until;
            prop_assert!(until.is_none_or(|until| now < until && face.valid_until <= until));
        } else if row.figure != Blank && emitted.is_some() {
            prop_assert_eq!(sight.quality, Quality::Good);
            prop_assert!(sight.valid_until.unwrap() > now);
            prop_assert!(face.valid_until <= sight.valid_until.unwrap());
        }
        if let Free(figure) = row.figure {
            prop_assert!(figure <= sight.free.unwrap());
        }
        // Full comes with the status, never before it.
        let was = before.map_or(Blank, |f| f.rows[i].figure);
        if row.figure == Full && was != Full {
            prop_assert_eq!(sight.status, FacilityStatus::Full);
        }
        // Calm: good news waits.
        if row.figure != was {
            let waited = changed_at[i].is_none_or(|since| now.since(since) >= DWELL);
            prop_assert!(waited || is_untrue(was, row.figure), "row {i}: {was:?} to {:?}", row.figure);
            changed_at[i] = Some(now);
        }
    }
    if let Some(advice) = face.advice {
        let i = advice as usize;
        prop_assert!(matches!(face.rows[i].figure, Free(_)));
        prop_assert!(sights[i].free.unwrap() > FULL_AT);
    }
    let Some((face, is_new)) = emitted else { return Ok(()) };
    prop_assert!(face.version > 0 && face.valid_until <= now + TIME_TO_LIVE);
    let content = |f: &Face| (f.rows.clone(), f.advice, f.multi.clone());
    if let Some(before) = before {
        prop_assert_eq!(*is_new, content(before) != content(face));
        prop_assert_eq!(*is_new, before.version < face.version);
        if !is_new {
            prop_assert_eq!(&Face { valid_until: face.valid_until, ..before.clone() }, &**face);
        }
    }
    if matches!(event, Event::Clock) && *is_new {
        prop_assert!(face.trigger.is_none());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_sign_tells_the_truth_first_and_keeps_calm_second(events in prop::collection::vec(event(), 1..120)) {
        let city = city();
        let mut logic = SignLogic::new(SignIx(0), &city);
        let mut twin = Twin { shown: vec![Blank; 3], row_changes: vec![None; 3], ..Twin::default() };
        let mut sights = vec![Sight::unseen(200); 3];
        let mut changed_at = vec![None; 3];
        let (mut now, mut face): (i64, Option<Arc<Face>>) = (0, None);
        let mut planned = None;
        for (tick, (dt, event)) in (1..).zip(&events) {
            now += i64::from(*dt);
            let occasion = match event {
                Event::Clock => Occasion::Clock,
                Event::Plan { advice } => {
                    planned = advice.map(|line| line as usize);
                    logic.plan(Arc::new(plan(&city, *advice, at(now))));
                    Occasion::Note
                }
                Event::Note { line, sight } => {
                    let valid_until = sight.valid_until.map(|until| at(now) + until.since(at(0)));
                    let mut closed = sight.closed;
                    if let Some(until) = closed.as_mut().and_then(|closed| closed.until.as_mut()) {
                        *until = at(now) + until.since(at(0));
                    }
                    sights[*line] = Sight { valid_until, closed, observed_at: Some(at(now)), ..*sight };
                    let trigger = Trigger { device: DeviceIx(0), sequence: None, observed_at: at(now) };
                    logic.note(*line, sights[*line], Some(trigger));
                    Occasion::Note
                }
            };
            let emitted = logic.decide(tick, at(now), occasion, &city);
            check(at(now), &sights, event, face.as_deref(), emitted.as_ref(), &mut changed_at)?;
            twin.step(now, &sights, planned);
            face = emitted.map(|(face, _)| face).or(face);
            let shown: Vec<_> = face.iter().flat_map(|f| f.rows.iter().map(|r| r.figure)).collect();
            prop_assert_eq!(&shown, &twin.shown);
            prop_assert_eq!(face.as_ref().and_then(|f| f.advice).map(|n| n as usize), twin.advice);
        }
    }

    /// A sign that hears every renewal never goes to its fallback while its figures hold.
    #[test]
    fn with_a_clock_a_face_never_runs_out_before_its_figures(
        every in 1..30_i64,
        longer in 1..150_u64,
        free in 0..200_u32,
    ) {
        let valid_for = u64::try_from(every).unwrap() * 2 + longer;
        let mut s = Street::new();
        for second in 0..300 {
            if second % every == 0 {
                let valid_until = Some(at(second) + Duration::from_secs(valid_for));
                s.note(second, 0, Sight { valid_until, ..good(free, at(second)) });
            }
            s.clock(second);
            prop_assert!(s.face.as_ref().unwrap().valid_until > at(second + 1), "second {second}");
        }
    }
}

#[test]
fn a_new_number_is_no_change_and_keeps_no_row_waiting() {
    let mut s = Street::new();
    s.free(0, 0, 10);
    s.free(2, 0, 12);
    s.logic.renumber();
    let face = s.clock(3).unwrap();
    assert_eq!((face.version, face.rows[0].figure), (3, Free(10)), "the dwell is not over");
    assert_eq!(s.clock(4), None);
    let dwell = i64::try_from(DWELL.as_secs()).unwrap();
    let face = s.clock(dwell).unwrap();
    assert_eq!((face.version, face.rows[0].figure), (5, Free(12)), "and has not begun anew");
}
