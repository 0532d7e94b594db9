//! `vlot facility`: what an operator does to a car park or zone, by name and with a reason.

use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status as Refused};
use vlot_model::Timestamp;
use vlot_proto::parking::v1::operation_service_client::OperationServiceClient;
use vlot_proto::parking::v1::parking_service_client::ParkingServiceClient;
use vlot_proto::parking::v1::{
    Act, ActKind, ActStage, ActorKnownBy, Attribution, CloseFacilityRequest, CorrectOccupancyRequest,
    FacilityGlance, ListActsRequest, ListFacilitiesRequest, OpenFacilityRequest, RecordVerifiedCountRequest,
    ResetCounterRequest,
};

use crate::watch::{facility_status, number, quality, told};

/// The engine's answer did not come: the same command with the same --act-id finds out, and counts once.
pub(crate) const NOT_KNOWN: u8 = 3;

/// Act on a car park or zone as its operator: every act has a name and a reason, and is kept.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done; 1 refused, nothing changed; 2 wrong use; 3 not known to be done: the same command \
    with the --act-id that it names finds out, and counts once.\n\nExample:\n  vlot facility verify ladeuze 312 --by 'Mia \
    Peeters' --reason 'night round'"
)]
pub(crate) struct Facility {
    /// The engine's gRPC address
    #[arg(
        long,
        visible_alias = "engine",
        global = true,
        env = "VLOT_ENGINE",
        value_name = "URL",
        default_value = "http://127.0.0.1:7101"
    )]
    server: String,

    /// Trust servers whose certificate this authority (PEM) issued
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Our own certificate (PEM), for an engine that asks operators for one
    #[arg(long, global = true, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// Its private key (PEM)
    #[arg(long, global = true, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// What to do
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All facilities, with their ids and present figures
    List,
    /// A person counted the vehicles inside: the figure starts over from it
    Verify {
        /// The facility's id
        id: String,
        /// Vehicles inside
        count: u32,
        /// When they were counted (RFC 3339), e.g. 2026-05-08T06:30:00+02:00; without it: now
        #[arg(long, value_name = "TIME", value_parser = crate::cli::instant)]
        at: Option<Timestamp>,
        #[command(flatten)]
        operator: Operator,
    },
    /// Set the occupied spaces without anybody having counted
    Correct {
        /// The facility's id
        id: String,
        /// Vehicles inside
        count: u32,
        #[command(flatten)]
        operator: Operator,
    },
    /// The counter was replaced or set back: the count goes on, what was learned of its errors is forgotten
    Reset {
        /// The facility's id
        id: String,
        #[command(flatten)]
        operator: Operator,
    },
    /// Close it, whatever it says itself, until `open`
    Close {
        /// The facility's id
        id: String,
        #[command(flatten)]
        operator: Operator,
    },
    /// End `close`: its own word holds again
    Open {
        /// The facility's id
        id: String,
        #[command(flatten)]
        operator: Operator,
    },
    /// Who did what, when and why, newest first
    Acts {
        /// The facility's id; without it, all
        id: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
}

/// Who acts, and why.
#[derive(Debug, Args)]
struct Operator {
    /// Your name or account; with --cert it is the name in the certificate, and need not be said
    #[arg(long, env = "VLOT_OPERATOR", value_name = "NAME", required_unless_present = "cert")]
    by: Option<String>,

    /// Why, in a few words
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// The act's own id, to send an act again that may have come through; without it, a new one
    #[arg(long, value_name = "ID")]
    act_id: Option<String>,
}

impl Operator {
    fn attribution(&self) -> Attribution {
        let act_id = self.act_id.clone().unwrap_or_else(new_id);
        Attribution { act_id, actor: self.by.clone().unwrap_or_default(), reason: self.reason.clone() }
    }
}

/// 128 bits that no other act has: the standard library draws its keys from the system's randomness.
pub(crate) fn new_id() -> String {
    let draw = || std::hash::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", draw(), draw())
}

/// Carries it out; the exit code says whether it is done.
pub(crate) async fn facility(options: Facility) -> Result<ExitCode> {
    let channel = connect(&options).await?;
    let mut client = OperationServiceClient::new(channel.clone());
    let (facility_id, attribution, answer) = match options.what {
        What::List => return list(channel).await,
        What::Acts { id, limit } => {
            let request = ListActsRequest { facility_id: id.unwrap_or_default(), limit };
            let acts = client.list_acts(request).await.map_err(told)?.into_inner().acts;
            return print(acts.iter().map(entry));
        }
        What::Verify { id: facility_id, count, at, operator } => {
            let attribution = operator.attribution();
            let request = RecordVerifiedCountRequest {
                facility_id: facility_id.clone(),
                attribution: Some(attribution.clone()),
                occupied: Some(count),
                observed_at: at.map(timestamp),
            };
            let answer = client.record_verified_count(request).await.map(|a| a.into_inner().act);
            (facility_id, attribution, answer)
        }
        What::Correct { id: facility_id, count, operator } => {
            let attribution = operator.attribution();
            let request = CorrectOccupancyRequest {
                facility_id: facility_id.clone(),
                attribution: Some(attribution.clone()),
                occupied: Some(count),
            };
            let answer = client.correct_occupancy(request).await.map(|a| a.into_inner().act);
            (facility_id, attribution, answer)
        }
        What::Reset { id: facility_id, operator } => {
            let attribution = operator.attribution();
            let request = ResetCounterRequest {
                facility_id: facility_id.clone(),
                attribution: Some(attribution.clone()),
            };
            let answer = client.reset_counter(request).await.map(|a| a.into_inner().act);
            (facility_id, attribution, answer)
        }
        What::Close { id: facility_id, operator } => {
            let attribution = operator.attribution();
            let request = CloseFacilityRequest {
                facility_id: facility_id.clone(),
                attribution: Some(attribution.clone()),
            };
            let answer = client.close_facility(request).await.map(|a| a.into_inner().act);
            (facility_id, attribution, answer)
        }
        What::Open { id: facility_id, operator } => {
            let attribution = operator.attribution();
            let request = OpenFacilityRequest {
                facility_id: facility_id.clone(),
                attribution: Some(attribution.clone()),
            };
            let answer = client.open_facility(request).await.map(|a| a.into_inner().act);
            (facility_id, attribution, answer)
        }
    };
    match answer {
        Ok(act) => print(std::iter::once(done(&act.unwrap_or_default()))),
        Err(error) if is_open(&error) => {
            crate::complain(&told(error));
            let id = attribution.act_id;
            crate::complain(&anyhow!(
                "it is not known whether the act counts (hint: again, with --act-id {id})"
            ));
            Ok(ExitCode::from(NOT_KNOWN))
        }
        Err(error) if error.code() == Code::NotFound => {
            let known = facilities(channel).await?;
            let ids: Vec<_> = known.into_iter().map(|f| f.id).collect();
            Err(anyhow!("there is no facility {facility_id:?} (hint: one of {})", ids.join(", ")))
        }
        Err(error) => Err(told(error)),
    }
}

/// Whether the act may have come through all the same.
pub(crate) fn is_open(error: &Refused) -> bool {
    matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown)
}

async fn connect(options: &Facility) -> Result<Channel> {
    let address = &options.server;
    let mut endpoint = Endpoint::from_shared(address.clone())
        .with_context(|| format!("{address:?} is no address (hint: http://127.0.0.1:7101)"))?;
    let read =
        |file: &PathBuf| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    if options.ca.is_some() || options.cert.is_some() {
        let mut tls = ClientTlsConfig::new();
        if let Some(ca) = &options.ca {
            tls = tls.ca_certificate(Certificate::from_pem(read(ca)?));
        }
        if let (Some(cert), Some(key)) = (&options.cert, &options.key) {
            tls = tls.identity(Identity::from_pem(read(cert)?, read(key)?));
        }
        endpoint = endpoint.tls_config(tls)?;
    } else if address.starts_with("https:") {
        return Err(anyhow!("{address} is encrypted (hint: --ca FILE names whom to trust)"));
    }
    let what =
        || format!("no engine answers at {address} (hint: start one with `vlot demo`, or give --server)");
    endpoint.connect().await.with_context(what)
}

async fn facilities(channel: Channel) -> Result<Vec<vlot_proto::parking::v1::Facility>> {
    let mut client = ParkingServiceClient::new(channel);
    let all = client.list_facilities(ListFacilitiesRequest::default()).await.map_err(told)?;
    Ok(all.into_inner().facilities)
}

async fn list(channel: Channel) -> Result<ExitCode> {
    let line = |f: &vlot_proto::parking::v1::Facility| {
        let state = f.state.clone().unwrap_or_default();
        format!(
            "{:<28} {:<34} free {:>5} of {:>5}  {:<8} {}",
            f.id,
            f.name,
            number(state.free),
            state.capacity,
            facility_status(state.status()),
            quality(state.quality()),
        )
    };
    print(facilities(channel).await?.iter().map(line))
}

pub(crate) fn print(lines: impl Iterator<Item = String>) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        match writeln!(out, "{line}") {
            // A reader that went away has read enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break,
            written => written.context("cannot write to standard output")?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn timestamp(t: Timestamp) -> prost_types::Timestamp {
    let micros = t.micros();
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// What was done, in words.
fn deed(act: &Act) -> String {
    let count = number(act.occupied);
    match act.kind() {
        ActKind::VerifiedCount => format!("verified count {count}"),
        ActKind::Correction => format!("correction to {count}"),
        ActKind::CounterReset => "counter reset".to_owned(),
        ActKind::Close => "closed".to_owned(),
        ActKind::Open => "opened".to_owned(),
        ActKind::SituationStated => format!("situation {} stated", act.subject),
        ActKind::SituationWithdrawn => format!("situation {} withdrawn", act.subject),
        ActKind::IncidentConfirmed => format!("incident on {} confirmed", act.subject),
        ActKind::IncidentDismissed => format!("incident on {} dismissed", act.subject),
        ActKind::Unspecified => "unknown act".to_owned(),
    }
}

fn glance(glance: Option<&FacilityGlance>) -> String {
    let Some(glance) = glance else { return "not known".to_owned() };
    format!(
        "{} taken ({} counted), {} free, {}, {}",
        number(glance.occupied),
        glance.occupied_uncorrected.map_or_else(|| "-".to_owned(), |n| n.to_string()),
        number(glance.free),
        facility_status(glance.status()),
        quality(glance.quality()),
    )
}

/// An act that was just done.
fn done(act: &Act) -> String {
    format!(
        "{}: {} by {}, kept as act {} in tick {}\n  before: {}\n  after:  {}",
        act.facility_id,
        deed(act),
        act.actor,
        act.act_id,
        act.tick,
        glance(act.before.as_ref()),
        glance(act.after.as_ref()),
    )
}

/// An act of the trail.
fn entry(act: &Act) -> String {
    let at = |t: Option<prost_types::Timestamp>| {
        t.map_or_else(|| "-".to_owned(), |t| Timestamp::from_secs(t.seconds).to_string())
    };
    let stage = match act.stage() {
        ActStage::Done => format!("tick {}", act.tick),
        ActStage::Refused => format!("REFUSED ({})", act.refusal),
        ActStage::UnderWay | ActStage::Unspecified => "under way".to_owned(),
    };
    let counted = match (act.asked_at, act.observed_at) {
        (Some(asked), Some(seen)) if asked.seconds != seen.seconds => {
            format!(" (of {})", at(Some(seen)))
        }
        _ => String::new(),
    };
    let known = match act.actor_known_by() {
        ActorKnownBy::Certificate => " (certificate)",
        ActorKnownBy::Stated | ActorKnownBy::Unspecified => "",
    };
    format!(
        "{}  {:<28} {}{counted}  by {}{known}: {}  [{stage}, act {}]",
        at(act.asked_at),
        act.facility_id,
        deed(act),
        act.actor,
        act.reason,
        act.act_id
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        let ids: std::collections::BTreeSet<_> = (0..1_000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|id| id.len() == 32));
    }

    #[test]
    fn an_act_reads_as_a_sentence() {
        let act = Act {
            act_id: "a".into(),
            facility_id: "ladeuze".into(),
            kind: ActKind::VerifiedCount.into(),
            occupied: Some(312),
            actor: "Mia".into(),
            reason: "night round".into(),
            asked_at: Some(prost_types::Timestamp { seconds: 60, nanos: 0 }),
            observed_at: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
            stage: ActStage::Done.into(),
            tick: 8,
            ..Act::default()
        };
        let line = entry(&act);
        for part in [
            "1970-01-01T00:01:00",
            "verified count 312 (of 1970-01-01T00:00:00",
            "by Mia: night round",
            "tick 8",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(done(&act).contains("before: not known"));
    }
}
