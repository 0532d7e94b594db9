//! One sign's connection: joins, shows, reports, and falls back by its own timer whatever the connection does.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};
use vlot_proto::sign::v1::sign_service_client::SignServiceClient;
use vlot_proto::sign::v1::{
    Face, FaceEncoding, Fault, FaultReport, Hello, JoinRequest, JoinResponse, Shown, join_request,
};

use super::display::{Display, Matrix, Verdict};
use super::live::Live;
use super::{Encoding, SignSpec};
use crate::mqtt::backoff;
use crate::time::{SimClock, from_proto, proto};

/// Reports that may wait for the connection; one more ends it.
const REPORTS: usize = 16;
/// A sign that the engine refuses for good asks again after this.
const REFUSED_WAIT: Duration = Duration::from_secs(5);
/// A page of PNG for the largest matrix fits easily.
pub(super) const MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// What all signs share.
pub(super) struct Shared {
    pub(super) clock: SimClock,
    pub(super) encoding: Encoding,
    pub(super) live: Arc<Live>,
}

pub(super) struct Client {
    spec: SignSpec,
    shared: Arc<Shared>,
    display: Display,
    /// The engine was told of a rejected face and waits for the all-clear.
    faulty: bool,
    joined_before: bool,
    /// Newest version that was ever received, for the measuring of first receipts.
    measured: u64,
}

type Reports = mpsc::Sender<JoinRequest>;

impl Client {
    pub(super) fn new(spec: SignSpec, shared: Arc<Shared>) -> Client {
        let matrix = Matrix {
            sign_id: spec.id.clone(),
            width_px: spec.width_px,
            height_px: spec.height_px,
            png: shared.encoding == Encoding::Png,
        };
        shared.live.displays(&spec.id, None);
        Client {
            display: Display::new(matrix),
            spec,
            shared,
            faulty: false,
            joined_before: false,
            measured: 0,
        }
    }

    /// Runs for ever; dropping it closes the connection.
    pub(super) async fn run(mut self, channel: Channel) {
        let mut failures = 0_u32;
        loop {
            let (connected, status) = self.session(channel.clone()).await;
            if connected {
                failures = 0;
                self.shared.live.disconnects(&self.spec.id, Some(status.message().to_owned()));
            } else {
                self.shared.live.refused(&self.spec.id, Some(status.message().to_owned()));
            }
            failures = failures.saturating_add(1);
            let for_good =
                matches!(status.code(), Code::NotFound | Code::FailedPrecondition | Code::InvalidArgument);
            let wait = if for_good { REFUSED_WAIT } else { backoff(failures) };
            tracing::debug!(sign = self.spec.id, %status, ?wait, "sign reconnects");
            self.meanwhile(None, tokio::time::sleep(wait)).await;
        }
    }

    /// One connection: whether it came about, and how it ended.
    async fn session(&mut self, channel: Channel) -> (bool, Status) {
        let (reports, outgoing) = mpsc::channel(REPORTS);
        if reports.try_send(self.hello()).is_err() {
            return (false, Status::internal("the hello does not fit"));
        }
        let mut service = SignServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
        let joining = async move { service.join(ReceiverStream::new(outgoing)).await };
        let mut incoming = match self.meanwhile(Some(&reports), joining).await {
            Ok(response) => response.into_inner(),
            Err(status) => return (false, status),
        };
        self.display.connected();
        self.shared.live.connects(&self.spec.id, std::mem::replace(&mut self.joined_before, true));
        let mut present_state = true;
        loop {
            let next = self.meanwhile(Some(&reports), incoming.message()).await;
            let sent = match next {
                Ok(Some(JoinResponse { face: Some(face) })) => {
                    let sent = self.receive(face, &reports, present_state);
                    present_state = false;
                    sent
                }
                Ok(Some(JoinResponse { face: None })) => Ok(()),
                Ok(None) => return (true, Status::unavailable("the engine closed the connection")),
                Err(status) => return (true, status),
            };
            if sent.is_err() {
                return (true, Status::unavailable("the connection takes no reports"));
            }
        }
    }

    /// Waits for something, and falls back when a face ends meanwhile.
    async fn meanwhile<F: Future>(&mut self, reports: Option<&Reports>, something: F) -> F::Output {
        tokio::pin!(something);
        loop {
            let until = self.display.until();
            let end = async move {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = end => {
                    if self.display.expire(Instant::now()) {
                        self.fall_back(reports);
                    }
                }
                done = &mut something => return done,
            }
        }
    }

    fn fall_back(&self, reports: Option<&Reports>) {
        self.shared.live.displays(&self.spec.id, None);
        self.shared.live.counts_fallback();
        if let Some(reports) = reports {
            // A full channel is a connection that moves nothing: the next hello says it again.
            if reports.try_send(self.shown(0)).is_err() {
                tracing::debug!(sign = self.spec.id, "the connection takes no reports");
            }
        }
    }

    fn receive(&mut self, face: Face, reports: &Reports, present_state: bool) -> Result<(), ()> {
        let now = Instant::now();
        let arrived_at = self.shared.clock.now();
        let version = face.version;
        let observed_at = face.trigger.as_ref().and_then(|t| t.observed_at.as_ref()).map(from_proto);
        match self.display.take(face, now, &self.shared.clock) {
            Verdict::Shown => {
                self.shared.live.counts_shown();
                self.shared.live.displays(&self.spec.id, self.display.shown(now));
                if version > self.measured {
                    self.measured = version;
                    // What was decided before we came says nothing about how fast a change arrives.
                    if let (Some(observed_at), false) = (observed_at, present_state) {
                        self.shared.live.measures(self.shared.clock.wall(arrived_at - observed_at));
                    }
                }
                if std::mem::take(&mut self.faulty) {
                    report(reports, self.fault(Fault::None))?;
                }
                report(reports, self.shown(version))
            }
            Verdict::Renewed => {
                self.shared.live.counts_renewed();
                self.shared.live.displays(&self.spec.id, self.display.shown(now));
                Ok(())
            }
            Verdict::Over => Ok(()),
            Verdict::Rejected(why) => {
                tracing::warn!(sign = self.spec.id, version, why, "face rejected");
                self.shared.live.counts_rejected();
                self.faulty = true;
                report(reports, self.fault(Fault::FaceRejected))
            }
        }
    }

    fn hello(&self) -> JoinRequest {
        let encoding = match self.shared.encoding {
            Encoding::Multi => FaceEncoding::Multi,
            Encoding::Png => FaceEncoding::Png,
        };
        JoinRequest {
            message: Some(join_request::Message::Hello(Hello {
                sign_id: self.spec.id.clone(),
                firmware: concat!("vlot-sim ", env!("CARGO_PKG_VERSION")).into(),
                width_px: self.spec.width_px,
                height_px: self.spec.height_px,
                displayed_version: self.display.shown(Instant::now()).map_or(0, |f| f.version),
                encoding: encoding.into(),
            })),
        }
    }

    fn shown(&self, face_version: u64) -> JoinRequest {
        let shown_at = Some(proto(self.shared.clock.now()));
        JoinRequest { message: Some(join_request::Message::Shown(Shown { face_version, shown_at })) }
    }

    fn fault(&self, fault: Fault) -> JoinRequest {
        let observed_at = Some(proto(self.shared.clock.now()));
        JoinRequest {
            message: Some(join_request::Message::Fault(FaultReport { fault: fault.into(), observed_at })),
        }
    }
}

fn report(reports: &Reports, request: JoinRequest) -> Result<(), ()> {
    reports.try_send(request).map_err(|_| ())
}
