use vlot_model::{Arrow, City, DeviceIx, LonLat, Matrix, Placement, Sign, SignIx};

use super::{FaceRenderer, RenderError, RenderedPage};

const SIGN: SignIx = SignIx(0);

/// One sign of this size.
fn renderer(width_px: u16, height_px: u16) -> FaceRenderer {
    FaceRenderer::new(&city(width_px, height_px)).unwrap()
}

fn city(width_px: u16, height_px: u16) -> City {
    let sign = Sign {
        id: "ring-1".into(),
        name: "Ring".into(),
        position: LonLat::default(),
        matrix: Matrix { width_px, height_px },
        placement: Placement::Street,
        lines: Vec::new(),
        template: 0,
        time_to_live: std::time::Duration::from_secs(90),
        min_dwell: std::time::Duration::from_secs(20),
        demand: 1.0,
        device: DeviceIx(0),
    };
    City { signs: vec![sign], ..City::default() }
}

/// A page in text: a letter for each colour, a dot where it is dark.
fn picture(page: &RenderedPage) -> String {
    let lamp = |rgb: &[u8]| match rgb {
        [0, 0, 0] => '.',
        [255, 255, 255] => 'w',
        [0, 255, 64] => 'g',
        [255, 32, 0] => 'r',
        [255, 200, 0] => 'y',
        _ => '?',
    };
    let rows = page.rgb.chunks(usize::from(page.width_px) * 3);
    rows.map(|row| row.chunks(3).map(lamp).collect::<String>().trim_end_matches('.').to_owned() + "\n")
        .collect()
}

#[test]
fn a_face_in_the_signs_colours() {
    let multi = "[jp3][fo114][tr1,1,14,24][cf0,255,64]9[jp4][fo12][tr17,1,40,23][cf255,255,255]Léo[jl4][fo16]\
                 [tr57,1,24,23][cf0,255,64]90[fo10]";
    let pages = renderer(80, 24).render(SIGN, multi).unwrap();
    assert_eq!(pages.len(), 1);
    let expected = include_str!("golden/figure.txt");
    assert_eq!(picture(&pages[0]), expected, "drawn:\n{}", picture(&pages[0]));
}

#[test]
fn words_and_two_sizes_share_a_baseline() {
    let multi = "[jp4][fo12][tr1,1,20,23][cf255,255,255]De[jl4][fo16][tr21,1,40,23][cf255,32,0]VOL\
                 [tr61,1,60,23][fo10]GESLOTEN";
    let pages = renderer(120, 24).render(SIGN, multi).unwrap();
    let expected = include_str!("golden/words.txt");
    assert_eq!(picture(&pages[0]), expected, "drawn:\n{}", picture(&pages[0]));
}

#[test]
fn a_page_is_exactly_the_matrix_and_its_png_holds_its_pixels() {
    let renderer = renderer(40, 20);
    for multi in
        ["", "[tr1,1,10,16][fo7]A", "[pt20o5][tr1,1,10,16][fo7]A[np][fo7]B", "[cr1,1,40,20,255,200,0]"]
    {
        let pages = renderer.render(SIGN, multi).unwrap();
        for page in &pages {
            assert_eq!((page.width_px, page.height_px, page.rgb.len()), (40, 20, 40 * 20 * 3), "{multi}");
            let mut png = png::Decoder::new(std::io::Cursor::new(&page.png)).read_info().unwrap();
            assert_eq!((png.info().width, png.info().height), (40, 20));
            let mut pixels = vec![0; page.rgb.len()];
            png.next_frame(&mut pixels).unwrap();
            assert_eq!(pixels, &*page.rgb, "{multi}");
        }
        assert_eq!(renderer.render(SIGN, multi).unwrap(), pages, "from the cache");
    }
    let pages = renderer.render(SIGN, "[pt20o5][tr1,1,10,16][fo7]A[np][fo7]B").unwrap();
    let durations: Vec<_> = pages.iter().map(|page| page.duration.as_millis()).collect();
    assert_eq!(durations[..3], [2_000, 500, 2_000]);
}

#[test]
fn what_is_wrong_with_a_face_is_said_with_its_place() {
    let renderer = renderer(40, 24);
    let table = [
        ("[tr1,1,30,16][fo12]Ladeuze", "\"Ladeuze\" needs 55 pixels across and [tr1,1,30,16] has 30"),
        ("[fo12]Ladeuze", "\"Ladeuze\" needs 55 pixels across and the whole matrix has 40"),
        ("[tr1,1,0,16][fo12]A", "\"A\" needs 18 pixels down and [tr1,1,0,16] has 16"),
        ("[fo10]A[nl]B", "\"A / B\" needs 34 pixels down and the whole matrix has 24"),
        ("[tr1,1,40,20][fo10]Ab[jl4]1234", "\"Ab 1234\" needs 41 pixels across and [tr1,1,40,20] has 40"),
        ("[tr11,1,31,20]A", "[tr11,1,31,20] reaches past the matrix of 40 x 24 pixels"),
        ("[tr65535,1,65535,20]A", "[tr65535,1,65535,20] reaches past the matrix of 40 x 24 pixels"),
        ("[cr1,1,41,1,0,0,0]", "[cr1,1,41,1,0,0,0] reaches past the matrix of 40 x 24 pixels"),
        ("[tr0,1,1,1]", "[tr0,1,1,1] reaches past the matrix of 40 x 24 pixels"),
        ("[tr1,1,5]", "a rectangle is [trX,Y,WIDTH,HEIGHT], X and Y from 1, at [tr1,1,5]"),
        ("[fo9]A", "there is no font 9, at [fo9]"),
        ("[fo16]a", "font 16 has no character 'a' (in \"a\")"),
        ("10 €", "font 10 has no character '€' (in \"10 €\")"),
        ("a]b", "a bracket that is meant as text is doubled: [[ or ]], at ]"),
        ("[fo7", "a bracket that is meant as text is doubled: [[ or ]], at [fo7"),
        ("[sc100]A", "letters stand 0 to 99 pixels apart, at [sc100]"),
        (
            "[fl]A[/fl]",
            "a face has the tags cb cf cr fo hc jl jp nl np pb pt sc /sc tr and no others, at [fl]",
        ),
        ("[f0]", "a face has the tags cb cf cr fo hc jl jp nl np pb pt sc /sc tr and no others, at [f0]"),
        ("[jl1]A", "unsupported tag value: [jl1]"),
    ];
    let said = table.map(|(multi, _)| (multi, renderer.render(SIGN, multi).unwrap_err().to_string()));
    let expected = table.map(|(multi, problem)| (multi, format!("sign \"ring-1\": {problem}")));
    assert_eq!(said, expected, "{said:#?}");
    assert_eq!(renderer.render(SignIx(3), ""), Err(RenderError::UnknownSign(3)));
    let long = "A".repeat(5_000);
    assert!(
        renderer.render(SIGN, &long).unwrap_err().to_string().contains("at most 4096 bytes, this one 5000")
    );
    let pages = "[np]".repeat(8);
    assert!(renderer.render(SIGN, &pages).unwrap_err().to_string().contains("at most 8 pages"));
    let lines = "[fo7][nl]".repeat(100);
    assert!(renderer.render(SIGN, &lines).unwrap_err().to_string().contains("at most 64 lines"));
}

#[test]
fn a_matrix_that_cannot_be_drawn_is_refused_by_name() {
    for (width_px, height_px) in [(0, 10), (10, 0), (2_000, 10)] {
        let error = FaceRenderer::new(&city(width_px, height_px)).err().unwrap();
        let expected = format!(
            "sign \"ring-1\": a matrix of {width_px} x {height_px} pixels cannot be drawn: each side has 1 to 1024 pixels"
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn every_arrow_has_a_pictogram() {
    let renderer = renderer(20, 20);
    let arrows = [
        Arrow::Ahead,
        Arrow::Left,
        Arrow::Right,
        Arrow::AheadLeft,
        Arrow::AheadRight,
        Arrow::Back,
        Arrow::Down,
    ];
    for glyph in arrows.into_iter().filter_map(vlot_guidance::faces::glyph).chain(['P']) {
        for font in [114, 120] {
            renderer.render(SIGN, &format!("[fo{font}]{glyph}")).unwrap();
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1_024))]

    /// Whatever is asked for, the renderer answers with pages of the matrix or says no; it never ends the process.
    #[test]
    fn no_markup_is_too_odd(pieces in proptest::collection::vec(piece(), 0..24)) {
        if let Ok(pages) = renderer(64, 48).render(SIGN, &pieces.concat()) {
            for page in pages {
                proptest::prop_assert_eq!(page.rgb.len(), 64 * 48 * 3);
            }
        }
    }
}

fn piece() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let number = prop_oneof![Just(0_u32), 1..70_u32, Just(255), Just(65_535), Just(4_000_000_000)];
    let tags = prop::sample::select(vec![
        "nl", "np", "jl", "jp", "fo", "sc", "/sc", "pt", "cf", "cb", "pb", "tr", "cr", "hc", "g", "f", "fl",
        "ms", "mv", "TR",
    ]);
    let tag = (tags, prop::collection::vec(number, 0..8)).prop_map(|(name, numbers)| {
        let numbers: Vec<_> = numbers.iter().map(u32::to_string).collect();
        format!("[{name}{}]", numbers.join(","))
    });
    let sound = prop::sample::select(vec![
        "[nl]",
        "[nl3]",
        "[np]",
        "[jl2]",
        "[jl3]",
        "[jl4]",
        "[jp2]",
        "[jp3]",
        "[jp4]",
        "[fo7]",
        "[fo10]",
        "[fo114]",
        "[sc3]",
        "[/sc]",
        "[pt10o5]",
        "[cf255,0,0]",
        "[pb0,0,90]",
        "[tr5,5,50,40]",
        "[tr1,1,64,48]",
        "[cr1,1,9,9,1,2,3]",
        "[hc41]",
    ]);
    prop_oneof![
        3 => sound.prop_map(str::to_owned),
        1 => tag,
        2 => "[A-Za-z0-9 é]{0,6}",
        1 => ".{0,4}",
    ]
}
