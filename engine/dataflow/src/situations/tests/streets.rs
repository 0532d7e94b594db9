use super::*;

fn detours_of(city: &Arc<City>, steps: &[Step], id: &str) -> Vec<(Mode, Vec<u64>)> {
    let all = published(city, steps);
    let (_, state) = all.iter().rfind(|(_, state)| &*state.situation.id == id).unwrap();
    state.detours.iter().map(|detour| (detour.mode, names(city, &detour.links))).collect()
}

#[test]
fn a_closed_street_has_a_way_around_for_each_mode_that_it_keeps_out() {
    let city = city();
    let both = Modes::NONE.with(Mode::Car).with(Mode::Bicycle);
    let got = published(&city, &[states(1, Situation { modes: both, ..closure("a") })]);
    let [car, bicycle] = &got[0].1.detours[..] else { panic!("{got:?}") };
    assert_eq!((car.mode, bicycle.mode), (Mode::Car, Mode::Bicycle));
    let links = names(&city, &car.links);
    assert!([4_005, 1_005, 9_005].contains(&links[0]), "from before it: {links:?}");
    assert!([6_007, 6_002, 6_010].contains(links.last().unwrap()), "to behind it: {links:?}");
    assert!(!links.contains(&5_006));
    // 100 m at 50 km/h, and at 16.
    let (step, slow) = (7.2, 22.5);
    let count = links.len() as f32;
    assert!(
        (car.travel_time_s - step * count).abs() < 0.1 && (car.extra_s - step * (count - 3.0)).abs() < 0.1
    );
    assert!((bicycle.travel_time_s - slow * bicycle.links.len() as f32).abs() < 0.3);
}

#[test]
fn each_direction_has_its_own_way_around() {
    let city = city();
    let line = Location::Line(vec![at(110.0, 100.0), at(190.0, 101.0)]);
    let closed = Situation { location: line, both_directions: true, modes: CARS, ..closure("a") };
    let got = published(&city, &[states(1, closed)]);
    assert_eq!(names(&city, &got[0].1.links), [5_006, 6_005]);
    let around: Vec<_> = got[0].1.detours.iter().map(|detour| names(&city, &detour.around)).collect();
    assert_eq!(around, [[5_006], [6_005]], "each says which direction it is for");
}

#[test]
fn a_way_around_avoids_all_that_is_closed_and_changes_with_it() {
    let city = city();
    let a = Situation { modes: CARS, ..closure("a") };
    let other =
        |links: Vec<LinkId>| Situation { location: Location::Links(links), modes: CARS, ..closure("b") };
    let first = detours_of(&city, &[states(1, a.clone())], "a").remove(0).1;
    // Close the middle of the way that was found.
    let b = other(vec![LinkId(first[2])]);
    let steps = [states(1, a.clone()), states(2, b.clone())];
    let second = detours_of(&city, &steps, "a").remove(0).1;
    assert!(!second.contains(&first[2]) && !second.is_empty(), "{second:?}");
    let over = states(3, Situation { withdrawn: true, ..b });
    let third = detours_of(&city, &[steps.to_vec(), vec![over]].concat(), "a").remove(0).1;
    assert_eq!(third.len(), first.len(), "with its end the short way is back");
}

#[test]
fn two_contradictory_closures_both_stand_and_the_stronger_binds() {
    let city = city();
    let slow = Situation { effect: Effect::SpeedLimit { kmh: 20.0 }, ..closure("slow") };
    let open = Situation { effect: Effect::None, headline: "Open again".into(), ..closure("open") };
    let steps = [
        states(1, closure("a")),
        states(2, Situation { source: "feed".into(), modes: CARS, ..closure("a") }),
        states(3, slow),
        states(4, open),
        states(5, Situation { withdrawn: true, ..closure("a") }),
    ];
    let mut now = std::collections::BTreeMap::new();
    for (_, state) in published(&city, &steps) {
        now.insert(state.slot, state);
    }
    let link = link_of(&city, id(5, 6));
    assert_eq!(
        vlot_network::effects::closed_links(now.values(), Mode::Car),
        [link],
        "the feed's still holds"
    );
    assert_eq!(vlot_network::effects::closed_links(now.values(), Mode::Bicycle), []);
    assert_eq!(now.len(), 4);
}

/// Said so, for each mode, and nothing breaks.
#[test]
fn a_closure_of_every_link_has_no_way_around() {
    let city = city();
    let all = city.network.as_ref().unwrap().links.iter().map(|link| link.id).collect();
    let every = Situation { location: Location::Links(all), ..closure("every") };
    let got = published(&city, &[states(1, closure("a")), states(2, every)]);
    for (_, state) in &got[1..] {
        assert_eq!(state.detours.len(), 4, "{state:?}");
        assert!(state.detours.iter().all(|d| d.links.is_empty() && !d.extra_s.is_finite()), "{state:?}");
    }
    assert_eq!(got.len(), 3, "the one before has lost its ways around");
}

#[test]
fn what_closes_nothing_or_is_nowhere_needs_no_way_around() {
    let city = city();
    let far = Location::Point(at(5_000.0, 5_000.0));
    for situation in [
        Situation { effect: Effect::SpeedLimit { kmh: 30.0 }, ..closure("a") },
        Situation { effect: Effect::LanesClosed { lanes: 1 }, ..closure("a") },
        Situation { location: far, ..closure("a") },
        Situation { location: Location::Links(vec![LinkId(77)]), ..closure("a") },
    ] {
        assert_eq!(published(&city, &[states(1, situation.clone())])[0].1.detours, [], "{situation:?}");
    }
}

#[test]
fn where_only_quiet_streets_lead_off_the_way_around_begins_before_them() {
    let quiet: Vec<_> =
        [(5, 1), (5, 9), (6, 2), (6, 10)].iter().flat_map(|(a, b)| [id(*a, *b), id(*b, *a)]).collect();
    let mut network = grid(4);
    for link in network.links.iter_mut().filter(|link| quiet.contains(&link.id)) {
        link.class = RoadClass::Residential;
    }
    let mut city = Arc::unwrap_or_clone(city());
    city.network = Some(Arc::new(network));
    let closed = Situation { modes: CARS, ..closure("a") };
    let (_, way) = detours_of(&Arc::new(city), &[states(1, closed)], "a").remove(0);
    assert_eq!(way.len(), 7, "{way:?}");
    assert!(!way.iter().any(|link| quiet.contains(&LinkId(*link))), "{way:?}");
}
