//! The one stream that every watch is.
//!
//! A watch has a cursor and no queue: it is asked for the next message only when there is room to send one, and
//! then looks at the board. So a slow reader gets the newest state of each key, costs no more than a fast one and
//! delays nobody.

use bytes::Bytes;
use futures_util::stream;
use tonic::{Response, Status};
use vlot_model::{Cursor, Entry, Key};

use crate::bells::Bell;
use crate::frames::{self, Elsewhere};
use crate::shared::{Seat, Shared, shutting_down};
use crate::wire::common::v1::StreamPosition;

/// What one reader wants to see, and how.
pub(crate) trait Feed: Send + 'static {
    /// Whether the reader wants this key.
    fn wants(&self, key: Key) -> bool;

    /// What the reader wants and the board does not have yet: it opens the stream as missing, in this order.
    fn missing(&self, shared: &Shared) -> Vec<Key>;

    /// The response for a key's newest state, as a frame; `None` when there is nothing to be told of it at this moment.
    /// With `ends_tick` it carries the entry's version as a position.
    fn frame(&self, shared: &Shared, key: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes>;
}

struct Watch<F> {
    seat: Seat,
    bell: Bell,
    feed: F,
    cursor: Cursor,
    /// In reverse.
    missing: Vec<Key>,
}

/// Streams what `feed` wants: first the present state (or, after a position, what changed since), then every change.
pub(crate) fn watch<T>(
    seat: Seat,
    bell: Bell,
    feed: impl Feed,
    resume_after: Option<&StreamPosition>,
) -> Response<Elsewhere<T>> {
    let tick = resume_after.map_or(0, |position| seat.context.board.resumes_from(position.tick));
    let mut missing = if tick == 0 { feed.missing(&seat) } else { Vec::new() };
    missing.reverse();
    let watch = Watch { seat, bell, feed, cursor: Cursor::after(tick), missing };
    frames::response(stream::unfold(Some(watch), |watch| async move {
        let mut watch = watch?;
        match watch.next().await {
            Ok(frame) => Some((Ok(frame), Some(watch))),
            Err(end) => Some((Err(end), None)),
        }
    }))
}

impl<F: Feed> Watch<F> {
    async fn next(&mut self) -> Result<Bytes, Status> {
        loop {
            // Marked as heard before the board is looked at: what changes after the look rings again.
            self.bell.borrow_and_update();
            if self.seat.closing() {
                return Err(shutting_down());
            }
            if let Some(frame) = self.ready() {
                return Ok(frame);
            }
            if self.bell.changed().await.is_err() {
                return Err(shutting_down());
            }
        }
    }

    fn ready(&mut self) -> Option<Bytes> {
        while let Some(key) = self.missing.pop() {
            // It may have come to be known while the stream was opening.
            if self.seat.context.board.get(key).is_none()
                && let Some(frame) = self.feed.frame(&self.seat, key, None, false)
            {
                return Some(frame);
            }
        }
        loop {
            let change = self.seat.context.board.next(&mut self.cursor, |key| self.feed.wants(key))?;
            let frame = self.feed.frame(&self.seat, change.key, Some(&change.entry), change.ends_tick);
            if frame.is_some() {
                return frame;
            }
        }
    }
}
