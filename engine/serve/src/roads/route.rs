//! Ways from here to there.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};
use vlot_model::{FacilityIx, LonLat, Mode, OnLink};
use vlot_network::polyline;
use vlot_network::route::Route;
use vlot_network::trip::{NoTrip, Trip, trip};

use super::area::Area;
use super::live::Epoch;
use crate::convert::{road, timestamp};
use crate::shared::{Shared, shutting_down};
use crate::wire::common::v1::{StreamPosition, TravelMode};
use crate::wire::traffic::v1 as wire;
use crate::wire::traffic::v1::place;
use crate::wire::traffic::v1::route_service_server::RouteService;

/// Searches at the same time; more wait for one of them.
const SEARCHES: usize = 8;
/// Routes of an answer.
const ROUTES: u32 = 3;
/// Closures that a route names.
const CLOSURES: usize = 20;

/// The service.
pub(crate) struct Routes {
    shared: Arc<Shared>,
    searches: Arc<Semaphore>,
}

impl Routes {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Routes { shared: Arc::clone(shared), searches: Arc::new(Semaphore::new(SEARCHES)) }
    }
}

#[tonic::async_trait]
impl RouteService for Routes {
    async fn route(
        &self,
        request: Request<wire::RouteRequest>,
    ) -> Result<Response<wire::RouteResponse>, Status> {
        super::network(&self.shared)?;
        let asked = Asked::new(&self.shared, request.into_inner())?;
        let (tick, epoch) = self.shared.live.now().ok_or_else(|| {
            Status::unavailable("the streets are still being read (hint: ask again in a few seconds)")
        })?;
        let searches = Arc::clone(&self.searches);
        let turn = searches.acquire_owned().await.map_err(|_| shutting_down())?;
        let shared = Arc::clone(&self.shared);
        let searching = tokio::task::spawn_blocking(move || {
            let found = asked.search(&shared, &epoch);
            drop(turn);
            (found, epoch.at)
        });
        let (found, at) = searching.await.map_err(|_| Status::internal("the search was not finished"))?;
        Ok(Response::new(wire::RouteResponse {
            routes: found?,
            position: Some(StreamPosition { tick }),
            at: Some(timestamp(at)),
        }))
    }
}

/// A place, checked.
#[derive(Clone, Copy)]
enum Place {
    At(LonLat),
    Facility(FacilityIx, LonLat),
}

impl Place {
    fn position(self) -> LonLat {
        match self {
            Place::At(at) | Place::Facility(_, at) => at,
        }
    }

    fn asked(shared: &Shared, end: &str, asked: Option<wire::Place>) -> Result<Place, Status> {
        let wrong = |what: String| Status::invalid_argument(format!("{end}{what}"));
        match asked.and_then(|asked| asked.place) {
            None => Err(wrong(": is required (hint: a position, or a facility_id)".to_owned())),
            Some(place::Place::Position(p)) => {
                if !(-90.0..=90.0).contains(&p.latitude) || !(-180.0..=180.0).contains(&p.longitude) {
                    return Err(wrong(format!(
                        ".position: {},{} is no place on the earth (hint: latitude -90 to 90, longitude -180 to 180)",
                        p.latitude, p.longitude
                    )));
                }
                Ok(Place::At(LonLat { lon: p.longitude, lat: p.latitude }))
            }
            Some(place::Place::FacilityId(id)) => {
                let found = shared.names.facilities.find(&id);
                let at = found.map_err(|e| {
                    wrong(format!(".facility_id: {} (hint: ListFacilities has them)", e.message()))
                })?;
                let facility = &shared.context.city.facilities[at];
                Ok(Place::Facility(FacilityIx::from_position(at), facility.position))
            }
        }
    }

    /// The streets where a trip may begin or end.
    fn streets(
        self,
        end: &'static str,
        mode: Mode,
        shared: &Shared,
        epoch: &Epoch,
    ) -> Result<Vec<OnLink>, NoTrip> {
        if let Place::Facility(facility, _) = self
            && mode == Mode::Car
            && let Some(Some(entrance)) = shared.context.city.placed.facilities.get(facility.at())
            && epoch.usable(entrance.link, mode)
        {
            return Ok(vec![*entrance]);
        }
        let near = epoch.near(self.position(), mode);
        if near.is_empty() { Err(NoTrip::NothingNear { end, mode, at: self.position() }) } else { Ok(near) }
    }
}

/// A request, checked.
struct Asked {
    origin: Place,
    destination: Place,
    mode: Mode,
    most: usize,
}

impl Asked {
    fn new(shared: &Shared, request: wire::RouteRequest) -> Result<Self, Status> {
        let wire::RouteRequest { origin, destination, mode, alternatives } = request;
        let mode = match TravelMode::try_from(mode) {
            Ok(TravelMode::Unspecified | TravelMode::Car) => Mode::Car,
            Ok(TravelMode::Bicycle) => Mode::Bicycle,
            Ok(TravelMode::Foot) => Mode::Foot,
            Ok(TravelMode::Bus) => {
                return Err(Status::invalid_argument(
                    "mode: there are no routes by bus (hint: car, bicycle or foot)",
                ));
            }
            Err(_) => return Err(Status::invalid_argument(format!("mode: {mode} is none"))),
        };
        if alternatives > ROUTES {
            return Err(Status::invalid_argument(format!("alternatives: 1 to {ROUTES}")));
        }
        Ok(Asked {
            origin: Place::asked(shared, "origin", origin)?,
            destination: Place::asked(shared, "destination", destination)?,
            mode,
            most: alternatives.max(1) as usize,
        })
    }

    fn search(&self, shared: &Shared, epoch: &Epoch) -> Result<Vec<wire::Route>, Status> {
        let Asked { origin, destination, mode, most } = *self;
        let nothing_near = |e: NoTrip| Status::out_of_range(e.to_string());
        let from = origin.streets("origin", mode, shared, epoch).map_err(nothing_near)?;
        let to = destination.streets("destination", mode, shared, epoch).map_err(nothing_near)?;
        let ways = epoch.ways(mode, &from, &to, most).map_err(|why| {
            let (from, to) = (origin.position(), destination.position());
            Status::not_found(NoTrip::Unreachable { mode, from, to, why }.to_string())
        })?;
        let distance =
            |on: &[OnLink], link| on.iter().find(|on| Some(&on.link) == link).map_or(0.0, |on| on.distance_m);
        Ok(ways
            .iter()
            .map(|way| {
                let route = route(epoch, mode, way);
                wire::Route {
                    from_origin_m: distance(&from, way.links.first()),
                    to_destination_m: distance(&to, way.links.last()),
                    ..route
                }
            })
            .collect())
    }
}

fn route(epoch: &Epoch, mode: Mode, way: &Route) -> wire::Route {
    let network = &epoch.streets.network;
    let undisturbed = |link| epoch.undisturbed_s(link, mode);
    let trip: Trip = trip(network, mode, way, &undisturbed, |link| epoch.known(link, mode));
    let around = Area::around(&trip.shape);
    let closures = around.iter().flat_map(|around| epoch.closures(mode, around));
    let avoided = closures.filter(|c| c.links.iter().all(|link| !trip.links.contains(link))).map(|c| {
        wire::AvoidedClosure {
            source: c.situation.source.to_string(),
            id: c.situation.id.to_string(),
            headline: c.situation.headline.to_string(),
        }
    });
    #[expect(clippy::cast_possible_truncation, reason = "percent")]
    let measured_pct = trip.measured_pct as f32;
    let step = |(first, length_m): &(usize, f64)| wire::RouteStep {
        name: trip.links.get(*first).map(|link| network.name(*link).to_owned()).unwrap_or_default(),
        length_m: *length_m,
        first_link: u32::try_from(*first).unwrap_or(u32::MAX),
    };
    wire::Route {
        shape: polyline::encode(&trip.shape),
        link_ids: road::ids(network, &trip.links),
        length_m: trip.length_m,
        travel_time_s: trip.travel_time_s,
        travel_time_low_s: trip.travel_time_low_s,
        travel_time_high_s: trip.travel_time_high_s,
        free_flow_s: trip.free_flow_s,
        basis: Some(wire::RouteBasis {
            measured_pct,
            assumed_pct: 100.0 - measured_pct,
            closures_avoided: avoided.take(CLOSURES).collect(),
        }),
        from_origin_m: 0.0,
        to_destination_m: 0.0,
        steps: trip.steps.iter().map(step).collect(),
    }
}
