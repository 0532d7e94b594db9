use vlot_proto::guidance::v1::{Arrival, Decision, FacilityLoad, Guidance, PastReading};
use vlot_proto::sign::v1::row::Figure;
use vlot_proto::sign::v1::{Arrow, Face, Reason, Row};

use super::*;

fn line(name: &str, advised: bool, cost_s: Option<f32>) -> ComparedLine {
    ComparedLine {
        target_id: name.to_lowercase(),
        name: name.to_owned(),
        advised,
        way: WayKind::Live.into(),
        drive_s: Some(240.0),
        walk_and_risk_s: cost_s.map(|cost| cost - 240.0),
        walk_s: cost_s.map(|_| 150.0),
        arrival: cost_s.map(|_| Arrival {
            free: 31.2,
            free_low: 24.0,
            free_high: 38.0,
            chance: 0.999,
            on_the_way: 3.4,
            basis: ArrivalBasis::Forecast.into(),
            ..Arrival::default()
        }),
        cost_s,
        full_at: Some(4),
        reopen_at: Some(10),
        why: format!("Why {name}."),
        ..ComparedLine::default()
    }
}

#[test]
fn all_of_an_answer_is_printed_in_order() {
    let t = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let row = |label: &str, figure| Row {
        label: label.into(),
        arrow: Arrow::Left.into(),
        figure: Some(figure),
        ..Row::default()
    };
    let load = |id: &str| FacilityLoad { facility_id: id.into(), ..FacilityLoad::default() };
    let no_way = ComparedLine {
        way: WayKind::None.into(),
        drive_s: None,
        walk_and_risk_s: None,
        ..line("Kessel", false, None)
    };
    let streets = vec!["Tiensevest".to_owned(), "Bruul".to_owned()];
    let answer = WhyResponse {
        sign_id: "ring".into(),
        sign_name: "Ring".into(),
        tick: 7,
        at: t(60),
        journal_from: t(1),
        face: Some(Face {
            version: 5,
            decided_at: t(50),
            valid_until: t(90),
            advised_row: Some(0),
            rows: vec![row("P Lei", Figure::Free(30)), row("P Bruul", Figure::Blank(true))],
            reason: Some(Reason {
                rows: vec!["Lei: 31 free.".into(), "Bruul: nothing.".into()],
                advice: String::new(),
            }),
            ..Face::default()
        }),
        decision: Some(Decision {
            decided_at: t(55),
            why: "Lei is advised.".into(),
            seekers_vph: 39.6,
            ..Decision::default()
        }),
        lines: vec![
            ComparedLine { streets, ..line("Lei", true, Some(400.0)) },
            line("Bruul", false, None),
            no_way,
        ],
        readings: vec![PlaceReadings {
            name: "Lei".into(),
            devices: 2,
            devices_heard: 1,
            readings: vec![PastReading {
                device_id: "lei-in".into(),
                said: "1 vehicle in".into(),
                observed_at: t(58),
                sequence: Some(4),
                ..PastReading::default()
            }],
            ..PlaceReadings::default()
        }],
        guidance: Some(Guidance {
            mode: "together".into(),
            loads: vec![load("elsewhere"), load("lei")],
            why: ["Proven.", "42 % obey.", "Elsewhere: 1.", "Lei: 2."].map(str::to_owned).to_vec(),
            ..Guidance::default()
        }),
    };
    let expected = "\
ring (Ring) at 1970-01-01T00:01:00Z, tick 7

face 5 of 1970-01-01T00:00:50Z, valid until 1970-01-01T00:01:30Z
  *\u{2190} P Lei 30
   \u{2190} P Bruul -

what it says
  Lei: 31 free.
  Bruul: nothing.

what it advises, decided at 1970-01-01T00:00:55Z
  Lei is advised.
  40 vehicles an hour look for a space and come to this sign first

what was compared
              drive     walk  risk  free on arrival  chance  on the way     basis     cost  full at  open from
  * Lei     4.0 min  2.5 min  10 s    31 (24 to 38)    99 %           3  forecast  6.7 min        4         10
    Bruul   4.0 min        -     -                -       -           -         -        -        4         10
    Kessel   no way        -     -                -       -           -         -        -        4         10
  Why Lei.
  Why Bruul.
  Why Kessel.
  to Lei: Tiensevest, Bruul

guidance, mode together
  Proven.
  42 % obey.
  Lei: 2.

last readings before, of the journal from 1970-01-01T00:00:01Z on
  Lei: 1 of 2 devices had said something
    1970-01-01T00:00:58Z  lei-in  1 vehicle in, message 4
";
    assert_eq!(text(&answer), expected);
    // Nothing is known yet.
    let nothing = WhyResponse { sign_id: "ring".into(), ..WhyResponse::default() };
    assert!(text(&nothing).contains("no face yet") && text(&nothing).contains("readings: not at hand"));
    let json: serde_json::Value = serde_json::from_str(&super::super::json::json(&answer).unwrap()).unwrap();
    assert_eq!(
        (&json["lines"][0]["arrival"]["free"], &json["lines"][2]["way"]),
        (&31.2.into(), &"none".into())
    );
    assert_eq!(json["face"]["rows"][1]["shown"], serde_json::Value::Null);
}
