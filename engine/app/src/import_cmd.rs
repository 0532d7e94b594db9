//! `vlot import`: maps of others to a road network in a file.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Serialize;
use vlot_import::read::Source;
use vlot_import::{Limits, Options, Report};

/// Make a road network of a map.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Which map
    #[command(subcommand)]
    what: Map,
}

#[derive(Debug, Subcommand)]
enum Map {
    /// An OpenStreetMap extract: .osm.pbf, or .osm, plain or packed as .gz or .bz2
    Osm(Osm),
}

#[derive(Debug, Args)]
struct Osm {
    /// The extract
    file: PathBuf,

    /// The network's file, which is replaced when it is there
    #[arg(long, value_name = "FILE", default_value = "city.vlotnet")]
    out: PathBuf,

    /// The report as JSON instead of for people
    #[arg(long)]
    json: bool,

    /// Limit of speed in built-up areas where no sign stands, km/h
    #[arg(long, value_name = "KMH", default_value_t = 50, value_parser = clap::value_parser!(u8).range(10..=130))]
    urban: u8,

    /// The same outside of them
    #[arg(long, value_name = "KMH", default_value_t = 70, value_parser = clap::value_parser!(u8).range(10..=130))]
    rural: u8,

    /// The same on motorways
    #[arg(long, value_name = "KMH", default_value_t = 120, value_parser = clap::value_parser!(u8).range(10..=130))]
    motorway: u8,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Told<'a> {
    source: &'a str,
    out: &'a Path,
    bytes: usize,
    report: &'a Report,
}

pub(crate) fn import(import: &Import) -> Result<()> {
    let Map::Osm(osm) = &import.what;
    let shown = osm.file.display();
    let limits = Limits {
        urban_kmh: osm.urban.into(),
        rural_kmh: osm.rural.into(),
        motorway_kmh: osm.motorway.into(),
    };
    let options = Options { name: name(&osm.file), limits, ..Options::default() };
    let imported = vlot_import::osm(&Source::from(osm.file.as_path()), &options)
        .map_err(|e| anyhow::anyhow!("{shown}: {e}"))?;
    let bytes = vlot_network::write(&imported.network)?;
    replace(&osm.out, &bytes).with_context(|| format!("{}: cannot be written", osm.out.display()))?;
    let mut out = std::io::stdout().lock();
    if osm.json {
        let told =
            Told { source: &options.name, out: &osm.out, bytes: bytes.len(), report: &imported.report };
        serde_json::to_writer_pretty(&mut out, &told)?;
        writeln!(out)?;
    } else {
        write!(out, "{shown}: {}", imported.report)?;
        writeln!(out, "\n{}: {:.1} MB", osm.out.display(), bytes.len() as f64 / 1e6)?;
    }
    Ok(())
}

/// The file's name, and the day on which it was made.
fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let made = fs::metadata(file).and_then(|data| data.modified()).ok();
    match made.and_then(|made| jiff::Timestamp::try_from(made).ok()) {
        Some(made) => format!("{name}, {}", made.to_zoned(jiff::tz::TimeZone::UTC).date()),
        None => name,
    }
}

/// An engine that starts meanwhile finds the old network or the new one, and nothing between.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        // What was begun is of no use; that it could not be written is what counts.
        let _gone = fs::remove_file(&beside);
    }
    done
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        import: Import,
    }

    fn run(file: &Path, out: &Path) -> Result<()> {
        let words = ["vlot".as_ref(), "osm".as_ref(), file.as_os_str(), "--out".as_ref(), out.as_os_str()];
        import(&Line::parse_from(words).import)
    }

    #[test]
    fn a_map_becomes_a_file_and_what_is_none_leaves_the_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let (map, out) = (folder.path().join("map.osm"), folder.path().join("city.vlotnet"));
        let nodes = "<node id='1' lat='50.88' lon='4.70'/><node id='2' lat='50.88' lon='4.71'/>";
        let way = "<way id='7'><nd ref='1'/><nd ref='2'/><tag k='highway' v='primary'/></way>";
        fs::write(&map, format!("<osm>{nodes}{way}</osm>")).expect("a map");
        run(&map, &out).expect("a network");
        let network = vlot_network::read(&fs::read(&out).expect("its file")).expect("a network");
        assert_eq!(network.links.len(), 2);
        assert!(network.source.starts_with("map.osm, 2"), "{}", network.source);
        fs::write(&map, format!("<osm>{nodes}{way}")).expect("a map");
        let error = run(&map, &out).expect_err("a map cut short").to_string();
        assert!(error.contains("map.osm") && error.contains("is damaged at byte"), "{error}");
        assert!(vlot_network::read(&fs::read(&out).expect("its file")).is_ok());
        let nowhere = folder.path().join("nowhere/city.vlotnet");
        fs::write(&map, format!("<osm>{nodes}{way}</osm>")).expect("a map");
        let error = run(&map, &nowhere).expect_err("no such folder").to_string();
        assert!(error.contains("nowhere/city.vlotnet: cannot be written"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 2);
    }
}
