//! Wrong configurations under `config/bad`, each beside the errors that it gives, word for word.
//!
//! `VLOT_UPDATE_EXPECTED=1` writes the errors anew: read the diff before you commit it.

use std::path::PathBuf;

use vlot_settings::{Source, check};

#[test]
fn every_wrong_configuration_says_what_where_and_how() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/bad");
    let update = std::env::var_os("VLOT_UPDATE_EXPECTED").is_some();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    entries.sort();
    let mut wrong = Vec::new();
    for path in &entries {
        let expected_file = path.join("expected.txt");
        let said = match Source::read_dir(path).and_then(|source| check(&source)) {
            Ok(_) => "is accepted\n".to_owned(),
            Err(problems) => format!("{problems}\n"),
        };
        if update {
            std::fs::write(&expected_file, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&expected_file).unwrap_or_default();
        if said != expected || said == "is accepted\n" {
            wrong.push(format!("{}:\n--- said\n{said}--- expected\n{expected}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(entries.len() >= 15, "only {} wrong configurations", entries.len());
}
