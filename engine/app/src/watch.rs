//! `vlot watch`: a gRPC client in the terminal.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use tokio_stream::StreamExt;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status as Refused};
use vlot_model::Timestamp;
use vlot_proto::bicycle::v1::watch_garage_response::Change;
use vlot_proto::bicycle::v1::{
    Garage, ListGaragesRequest, WatchGarageRequest, garage_service_client::GarageServiceClient,
};
use vlot_proto::common::v1::{Quality, SensorShare, Status};
use vlot_proto::parking::v1::{
    Facility, FacilityForecast, ForecastBasis, WatchFacilitiesRequest, WatchForecastsRequest,
    forecast_service_client::ForecastServiceClient, parking_service_client::ParkingServiceClient,
};
use vlot_proto::sign::v1::row::Figure;
use vlot_proto::sign::v1::{
    Arrow, Face, Fault, ListSignsRequest, Row, Sign, SignFilter, WatchSignsRequest,
    sign_service_client::SignServiceClient,
};
use vlot_proto::traffic::v1::count::Figures;
use vlot_proto::traffic::v1::{Station, WatchCountsRequest, traffic_service_client::TrafficServiceClient};

use crate::cli::{Watch, What};

/// Prints one line a change until the count is reached, the engine ends or the reader of the output goes away.
pub(crate) async fn watch(options: Watch) -> Result<()> {
    let channel = connect(&options.engine, options.ca.as_deref()).await?;
    let mut left = options.count.unwrap_or(u64::MAX);
    let mut print = |text: String| -> Result<bool> {
        if writeln!(std::io::stdout().lock(), "{text}").is_err() {
            return Ok(false);
        }
        left -= 1;
        Ok(left > 0)
    };
    match options.what {
        What::Facilities => {
            let mut client = ParkingServiceClient::new(channel);
            let mut changes =
                client.watch_facilities(WatchFacilitiesRequest::default()).await.map_err(told)?.into_inner();
            while let Some(change) = changes.next().await {
                if !print(facility(&change.map_err(told)?.facility.unwrap_or_default()))? {
                    break;
                }
            }
        }
        What::Sign { id } => {
            let filter = Some(SignFilter { ids: vec![id.clone()] });
            let mut client = SignServiceClient::new(channel);
            let request = WatchSignsRequest { filter, resume_after: None };
            let mut changes = match client.watch_signs(request).await {
                Ok(changes) => changes.into_inner(),
                Err(refused) if is_unknown(&refused) => {
                    let all =
                        client.list_signs(ListSignsRequest::default()).await.map_err(told)?.into_inner();
                    bail!(
                        "there is no sign {id:?} (hint: one of {})",
                        ids(all.signs.into_iter().map(|s| s.id))
                    )
                }
                Err(refused) => return Err(told(refused)),
            };
            while let Some(change) = changes.next().await {
                if !print(sign(&change.map_err(told)?.sign.unwrap_or_default()))? {
                    break;
                }
            }
        }
        What::Garage { id } => {
            let mut client = GarageServiceClient::new(channel);
            let request = WatchGarageRequest { id: id.clone(), resume_after: None };
            let mut changes = match client.watch_garage(request).await {
                Ok(changes) => changes.into_inner(),
                Err(refused) if is_unknown(&refused) => {
                    let all = client.list_garages(ListGaragesRequest {}).await.map_err(told)?.into_inner();
                    let known = ids(all.garages.into_iter().map(|g| g.id));
                    bail!("there is no garage {id:?} (hint: one of {known})")
                }
                Err(refused) => return Err(told(refused)),
            };
            while let Some(change) = changes.next().await {
                let text = match change.map_err(told)?.change {
                    Some(Change::Garage(g)) => garage(&g),
                    Some(Change::Face(f)) => format!("  sign {}: {}", f.sign_id, face(&f)),
                    None => continue,
                };
                if !print(text)? {
                    break;
                }
            }
        }
        What::Stations => {
            let mut client = TrafficServiceClient::new(channel);
            let mut changes =
                client.watch_counts(WatchCountsRequest::default()).await.map_err(told)?.into_inner();
            while let Some(change) = changes.next().await {
                if !print(station(&change.map_err(told)?.station.unwrap_or_default()))? {
                    break;
                }
            }
        }
        What::Sensors => crate::watch_sensors::watch(channel, &mut print).await?,
        What::Forecasts => {
            let mut client = ForecastServiceClient::new(channel);
            let mut changes =
                client.watch_forecasts(WatchForecastsRequest::default()).await.map_err(told)?.into_inner();
            while let Some(change) = changes.next().await {
                if !print(forecast(&change.map_err(told)?.forecast.unwrap_or_default()))? {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// What the engine said, in its own words.
pub(crate) fn told(refused: Refused) -> anyhow::Error {
    match refused.message() {
        "" => anyhow!("the engine answers: {}", refused.code()),
        message => anyhow!("{message}"),
    }
}

fn is_unknown(refused: &Refused) -> bool {
    matches!(refused.code(), Code::NotFound | Code::InvalidArgument)
}

fn ids(ids: impl Iterator<Item = String>) -> String {
    ids.collect::<Vec<_>>().join(", ")
}

/// To an engine, trusting what `ca` issued.
pub(crate) async fn connect(engine: &str, ca: Option<&Path>) -> Result<Channel> {
    let address = match engine.contains("://") {
        true => engine.to_owned(),
        false => format!("http://{engine}"),
    };
    if address.starts_with("https:") && ca.is_none() {
        bail!("{address} needs --ca FILE: the certificate of the authority to trust");
    }
    let mut endpoint = Endpoint::from_shared(address)
        .with_context(|| format!("{engine:?} is no address (hint: http://127.0.0.1:7101)"))?;
    if let Some(ca) = ca {
        let pem = std::fs::read(ca).with_context(|| format!("cannot read {}", ca.display()))?;
        endpoint = endpoint.tls_config(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))?;
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
fn row(row: &Row, advised: bool) -> String {
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
