//! No text, however damaged, brings the check down, and each problem points into its file.

use std::path::PathBuf;

use proptest::prelude::*;
use vlot_settings::{Source, check};

fn leuven() -> Vec<(String, String)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/leuven");
    let source = Source::read_dir(&directory).unwrap_or_else(|problems| panic!("\n{problems}"));
    source.files().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// A small hurt to a text at about `at` of its length.
#[derive(Clone, Debug)]
enum Damage {
    Cut,
    Insert(String),
    RemoveLine,
    RepeatLine,
    Remove(usize),
}

const WORDS: &[&str] =
    &["[[sign]]\n", "= 0\n", "\"", "{", "}", "[", "]", ",", "\n", "é", "-1", "\u{0}", "nan", "id = 7\n", "#"];

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        Just(Damage::Cut),
        prop::sample::select(WORDS).prop_map(|word| Damage::Insert(word.to_owned())),
        Just(Damage::RemoveLine),
        Just(Damage::RepeatLine),
        (1usize..40).prop_map(Damage::Remove),
    ]
}

fn hurt(text: &str, at: f64, damage: &Damage) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a small file's length"
    )]
    let at = text.floor_char_boundary((text.len() as f64 * at) as usize);
    let (before, after) = text.split_at(at);
    let line = after.find('\n').map_or(after.len(), |end| end + 1);
    match damage {
        Damage::Cut => before.to_owned(),
        Damage::Insert(word) => format!("{before}{word}{after}"),
        Damage::RemoveLine => format!("{before}{}", &after[line..]),
        Damage::RepeatLine => format!("{before}{}{after}", &after[..line]),
        Damage::Remove(bytes) => format!("{before}{}", &after[after.floor_char_boundary(*bytes)..]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_configuration_is_accepted_or_explained(
        hurts in prop::collection::vec((0usize..10, 0.0f64..1.0, damage()), 1..4)
    ) {
        let mut files = leuven();
        for (file, at, damage) in &hurts {
            let file = file % files.len();
            files[file].1 = hurt(&files[file].1, *at, damage);
        }
        let source = Source::from_files(files);
        match check(&source) {
            Ok(settings) => prop_assert!(!settings.city.devices.is_empty()),
            Err(problems) => {
                prop_assert!(problems.count() > 0);
                for problem in problems.iter() {
                    prop_assert!(!problem.what.is_empty() && !problem.hint.is_empty(), "{problem}");
                    // A file that is missing, or that nothing needs, is meant as a whole.
                    let lines = source.file(&problem.file).map(|text| text.lines().count() + 1);
                    if let (Some(line), Some(lines)) = (problem.line, lines) {
                        prop_assert!((1..=lines).contains(&line), "{problem}");
                    }
                }
            }
        }
    }

    #[test]
    fn any_text_at_all_is_no_more_than_a_problem(text in ".{0,200}", name in 0usize..10) {
        let mut files = leuven();
        files[name].1 = text;
        drop(check(&Source::from_files(files)));
    }
}
