//! The command line.

use std::process::Command;

fn vlot_sim(args: &[&str]) -> (bool, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_vlot-sim")).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.success(), text(&out.stdout), text(&out.stderr))
}

#[test]
fn a_dry_run_shows_the_message() {
    let at = "2026-11-24T08:00:00Z";
    let (ok, out, err) =
        vlot_sim(&["send", "--dry-run", "--device", "gate", "--at", at, "--sequence", "3", "passage", "in"]);
    assert!(ok, "{err}");
    assert_eq!(
        out,
        "vlot/v1/gate/json\n{\"device\":\"gate\",\"observed_at\":\"2026-11-24T08:00:00Z\",\
         \"passage\":{\"direction\":\"in\",\"vehicles\":1},\"sequence\":3}\n"
    );
    let (ok, out, _) = vlot_sim(&[
        "send",
        "--dry-run",
        "--device",
        "b",
        "--format",
        "vlot-protobuf",
        "--at",
        at,
        "bay",
        "free",
    ]);
    assert!(ok);
    assert_eq!(out, "vlot/v1/b/pb\n0a01621a0608808895d8062200\n");
}

#[test]
fn what_is_wrong_is_said_and_fails() {
    let (ok, _, err) = vlot_sim(&["city", "--config", "/nowhere"]);
    assert!(!ok && err.contains("/nowhere"), "{err}");
    let (ok, _, err) =
        vlot_sim(&["send", "--device", "x", "--format", "tts-v3", "--dry-run", "passage", "in"]);
    assert!(!ok && err.contains("cannot say"), "{err}");
    let (ok, _, err) = vlot_sim(&["city", "--lost", "2"]);
    assert!(!ok && err.contains("from 0 to 1"), "{err}");
    let (ok, _, err) = vlot_sim(&["send", "--broker", "nowhere", "--device", "x", "alive"]);
    assert!(!ok && err.contains("HOST:PORT"), "{err}");
}

#[test]
fn a_page_is_drawn_and_enlarged() {
    let dir = tempfile::tempdir().unwrap();
    let (page, lamps) = (dir.path().join("page.png"), dir.path().join("lamps.png"));
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 3, 2);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&[255; 18]).unwrap();
    std::fs::write(&page, png).unwrap();
    let (ok, out, err) = vlot_sim(&["picture", "--file", page.to_str().unwrap()]);
    assert!(ok, "{err}");
    assert!(out.contains("\x1b[38;2;255;255;255;48;2;255;255;255m▀▀▀"), "{out:?}");
    let (ok, _, err) = vlot_sim(&[
        "picture",
        "--file",
        page.to_str().unwrap(),
        "--png",
        lamps.to_str().unwrap(),
        "--pitch",
        "10",
    ]);
    assert!(ok, "{err}");
    let lamps = vlot_simulators::picture::Picture::from_png(&std::fs::read(lamps).unwrap()).unwrap();
    assert_eq!((lamps.width, lamps.height), (30, 20));
}
