use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    Arrow, BicycleCount, Choice, Device, DeviceKind, FaceRow, Facility, FacilityIx, FacilityKind,
    FacilityStatus, Figure, Garage, GarageIx, LonLat, Matrix, Opening, Placement, Quality, RackKind, Role,
    RowReason, Section, SectionState, Share, Sight, Sign, SignFault, SignIx, SignState, Station, StationIx,
    TrafficCount, Update,
};

use super::*;

fn city() -> City {
    let position = LonLat::default();
    let sign = |id: &str| Sign {
        id: id.into(),
        name: id.into(),
        position,
        matrix: Matrix { width_px: 96, height_px: 64 },
        placement: Placement::Street,
        lines: Vec::new(),
        template: 0,
        time_to_live: Duration::from_secs(90),
        min_dwell: Duration::from_secs(20),
        demand: 1.0,
        device: DeviceIx(0),
    };
    let facility = |id: &str| Facility {
        id: id.into(),
        name: id.into(),
        kind: FacilityKind::OffStreet,
        position,
        capacity: 200,
        counting: vlot_model::Counting::Barriers,
        bays: Vec::new(),
        valid_for: Duration::from_secs(60),
        min_share: 1.0,
        full_at: 4,
        reopen_at: 9,
        estimate: vlot_model::Reliability::of(200),
        site: vlot_model::Site::default(),
    };
    let station = |id: &str, mode| Station {
        id: id.into(),
        name: id.into(),
        position,
        mode,
        interval: Duration::from_secs(60),
        lateness: Duration::from_secs(10),
        uptime_corrected: false,
        devices: Vec::new(),
    };
    City {
        devices: vec![Device {
            id: "barrier-1".into(),
            kind: DeviceKind::Barrier,
            role: Role::Barrier { facility: FacilityIx(0) },
            silent_after: Duration::from_secs(60),
            service: vlot_model::Service::default(),
        }],
        // Not in the order of their ids: the board is.
        facilities: vec![facility("zand"), facility("aula")],
        garages: vec![Garage {
            id: "station".into(),
            name: "Station".into(),
            position,
            sections: vec![SectionIx(0)],
            valid_for: Duration::from_secs(60),
            site: vlot_model::GarageSite::default(),
        }],
        sections: vec![Section {
            id: "blauw".into(),
            name: "Blauw".into(),
            garage: GarageIx(0),
            capacity: 50,
            rack: RackKind::TwoTier,
            level: 0,
            full_at: 1,
            reopen_at: 3,
            sources: vlot_model::SectionSources::default(),
        }],
        stations: vec![
            station("r23", vlot_model::CountMode::Motor),
            station("dijle", vlot_model::CountMode::Bicycle),
        ],
        signs: vec![sign("ring-1")],
        ..City::default()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + second)
}

fn facility_state(facility: u32) -> Product {
    Product::Facility(FacilityState {
        facility: FacilityIx(facility),
        capacity: 200,
        occupied: Some(198),
        free: Some(2),
        occupied_uncorrected: Some(-3),
        opening: Opening::Open,
        closed: None,
        status: FacilityStatus::Full,
        observed_at: Some(at(1)),
        valid_until: Some(at(61)),
        quality: Quality::Good,
        sensors: Share { reporting: 1, total: 1 },
        lost_messages: 0,
        certainty: None,
        groups: Vec::new(),
    })
}

fn products() -> Vec<Product> {
    let share = Share { reporting: 1, total: 2 };
    let section = SectionState {
        section: SectionIx(0),
        capacity: 50,
        free: None,
        status: FacilityStatus::Unknown,
        observed_at: None,
        valid_until: None,
        quality: Quality::Missing,
        certainty: None,
    };
    let Product::Facility(zand) = facility_state(0) else { unreachable!() };
    let why = RowReason { sight: Sight::facility(&zand), wanted: Figure::Full, calm_until: Some(at(27)) };
    let row = |target, figure| FaceRow {
        target,
        label: "Zand [P]".into(),
        arrow: Arrow::AheadLeft,
        figure,
        minutes: None,
        filling: false,
        why,
    };
    vec![
        facility_state(0),
        facility_state(1),
        Product::Garage(GarageState {
            garage: GarageIx(0),
            sections: vec![section],
            free: None,
            capacity: 50,
            observed_at: None,
            valid_until: None,
            quality: Quality::Missing,
            sensors: share,
            unmoved: None,
        }),
        Product::Traffic(TrafficCount {
            station: StationIx(0),
            observed_at: at(0),
            interval_s: 60,
            valid_until: at(180),
            vehicles: Some(14),
            flow_vph: Some(840),
            speed_kmh: Some(31.4),
            detector_occupancy_pct: Some(7.1),
            quality: Quality::Degraded,
            sensors: share,
            late_readings: 1,
        }),
        Product::Bicycle(BicycleCount {
            station: StationIx(1),
            observed_at: at(0),
            interval_s: 900,
            valid_until: at(1_800),
            inbound: Some(31),
            outbound: None,
            quality: Quality::Degraded,
            sensors: share,
            late_readings: 0,
        }),
        Product::Face(Arc::new(Face {
            sign: SignIx(0),
            version: 7,
            rows: vec![
                row(Target::Facility(FacilityIx(0)), Figure::Full),
                row(Target::Section(SectionIx(0)), Figure::Free(12)),
                row(Target::Garage(GarageIx(0)), Figure::Blank),
            ],
            advice: Some(1),
            multi: "[fo12]Zand [[P]]".into(),
            choice: Choice { lines: 3, candidates: 1 },
            decided_at: at(7),
            valid_until: at(61),
            trigger: Some(Trigger {
                device: DeviceIx(0),
                sequence: Some(40),
                observed_at: Timestamp::from_millis(1_700_000_006_250),
            }),
        })),
        Product::Sign(SignState {
            sign: SignIx(0),
            connected: Some(true),
            displayed_version: Some(7),
            displayed_at: Some(at(8)),
            fault: Some(SignFault::Photocell),
            heard_at: Some(at(8)),
        }),
    ]
}

fn board(products: impl IntoIterator<Item = Product, IntoIter: DoubleEndedIterator>) -> Board {
    let board = Board::new();
    let updates = products.into_iter().map(|product| Update {
        tick: 7,
        at: at(7),
        trigger: None,
        product: Arc::new(product),
    });
    board.publish(9, at(9), updates);
    board
}

#[test]
fn the_whole_board_in_one_golden_file() {
    let json = String::from_utf8(board_json(&board(products()), &city())).unwrap();
    assert_eq!(json, include_str!("golden.json"), "{json}");
}

#[test]
fn the_order_of_publication_does_not_show() {
    let forwards = board_json(&board(products()), &city());
    let backwards = board_json(&board(products().into_iter().rev()), &city());
    assert!(forwards == backwards);
}

#[test]
fn a_product_of_another_configuration_is_written_with_its_number() {
    let json = String::from_utf8(board_json(&board(products()), &City::default())).unwrap();
    for needle in ["\"#0\"", "\"#1\"", "?/#0"] {
        assert!(json.contains(needle), "{needle}: {json}");
    }
}

#[test]
fn an_empty_board_has_its_tables() {
    let json: Value = serde_json::from_slice(&board_json(&Board::new(), &city())).unwrap();
    assert_eq!(
        json,
        json!({
            "at": "1970-01-01T00:00:00Z", "tick": 0,
            "faces": {}, "facilities": {}, "garages": {}, "signs": {}, "stations": {},
        })
    );
}

#[test]
fn nothing_on_the_board_is_left_out() {
    use vlot_model::{
        FacilityForecast, ForecastBasis, HealthState, Life, Product, SensorHealth, Timestamp, ZonePressure,
    };
    let at = Timestamp::from_secs(1_700_000_000);
    let products = [
        Product::Forecast(FacilityForecast {
            facility: FacilityIx(1),
            made_at: at,
            valid_until: at,
            basis: ForecastBasis::NoHistory,
            points: Vec::new(),
        }),
        Product::Health(SensorHealth {
            device: DeviceIx(0),
            life: Life::InService,
            health: HealthState::Healthy,
            rule: None,
            since: at,
            seen: None,
            limit: None,
        }),
        Product::Zone(ZonePressure {
            facility: FacilityIx(0),
            hour: at,
            pressure_pct: None,
            last_hour_pct: None,
            departures: None,
            alarm: false,
            balance: None,
            overstays: Vec::new(),
            overstays_begun: 0,
        }),
    ];
    let board = Board::new();
    let update = |product| Update { tick: 1, at, trigger: None, product: Arc::new(product) };
    board.publish(1, at, products.map(update));
    let json: Value = serde_json::from_slice(&board_json(&board, &city())).expect("its own JSON");
    for (table, id) in [("forecasts", "aula"), ("sensors", "barrier-1"), ("zones", "zand")] {
        assert_eq!(json[table][id]["tick"], 1, "{table} {id}");
    }
}
