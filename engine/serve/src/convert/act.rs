//! Operators' acts.

use vlot_model::{Act, ActorKnownBy, End, Glance, Order, Quality, Value, Verdict};

use super::{facility, timestamp, word};
use crate::wire::common::v1 as common;
use crate::wire::parking::v1 as wire;

/// An act as it is kept.
pub(crate) fn act(act: &Act) -> wire::Act {
    let Order { id, facility, value, actor, actor_known_by, reason, asked_at, observed_at } =
        act.order.clone();
    let mut subject = String::new();
    let (kind, occupied) = match value {
        Value::Verified { occupied } => (wire::ActKind::VerifiedCount, Some(occupied)),
        Value::Corrected { occupied } => (wire::ActKind::Correction, Some(occupied)),
        Value::CounterReplaced => (wire::ActKind::CounterReset, None),
        Value::Closure { closed: true } => (wire::ActKind::Close, None),
        Value::Closure { closed: false } => (wire::ActKind::Open, None),
        Value::Situation(stated) => {
            subject = stated.id.to_string();
            match stated.withdrawn {
                true => (wire::ActKind::SituationWithdrawn, None),
                false => (wire::ActKind::SituationStated, None),
            }
        }
        Value::IncidentVerdict { link, verdict } => {
            subject = super::link_id(link);
            match verdict {
                Verdict::Confirmed => (wire::ActKind::IncidentConfirmed, None),
                Verdict::Dismissed => (wire::ActKind::IncidentDismissed, None),
                Verdict::Suspected => (wire::ActKind::Unspecified, None),
            }
        }
        _ => (wire::ActKind::Unspecified, None),
    };
    let mut out = wire::Act {
        act_id: id,
        facility_id: facility,
        kind: kind.into(),
        occupied,
        subject,
        actor,
        actor_known_by: match actor_known_by {
            ActorKnownBy::Stated => wire::ActorKnownBy::Stated,
            ActorKnownBy::Certificate => wire::ActorKnownBy::Certificate,
        }
        .into(),
        reason,
        asked_at: Some(timestamp(asked_at)),
        observed_at: Some(timestamp(observed_at)),
        stage: wire::ActStage::UnderWay.into(),
        ..wire::Act::default()
    };
    match &act.end {
        None => {}
        Some(End::Done { tick, before, after }) => {
            out.stage = wire::ActStage::Done.into();
            out.tick = *tick;
            out.before = before.as_ref().map(glance);
            out.after = after.as_ref().map(glance);
        }
        Some(End::Refused { why }) => {
            out.stage = wire::ActStage::Refused.into();
            out.refusal.clone_from(why);
        }
    }
    out
}

fn glance(glance: &Glance) -> wire::FacilityGlance {
    let quality = match glance.quality {
        Quality::Good => common::Quality::Good,
        Quality::Degraded => common::Quality::Degraded,
        Quality::Stale => common::Quality::Stale,
        Quality::Missing => common::Quality::Missing,
    };
    wire::FacilityGlance {
        occupied: glance.occupied,
        occupied_uncorrected: glance.occupied_uncorrected,
        free: glance.free,
        opening: facility::opening(glance.opening).into(),
        status: word(glance.status).into(),
        quality: quality.into(),
    }
}
