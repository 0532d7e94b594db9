//! The streets as they are now: travel times, closures and permissions, made anew beside the streams and put in place at once.
//!
//! One keeper looks at the board, at most once a second, and makes an [`Epoch`] when something changed; whoever asks for a route
//! takes the epoch that there is. Nobody waits for the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustc_hash::FxHashMap;
use vlot_model::{
    Effect, Key, LinkIx, LinkState, Mode, OnLink, Permission, Phase, Product, Quality, RoadNetwork,
    Situation, SituationIx, Tick, Timestamp,
};
use vlot_network::route::{self, NoRoute, Route, Router};
use vlot_network::trip::{self, Known};
use vlot_network::{Index, Permits, reach};

use super::area::Area;
use super::ways::Ways;
use crate::Context;
use crate::shared::Shared;

/// Changes are gathered for so long.
const ROUND: Duration = Duration::from_secs(1);

/// Ways to travel for which there are routes, in the order of [`Streets::open`] and [`Epoch::ways`].
pub(super) const MODES: [Mode; 3] = [Mode::Car, Mode::Bicycle, Mode::Foot];

/// The newest epoch; none right after the start.
#[derive(Default)]
pub(crate) struct Live {
    now: ArcSwapOption<Epoch>,
    /// All changes up to there are in `now`.
    tick: AtomicU64,
}

impl Live {
    /// The newest epoch, and the tick of which everything is in it.
    pub(super) fn now(&self) -> Option<(Tick, Arc<Epoch>)> {
        // First the tick: an epoch that comes meanwhile has at least that.
        let tick = self.tick.load(Ordering::Acquire);
        Some((tick, self.now.load_full()?))
    }
}

/// What does not change while the engine runs.
pub(super) struct Streets {
    pub(super) network: Arc<RoadNetwork>,
    index: Index,
    /// By mode and link: not an island.
    open: [Vec<bool>; 3],
}

impl Streets {
    fn new(network: &Arc<RoadNetwork>) -> Self {
        let at_some_time = |link: LinkIx, mode: Mode| {
            let access = network.link(link).and_then(|link| network.access.get(link.access as usize));
            access.is_some_and(|access| {
                let rules = access.rules.iter().filter(|rule| rule.modes.has(mode));
                rules.map(|rule| rule.permission).chain([access.usual(mode)]).any(|p| p != Permission::No)
            })
        };
        Streets {
            network: Arc::clone(network),
            index: Index::new(network, |_| true),
            open: MODES.map(|mode| reach::largest_part(network, |link| at_some_time(link, mode))),
        }
    }
}

/// A closure in force.
pub(super) struct Closure {
    pub(super) situation: Arc<Situation>,
    pub(super) links: Vec<LinkIx>,
    around: Option<Area>,
}

/// The streets at one instant.
pub(super) struct Epoch {
    pub(super) streets: Arc<Streets>,
    pub(super) at: Timestamp,
    known: Arc<FxHashMap<LinkIx, Known>>,
    closures: Vec<Closure>,
    ways: [Arc<Router>; 3],
}

impl Epoch {
    fn place(mode: Mode) -> usize {
        MODES.iter().position(|m| *m == mode).unwrap_or(0)
    }

    /// Whether a trip may begin or end on a link.
    pub(super) fn usable(&self, link: LinkIx, mode: Mode) -> bool {
        let at = Self::place(mode);
        self.streets.open[at].get(link.at()).copied().unwrap_or(false) && !self.ways[at].closed(link)
    }

    /// The streets near a place where a trip may begin or end.
    pub(super) fn near(&self, at: vlot_model::LonLat, mode: Mode) -> Vec<OnLink> {
        trip::near(&self.streets.network, &self.streets.index, at, |link| self.usable(link, mode))
    }

    /// Ways, the quickest first.
    pub(super) fn ways(
        &self,
        mode: Mode,
        from: &[OnLink],
        to: &[OnLink],
        most: usize,
    ) -> Result<Vec<Route>, NoRoute> {
        self.ways[Self::place(mode)].route(from, to, most.saturating_sub(1))
    }

    /// Seconds that an undisturbed traveller takes for a link.
    pub(super) fn undisturbed_s(&self, link: LinkIx, mode: Mode) -> f64 {
        route::undisturbed_s(&self.streets.network, link, mode)
    }

    /// What is measured of a link now; of cars alone.
    pub(super) fn known(&self, link: LinkIx, mode: Mode) -> Option<Known> {
        if mode == Mode::Car { self.known.get(&link).copied() } else { None }
    }

    /// Closures for a mode with a link that touches an area, by source and id.
    pub(super) fn closures(&self, mode: Mode, area: &Area) -> impl Iterator<Item = &Closure> {
        self.closures.iter().filter(move |closure| {
            closure.situation.modes.has(mode) && closure.around.is_some_and(|around| around.touches(area))
        })
    }
}

/// What the keeper remembers from one look at the board to the next.
struct Keeper {
    context: Context,
    streets: Arc<Streets>,
    seen: Tick,
    permits: Permits,
    ways: [Ways; 3],
    links: BTreeMap<LinkIx, LinkState>,
    situations: BTreeMap<SituationIx, Arc<Product>>,
    /// Nothing goes stale before.
    fresh_until: Timestamp,
    begun: bool,
}

impl Keeper {
    fn new(context: Context, network: &Arc<RoadNetwork>) -> Self {
        let permits = Permits::new(network, &context.city, context.clock.now());
        let ways = MODES.map(|mode| Ways::new(network, mode));
        Keeper {
            streets: Arc::new(Streets::new(network)),
            permits,
            ways,
            context,
            seen: 0,
            links: BTreeMap::new(),
            situations: BTreeMap::new(),
            fresh_until: Timestamp::from_micros(i64::MAX),
            begun: false,
        }
    }

    /// Looks at the board. The next epoch, if anything is other than in the one before.
    fn look(&mut self) -> Option<Epoch> {
        let now = self.context.clock.now();
        let wanted = |key| matches!(key, Key::Link(_) | Key::Situation(_));
        let (seen, changes) = self.context.board.changed_since(self.seen, wanted);
        self.seen = seen;
        let mut changed = !changes.is_empty() || !std::mem::replace(&mut self.begun, true);
        for (_, entry) in changes {
            match &*entry.product {
                Product::Link(state) if matches!(state.quality, Quality::Good | Quality::Degraded) => {
                    self.links.insert(state.link, state.clone());
                }
                Product::Link(state) => {
                    self.links.remove(&state.link);
                }
                Product::Situation(state) => {
                    self.situations.insert(state.slot, Arc::clone(&entry.product));
                }
                _ => {}
            }
        }
        if now >= self.permits.until() {
            changed |= self.permits.advance(now);
        }
        // The engine says when a figure goes stale; an engine that stands still does not.
        changed |= now >= self.fresh_until;
        changed.then(|| self.epoch(now))
    }

    fn epoch(&mut self, now: Timestamp) -> Epoch {
        self.links.retain(|_, state| state.valid_until > now);
        let ends = self.links.values().map(|state| state.valid_until).min();
        self.fresh_until = ends.unwrap_or(Timestamp::from_micros(i64::MAX));
        let known = |s: &LinkState| Known::of(s.travel_time_s, s.speed_low_kmh, s.speed_high_kmh);
        let known: FxHashMap<_, _> = self.links.iter().map(|(link, state)| (*link, known(state))).collect();
        let active: Vec<_> = self
            .situations
            .values()
            .filter_map(|product| match &**product {
                Product::Situation(state) if state.phase == Phase::Active => Some(state),
                _ => None,
            })
            .collect();
        let network = &self.streets.network;
        for (ways, mode) in self.ways.iter_mut().zip(MODES) {
            let mut seconds: BTreeMap<LinkIx, f32> = BTreeMap::new();
            if mode == Mode::Car {
                seconds.extend(self.links.iter().map(|(link, state)| (*link, state.travel_time_s)));
            }
            for state in active.iter().filter(|state| state.situation.modes.has(mode)) {
                for (ix, link) in state.links.iter().filter_map(|ix| Some((*ix, network.link(*ix)?))) {
                    let least_s = match state.situation.effect {
                        Effect::Closed => f32::INFINITY,
                        Effect::SpeedLimit { kmh } => link.length_m * 3.6 / kmh.max(1.0),
                        Effect::LanesClosed { .. } | Effect::None => continue,
                    };
                    let usual_s = route::link_ms(link, mode, None) as f32 / 1_000.0;
                    let now_s = seconds.entry(ix).or_insert(usual_s);
                    *now_s = now_s.max(least_s);
                }
            }
            ways.bring(&self.permits, seconds);
        }
        let ways = self.ways.each_ref().map(|ways| Arc::clone(ways.router()));
        let closed = active.iter().filter(|state| state.situation.effect == Effect::Closed);
        let mut closures: Vec<_> = closed
            .map(|state| Closure {
                situation: Arc::clone(&state.situation),
                around: Area::around(state.links.iter().flat_map(|link| network.shape(*link))),
                links: state.links.clone(),
            })
            .collect();
        closures.sort_by(|a, b| {
            let name = |c: &Closure| (c.situation.source.clone(), c.situation.id.clone());
            name(a).cmp(&name(b))
        });
        Epoch { streets: Arc::clone(&self.streets), at: now, known: Arc::new(known), closures, ways }
    }
}

/// Keeps the epoch up to date until the engine has gone. Does nothing without streets.
pub(crate) async fn keep(shared: Arc<Shared>) {
    let Some(network) = shared.context.city.network.clone() else { return };
    let mut changed = shared.context.changed.clone();
    let context = shared.context.clone();
    let Ok(mut keeper) = tokio::task::spawn_blocking(move || Keeper::new(context, &network)).await else {
        return;
    };
    loop {
        changed.borrow_and_update();
        let looking = tokio::task::spawn_blocking(move || {
            let epoch = keeper.look();
            (keeper, epoch)
        });
        let Ok((looked, epoch)) = looking.await else { return };
        keeper = looked;
        if let Some(epoch) = epoch {
            shared.live.now.store(Some(Arc::new(epoch)));
        }
        shared.live.tick.store(keeper.seen, Ordering::Release);
        tokio::time::sleep(ROUND).await;
        // Without a change, time alone may make a figure stale or open a street.
        if let Ok(Err(_)) = tokio::time::timeout(ROUND, changed.changed()).await {
            tracing::debug!("the board has no writer any more");
            return;
        }
    }
}
