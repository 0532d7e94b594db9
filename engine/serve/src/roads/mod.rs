//! What is known of the streets: traffic on them, what stands beside them, ways over them.
//!
//! - `area`: which of them a request means.
//! - `links`, `service`: links, corridors, queues, suspected incidents.
//! - `roadside`: traffic lights and air.
//! - `live`, `ways`, `route`: ways with present travel times and closures.
//! - `advise`: where to park for one trip.

mod advise;
mod area;
mod links;
mod live;
mod roadside;
mod route;
mod service;
mod ways;

use std::sync::Arc;

use bytes::Bytes;
use tonic::Status;
use vlot_model::{Entry, Key, RoadNetwork};

use crate::shared::Shared;
use crate::watch::Feed;

pub(crate) use advise::Advice;
pub(crate) use area::Area;
pub(crate) use live::{Live, keep};
pub(crate) use roadside::Roadside;
pub(crate) use route::Routes;
pub(crate) use service::Roads;

fn network(shared: &Shared) -> Result<&Arc<RoadNetwork>, Status> {
    shared.context.city.network.as_ref().ok_or_else(|| {
        Status::failed_precondition(
            "this engine knows no streets (hint: [network] of the configuration names a road network; `vlot import osm` makes one)",
        )
    })
}

/// A feed of keys of which nothing is told before they are known.
struct Told<W, F> {
    wants: W,
    frame: F,
}

impl<W, F> Feed for Told<W, F>
where
    W: Fn(Key) -> bool + Send + 'static,
    F: Fn(&Shared, Key, &Entry, bool) -> Option<Bytes> + Send + 'static,
{
    fn wants(&self, key: Key) -> bool {
        (self.wants)(key)
    }

    fn missing(&self, _: &Shared) -> Vec<Key> {
        Vec::new()
    }

    fn frame(&self, shared: &Shared, key: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        (self.frame)(shared, key, entry?, ends_tick)
    }
}
