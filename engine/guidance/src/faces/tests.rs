use super::*;
use crate::testing::city;

fn street(figures: [Figure; 3], advice: Option<u32>) -> String {
    let city = city();
    multi(SignIx(0), &figures, advice, &city)
}

#[test]
fn a_template_is_filled() {
    use Figure::{Blank, Closed, Free, Full};
    let (label, free, full, arrow) = ("[cf255,255,255]", "[cf0,255,64]", "[cf255,32,0]", "[cf255,200,0]");
    assert_eq!(
        street([Free(120), Full, Closed], Some(0)),
        format!(
            "[tr1,1,10,10]{free}8{label}Near|{free}120[nl]{arrow}7{label}Next|{full}VOL[nl]\
             {arrow}U{label}Far [[P]]|[fo7]{full}GESLOTEN[nl]{label}1{free}Near"
        )
    );
    assert_eq!(
        street([Blank, Blank, Free(5)], Some(2)),
        format!(
            "[tr1,1,10,10]{arrow}8{label}Near|[nl]{arrow}7{label}Next|[nl]{free}U{label}Far [[P]]|{free}5[fo7][nl]\
             {label}1{free}Far [[P]]"
        )
    );
}

#[test]
fn what_is_no_placeholder_stays_and_what_is_not_there_becomes_nothing() {
    let table = [
        ("a{label.4}b", vec![Part::Text("a"), Part::Field(Field::Label, 3), Part::Text("b")]),
        ("{label.0}", vec![Part::Text("{"), Part::Text("label.0}")]),
        ("{label}{x.1}", vec![Part::Text("{"), Part::Text("label}"), Part::Text("{"), Part::Text("x.1}")]),
        ("{{advice}", vec![Part::Text("{"), Part::Advice]),
        ("{", vec![Part::Text("{")]),
        ("", vec![]),
    ];
    for (template, expected) in table {
        assert_eq!(parts(template), expected, "{template}");
    }
    let mut city = city();
    city.templates[0].multi = "<{label.7}{figure.9}{advice}>".into();
    assert_eq!(multi(SignIx(0), &[Figure::Full; 3], Some(9), &city), "<>");
    assert_eq!(multi(SignIx(99), &[Figure::Full; 3], None, &city), "");
}

#[test]
fn the_worst_cases_hold_the_longest_of_everything() {
    let city = city();
    let cases = worst_cases(&city);
    for (sign, needles) in
        [(0, ["200", "VOL", "GESLOTEN", "Far [[P]]"]), (1, ["100", "VOL", "GESLOTEN", "All"])]
    {
        for needle in needles {
            assert!(
                cases.iter().any(|(s, multi)| s.0 == sign && multi.contains(needle)),
                "sign {sign}: {needle}"
            );
        }
    }
    assert!(cases.is_sorted() && cases.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn a_template_without_a_place_for_a_line_is_a_fault() {
    let mut city = city();
    assert_eq!(faults(&city), []);
    city.templates[0].multi = "{figure.1}{free.2}{full.2}{lable.1}{figure.3}".into();
    let of_first: Vec<_> =
        faults(&city).into_iter().filter(|(sign, _)| sign.0 == 0).map(|(_, fault)| fault).collect();
    assert_eq!(of_first.len(), 2, "{of_first:?}");
    assert!(of_first[0].contains("a brace that is no placeholder"), "{of_first:?}");
    assert!(of_first[1].contains("neither {figure.2} nor {closed.2}"), "{of_first:?}");
    city.templates[0].multi = "{advice}{free.2}{full.2}{closed.2}".into();
    assert_eq!(faults(&city), []);
    city.templates[0].multi = "{advice}{free.2}{full.2}".into();
    assert_eq!(faults(&city).len(), 2);
}

#[test]
fn both_ways_stand_on_a_face_while_they_are_compared() {
    let mut city = city();
    city.templates[0].multi =
        "{figure.1}{figure.2}{figure.3}{time.1}{edge?}[np]{edge.arrow}{edge.label}:{edge.drive}+{edge.onward}|{edge.in}{/edge}."
            .into();
    assert_eq!(faults(&city), []);
    let layout = Layout::of(SignIx(0), &city);
    let shown = |line: usize| configured(city.signs[0].lines.get(line));
    let (label, free, arrow) = ("[cf255,255,255]", "[cf0,255,64]", "[cf255,200,0]");
    assert_eq!(layout.fill(shown, None, None), format!("{label}1 min."));
    let edge = EdgeOrIn { line: 2, drive_s: 800.0, onward_s: 540.0, in_s: 1_541.0 };
    let first = EdgeShown::of(&edge, None);
    assert_eq!(
        layout.fill(shown, None, Some(first)),
        format!("{label}1 min[np]{arrow}U{label}Far [[P]]:{free}14 min+{free}9 min|{label}26 min.")
    );
    // The shorter of the two, as they are shown, is in the figures' colour.
    let in_is_shorter = EdgeShown::of(&EdgeOrIn { in_s: 1_260.0, ..edge }, None);
    let face = layout.fill(shown, None, Some(in_is_shorter));
    assert!(face.ends_with(&format!(":{label}14 min+{label}9 min|{free}21 min.")), "{face}");
    // A few seconds more are no other minutes, and another car park's are none of its.
    let later = EdgeOrIn { drive_s: 850.0, in_s: 1_595.0, ..edge };
    assert_eq!(EdgeShown::of(&later, Some(first)).drive, 14);
    assert_eq!(EdgeShown::of(&later, Some(first)).inner, 27);
    assert_eq!(EdgeShown::of(&EdgeOrIn { line: 1, ..later }, Some(first)).drive, 15);
    let worst: Vec<_> = worst_cases(&city).into_iter().filter(|(sign, _)| sign.0 == 0).collect();
    assert!(worst.iter().any(|(_, multi)| multi.contains("99 min+")));
    assert!(worst.iter().any(|(_, multi)| !multi.contains("[np]")));
    assert!(!Layout::of(SignIx(9), &city).has_edge());
}

#[test]
fn a_place_needs_no_figure_on_its_face() {
    let mut city = city();
    city.places = vec![vlot_model::NamedPlace {
        id: "centre".into(),
        name: "Centre".into(),
        position: vlot_model::LonLat::default(),
        mode: vlot_model::Mode::Car,
    }];
    city.templates[0].multi = "{label.1}{time.1}{figure.2}{figure.3}".into();
    // Free, full and closed, of the first line of both signs.
    assert_eq!(faults(&city).len(), 6);
    city.signs[0].lines[0].target = Target::Place(vlot_model::PlaceIx(0));
    assert_eq!(faults(&city).len(), 3, "the garage's sign still needs them");
}
