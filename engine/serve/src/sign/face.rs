//! A face on its way out.

use bytes::{Bytes, BytesMut};
use prost::Message;
use vlot_model::{Entry, SignIx, Timestamp};

use super::face_of;
use crate::convert;
use crate::shared::Shared;
use crate::wire::sign::v1::{Face, Page};

/// An encoded `vlot.sign.v1.Face` with what is left of its time; `None` once that is over: a face past its end is
/// sent to nobody.
pub(crate) fn face_in_force(
    shared: &Shared,
    ix: SignIx,
    entry: &Entry,
    now: Timestamp,
    pages: Vec<Page>,
) -> Option<Bytes> {
    let face = face_of(entry)?;
    // A clock that was set back must not lengthen a life.
    let longest = shared.context.city.signs[ix.at()].time_to_live;
    let time_to_live = face.valid_until.since(now).min(longest);
    if time_to_live.is_zero() {
        return None;
    }
    let shared_fields = shared.ready_made.face(ix, entry.version, face, now);
    // Fields of one message may stand in any order, so its readers' own fields follow the shared ones.
    let own = Face { time_to_live: Some(convert::duration(time_to_live)), pages, ..Face::default() };
    let mut encoded = BytesMut::with_capacity(shared_fields.len() + own.encoded_len());
    encoded.extend_from_slice(&shared_fields);
    own.encode_raw(&mut encoded);
    Some(encoded.freeze())
}
