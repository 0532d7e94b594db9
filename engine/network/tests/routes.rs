//! Routes against a plain Dijkstra that asks every rule one by one, on random networks.

mod twin;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use twin::{Twin, at_noon, ms, on, router};
use vlot_model::{
    Access, AccessRule, LinkId, LinkIx, LonLat, Mode, Modes, Permission, RoadClass, RoadNetwork,
};
use vlot_network::route::{NEVER_MS, NoRoute, Route, Router, Through, check};
use vlot_network::{Draft, DraftLink, DraftTurn, geo};

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };
const HOURS: [&str; 2] = ["Mo-Su 00:00-24:00", "Mo-Su 03:00-04:00"];

/// Streets between the junctions of a small, bent grid: which there are, which are two-way, classes, access.
#[derive(Clone, Debug)]
struct Street {
    from: usize,
    to: usize,
    both_ways: bool,
    class: RoadClass,
    permission: Permission,
    timed: Option<(Permission, bool)>,
}

/// A rule: its first link and the choices at each junction after it, by number.
#[derive(Clone, Debug)]
struct Rule {
    begin: usize,
    choices: Vec<usize>,
    only: bool,
    hours: Option<bool>,
}

fn street(junctions: usize) -> impl Strategy<Value = Street> {
    use RoadClass::{LivingStreet, Primary, Residential, Unclassified};
    let class = prop::sample::select(vec![Primary, Primary, Unclassified, Residential, LivingStreet]);
    let permission = || prop_oneof![8 => Just(Permission::Yes), 1 => Just(Permission::Destination), 1 => Just(Permission::No)];
    let timed = prop::option::weighted(0.2, (permission(), any::<bool>()));
    (0..junctions, 1..junctions, prop::bool::weighted(0.7), class, permission(), timed).prop_map(
        move |(from, step, both_ways, class, permission, timed)| {
            // Mostly to a neighbour, so that ways are long.
            let step = if step % 3 == 0 { 3 } else { 1 };
            Street { from, to: (from + step) % junctions, both_ways, class, permission, timed }
        },
    )
}

fn rule() -> impl Strategy<Value = Rule> {
    let hours = prop::option::weighted(0.3, any::<bool>());
    (any::<usize>(), prop::collection::vec(0..4_usize, 1..4), prop::bool::weighted(0.3), hours)
        .prop_map(|(begin, choices, only, hours)| Rule { begin, choices, only, hours })
}

fn build(streets: &[Street], rules: &[Rule]) -> Arc<RoadNetwork> {
    let place = |i: usize| {
        let bend = (i * 37 % 11) as f64 * 9.0;
        geo::offset(HERE, [(i % 4) as f64 * 200.0 + bend, (i / 4) as f64 * 170.0 - bend])
    };
    let mut draft = Draft::new("test");
    for (i, street) in streets.iter().enumerate() {
        let rules = street.timed.iter().map(|(permission, now)| AccessRule {
            modes: Modes::ALL,
            hours: HOURS[usize::from(!*now)].into(),
            permission: *permission,
        });
        let access = Access { always: [street.permission; 4], rules: rules.collect(), ..Access::default() };
        let id = 2 * i as u64 + 1;
        for (id, other, ends) in
            [(id, id + 1, [street.from, street.to]), (id + 1, id, [street.to, street.from])]
        {
            if id % 2 == 1 || street.both_ways {
                let mut link = DraftLink::new(ends.map(|end| end as i64), id, street.class);
                link.points = ends.map(place).to_vec();
                link.access = access.clone();
                link.opposite = street.both_ways.then_some(LinkId(other));
                draft.link(link);
            }
        }
    }
    let plain = draft.clone().make().network;
    for rule in rules.iter().filter(|_| !plain.links.is_empty()) {
        let mut links = vec![LinkIx::from_position(rule.begin % plain.links.len())];
        for choice in &rule.choices {
            let at = plain.links[links[links.len() - 1].at()].to;
            let next: Vec<_> = (0..plain.links.len()).filter(|i| plain.links[*i].from == at).collect();
            if let Some(next) = next.get(choice % next.len().max(1)) {
                links.push(LinkIx::from_position(*next));
            }
        }
        let ids: Vec<_> = links.iter().map(|link| plain.links[link.at()].id).collect();
        if let [from, via @ .., to] = ids.as_slice() {
            draft.turn(DraftTurn {
                from: *from,
                via: via.to_vec(),
                to: *to,
                only: rule.only,
                modes: Modes::ALL,
                hours: rule.hours.map(|now| HOURS[usize::from(!now)].into()),
            });
        }
    }
    Arc::new(draft.make().network)
}

fn network() -> impl Strategy<Value = Arc<RoadNetwork>> {
    (6..16_usize).prop_flat_map(|junctions| {
        let streets = prop::collection::vec(street(junctions), junctions..3 * junctions);
        (streets, prop::collection::vec(rule(), 0..8))
            .prop_map(move |(streets, rules)| build(&streets, &rules))
    })
}

/// By link number: seconds, or closed.
fn times() -> impl Strategy<Value = Vec<(usize, f32)>> {
    let seconds = prop_oneof![4 => (1..200_u16).prop_map(f32::from), 1 => Just(f32::INFINITY)];
    prop::collection::vec((any::<usize>(), seconds), 0..12)
}

fn by_link(network: &RoadNetwork, times: &[(usize, f32)]) -> BTreeMap<LinkIx, f32> {
    times.iter().map(|(i, s)| (LinkIx::from_position(i % network.links.len()), *s)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn routes_are_those_of_a_plain_search(
        network in network(),
        (times, later) in (times(), times()),
        ends in prop::collection::vec((any::<usize>(), 0.0..1.0_f32, any::<usize>(), 0.0..1.0_f32), 4),
        mode in prop::sample::select(vec![Mode::Car, Mode::Car, Mode::Bicycle]),
    ) {
        let permits = at_noon(&network);
        let mut known_s = by_link(&network, &times);
        let mut router = router(&network, &permits, &known_s, mode);
        let pick = |i: usize| LinkIx::from_position(i % network.links.len());
        let pairs: Vec<_> =
            ends.iter().map(|(a, x, b, y)| (on(&network, pick(*a), *x), on(&network, pick(*b), *y))).collect();
        let mut traced = Vec::new();
        for changed in [Vec::new(), later] {
            let changed: Vec<_> = by_link(&network, &changed).into_iter().collect();
            known_s.extend(changed.iter().copied());
            router.update(&changed);
            let twin = Twin::new(&network, &permits, &known_s, mode);
            let targets: Vec<_> = pairs.iter().map(|(_, to)| *to).collect();
            for (from, to) in &pairs {
                let all = twin.all(*from);
                let least = twin.least(&all, *from, *to);
                prop_assert_eq!(ms(router.distance(&[*from], &[*to])), least);
                prop_assert_eq!(ms(router.plain_distance(&[*from], &[*to])), least);
                let row = router.distances(&[*from], &targets).remove(0);
                for (target, got) in targets.iter().zip(row) {
                    prop_assert_eq!(ms(got), twin.least(&all, *from, *target));
                }
                match router.route(&[*from], &[*to], 2) {
                    Err(NoRoute::Unlawful(unlawful)) => prop_assert!(false, "{unlawful}"),
                    Err(_) => prop_assert_eq!(least, None),
                    Ok(routes) => {
                        prop_assert_eq!(ms(Some(routes[0].travel_time_s)), least);
                        prop_assert!(routes.is_sorted_by(|a, b| a.travel_time_s <= b.travel_time_s));
                        for route in routes {
                            prop_assert_eq!(twin.drive(&route.links, *from, *to), ms(Some(route.travel_time_s)));
                            let turn = |i| twin.turn(&route.links[..i], route.links[i]).unwrap_or(NEVER_MS);
                            let turns: u32 = (1..route.links.len()).map(turn).sum();
                            prop_assert_eq!(ms(Some(route.turns_s)), Some(turns));
                            let trace = router.trace(&route.links, route.start_m, route.end_m);
                            traced.push((route.links, *from, *to, trace));
                        }
                    }
                }
            }
            // Ways of before and of now, as the streets are now.
            for (links, from, to, trace) in &traced {
                let open = links.iter().all(|link| !known_s.get(link).is_some_and(|s| s.is_infinite()));
                let now = trace.as_ref().and_then(|trace| router.trace_s(trace));
                prop_assert_eq!(ms(now), twin.drive(links, *from, *to).filter(|_| open));
            }
            // Both places of a side at once are the better of the two.
            let (froms, tos): (Vec<_>, Vec<_>) = pairs[..2].iter().copied().unzip();
            let each = froms.iter().flat_map(|from| tos.iter().map(|to| (*from, *to)));
            let least = each.filter_map(|(from, to)| router.distance(&[from], &[to]).map(Router::to_ms)).min();
            prop_assert_eq!(ms(router.distance(&froms, &tos)), least);
        }
    }

    #[test]
    fn what_is_lawful_is_what_every_rule_allows(
        network in network(),
        begin in any::<usize>(),
        choices in prop::collection::vec(any::<usize>(), 0..7),
        times in times(),
    ) {
        let (permits, known_s) = (at_noon(&network), by_link(&network, &times));
        let twin = Twin::new(&network, &permits, &known_s, Mode::Car);
        let mut links = vec![LinkIx::from_position(begin % network.links.len())];
        for choice in choices {
            let at = network.links[links[links.len() - 1].at()].to;
            let next: Vec<_> = (0..network.links.len()).filter(|i| network.links[*i].from == at).collect();
            if let Some(next) = next.get(choice % next.len().max(1)) {
                links.push(LinkIx::from_position(*next));
            }
        }
        let ends = [on(&network, links[0], 0.0), on(&network, links[links.len() - 1], 1.0)];
        let closed = |link: LinkIx| known_s.get(&link).is_some_and(|s| s.is_infinite());
        let open = |link: &LinkIx| {
            !closed(*link) && permits.permission(&network, *link, Mode::Car) != Permission::No
        };
        let expected = links.iter().all(open) && twin.drive(&links, ends[0], ends[1]).is_some();
        let route = Route { links, start_m: 0.0, end_m: 0.0, travel_time_s: 0.0, turns_s: 0.0, length_m: 0.0 };
        let through = Through::new(&network, Mode::Car);
        let got = check::lawful(&network, &permits, closed, &through, &route);
        prop_assert_eq!(got.is_ok(), expected, "{:?}", got);
        let law = check::Law::new(&network, &permits, closed, &through);
        prop_assert_eq!(law.check(&route.links), got);
    }

    #[test]
    fn what_leads_through_hangs_together_and_nothing_larger_does(network in network()) {
        let through = Through::new(&network, Mode::Car);
        let open: Vec<_> = (0..network.links.len())
            .map(LinkIx::from_position)
            .filter(|link| {
                let link = &network.links[link.at()];
                let access = &network.access[link.access as usize];
                let ever = access.always[0] == Permission::Yes
                    || access.rules.iter().any(|rule| rule.permission == Permission::Yes);
                ever && !matches!(link.class, RoadClass::Residential | RoadClass::LivingStreet)
            })
            .collect();
        let n = network.nodes.len();
        let mut reaches = vec![vec![false; n]; n];
        for link in &open {
            let link = &network.links[link.at()];
            reaches[link.from.at()][link.to.at()] = true;
        }
        for k in 0..n {
            for i in 0..n {
                for j in 0..n {
                    reaches[i][j] |= reaches[i][k] && reaches[k][j];
                }
            }
        }
        let together = |a: usize, b: usize| reaches[a][b] && reaches[b][a];
        let part = |node: usize| {
            let links = open.iter().map(|link| &network.links[link.at()]);
            links.filter(|link| together(node, link.from.at()) && together(node, link.to.at())).count()
        };
        let got: Vec<_> =
            (0..network.links.len()).map(LinkIx::from_position).filter(|link| through.ever(*link)).collect();
        prop_assert_eq!(got.len(), (0..n).map(part).max().unwrap_or(0));
        for (a, b) in got.iter().zip(got.iter().skip(1)) {
            prop_assert!(together(network.links[a.at()].from.at(), network.links[b.at()].to.at()));
        }
    }

    #[test]
    fn a_kept_order_changes_nothing(network in network(), cut in any::<usize>()) {
        let permits = at_noon(&network);
        let fresh = router(&network, &permits, &BTreeMap::new(), Mode::Bicycle);
        let damaged = &fresh.order()[..cut % fresh.order().len().max(1)];
        for kept in [fresh.order(), damaged] {
            let again = Router::new(Arc::clone(&network), Mode::Bicycle, Some(kept));
            prop_assert_eq!(again.order(), fresh.order());
        }
    }
}
