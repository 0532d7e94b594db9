use vlot_model::{
    Counting, Device, DeviceKind, Facility, FacilityIx, FacilityKind, LonLat, Reliability, Role, Service,
    Site,
};
use vlot_store::journal::{Journal, Options};

use super::*;
use crate::clock::WallClock;

fn city() -> Arc<City> {
    let device = Device {
        id: "d".into(),
        kind: DeviceKind::Counter,
        role: Role::Counter { facility: FacilityIx(0) },
        silent_after: Duration::from_secs(60),
        service: Service::default(),
    };
    let facility = Facility {
        id: "p".into(),
        name: "P".into(),
        kind: FacilityKind::OffStreet,
        position: LonLat::default(),
        capacity: 200,
        counting: Counting::Absolute,
        bays: Vec::new(),
        valid_for: Duration::from_secs(60),
        min_share: 1.0,
        full_at: 4,
        reopen_at: 9,
        estimate: Reliability::of(200),
        site: Site::default(),
    };
    let facilities = vec![facility];
    let mut city =
        City { devices: vec![device], facilities, timezone: "Europe/Brussels".into(), ..City::default() };
    city.directory.insert("d", DeviceIx(0));
    Arc::new(city)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + second)
}

/// A journal of ticks 1 to 6, one a second: figures 1 to 5, then a sign of life.
async fn home(dir: &std::path::Path) -> Home {
    let home = Home::make(dir).unwrap();
    let options = Options::new(Arc::new(WallClock));
    let (mut journal, _) = Journal::open(&home.journal(), options).unwrap();
    let era =
        Era { fingerprint: "present".into(), software: String::new(), at: at(0), devices: vec!["d".into()] };
    journal.append(Record::Era(era), Vec::new()).await.unwrap();
    for n in 1..=6_u32 {
        let value = if n == 6 { Value::Alive } else { Value::Occupied { spaces: n } };
        let instant = at(n.into());
        let readings = vec![Reading {
            device: DeviceIx(0),
            sequence: Some(n),
            observed_at: instant,
            received_at: instant,
            value,
        }];
        let record = Record::Batch { tick: n.into(), at: instant, readings };
        journal.append(record, Vec::new()).await.unwrap();
    }
    journal.close().await.unwrap();
    home
}

#[tokio::test]
async fn a_moment_has_all_up_to_it_and_nothing_after() {
    let dir = tempfile::tempdir().unwrap();
    let past = OwnPast::new(home(dir.path()).await, "present".into(), city(), OnDamage::Refuse);
    let spaces = |then: &Then| -> Vec<u32> {
        let said = then.said.readings.values().flatten().map(|r| match r.value {
            Value::Occupied { spaces } => spaces,
            _ => 0,
        });
        said.collect()
    };
    let table = [
        (Moment::Tick(2), 2, vec![1, 2]),
        (Moment::At(at(4) + Duration::from_millis(999)), 4, vec![2, 3, 4]),
        // That a device lives pushes nothing out that it has said.
        (Moment::At(at(60)), 6, vec![3, 4, 5]),
    ];
    for (moment, tick, said) in table {
        let then =
            past.bring_back(moment, &Arc::default()).unwrap_or_else(|why| panic!("{moment:?}: {why:?}"));
        assert_eq!((then.board.completed(), spaces(&then), then.said.begins), (tick, said, at(1)));
        assert_eq!(then.board.completed_at(), at(i64::try_from(tick).unwrap()));
    }
    let refused = |moment, given_up: bool| {
        past.bring_back(moment, &Arc::new(AtomicBool::new(given_up))).map(|_| ()).unwrap_err()
    };
    assert_eq!(refused(Moment::At(at(0)), false), NoPast::NotKept(Some(at(1))));
    assert_eq!(refused(Moment::Tick(3), true), NoPast::GivenUp);
    // One at a time; and what failed leaves the way free.
    let working = past.working.lock().unwrap();
    assert_eq!(refused(Moment::Tick(3), false), NoPast::Busy);
    drop(working);
    assert!(past.bring_back(Moment::Tick(3), &Arc::default()).is_ok());
}

#[tokio::test]
async fn what_was_said_last_is_told_up_to_a_tick() {
    let dir = tempfile::tempdir().unwrap();
    let past = OwnPast::new(home(dir.path()).await, "present".into(), city(), OnDamage::Refuse);
    for tick in [2, 4, 6] {
        let then = past.bring_back(Moment::Tick(tick), &Arc::default()).map(|then| then.said);
        let said = past.said_last(tick, &Arc::default());
        assert!(said.as_ref().is_ok_and(|said| said.ends == tick) && said == then, "{said:?} {then:?}");
    }
    assert_eq!(past.said_last(0, &Arc::default()), Err(NoPast::NotKept(None)));
    assert_eq!(past.said_last(2, &Arc::new(AtomicBool::new(true))), Err(NoPast::GivenUp));
    // Beside a moment of the past, but one at a time.
    let (working, looking) = (past.working.lock().unwrap(), past.looking.lock().unwrap());
    assert_eq!(past.said_last(2, &Arc::default()), Err(NoPast::Busy));
    drop(looking);
    assert!(past.said_last(2, &Arc::default()).is_ok());
    drop(working);

    // Devices that the present configuration no longer has said nothing that it could tell.
    let nobody = Arc::new(City::default());
    let past = OwnPast::new(Home::open(dir.path()).unwrap(), "another".into(), nobody, OnDamage::Refuse);
    let said = past.said_last(6, &Arc::default());
    assert_eq!(said, Ok(Said { begins: at(1), ends: 6, readings: BTreeMap::new() }));
}

#[tokio::test]
async fn another_configuration_is_the_one_that_was_kept() {
    let dir = tempfile::tempdir().unwrap();
    let past = OwnPast::new(home(dir.path()).await, "another".into(), city(), OnDamage::Refuse);
    match past.bring_back(Moment::Tick(3), &Arc::default()) {
        Err(NoPast::Unreadable(what)) => assert!(what.contains("configuration"), "{what}"),
        Err(why) => panic!("{why:?}"),
        Ok(_) => panic!("a configuration that nobody kept"),
    }
    let empty = tempfile::tempdir().unwrap();
    let past = OwnPast::new(Home::make(empty.path()).unwrap(), "present".into(), city(), OnDamage::Refuse);
    let nothing = past.bring_back(Moment::Tick(3), &Arc::default()).map(|_| ()).unwrap_err();
    assert_eq!(nothing, NoPast::NotKept(None));
}
