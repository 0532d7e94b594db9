//! What a client wants done, checked: whoever acts says who he is and why, and figures are within what is possible.

use std::time::Duration;

use tonic::Status;
use vlot_model::{ActorKnownBy, Order, Timestamp, Value};

use super::client::CertifiedClient;
use crate::convert;
use crate::filter::clip;
use crate::shared::Shared;
use crate::wire::parking::v1::Attribution;

const ACT_ID_CHARS: usize = 64;
/// Of an actor's name.
pub(super) const ACTOR_CHARS: usize = 80;
const REASON_CHARS: usize = 200;
/// Another machine's clock may be ahead of ours by this much; what it dates later counts as now.
const AHEAD: Duration = Duration::from_secs(120);

pub(crate) fn wrong(field: &str, what: impl std::fmt::Display) -> Status {
    Status::invalid_argument(format!("{field}: {what}"))
}

/// One line of text within its bound.
fn line(field: &str, text: &str, chars_max: usize) -> Result<String, Status> {
    let text = text.trim();
    if text.is_empty() {
        return Err(wrong(field, "is required: acts are kept with who did what and why"));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong(field, "is one line, without control characters"));
    }
    if text.chars().count() > chars_max {
        return Err(wrong(field, format!("at most {chars_max} characters")));
    }
    Ok(text.to_owned())
}

/// Whether a text can be an id that a client chooses.
pub(crate) fn is_id(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
    (1..=ACT_ID_CHARS).contains(&id.len()) && id.bytes().all(fits)
}

fn act_id(id: String) -> Result<String, Status> {
    if id.is_empty() {
        return Err(wrong("attribution.act_id", "is required: choose one for each act, for example a UUID"));
    }
    if !is_id(&id) {
        return Err(wrong("attribution.act_id", format!("at most {ACT_ID_CHARS} of A-Z a-z 0-9 . _ : -")));
    }
    Ok(id)
}

/// Whether a text is one line of at most so many characters.
pub(crate) fn is_line(text: &str, chars_max: usize) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control) && text.chars().count() <= chars_max
}

/// Who acts: whom the certificate names, where one was shown; else who the client says.
fn actor(
    shared: &Shared,
    client: Option<&CertifiedClient>,
    stated: &str,
) -> Result<(String, ActorKnownBy), Status> {
    let Some(client) = client else {
        return Ok((line("attribution.actor", stated, ACTOR_CHARS)?, ActorKnownBy::Stated));
    };
    let stated = stated.trim();
    let name = operator(shared, client)?;
    if !stated.is_empty() && stated != name {
        return Err(Status::permission_denied(format!(
            "attribution.actor: {:?} is not whom the certificate names, {name:?} (hint: act under that name, leave the field \
             empty, or show the certificate of {0:?})",
            clip(stated)
        )));
    }
    Ok((name.to_owned(), ActorKnownBy::Certificate))
}

/// Whom a certificate names, if that is an operator.
pub(super) fn operator<'c>(shared: &Shared, client: &'c CertifiedClient) -> Result<&'c str, Status> {
    let name = client.name.as_deref().ok_or_else(|| {
        Status::permission_denied(
            "the certificate names nobody (hint: acts need one with a common name or an alternative name of one line, at \
             most 80 characters)",
        )
    })?;
    let operators = &shared.options.acts.operators;
    if !operators.is_empty() && !operators.iter().any(|operator| operator == name) {
        return Err(Status::permission_denied(format!(
            "{name:?} is no operator (hint: [serve] operators in city.toml names who may act)"
        )));
    }
    Ok(name)
}

/// The order, dated with the engine's present unless it speaks of an earlier instant.
pub(super) fn order(
    shared: &Shared,
    client: Option<&CertifiedClient>,
    facility: String,
    attribution: Option<Attribution>,
    value: Value,
    observed_at: Option<Timestamp>,
) -> Result<Order, Status> {
    shared.names.facilities.find(&facility)?;
    signed(shared, client, facility, attribution, value, observed_at)
}

/// The same of anything that is acted on: whoever asks has looked whether it exists.
pub(crate) fn signed(
    shared: &Shared,
    client: Option<&CertifiedClient>,
    facility: String,
    attribution: Option<Attribution>,
    value: Value,
    observed_at: Option<Timestamp>,
) -> Result<Order, Status> {
    let Attribution { act_id: id, actor: stated, reason } =
        attribution.ok_or_else(|| wrong("attribution", "is required: an act has a name and a reason"))?;
    let (actor, actor_known_by) = actor(shared, client, &stated)?;
    let asked_at = shared.context.clock.now();
    Ok(Order {
        id: act_id(id)?,
        facility,
        value,
        actor,
        actor_known_by,
        reason: line("attribution.reason", &reason, REASON_CHARS)?,
        asked_at,
        observed_at: observed_at.unwrap_or(asked_at),
    })
}

/// A number of vehicles that can be inside.
pub(super) fn occupied(shared: &Shared, facility: &str, occupied: Option<u32>) -> Result<u32, Status> {
    let at = shared.names.facilities.find(facility)?;
    let occupied = occupied.ok_or_else(|| wrong("occupied", "is required: absent is not zero"))?;
    let facility = shared.context.city.facilities.get(at);
    let ceiling = facility.map_or(0, |f| f.estimate.ceiling.max(f.capacity));
    if occupied > ceiling {
        let id = facility.map_or("", |f| clip(&f.id));
        return Err(wrong("occupied", format!("{occupied} is more than can be inside {id:?}, {ceiling}")));
    }
    Ok(occupied)
}

/// When the vehicles were counted; `None`: now.
pub(super) fn observed_at(
    shared: &Shared,
    at: Option<&prost_types::Timestamp>,
) -> Result<Option<Timestamp>, Status> {
    let Some(at) = at else { return Ok(None) };
    let now = shared.context.clock.now();
    let at = convert::instant(at).ok_or_else(|| wrong("observed_at", "is no instant"))?;
    if at.since(now) > AHEAD {
        return Err(wrong("observed_at", format!("{at} is in the future; the engine's clock says {now}")));
    }
    let behind = shared.options.acts.behind_max;
    if now.since(at) > behind {
        let hours = behind.as_secs() / 3_600;
        return Err(wrong(
            "observed_at",
            format!(
                "{at} is too old: a count of more than {hours} hours ago says nothing of now (it is {now})"
            ),
        ));
    }
    Ok(Some(at.min(now)))
}
