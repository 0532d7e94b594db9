//! What a line of the audit log says: one JSON object, for people with `jq` as much as for the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vlot_model::{Act, ActorKnownBy, End, Glance, LinkId, Order, Situation, Tick, Timestamp, Value, Verdict};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Line {
    /// The first line of a file that follows on another: how many acts each facility has had.
    WentBefore { sequences: BTreeMap<String, u32> },
    /// An act was ordered.
    Asked {
        id: String,
        facility: String,
        act: Kind,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        occupied: Option<u32>,
        /// As it was stated; of acts on situations alone.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        situation: Option<Arc<Situation>>,
        /// Where an incident was judged.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        link: Option<LinkId>,
        actor: String,
        /// Lines of before it was looked at have none: then it was what the client said.
        #[serde(default)]
        actor_known_by: ActorKnownBy,
        reason: String,
        asked_at: Timestamp,
        observed_at: Timestamp,
        sequence: u32,
    },
    /// It is in the journal.
    Done { id: String, tick: Tick, before: Option<Glance>, after: Option<Glance> },
    /// It was not admitted.
    Refused { id: String, why: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    VerifiedCount,
    Correction,
    CounterReset,
    Close,
    Open,
    SituationStated,
    SituationWithdrawn,
    IncidentConfirmed,
    IncidentDismissed,
}

impl Line {
    /// `None` for what is no operator's act.
    pub(super) fn asked(act: &Act) -> Option<Line> {
        let Order { id, facility, value, actor, actor_known_by, reason, asked_at, observed_at } =
            act.order.clone();
        let (mut situation, mut link) = (None, None);
        let (kind, occupied) = match value {
            Value::Verified { occupied } => (Kind::VerifiedCount, Some(occupied)),
            Value::Corrected { occupied } => (Kind::Correction, Some(occupied)),
            Value::CounterReplaced => (Kind::CounterReset, None),
            Value::Closure { closed: true } => (Kind::Close, None),
            Value::Closure { closed: false } => (Kind::Open, None),
            Value::Situation(stated) => {
                let withdrawn = stated.withdrawn;
                situation = Some(stated);
                (if withdrawn { Kind::SituationWithdrawn } else { Kind::SituationStated }, None)
            }
            Value::IncidentVerdict { link: at, verdict } => {
                link = Some(at);
                match verdict {
                    Verdict::Confirmed => (Kind::IncidentConfirmed, None),
                    Verdict::Dismissed => (Kind::IncidentDismissed, None),
                    Verdict::Suspected => return None,
                }
            }
            _ => return None,
        };
        let sequence = act.sequence;
        Some(Line::Asked {
            id,
            facility,
            act: kind,
            occupied,
            situation,
            link,
            actor,
            actor_known_by,
            reason,
            asked_at,
            observed_at,
            sequence,
        })
    }

    pub(super) fn end(id: &str, end: &End) -> Line {
        let id = id.to_owned();
        match end.clone() {
            End::Done { tick, before, after } => Line::Done { id, tick, before, after },
            End::Refused { why } => Line::Refused { id, why },
        }
    }

    /// As it stands in the file, with its end.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = serde_json::to_vec(self).map_err(|e| e.to_string())?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl Kind {
    /// The act's value; `None` where what it needs is missing.
    pub(super) fn value(
        self,
        occupied: Option<u32>,
        situation: Option<Arc<Situation>>,
        link: Option<LinkId>,
    ) -> Option<Value> {
        Some(match self {
            Kind::VerifiedCount => Value::Verified { occupied: occupied? },
            Kind::Correction => Value::Corrected { occupied: occupied? },
            Kind::CounterReset => Value::CounterReplaced,
            Kind::Close => Value::Closure { closed: true },
            Kind::Open => Value::Closure { closed: false },
            Kind::SituationStated | Kind::SituationWithdrawn => Value::Situation(situation?),
            Kind::IncidentConfirmed => Value::IncidentVerdict { link: link?, verdict: Verdict::Confirmed },
            Kind::IncidentDismissed => Value::IncidentVerdict { link: link?, verdict: Verdict::Dismissed },
        })
    }
}
