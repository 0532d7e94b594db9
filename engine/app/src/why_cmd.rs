//! `vlot why`: why a sign says what it says, asked of an engine or read out of a journal.

mod json;
mod text;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use prost::Message;
use tonic::Code;
use vlot_model::Timestamp;
use vlot_proto::guidance::v1::guidance_service_client::GuidanceServiceClient;
use vlot_proto::guidance::v1::{GetGuidanceRequest, WhyRequest, WhyResponse, why_request};
use vlot_proto::sign::v1::ListSignsRequest;
use vlot_proto::sign::v1::sign_service_client::SignServiceClient;
use vlot_serve::Moment;

use crate::home::Home;
use crate::past;
use crate::watch::{connect, told};
use crate::when::When;

/// Why something is as it is.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Which engine
    #[command(flatten)]
    pub(crate) engine: crate::cli::Engine,

    /// Of what
    #[command(subcommand)]
    pub(crate) what: WhyWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WhyWhat {
    /// A sign: its face, what was decided, what else could have been, the readings and thresholds beneath
    Sign(WhySign),
}

#[derive(Debug, Args)]
pub(crate) struct WhySign {
    /// The sign's id
    pub(crate) id: String,

    /// Then: an instant (RFC 3339), a time of the city's clocks (18:05), so long ago (-10m), a tick (12345); without it: now.
    /// In the engine's time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: Option<When>,

    /// Out of this data directory, without an engine; it may be in use
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,

    /// With this configuration instead of the one that the journal was written with
    #[arg(long, value_name = "DIR", requires = "journal")]
    pub(crate) config: Option<PathBuf>,

    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints the answer.
pub(crate) async fn why(options: Why) -> Result<()> {
    let Why { engine, what: WhyWhat::Sign(sign) } = options;
    let as_json = sign.json;
    let answer = match sign.journal.clone() {
        // It waits for a disk and for a dataflow.
        Some(data) => tokio::task::spawn_blocking(move || of_journal(&data, &sign)).await??,
        None => of_engine(&engine, &sign).await?,
    };
    let text = if as_json { json::json(&answer)? } else { text::text(&answer) };
    // Whoever reads the output may have seen enough.
    drop(std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes()));
    Ok(())
}

async fn of_engine(engine: &crate::cli::Engine, asked: &WhySign) -> Result<WhyResponse> {
    let channel = connect(engine).await?;
    let mut client = GuidanceServiceClient::new(channel.clone());
    let moment = match asked.at {
        None => None,
        Some(when) => {
            let there = client.get_guidance(GetGuidanceRequest {}).await.map_err(told)?.into_inner();
            let zone = TimeZone::get(&there.timezone)
                .with_context(|| format!("the time zone {:?} is not known here", there.timezone))?;
            Some(match when.moment(of_wire(there.now.unwrap_or_default()), &zone)? {
                Moment::At(at) => why_request::Moment::At(to_wire(at)),
                Moment::Tick(tick) => why_request::Moment::Tick(tick),
            })
        }
    };
    let answer = client.why(WhyRequest { sign_id: asked.id.clone(), moment, with_readings: true }).await;
    match answer {
        Ok(answer) => Ok(answer.into_inner()),
        Err(refused) if refused.code() == Code::NotFound => {
            let mut signs = SignServiceClient::new(channel);
            let all = signs.list_signs(ListSignsRequest::default()).await.map_err(told)?.into_inner();
            unknown(&asked.id, all.signs.into_iter().map(|sign| sign.id))
        }
        Err(refused) => Err(told(refused)),
    }
}

fn of_journal(data: &Path, asked: &WhySign) -> Result<WhyResponse> {
    let home = Home::open(data)?;
    let config = asked.config.as_deref();
    let moment = match asked.at {
        None => None,
        // What is now, and where, the journal's own end says.
        Some(when @ (When::Clock(_) | When::Ago(_))) => {
            let (city, now) = past::end_of(&home, config)?;
            let zone = TimeZone::get(&city.timezone).context("the configuration's time zone is not known")?;
            Some(when.moment(now, &zone)?)
        }
        Some(when) => Some(when.moment(Timestamp::EPOCH, &TimeZone::UTC)?),
    };
    let then = past::of_home(&home, moment, config)?;
    match vlot_serve::why_then(&then, &asked.id) {
        Some(answer) => WhyResponse::decode(answer.as_slice()).context("the answer cannot be read"),
        None => unknown(&asked.id, then.city.signs.iter().map(|sign| sign.id.to_string())),
    }
}

fn unknown<T>(id: &str, known: impl Iterator<Item = String>) -> Result<T> {
    bail!("there is no sign {id:?} (hint: one of {})", known.collect::<Vec<_>>().join(", "))
}

pub(crate) fn of_wire(t: prost_types::Timestamp) -> Timestamp {
    Timestamp::from_micros(t.seconds.saturating_mul(1_000_000).saturating_add(i64::from(t.nanos) / 1_000))
}

fn to_wire(t: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(t.micros().rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: t.micros().div_euclid(1_000_000), nanos }
}

/// To the second, as people read it; a hyphen where there is none.
pub(crate) fn instant(t: Option<prost_types::Timestamp>) -> String {
    t.map_or_else(|| "-".to_owned(), |t| Timestamp::from_secs(t.seconds).to_string())
}
