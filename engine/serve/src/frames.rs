//! Response bodies of finished frames: what all readers of a change get is one piece of memory.
//!
//! tonic copies every message into a buffer of the stream's own. With ten thousand streams those buffers are what the
//! time goes into, so a watch answers with a body of its own, which hands out shared bytes. It travels as an extension
//! of tonic's response, whose own body stays empty, and takes that body's place in [`take_over`].

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{Empty, Stream};
use http::HeaderMap;
use hyper::body::Frame;
use parking_lot::Mutex;
use prost::Message;
use tonic::body::Body;
use tonic::{Response, Status};

/// What tonic sees of a stream: nothing.
pub(crate) type Elsewhere<T> = Empty<Result<T, Status>>;

type Frames = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

/// On its way through tonic.
#[derive(Clone)]
struct Carried(Arc<Mutex<Option<Frames>>>);

/// A response that streams `frames`, each of them made by [`frame`].
pub(crate) fn response<T>(
    frames: impl Stream<Item = Result<Bytes, Status>> + Send + 'static,
) -> Response<Elsewhere<T>> {
    let mut response = Response::new(futures_util::stream::empty());
    response.extensions_mut().insert(Carried(Arc::new(Mutex::new(Some(Box::pin(frames))))));
    response
}

/// Gives a response the body that it carries, if it carries one.
pub(crate) fn take_over(mut response: http::Response<Body>) -> http::Response<Body> {
    let carried = response.extensions_mut().remove::<Carried>();
    match carried.and_then(|carried| carried.0.lock().take()) {
        Some(frames) => response.map(|_empty| Body::new(FrameBody { frames, over: false })),
        None => response,
    }
}

/// A message as gRPC sends it: not compressed, its length, itself.
pub(crate) fn frame(message: &impl Message) -> Bytes {
    let len = message.encoded_len();
    let mut frame = BytesMut::with_capacity(5 + len);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
    message.encode_raw(&mut frame);
    frame.freeze()
}

struct FrameBody {
    frames: Frames,
    over: bool,
}

impl hyper::body::Body for FrameBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let status = match ready!(self.frames.as_mut().poll_next(cx)) {
            Some(Ok(frame)) => return Poll::Ready(Some(Ok(Frame::data(frame)))),
            Some(Err(status)) => status,
            None => Status::ok(""),
        };
        self.over = true;
        let mut trailers = HeaderMap::new();
        status.add_header(&mut trailers)?;
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::common::v1::StreamPosition;

    #[test]
    fn a_frame_is_a_flag_a_length_and_the_message() {
        assert_eq!(frame(&StreamPosition { tick: 300 })[..], [0, 0, 0, 0, 3, 8, 172, 2]);
        assert_eq!(frame(&StreamPosition::default())[..], [0; 5]);
    }
}
