//! What signs say, as readings of their devices.

use std::time::Duration;

use prost::Message;
use tonic::Status;
use vlot_model::{
    DeviceIx, Reading, Refusal, RefusalKind, Sign, SignFault, SignIx, Submission, Timestamp, Value,
};

use crate::convert;
use crate::filter::clip;
use crate::shared::Shared;
use crate::wire::sign::v1::join_request::Message as Said;
use crate::wire::sign::v1::{FaceEncoding, Fault, FaultReport, Hello, JoinRequest, Shown};

/// A sign's own time is believed when it is at most this old, and never when it lies ahead of ours.
const CLOCK_BEHIND_MAX: Duration = Duration::from_secs(3_600);
/// Of the firmware's name.
const FIRMWARE_BYTES_MAX: usize = 64;

/// A sign that has introduced itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Introduced {
    pub(super) sign: SignIx,
    pub(super) device: DeviceIx,
    pub(super) wants_pages: bool,
    pub(super) displayed_version: u64,
}

/// Checks a sign's first message.
pub(super) fn introduce(shared: &Shared, first: Option<JoinRequest>) -> Result<Introduced, Status> {
    let Some(Said::Hello(hello)) = first.and_then(|m| m.message) else {
        return Err(Status::invalid_argument("the first message of a sign must be a hello"));
    };
    let Hello { sign_id, firmware, width_px, height_px, displayed_version, encoding } = hello;
    if firmware.len() > FIRMWARE_BYTES_MAX {
        return Err(Status::invalid_argument(format!(
            "hello.firmware: more than {FIRMWARE_BYTES_MAX} bytes"
        )));
    }
    let wants_pages = match FaceEncoding::try_from(encoding) {
        Ok(FaceEncoding::Unspecified | FaceEncoding::Multi) => false,
        Ok(FaceEncoding::Png) => true,
        Err(_) => return Err(Status::invalid_argument(format!("hello.encoding: {encoding} is no encoding"))),
    };
    let sign = SignIx::from_position(shared.names.signs.find(&sign_id)?);
    let Some(Sign { matrix, device, .. }) = shared.context.city.signs.get(sign.at()) else {
        return Err(Status::not_found(format!("there is no sign {:?}", clip(&sign_id))));
    };
    if (width_px, height_px) != (matrix.width_px.into(), matrix.height_px.into()) {
        return Err(Status::failed_precondition(format!(
            "the sign has {width_px} x {height_px} pixels, the configuration says {} x {}: correct one of them",
            matrix.width_px, matrix.height_px
        )));
    }
    tracing::info!(sign = sign_id, firmware, displayed_version, "a sign has joined");
    Ok(Introduced { sign, device: *device, wants_pages, displayed_version })
}

/// What a sign's connection says by being opened.
pub(super) fn opened(shared: &Shared, sign: &Introduced) -> Submission {
    let now = shared.context.clock.now();
    let reading = |value| reading(sign.device, now, now, value);
    submission(
        shared,
        vec![
            reading(Value::SignLink { connected: true }),
            reading(Value::SignShown { face_version: sign.displayed_version }),
        ],
    )
}

/// What a sign's connection says by being closed.
pub(super) fn closed(shared: &Shared, device: DeviceIx) -> Submission {
    let now = shared.context.clock.now();
    submission(shared, vec![reading(device, now, now, Value::SignLink { connected: false })])
}

/// A later message of a sign. One that makes no sense costs itself alone: it is refused and, if `keep`, kept for the operator.
pub(super) fn heard(
    shared: &Shared,
    device: DeviceIx,
    message: &JoinRequest,
    keep: bool,
) -> Result<Option<Submission>, Status> {
    let now = shared.context.clock.now();
    let said = match message.message.as_ref() {
        Some(Said::Hello(_)) => return Err(Status::invalid_argument("a sign says hello once, first")),
        Some(Said::Shown(Shown { face_version, shown_at })) => {
            Ok((Value::SignShown { face_version: *face_version }, *shown_at))
        }
        Some(Said::Fault(FaultReport { fault, observed_at })) => {
            diagnosis(*fault).map(|fault| (Value::SignFault { fault }, *observed_at))
        }
        None => {
            Err(Refusal::new(RefusalKind::Unsupported, "the message says nothing that this engine knows"))
        }
    };
    match said {
        Ok((value, at)) => {
            let observed_at = at.as_ref().and_then(convert::instant).filter(|t| sane(*t, now)).unwrap_or(now);
            Ok(Some(submission(shared, vec![reading(device, observed_at, now, value)])))
        }
        Err(refusal) => {
            let context = &shared.context;
            context.meters.reports_in.add(1);
            context.meters.refuse(refusal.kind, 1);
            if keep {
                let id = context.city.devices.get(device.at()).map_or("", |d| &*d.id);
                context.quarantine.keep(now, &format!("grpc/sign/{id}"), &message.encode_to_vec(), refusal);
            }
            Ok(None)
        }
    }
}

fn diagnosis(fault: i32) -> Result<SignFault, Refusal> {
    Fault::try_from(fault)
        .ok()
        .and_then(convert::sign_fault)
        .ok_or_else(|| Refusal::new(RefusalKind::OutOfRange, format!("fault.fault: {fault} is no fault")))
}

fn sane(t: Timestamp, now: Timestamp) -> bool {
    t <= now && now.since(t) <= CLOCK_BEHIND_MAX
}

fn reading(device: DeviceIx, observed_at: Timestamp, received_at: Timestamp, value: Value) -> Reading {
    Reading { device, sequence: None, observed_at, received_at, value }
}

/// Counted when it is made; admission settles it later.
fn submission(shared: &Shared, readings: Vec<Reading>) -> Submission {
    shared.context.meters.reports_in.add(1);
    Submission { readings, receipt: None }
}
