use super::*;

fn read_all(text: &str) -> Result<Said, Refusal> {
    let wrong_hours = |hours: &str| (hours == "whenever").then(|| "is no time".to_owned());
    let written_at = Timestamp::from_secs(77);
    read(
        text.as_bytes(),
        &About { source: "works.geojson", written_at, timezone: "UTC", wrong_hours: &wrong_hours },
    )
}

#[test]
fn a_file_says_what_happens_where() {
    let said = read_all(include_str!("samples/works.geojson")).unwrap();
    let [ring, pipes, lane] = &said.situations[..] else { panic!("{said:#?}") };
    let expected = Situation {
        id: "ring-canal".into(),
        source: "works.geojson".into(),
        kind: SituationKind::Closure,
        headline: "Ring closed at the canal".into(),
        effect: Effect::Closed,
        modes: Modes::NONE.with(Mode::Car).with(Mode::Bus),
        location: Location::Line(vec![
            LonLat { lon: 4.696, lat: 50.887 },
            LonLat { lon: 4.701, lat: 50.8885 },
        ]),
        both_directions: true,
        from: "2026-05-04T06:00:00+02:00".parse().unwrap(),
        until: Some("2026-05-08T18:00:00+02:00".parse().unwrap()),
        hours: Some("Mo-Fr 09:00-15:00".into()),
        withdrawn: false,
    };
    assert_eq!(*ring, expected);
    assert_eq!((&*pipes.id, pipes.effect, pipes.modes), ("17", Effect::SpeedLimit { kmh: 30.0 }, Modes::ALL));
    assert_eq!((pipes.from, pipes.until), (Timestamp::from_secs(77), None));
    assert_eq!(
        (&lane.location, lane.effect),
        (&Location::Links(vec![LinkId(0xab)]), Effect::LanesClosed { lanes: 1 })
    );
    let wrong: Vec<_> = said.wrong.iter().map(|w| w.what.as_str()).collect();
    assert_eq!(
        wrong,
        [
            "\"area\": its geometry is Polygon (hint: Point or LineString; several lines are several features)",
            "\"swapped\": 150.88 north, 4.7 east is no place on earth (hint: are the two the wrong way round?)",
            "number 6: has no id (hint: without one nobody could replace or withdraw it)",
            "\"lane\": is there twice (hint: every id once in a file)",
        ]
    );
}

#[test]
fn what_is_no_such_file_is_refused_whole() {
    for (text, kind) in [
        ("", RefusalKind::Malformed),
        ("{\"type\":\"FeatureCollection\"}", RefusalKind::Malformed),
        ("{\"type\":\"FeatureCollection\",\"features\":[", RefusalKind::Malformed),
        ("[]", RefusalKind::Unsupported),
        ("{\"type\":\"Topology\"}", RefusalKind::Unsupported),
    ] {
        assert_eq!(read_all(text).unwrap_err().kind, kind, "{text}");
    }
    let large = " ".repeat(MAX_FILE_BYTES + 1);
    assert_eq!(read_all(&large).unwrap_err().kind, RefusalKind::Oversized);
    assert_eq!(read_all("{\"type\":\"FeatureCollection\",\"features\":[]}").unwrap(), Said::default());
}

#[test]
fn each_property_that_is_wrong_is_named() {
    for (property, says) in [
        (r#""kind": "party""#, "kind"),
        (r#""headline": " ""#, "headline"),
        (r#""effect": "open""#, "effect"),
        (r#""effect": "lanes-closed""#, "lanes"),
        (r#""effect": "lanes-closed", "lanes": 1.5"#, "whole"),
        (r#""effect": "speed-limit", "speed_kmh": -3"#, "speed_kmh"),
        (r#""modes": "car""#, "modes"),
        (r#""modes": []"#, "modes"),
        (r#""modes": ["tank"]"#, "tank"),
        (r#""from": "tomorrow""#, "from"),
        (r#""from": "2026-05-04T06:00:00Z", "until": "2026-05-04T06:00:00Z""#, "before it begins"),
        (r#""hours": "whenever""#, "hours: is no time"),
        (r#""both_directions": "yes""#, "both_directions"),
        (r#""links": ["ab"]"#, "links"),
    ] {
        let text = format!(
            r#"{{"type":"Feature","id":"a","geometry":{{"type":"Point","coordinates":[4.7,50.88]}},
            "properties":{{"kind":"works","headline":"W",{property}}}}}"#
        );
        let said = read_all(&text).unwrap();
        assert!(said.situations.is_empty() && said.wrong[0].what.contains(says), "{property}: {said:?}");
        assert_eq!(said.wrong[0].id.as_deref(), Some("a"));
    }
}
