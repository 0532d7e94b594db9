use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

fn feature(id: &str, headline: &str) -> String {
    format!(
        r#"{{"type":"Feature","id":"{id}","geometry":{{"type":"Point","coordinates":[4.7,50.88]}},
        "properties":{{"kind":"closure","headline":"{headline}","from":"2026-05-04T06:00:00Z"}}}}"#
    )
}

fn collection(features: &[String]) -> String {
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

fn eyes() -> Eyes {
    Eyes { shelf: Shelf::default(), seen: BTreeMap::new(), wrong: BTreeMap::new() }
}

fn options(folder: &Path) -> Options {
    Options {
        folder: folder.to_owned(),
        every: Duration::from_millis(20),
        timezone: "Europe/Brussels".into(),
        wrong_hours: |_| None,
    }
}

/// (id, headline, withdrawn)
fn told(stated: &[Arc<Situation>]) -> Vec<(&str, &str, bool)> {
    stated.iter().map(|s| (&*s.id, &*s.headline, s.withdrawn)).collect()
}

#[test]
fn a_folder_is_followed_file_by_file() {
    let dir = tempfile::tempdir().unwrap();
    let (options, mut eyes) = (options(dir.path()), eyes());
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    assert!(eyes.look(&options).is_empty());
    write("a.geojson", &collection(&[feature("1", "One"), feature("2", "Two")]));
    write("b.json", &feature("1", "Other"));
    write("notes.txt", "not ours");
    write(".half.geojson", "{");
    let stated = eyes.look(&options);
    assert_eq!(told(&stated), [("1", "One", false), ("2", "Two", false), ("1", "Other", false)]);
    assert_eq!((&*stated[0].source, &*stated[2].source), ("folder/a.geojson", "folder/b.json"));
    assert!(eyes.look(&options).is_empty() && eyes.wrong.is_empty(), "{:?}", eyes.wrong);

    // One changes, one goes.
    write("a.geojson", &collection(&[feature("2", "Two, longer")]));
    std::fs::remove_file(dir.path().join("b.json")).unwrap();
    let stated = eyes.look(&options);
    assert_eq!(told(&stated), [("2", "Two, longer", false), ("1", "One", true), ("1", "Other", true)]);
    assert!(eyes.look(&options).is_empty());
}

#[test]
fn what_is_damaged_is_reported_and_stands_as_it_was_said() {
    let dir = tempfile::tempdir().unwrap();
    let (options, mut eyes) = (options(dir.path()), eyes());
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("a.geojson", &collection(&[feature("1", "One"), feature("2", "Two")]));
    assert_eq!(eyes.look(&options).len(), 2);
    write("a.geojson", "{\"type\":\"FeatureColl");
    assert!(eyes.look(&options).is_empty());
    let wrong = &eyes.wrong["a.geojson"];
    assert!(wrong.contains("a.geojson") && wrong.contains("no JSON") && wrong.contains("stands"), "{wrong}");
    // Half of it is readable again: the other half is not taken back for that.
    write("a.geojson", &collection(&[feature("1", ""), feature("3", "Three")]));
    assert_eq!(told(&eyes.look(&options)), [("3", "Three", false), ("2", "Two", true)]);
    assert!(eyes.wrong["a.geojson"].contains("headline"));
    write("a.geojson", &collection(&[feature("3", "Three")]));
    assert_eq!(told(&eyes.look(&options)), [("1", "One", true)]);
    assert!(eyes.wrong.is_empty());
    // No folder: nothing is known, nothing is taken back.
    std::fs::rename(dir.path(), dir.path().with_extension("away")).unwrap();
    assert!(eyes.look(&options).is_empty() && eyes.wrong[""].contains("hint"));
    std::fs::rename(dir.path().with_extension("away"), dir.path()).unwrap();
    assert!(eyes.look(&options).is_empty() && eyes.wrong.is_empty());
}

#[test]
fn after_a_restart_only_what_has_changed_is_stated() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("a.geojson", &collection(&[feature("1", "One"), feature("2", "Two")]));
    write("b.geojson", &feature("9", "Nine"));
    let mut standing = eyes().look(&options);
    let of_operator = Situation { source: "operator".into(), ..(*standing[0]).clone() };
    standing.push(Arc::new(of_operator));
    std::fs::remove_file(dir.path().join("b.geojson")).unwrap();
    write("a.geojson", &collection(&[feature("1", "One"), feature("2", "Two again")]));
    let mut eyes = Eyes { shelf: Shelf::new(standing), ..eyes() };
    assert_eq!(told(&eyes.look(&options)), [("2", "Two again", false), ("9", "Nine", true)]);
}

#[tokio::test]
async fn what_files_state_is_submitted_while_the_folder_is_watched() {
    let dir = tempfile::tempdir().unwrap();
    let (out, mut inbox) = mpsc::channel(4);
    let clock = Arc::new(Hand(AtomicI64::new(100)));
    let intake = Intake { device: DeviceIx(3), clock, standing: Vec::new(), out };
    let folder = Folder::start(options(dir.path()), intake);
    std::fs::write(dir.path().join("a.geojson"), feature("1", "One")).unwrap();
    let next = tokio::time::timeout(Duration::from_secs(10), inbox.recv());
    let submission = next.await.unwrap().unwrap();
    let [reading] = &submission.readings[..] else { panic!("{submission:?}") };
    assert_eq!((reading.device, reading.observed_at), (DeviceIx(3), reading.received_at));
    assert!(matches!(&reading.value, Value::Situation(s) if &*s.id == "1" && !s.withdrawn));
    std::fs::write(dir.path().join("b.xml"), "<damaged").unwrap();
    let troubled = async {
        while folder.troubles().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), troubled).await.unwrap();
    assert!(folder.troubles()[0].what.contains("b.xml"));
    folder.stop().await;
    assert!(inbox.recv().await.is_none());
}
