//! The default city's signs: whatever they may have to say fits.

use std::path::Path;

use vlot_guidance::faces;
use vlot_publish::FaceRenderer;

#[test]
fn the_worst_cases_of_every_sign_fit() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/leuven");
    let source = vlot_settings::Source::read_dir(&directory).unwrap();
    let settings = vlot_settings::check(&source).unwrap_or_else(|problems| panic!("{problems}"));
    let city = &*settings.city;
    assert!(city.signs.len() >= 12);
    assert_eq!(faces::faults(city), []);
    let renderer = FaceRenderer::new(city).unwrap();
    for (sign, multi) in faces::worst_cases(city) {
        let pages = renderer.render(sign, &multi).unwrap_or_else(|error| panic!("{error}\n{multi}"));
        let matrix = city.signs[sign.at()].matrix;
        // What a sign on an approach road says of the edge is a page of its own.
        assert_eq!(pages.len(), 1 + usize::from(multi.contains("P+R")), "{multi}");
        for page in pages {
            assert_eq!((page.width_px, page.height_px), (matrix.width_px, matrix.height_px));
        }
    }
}
