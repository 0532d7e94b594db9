//! A small city with streets, signs along them and a set of plans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vlot_model::{
    Access, AdviceReason, Arrow, City, FacilityIx, FacilityStatus, GarageIx, LinePlan, LineWay, LinkId,
    LinkIx, LiveWay, LonLat, Mode, OnLink, Permission, Placement, RoadClass, RoadNetwork, SignIx, SignLine,
    SignPlan, Target,
};
use vlot_network::route::{Router, Through};
use vlot_network::{Draft, DraftLink, DraftTurn, Permits, geo};

use crate::proof::{Fault, Set, Streets, prove};
use crate::testing;

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };
/// Junctions in a row.
const ACROSS: usize = 4;

/// All that signs along streets announce.
pub(super) const TARGETS: [Target; 5] = [
    Target::Facility(FacilityIx(0)),
    Target::Facility(FacilityIx(1)),
    Target::Facility(FacilityIx(2)),
    Target::Garage(GarageIx(0)),
    Target::Garage(GarageIx(1)),
];

/// A street between two junctions of a grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Street {
    pub(super) ends: [usize; 2],
    pub(super) both_ways: bool,
    pub(super) class: RoadClass,
    pub(super) cars: Permission,
}

/// A city, the state of its streets, and what its signs are about to say.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) city: City,
    pub(super) permits: Permits,
    pub(super) closed: BTreeSet<LinkIx>,
    pub(super) cars: Through,
    pub(super) bicycles: Through,
    pub(super) plans: Vec<SignPlan>,
    /// By sign and line.
    pub(super) says: BTreeMap<(SignIx, usize), FacilityStatus>,
}

pub(super) fn streets(of: &[Street]) -> Draft {
    let place = |i: usize| {
        let bend = (i * 37 % 11) as f64 * 9.0;
        geo::offset(HERE, [(i % ACROSS) as f64 * 200.0 + bend, (i / ACROSS) as f64 * 170.0 - bend])
    };
    let mut draft = Draft::new("test");
    for street in of {
        let [a, b] = street.ends;
        let id = |from: usize, to: usize| LinkId((from * 100 + to + 1) as u64);
        for ends in [[a, b], [b, a]].into_iter().take(if street.both_ways { 2 } else { 1 }) {
            let mut link = DraftLink::new(ends.map(|end| end as i64), 0, street.class);
            link.id = id(ends[0], ends[1]);
            link.opposite = street.both_ways.then(|| id(ends[1], ends[0]));
            link.points = ends.map(place).to_vec();
            link.name = format!("Street {}-{}", ends[0], ends[1]);
            let mut access = Access::default();
            access.always[Mode::Car as usize] = street.cars;
            link.access = access;
            draft.link(link);
        }
    }
    draft
}

/// With a turn that is forbidden.
pub(super) fn forbid(draft: &mut Draft, network: &RoadNetwork, over: &[LinkIx]) {
    let ids: Vec<_> = over.iter().map(|link| network.links[link.at()].id).collect();
    if let [from, via @ .., to] = ids.as_slice() {
        let (via, modes) = (via.to_vec(), vlot_model::Modes::ALL);
        draft.turn(DraftTurn { from: *from, via, to: *to, only: false, modes, hours: None });
    }
}

impl World {
    /// Signs that announce so much of [`TARGETS`], and the two signs inside the first garage; nothing is advised yet.
    pub(super) fn new(network: RoadNetwork, signs: &[(OnLink, Vec<Target>)], targets: &[OnLink]) -> Self {
        let mut city = testing::city();
        city.timezone = "Europe/Brussels".into();
        let (along, inside) = (city.signs[0].clone(), city.signs[1].clone());
        let mut second = city.garages[0].clone();
        second.id = "g2".into();
        second.sections.clear();
        city.garages.push(second);
        let line = |target: &Target| SignLine {
            target: *target,
            label: "".into(),
            arrow: Arrow::Ahead,
            travel_time: std::time::Duration::from_secs(60),
        };
        city.signs = (0..signs.len())
            .map(|i| {
                let mut sign = along.clone();
                sign.id = format!("s{i}").into();
                sign.lines = signs[i].1.iter().map(line).collect();
                sign
            })
            .collect();
        for id in ["inside-1", "inside-2"] {
            let mut sign = inside.clone();
            sign.id = id.into();
            sign.placement = Placement::Garage(GarageIx(0));
            city.signs.push(sign);
        }
        let on: Vec<_> = signs.iter().map(|(on, _)| Some(*on)).chain([None, None]).collect();
        city.placed.signs = on;
        city.placed.facilities = targets[..3].iter().copied().map(Some).collect();
        city.placed.garages = targets[3..].iter().copied().map(Some).collect();
        let permits = Permits::new(&network, &city, testing::at(0));
        let (cars, bicycles) = (Through::new(&network, Mode::Car), Through::new(&network, Mode::Bicycle));
        city.network = Some(Arc::new(network));
        let plan = |i: usize, sign: &vlot_model::Sign| SignPlan {
            edge: None,
            sign: SignIx::from_position(i),
            decided_at: testing::at(0),
            lines: vec![
                LinePlan {
                    way: LineWay::Configured,
                    arrival: None,
                    avoid: false,
                    cost_s: None,
                    walk_s: None
                };
                sign.lines.len()
            ],
            advice: None,
            advised_since: None,
            reason: AdviceReason::Off,
            seekers_vph: 0.0,
        };
        let plans = city.signs.iter().enumerate().map(|(i, sign)| plan(i, sign)).collect();
        let mut world =
            World { city, permits, closed: BTreeSet::new(), cars, bicycles, plans, says: BTreeMap::new() };
        for target in TARGETS.into_iter().chain(world.sections()) {
            world.state(target, FacilityStatus::SpacesAvailable);
        }
        world
    }

    fn sections(&self) -> Vec<Target> {
        self.city.garages[0].sections.iter().map(|section| Target::Section(*section)).collect()
    }

    pub(super) fn network(&self) -> &Arc<RoadNetwork> {
        self.city.network.as_ref().expect("streets")
    }

    /// All lines that announce a target say the same of it.
    pub(super) fn state(&mut self, target: Target, status: FacilityStatus) {
        for (i, sign) in self.city.signs.iter().enumerate() {
            for n in (0..sign.lines.len()).filter(|n| sign.lines[*n].target == target) {
                self.says.insert((SignIx::from_position(i), n), status);
            }
        }
    }

    pub(super) fn prove(&self) -> Result<(), Vec<Fault>> {
        let closed = |link: LinkIx| self.closed.contains(&link);
        let streets = |through| Streets { permits: &self.permits, closed: &closed, through };
        prove(&Set {
            city: &self.city,
            cars: Some(streets(&self.cars)),
            bicycles: Some(streets(&self.bicycles)),
            plans: &self.plans,
            says: &|sign, line| self.says[&(sign, line)],
        })
    }

    pub(super) fn along(&self) -> Vec<SignIx> {
        let along = |sign: &SignIx| self.city.signs[sign.at()].placement == Placement::Street;
        (0..self.city.signs.len()).map(SignIx::from_position).filter(along).collect()
    }

    pub(super) fn target(&self, sign: SignIx, line: usize) -> Target {
        self.city.signs[sign.at()].lines[line].target
    }

    pub(super) fn entrance(&self, target: Target) -> OnLink {
        match target {
            Target::Facility(ix) => self.city.placed.facilities[ix.at()].expect("placed"),
            Target::Garage(ix) => self.city.placed.garages[ix.at()].expect("placed"),
            Target::Section(_) => self.city.placed.garages[0].expect("placed"),
            Target::Place(_) | Target::Group { .. } => unreachable!("no sign of this world announces one"),
        }
    }

    pub(super) fn live(&self, sign: SignIx, line: usize) -> Option<&LiveWay> {
        match &self.plans[sign.at()].lines[line].way {
            LineWay::Live(way) => Some(way),
            LineWay::Configured | LineWay::None => None,
        }
    }

    pub(super) fn all_live(&self) -> Vec<(SignIx, usize)> {
        let lines = |sign: SignIx| (0..self.plans[sign.at()].lines.len()).map(move |n| (sign, n));
        self.along().into_iter().flat_map(lines).filter(|(sign, n)| self.live(*sign, *n).is_some()).collect()
    }

    pub(super) fn set_way(&mut self, sign: SignIx, line: usize, links: &[LinkIx]) {
        let on = self.city.placed.signs[sign.at()].expect("along a street");
        let to = self.entrance(self.target(sign, line));
        let way = LiveWay {
            links: links.into(),
            start_m: on.offset_m,
            end_m: to.offset_m,
            travel_time_s: 0.0,
            length_m: 0.0,
            arrow: Arrow::Ahead,
        };
        self.plans[sign.at()].lines[line].way = LineWay::Live(way);
    }

    /// The least ways, by what a sign takes links to take.
    pub(super) fn find(&mut self, seconds: impl Fn(SignIx, LinkIx) -> Option<f32>) {
        let mut cars = Router::new(Arc::clone(self.network()), Mode::Car, None);
        let mut bicycles = Router::new(Arc::clone(self.network()), Mode::Bicycle, None);
        for sign in self.along() {
            let now =
                |link| if self.closed.contains(&link) { Some(f32::INFINITY) } else { seconds(sign, link) };
            cars.weights(&self.permits, now);
            bicycles.weights(&self.permits, now);
            let on = self.city.placed.signs[sign.at()].expect("along a street");
            for n in 0..self.plans[sign.at()].lines.len() {
                let target = self.target(sign, n);
                let router = if matches!(target, Target::Facility(_)) { &cars } else { &bicycles };
                let route = router.route(&[on], &[self.entrance(target)], 0).ok();
                let way = route.and_then(|mut routes| routes.pop()).map(|route| LiveWay {
                    links: route.links.into(),
                    start_m: route.start_m,
                    end_m: route.end_m,
                    travel_time_s: route.travel_time_s,
                    length_m: route.length_m,
                    arrow: Arrow::Ahead,
                });
                self.plans[sign.at()].lines[n].way = way.map_or(LineWay::None, LineWay::Live);
            }
        }
    }

    /// Signs that send all their drivers past the next one.
    pub(super) fn detour(&mut self, wanted: impl Fn(SignIx) -> bool) {
        let mut cars = Router::new(Arc::clone(self.network()), Mode::Car, None);
        let mut bicycles = Router::new(Arc::clone(self.network()), Mode::Bicycle, None);
        let now = |link| self.closed.contains(&link).then_some(f32::INFINITY);
        cars.weights(&self.permits, now);
        bicycles.weights(&self.permits, now);
        let (before, along) = (self.clone(), self.along());
        for (i, sign) in along.iter().enumerate().filter(|(_, sign)| wanted(**sign)) {
            let other = along[(i + 1) % along.len()];
            let [from, to] =
                [*sign, other].map(|sign| self.city.placed.signs[sign.at()].expect("along a street"));
            for n in 0..self.plans[sign.at()].lines.len() {
                let target = self.target(*sign, n);
                let router = if matches!(target, Target::Facility(_)) { &cars } else { &bicycles };
                let its = self.city.signs[other.at()].lines.iter().position(|line| line.target == target);
                let on = its.and_then(|its| before.live(other, its));
                let there = router.route(&[from], &[to], 0).ok().and_then(|mut routes| routes.pop());
                if let Some((there, on)) = there.zip(on).filter(|_| other != *sign) {
                    self.set_way(*sign, n, &[&there.links, &on.links[1..]].concat());
                }
            }
        }
    }

    /// Every sign advises what takes least, with so many seconds to each target besides.
    pub(super) fn advise(&mut self, more_s: &[f32]) {
        for sign in self.along() {
            let cost = |n: usize| {
                let open = self.says[&(sign, n)] == FacilityStatus::SpacesAvailable;
                let target = self.target(sign, n);
                let more = TARGETS.iter().position(|t| *t == target).map_or(0.0, |t| more_s[t]);
                self.live(sign, n).filter(|_| open).map(|way| (n, way.travel_time_s + more))
            };
            let lines = self.plans[sign.at()].lines.len();
            let best = (0..lines).filter_map(cost).min_by(|a, b| a.1.total_cmp(&b.1));
            self.plans[sign.at()].advice = best.map(|(n, _)| u32::try_from(n).expect("few lines"));
        }
    }
}
