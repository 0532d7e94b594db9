//! The planner on garages that fill, on named places and on spaces of groups.

use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    Arrow, City, FacilityIx, FacilityStatus, Garage, GarageIx, GarageState, GroupState, GuidanceMode,
    GuidanceRules, LineWay, LonLat, Mode, NamedPlace, PlaceIx, Placed, Placement, Product, Quality, RackKind,
    Section, SectionIx, SectionState, Share, Sign, SignLine, Target, UserGroup,
};

use super::Planner;
use super::tests::{on, streets};
use crate::testing::{at, facility_state, good};

const STREET: usize = 0;
const INSIDE: usize = 1;
const CARGO: usize = 2;
const MIXED: usize = 3;
const ACCESSIBLE: usize = 4;

fn line(target: Target, seconds: u64) -> SignLine {
    SignLine { target, label: "L".into(), arrow: Arrow::Ahead, travel_time: Duration::from_secs(seconds) }
}

/// Two garages on the streets: the first has two tiers, single racks and cargo racks, the second two tiers and cargo racks. Signs: one
/// along a street for both, one inside the first, one at its cargo racks, one of car parks with a place and a group, and one of
/// a group alone.
fn city() -> Arc<City> {
    let network = streets();
    let mut city = crate::testing::city();
    let racks = [RackKind::TwoTier, RackKind::Single, RackKind::Cargo, RackKind::TwoTier, RackKind::Cargo];
    let section =
        |i: usize, rack| Section { rack, garage: GarageIx(u32::from(i >= 3)), ..city.sections[0].clone() };
    city.sections = racks.into_iter().enumerate().map(|(i, rack)| section(i, rack)).collect();
    let garage = |sections: &[u32]| Garage {
        sections: sections.iter().map(|s| SectionIx(*s)).collect(),
        ..city.garages[0].clone()
    };
    city.garages = vec![garage(&[0, 1, 2]), garage(&[3, 4])];
    city.places = vec![NamedPlace {
        id: "centre".into(),
        name: "Centre".into(),
        position: LonLat::default(),
        mode: Mode::Car,
    }];
    let [garage, section] = [|i| Target::Garage(GarageIx(i)), |i| Target::Section(SectionIx(i))];
    let group = |f| Target::Group { facility: FacilityIx(f), group: UserGroup::Accessible };
    let lines = [
        vec![line(garage(0), 60), line(garage(1), 120)],
        vec![line(section(0), 0), line(section(1), 0), line(section(2), 0), line(garage(1), 120)],
        vec![line(section(2), 0), line(garage(1), 120)],
        vec![
            line(Target::Place(PlaceIx(0)), 10),
            line(group(0), 60),
            line(Target::Facility(FacilityIx(2)), 90),
        ],
        vec![line(group(0), 60), line(group(1), 90), line(Target::Place(PlaceIx(0)), 10)],
    ];
    let sign = |lines: Vec<SignLine>| Sign {
        placement: match lines[0].target {
            Target::Section(_) => Placement::Garage(GarageIx(0)),
            _ => Placement::Street,
        },
        lines,
        ..city.signs[0].clone()
    };
    city.signs = lines.into_iter().map(sign).collect();
    let street = on(&network, 0);
    city.placed = Placed {
        facilities: vec![on(&network, 4), on(&network, 12), on(&network, 8)],
        garages: vec![on(&network, 4), on(&network, 8)],
        places: vec![on(&network, 6)],
        signs: vec![street, None, None, street, street],
        devices: Vec::new(),
    };
    city.guidance = GuidanceRules { mode: GuidanceMode::Together, ..GuidanceRules::default() };
    city.network = Some(network);
    Arc::new(city)
}

fn garage(garage: u32, free: &[u32], second: i64) -> Product {
    let first = garage * 3;
    let section = |(i, free): (u32, &u32)| SectionState {
        section: SectionIx(first + i),
        capacity: 50,
        free: Some(*free),
        status: if *free <= 1 { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable },
        observed_at: Some(at(second)),
        valid_until: Some(at(second + 600)),
        quality: Quality::Good,
        certainty: None,
    };
    Product::Garage(GarageState {
        garage: GarageIx(garage),
        sections: (0..).zip(free).map(section).collect(),
        free: Some(free.iter().sum()),
        capacity: 150,
        observed_at: Some(at(second)),
        valid_until: Some(at(second + 600)),
        quality: Quality::Good,
        sensors: Share { reporting: 2, total: 2 },
        unmoved: None,
    })
}

fn facility(f: u32, free: u32, accessible: Option<u32>, second: i64) -> Product {
    let Product::Facility(mut state) = facility_state(FacilityIx(f), &good(free, at(second))) else {
        unreachable!()
    };
    state.groups = vec![GroupState { group: UserGroup::Accessible, capacity: 4, free: accessible }];
    Product::Facility(state)
}

struct Desk {
    planner: Planner,
    plans: Vec<Option<Arc<vlot_model::SignPlan>>>,
}

impl Desk {
    fn new() -> Self {
        let city = city();
        Desk { plans: vec![None; city.signs.len()], planner: Planner::new(&city, at(0)) }
    }

    fn after(&mut self, second: i64, products: &[Product]) -> Vec<Option<u32>> {
        for product in products {
            self.planner.note(product, at(second));
        }
        let (plans, state) = self.planner.decide(at(second));
        assert_eq!(state.refused, None);
        for plan in plans {
            let place = plan.sign.at();
            self.plans[place] = Some(plan);
        }
        self.plans.iter().map(|plan| plan.as_ref().unwrap().advice).collect()
    }

    fn live_s(&self, sign: usize, line: usize) -> Option<f32> {
        match &self.plans[sign].as_ref().unwrap().lines[line].way {
            LineWay::Live(way) => Some(way.travel_time_s),
            LineWay::Configured | LineWay::None => None,
        }
    }
}

#[test]
fn the_signs_of_a_garage_that_fills_turn_to_the_next_one() {
    let mut desk = Desk::new();
    let next = garage(1, &[40, 10], 0);
    let advice = desk.after(0, &[garage(0, &[20, 20, 20], 0), next]);
    assert_eq!((advice[STREET], advice[INSIDE], advice[CARGO]), (Some(0), Some(0), Some(0)));
    // By bicycle, over the streets; inside there are none.
    assert!(desk.live_s(STREET, 0).unwrap() < desk.live_s(STREET, 1).unwrap());
    assert_eq!(desk.live_s(INSIDE, 3), None);
    let advice = desk.after(1, &[garage(0, &[1, 20, 20], 1)]);
    assert_eq!((advice[STREET], advice[INSIDE]), (Some(0), Some(1)), "the other section for such bicycles");
    // Only cargo racks are left: nobody else is sent to them, neither inside nor from the street.
    let advice = desk.after(2, &[garage(0, &[1, 0, 20], 2)]);
    assert_eq!((advice[STREET], advice[INSIDE], advice[CARGO]), (Some(1), Some(3), Some(0)));
    // The next has cargo racks among others: what its figure says is not for cargo bicycles.
    let advice = desk.after(3, &[garage(0, &[1, 0, 1], 3)]);
    assert_eq!((advice[STREET], advice[INSIDE], advice[CARGO]), (Some(1), Some(3), None));
    let advice = desk.after(4, &[garage(1, &[0, 10], 4)]);
    assert_eq!((advice[STREET], advice[INSIDE]), (None, None), "both are full but for cargo bicycles");
    let advice = desk.after(30, &[garage(0, &[30, 0, 1], 30)]);
    assert_eq!((advice[STREET], advice[INSIDE], advice[CARGO]), (Some(0), Some(0), None));
}

#[test]
fn a_place_has_a_way_and_is_never_advised() {
    let mut desk = Desk::new();
    let advice =
        desk.after(0, &[facility(0, 50, Some(2), 0), facility(1, 50, Some(2), 0), facility(2, 50, None, 0)]);
    assert_eq!(advice[MIXED], Some(2), "the car park, though the place and the group are nearer");
    assert!(desk.live_s(MIXED, 0).unwrap() > 0.0);
    assert!(desk.live_s(MIXED, 1).unwrap() < desk.live_s(MIXED, 0).unwrap());
    let advice = desk.after(1, &[facility(2, 1, None, 1)]);
    assert_eq!(advice[MIXED], None);
}

#[test]
fn a_sign_for_a_group_advises_by_the_spaces_of_the_group() {
    let mut desk = Desk::new();
    let advice = desk.after(0, &[facility(0, 50, Some(2), 0), facility(1, 50, Some(2), 0)]);
    assert_eq!(advice[ACCESSIBLE], Some(0));
    // Full for everybody, and not for them.
    let advice = desk.after(1, &[facility(0, 1, Some(1), 1)]);
    assert_eq!(advice[ACCESSIBLE], Some(0));
    assert!(!desk.planner.is_due(at(2)));
    desk.planner.note(&facility(0, 50, Some(0), 2), at(2));
    assert!(desk.planner.is_due(at(2)), "what misleads does not wait");
    assert_eq!(desk.after(2, &[])[ACCESSIBLE], Some(1));
    let advice = desk.after(3, &[facility(1, 50, None, 3)]);
    assert_eq!(advice[ACCESSIBLE], None, "nobody counts them there");
}
