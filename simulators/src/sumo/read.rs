//! SUMO's own files: followed vehicles (`--fcd-output`, XML with positions in degrees, or CSV) and induction loops (E1).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::SimError;
use crate::time::{SECOND, round};
use crate::wire::{Position, Value};

/// What a run of SUMO says at one of its instants.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// When it is known, microseconds since the run's second 0.
    pub known_at: i64,
    /// When it was so; of an interval, its start.
    pub observed_at: i64,
    /// The loop's id; `None`: a followed vehicle.
    pub of: Option<String>,
    /// What is said.
    pub value: Value,
}

fn wrong(path: &Path, what: impl ToString) -> SimError {
    SimError::Recording { file: path.display().to_string(), what: what.to_string() }
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, SimError> {
    let file = File::open(path).map_err(|e| wrong(path, e))?;
    let packed = path.extension().is_some_and(|e| e == "gz");
    let bytes: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(Box::new(BufReader::new(bytes)))
}

/// Every element of a file that has one of these names, with its attributes.
fn elements(
    path: &Path,
    names: [&str; 2],
    mut each: impl FnMut(&str, &BTreeMap<String, String>) -> Result<(), String>,
) -> Result<(), SimError> {
    let mut reader = Reader::from_reader(open(path)?);
    let mut buffer = Vec::new();
    let mut depth = 0_usize;
    loop {
        buffer.clear();
        let place = reader.buffer_position();
        let at = |what: &dyn ToString| wrong(path, format!("byte {place}: {}", what.to_string()));
        let mut see = |start: &BytesStart<'_>| -> Result<(), SimError> {
            let name = start.local_name();
            let name = name.into_inner();
            if !names.contains(&name) {
                return Ok(());
            }
            let mut found = BTreeMap::new();
            for attribute in start.attributes() {
                let attribute = attribute.map_err(|e| at(&e))?;
                found
                    .insert(attribute.key.local_name().into_inner().to_owned(), attribute.value.into_owned());
            }
            each(name, &found).map_err(|e| at(&e))
        };
        match reader.read_event_into(&mut buffer).map_err(|e| at(&e))? {
            Event::Start(start) => {
                see(&start)?;
                depth += 1;
            }
            Event::Empty(start) => see(&start)?,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth > 0 => return Err(at(&"the file ends in the middle (has SUMO ended?)")),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn number(attributes: &BTreeMap<String, String>, name: &str) -> Result<f64, String> {
    let text = attributes.get(name).ok_or_else(|| format!("no attribute {name:?}"))?;
    text.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(|| format!("{name}: {text:?} is no number"))
}

/// Numbers for vehicles, in the order in which they are met.
#[derive(Default)]
struct Names(BTreeMap<String, u64>);

impl Names {
    fn of(&mut self, id: &str) -> u64 {
        let next = self.0.len() as u64;
        *self.0.entry(id.to_owned()).or_insert(next)
    }
}

fn micros(seconds: f64) -> i64 {
    round(seconds * SECOND as f64)
}

fn sighting(
    at: i64,
    vehicle: u64,
    (lat, lon): (f64, f64),
    speed_ms: f64,
    heading: Option<f64>,
) -> Result<Row, String> {
    if !(-90.0..=90.0).contains(&lat) || !(-180.0..=180.0).contains(&lon) {
        return Err(format!("{lat}, {lon} are no degrees (hint: run SUMO with --fcd-output.geo)"));
    }
    let position = Position { lat, lon, speed_kmh: speed_ms * 3.6, heading_deg: heading };
    let value = Value::Sighting { vehicle, position: Some(position) };
    Ok(Row { known_at: at, observed_at: at, of: None, value })
}

/// Followed vehicles: `time_s,vehicle,lon,lat,speed_ms` with a header, or SUMO's XML.
///
/// # Errors
/// When the file cannot be read, is cut short, or has positions that are no degrees.
pub fn fcd(path: &Path) -> Result<Vec<Row>, SimError> {
    let (mut rows, mut names) = (Vec::new(), Names::default());
    let name = path.to_string_lossy();
    if name.trim_end_matches(".gz").ends_with(".csv") {
        let mut table = csv::Reader::from_reader(open(path)?);
        for row in table.deserialize() {
            let row: (f64, String, f64, f64, f64, serde::de::IgnoredAny) = row.map_err(|e| wrong(path, e))?;
            let vehicle = names.of(&row.1);
            let seen = sighting(micros(row.0), vehicle, (row.3, row.2), row.4, None);
            rows.push(seen.map_err(|e| wrong(path, e))?);
        }
        return Ok(rows);
    }
    let mut at = 0;
    elements(path, ["timestep", "vehicle"], |name, attributes| {
        if name == "timestep" {
            at = micros(number(attributes, "time")?);
            return Ok(());
        }
        let id = attributes.get("id").ok_or("a vehicle without id")?;
        let place = (number(attributes, "y")?, number(attributes, "x")?);
        let heading = number(attributes, "angle").ok();
        rows.push(sighting(at, names.of(id), place, number(attributes, "speed")?, heading)?);
        Ok(())
    })?;
    Ok(rows)
}

/// Induction loops, an interval each.
///
/// # Errors
/// When the file cannot be read or is cut short.
pub fn e1(path: &Path) -> Result<Vec<Row>, SimError> {
    let mut rows = Vec::new();
    elements(path, ["interval", "interval"], |_, attributes| {
        let id = attributes.get("id").ok_or("an interval without id")?.clone();
        let (begin, end) = (micros(number(attributes, "begin")?), micros(number(attributes, "end")?));
        let interval_s = u32::try_from((end - begin) / SECOND).unwrap_or(0);
        if interval_s == 0 {
            // The last one, cut by the run's end.
            return Ok(());
        }
        let vehicles = u32::try_from(round(number(attributes, "nVehContrib")?)).unwrap_or(0);
        let speed = number(attributes, "speed")?;
        #[expect(clippy::cast_possible_truncation, reason = "a speed or a share")]
        let value = Value::Traffic {
            interval_s,
            vehicles,
            // -1 where nobody passed.
            speed_kmh: (vehicles > 0 && speed >= 0.0).then_some((speed * 3.6) as f32),
            detector_occupancy_pct: Some(number(attributes, "occupancy")?.clamp(0.0, 100.0) as f32),
        };
        rows.push(Row { known_at: end, observed_at: begin, of: Some(id), value });
        Ok(())
    })?;
    Ok(rows)
}
