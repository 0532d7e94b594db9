//! The signs as drivers meet them, one after the other.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use vlot_model::{City, LineWay, LinkIx, Sign, SignPlan, Target};

/// Its links, and metres along the first where the sign stands.
type Way = (Arc<[LinkIx]>, f32);

/// Which signs a driver meets on the way of a line.
pub(crate) struct Chain {
    /// Signs along each link: metres, position; in order.
    along: FxHashMap<LinkIx, Vec<(f32, usize)>>,
    /// By sign and line.
    ways: Vec<Vec<Option<Way>>>,
    cars: Vec<bool>,
}

impl Chain {
    pub(crate) fn new(city: &City, set: &[SignPlan]) -> Self {
        let mut along: FxHashMap<LinkIx, Vec<(f32, usize)>> = FxHashMap::default();
        for (i, on) in city.placed.signs.iter().enumerate() {
            if let Some(on) = on {
                along.entry(on.link).or_default().push((on.offset_m, i));
            }
        }
        for signs in along.values_mut() {
            signs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        let way = |line: &vlot_model::LinePlan| match &line.way {
            LineWay::Live(way) => Some((Arc::clone(&way.links), way.start_m)),
            LineWay::Configured | LineWay::None => None,
        };
        let ways = set.iter().map(|plan| plan.lines.iter().map(way).collect()).collect();
        Chain { along, ways, cars: city.signs.iter().map(for_cars).collect() }
    }

    /// Whether a sign speaks to drivers who look for any space.
    pub(crate) fn is_for_cars(&self, sign: &Sign) -> bool {
        for_cars(sign)
    }

    /// The signs of the same kind that are met on a line's way, in order.
    pub(crate) fn met(&self, sign: usize, line: usize) -> impl Iterator<Item = usize> + '_ {
        let way = self.ways.get(sign).and_then(|lines| lines.get(line)).and_then(Option::as_ref);
        let links = way.into_iter().flat_map(|(links, start_m)| {
            links
                .iter()
                .enumerate()
                .map(|(i, link)| (*link, if i == 0 { *start_m } else { f32::NEG_INFINITY }))
        });
        let on = links.flat_map(|(link, from)| {
            let signs = self.along.get(&link).map_or(&[][..], |signs| signs);
            signs.iter().filter(move |(metres, _)| *metres >= from).map(|(_, sign)| *sign)
        });
        on.filter(move |met| *met != sign && self.cars.get(*met) == self.cars.get(sign))
    }

    /// The sign that is met next by who follows an advice.
    pub(crate) fn next(&self, sign: usize, advice: Option<u32>) -> Option<usize> {
        self.met(sign, advice? as usize).next()
    }

    /// Takes advice away where following it from sign to sign would lead in a circle: who is on the way then follows the name
    /// that was first shown.
    pub(crate) fn unwind(&self, set: &mut [SignPlan]) {
        for start in 0..set.len() {
            let mut seen = vec![start];
            let mut at = start;
            while let Some(line) = set[at].advice {
                let next = self.met(at, line as usize).find(|met| set[*met].advice.is_some());
                let Some(next) = next else { break };
                if seen.contains(&next) {
                    set[next].advice = None;
                    set[next].reason = vlot_model::AdviceReason::Withdrawn;
                    break;
                }
                seen.push(next);
                at = next;
            }
        }
    }
}

fn for_cars(sign: &Sign) -> bool {
    sign.lines.iter().any(|line| matches!(line.target, Target::Facility(_)))
}
