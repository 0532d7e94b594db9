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
