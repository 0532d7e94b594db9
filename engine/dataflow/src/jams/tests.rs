use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use vlot_model::{City, Jams, LinkIx, Product, Quality, Update};

use super::logic::Queues;
use crate::shell::Logic;
use crate::testing::s;
use crate::testing_roads::{grid, link_state, roads};

fn update(tick: u64, link: u32, kmh: f32, quality: Quality) -> Update {
    let product = Arc::new(Product::Link(link_state(link, tick as i64, kmh, quality)));
    Update { tick, at: s(tick as i64), trigger: None, product }
}

fn play(logic: &mut Queues, at: u64, speeds: &[(u32, f32, Quality)]) -> Option<Jams> {
    let mut out = Vec::new();
    let updates: Vec<_> = speeds.iter().map(|(link, kmh, q)| update(at, *link, *kmh, *q)).collect();
    logic.on_tick(at, s(at as i64), &updates, &mut out);
    logic.on_clock(at + 1, s(at as i64 + 10), &mut out);
    assert!(out.len() <= 1);
    out.pop().map(|u| match &*u.product {
        Product::Jams(jams) => jams.clone(),
        other => panic!("{other:?}"),
    })
}

fn street(links: u32) -> Queues {
    Queues::new(&City { network: Some(Arc::new(roads(links))), ..City::default() })
}

const GOOD: Quality = Quality::Good;

#[test]
fn a_row_has_a_head_a_tail_and_a_delay() {
    let mut logic = street(5);
    let jams =
        play(&mut logic, 1, &[(0, 36.0, GOOD), (1, 12.0, GOOD), (2, 9.0, GOOD), (3, 30.0, GOOD)]).unwrap();
    let jam = &jams.jams[0];
    assert_eq!((jams.jams.len(), jam.tail, jam.head, jam.since), (1, LinkIx(1), LinkIx(2), s(1)));
    assert_eq!(jam.links, [LinkIx(1), LinkIx(2)]);
    assert!((jam.length_m - 200.0).abs() < 1.0 && (jam.delay_s - 50.0).abs() < 0.5, "{jam:?}");
}

#[test]
fn it_ends_above_half_of_free_flow_and_not_before() {
    let mut logic = street(3);
    assert!(play(&mut logic, 1, &[(1, 16.0, GOOD)]).is_none(), "level D is no jam");
    let both = |kmh: f32| [(1, kmh, GOOD), (2, kmh, GOOD)];
    assert_eq!(play(&mut logic, 20, &both(10.0)).unwrap().jams.len(), 1);
    let still = play(&mut logic, 40, &both(17.0)).unwrap();
    assert_eq!(still.jams.iter().map(|jam| jam.since).collect::<Vec<_>>(), [s(20)], "below half it stands");
    assert_eq!(play(&mut logic, 60, &both(19.0)), Some(Jams::default()));
}

#[test]
fn assumed_free_flow_ends_it_whatever_its_speed_says() {
    let mut logic = street(3);
    assert!(play(&mut logic, 1, &[(1, 5.0, GOOD)]).is_some());
    assert_eq!(play(&mut logic, 30, &[(1, 5.0, Quality::Missing)]), Some(Jams::default()));
}

#[test]
fn a_moment_before_a_light_is_no_jam() {
    let mut logic = street(3);
    assert!(play(&mut logic, 1, &[(1, 14.4, GOOD)]).is_some_and(|j| j.jams.len() == 1), "15 s on 100 m");
    let mut logic = street(3);
    assert!(play(&mut logic, 1, &[(1, 14.6, GOOD)]).is_none());
}

proptest! {
    /// Whatever stands on a grid: each standing link in one row at most, rows lead over links that meet and cannot be
    /// put together, and links of any delay that counts are all in one.
    #[test]
    fn rows_part_the_standing_links(slow in prop::collection::btree_set(0_u32..48, 0..30), speeds in prop::collection::vec(1_u8..14, 48)) {
        let network = grid(4);
        prop_assert_eq!(network.links.len(), 48);
        let mut logic = Queues::new(&City { network: Some(Arc::new(network.clone())), ..City::default() });
        let all: Vec<_> = slow.iter().map(|l| (*l, f32::from(speeds[*l as usize]), GOOD)).collect();
        let jams = play(&mut logic, 1, &all).unwrap_or_default().jams;
        let mut seen = BTreeSet::new();
        for jam in &jams {
            prop_assert_eq!((jam.links.first(), jam.links.last()), (Some(&jam.tail), Some(&jam.head)));
            for pair in jam.links.windows(2) {
                let (a, b) = (network.link(pair[0]).unwrap(), network.link(pair[1]).unwrap());
                prop_assert!(a.to == b.from && a.opposite != Some(pair[1]));
            }
            prop_assert!(jam.links.iter().all(|link| seen.insert(*link) && slow.contains(&link.0)));
        }
        prop_assert!(jams.windows(2).all(|w| w[0].head < w[1].head));
        // On this grid every slow link alone has 50 m and 15 s.
        prop_assert_eq!(seen.len(), slow.len());
    }
}
