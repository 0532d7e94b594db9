//! Routes on real street graphs, which are not part of the repository: `../shared/data`, or the folder in `VLOT_TEST_DATA`.

mod twin;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use flate2::read::GzDecoder;
use twin::{Twin, at_noon, ms, on, router};
use vlot_model::{LinkId, LinkIx, LonLat, Mode, Modes, RoadClass, RoadNetwork};
use vlot_network::route::Router;
use vlot_network::{Draft, DraftLink, DraftTurn};

fn table(name: &str) -> Vec<Vec<f64>> {
    let data = std::env::var_os("VLOT_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = data.join("leuven").join(name);
    let file = std::fs::File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("a packed text");
    let row = |line: &str| line.split(',').map(|cell| cell.parse().unwrap_or(f64::NAN)).collect();
    text.lines().skip(1).map(row).collect()
}

/// Numbers that look random and are always the same.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut x = seed;
    move |sides| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        usize::try_from(x >> 33).expect("31 bits") % sides
    }
}

/// Leuven's streets; some blocks of them quiet, and with turn rules by a dice: the recording has neither.
fn leuven() -> Arc<RoadNetwork> {
    let places: Vec<_> =
        table("leuven_nodes.csv.gz").iter().map(|row| LonLat { lat: row[1], lon: row[2] }).collect();
    let mut roll = dice(7);
    // One block of some 200 m in nine.
    let block = |degrees: f64, m: f64| (degrees * m / 200.0).rem_euclid(3.0) < 1.0;
    let quiet: Vec<_> = places.iter().map(|p| block(p.lat, 111_000.0) && block(p.lon, 70_000.0)).collect();
    let mut draft = Draft::new("Leuven");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the file's numbers of nodes"
    )]
    let edges: Vec<_> =
        table("leuven_edges.csv.gz").iter().map(|row| ([row[0] as usize, row[1] as usize], row[3])).collect();
    let id = |ends: [usize; 2]| DraftLink::id_of(1, ends.map(|end| i64::try_from(end).expect("a node")), 0);
    for (ends, kmh) in &edges {
        let class =
            if ends.iter().all(|end| quiet[*end]) { RoadClass::Residential } else { RoadClass::Tertiary };
        let nodes = ends.map(|end| i64::try_from(end).expect("a node"));
        #[expect(clippy::cast_possible_truncation, reason = "km/h")]
        let free_flow_kmh = if *kmh > 0.0 { *kmh as f32 } else { 30.0 };
        draft.link(DraftLink {
            id: id(*ends),
            points: ends.map(|end| places[end]).to_vec(),
            free_flow_kmh,
            opposite: Some(id([ends[1], ends[0]])),
            ..DraftLink::new(nodes, 0, class)
        });
    }
    let plain = draft.clone().make().network;
    let mut leaving = vec![Vec::new(); plain.nodes.len()];
    for link in &plain.links {
        leaving[link.from.at()].push(link);
    }
    for _ in 0..2_000 {
        let mut link = &plain.links[roll(plain.links.len())];
        let mut ids: Vec<LinkId> = vec![link.id];
        for _ in 0..1 + roll(3) {
            let next = &leaving[link.to.at()];
            if let Some(next) = next.get(roll(next.len().max(1))) {
                link = next;
                ids.push(link.id);
            }
        }
        if let [from, via @ .., to] = ids.as_slice() {
            let only = roll(8) == 0;
            draft.turn(DraftTurn {
                from: *from,
                via: via.to_vec(),
                to: *to,
                only,
                modes: Modes::ALL,
                hours: None,
            });
        }
    }
    Arc::new(draft.make().network)
}

#[test]
fn leuven_is_driven_as_a_plain_search_drives_it() {
    let network = leuven();
    assert!(network.links.len() > 40_000 && network.turns.len() > 1_500, "{}", network.links.len());
    let permits = at_noon(&network);
    let mut roll = dice(11);
    let mut known_s = BTreeMap::new();
    let mut router = router(&network, &permits, &known_s, Mode::Car);
    assert!(router.size().nodes > 20_000, "{:?}", router.size());
    let (mut found, mut missed) = (0, 0);
    for round in 0..3 {
        if round > 0 {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let changed: Vec<_> = (0..200)
                .map(|_| (LinkIx::from_position(roll(network.links.len())), 1.0 + roll(90) as f32))
                .collect();
            router.update(&changed);
            known_s.extend(changed);
        }
        let twin = Twin::new(&network, &permits, &known_s, Mode::Car);
        let mut place = || {
            let link = LinkIx::from_position(roll(network.links.len()));
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let share = roll(100) as f32 / 100.0;
            on(&network, link, share)
        };
        for _ in 0..3 {
            let from = place();
            let all = twin.all(from);
            let targets: Vec<_> = (0..30).map(|_| place()).collect();
            let row = router.distances(&[from], &targets).remove(0);
            for (to, got) in targets.iter().zip(row) {
                let least = twin.least(&all, from, *to);
                assert_eq!(ms(got), least, "{from:?} {to:?}");
                assert_eq!(ms(router.distance(&[from], &[*to])), least, "{from:?} {to:?}");
                match router.route(&[from], &[*to], 2) {
                    Ok(routes) => {
                        found += 1;
                        assert_eq!(ms(Some(routes[0].travel_time_s)), least);
                        for route in routes {
                            assert_eq!(twin.drive(&route.links, from, *to), ms(Some(route.travel_time_s)));
                        }
                    }
                    Err(_) => {
                        missed += 1;
                        assert_eq!(least, None);
                    }
                }
            }
        }
    }
    assert!(found > 100, "{found} found, {missed} without a way");
    // The same by a plain search over the router's own turns, many pairs.
    let mut place = || on(&network, LinkIx::from_position(roll(network.links.len())), 0.5);
    for _ in 0..60 {
        let (from, to) = (place(), place());
        let got = router.distance(&[from], &[to]).map(Router::to_ms);
        assert_eq!(got, ms(router.plain_distance(&[from], &[to])));
    }
}
