//! Whether a route breaks no rule: a look at its links one by one, apart from everything that finds routes.

use std::sync::Arc;

use vlot_model::{LinkIx, Permission, RoadNetwork};

use super::{Route, Through};
use crate::Permits;

/// What a route breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlawful {
    /// No link at all, or one that is not of the network.
    #[error("it is over no street")]
    NoStreet,
    /// Links that do not meet.
    #[error("link {0} does not begin where the one before it ends")]
    Apart(usize),
    /// Over a link that nobody of this mode may use now.
    #[error("link {0} may not be used now")]
    Forbidden(usize),
    /// Over a closed link.
    #[error("link {0} is closed")]
    Closed(usize),
    /// Back the same way where there is another.
    #[error("it turns around into link {0}")]
    TurnsAround(usize),
    /// A turn that is forbidden, or not the only one allowed.
    #[error("the turn into link {0} is forbidden")]
    Turn(usize),
    /// Through streets that are not for through traffic.
    #[error("it leads through streets that are not for through traffic, up to link {0}")]
    ThroughTraffic(usize),
}

/// Whether a route breaks no rule that binds now: positions in errors count the route's links from 0.
///
/// # Errors
/// The first rule that it breaks.
pub fn lawful(
    network: &RoadNetwork,
    permits: &Permits,
    closed: impl Fn(LinkIx) -> bool,
    through: &Through,
    route: &Route,
) -> Result<(), Unlawful> {
    let mode = through.mode();
    let links: Option<Vec<_>> = route.links.iter().map(|link| network.link(*link)).collect();
    let Some(links) = links.filter(|links| !links.is_empty()) else { return Err(Unlawful::NoStreet) };
    for (i, link) in route.links.iter().enumerate() {
        if permits.permission(network, *link, mode) == Permission::No {
            return Err(Unlawful::Forbidden(i));
        }
        if closed(*link) {
            return Err(Unlawful::Closed(i));
        }
    }
    for i in 1..links.len() {
        let (before, link) = (links[i - 1], links[i]);
        if before.to != link.from {
            return Err(Unlawful::Apart(i));
        }
        if before.opposite == Some(route.links[i]) && leads_elsewhere(network, through, route.links[i - 1]) {
            return Err(Unlawful::TurnsAround(i));
        }
    }
    for i in 0..links.len() {
        turns_from(network, permits, through, &route.links, i)?;
    }
    // Local streets, through streets, local streets: a local one between two through ones is through traffic.
    let leads = |link: &LinkIx| through.now(network, permits, *link);
    let first = route.links.iter().position(leads);
    let last = route.links.iter().rposition(leads);
    let (Some(first), Some(last)) = (first, last) else { return Ok(()) };
    let between = route.links[first..=last].iter().position(|link| !leads(link));
    between.map_or(Ok(()), |i| Err(Unlawful::ThroughTraffic(first + i)))
}

/// Whether one could go on from a link otherwise than back, at some time.
fn leads_elsewhere(network: &RoadNetwork, through: &Through, link: LinkIx) -> bool {
    let Some(of) = network.link(link) else { return false };
    let back = of.opposite.and_then(|opposite| network.link(opposite));
    let back =
        back.filter(|back| back.from == of.to && super::through::usable(network, back, through.mode()));
    through.leaving(of.to) > u32::from(back.is_some())
}

/// The rules that begin with the link at a position.
fn turns_from(
    network: &RoadNetwork,
    permits: &Permits,
    through: &Through,
    links: &[LinkIx],
    i: usize,
) -> Result<(), Unlawful> {
    let Some(from) = links.get(i) else { return Ok(()) };
    let begin = network.turns.partition_point(|turn| turn.from < *from);
    let turns = network.turns[begin..].iter().take_while(|turn| turn.from == *from);
    let binding: Vec<_> = turns.filter(|turn| permits.binds(turn, through.mode())).collect();
    for turn in &binding {
        let end = i + 1 + turn.via.len();
        let (Some(via), Some(next)) = (links.get(i + 1..end), links.get(end)) else { continue };
        if via != turn.via.as_slice() {
            continue;
        }
        // Several that allow one way alone, of the same links and hours, allow all of theirs.
        let same = |other: &&&vlot_model::Turn| {
            let hours = other.hours.as_ref().map(Arc::as_ref) == turn.hours.as_ref().map(Arc::as_ref);
            other.only && other.via == turn.via && hours
        };
        let broken = match turn.only {
            true => binding.iter().filter(same).all(|other| other.to != *next),
            false => turn.to == *next,
        };
        if broken {
            return Err(Unlawful::Turn(end));
        }
    }
    Ok(())
}
