//! Files of situations: what their makers state in them, as a whole each time.

pub mod datex2_situations;
pub mod geojson_situations;

use std::collections::BTreeSet;

use vlot_model::{LonLat, Situation, Timestamp};

use crate::refuse::clip;

/// The largest file that is read.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;
/// No file states more.
const MOST: usize = 5_000;
const LINE_POINTS: usize = 5_000;
const ID_CHARS: usize = 128;
const HEADLINE_CHARS: usize = 200;
/// What is told of a piece that could not be read.
const WRONG_CHARS: usize = 500;

/// What a reader of such files is told beside the bytes.
pub struct About<'a> {
    /// Becomes [`Situation::source`].
    pub source: &'a str,
    /// When the file was written: what says no beginning holds from then on.
    pub written_at: Timestamp,
    /// Whose clock opening hours mean, by its name in the time zone database.
    pub timezone: &'a str,
    /// What is wrong with opening hours; `None`: nothing.
    pub wrong_hours: &'a dyn Fn(&str) -> Option<String>,
}

/// What a file states.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// In the file's order.
    pub situations: Vec<Situation>,
    /// What could not be read, piece by piece.
    pub wrong: Vec<Wrong>,
}

/// A piece of a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Whose piece, as far as that could be read: what it said last stands.
    pub id: Option<String>,
    /// What, where, and what to do.
    pub what: String,
}

impl Said {
    /// Takes the next piece, the `n`th from 0.
    fn take(
        &mut self,
        seen: &mut BTreeSet<String>,
        n: usize,
        id: Option<String>,
        read: Result<Option<Situation>, String>,
    ) {
        let name = id.as_deref().map_or_else(|| format!("number {}", n + 1), |id| format!("{id:?}"));
        let read = match (&id, read) {
            (Some(id), read) if seen.insert(id.clone()) => read,
            (Some(_), _) => Err("is there twice (hint: every id once in a file)".to_owned()),
            (None, _) => Err("has no id (hint: without one nobody could replace or withdraw it)".to_owned()),
        };
        match read {
            Ok(_) if self.situations.len() >= MOST => {
                let what = format!("{name}: is one more than the {MOST} that a file may state");
                self.wrong.push(Wrong { id, what });
            }
            Ok(situation) => self.situations.extend(situation),
            Err(what) => {
                let what = clip(&format!("{name}: {what}"), WRONG_CHARS);
                self.wrong.push(Wrong { id, what });
            }
        }
    }
}

fn id(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= ID_CHARS && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// Text in one line of bounded length.
fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().filter(|c| !c.is_control()).take(HEADLINE_CHARS).collect();
    line.trim_end().to_owned()
}

fn place(lon: f64, lat: f64) -> Result<LonLat, String> {
    if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) {
        Ok(LonLat { lon, lat })
    } else {
        Err(format!("{lat} north, {lon} east is no place on earth (hint: are the two the wrong way round?)"))
    }
}

fn course(points: Vec<LonLat>) -> Result<Vec<LonLat>, String> {
    match points.len() {
        2..=LINE_POINTS if points.iter().any(|p| *p != points[0]) => Ok(points),
        2..=LINE_POINTS => Err("is a line without length".to_owned()),
        n => Err(format!("is a line of {n} points where 2 to {LINE_POINTS} are read")),
    }
}

fn from_to(from: Timestamp, until: Option<Timestamp>) -> Result<(), String> {
    match until {
        Some(until) if until <= from => Err(format!("ends at {until}, before it begins at {from}")),
        _ => Ok(()),
    }
}
