//! Which way an arrow points.
//!
//! The city's own arrow holds for the way that it was chosen for: the one of an undisturbed night. Where today's way leaves that
//! at the first junction with a choice, the arrow is the angle at that junction.

use vlot_model::{Arrow, Link, LinkIx, RoadNetwork};
use vlot_network::geo;

/// Links that leave each node, by number: looking through all links at each junction of each way would be most of a decision.
#[derive(Clone, Debug)]
pub(crate) struct Exits(Vec<u32>);

impl Exits {
    pub(crate) fn of(network: &RoadNetwork) -> Self {
        let mut exits = vec![0; network.nodes.len()];
        for link in &network.links {
            if let Some(exits) = exits.get_mut(link.from.at()) {
                *exits += 1;
            }
        }
        Exits(exits)
    }

    /// Ways on from the end of a link, but for back the same way.
    fn after(&self, link: &Link) -> u32 {
        let all = self.0.get(link.to.at()).copied().unwrap_or(0);
        all.saturating_sub(u32::from(link.opposite.is_some()))
    }
}

/// Where a line's configured arrow leads to.
#[derive(Clone, Debug)]
pub(crate) struct Junctions {
    configured: Arrow,
    /// The link taken at the first choice of the usual way; `None`: there is no choice.
    usual: Option<LinkIx>,
}

impl Junctions {
    pub(crate) fn new(network: &RoadNetwork, exits: &Exits, configured: Arrow, usual: &[LinkIx]) -> Self {
        Junctions { configured, usual: choice(network, exits, usual).map(|(_, exit)| exit) }
    }

    /// The arrow for a way.
    pub(crate) fn arrow(&self, network: &RoadNetwork, exits: &Exits, links: &[LinkIx]) -> Arrow {
        let now = choice(network, exits, links);
        if self.configured == Arrow::None || now.map(|(_, exit)| exit) == self.usual {
            return self.configured;
        }
        now.map_or(Arrow::Ahead, |(entry, exit)| arrow(turned_deg(network, entry, exit)))
    }
}

/// The first junction with a choice: the link by which a way comes to it, and the one by which it leaves. A roundabout is one
/// junction.
fn choice(network: &RoadNetwork, exits: &Exits, links: &[LinkIx]) -> Option<(LinkIx, LinkIx)> {
    let around = |link: LinkIx| network.link(link).is_some_and(|link| link.roundabout);
    for (i, pair) in links.windows(2).enumerate() {
        let (entry, next) = (pair[0], pair[1]);
        let from = network.link(entry)?;
        if exits.after(from) < 2 && !around(next) {
            continue;
        }
        let exit = links[i + 1..].iter().copied().find(|link| !around(*link));
        return Some((entry, exit.unwrap_or(next)));
    }
    None
}

/// From the end of one link to the beginning of another, degrees clockwise, -180..=180.
fn turned_deg(network: &RoadNetwork, entry: LinkIx, exit: LinkIx) -> f64 {
    let end = match network.shape(entry) {
        [.., a, b] => geo::bearing_deg(*a, *b),
        _ => 0.0,
    };
    let start = match network.shape(exit) {
        [a, b, ..] => geo::bearing_deg(*a, *b),
        _ => 0.0,
    };
    (start - end + 180.0).rem_euclid(360.0) - 180.0
}

/// The arrow for a turn, degrees clockwise.
fn arrow(turned_deg: f64) -> Arrow {
    match turned_deg {
        a if a.abs() <= 25.0 => Arrow::Ahead,
        a if a.abs() > 155.0 => Arrow::Back,
        a if a > 65.0 => Arrow::Right,
        a if a > 0.0 => Arrow::AheadRight,
        a if a < -65.0 => Arrow::Left,
        _ => Arrow::AheadLeft,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_is_the_angle_of_the_turn() {
        let table = [
            (0.0, Arrow::Ahead),
            (25.0, Arrow::Ahead),
            (-40.0, Arrow::AheadLeft),
            (40.0, Arrow::AheadRight),
            (90.0, Arrow::Right),
            (-90.0, Arrow::Left),
            (175.0, Arrow::Back),
            (-180.0, Arrow::Back),
        ];
        for (angle, shown) in table {
            assert_eq!(arrow(angle), shown, "{angle}");
        }
    }
}
