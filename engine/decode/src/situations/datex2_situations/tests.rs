use vlot_model::{Effect, Location, LonLat, Mode, Modes, SituationKind, Timestamp};

use super::*;

fn read_all(text: &str) -> Result<Said, Refusal> {
    let written_at = Timestamp::from_secs(77);
    read(
        text.as_bytes(),
        &About { source: "datex.xml", written_at, timezone: "Europe/Brussels", wrong_hours: &|_| None },
    )
}

const RING: [LonLat; 2] = [LonLat { lon: 4.696, lat: 50.887 }, LonLat { lon: 4.701, lat: 50.8885 }];

#[test]
fn version_2() {
    let said = read_all(include_str!("samples/v2.xml")).unwrap();
    let [ring, works, lorries] = &said.situations[..] else { panic!("{said:#?}") };
    assert_eq!((&*ring.id, ring.kind, ring.effect), ("S1_R1", SituationKind::Closure, Effect::Closed));
    assert_eq!((&*ring.source, &*ring.headline), ("datex.xml", "Ring afgesloten & omleiding!"));
    assert_eq!((&ring.location, ring.both_directions), (&Location::Line(RING.to_vec()), true));
    assert_eq!(ring.from, "2026-05-04T06:00:00+02:00".parse().unwrap());
    assert_eq!(ring.until, Some("2026-05-08T18:00:00+02:00".parse().unwrap()));
    assert!(ring.modes.has(Mode::Car) && ring.modes.has(Mode::Bicycle) && !ring.modes.has(Mode::Foot));
    assert_eq!((works.kind, works.effect), (SituationKind::Works, Effect::LanesClosed { lanes: 2 }));
    assert_eq!((&*works.headline, works.from), ("Maintenance works", Timestamp::from_secs(77)));
    assert_eq!(works.location, Location::Point(LonLat { lon: 4.7009, lat: 50.8798 }));
    assert_eq!((lorries.effect, lorries.kind), (Effect::None, SituationKind::Notice), "lorries alone");
    let [wrong] = &said.wrong[..] else { panic!("{said:#?}") };
    assert_eq!(wrong.id.as_deref(), Some("S1_R4"));
    assert!(wrong.what.contains("no place") && wrong.what.contains("hint"), "{wrong:?}");
}

#[test]
fn version_3() {
    let said = read_all(include_str!("samples/v3.xml")).unwrap();
    let [lorry, slow] = &said.situations[..] else { panic!("{said:#?}") };
    assert_eq!((lorry.kind, lorry.effect), (SituationKind::Incident, Effect::Closed));
    assert_eq!((&*lorry.headline, lorry.both_directions), ("Vehicle obstruction", false));
    assert_eq!(lorry.location, Location::Line(RING.to_vec()));
    assert_eq!(lorry.from, "2026-05-04T04:00:00.250Z".parse().unwrap());
    assert_eq!(
        (slow.effect, slow.modes),
        (Effect::SpeedLimit { kmh: 50.0 }, Modes::NONE.with(Mode::Car).with(Mode::Bus))
    );
    assert_eq!(said.wrong, []);
}

#[test]
fn what_is_no_such_document_is_refused_whole() {
    let sample = include_str!("samples/v2.xml");
    let half = &sample[..sample.len() / 2];
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><payload><situation>&b;</situation></payload>";
    let deep = "<a>".repeat(100);
    for (text, kind) in [
        ("", RefusalKind::Malformed),
        ("nonsense", RefusalKind::Malformed),
        (half, RefusalKind::Malformed),
        (bomb, RefusalKind::Malformed),
        ("<payload>&b;</payload>", RefusalKind::Malformed),
        ("<a></b>", RefusalKind::Malformed),
        (&deep, RefusalKind::Malformed),
        ("<rss><channel/></rss>", RefusalKind::Unsupported),
    ] {
        assert_eq!(read_all(text).map_err(|e| e.kind), Err(kind), "{text:.60}");
    }
    assert_eq!(read_all("<payload xmlns='x'/>").unwrap(), Said::default(), "nothing happens anywhere");
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_costs_itself() {
    let sample = include_str!("samples/v3.xml");
    for (from, to, says) in [
        ("50.8885 4.701 21", "50.8885 4.701", "do not make points"),
        ("50.8885", "150.8885", "no place on earth"),
        ("2026-05-04T04:00:00.250Z", "yesterday", "no instant"),
        ("id=\"A-1\" ", "", "no id"),
        ("id=\"A-2\"", "id=\"A-1\"", "twice"),
        (">50.0<", ">-1<", "temporarySpeedLimit"),
    ] {
        let said = read_all(&sample.replacen(from, to, 1)).unwrap();
        assert_eq!((said.situations.len(), said.wrong.len()), (1, 1), "{says}: {said:?}");
        assert!(said.wrong[0].what.contains(says), "{says}: {said:?}");
    }
}

#[test]
fn periods_are_hours_and_what_has_none_costs_its_record() {
    let said = read_all(include_str!("samples/periods.xml")).unwrap();
    let [nights] = &said.situations[..] else { panic!("{said:#?}") };
    let expected = "Mo,Tu 22:00-05:00; 2026 May 14 00:00-24:00 off";
    assert_eq!((&*nights.id, nights.hours.as_deref()), ("nights", Some(expected)));
    assert_eq!((nights.kind, nights.effect), (SituationKind::Works, Effect::Closed));
    let [wrong] = &said.wrong[..] else { panic!("{said:#?}") };
    assert_eq!(wrong.id.as_deref(), Some("holidays"));
    assert!(wrong.what.contains("validPeriod: recurringSpecialDay is not read"), "{wrong:?}");
}
