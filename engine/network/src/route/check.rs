//! Whether a route breaks no rule: a look at its links one by one, apart from everything that finds routes.

use std::sync::Arc;

use vlot_model::{Link, LinkIx, NodeIx, Permission, RoadNetwork};

use super::{NONE, Route, Through};
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
    let of = |link: LinkIx| {
        let on = network.link(link)?;
        Some(OfLink::new(through, link, on, permits.permission(network, link, through.mode()), closed(link)))
    };
    held_against(network, permits, through, &route.links, of)
}

/// All that binds now, link by link: for who looks at many routes.
#[derive(Debug)]
pub struct Law<'a> {
    network: &'a RoadNetwork,
    permits: &'a Permits,
    through: &'a Through,
    links: Vec<OfLink>,
}

impl<'a> Law<'a> {
    /// As it binds now.
    #[must_use]
    pub fn new(
        network: &'a RoadNetwork,
        permits: &'a Permits,
        closed: impl Fn(LinkIx) -> bool,
        through: &'a Through,
    ) -> Self {
        let by_access: Vec<_> =
            network.access.iter().map(|access| permits.of(access, through.mode())).collect();
        let of = |(i, on): (usize, &Link)| {
            let link = LinkIx::from_position(i);
            let permission = by_access.get(on.access as usize).copied().unwrap_or(Permission::No);
            OfLink { ruled: false, ..OfLink::new(through, link, on, permission, closed(link)) }
        };
        let mut links: Vec<_> = network.links.iter().enumerate().map(of).collect();
        for turn in &network.turns {
            if let Some(link) = links.get_mut(turn.from.at()) {
                link.ruled = true;
            }
        }
        Law { network, permits, through, links }
    }

    /// Whether a route breaks no rule.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, links: &[LinkIx]) -> Result<(), Unlawful> {
        held_against(self.network, self.permits, self.through, links, |link| {
            self.links.get(link.at()).copied()
        })
    }
}

/// What of a link a route is held against.
#[derive(Clone, Copy, Debug)]
struct OfLink {
    from: NodeIx,
    to: NodeIx,
    /// One that is of no network where there is none.
    opposite: LinkIx,
    forbidden: bool,
    closed: bool,
    /// Whether through traffic may use it.
    leads: bool,
    /// Whether rules of turns may begin with it.
    ruled: bool,
}

impl OfLink {
    fn new(through: &Through, link: LinkIx, on: &Link, permission: Permission, closed: bool) -> Self {
        OfLink {
            from: on.from,
            to: on.to,
            opposite: on.opposite.unwrap_or(LinkIx(NONE)),
            forbidden: permission == Permission::No,
            closed,
            leads: through.ever(link) && permission == Permission::Yes,
            ruled: true,
        }
    }
}

fn held_against(
    network: &RoadNetwork,
    permits: &Permits,
    through: &Through,
    links: &[LinkIx],
    of: impl Fn(LinkIx) -> Option<OfLink>,
) -> Result<(), Unlawful> {
    let (mut barred, mut joint) = (None, None);
    // Local streets, through streets, local streets: a local one between two through ones is through traffic.
    let (mut led, mut left, mut passed) = (false, None, None);
    let mut before: Option<OfLink> = None;
    let mut ruled = false;
    for (i, link) in links.iter().enumerate() {
        let Some(here) = of(*link) else { return Err(Unlawful::NoStreet) };
        if (here.forbidden || here.closed) && barred.is_none() {
            barred = Some(if here.forbidden { Unlawful::Forbidden(i) } else { Unlawful::Closed(i) });
        }
        if let Some(before) = before.filter(|_| joint.is_none()) {
            if before.to != here.from {
                joint = Some(Unlawful::Apart(i));
            } else if before.opposite == *link && leads_elsewhere(network, through, links[i - 1]) {
                joint = Some(Unlawful::TurnsAround(i));
            }
        }
        match (here.leads, led) {
            (true, true) => passed = passed.or(left),
            (true, false) => led = true,
            (false, true) => left = left.or(Some(i)),
            (false, false) => {}
        }
        ruled |= here.ruled;
        before = Some(here);
    }
    if links.is_empty() {
        return Err(Unlawful::NoStreet);
    }
    if let Some(broken) = barred.or(joint) {
        return Err(broken);
    }
    for i in (0..links.len()).filter(|_| ruled) {
        if of(links[i]).is_some_and(|link| link.ruled) {
            turns_from(network, permits, through, links, i)?;
        }
    }
    passed.map_or(Ok(()), |i| Err(Unlawful::ThroughTraffic(i)))
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
