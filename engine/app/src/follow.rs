//! A stream of changes that goes on where it was when its connection broke.

use std::time::Duration;

use anyhow::Result;
use tonic::transport::Channel;
use tonic::{Code, Status as Refused, Streaming};
use vlot_proto::bicycle::v1::WatchGarageResponse;
use vlot_proto::common::v1::StreamPosition;
use vlot_proto::device::v1::WatchSensorsResponse;
use vlot_proto::guidance::v1::WatchGuidanceResponse;
use vlot_proto::parking::v1::{WatchFacilitiesResponse, WatchForecastsResponse, WatchZonesResponse};
use vlot_proto::sign::v1::WatchSignsResponse;
use vlot_proto::traffic::v1::{
    WatchCorridorsResponse, WatchCountsResponse, WatchIncidentsResponse, WatchJamsResponse,
    WatchLinksResponse, WatchSituationsResponse,
};

/// Before the first attempt; doubles with each that fails.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A change that may end a tick.
pub(crate) trait Positioned {
    /// Where a watch goes on behind it.
    fn position(&self) -> Option<StreamPosition>;
}

macro_rules! positioned {
    ($($response:ty),+ $(,)?) => {$(
        impl Positioned for $response {
            fn position(&self) -> Option<StreamPosition> {
                self.position
            }
        }
    )+};
}

positioned!(
    WatchCorridorsResponse,
    WatchCountsResponse,
    WatchSituationsResponse,
    WatchFacilitiesResponse,
    WatchForecastsResponse,
    WatchGarageResponse,
    WatchGuidanceResponse,
    WatchIncidentsResponse,
    WatchJamsResponse,
    WatchLinksResponse,
    WatchSensorsResponse,
    WatchSignsResponse,
    WatchZonesResponse,
);

/// Hands every change to `take` until it wants no more. A stream that breaks is opened again behind the last whole tick, for
/// as long as that takes; what the engine refuses, and a first attempt that fails, is an error (a tonic status).
pub(crate) async fn follow<T: Positioned>(
    channel: &Channel,
    open: impl AsyncFn(Channel, Option<StreamPosition>) -> Result<Streaming<T>, Refused>,
    mut take: impl FnMut(T) -> Result<bool>,
) -> Result<()> {
    let mut position = None;
    let mut changes = open(channel.clone(), None).await?;
    loop {
        let broken = loop {
            match changes.message().await {
                Ok(Some(change)) => {
                    position = change.position().or(position);
                    if !take(change)? {
                        return Ok(());
                    }
                }
                Ok(None) => break Refused::unavailable("the engine ended the stream"),
                Err(refused) => break refused,
            }
        };
        changes = again(channel, &open, position, broken).await?;
    }
}

/// Opens a broken stream again, each time after a longer wait.
async fn again<T>(
    channel: &Channel,
    open: &impl AsyncFn(Channel, Option<StreamPosition>) -> Result<Streaming<T>, Refused>,
    position: Option<StreamPosition>,
    mut broken: Refused,
) -> Result<Streaming<T>> {
    let mut wait = FIRST_WAIT;
    loop {
        if !passes(broken.code()) {
            return Err(broken.into());
        }
        let why = if broken.message().is_empty() { broken.code().description() } else { broken.message() };
        say(&format!("the stream is broken ({why}); again in {:.1} s", wait.as_secs_f64()));
        tokio::time::sleep(wait).await;
        wait = (2 * wait).min(LONGEST_WAIT);
        match open(channel.clone(), position).await {
            Ok(changes) => {
                let tick = position.map_or(0, |p| p.tick);
                say(&format!("connected again, going on behind tick {tick}"));
                return Ok(changes);
            }
            Err(refused) => broken = refused,
        }
    }
}

/// Whether it may be otherwise in a while.
fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::Unknown
            | Code::Internal
            | Code::Cancelled
            | Code::Aborted
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
    )
}

#[expect(clippy::print_stderr, reason = "standard output has the changes alone")]
fn say(what: &str) {
    eprintln!("{what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_will_not_do_is_not_asked_for_again() {
        for code in [Code::NotFound, Code::InvalidArgument, Code::PermissionDenied, Code::Unimplemented] {
            assert!(!passes(code), "{code}");
        }
        assert!(passes(Code::Unavailable) && passes(Code::Unknown));
    }
}
