//! Links: which ones, in pages and as they change.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tonic::Status;
use vlot_model::{Entry, Key, LevelOfService, LinkIx, Product, RoadNetwork};

use super::area::Area;
use crate::convert::{self, Edge, road};
use crate::filter::{Filter, clip};
use crate::frames::frame;
use crate::ready_made::position;
use crate::shared::Shared;
use crate::watch::Feed;
use crate::wire::common::v1::StreamPosition;
use crate::wire::traffic::v1::{
    LinkFilter, ListLinksRequest, ListLinksResponse, WatchLinksRequest, WatchLinksResponse,
};

/// Links of a page.
const PAGE: usize = 5_000;

/// Which links, and from which level on.
struct Wanted {
    network: Arc<RoadNetwork>,
    filter: Filter,
    level_min: LevelOfService,
}

impl Wanted {
    fn new(shared: &Shared, asked: Option<LinkFilter>) -> Result<Self, Status> {
        let network = Arc::clone(super::network(shared)?);
        let LinkFilter { ids, r#box, corridor_id, level_min } = asked.unwrap_or_default();
        let mut filter = Filter::ALL;
        if !ids.is_empty() {
            filter = Filter::some(ids.iter().map(|id| named(&network, id)).collect::<Result<_, _>>()?);
        }
        if !corridor_id.is_empty() {
            let of = shared.names.corridors.find(&corridor_id);
            let at =
                of.map_err(|e| Status::invalid_argument(format!("filter.corridor_id: {}", e.message())))?;
            let links = shared.context.city.corridors.get(at).map_or(&[][..], |c| &c.links);
            let of_corridor = Filter::some(links.iter().map(|link| link.at()).collect());
            filter = of_corridor.narrowed(network.links.len(), |at| filter.has(at));
        }
        if let Some(area) = Area::asked(r#box.as_ref())? {
            filter = filter
                .narrowed(network.links.len(), |at| area.touches_link(&network, LinkIx::from_position(at)));
        }
        let level_min = road::level_min(level_min).ok_or_else(|| {
            Status::invalid_argument(format!("filter.level_min: {level_min} is no level of service"))
        })?;
        Ok(Wanted { network, filter, level_min })
    }

    /// Whether its level is one that was asked for.
    fn reaches(&self, entry: Option<&Entry>, edge: &mut Edge) -> bool {
        let level = match entry.map(|entry| &*entry.product) {
            Some(Product::Link(state)) => road::level_now(state, edge),
            _ => LevelOfService::A,
        };
        level >= self.level_min
    }
}

fn named(network: &RoadNetwork, id: &str) -> Result<usize, Status> {
    let found = road::parse_id(id).and_then(|id| network.find(id));
    found.map(LinkIx::at).ok_or_else(|| {
        Status::invalid_argument(format!(
            "filter.ids: there is no link {:?} (hint: 16 hexadecimal digits, as ListLinks gives them)",
            clip(id)
        ))
    })
}

/// A page of links.
pub(super) fn list(shared: &Shared, request: ListLinksRequest) -> Result<ListLinksResponse, Status> {
    let ListLinksRequest { filter, shapes, limit, page_token } = request;
    let wanted = Wanted::new(shared, filter)?;
    let limit = match usize::try_from(limit) {
        Ok(0) => PAGE,
        Ok(limit) if limit <= PAGE => limit,
        _ => return Err(Status::invalid_argument(format!("limit: at most {PAGE}"))),
    };
    let network = &wanted.network;
    // Links are sorted by their lasting names, so a page goes on behind a name, whether or not it is still there.
    let first = match page_token.as_str() {
        "" => 0,
        token => {
            let last = road::parse_id(token);
            let last = last.ok_or_else(|| Status::invalid_argument("page_token: none of this service's"))?;
            network.links.partition_point(|link| link.id <= last)
        }
    };
    let context = &shared.context;
    // First the position: what is published after it may be in the list too, and a watch then repeats it.
    let tick = context.board.completed();
    let mut edge = Edge::at(context.clock.now());
    let mut links = Vec::new();
    let mut next_page_token = String::new();
    for at in (first..network.links.len()).filter(|at| wanted.filter.has(*at)) {
        let ix = LinkIx::from_position(at);
        let entry = context.board.get(Key::Link(ix));
        if !wanted.reaches(entry.as_ref(), &mut edge) {
            continue;
        }
        if links.len() == limit {
            next_page_token =
                links.last().map(|l: &crate::wire::traffic::v1::Link| l.id.clone()).unwrap_or_default();
            break;
        }
        links.push(road::link(network, ix, shapes, entry.as_ref(), &mut edge));
    }
    Ok(ListLinksResponse { links, position: Some(StreamPosition { tick }), next_page_token })
}

/// Links as they change.
pub(super) struct Watched {
    wanted: Wanted,
    shapes: bool,
    /// Whether the reader holds a link as one that reaches the level; where nothing is written, `resumed`.
    held: Mutex<BTreeMap<LinkIx, bool>>,
    /// What it was sent before is not known here: then each link's next state is told once, whatever its level.
    resumed: bool,
}

impl Watched {
    pub(super) fn new(
        shared: &Shared,
        request: WatchLinksRequest,
    ) -> Result<(Self, Option<StreamPosition>), Status> {
        let WatchLinksRequest { filter, shapes, resume_after } = request;
        let wanted = Wanted::new(shared, filter)?;
        let resumed = resume_after.as_ref().is_some_and(|p| shared.context.board.resumes_from(p.tick) != 0);
        Ok((Watched { wanted, shapes, held: Mutex::default(), resumed }, resume_after))
    }
}

impl Feed for Watched {
    fn wants(&self, key: Key) -> bool {
        matches!(key, Key::Link(ix) if self.wanted.filter.has(ix.at()))
    }

    /// A link of which nothing is known has nothing to be told.
    fn missing(&self, _: &Shared) -> Vec<Key> {
        Vec::new()
    }

    fn frame(&self, shared: &Shared, key: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        let Key::Link(ix) = key else { return None };
        let mut edge = Edge::at(shared.context.clock.now());
        if self.wanted.level_min > LevelOfService::A {
            let reaches = self.wanted.reaches(entry, &mut edge);
            let held = self.held.lock().insert(ix, reaches).unwrap_or(self.resumed);
            if !reaches && !held {
                return None;
            }
        }
        let link = convert::road::link(&self.wanted.network, ix, self.shapes, entry, &mut edge);
        Some(frame(&WatchLinksResponse { link: Some(link), position: position(entry, ends_tick) }))
    }
}
