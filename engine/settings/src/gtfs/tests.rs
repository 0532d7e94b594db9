use std::io::Write as _;
use std::time::Duration;

use vlot_model::Departure;
use zip::write::SimpleFileOptions;

use super::*;

/// Files of a small feed in Brussels' time: a station S with platforms S1 and S2, an edge E, a depot D.
const FILES: [(&str, &str); 6] = [
    (
        "agency.txt",
        "\u{feff}agency_id,agency_name,agency_url,agency_timezone\nA,Lijn,https://a.example,Europe/Brussels\n",
    ),
    (
        "stops.txt",
        "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station\n\
         E,\"Edge, north\",50.90,4.70,,\nS,Station,50.88,4.715,1,\nS1,Perron 1,50.881,4.716,0,S\n\
         S2,Perron 2,50.882,4.717,0,S\nD,Depot,50.8,4.6,0,\nX,Nowhere,50.8,4.6,0,\n",
    ),
    (
        "trips.txt",
        "route_id,service_id,trip_id\nr,week,t1\nr,week,t2\nr,sunday,t3\nr,week,back\nr,week,often\nr,never,t4\nr,week,shut\n",
    ),
    (
        "stop_times.txt",
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type\n\
         t1,07:58:00,08:00:00,E,1,,\nt1,08:10:00,08:11:00,S1,5,0,0\n\
         t2,8:30:00,8:30:00,E,1,,\nt2,,,X,2,,\nt2,8:45:00,8:45:00,S2,3,,\n\
         t3,25:10:00,25:10:00,E,1,,\nt3,25:22:00,25:22:00,S1,2,,\n\
         back,09:00:00,09:00:00,S1,1,,\nback,09:12:00,09:12:00,E,2,,\n\
         often,10:00:00,10:00:00,D,1,,\noften,10:05:00,10:05:00,E,2,,\noften,10:15:00,10:15:00,S2,3,,\n\
         t4,11:00:00,11:00:00,E,1,,\nt4,11:10:00,11:10:00,S1,2,,\n\
         shut,12:00:00,12:00:00,E,1,1,\nshut,12:10:00,12:10:00,S1,2,,\n",
    ),
    (
        "calendar.txt",
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n\
         week,1,1,1,1,1,0,0,20260302,20260403\nsunday,0,0,0,0,0,0,1,20260302,20260403\n",
    ),
    ("calendar_dates.txt", "service_id,date,exception_type\nweek,20260309,2\nsunday,20260309,1\n"),
];

pub(crate) fn zipped<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The feed with some files replaced, added, or (with an empty text) taken away.
fn feed(changes: &[(&str, &str)]) -> Vec<u8> {
    let changed = |name: &str| changes.iter().find(|(n, _)| *n == name).map(|(_, text)| *text);
    let kept = FILES.iter().map(|(name, text)| (*name, changed(name).unwrap_or(text)));
    let added = changes.iter().copied().filter(|(name, _)| FILES.iter().all(|(n, _)| n != name));
    zipped(kept.chain(added).filter(|(_, text)| !text.is_empty()))
}

fn between(bytes: &[u8], from: &str, to: &str) -> Result<Between, Unknown> {
    read("feed.zip", bytes, &[[from, to]]).unwrap().remove(0)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn next(timetable: &Timetable, from: &str) -> Option<(String, u64)> {
    let Departure { leaves, arrives } = timetable.next(at(from))?;
    Some((leaves.to_string(), arrives.since(leaves).as_secs()))
}

#[test]
fn departures_are_those_of_the_day_by_the_clock_of_the_stops() {
    let Between { timetable, alights } = between(&feed(&[]), "E", "S").unwrap();
    // The station itself, whose platforms the trips call at.
    assert_eq!((alights, &*timetable.feed), (LonLat { lon: 4.715, lat: 50.88 }, "feed.zip"));
    let went = |from| next(&timetable, from);
    assert_eq!(went("2026-03-03T06:30:00Z"), Some(("2026-03-03T07:00:00Z".to_owned(), 600)));
    assert_eq!(went("2026-03-03T07:00:01Z"), Some(("2026-03-03T07:30:00Z".to_owned(), 900)));
    // Behind the last one of a Tuesday nothing goes: 12:00 lets nobody in, 10:05 is `often`, which no other table repeats.
    assert_eq!(went("2026-03-03T09:00:00Z"), Some(("2026-03-03T09:05:00Z".to_owned(), 600)));
    assert_eq!(went("2026-03-03T09:06:00Z"), None);
    // Sunday's runs after midnight, which the calendar of Sunday has.
    assert_eq!(went("2026-03-08T23:00:00Z"), Some(("2026-03-09T00:10:00Z".to_owned(), 720)));
    // Monday the 9th goes as Sunday does.
    assert_eq!(went("2026-03-09T06:30:00Z"), None);
    // After the clocks have changed, an hour earlier by UTC, and on that day itself by the new clock.
    assert_eq!(went("2026-03-30T05:30:00Z"), Some(("2026-03-30T06:00:00Z".to_owned(), 600)));
    assert_eq!(went("2026-03-29T22:30:00Z"), Some(("2026-03-29T23:10:00Z".to_owned(), 720)));
    assert_eq!(timetable.begins(), Some(at("2026-03-01T23:00:00Z")));
    assert_eq!(timetable.ends(), Some(at("2026-04-03T22:00:00Z")));
    assert!(!timetable.covers(at("2027-03-03T07:00:00Z")));
}

#[test]
fn directions_platforms_and_what_never_goes_are_told_apart() {
    let bytes = feed(&[]);
    let back = between(&bytes, "S", "E").unwrap().timetable;
    assert_eq!(next(&back, "2026-03-03T06:00:00Z"), Some(("2026-03-03T08:00:00Z".to_owned(), 720)));
    assert_eq!(between(&bytes, "E", "S2").unwrap().timetable.runs.len(), 2);
    assert_eq!(between(&bytes, "S2", "E"), Err(Unknown::NoRun));
    assert_eq!(between(&bytes, "Q", "E"), Err(Unknown::From));
    assert_eq!(between(&bytes, "E", "Q"), Err(Unknown::To));
    let both = read("f", &bytes, &[["E", "S"], ["E", "Q"]]).unwrap();
    assert!(both[0].is_ok() && both[1] == Err(Unknown::To));
}

#[test]
fn a_trip_that_is_repeated_goes_as_often_as_that() {
    let often = "trip_id,start_time,end_time,headway_secs\noften,10:00:00,11:00:00,1200\n";
    let Between { timetable, .. } = between(&feed(&[("frequencies.txt", often)]), "E", "S2").unwrap();
    let leaves: Vec<_> = timetable.runs.iter().map(|run| run.leaves_s / 60).collect();
    assert_eq!(leaves, [510, 605, 625, 645]);
}

#[test]
fn a_broken_feed_says_what_is_wrong_with_it() {
    let said = |bytes: &[u8]| read("f", bytes, &[["E", "S"]]).unwrap_err();
    assert!(said(b"PK no").starts_with("is no zip file: "));
    let stop_times = FILES[3].1;
    let day = FILES[4].1;
    for (file, text, what) in [
        ("agency.txt", String::new(), "has no agency.txt"),
        (
            "agency.txt",
            "agency_timezone\nMars/North\n".to_owned(),
            "agency.txt: \"Mars/North\" is no time zone",
        ),
        ("agency.txt", "agency_timezone\n".to_owned(), "agency.txt names no agency"),
        ("stops.txt", "stop_id,stop_lat\nE,1\n".to_owned(), "stops.txt: has no column stop_lon"),
        (
            "stops.txt",
            "stop_id,stop_lat,stop_lon\nE,north,4\n".to_owned(),
            "stops.txt, line 2: \"north\" is no number",
        ),
        (
            "stops.txt",
            "stop_id,stop_lat,stop_lon\nE,91,4\n".to_owned(),
            "stops.txt, line 2: 91,4 is no place on the earth",
        ),
        (
            "stop_times.txt",
            stop_times.replace("08:10:00", "08:61:00"),
            "stop_times.txt, line 3: \"08:61:00\" is no time",
        ),
        (
            "stop_times.txt",
            stop_times.replace("08:10:00", "noon"),
            "stop_times.txt, line 3: \"noon\" is no time",
        ),
        ("trips.txt", "trip_id\nt1\n".to_owned(), "trips.txt: has no column service_id"),
        (
            "calendar.txt",
            day.replace("20260403", "20990403"),
            "calendar.txt, line 2: from 2026-03-02 to 2099-04-03",
        ),
        ("calendar.txt", day.replace("20260403", "2026043"), "calendar.txt, line 2: \"2026043\" is no day"),
        (
            "calendar_dates.txt",
            "service_id,date,exception_type\nweek,20260309,3\n".to_owned(),
            "calendar_dates.txt, line 2: \"3\" is neither",
        ),
    ] {
        let got = said(&feed(&[(file, &text)]));
        assert!(got.starts_with(what), "{got:?} where {what:?} was expected");
    }
    assert_eq!(
        said(&feed(&[("calendar.txt", ""), ("calendar_dates.txt", "")])),
        "has neither calendar.txt nor calendar_dates.txt"
    );
}

#[test]
fn the_feed_is_found_in_a_configuration_and_one_that_has_ended_is_a_warning() {
    let city = "name = \"L\"\ntimezone = \"Europe/Brussels\"\narea = { south = 50, north = 51, west = 4, east = 5 }\n\
                [transit]\ngtfs = \"feed.zip\"\n";
    let mqtt = "[[source]]\nname = \"f\"\nhost = \"::1\"\nport = 1883\nclient_id = \"v\"\n\
                subscription = [{ filter = \"a\", format = \"vlot-json\" }]\n";
    let facilities = "[[facility]]\nid = \"edge\"\nname = \"Edge\"\nkind = \"edge\"\nlat = 50.9\nlon = 4.7\ncapacity = 9\n\
                      counting = \"absolute\"\nvalid_for = \"15m\"\nfull_at = 0\nreopen_at = 1\n\
                      device = [{ id = \"c\", kind = \"counter\" }]\n\
                      onward = [{ line = \"2\", to = \"Station\", headway_min = 10, ride_min = 8, from_stop = \"E\", to_stop = \"S\" }]\n";
    let source = crate::Source::from_files([
        ("city.toml", city),
        ("mqtt.toml", mqtt),
        ("facilities.toml", facilities),
    ]);
    let settings = crate::check(&source.clone().with_binary("feed.zip", feed(&[]))).unwrap();
    let onward = &settings.city.facilities[0].site.onward[0];
    assert_eq!(onward.alights, Some(LonLat { lon: 4.715, lat: 50.88 }));
    let texts = |all: Vec<crate::Warning>| all.into_iter().map(|w| w.text).collect::<Vec<_>>();
    let warnings = |now: &str| texts(crate::warnings(&settings.city, at(now)));
    assert_eq!(warnings("2026-03-03T12:00:00Z"), [""; 0]);
    let [ended] = &warnings("2026-11-22T12:00:00Z")[..] else { panic!("no warning") };
    assert!(
        ended.contains("\"edge\"") && ended.contains("\"feed.zip\" for line \"2\" ended on 2026-04-03"),
        "{ended}"
    );
    let early = at("2026-03-03T12:00:00Z") - Duration::from_hours(24 * 30);
    assert!(crate::warnings(&settings.city, early)[0].text.contains("begins on 2026-03-02"));
    let lost = crate::check(&source).unwrap_err().to_string();
    assert!(lost.contains("transit.gtfs: \"feed.zip\" is not there"), "{lost}");
    let broken = crate::check(&source.with_binary("feed.zip", *b"no")).unwrap_err().to_string();
    assert!(broken.contains("transit.gtfs: \"feed.zip\" cannot be used: is no zip file"), "{broken}");
}
