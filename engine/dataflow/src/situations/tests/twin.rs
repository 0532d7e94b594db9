//! The same from the whole story each time: what was stated last of each, where that stands now, and what is closed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
struct Said {
    gap_s: i64,
    id: u8,
    from: i64,
    lasts: Option<i64>,
    links: Vec<usize>,
    closes: bool,
    cars_only: bool,
    withdrawn: bool,
}

prop_compose! {
    fn said_of()(
        gap_s in prop_oneof![6 => 0_i64..200, 1 => 3_000_i64..8_000],
        id in 0_u8..5,
        from in -100_i64..400,
        lasts in prop::option::of(1_i64..900),
        links in prop::collection::vec(0_usize..48, 1..4),
        closes in prop::bool::weighted(0.8),
        cars_only in any::<bool>(),
        withdrawn in prop::bool::weighted(0.2),
    ) -> Said {
        Said { gap_s, id, from, lasts, links, closes, cars_only, withdrawn }
    }
}

fn story(city: &City, all: &[Said]) -> Vec<Step> {
    let mut now = 10_000;
    let mut steps = Vec::new();
    for one in all {
        for second in (0..one.gap_s).step_by(40) {
            steps.push(Step::Clock(now + second));
        }
        now += one.gap_s;
        let network = city.network.as_ref().unwrap();
        let links = one.links.iter().map(|l| network.links[*l].id).collect();
        let situation = Situation {
            effect: if one.closes { Effect::Closed } else { Effect::None },
            modes: if one.cars_only { CARS } else { Modes::ALL },
            location: Location::Links(links),
            from: s(now + one.from),
            until: one.lasts.map(|lasts| s(now + one.from + lasts)),
            withdrawn: one.withdrawn,
            ..closure(&format!("s{}", one.id))
        };
        steps.push(states(now, situation));
    }
    steps.push(Step::Clock(now + 100));
    steps
}

/// Phase of a statement at an instant.
fn phase(situation: &Situation, now: Timestamp) -> Phase {
    if situation.withdrawn || situation.until.is_some_and(|until| until <= now) {
        Phase::Ended
    } else if situation.from > now {
        Phase::Planned
    } else {
        Phase::Active
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn what_stands_is_what_the_whole_story_says(all in prop::collection::vec(said_of(), 1..25)) {
        let city = city();
        let network = city.network.as_ref().unwrap();
        let steps = story(&city, &all);
        let mut logic = Situations::new(&city, &Arc::new(Meters::default()));
        let mut board: BTreeMap<_, SituationState> = BTreeMap::new();
        let mut last: BTreeMap<Box<str>, Arc<Situation>> = BTreeMap::new();
        for step in &steps {
            for update in play(&mut logic, std::slice::from_ref(step)) {
                if let Product::Situation(state) = Arc::unwrap_or_clone(update.product) {
                    board.insert(state.slot, state);
                }
            }
            for reading in step.readings() {
                if let Value::Situation(situation) = &reading.value {
                    last.insert(situation.id.clone(), Arc::clone(situation));
                }
            }
            let now = step.at();
            // Whoever is not over is on the board once, as the story says.
            let mut seen = BTreeSet::new();
            for state in board.values() {
                let told = &last[&state.situation.id];
                if state.phase == Phase::Ended {
                    continue;
                }
                prop_assert!(seen.insert(state.situation.id.clone()), "{} twice", state.situation.id);
                prop_assert_eq!(&state.situation, told);
                prop_assert_eq!(state.phase, phase(told, now));
                prop_assert!(state.since <= now);
            }
            for (id, told) in &last {
                prop_assert_eq!(seen.contains(id), phase(told, now) != Phase::Ended, "{} at {}", id, now);
            }
            // What is closed, looked at link by link, and ways around that keep clear of it.
            for mode in [Mode::Car, Mode::Bicycle] {
                let holds = |told: &Situation, link: LinkId| {
                    let here = matches!(&told.location, Location::Links(links) if links.contains(&link));
                    let binds = told.effect == Effect::Closed && told.modes.has(mode);
                    here && binds && phase(told, now) == Phase::Active
                };
                let closed: Vec<_> = (0..network.links.len())
                    .map(LinkIx::from_position)
                    .filter(|link| last.values().any(|told| holds(told, network.links[link.at()].id)))
                    .collect();
                prop_assert_eq!(&vlot_network::effects::closed_links(board.values(), mode), &closed);
                for state in board.values().filter(|state| state.phase != Phase::Ended) {
                    let of_mode = || state.detours.iter().filter(|detour| detour.mode == mode);
                    let kept_out = state.situation.effect == Effect::Closed && state.situation.modes.has(mode);
                    prop_assert_eq!(of_mode().next().is_some(), kept_out);
                    for detour in of_mode() {
                        let meets = |ab: &[LinkIx]| network.links[ab[0].at()].to == network.links[ab[1].at()].from;
                        prop_assert!(detour.links.windows(2).all(meets), "{detour:?}");
                        let clear = |link: &LinkIx| !closed.contains(link) && !state.links.contains(link);
                        prop_assert!(detour.links.iter().all(clear), "{detour:?} {closed:?}");
                        prop_assert_eq!(detour.links.is_empty(), !detour.travel_time_s.is_finite());
                    }
                }
            }
            for state in board.values().filter(|state| state.phase == Phase::Ended) {
                prop_assert!(state.detours.is_empty());
            }
        }
    }
}
