//! Tracks and their true routes as files have them: `id,time,geometry` with points, `id,WKT` with lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use vlot_model::{LonLat, Timestamp};
use vlot_network::matching::Point;

/// Tracks and true routes, by id.
#[derive(Default)]
pub(super) struct Tracks {
    pub(super) points: BTreeMap<String, Vec<Point>>,
    pub(super) truth: BTreeMap<String, Vec<Vec<LonLat>>>,
}

/// Reads files of both forms, in any order.
pub(super) fn read(files: &[PathBuf]) -> Result<Tracks> {
    let mut tracks = Tracks::default();
    for file in files {
        read_one(file, &mut tracks).with_context(|| file.display().to_string())?;
    }
    for points in tracks.points.values_mut() {
        points.sort_by_key(|p| p.at);
    }
    tracks.points.retain(|id, _| tracks.truth.contains_key(id));
    ensure!(
        !tracks.points.is_empty(),
        "no track with a true route: give a file of points (id,time,geometry) and one of routes (id,WKT)"
    );
    Ok(tracks)
}

fn read_one(file: &Path, tracks: &mut Tracks) -> Result<()> {
    let mut csv = csv::Reader::from_path(file)?;
    let headers = csv.headers()?.clone();
    let column = |name: &str| headers.iter().position(|h| h.trim().eq_ignore_ascii_case(name));
    let id = column("id").context("it has no column `id`")?;
    if let Some(wkt) = column("wkt") {
        for row in csv.records() {
            let row = row?;
            let lines = lines(&row[wkt]).with_context(|| format!("route {}", &row[id]))?;
            tracks.truth.entry(row[id].to_owned()).or_default().extend(lines);
        }
        return Ok(());
    }
    let (Some(time), Some(geometry)) = (column("time"), column("geometry")) else {
        bail!("it has neither a column `WKT` nor columns `time` and `geometry`");
    };
    for row in csv.records() {
        let row = row?;
        let at: Timestamp = row[time]
            .trim()
            .replacen(' ', "T", 1)
            .parse()
            .with_context(|| format!("{} is no instant", &row[time]))?;
        let position = *lines(&row[geometry])?.first().and_then(|l| l.first()).context("no point")?;
        let point = Point { at, position, speed_kmh: None, heading_deg: None };
        tracks.points.entry(row[id].to_owned()).or_default().push(point);
    }
    Ok(())
}

/// The lines of a WKT text: what stands in innermost brackets.
fn lines(wkt: &str) -> Result<Vec<Vec<LonLat>>> {
    let mut out = Vec::new();
    for part in wkt.split('(').skip(1) {
        let part = part.split(')').next().unwrap_or("").trim();
        if part.is_empty() {
            continue;
        }
        let mut line = Vec::new();
        for pair in part.split(',') {
            let mut numbers = pair.split_whitespace().map(str::parse::<f64>);
            match (numbers.next(), numbers.next()) {
                (Some(Ok(lon)), Some(Ok(lat))) => line.push(LonLat { lon, lat }),
                _ => bail!("{pair:?} is no pair of degrees"),
            }
        }
        out.push(line);
    }
    ensure!(!out.is_empty(), "it has no coordinates");
    Ok(out)
}
