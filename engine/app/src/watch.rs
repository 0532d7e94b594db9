//! `vlot watch`: a gRPC client in the terminal.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status as Refused};
use vlot_model::Timestamp;
use vlot_proto::bicycle::v1::watch_garage_response::Change;
use vlot_proto::bicycle::v1::{
    Garage, ListGaragesRequest, WatchGarageRequest, WatchGarageResponse,
    garage_service_client::GarageServiceClient,
};
use vlot_proto::common::v1::{Quality, SensorShare, Status};
use vlot_proto::device::v1::{
    WatchSensorsRequest, WatchSensorsResponse, sensor_service_client::SensorServiceClient,
};
use vlot_proto::parking::v1::{
    Facility, FacilityForecast, ForecastBasis, WatchFacilitiesRequest, WatchFacilitiesResponse,
    WatchForecastsRequest, WatchForecastsResponse, WatchZonesRequest, WatchZonesResponse,
    forecast_service_client::ForecastServiceClient, parking_service_client::ParkingServiceClient,
    zone_service_client::ZoneServiceClient,
};
use vlot_proto::sign::v1::row::Figure;
use vlot_proto::sign::v1::{
    Arrow, Face, Fault, ListSignsRequest, Row, Sign, SignFilter, WatchSignsRequest, WatchSignsResponse,
    sign_service_client::SignServiceClient,
};
use vlot_proto::traffic::v1::count::Figures;
use vlot_proto::traffic::v1::{
    Station, WatchCountsRequest, WatchCountsResponse, WatchSituationsRequest, WatchSituationsResponse,
    situation_service_client::SituationServiceClient, traffic_service_client::TrafficServiceClient,
};

use crate::cli::{Engine, Watch, What};
use crate::follow::follow;
use crate::watch_roads;

/// Prints one line a change until the count is reached or the reader of the output goes away.
pub(crate) async fn watch(options: Watch) -> Result<()> {
    let channel = connect(&options.engine).await?;
    let mut left = options.count.unwrap_or(u64::MAX);
    let mut print = |text: String| -> Result<bool> {
        if writeln!(std::io::stdout().lock(), "{text}").is_err() {
            return Ok(false);
        }
        left -= 1;
        Ok(left > 0)
    };
    let watched = match &options.what {
        What::Facilities => {
            let open = async |channel, resume_after| {
                let request = WatchFacilitiesRequest { resume_after, ..Default::default() };
                Ok(ParkingServiceClient::new(channel).watch_facilities(request).await?.into_inner())
            };
            let take = |c: WatchFacilitiesResponse| print(facility(&c.facility.unwrap_or_default()));
            follow(&channel, open, take).await
        }
        What::Sign { id } => {
            let open = async |channel, resume_after| {
                let request =
                    WatchSignsRequest { filter: Some(SignFilter { ids: vec![id.clone()] }), resume_after };
                Ok(SignServiceClient::new(channel).watch_signs(request).await?.into_inner())
            };
            let take = |c: WatchSignsResponse| print(sign(&c.sign.unwrap_or_default()));
            let watched = follow(&channel, open, take).await;
            if is_unknown(&watched) {
                let mut client = SignServiceClient::new(channel);
                let all = client.list_signs(ListSignsRequest::default()).await.map_err(told)?.into_inner();
                let known = ids(all.signs.into_iter().map(|s| s.id));
                bail!("there is no sign {id:?} (hint: one of {known})")
            }
            watched
        }
        What::Garage { id } => {
            let open = async |channel, resume_after| {
                let request = WatchGarageRequest { id: id.clone(), resume_after };
                Ok(GarageServiceClient::new(channel).watch_garage(request).await?.into_inner())
            };
            let take = |c: WatchGarageResponse| match c.change {
                Some(Change::Garage(g)) => print(garage(&g)),
                Some(Change::Face(f)) => print(format!("  sign {}: {}", f.sign_id, face(&f))),
                None => Ok(true),
            };
            let watched = follow(&channel, open, take).await;
            if is_unknown(&watched) {
                let mut client = GarageServiceClient::new(channel);
                let all = client.list_garages(ListGaragesRequest {}).await.map_err(told)?.into_inner();
                let known = ids(all.garages.into_iter().map(|g| g.id));
                bail!("there is no garage {id:?} (hint: one of {known})")
            }
            watched
        }
        What::Stations => {
            let open = async |channel, resume_after| {
                let request = WatchCountsRequest { resume_after, ..Default::default() };
                Ok(TrafficServiceClient::new(channel).watch_counts(request).await?.into_inner())
            };
            let take = |c: WatchCountsResponse| print(station(&c.station.unwrap_or_default()));
            follow(&channel, open, take).await
        }
        What::Zones => {
            let open = async |channel, resume_after| {
                let request = WatchZonesRequest { resume_after, ..Default::default() };
                Ok(ZoneServiceClient::new(channel).watch_zones(request).await?.into_inner())
            };
            let take = |c: WatchZonesResponse| print(crate::watch_zones::line(&c.zone.unwrap_or_default()));
            follow(&channel, open, take).await
        }
        What::Sensors => {
            let open = async |channel, resume_after| {
                let request = WatchSensorsRequest { resume_after, ..Default::default() };
                Ok(SensorServiceClient::new(channel).watch_sensors(request).await?.into_inner())
            };
            let take =
                |c: WatchSensorsResponse| print(crate::watch_sensors::line(&c.sensor.unwrap_or_default()));
            follow(&channel, open, take).await
        }
        What::Forecasts => {
            let open = async |channel, resume_after| {
                let request = WatchForecastsRequest { resume_after, ..Default::default() };
                Ok(ForecastServiceClient::new(channel).watch_forecasts(request).await?.into_inner())
            };
            let take = |c: WatchForecastsResponse| print(forecast(&c.forecast.unwrap_or_default()));
            follow(&channel, open, take).await
        }
        What::Situations => {
            let open = async |channel, resume_after| {
                let request = WatchSituationsRequest { resume_after, ..Default::default() };
                Ok(SituationServiceClient::new(channel).watch_situations(request).await?.into_inner())
            };
            let take =
                |c: WatchSituationsResponse| print(crate::situation::text(&c.situation.unwrap_or_default()));
            follow(&channel, open, take).await
        }
        What::Links { level } => watch_roads::links(&channel, *level, &mut print).await,
        What::Corridors => watch_roads::corridors(&channel, &mut print).await,
        What::Jams => watch_roads::jams(&channel, &mut print).await,
        What::Incidents => watch_roads::incidents(&channel, &mut print).await,
        What::Guidance => crate::watch_guidance::guidance(&channel, &mut print).await,
    };
    watched.map_err(|error| match error.downcast::<Refused>() {
        Ok(refused) => told(refused),
        Err(error) => error,
    })
}

/// What the engine said, in its own words.
pub(crate) fn told(refused: Refused) -> anyhow::Error {
    match refused.message() {
        "" => anyhow!("the engine answers: {}", refused.code()),
        message => anyhow!("{message}"),
    }
}

fn is_unknown(watched: &Result<()>) -> bool {
    let refused = watched.as_ref().err().and_then(|error| error.downcast_ref::<Refused>());
    refused.is_some_and(|refused| matches!(refused.code(), Code::NotFound | Code::InvalidArgument))
}

fn ids(ids: impl Iterator<Item = String>) -> String {
    ids.collect::<Vec<_>>().join(", ")
}

/// To an engine. A connection that is dead without a word is found within half a minute.
pub(crate) async fn connect(engine: &Engine) -> Result<Channel> {
    let Engine { engine, ca, cert, key } = engine;
    let address = match engine.contains("://") {
        true => engine.to_owned(),
        false => format!("http://{engine}"),
    };
    if address.starts_with("https:") && ca.is_none() {
        bail!("{address} needs --ca FILE: the certificate of the authority to trust");
    }
    let read = |file: &Path| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    let mut endpoint = Endpoint::from_shared(address)
        .with_context(|| format!("{engine:?} is no address (hint: http://127.0.0.1:7101)"))?
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    if let Some(ca) = ca {
        let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(ca)?));
        if let (Some(cert), Some(key)) = (cert, key) {
            tls = tls.identity(Identity::from_pem(read(cert)?, read(key)?));
        }
        endpoint = endpoint.tls_config(tls)?;
    }
    endpoint
        .connect()
        .await
        .with_context(|| format!("no engine answers at {engine} (hint: start one with `vlot demo`)"))
}

pub(crate) fn quality(quality: Quality) -> &'static str {
    match quality {
        Quality::Good => "good",
        Quality::Degraded => "degraded",
        Quality::Stale => "stale",
        Quality::Missing | Quality::Unspecified => "missing",
    }
}

fn share(sensors: Option<SensorShare>) -> String {
    sensors.map_or_else(String::new, |s| format!("{}/{} sensors", s.reporting, s.total))
}

pub(crate) fn number(n: Option<u32>) -> String {
    n.map_or_else(|| "-".to_owned(), |n| n.to_string())
}

/// A facility in one word.
pub(crate) fn facility_status(status: Status) -> &'static str {
    match status {
        Status::SpacesAvailable => "spaces",
        Status::Full => "FULL",
        Status::Closed => "CLOSED",
        Status::Unknown | Status::Unspecified => "unknown",
    }
}

/// A change of a facility in one line.
pub(crate) fn facility(facility: &Facility) -> String {
    let state = facility.state.clone().unwrap_or_default();
    format!(
        "{}  {:<34} free {:>5} of {:>5}  {:<8} {:<9} {}",
        state.observed_at.map_or_else(|| "-".to_owned(), |t| Timestamp::from_secs(t.seconds).to_string()),
        facility.name,
        number(state.free),
        state.capacity,
        facility_status(state.status()),
        quality(state.quality()),
        share(state.sensors),
    )
}

fn garage(garage: &Garage) -> String {
    let mut text = format!(
        "{}: free {} of {} ({}, {})",
        garage.name,
        number(garage.free),
        garage.capacity,
        quality(garage.quality()),
        share(garage.sensors),
    );
    for section in &garage.sections {
        text.push_str(&format!(
            "\n  {:<20} free {:>5} of {:>5}  {}",
            section.name,
            number(section.free),
            section.capacity,
            quality(section.quality()),
        ));
    }
    text
}

/// A row of a face as text: `<- Ladeuze 123`.
pub(crate) fn row(row: &Row, advised: bool) -> String {
    let arrow = match row.arrow() {
        Arrow::Unspecified => " ",
        Arrow::Ahead => "\u{2191}",
        Arrow::Left => "\u{2190}",
        Arrow::Right => "\u{2192}",
        Arrow::AheadLeft => "\u{2196}",
        Arrow::AheadRight => "\u{2197}",
        Arrow::Back => "\u{21b6}",
        Arrow::Down => "\u{2193}",
    };
    let figure = match row.figure {
        Some(Figure::Free(n)) if row.filling => format!("{n} filling"),
        Some(Figure::Free(n)) => n.to_string(),
        Some(Figure::Word(w)) if w == i32::from(Status::Full) => "FULL".to_owned(),
        Some(Figure::Word(_)) => "CLOSED".to_owned(),
        Some(Figure::Blank(_)) | None => "-".to_owned(),
    };
    format!("{}{arrow} {} {figure}", if advised { "*" } else { "" }, row.label)
}

/// A face in one line; the advised row has a star.
pub(crate) fn face(face: &Face) -> String {
    let rows = face.rows.iter().zip(0..).map(|(r, i)| row(r, face.advised_row == Some(i)));
    rows.collect::<Vec<_>>().join(" | ")
}

fn sign(sign: &Sign) -> String {
    let mut text = format!("{} ({})", sign.id, sign.name);
    match &sign.commanded {
        None => text.push_str("\n  nothing commanded"),
        Some(commanded) => {
            text.push_str(&format!("\n  face {}: {}", commanded.version, face(commanded)));
            if let Some(reason) = &commanded.reason {
                reason.rows.iter().for_each(|why| text.push_str(&format!("\n    {why}")));
                text.push_str(&format!("\n    {}", reason.advice));
            }
        }
    }
    let Some(display) = &sign.display else {
        text.push_str("\n  never heard of");
        return text;
    };
    let shown = match display.displayed_version {
        None => "nothing it told of".to_owned(),
        Some(0) => "its own fallback".to_owned(),
        Some(version) => format!("face {version}"),
    };
    let fault = match display.fault() {
        Fault::Unspecified | Fault::None => String::new(),
        fault => format!(", fault: {}", fault.as_str_name()),
    };
    let link = if display.connected { "connected" } else { "not connected" };
    text.push_str(&format!("\n  {link}, displays {shown}{fault}"));
    text
}

fn station(station: &Station) -> String {
    let Some(count) = &station.count else { return format!("{:<34} nothing yet", station.name) };
    let figures = match &count.figures {
        Some(Figures::Motor(m)) => format!(
            "{:>4} vehicles, {:>5} an hour, {} km/h",
            number(m.vehicles),
            number(m.flow_vph),
            m.speed_kmh.map_or_else(|| "-".to_owned(), |v| format!("{v:.0}")),
        ),
        Some(Figures::Bicycle(b)) => {
            format!("{:>4} bicycles in, {:>4} out", number(b.inbound), number(b.outbound))
        }
        None => "-".to_owned(),
    };
    let start = count.observed_at.unwrap_or_default();
    format!(
        "{:<34} {} +{} s: {figures}  {} {}",
        station.name,
        Timestamp::from_secs(start.seconds),
        count.interval_s,
        quality(count.quality()),
        share(count.sensors),
    )
}

/// A forecast in one line: the figure now, then what is expected, each with its interval.
fn forecast(forecast: &FacilityForecast) -> String {
    let made_at = forecast.made_at.unwrap_or_default();
    let points: Vec<String> = forecast
        .points
        .iter()
        .map(|p| {
            let ahead = p.at.unwrap_or_default().seconds.saturating_sub(made_at.seconds) / 60;
            format!("+{ahead} min {} ({} to {})", p.free, p.free_low, p.free_high)
        })
        .collect();
    let text = match (forecast.basis(), forecast.points.is_empty()) {
        (ForecastBasis::OwnHistory, false) => {
            format!("free {}  from {} days", points.join(", "), forecast.history_days)
        }
        (ForecastBasis::OwnHistory, true) => "nothing to say of it now".to_owned(),
        _ => "no history yet".to_owned(),
    };
    let at = forecast.made_at.map_or_else(|| "-".to_owned(), |t| Timestamp::from_secs(t.seconds).to_string());
    format!("{at}  {:<28} {text}", forecast.facility_id)
}
