//! How long each thing takes for a mode.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use vlot_model::{City, LinkIx, Mode, OnLink, RoadNetwork, Timestamp};
use vlot_network::route::{Router, Size};
use vlot_network::{Index, Permits};

const QUERIES: usize = 2_000;
const COMPARED: usize = 200;
const QUARTERS: usize = 60;

/// Seconds; pairs are median and 95th of a hundred.
pub(super) struct Times {
    pub(super) mode: Mode,
    pub(super) size: Size,
    pub(super) order_s: f64,
    pub(super) kept_s: f64,
    pub(super) full_s: f64,
    pub(super) quarter_s: [f64; 2],
    pub(super) distance_s: [f64; 2],
    pub(super) path_s: [f64; 2],
    pub(super) alternatives_s: f64,
    pub(super) alternatives_each: f64,
    pub(super) table_s: f64,
    pub(super) plain_s: f64,
    pub(super) equal: usize,
    pub(super) looked_at: usize,
    pub(super) found: f64,
}

/// `None`: too few links for the mode.
pub(super) fn measure(network: &Arc<RoadNetwork>, mode: Mode) -> Result<Option<Times>> {
    let city = City { timezone: "Europe/Brussels".into(), ..City::default() };
    let permits = Permits::new(network, &city, noon()?);
    let began = Instant::now();
    let mut router = Router::new(Arc::clone(network), mode, None);
    let order_s = began.elapsed().as_secs_f64();
    let size = router.size();
    if size.nodes < 100 {
        return Ok(None);
    }
    let began = Instant::now();
    drop(Router::new(Arc::clone(network), mode, Some(router.order())));
    let kept_s = began.elapsed().as_secs_f64();
    let mut random = SmallRng::seed_from_u64(5);
    let full: Vec<_> = (0..20)
        .map(|i| {
            let slower = 1.0 + i as f32 / 50.0;
            timed(|| router.weights(&permits, |link| usual_s(network, mode, link).map(|s| s * slower))).0
        })
        .collect();
    let through: Vec<_> = links(network).filter(|link| router.through().ever(*link)).collect();
    let index = Index::new(network, |link| router.through().ever(link));
    let mut quarter = Vec::new();
    for _ in 0..QUARTERS {
        let middle = through[random.random_range(0..through.len())];
        let at = network.shape(middle).first().copied().unwrap_or_default();
        let near = index.near(network, at, 3_000.0, 100);
        let slow = |on: &OnLink, by: f32| (on.link, seconds(network, on.link) * by);
        let changed: Vec<_> = near.iter().map(|on| slow(on, random.random_range(1.0..4.0))).collect();
        quarter.push(timed(|| router.update(&changed)).0);
    }
    let mut place = || loop {
        let link = LinkIx::from_position(random.random_range(0..network.links.len()));
        if !router.closed(link) {
            let offset_m = network.links[link.at()].length_m * random.random_range(0.0..1.0);
            return OnLink { link, offset_m, distance_m: 0.0 };
        }
    };
    let pairs: Vec<_> = (0..QUERIES).map(|_| (place(), place())).collect();
    let (origins, targets): (Vec<_>, Vec<_>) =
        ((0..500).map(|_| place()).collect(), (0..30).map(|_| place()).collect());
    let (mut distance, mut path, mut more, mut plain) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut found, mut equal, mut alternatives) = (0, 0, 0);
    for (from, to) in &pairs {
        let (s, got) = timed(|| router.distance(&[*from], &[*to]));
        distance.push(s);
        found += usize::from(got.is_some());
    }
    for (from, to) in &pairs {
        path.push(timed(|| router.route(&[*from], &[*to], 0)).0);
    }
    for (from, to) in &pairs[..COMPARED] {
        let (s, routes) = timed(|| router.route(&[*from], &[*to], 2));
        more.push(s);
        alternatives += routes.map_or(0, |routes| routes.len() - 1);
        let (s, least) = timed(|| router.plain_distance(&[*from], &[*to]));
        plain.push(s);
        if router.distance(&[*from], &[*to]) != least {
            bail!("{mode:?}: {from:?} to {to:?} takes {least:?} s by a plain search");
        }
        equal += 1;
    }
    let table: Vec<_> = (0..5).map(|_| timed(|| router.distances(&origins, &targets)).0).collect();
    Ok(Some(Times {
        mode,
        size,
        order_s,
        kept_s,
        full_s: share(full, 0.5),
        quarter_s: [share(quarter.clone(), 0.5), share(quarter, 0.95)],
        distance_s: [share(distance.clone(), 0.5), share(distance, 0.95)],
        path_s: [share(path.clone(), 0.5), share(path, 0.95)],
        alternatives_s: share(more, 0.5),
        alternatives_each: f64::from(u32::try_from(alternatives)?) / COMPARED as f64,
        table_s: share(table, 0.5),
        plain_s: share(plain, 0.5),
        equal,
        looked_at: COMPARED,
        found: found as f64 / QUERIES as f64,
    }))
}

fn noon() -> Result<Timestamp> {
    match "2026-05-04T12:00:00+02:00".parse() {
        Ok(noon) => Ok(noon),
        Err(_) => bail!("noon is no instant"),
    }
}

fn links(network: &RoadNetwork) -> impl Iterator<Item = LinkIx> {
    (0..network.links.len()).map(LinkIx::from_position)
}

fn usual_s(network: &RoadNetwork, mode: Mode, link: LinkIx) -> Option<f32> {
    (mode == Mode::Car).then(|| seconds(network, link))
}

fn seconds(network: &RoadNetwork, link: LinkIx) -> f32 {
    network.links[link.at()].free_flow_s()
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let began = Instant::now();
    let done = work();
    (began.elapsed().as_secs_f64(), done)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in a list")]
fn share(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN)
}
