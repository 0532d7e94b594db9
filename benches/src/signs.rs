//! Sign clients that note how long each face was on its way.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tonic::transport::Endpoint;
use vlot_proto::sign::v1::join_request::Message;
use vlot_proto::sign::v1::sign_service_client::SignServiceClient;
use vlot_proto::sign::v1::{Hello, JoinRequest};

use crate::{city, histogram, now_micros};

/// Streams that share a connection.
const STREAMS_PER_CONNECTION: usize = 100;

/// Joined signs.
pub struct Signs {
    /// From a reading's instant to the receipt of its face, since the last [`Signs::take`].
    latency: Arc<Mutex<Histogram<u64>>>,
    tasks: JoinSet<()>,
}

impl Signs {
    /// Joins `n` signs; returns when every one has opened its stream.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn join(port: u16, n: usize) -> Result<Signs> {
        let latency = Arc::new(Mutex::new(histogram()));
        let mut tasks = JoinSet::new();
        let mut channel = None;
        for i in 0..n {
            if i % STREAMS_PER_CONNECTION == 0 {
                channel = Some(
                    Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?
                        .tcp_nodelay(true)
                        .connect()
                        .await?,
                );
            }
            let mut client = SignServiceClient::new(channel.clone().context("a channel")?);
            let hello = Hello { sign_id: city::sign(i), width_px: 96, height_px: 32, ..Hello::default() };
            let (tx, rx) = tokio::sync::mpsc::channel(4);
            tx.send(JoinRequest { message: Some(Message::Hello(hello)) }).await?;
            let mut faces = client.join(tokio_stream::wrappers::ReceiverStream::new(rx)).await?.into_inner();
            let latency = latency.clone();
            tasks.spawn(async move {
                let _open = tx;
                let mut last = 0;
                while let Ok(Some(response)) = faces.message().await {
                    let now = now_micros();
                    let Some(face) = response.face else { continue };
                    let Some(at) = face.trigger.and_then(|t| t.observed_at) else { continue };
                    if std::mem::replace(&mut last, face.version) == face.version {
                        continue;
                    }
                    let sent = at.seconds * 1_000_000 + i64::from(at.nanos) / 1_000;
                    let micros = u64::try_from(now - sent).unwrap_or(0).max(1);
                    latency.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
                }
            });
        }
        Ok(Signs { latency, tasks })
    }

    /// What was measured since the last time.
    #[must_use]
    pub fn take(&self) -> Histogram<u64> {
        std::mem::replace(&mut *self.latency.lock().unwrap_or_else(PoisonError::into_inner), histogram())
    }

    /// Closes every stream.
    pub async fn leave(mut self) {
        self.tasks.shutdown().await;
    }
}
