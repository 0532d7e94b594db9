//! `vlot route`: a way between two places, by an engine's live traffic or over a network file alone.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use vlot_model::{LinkIx, LonLat, Mode, Permission, RoadNetwork};
use vlot_network::route::{Router, undisturbed_s};
use vlot_network::trip::{NoTrip, near, trip};
use vlot_network::{Index, Permits, polyline, reach};
use vlot_proto::common::v1::{Position, TravelMode};
use vlot_proto::traffic::v1::route_service_client::RouteServiceClient;
use vlot_proto::traffic::v1::{Place, Route, RouteBasis, RouteRequest, RouteStep, place};

use crate::cli::{RouteMode, RouteOf};
use crate::watch::{connect, told};

/// A place on the command line.
pub(crate) fn spot(text: &str) -> Result<LonLat, String> {
    let wrong = || "not latitude,longitude such as 50.8790,4.7005".to_owned();
    let (lat, lon) = text.split_once(',').ok_or_else(wrong)?;
    let [lat, lon] = [lat, lon].map(|n| n.trim().parse::<f64>());
    let at = LonLat { lat: lat.map_err(|_| wrong())?, lon: lon.map_err(|_| wrong())? };
    if (-90.0..=90.0).contains(&at.lat) && (-180.0..=180.0).contains(&at.lon) { Ok(at) } else { Err(wrong()) }
}

/// Prints routes.
pub(crate) async fn route(options: RouteOf) -> Result<()> {
    let routes = match &options.network {
        Some(file) => over_file(file, &options)?,
        None => of_engine(&options).await?,
    };
    let text = if options.json { json(&routes)? } else { table(&routes) };
    // Whoever reads the output may have seen enough.
    drop(std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes()));
    Ok(())
}

async fn of_engine(options: &RouteOf) -> Result<Vec<Route>> {
    let at = |p: LonLat| {
        let position = Position { latitude: p.lat, longitude: p.lon };
        Some(Place { place: Some(place::Place::Position(position)) })
    };
    let request = RouteRequest {
        origin: at(options.from),
        destination: at(options.to),
        mode: match options.mode {
            RouteMode::Car => TravelMode::Car,
            RouteMode::Bicycle => TravelMode::Bicycle,
            RouteMode::Foot => TravelMode::Foot,
        }
        .into(),
        alternatives: options.alternatives,
    };
    let mut client = RouteServiceClient::new(connect(&options.engine).await?);
    Ok(client.route(request).await.map_err(told)?.into_inner().routes)
}

/// Without an engine nothing is known of traffic, closures and hours: usual speeds, and what always holds.
fn over_file(file: &Path, options: &RouteOf) -> Result<Vec<Route>> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let network = vlot_network::read(&bytes).with_context(|| format!("{} is of no use", file.display()))?;
    let mode = match options.mode {
        RouteMode::Car => Mode::Car,
        RouteMode::Bicycle => Mode::Bicycle,
        RouteMode::Foot => Mode::Foot,
    };
    routes(network, mode, options.from, options.to, options.alternatives)
}

fn routes(network: RoadNetwork, mode: Mode, from: LonLat, to: LonLat, most: u32) -> Result<Vec<Route>> {
    let usual = |link| vlot_network::path::usual(&network, link, mode) != Permission::No;
    let open = reach::largest_part(&network, usual);
    let usable = |link: LinkIx| open.get(link.at()).copied().unwrap_or(false);
    let index = Index::new(&network, usable);
    let streets = |end, at| {
        let found = near(&network, &index, at, usable);
        if found.is_empty() { Err(NoTrip::NothingNear { end, mode, at }) } else { Ok(found) }
    };
    let (starts, ends) = (streets("origin", from)?, streets("destination", to)?);
    let network = Arc::new(network);
    let mut router = Router::new(Arc::clone(&network), mode, None);
    router.weights(&Permits::usual(&network), |_| None);
    let others = (most as usize).saturating_sub(1);
    let ways = router.route(&starts, &ends, others);
    let ways = ways.map_err(|why| NoTrip::Unreachable { mode, from, to, why })?;
    let undisturbed = |link| undisturbed_s(&network, link, mode);
    let told = ways.iter().map(|way| {
        let trip = trip(&network, mode, way, &undisturbed, |_| None);
        let id = |link: &LinkIx| network.link(*link).map_or_else(String::new, |l| format!("{:016x}", l.id.0));
        let step = |(first, length_m): &(usize, f64)| RouteStep {
            name: trip.links.get(*first).map_or_else(String::new, |link| network.name(*link).to_owned()),
            length_m: *length_m,
            first_link: u32::try_from(*first).unwrap_or(u32::MAX),
        };
        Route {
            shape: polyline::encode(&trip.shape),
            link_ids: trip.links.iter().map(id).collect(),
            length_m: trip.length_m,
            travel_time_s: trip.travel_time_s,
            travel_time_low_s: trip.travel_time_low_s,
            travel_time_high_s: trip.travel_time_high_s,
            free_flow_s: trip.free_flow_s,
            basis: Some(RouteBasis { assumed_pct: 100.0, ..RouteBasis::default() }),
            from_origin_m: starts.first().map_or(0.0, |on| on.distance_m),
            to_destination_m: ends.first().map_or(0.0, |on| on.distance_m),
            steps: trip.steps.iter().map(step).collect(),
        }
    });
    Ok(told.collect())
}

fn table(routes: &[Route]) -> String {
    let mut text = String::new();
    for (i, route) in routes.iter().enumerate() {
        let basis = route.basis.clone().unwrap_or_default();
        text.push_str(&format!(
            "route {}: {:.1} km, {} ({} to {}, undisturbed {})  {:.0} % measured, {:.0} % assumed\n",
            i + 1,
            route.length_m / 1_000.0,
            minutes(route.travel_time_s),
            minutes(route.travel_time_low_s),
            minutes(route.travel_time_high_s),
            minutes(route.free_flow_s),
            basis.measured_pct,
            basis.assumed_pct,
        ));
        for closure in &basis.closures_avoided {
            text.push_str(&format!("  around {}/{}: {}\n", closure.source, closure.id, closure.headline));
        }
        for step in &route.steps {
            let name = if step.name.is_empty() { "(no name)" } else { &step.name };
            text.push_str(&format!("  {:>6.0} m  {name}\n", step.length_m));
        }
    }
    text
}

fn minutes(seconds: f64) -> String {
    if seconds < 90.0 { format!("{seconds:.0} s") } else { format!("{:.1} min", seconds / 60.0) }
}

fn json(routes: &[Route]) -> Result<String> {
    let routes: Vec<_> = routes
        .iter()
        .map(|route| {
            let basis = route.basis.clone().unwrap_or_default();
            let shape = polyline::decode(&route.shape).unwrap_or_default();
            let closures = basis.closures_avoided.iter();
            serde_json::json!({
                "length_m": route.length_m,
                "travel_time_s": route.travel_time_s,
                "travel_time_low_s": route.travel_time_low_s,
                "travel_time_high_s": route.travel_time_high_s,
                "free_flow_s": route.free_flow_s,
                "measured_pct": basis.measured_pct,
                "assumed_pct": basis.assumed_pct,
                "closures_avoided": closures.map(|c| format!("{}/{}", c.source, c.id)).collect::<Vec<_>>(),
                "link_ids": route.link_ids,
                "coordinates": shape.iter().map(|p| [p.lon, p.lat]).collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&serde_json::json!({ "routes": routes }))? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use vlot_model::RoadClass;
    use vlot_network::{Draft, DraftLink, geo};

    const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };

    #[test]
    fn places_are_latitude_and_longitude() {
        assert_eq!(spot("50.88,4.7"), Ok(HERE));
        assert_eq!(spot(" -1 , 2.5"), Ok(LonLat { lat: -1.0, lon: 2.5 }));
        for wrong in ["50.88", "50.88;4.7", "a,b", "91,0", "0,181", "NaN,0"] {
            assert!(spot(wrong).is_err(), "{wrong}");
        }
    }

    /// One street of 500 m, both ways, and a route in it.
    #[test]
    fn a_file_alone_gives_routes_at_usual_speeds() {
        let mut draft = Draft::new("test");
        let ends = [HERE, geo::offset(HERE, [500.0, 0.0])];
        for (i, points) in [[ends[0], ends[1]], [ends[1], ends[0]]].into_iter().enumerate() {
            let nodes = if i == 0 { [1, 2] } else { [2, 1] };
            let id = 1 + u64::from(i == 1);
            let link = DraftLink::new(nodes, id, RoadClass::Primary);
            let opposite = Some(vlot_model::LinkId(3 - id));
            draft.link(DraftLink { points: points.to_vec(), opposite, name: "Vest".into(), ..link });
        }
        let network = draft.make().network;
        let to = geo::offset(HERE, [400.0, 10.0]);
        let got = routes(network.clone(), Mode::Foot, geo::offset(HERE, [100.0, 0.0]), to, 1).unwrap();
        assert_eq!(got[0].link_ids, [format!("{:016x}", 1)]);
        assert!((got[0].length_m - 300.0).abs() < 1.0 && (got[0].travel_time_s - 216.0).abs() < 2.0);
        let text = table(&got);
        assert!(text.starts_with("route 1: 0.3 km, 3.6 min") && text.contains("300 m  Vest"), "{text}");
        let parsed: serde_json::Value = serde_json::from_str(&json(&got).unwrap()).unwrap();
        assert_eq!(parsed["routes"][0]["assumed_pct"], 100.0);
        let nowhere = routes(network, Mode::Car, geo::offset(HERE, [0.0, 900.0]), to, 1).unwrap_err();
        assert!(nowhere.to_string().starts_with("origin: no street for cars"), "{nowhere}");
    }
}
