//! Which links through traffic may use.

use vlot_model::{LinkIx, Mode, NodeIx, Permission, RoadClass, RoadNetwork};

use crate::Permits;

/// The links that lead through: those that a mode may use without living there, as far as they hang together. What hangs
/// on them by quiet streets alone (an industrial estate behind a residential street) is reached through those and counts with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Through {
    mode: Mode,
    links: Vec<bool>,
    /// By node: links that leave it and that the mode may use at some time.
    leaving: Vec<u32>,
}

impl Through {
    /// For a mode: the largest part of the network in which every junction reaches every other by links that are open to
    /// through traffic at some time.
    #[must_use]
    pub fn new(network: &RoadNetwork, mode: Mode) -> Self {
        let open: Vec<_> = network.links.iter().map(|link| lets_through(network, link, mode)).collect();
        let ends = |i: usize| (network.links[i].from.at(), network.links[i].to.at());
        let mut out = vec![Vec::new(); network.nodes.len()];
        let mut back = out.clone();
        for (from, to) in (0..open.len()).filter(|i| open[*i]).map(ends) {
            out[from].push(to);
            back[to].push(from);
        }
        let part = parts(&out, &back);
        let mut sizes = vec![0_usize; network.nodes.len()];
        let within = |i: &usize| {
            let (from, to) = ends(*i);
            open[*i] && part[from] == part[to]
        };
        for i in (0..open.len()).filter(within) {
            sizes[part[ends(i).0]] += 1;
        }
        let most = sizes.iter().copied().max().unwrap_or(0);
        let largest = sizes.iter().position(|size| *size == most);
        let links =
            (0..open.len()).map(|i| most > 0 && within(&i) && largest == Some(part[ends(i).0])).collect();
        let mut leaving = vec![0; network.nodes.len()];
        for link in network.links.iter().filter(|link| usable(network, link, mode)) {
            if let Some(leaving) = leaving.get_mut(link.from.at()) {
                *leaving += 1;
            }
        }
        Through { mode, links, leaving }
    }

    /// Whom it is for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Links by which the mode may leave a junction at some time.
    pub(super) fn leaving(&self, node: NodeIx) -> u32 {
        self.leaving.get(node.at()).copied().unwrap_or(0)
    }

    /// Whether through traffic may use a link at some time.
    #[must_use]
    pub fn ever(&self, link: LinkIx) -> bool {
        self.links.get(link.at()).copied().unwrap_or(false)
    }

    /// Whether a link is local at some time: through traffic may not use it, but who begins or ends there may.
    pub(super) fn ever_local(&self, network: &RoadNetwork, link: LinkIx) -> bool {
        let open = network.link(link);
        !self.ever(link)
            || open.is_some_and(|open| {
                some_time(network, open, self.mode, |permission| permission != Permission::Yes)
            })
    }

    /// Whether it may now.
    #[must_use]
    pub fn now(&self, network: &RoadNetwork, permits: &Permits, link: LinkIx) -> bool {
        self.ever(link) && permits.permission(network, link, self.mode) == Permission::Yes
    }
}

/// Whether a mode may use a link at some time.
pub(crate) fn usable(network: &RoadNetwork, link: &vlot_model::Link, mode: Mode) -> bool {
    some_time(network, link, mode, |permission| permission != Permission::No)
}

fn lets_through(network: &RoadNetwork, link: &vlot_model::Link, mode: Mode) -> bool {
    let quiet = matches!(link.class, RoadClass::Residential | RoadClass::LivingStreet | RoadClass::Service);
    !(mode == Mode::Car && quiet)
        && some_time(network, link, mode, |permission| permission == Permission::Yes)
}

fn some_time(
    network: &RoadNetwork,
    link: &vlot_model::Link,
    mode: Mode,
    wanted: impl Fn(Permission) -> bool,
) -> bool {
    network.access.get(link.access as usize).is_some_and(|access| {
        let in_time = access.rules.iter().filter(|rule| rule.modes.has(mode)).map(|rule| rule.permission);
        in_time.chain([access.usual(mode)]).any(wanted)
    })
}

/// For each node the lowest-numbered root of its strongly connected part (Kosaraju, without recursion).
fn parts(out: &[Vec<usize>], back: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; out.len()];
    let mut left = Vec::with_capacity(out.len());
    let mut stack = Vec::new();
    for start in 0..out.len() {
        if !std::mem::replace(&mut seen[start], true) {
            stack.push((start, 0));
        }
        while let Some((x, next)) = stack.pop() {
            match out[x].get(next) {
                Some(y) => {
                    stack.push((x, next + 1));
                    if !std::mem::replace(&mut seen[*y], true) {
                        stack.push((*y, 0));
                    }
                }
                None => left.push(x),
            }
        }
    }
    let mut part = vec![usize::MAX; out.len()];
    let mut stack = Vec::new();
    for root in left.into_iter().rev() {
        if part[root] == usize::MAX {
            part[root] = root;
            stack.push(root);
        }
        while let Some(x) = stack.pop() {
            for y in &back[x] {
                if part[*y] == usize::MAX {
                    part[*y] = root;
                    stack.push(*y);
                }
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_reaches_each_other() {
        // 0 -> 1 <-> 2 -> 3, and 4 alone.
        let out = [vec![1], vec![2], vec![1, 3], vec![], vec![]];
        let back = [vec![], vec![0, 2], vec![1], vec![2], vec![]];
        let part = parts(&out, &back);
        assert_eq!(part[1], part[2]);
        let mut distinct = part.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 4, "{part:?}");
    }
}
