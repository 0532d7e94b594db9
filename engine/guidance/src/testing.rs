//! A small city for tests.

use std::time::Duration;

use vlot_model::{
    Arrow, City, Counting, DeviceIx, Facility, FacilityIx, FacilityKind, FacilityState, FacilityStatus,
    Garage, GarageIx, GarageState, GuidanceMode, GuidanceRules, LonLat, Matrix, Opening, Placement, Product,
    Quality, RackKind, Section, SectionIx, SectionState, Share, Sight, Sign, SignLine, Target, Template,
    Timestamp,
};

pub(crate) const DWELL: Duration = Duration::from_secs(20);
pub(crate) const TIME_TO_LIVE: Duration = Duration::from_secs(90);
pub(crate) const FULL_AT: u32 = 4;

const TEMPLATE: &str = "[tr1,1,10,10]{arrow.1}{label.1}|{figure.1}[nl]{arrow.2}{label.2}|{figure.2}[nl]\
                        {arrow.3}{label.3}|{free.3}{full.3}[fo7]{closed.3}[nl]{minutes.1}{advice}";

/// Three car parks (60 s, 70 s and 120 s from the sign), a garage of two sections, and a sign for each of the two.
pub(crate) fn city() -> City {
    let line = |target, label: &str, arrow, seconds| SignLine {
        target,
        label: label.into(),
        arrow,
        travel_time: Duration::from_secs(seconds),
    };
    let facility = |f| Target::Facility(FacilityIx(f));
    let street = vec![
        line(facility(0), "Near", Arrow::Ahead, 60),
        line(facility(1), "Next", Arrow::AheadLeft, 70),
        line(facility(2), "Far [P]", Arrow::Back, 120),
    ];
    let inside = vec![
        line(Target::Section(SectionIx(0)), "A", Arrow::Left, 0),
        line(Target::Section(SectionIx(1)), "B", Arrow::Right, 0),
        line(Target::Garage(GarageIx(0)), "All", Arrow::None, 0),
    ];
    City {
        facilities: (0..3).map(|f| self::facility(["Near", "Next", "Far"][f])).collect(),
        garages: vec![Garage {
            id: "g".into(),
            name: "Garage".into(),
            position: LonLat::default(),
            sections: vec![SectionIx(0), SectionIx(1)],
            valid_for: Duration::from_secs(60),
            site: vlot_model::GarageSite::default(),
        }],
        sections: ["A", "B"].map(section).into(),
        signs: vec![
            sign("street", Placement::Street, street),
            sign("inside", Placement::Garage(GarageIx(0)), inside),
        ],
        templates: vec![Template { name: "t".into(), multi: TEMPLATE.into() }],
        guidance: GuidanceRules { mode: GuidanceMode::Each, ..GuidanceRules::default() },
        ..City::default()
    }
}

fn facility(id: &str) -> Facility {
    Facility {
        id: id.into(),
        name: format!("{id} car park"),
        kind: FacilityKind::OffStreet,
        position: LonLat::default(),
        capacity: 200,
        counting: Counting::Absolute,
        bays: Vec::new(),
        valid_for: Duration::from_secs(60),
        min_share: 0.75,
        full_at: FULL_AT,
        reopen_at: 10,
        estimate: vlot_model::Reliability::of(200),
        site: vlot_model::Site::default(),
    }
}

fn section(id: &str) -> Section {
    Section {
        id: id.into(),
        name: format!("Section {id}"),
        garage: GarageIx(0),
        capacity: 50,
        rack: RackKind::TwoTier,
        level: 0,
        full_at: 1,
        reopen_at: 3,
        sources: vlot_model::SectionSources::default(),
    }
}

fn sign(id: &str, placement: Placement, lines: Vec<SignLine>) -> Sign {
    Sign {
        id: id.into(),
        name: id.into(),
        position: LonLat::default(),
        matrix: Matrix { width_px: 96, height_px: 64 },
        placement,
        lines,
        template: 0,
        time_to_live: TIME_TO_LIVE,
        min_dwell: DWELL,
        demand: 1.0,
        device: DeviceIx(0),
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + second)
}

/// A good figure that holds for a minute.
pub(crate) fn good(free: u32, now: Timestamp) -> Sight {
    let status = if free <= FULL_AT { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable };
    Sight {
        free: Some(free),
        capacity: 200,
        status,
        closed: None,
        quality: Quality::Good,
        observed_at: Some(now),
        valid_until: Some(now + Duration::from_secs(60)),
        sensors: Share { reporting: 4, total: 4 },
        lost_messages: 0,
        certainty: None,
    }
}

/// The product in which that is seen.
pub(crate) fn facility_state(facility: FacilityIx, sight: &Sight) -> Product {
    Product::Facility(FacilityState {
        facility,
        capacity: sight.capacity,
        occupied: sight.free.map(|free| sight.capacity.saturating_sub(free)),
        free: sight.free,
        occupied_uncorrected: None,
        opening: Opening::Open,
        closed: sight.closed,
        status: sight.status,
        observed_at: sight.observed_at,
        valid_until: sight.valid_until,
        quality: sight.quality,
        sensors: sight.sensors,
        lost_messages: sight.lost_messages,
        certainty: sight.certainty,
        groups: Vec::new(),
    })
}

/// The garage with so many free places in its sections.
pub(crate) fn garage_state(free: [u32; 2], now: Timestamp) -> Product {
    let section = |(i, free): (u32, u32)| SectionState {
        section: SectionIx(i),
        capacity: 50,
        free: Some(free),
        status: if free <= 1 { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable },
        observed_at: Some(now),
        valid_until: Some(now + Duration::from_secs(60)),
        quality: Quality::Good,
        certainty: None,
    };
    Product::Garage(GarageState {
        garage: GarageIx(0),
        sections: (0..).zip(free).map(section).collect(),
        free: Some(free.iter().sum()),
        capacity: 100,
        observed_at: Some(now),
        valid_until: Some(now + Duration::from_secs(60)),
        quality: Quality::Good,
        sensors: Share { reporting: 2, total: 2 },
        unmoved: None,
    })
}
