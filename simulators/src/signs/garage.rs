//! The guidance inside a bicycle garage: its sections' figures and its signs' faces, each until its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::{Duration, Instant};
use tonic::Status;
use tonic::transport::Channel;
use vlot_proto::bicycle::v1::garage_service_client::GarageServiceClient;
use vlot_proto::bicycle::v1::{Garage, WatchGarageRequest, WatchGarageResponse, watch_garage_response};
use vlot_proto::common::v1::StreamPosition;

use super::client::{MESSAGE_BYTES, Shared};
use super::display::{Display, Matrix};
use super::live::GarageView;
use crate::mqtt::backoff;
use crate::time::from_proto;

/// Figures and faces are looked at again this often, and taken off when they are over.
const LOOK: Duration = Duration::from_millis(100);

/// One garage's guidance panel.
pub(super) struct GarageClient {
    id: String,
    shared: Arc<Shared>,
    garage: Option<Garage>,
    faces: BTreeMap<String, Display>,
    position: Option<StreamPosition>,
}

impl GarageClient {
    pub(super) fn new(id: String, shared: Arc<Shared>) -> GarageClient {
        shared.live.garage(&id, false, GarageView::default());
        GarageClient { id, shared, garage: None, faces: BTreeMap::new(), position: None }
    }

    /// Runs for ever; dropping it closes the connection.
    pub(super) async fn run(mut self, channel: Channel) {
        let mut failures = 0_u32;
        loop {
            let (received, status) = self.session(channel.clone()).await;
            failures = if received { 1 } else { failures.saturating_add(1) };
            let wait = backoff(failures);
            tracing::debug!(garage = self.id, %status, ?wait, "garage reconnects");
            let end = Instant::now() + wait;
            while Instant::now() < end {
                tokio::time::sleep(LOOK.min(wait)).await;
                self.show(false);
            }
        }
    }

    async fn session(&mut self, channel: Channel) -> (bool, Status) {
        let mut service = GarageServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
        let request = WatchGarageRequest { id: self.id.clone(), resume_after: self.position };
        let mut incoming = match service.watch_garage(request).await {
            Ok(response) => response.into_inner(),
            Err(status) => return (false, status),
        };
        for face in self.faces.values_mut() {
            face.connected();
        }
        let mut received = false;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                next = incoming.message() => match next {
                    Ok(Some(response)) => {
                        received = true;
                        self.receive(response);
                        self.show(true);
                    }
                    Ok(None) => return (received, Status::unavailable("the engine closed the stream")),
                    Err(status) => return (received, status),
                },
                _ = look.tick() => self.show(false),
            }
        }
    }

    fn receive(&mut self, response: WatchGarageResponse) {
        match response.change {
            Some(watch_garage_response::Change::Garage(garage)) => self.garage = Some(garage),
            Some(watch_garage_response::Change::Face(face)) => {
                let sign_id = face.sign_id.clone();
                let display = self.faces.entry(sign_id.clone()).or_insert_with(|| {
                    Display::new(Matrix { sign_id, width_px: 0, height_px: 0, png: false })
                });
                display.take(face, Instant::now(), &self.shared.clock);
            }
            None => {}
        }
        if response.position.is_some() {
            self.position = response.position;
        }
    }

    /// What the garage's panels show at this instant.
    fn show(&mut self, arrived: bool) {
        let now = Instant::now();
        let at = self.shared.clock.now();
        let sections = self.garage.iter().flat_map(|g| &g.sections).map(|section| {
            let fresh = section.valid_until.as_ref().is_some_and(|end| at < from_proto(end));
            (section.id.clone(), section.free.filter(|_| fresh))
        });
        let sections = sections.collect();
        let mut faces = BTreeMap::new();
        for (sign, display) in &mut self.faces {
            if display.expire(now) {
                self.shared.live.counts_fallback();
            }
            if let Some(face) = display.shown(now) {
                faces.insert(sign.clone(), face.text.clone());
                let late = at.saturating_sub(self.shared.clock.sim(LOOK * 5 / 2));
                if face.valid_until.is_some_and(|end| end < late) {
                    self.shared.live.seen_past_end();
                }
            }
        }
        self.shared.live.garage(&self.id, arrived, GarageView { sections, faces });
    }
}
