use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use vlot_model::*;

use super::file::{FileError, HistoryFile};
use super::*;

const MINUTE: Duration = Duration::from_mins(1);
/// A whole hour.
const NOON: Timestamp = Timestamp::from_secs(1_767_268_800);

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

fn city() -> City {
    let mut city = City::default();
    for id in ["ladeuze", "vismarkt"] {
        city.facilities.push(Facility {
            id: id.into(),
            name: id.into(),
            kind: FacilityKind::OffStreet,
            position: LonLat::default(),
            capacity: 100,
            counting: Counting::Barriers,
            bays: Vec::new(),
            valid_for: MINUTE,
            min_share: 0.8,
            full_at: 2,
            reopen_at: 4,
            estimate: Reliability::of(100),
            site: Site::default(),
        });
    }
    city
}

fn state(ix: u32, free: Option<u32>, quality: Quality, valid_until: Timestamp) -> Product {
    Product::Facility(FacilityState {
        facility: FacilityIx(ix),
        capacity: 100,
        occupied: free.map(|f| 100 - f),
        free,
        occupied_uncorrected: free.map(|f| 103 - i64::from(f)),
        opening: Opening::Open,
        closed: None,
        status: FacilityStatus::SpacesAvailable,
        observed_at: Some(NOON),
        valid_until: Some(valid_until),
        quality,
        sensors: Share { reporting: 2, total: 2 },
        lost_messages: 0,
        certainty: free.map(|f| Certainty {
            occupied_low: 95 - f,
            occupied_high: 107 - f,
            says: Figure::Free(f),
            why: SureWhy::Sure,
            conflict: false,
            bays_alone: false,
            anchored: None,
        }),
        groups: Vec::new(),
    })
}

fn publish(board: &Board, tick: Tick, at: Timestamp, products: Vec<Product>) {
    let updates: Vec<Update> = products
        .into_iter()
        .map(|product| Update { tick, at, trigger: None, product: Arc::new(product) })
        .collect();
    board.publish(tick, at, updates);
}

fn cell<'r>(record: &'r HistoryRecord, column: &str) -> &'r Option<Cell> {
    let at = record.table.columns().iter().position(|c| c.name == column).unwrap();
    &record.cells[at]
}

fn of(table: HistoryTable, id: &str, from: Timestamp) -> HistoryQuery {
    let until = Timestamp::from_secs(1 << 40);
    HistoryQuery { table, id: id.into(), from, until, after: None, limit: 10_000 }
}

#[test]
fn each_minute_is_recorded_once_and_what_is_stale_or_missing_is_not_known() {
    let (board, mut sampler) = (Board::new(), Sampler::new(Arc::new(city())));
    assert!(sampler.look(&board).is_empty(), "nothing is published yet");
    let good = state(0, Some(5), Quality::Good, NOON + 3 * MINUTE);
    publish(&board, 1, NOON + Duration::from_millis(61_200), vec![good]);
    let records = sampler.look(&board);
    assert_eq!(records.len(), 2);
    let known = &records[0];
    assert_eq!((known.table, &*known.id), (HistoryTable::FacilityMinute, "ladeuze"));
    assert_eq!(known.start, NOON + MINUTE);
    let figures = ["free", "free_low", "free_high", "occupied", "occupied_uncorrected", "capacity"];
    let whole = |n| Some(Cell::Whole(n));
    // What is free is never below 0, whatever the interval says.
    assert_eq!(figures.map(|f| *cell(known, f)), [5, 0, 10, 95, 98, 100].map(whole));
    let missing = &records[1];
    assert_eq!(figures.map(|f| *cell(missing, f)), [None, None, None, None, None, whole(100)]);
    assert_eq!(*cell(missing, "quality"), Some(Cell::Word("missing")));

    for second in 62..120 {
        publish(&board, second, NOON + Duration::from_secs(second), vec![]);
        assert!(sampler.look(&board).is_empty(), "second {second}");
    }
    publish(&board, 200, NOON + 4 * MINUTE, vec![]);
    let records = sampler.look(&board);
    assert_eq!(records[0].start, NOON + 4 * MINUTE, "no minute is made up for those that were missed");
    assert_eq!(
        (*cell(&records[0], "free"), *cell(&records[0], "quality")),
        (None, Some(Cell::Word("stale")))
    );
}

#[test]
fn counts_forecasts_and_health_come_as_they_are_made() {
    let mut city = city();
    city.stations.push(Station {
        id: "ring".into(),
        name: "Ring".into(),
        position: LonLat::default(),
        mode: CountMode::Motor,
        interval: MINUTE,
        lateness: MINUTE,
        uptime_corrected: false,
        devices: Vec::new(),
    });
    let (board, mut sampler) = (Board::new(), Sampler::new(Arc::new(city)));
    let count = |vehicles, late_readings| {
        Product::Traffic(TrafficCount {
            station: StationIx(0),
            observed_at: NOON - 2 * MINUTE,
            interval_s: 60,
            valid_until: NOON + MINUTE,
            vehicles,
            flow_vph: vehicles.map(|v| v * 60),
            speed_kmh: Some(f32::NAN),
            detector_occupancy_pct: None,
            quality: Quality::Good,
            sensors: Share { reporting: 1, total: 1 },
            late_readings,
        })
    };
    let forecast = |made_at| {
        let point = |ahead_s| ForecastPoint { ahead_s, free_low: 1, free: 2, free_high: 3 };
        Product::Forecast(FacilityForecast {
            facility: FacilityIx(1),
            made_at,
            valid_until: made_at + MINUTE,
            basis: ForecastBasis::OwnHistory { days: 7 },
            points: vec![point(900), point(1800)],
        })
    };
    let mut at = NOON;
    let mut look = |products: Vec<Product>| -> Vec<HistoryRecord> {
        at = at + MINUTE;
        publish(&board, u64::try_from(at.micros()).unwrap(), at, products);
        let mut records = sampler.look(&board);
        records.retain(|r| r.table != HistoryTable::FacilityMinute);
        records
    };
    let first = look(vec![count(Some(4), 0), forecast(NOON)]);
    assert_eq!(first.len(), 3);
    assert_eq!((first[0].table, first[0].start), (HistoryTable::TrafficMinute, NOON - 2 * MINUTE));
    assert_eq!(*cell(&first[0], "speed_kmh"), None, "what is no number is not known");
    assert_eq!([first[1].ahead_s, first[2].ahead_s], [900, 1800]);
    assert!(look(vec![forecast(NOON + MINUTE)]).is_empty(), "the first in five minutes is kept");
    let corrected = look(vec![count(Some(5), 1), forecast(NOON + 5 * MINUTE)]);
    assert_eq!(corrected.len(), 3);
    assert_eq!(
        (corrected[0].start, *cell(&corrected[0], "vehicles")),
        (first[0].start, Some(Cell::Whole(5)))
    );
}

fn minute(id: &str, start: Timestamp, free: Option<i64>) -> HistoryRecord {
    let whole = |n: Option<i64>| n.map(Cell::Whole);
    let occupied = whole(free.map(|f| 100 - f));
    let (capacity, status, quality) =
        (Some(Cell::Whole(100)), Some(Cell::Word("full")), Some(Cell::Word("good")));
    let cells = vec![whole(free), None, None, occupied, None, capacity, status, quality, None, None];
    HistoryRecord { table: HistoryTable::FacilityMinute, id: id.into(), start, ahead_s: 0, cells }
}

#[test]
fn fifteen_minutes_are_summed_up_over_what_was_known_and_stay_the_same_when_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("h.sqlite");
    let mut records: Vec<_> =
        (0..9).map(|m| minute("a", NOON + m * MINUTE, Some(i64::from(m) * 10))).collect();
    records.extend((9..12).map(|m| minute("a", NOON + m * MINUTE, None)));
    records.push(minute("b", NOON, None));
    records.push(minute("a", NOON + 15 * MINUTE, Some(1)));
    let reader = HistoryReader::new(&path);
    assert!(reader.read(&of(HistoryTable::FacilityMinute, "a", NOON)).is_err(), "there is no file yet");
    for _ in 0..2 {
        // As after a restart: opened anew, and the same said again.
        let mut file = HistoryFile::open(&path).unwrap();
        assert_eq!(file.write(records.iter()).unwrap(), 14);
        let quarters = reader.read(&of(HistoryTable::FacilityQuarter, "a", NOON)).unwrap();
        assert_eq!(quarters.len(), 2);
        let q = &quarters[0];
        assert_eq!(*cell(q, "free_mean"), Some(Cell::Real(40.0)));
        let ends = ["free_min", "free_max", "free_last", "occupied_last", "capacity_last"];
        assert_eq!(ends.map(|c| *cell(q, c)), [0, 80, 80, 20, 100].map(|n| Some(Cell::Whole(n))));
        assert_eq!(*cell(q, "coverage"), Some(Cell::Real(9.0 / 15.0)));
        let unknown = reader.read(&of(HistoryTable::FacilityQuarter, "b", NOON)).unwrap();
        assert_eq!((*cell(&unknown[0], "free_mean"), *cell(&unknown[0], "free_last")), (None, None));
        assert_eq!(*cell(&unknown[0], "coverage"), Some(Cell::Real(0.0)));
        let minutes = reader.read(&of(HistoryTable::FacilityMinute, "a", NOON)).unwrap();
        let mut expected = records.clone();
        expected.retain(|r| &*r.id == "a");
        assert_eq!(minutes, expected, "what is read is what was written");
        file.close().unwrap();
    }
    assert_eq!(reader.ids(HistoryTable::FacilityMinute, 10).unwrap(), ["a", "b"]);
    assert_eq!(reader.ids(HistoryTable::FacilityMinute, 1).unwrap(), ["a"]);
    // Page by page it is the same.
    let mut query = HistoryQuery { limit: 4, ..of(HistoryTable::FacilityMinute, "a", NOON + MINUTE) };
    query.until = NOON + 12 * MINUTE;
    let mut starts = Vec::new();
    loop {
        let page = reader.read(&query).unwrap();
        let Some(last) = page.last() else { break };
        query.after = Some((last.start, last.ahead_s));
        starts.extend(page.iter().map(|r| r.start));
    }
    assert_eq!(starts, (1..12).map(|m| NOON + m * MINUTE).collect::<Vec<_>>());
}

#[test]
fn a_file_of_the_first_version_keeps_what_it_has_and_gets_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("h.sqlite");
    let first = [
        "CREATE TABLE facility_minute (id TEXT NOT NULL, start INTEGER NOT NULL, ahead_s INTEGER NOT NULL, free INTEGER, \
         free_low INTEGER, free_high INTEGER, occupied INTEGER, occupied_uncorrected INTEGER, capacity INTEGER, status TEXT, \
         quality TEXT, sensors_reporting INTEGER, sensors_total INTEGER, PRIMARY KEY (id, start, ahead_s)) WITHOUT ROWID, STRICT;",
        "INSERT INTO facility_minute (id, start, ahead_s, free) VALUES ('a', 1767268800, 0, 7);",
        "PRAGMA user_version = 1;",
    ];
    rusqlite::Connection::open(&path).unwrap().execute_batch(&first.concat()).unwrap();
    let mut file = HistoryFile::open(&path).unwrap();
    let version: i64 = file.connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
    let group = |m: u32, free| HistoryRecord {
        table: HistoryTable::GroupMinute,
        id: "a/accessible".into(),
        cells: vec![Some(Cell::Whole(free)), Some(Cell::Whole(4)), Some(Cell::Word("good"))],
        ..minute("a", NOON + m * MINUTE, None)
    };
    file.write([group(0, 1), group(1, 3)].iter()).unwrap();
    let reader = HistoryReader::new(&path);
    let kept = reader.read(&of(HistoryTable::FacilityMinute, "a", NOON)).unwrap();
    assert_eq!(*cell(&kept[0], "free"), Some(Cell::Whole(7)));
    let quarters = reader.read(&of(HistoryTable::GroupQuarter, "a/accessible", NOON)).unwrap();
    let figures =
        ["free_mean", "free_min", "free_max", "free_last", "capacity_last"].map(|c| *cell(&quarters[0], c));
    let whole = |n| Some(Cell::Whole(n));
    assert_eq!(figures, [Some(Cell::Real(2.0)), whole(1), whole(3), whole(3), whole(4)]);
    for table in HistoryTable::ALL {
        assert!(reader.ids(table, 9).is_ok(), "{} is there", table.name());
    }
}

#[test]
fn groups_are_recorded_with_their_facility_and_are_no_more_known_than_it() {
    let mut city = city();
    let group = |group, capacity| Group { group, capacity, from: None };
    for facility in &mut city.facilities {
        facility.site.groups = vec![group(UserGroup::Accessible, 4)];
    }
    let (board, mut sampler) = (Board::new(), Sampler::new(Arc::new(city)));
    let good = match state(0, Some(5), Quality::Good, NOON + 2 * MINUTE) {
        Product::Facility(s) => {
            let accessible = GroupState { group: UserGroup::Accessible, capacity: 4, free: Some(2) };
            let charging = GroupState { group: UserGroup::Charging, capacity: 3, free: None };
            Product::Facility(FacilityState { groups: vec![accessible, charging], ..s })
        }
        other => other,
    };
    publish(&board, 1, NOON + MINUTE, vec![good]);
    let mut look = |tick, at| {
        publish(&board, tick, at, vec![]);
        let groups = sampler.look(&board).into_iter().filter(|r| r.table == HistoryTable::GroupMinute);
        groups.map(|r| (r.id.to_string(), r.cells)).collect::<Vec<_>>()
    };
    let whole = |n| Some(Cell::Whole(n));
    let cells = |free, capacity, quality| vec![free, whole(capacity), Some(Cell::Word(quality))];
    let vismarkt = ("vismarkt/accessible".to_owned(), cells(None, 4, "missing"));
    let fresh = [
        ("ladeuze/accessible".to_owned(), cells(whole(2), 4, "good")),
        ("ladeuze/charging".to_owned(), cells(None, 3, "good")),
        vismarkt.clone(),
    ];
    assert_eq!(look(2, NOON + MINUTE), fresh);
    let stale = [
        ("ladeuze/accessible".to_owned(), cells(None, 4, "stale")),
        ("ladeuze/charging".to_owned(), cells(None, 3, "stale")),
        vismarkt,
    ];
    assert_eq!(look(3, NOON + 3 * MINUTE), stale);
}

#[test]
fn what_is_too_old_goes_each_series_by_its_own_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("h.sqlite");
    let mut file = HistoryFile::open(&path).unwrap();
    let records: Vec<_> = (0..120).map(|m| minute("a", NOON + m * MINUTE, Some(1))).collect();
    file.write(records.iter()).unwrap();
    let keep = Retention { minutes: Some(30 * MINUTE), quarters: Some(60 * MINUTE) };
    file.retire(NOON + 120 * MINUTE, keep).unwrap();
    let reader = HistoryReader::new(&path);
    assert_eq!(reader.read(&of(HistoryTable::FacilityMinute, "a", NOON)).unwrap().len(), 30);
    assert_eq!(reader.read(&of(HistoryTable::FacilityQuarter, "a", NOON)).unwrap().len(), 4);
    file.retire(NOON + 600 * MINUTE, Retention { minutes: None, quarters: None }).unwrap();
    assert_eq!(reader.read(&of(HistoryTable::FacilityMinute, "a", NOON)).unwrap().len(), 30);
}

#[test]
fn a_full_disk_takes_all_or_nothing_of_a_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("h.sqlite");
    let mut file = HistoryFile::open(&path).unwrap();
    file.write([minute("a", NOON, Some(1))].iter()).unwrap();
    let allow_pages = |file: &HistoryFile, pages: u32| {
        file.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    };
    allow_pages(&file, 40);
    let many: Vec<_> = (1..5_000).map(|m| minute("a", NOON + m * MINUTE, Some(1))).collect();
    match file.write(many.iter()) {
        Err(FileError::Failing { what, .. }) => assert!(what.contains("full"), "{what}"),
        other => panic!("{other:?}"),
    }
    let reader = HistoryReader::new(&path);
    assert_eq!(reader.read(&of(HistoryTable::FacilityMinute, "a", NOON)).unwrap().len(), 1);
    allow_pages(&file, 1 << 20);
    assert_eq!(file.write(many.iter()).unwrap(), 4_999);
}

/// A recorder with the board that it looks at.
struct Bench {
    board: Arc<Board>,
    meters: Arc<Meters>,
    changed: watch::Sender<Tick>,
    recorder: Recorder,
    tick: Mutex<Tick>,
}

impl Bench {
    fn start(options: HistoryOptions) -> Bench {
        let (changed, seen) = watch::channel(0);
        let (board, meters) = (Arc::new(Board::new()), Arc::new(Meters::default()));
        let seen = Seen {
            city: Arc::new(city()),
            board: Arc::clone(&board),
            changed: seen,
            clock: Arc::new(Hand(AtomicI64::new(NOON.micros()))),
            meters: Arc::clone(&meters),
        };
        let recorder = Recorder::start(options, seen).unwrap();
        Bench { board, meters, changed, recorder, tick: Mutex::new(0) }
    }

    /// Publishes a minute's states.
    fn minute(&self, minute: u32) {
        let mut tick = self.tick.lock();
        *tick += 1;
        let at = NOON + minute * MINUTE;
        publish(&self.board, *tick, at, vec![state(0, Some(minute % 90), Quality::Good, at + MINUTE)]);
        self.changed.send_replace(*tick);
    }

    fn troubles(&self) -> String {
        format!("{:?}", self.recorder.health().troubles())
    }
}

/// Waits for what another thread does.
fn until(what: &str, happened: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !happened() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_damaged_file_is_moved_aside_and_a_new_one_begun_and_health_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("h.sqlite");
    std::fs::write(&path, vec![0x5a; 8_192]).unwrap();
    let bench = Bench::start(HistoryOptions::new(&path));
    bench.minute(1);
    until("the minute is written", || bench.meters.history_written.get() == 2);
    assert!(bench.troubles().contains("h.sqlite.damaged-20260101T120000Z"), "{}", bench.troubles());
    assert_eq!(std::fs::read(dir.path().join("h.sqlite.damaged-20260101T120000Z")).unwrap().len(), 8_192);
    bench.recorder.close();
    let reader = HistoryReader::new(&path);
    assert_eq!(reader.read(&of(HistoryTable::FacilityMinute, "ladeuze", NOON)).unwrap().len(), 1);
}

#[test]
fn damage_that_shows_later_costs_the_past_and_not_the_present() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("h.sqlite");
    let mut file = HistoryFile::open(&path).unwrap();
    let many: Vec<_> = (0..5_000).map(|m| minute("ladeuze", NOON + m * MINUTE, Some(1))).collect();
    file.write(many.iter()).unwrap();
    file.close().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    for page in bytes.chunks_mut(4_096).skip(2) {
        page.fill(0x5a);
    }
    std::fs::write(&path, bytes).unwrap();
    let bench = Bench::start(HistoryOptions::new(&path));
    bench.minute(1);
    until("the minute is written", || bench.meters.history_written.get() == 2);
    assert!(bench.troubles().contains("is damaged"), "{}", bench.troubles());
    bench.recorder.close();
}

#[test]
fn while_the_disk_fails_the_engine_goes_on_and_what_is_lost_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("not-there").join("h.sqlite");
    let fares = Fares::new(Arc::new(Hand(AtomicI64::new(NOON.micros()))));
    let (queue, meters) = (Queue::new(10), Arc::new(Meters::default()));
    let writer = Writer {
        path: path.clone(),
        retention: Retention { minutes: None, quarters: None },
        retry_every: Duration::from_millis(5),
        queue: Arc::clone(&queue),
        fares: Arc::clone(&fares),
        meters: Arc::clone(&meters),
    };
    let ways = [Way { queue: Arc::clone(&queue), fares: Arc::clone(&fares), to: To::File }];
    let thread = std::thread::spawn(move || writer.run());
    // Each is two records. The writer takes some in its hand before it waits for the disk; then five more wait.
    let mut offered = 0;
    while meters.history_lost.get() < 50 {
        let start = NOON + offered * MINUTE;
        offer(vec![minute("a", start, Some(1)), minute("b", start, None)], &ways, &meters);
        offered += 1;
        assert!(offered < 20_000, "nothing bounds what waits");
    }
    let records = 2 * u64::from(offered);
    until("it is told", || format!("{:?}", fares.troubles()).contains("unable to open"));
    let lost = meters.history_lost.get();
    let told = format!("{:?}", fares.troubles());
    assert!(told.contains(&format!("{lost} records are lost")), "{told}");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    until("it is written again", || !format!("{:?}", fares.troubles()).contains("unable to open"));
    queue.close();
    thread.join().unwrap();
    assert_eq!(meters.history_written.get() + lost, records, "each is either written or counted as lost");
    let reader = HistoryReader::new(&path);
    let minutes = reader.read(&of(HistoryTable::FacilityMinute, "a", NOON)).unwrap();
    assert_eq!(2 * minutes.len() as u64 + lost, records);
}

#[test]
fn a_close_does_not_wait_for_a_disk_that_fails() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("not-there").join("h.sqlite");
    let bench =
        Bench::start(HistoryOptions { retry_every: Duration::from_hours(1), ..HistoryOptions::new(&path) });
    bench.minute(1);
    until("it fails", || bench.troubles().contains("unable to open"));
    let meters = Arc::clone(&bench.meters);
    bench.recorder.close();
    assert_eq!(meters.history_lost.get(), 2);
}
