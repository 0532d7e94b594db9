//! Links, corridors, queues and suspected incidents.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use vlot_model::{CorridorIx, Entry, Jams, Key, LinkIx, Product, RoadNetwork};

use super::area::Area;
use super::{Told, links};
use crate::convert::{Edge, road};
use crate::filter::Filter;
use crate::frames::{Elsewhere, frame};
use crate::ready_made::position;
use crate::shared::Shared;
use crate::watch::watch;
use crate::wire::common::v1::StreamPosition;
use crate::wire::traffic::v1 as wire;
use crate::wire::traffic::v1::road_service_server::RoadService;

/// The service.
pub(crate) struct Roads(pub(crate) Arc<Shared>);

/// Lets those through that touch an area, if one is asked for.
#[derive(Clone)]
struct Near {
    network: Arc<RoadNetwork>,
    area: Option<Area>,
}

impl Near {
    fn any(&self, links: &[LinkIx]) -> bool {
        self.area.is_none_or(|area| links.iter().any(|link| area.touches_link(&self.network, *link)))
    }

    fn jams(&self, jams: &Jams) -> Vec<wire::Jam> {
        let near = jams.jams.iter().filter(|jam| self.any(&jam.links));
        near.map(|jam| road::jam(&self.network, jam)).collect()
    }
}

impl Roads {
    fn near(&self, filter: Option<wire::PlaceFilter>) -> Result<Near, Status> {
        let network = Arc::clone(super::network(&self.0)?);
        let area = Area::asked(filter.unwrap_or_default().r#box.as_ref())?;
        Ok(Near { network, area })
    }

    fn corridors(&self, filter: Option<wire::CorridorFilter>) -> Result<(Arc<RoadNetwork>, Filter), Status> {
        let wire::CorridorFilter { ids, r#box } = filter.unwrap_or_default();
        let near = self.near(Some(wire::PlaceFilter { r#box }))?;
        let corridors = &self.0.context.city.corridors;
        let by_id = self.0.names.corridors.filter(&ids)?;
        Ok((Arc::clone(&near.network), by_id.narrowed(corridors.len(), |at| near.any(&corridors[at].links))))
    }
}

#[tonic::async_trait]
impl RoadService for Roads {
    async fn list_links(
        &self,
        request: Request<wire::ListLinksRequest>,
    ) -> Result<Response<wire::ListLinksResponse>, Status> {
        let shared = Arc::clone(&self.0);
        // A city's links are many to look through.
        let listing = tokio::task::spawn_blocking(move || links::list(&shared, request.into_inner()));
        let listed = listing.await.map_err(|_| Status::internal("the list was not finished"))?;
        listed.map(Response::new)
    }

    type WatchLinksStream = Elsewhere<wire::WatchLinksResponse>;

    async fn watch_links(
        &self,
        request: Request<wire::WatchLinksRequest>,
    ) -> Result<Response<Self::WatchLinksStream>, Status> {
        let (feed, resume_after) = links::Watched::new(&self.0, request.into_inner())?;
        Ok(watch(self.0.seat()?, self.0.bells.links(), feed, resume_after.as_ref()))
    }

    async fn list_corridors(
        &self,
        request: Request<wire::ListCorridorsRequest>,
    ) -> Result<Response<wire::ListCorridorsResponse>, Status> {
        let (network, filter) = self.corridors(request.into_inner().filter)?;
        let context = &self.0.context;
        let tick = context.board.completed();
        let mut edge = Edge::at(context.clock.now());
        let all = filter.of(context.city.corridors.len()).map(CorridorIx::from_position);
        let corridors = all.map(|ix| {
            let entry = context.board.get(Key::Corridor(ix));
            road::corridor(&context.city, &network, ix, entry.as_ref(), &mut edge)
        });
        Ok(Response::new(wire::ListCorridorsResponse {
            corridors: corridors.collect(),
            position: Some(StreamPosition { tick }),
        }))
    }

    type WatchCorridorsStream = Elsewhere<wire::WatchCorridorsResponse>;

    async fn watch_corridors(
        &self,
        request: Request<wire::WatchCorridorsRequest>,
    ) -> Result<Response<Self::WatchCorridorsStream>, Status> {
        let wire::WatchCorridorsRequest { filter, resume_after } = request.into_inner();
        let (network, filter) = self.corridors(filter)?;
        let feed = Told {
            wants: move |key| matches!(key, Key::Corridor(ix) if filter.has(ix.at())),
            frame: move |shared: &Shared, key, entry: &Entry, ends_tick| {
                let Key::Corridor(ix) = key else { return None };
                let mut edge = Edge::at(shared.context.clock.now());
                let corridor =
                    Some(road::corridor(&shared.context.city, &network, ix, Some(entry), &mut edge));
                let position = position(Some(entry), ends_tick);
                Some(frame(&wire::WatchCorridorsResponse { corridor, position }))
            },
        };
        Ok(watch(self.0.seat()?, self.0.bells.roads(), feed, resume_after.as_ref()))
    }

    async fn list_jams(
        &self,
        request: Request<wire::ListJamsRequest>,
    ) -> Result<Response<wire::ListJamsResponse>, Status> {
        let near = self.near(request.into_inner().filter)?;
        let board = &self.0.context.board;
        let position = Some(StreamPosition { tick: board.completed() });
        let jams = match board.get(Key::Jams).as_ref().map(|entry| &*entry.product) {
            Some(Product::Jams(jams)) => near.jams(jams),
            _ => Vec::new(),
        };
        Ok(Response::new(wire::ListJamsResponse { jams, position }))
    }

    type WatchJamsStream = Elsewhere<wire::WatchJamsResponse>;

    async fn watch_jams(
        &self,
        request: Request<wire::WatchJamsRequest>,
    ) -> Result<Response<Self::WatchJamsStream>, Status> {
        let wire::WatchJamsRequest { filter, resume_after } = request.into_inner();
        let near = self.near(filter)?;
        let feed = Told {
            wants: |key| key == Key::Jams,
            frame: move |_: &Shared, _, entry: &Entry, ends_tick| {
                let Product::Jams(jams) = &*entry.product else { return None };
                let position = position(Some(entry), ends_tick);
                Some(frame(&wire::WatchJamsResponse {
                    jams: near.jams(jams),
                    version: entry.version,
                    position,
                }))
            },
        };
        Ok(watch(self.0.seat()?, self.0.bells.roads(), feed, resume_after.as_ref()))
    }

    async fn list_incidents(
        &self,
        request: Request<wire::ListIncidentsRequest>,
    ) -> Result<Response<wire::ListIncidentsResponse>, Status> {
        let near = self.near(request.into_inner().filter)?;
        let board = &self.0.context.board;
        let position = Some(StreamPosition { tick: board.completed() });
        let (_, mut all) = board.changed_since(0, |key| matches!(key, Key::Incident(_)));
        all.sort_by_key(|(key, _)| *key);
        let told = all.iter().filter_map(|(_, entry)| match &*entry.product {
            Product::Incident(incident) if near.any(&[incident.link]) => {
                Some(road::incident(&near.network, incident, entry.version))
            }
            _ => None,
        });
        Ok(Response::new(wire::ListIncidentsResponse { incidents: told.collect(), position }))
    }

    type WatchIncidentsStream = Elsewhere<wire::WatchIncidentsResponse>;

    async fn watch_incidents(
        &self,
        request: Request<wire::WatchIncidentsRequest>,
    ) -> Result<Response<Self::WatchIncidentsStream>, Status> {
        let wire::WatchIncidentsRequest { filter, resume_after } = request.into_inner();
        let near = self.near(filter)?;
        let network = Arc::clone(&near.network);
        let feed = Told {
            wants: move |key| matches!(key, Key::Incident(link) if near.any(&[link])),
            frame: move |_: &Shared, _, entry: &Entry, ends_tick| {
                let Product::Incident(incident) = &*entry.product else { return None };
                let incident = Some(road::incident(&network, incident, entry.version));
                let position = position(Some(entry), ends_tick);
                Some(frame(&wire::WatchIncidentsResponse { incident, position }))
            },
        };
        Ok(watch(self.0.seat()?, self.0.bells.roads(), feed, resume_after.as_ref()))
    }
}
