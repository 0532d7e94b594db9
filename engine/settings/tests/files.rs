//! How a configuration is read from disk.

use std::fs;

use vlot_settings::{Problems, Settings, Source, check};

const CITY: &str = "name = \"Leuven\"\ntimezone = \"Europe/Brussels\"\n\
                    area = { south = 50, north = 51, west = 4, east = 5 }\n";
const STATION: &str = "[[station]]\nid = \"a\"\nname = \"A\"\nmode = \"motor\"\nlat = 50.5\nlon = 4.5\n\
                       device = [{ id = \"b\", kind = \"loop\" }]\n";

fn mqtt(more: &str) -> String {
    format!(
        "[[source]]\nname = \"field\"\nhost = \"::1\"\nport = 1883\nclient_id = \"vlot\"\n{more}\n\
         subscription = [{{ filter = \"a\", format = \"vlot-json\" }}]\n"
    )
}

fn checked(mqtt: &str, serve: &str) -> Result<Settings, Problems> {
    let city = format!("{CITY}{serve}");
    check(&Source::from_files([
        ("city.toml", city.as_str()),
        ("mqtt.toml", mqtt),
        ("stations.toml", STATION),
    ]))
}

#[test]
fn a_directory_that_is_not_there_is_one_problem() {
    let problems = Source::read_dir("no/such/directory".as_ref()).unwrap_err();
    assert_eq!(problems.count(), 1);
    assert!(problems.to_string().starts_with("no/such/directory: cannot be read: "), "{problems}");
}

#[test]
fn every_file_that_cannot_be_read_is_a_problem() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("city.toml"), b"name = \"L\xff\"").unwrap();
    fs::write(directory.path().join("bays.csv"), b"\xfe").unwrap();
    fs::write(directory.path().join("notes.txt"), b"\xff").unwrap();
    let problems = Source::read_dir(directory.path()).unwrap_err();
    let files: Vec<&str> = problems.iter().map(|p| p.file.as_str()).collect();
    assert_eq!(files, ["bays.csv", "city.toml"]);
}

#[test]
fn other_files_and_directories_are_ignored() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("city.toml"), CITY).unwrap();
    fs::write(directory.path().join("password"), "geheim").unwrap();
    fs::create_dir(directory.path().join("old.toml")).unwrap();
    let source = Source::read_dir(directory.path()).unwrap();
    assert_eq!(source.files().map(|(name, _)| name).collect::<Vec<_>>(), ["city.toml"]);
    assert_eq!(source.fingerprint(), Source::from_files([("city.toml", CITY)]).fingerprint());
}

#[test]
fn paths_are_seen_from_the_directory_of_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let mqtt = mqtt("username = \"vlot\"\npassword_file = \"password\"");
    let serve = "[serve.tls]\ncert_file = \"/etc/vlot.pem\"\nkey_file = \"keys/vlot.pem\"\n";
    let files =
        [("city.toml", format!("{CITY}{serve}")), ("mqtt.toml", mqtt), ("stations.toml", STATION.into())];
    for (name, text) in &files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let settings = check(&Source::read_dir(directory.path()).unwrap()).unwrap();
    assert_eq!(settings.mqtt[0].password_file, Some(directory.path().join("password")));
    let tls = settings.serve.tls.unwrap();
    assert_eq!(tls.cert_file, std::path::Path::new("/etc/vlot.pem"));
    assert_eq!(tls.key_file, directory.path().join("keys/vlot.pem"));
    assert_eq!(tls.client_ca_file, None);
}

#[test]
fn plain_text_needs_no_word_on_this_machine_alone() {
    for (host, fine) in
        [("localhost", true), ("127.0.0.2", true), ("::1", true), ("10.0.0.1", false), ("a.be", false)]
    {
        let mqtt = mqtt("").replace("::1", host);
        assert_eq!(checked(&mqtt, "").is_ok(), fine, "{host}");
        assert!(checked(&mqtt.replace("port", "plaintext = \"accepted\"\nport"), "").is_ok(), "{host}");
    }
    for (listen, fine) in [("127.0.0.1:0", true), ("[::1]:0", true), ("0.0.0.0:0", false), ("[::]:0", false)]
    {
        let serve = format!("[serve]\nlisten = \"{listen}\"\n");
        assert_eq!(checked(&mqtt(""), &serve).is_ok(), fine, "{listen}");
        assert!(checked(&mqtt(""), &format!("{serve}plaintext = \"accepted\"\n")).is_ok(), "{listen}");
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing_but_the_fingerprint() {
    let plain = [("city.toml", CITY.to_owned()), ("mqtt.toml", mqtt("")), ("stations.toml", STATION.into())];
    let other = plain.clone().map(|(name, text)| (name, format!("\u{feff}{}", text.replace('\n', "\r\n"))));
    let (plain, other) = (Source::from_files(plain), Source::from_files(other));
    let (a, b) = (check(&plain).unwrap(), check(&other).unwrap());
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
    assert_ne!(plain.fingerprint(), other.fingerprint());
}
