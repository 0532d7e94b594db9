//! A sign's connection: faces out, reports in.
//!
//! One stream does both, so that a connection is one thing that begins and ends once. While the inbox is full, no
//! further message of the sign is read: the sign is held back, and nothing is dropped of what it may say.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{self, Stream};
use tonic::{Status, Streaming};
use vlot_model::{Entry, Key, Submission, Tick};

use super::allowance::Allowance;
use super::report::{self, Introduced};
use super::{face_in_force, face_of};
use crate::bells::Bell;
use crate::convert;
use crate::filter::Filter;
use crate::shared::{Seat, shutting_down};
use crate::wire::sign::v1::{JoinRequest, JoinResponse, Page};

/// Faces on their way to a sign.
pub(super) type Faces = Pin<Box<dyn Stream<Item = Result<JoinResponse, Status>> + Send>>;

/// The stream of a sign's connection.
pub(super) fn join(seat: Seat, inbound: Streaming<JoinRequest>) -> Faces {
    enum State {
        New(Box<(Seat, Streaming<JoinRequest>)>),
        Open(Box<Line>),
        Over,
    }
    Box::pin(stream::unfold(State::New(Box::new((seat, inbound))), |state| async move {
        let mut line = match state {
            State::New(new) => {
                let (seat, inbound) = *new;
                match Line::open(seat, inbound).await {
                    Ok(line) => Box::new(line),
                    Err(refused) => return Some((Err(refused), State::Over)),
                }
            }
            State::Open(line) => line,
            State::Over => return None,
        };
        match line.next().await {
            Ok(Some(face)) => Some((Ok(face), State::Open(line))),
            Ok(None) => None,
            Err(end) => Some((Err(end), State::Over)),
        }
    }))
}

/// An open connection of a sign that has introduced itself.
struct Line {
    seat: Seat,
    sign: Introduced,
    number: u64,
    inbound: Streaming<JoinRequest>,
    bell: Bell,
    /// The board's version of the face that was sent last.
    sent: Tick,
    /// Read, and not yet in the inbox.
    reports: Allowance,
}

impl Line {
    async fn open(seat: Seat, mut inbound: Streaming<JoinRequest>) -> Result<Self, Status> {
        let limit = seat.options.request_timeout;
        let mut closed = seat.closed();
        let first = tokio::select! {
            first = tokio::time::timeout(limit, inbound.message()) => first,
            _ = closed.wait_for(|closed| *closed) => return Err(shutting_down()),
        };
        let first = first
            .map_err(|_| Status::deadline_exceeded(format!("no hello within {} s", limit.as_secs())))??;
        let sign = report::introduce(&seat, first)?;
        let bell = seat.bells.signs(&Filter::one(sign.sign.at()));
        let number = seat.links.take(sign.sign);
        // Wakes the connection that had the sign until now.
        seat.bells.ring_sign(sign.sign);
        let reports = Allowance::new(&seat, report::opened(&seat, &sign));
        Ok(Line { seat, sign, number, inbound, bell, sent: 0, reports })
    }

    /// The next face for the sign; `None` when the sign has ended the connection.
    async fn next(&mut self) -> Result<Option<JoinResponse>, Status> {
        loop {
            self.bell.borrow_and_update();
            if self.seat.closing() {
                return Err(shutting_down());
            }
            if !self.seat.links.holds(self.sign.sign, self.number) {
                return Err(Status::aborted("another connection of the same sign has taken its place"));
            }
            if let Some(face) = self.due().await {
                return Ok(Some(face));
            }
            tokio::select! {
                permit = self.seat.context.inbox.reserve(), if self.reports.waits() => {
                    let permit = permit.map_err(|_| shutting_down())?;
                    if let Some(submission) = self.reports.take() {
                        permit.send(submission);
                    }
                }
                message = self.inbound.message(), if self.reports.reads() => {
                    let Some(message) = message? else { return Ok(None) };
                    let said = report::heard(&self.seat, self.sign.device, &message, !self.reports.spent())?;
                    self.reports.hears(&self.seat, self.sign.device, said);
                }
                changed = self.bell.changed() => changed.map_err(|_| shutting_down())?,
                () = self.reports.refilled() => {}
            }
        }
    }

    /// The present face, if the sign does not have it yet and it is in force.
    async fn due(&mut self) -> Option<JoinResponse> {
        let context = &self.seat.context;
        let entry = context.board.get(Key::Face(self.sign.sign)).filter(|entry| entry.version > self.sent)?;
        // Of an engine that stands still nobody knows whether the face is true any more: the sign's time runs out.
        if self.seat.standstill(context.clock.now()).is_some() {
            return None;
        }
        let pages = if self.sign.wants_pages { self.pages(&entry).await? } else { Vec::new() };
        self.sent = entry.version;
        let context = &self.seat.context;
        let face = face_in_force(&self.seat, self.sign.sign, &entry, context.clock.now(), pages)?;
        Some(JoinResponse { face })
    }

    /// The face in pixels. `None` when it cannot be drawn: the sign is not sent what it could not show.
    async fn pages(&self, entry: &Entry) -> Option<Vec<Page>> {
        let renderer = Arc::clone(&self.seat.context.renderer);
        let (sign, multi) = (self.sign.sign, face_of(entry)?.multi.clone());
        // Drawing takes milliseconds, which no other stream is to wait for.
        let drawn = tokio::task::spawn_blocking(move || renderer.render(sign, &multi)).await;
        let pages = match drawn {
            Ok(Ok(pages)) => pages,
            Ok(Err(error)) => {
                tracing::error!(sign = sign.0, %error, "a face cannot be drawn");
                return None;
            }
            Err(error) => {
                tracing::error!(sign = sign.0, %error, "drawing a face was cut short");
                return None;
            }
        };
        let several = pages.len() > 1;
        let pages = pages.into_iter().map(|page| Page {
            png: bytes::Bytes::from_owner(page.png),
            duration: several.then(|| convert::duration(page.duration)),
        });
        Some(pages.collect())
    }
}

impl Drop for Line {
    /// Reports the end of the connection, unless another one of the same sign has taken its place.
    fn drop(&mut self) {
        if !self.seat.links.release(self.sign.sign, self.number) {
            return;
        }
        let inbox = self.seat.context.inbox.clone();
        let last = self.reports.rest().chain([report::closed(&self.seat, self.sign.device)]);
        let last: Vec<Submission> = last.collect();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // At most four messages a sign; they wait for the inbox as the connection would have.
            runtime.spawn(async move {
                for submission in last {
                    if inbox.send(submission).await.is_err() {
                        break;
                    }
                }
            });
        }
    }
}
