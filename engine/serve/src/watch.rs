//! The one stream that every watch is.
//!
//! A watch has a cursor and no queue: it is asked for the next message only when there is room to send one, and
//! then looks at the board. So a slow reader gets the newest state of each key, costs no more than a fast one and
//! delays nobody.

use std::pin::Pin;

use futures_util::stream::{self, Stream};
use tonic::Status;
use vlot_model::{Cursor, Entry, Key, Tick};

use crate::bells::Bell;
use crate::shared::{Seat, Shared, shutting_down};
use crate::wire::common::v1::StreamPosition;

/// A stream of responses.
pub(crate) type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What one reader wants to see, and how.
pub(crate) trait Feed: Send + 'static {
    /// The response of its watch.
    type Response: Send + 'static;

    /// Whether the reader wants this key.
    fn wants(&self, key: Key) -> bool;

    /// What the reader wants and the board does not have yet: it opens the stream as missing, in this order.
    fn missing(&self, shared: &Shared) -> Vec<Key>;

    /// The response for a key's newest state; `None` when there is nothing to be told of it at this moment.
    fn response(
        &self,
        shared: &Shared,
        key: Key,
        entry: Option<&Entry>,
        position: Option<StreamPosition>,
    ) -> Option<Self::Response>;
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
pub(crate) fn watch<F: Feed>(
    seat: Seat,
    bell: Bell,
    feed: F,
    resume_after: Option<&StreamPosition>,
) -> Responses<F::Response> {
    let tick = start(resume_after, seat.context.board.completed());
    let mut missing = if tick == 0 { feed.missing(&seat) } else { Vec::new() };
    missing.reverse();
    let watch = Watch { seat, bell, feed, cursor: Cursor::after(tick), missing };
    Box::pin(stream::unfold(Some(watch), |watch| async move {
        let mut watch = watch?;
        match watch.next().await {
            Ok(response) => Some((Ok(response), Some(watch))),
            Err(end) => Some((Err(end), None)),
        }
    }))
}

/// The tick to start after. A position that the board has not reached comes from another journal: its reader knows
/// things that this engine does not, so it starts over.
fn start(resume_after: Option<&StreamPosition>, completed: Tick) -> Tick {
    resume_after.map(|p| p.tick).filter(|tick| *tick <= completed).unwrap_or(0)
}

impl<F: Feed> Watch<F> {
    async fn next(&mut self) -> Result<F::Response, Status> {
        loop {
            // Marked as heard before the board is looked at: what changes after the look rings again.
            self.bell.borrow_and_update();
            if self.seat.closing() {
                return Err(shutting_down());
            }
            if let Some(response) = self.ready() {
                return Ok(response);
            }
            if self.bell.changed().await.is_err() {
                return Err(shutting_down());
            }
        }
    }

    fn ready(&mut self) -> Option<F::Response> {
        while let Some(key) = self.missing.pop() {
            // It may have come to be known while the stream was opening.
            if self.seat.context.board.get(key).is_none()
                && let Some(response) = self.feed.response(&self.seat, key, None, None)
            {
                return Some(response);
            }
        }
        loop {
            let change = self.seat.context.board.next(&mut self.cursor, |key| self.feed.wants(key))?;
            let position = change.ends_tick.then_some(StreamPosition { tick: change.entry.version });
            let response = self.feed.response(&self.seat, change.key, Some(&change.entry), position);
            if response.is_some() {
                return response;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_from_another_journal_starts_over() {
        let at = |tick| Some(StreamPosition { tick });
        assert_eq!(start(None, 7), 0);
        assert_eq!(start(at(0).as_ref(), 7), 0);
        assert_eq!(start(at(7).as_ref(), 7), 7);
        assert_eq!(start(at(8).as_ref(), 7), 0);
    }
}
