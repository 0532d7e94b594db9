use std::collections::BTreeSet;

use proptest::prelude::*;
use vlot_model::{Access, Link, LinkId, LinkIx, Modes, Permission, RoadClass};

use super::*;
use crate::{Draft, DraftLink, DraftTurn, geo};

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };
const START: i64 = 1_774_748_000;
const BLOCK_M: f64 = 150.0;
const SIDE: i64 = 5;

fn seconds(s: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a test")]
    Timestamp::from_micros((START * 1_000_000) + (s * 1e6) as i64)
}

fn at(s: f64, place: [f64; 2]) -> Point {
    Point { at: seconds(s), position: geo::offset(HERE, place), speed_kmh: None, heading_deg: None }
}

fn corner(node: i64) -> [f64; 2] {
    [(node % SIDE) as f64 * BLOCK_M, (node / SIDE) as f64 * BLOCK_M]
}

/// A town of square blocks. Streets are numbered; `closed` says which have a direction that no car may use, and
/// `no_turn` picks turns that are forbidden.
fn town(closed: &[bool], no_turn: &[u8]) -> Arc<RoadNetwork> {
    let mut draft = Draft::new("test");
    let mut streets = Vec::new();
    for node in 0..SIDE * SIDE {
        if node % SIDE + 1 < SIDE {
            streets.push([node, node + 1]);
        }
        if node + SIDE < SIDE * SIDE {
            streets.push([node, node + SIDE]);
        }
    }
    let mut links = Vec::new();
    for (i, nodes) in streets.iter().enumerate() {
        for (way, nodes) in [*nodes, [nodes[1], nodes[0]]].into_iter().enumerate() {
            let id = |way: usize| 2 * i as u64 + way as u64 + 1;
            let mut access = Access::default();
            if way == 1 && closed.get(i).copied().unwrap_or(false) {
                access.always[Mode::Car as usize] = Permission::No;
            }
            links.push((id(way), nodes));
            draft.link(DraftLink {
                points: nodes.map(|n| geo::offset(HERE, corner(n))).to_vec(),
                access,
                opposite: Some(LinkId(id(1 - way))),
                ..DraftLink::new(nodes, id(way), RoadClass::Residential)
            });
        }
    }
    for pick in no_turn {
        let (from, nodes) = links[usize::from(*pick) % links.len()];
        let onward: Vec<_> = links.iter().filter(|(_, n)| n[0] == nodes[1] && n[1] != nodes[0]).collect();
        let (to, _) = onward[usize::from(*pick / 7) % onward.len()];
        draft.turn(DraftTurn {
            from: LinkId(from),
            via: Vec::new(),
            to: LinkId(*to),
            only: false,
            modes: Modes::ALL,
            hours: None,
        });
    }
    let made = draft.make();
    assert_eq!(made.refused, []);
    Arc::new(made.network)
}

fn matcher(network: &Arc<RoadNetwork>) -> Matcher {
    Matcher::new(Arc::clone(network), Mode::Car, Rules::default())
}

fn link(network: &RoadNetwork, ix: LinkIx) -> &Link {
    network.link(ix).expect("a link of the network")
}

fn banned(network: &RoadNetwork, from: LinkIx, to: LinkIx) -> bool {
    network.turns.iter().any(|t| t.from == from && t.to == to)
}

fn open(network: &RoadNetwork, ix: LinkIx) -> bool {
    network.access[link(network, ix).access as usize].usual(Mode::Car) != Permission::No
}

/// A drive as the network allows, without turning back: at each corner the `turn`th way on.
fn drive(network: &RoadNetwork, first: u8, turns: &[u8]) -> Vec<LinkIx> {
    let all: Vec<_> =
        (0..network.links.len()).map(LinkIx::from_position).filter(|l| open(network, *l)).collect();
    let mut way = vec![all[usize::from(first) % all.len()]];
    for turn in turns {
        let last = way[way.len() - 1];
        let onward: Vec<_> = all
            .iter()
            .copied()
            .filter(|next| {
                let (a, b) = (link(network, last), link(network, *next));
                a.to == b.from && a.opposite != Some(*next) && !banned(network, last, *next)
            })
            .collect();
        match onward.get(usize::from(*turn) % onward.len().max(1)) {
            Some(next) => way.push(*next),
            None => break,
        }
    }
    way
}

/// Points every so many seconds at so many metres a second, off by at most `noise` in each direction.
fn points(network: &RoadNetwork, way: &[LinkIx], every_s: f64, speed: f64, noise: &[[f64; 2]]) -> Vec<Point> {
    let length = |l: &LinkIx| f64::from(link(network, *l).length_m);
    let total: f64 = way.iter().map(length).sum();
    let mut out = Vec::new();
    for i in 0_u32.. {
        let mut along = f64::from(i) * every_s * speed;
        if along >= total {
            break;
        }
        let mut on = way.iter();
        let here = loop {
            let link = on.next().expect("a place before the end");
            if along < length(link) {
                break *link;
            }
            along -= length(link);
        };
        let shape = network.shape(here);
        let [a, b] = [0, 1].map(|i| geo::plane(HERE, shape[i]));
        let share = along / length(&here);
        let off = noise[i as usize % noise.len()];
        let place = [0, 1].map(|k| a[k] + (b[k] - a[k]) * share + off[k]);
        out.push(at(f64::from(i) * every_s, place));
    }
    out
}

fn follow(matcher: &Matcher, points: &[Point]) -> Vec<Traversal> {
    let (mut tracker, mut scratch, mut out) = (Tracker::new(), Scratch::new(), Vec::new());
    for point in points {
        tracker.take(matcher, &mut scratch, point, &mut out);
    }
    tracker.finish(matcher, &mut scratch, &mut out);
    out
}

/// Whatever was sent, what comes out is a way that a car may go.
fn holds(network: &RoadNetwork, matched: &Matched) {
    for (i, passed) in matched.passed.iter().enumerate() {
        let length_m = link(network, passed.link).length_m;
        assert!(open(network, passed.link), "a forbidden direction");
        assert!(
            0.0 <= passed.from_m && passed.from_m < passed.to_m && passed.to_m <= length_m + 0.01,
            "{passed:?}"
        );
        assert!(passed.from <= passed.to, "{passed:?}");
        let Some(next) = matched.passed.get(i + 1) else { break };
        assert!(passed.to <= next.from);
        if !matched.breaks.contains(&(i + 1)) {
            assert_eq!(link(network, passed.link).to, link(network, next.link).from);
            assert!((passed.to_m - length_m).abs() < 0.01 && next.from_m == 0.0, "{passed:?} {next:?}");
            assert!(!banned(network, passed.link, next.link), "a forbidden turn");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_noisy_drive_is_found_again(
        closed in prop::collection::vec(any::<bool>(), 40),
        no_turn in prop::collection::vec(any::<u8>(), 0..6),
        first: u8,
        turns in prop::collection::vec(any::<u8>(), 6..20),
        noise in prop::collection::vec(prop::array::uniform2(-9.0..9.0_f64), 7..30),
        every_s in 1.0..7.0_f64,
    ) {
        let network = town(&closed, &no_turn);
        let way = drive(&network, first, &turns);
        prop_assume!(way.len() > 4);
        let points = points(&network, &way, every_s, 10.0, &noise);
        let matched = match_track(&matcher(&network), &points);
        holds(&network, &matched);
        prop_assert_eq!(&matched.breaks, &vec![]);
        // At either end a few metres decide about a corner that nobody knows of.
        let driven: BTreeSet<_> = way.iter().collect();
        let within: f32 = matched.passed.iter().filter(|p| driven.contains(&p.link)).map(|p| p.to_m - p.from_m).sum();
        let all: f32 = matched.passed.iter().map(|p| p.to_m - p.from_m).sum();
        prop_assert!(within >= all - 60.0, "{within} of {all} m");
        let inner = &way[1..way.len() - 1];
        let found: Vec<_> = matched.passed.iter().map(|p| p.link).collect();
        prop_assert!(found.windows(inner.len()).any(|w| w == inner), "{way:?} {found:?}");
        // The engine's tracker, with its bounded memory, says the same of whole links, and when.
        let traversals = follow(&matcher(&network), &points);
        let whole: Vec<_> = traversals.iter().map(|t| t.link).collect();
        prop_assert!(whole.windows(inner.len()).any(|w| w == inner), "{inner:?} {whole:?}");
        let offset = whole.windows(inner.len()).position(|w| w == inner).unwrap_or(0);
        for (i, t) in traversals[offset..offset + inner.len()].iter().enumerate() {
            let entered = seconds((i + 1) as f64 * BLOCK_M / 10.0);
            let off_s = (t.entered_at.micros() - entered.micros()).abs() as f64 / 1e6;
            prop_assert!(off_s < 5.0, "{off_s} s");
        }
    }

    #[test]
    fn whatever_is_sent_a_forbidden_way_is_never_found(
        closed in prop::collection::vec(any::<bool>(), 40),
        no_turn in prop::collection::vec(any::<u8>(), 0..20),
        places in prop::collection::vec((prop::array::uniform2(-60.0..660.0_f64), 0.0..90.0_f64), 1..60),
    ) {
        let network = town(&closed, &no_turn);
        let mut s = 0.0;
        let points: Vec<_> = places.iter().map(|(place, after)| { s += after; at(s, *place) }).collect();
        holds(&network, &match_track(&matcher(&network), &points));
        for t in follow(&matcher(&network), &points) {
            prop_assert!(open(&network, t.link) && t.entered_at <= t.left_at);
        }
    }

    #[test]
    fn a_one_way_street_is_never_matched_backwards(
        first: u8,
        turns in prop::collection::vec(any::<u8>(), 3..12),
        noise in prop::collection::vec(prop::array::uniform2(-6.0..6.0_f64), 7..30),
    ) {
        let network = town(&[true; 40], &[]);
        // Backwards along a drive that is allowed.
        let way: Vec<_> = drive(&network, first, &turns);
        let back: Vec<_> = way.iter().rev().filter_map(|l| link(&network, *l).opposite).collect();
        let points = points(&network, &back, 4.0, 10.0, &noise);
        let matched = match_track(&matcher(&network), &points);
        holds(&network, &matched);
        for passed in &matched.passed {
            prop_assert!(!back.contains(&passed.link));
        }
    }
}

/// A straight street of four blocks, both ways.
fn street(s: f64, metres: f64) -> Point {
    at(s, [metres, 3.0])
}

fn links_of(network: &RoadNetwork, from: [i64; 2]) -> LinkIx {
    let place = |n: i64| geo::offset(HERE, corner(n));
    let near = |a: LonLat, b: LonLat| geo::distance_m(a, b) < 1.0;
    (0..network.links.len())
        .map(LinkIx::from_position)
        .find(|l| near(network.shape(*l)[0], place(from[0])) && near(network.shape(*l)[1], place(from[1])))
        .expect("a street")
}

#[test]
fn a_stop_counts_where_it_was() {
    let network = town(&[], &[]);
    // 10 m/s, but for a minute of red light 20 m before the first corner.
    let mut points: Vec<_> = (0..14).map(|i| street(f64::from(i), 10.0 * f64::from(i))).collect();
    points.extend((0..60).map(|i| street(14.0 + f64::from(i), 130.0 + 2.0 * f64::from(i % 2))));
    points.extend((0..40).map(|i| street(74.0 + f64::from(i), 130.0 + 10.0 * f64::from(i))));
    let traversals = follow(&matcher(&network), &points);
    assert_eq!(
        traversals.iter().map(|t| t.link).collect::<Vec<_>>(),
        [[1, 2], [2, 3]].map(|n| links_of(&network, n))
    );
    let entered = traversals[0].entered_at.micros() - START * 1_000_000;
    assert!((75_500_000..77_500_000).contains(&entered), "{entered}");
    assert_eq!(traversals[0].left_at, traversals[1].entered_at);
    let seconds = traversals[1].left_at.since(traversals[1].entered_at).as_secs_f64();
    assert!((seconds - 15.0).abs() < 0.3, "{seconds}");
}

#[test]
fn what_no_drive_explains_breaks_the_track() {
    let network = town(&[], &[]);
    let matcher = matcher(&network);
    let ride = |from: u32, to: u32, s: f64, m: f64| -> Vec<Point> {
        (from..to).map(|i| street(s + f64::from(i), m + 10.0 * f64::from(i))).collect()
    };
    let broken = |points: &[Point]| {
        let matched = match_track(&matcher, points);
        holds(&network, &matched);
        (matched.breaks.len(), matched.unused)
    };
    assert_eq!(broken(&ride(0, 50, 0.0, 0.0)), (0, 0));
    // A silence of four minutes.
    assert_eq!(broken(&[ride(0, 20, 0.0, 0.0), ride(0, 20, 260.0, 200.0)].concat()), (1, 0));
    // One point far off is no more than that; a vehicle that stays there is elsewhere.
    let far = |s: f64| at(s, [100.0, 5_000.0]);
    assert_eq!(broken(&[ride(0, 20, 0.0, 0.0), vec![far(20.0)], ride(21, 40, 0.0, 0.0)].concat()), (0, 1));
    let elsewhere = [ride(0, 20, 0.0, 0.0), (0..5).map(|i| far(20.0 + f64::from(i))).collect()].concat();
    assert_eq!(broken(&elsewhere), (0, 5));
    // Off the network for long, in a yard beside the town.
    let yard: Vec<_> = (20..40).map(|i| at(f64::from(i), [225.0, -80.0 - 10.0 * f64::from(i % 5)])).collect();
    assert_eq!(broken(&[ride(0, 20, 0.0, 0.0), yard, ride(40, 60, 0.0, 0.0)].concat()).0, 1);
    // Parked for hours: what comes then is another drive, and the hours are in no link's time.
    let mut points = ride(0, 20, 0.0, 0.0);
    points.extend((0..400).map(|i| street(20.0 + 30.0 * f64::from(i), 195.0)));
    points.extend(ride(0, 40, 12_020.0, 200.0));
    assert_eq!(broken(&points), (1, 0));
    for t in follow(&matcher, &points) {
        assert!(t.left_at.since(t.entered_at).as_secs() < 60, "{t:?}");
    }
    // Time that stands or runs back.
    let mut points = ride(0, 20, 0.0, 0.0);
    points.extend([street(19.0, 300.0), street(3.0, 10.0)]);
    assert_eq!(broken(&points), (0, 2));
}

#[test]
fn a_heading_tells_the_direction_at_the_first_point() {
    let network = town(&[], &[]);
    let mut candidates = Vec::new();
    let matcher = matcher(&network);
    for (heading, nodes) in [(90.0, [0, 1]), (270.0, [1, 0])] {
        let point = Point { heading_deg: Some(heading), speed_kmh: Some(30.0), ..street(0.0, 75.0) };
        let here = matcher.grid.plane(point.position);
        matcher.grid.near(here, &point, &matcher.rules, &mut candidates);
        assert_eq!(candidates[0].link, links_of(&network, nodes));
        assert!(candidates[1].cost > candidates[0].cost + 4.0);
        // A vehicle that stands heads nowhere.
        let point = Point { speed_kmh: Some(0.0), ..point };
        matcher.grid.near(here, &point, &matcher.rules, &mut candidates);
        assert!((candidates[1].cost - candidates[0].cost).abs() < 1e-6);
    }
}

#[test]
fn a_tracker_s_memory_is_bounded() {
    let network = town(&[], &[]);
    let matcher = matcher(&network);
    let (mut tracker, mut scratch, mut out) = (Tracker::new(), Scratch::new(), Vec::new());
    // To and fro in the middle of a street: which way is never clear.
    for i in 0..1_000 {
        let point = street(f64::from(i), 300.0 + 12.0 * f64::from(i % 3));
        tracker.take(&matcher, &mut scratch, &point, &mut out);
        assert!(tracker.columns() <= matcher.rules.lag + 1);
    }
}
