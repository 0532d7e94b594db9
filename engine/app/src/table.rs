//! The demo's live picture of the city: a table for a terminal, plain lines for anything else.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};

use crossterm::{QueueableCommand, cursor, style, terminal};
use vlot_broker::Broker;
use vlot_model::{
    Arrow, Board, City, Face, FacilityIx, FacilityStatus, Figure, Key, Placement, Product, Quality, SignIx,
    SignTexts,
};

use vlot_serve::Problem;

use crate::engine::Engine;

/// What the table says beside the board.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vitals {
    /// The city's time.
    pub(crate) now: vlot_model::Timestamp,
    /// Messages that arrived since the start.
    pub(crate) messages_in: u64,
    /// Messages a second, over the last refresh.
    pub(crate) messages_per_s: f64,
    /// Refused since the start.
    pub(crate) refused: u64,
    /// Open sign connections.
    pub(crate) signs_connected: u64,
    /// Faces that signs received since the start.
    pub(crate) faces_shown: u64,
    /// From a sensor's publish to a sign's receipt, in milliseconds; none before the first.
    pub(crate) latency_ms: Option<(f64, f64)>,
    /// Resident memory now.
    pub(crate) rss_mb: f64,
    /// Parts that do not work as they should.
    pub(crate) problems: Vec<Problem>,
    /// How far `--faults` has come.
    pub(crate) story: Vec<String>,
}

/// A page is drawn this often before the next one comes, where not everything fits.
const DRAWS_A_PAGE: usize = 8;
/// Between columns.
const GAP: usize = 3;

/// Draws to standard output.
pub(crate) struct Screen {
    terminal: bool,
    header: Vec<String>,
    timezone: jiff::tz::TimeZone,
    drawn: Cell<usize>,
    /// Lines of the story that were written, where each is written once.
    told: RefCell<BTreeSet<String>>,
}

impl Screen {
    /// For a city, whose local time the table shows.
    pub(crate) fn new(city: &City) -> Self {
        let timezone = jiff::tz::TimeZone::get(&city.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
        Screen {
            terminal: std::io::stdout().is_terminal(),
            header: Vec::new(),
            timezone,
            drawn: Cell::new(0),
            told: RefCell::default(),
        }
    }

    /// Says where everything listens.
    pub(crate) fn announce(&mut self, engine: &Engine, broker: &Broker, data: &std::path::Path, speed: f64) {
        let city = &engine.city;
        self.header = vec![
            format!(
                "{}: {} facilities, {} bicycle garages, {} count stations, {} signs, {} devices",
                city.name,
                city.facilities.len(),
                city.garages.len(),
                city.stations.len(),
                city.signs.len(),
                city.field_devices(),
            ),
            format!("MQTT     mqtt://{}", broker.addr()),
            format!("gRPC     http://{0}   (try: vlot watch facilities --engine http://{0})", engine.grpc),
            format!("journal  {}", data.display()),
            format!("speed    {speed} times real time; Ctrl-C stops"),
        ];
        let mut out = std::io::stdout().lock();
        // A reader that went away is no reason to stop the city.
        let _gone = if self.terminal {
            out.queue(terminal::Clear(terminal::ClearType::All)).and_then(|o| o.flush())
        } else {
            writeln!(out, "{}", self.header.join("\n")).and_then(|()| out.flush())
        };
    }

    /// Prints the summary.
    pub(crate) fn conclude(&self, summary: &str) {
        // On a terminal, Ctrl-C has left its mark on the line.
        let line = if self.terminal { "\n" } else { "" };
        let _gone = writeln!(std::io::stdout().lock(), "{line}{summary}");
    }

    /// Whether a person's terminal is behind it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Draws the present state. An output that went away is no reason to stop the city.
    pub(crate) fn draw(&self, city: &City, board: &Board, vitals: &Vitals) {
        let mut out = std::io::stdout().lock();
        if self.terminal {
            let (width, height) = terminal::size().unwrap_or((100, 40));
            // The last line stays empty for the cursor, the last column so that no terminal wraps.
            let (width, height) = (usize::from(width).max(41) - 1, usize::from(height).max(2) - 1);
            let turn = self.drawn.get() / DRAWS_A_PAGE;
            self.drawn.set(self.drawn.get().wrapping_add(1));
            let _gone = page(&mut out, &self.picture(city, board, vitals, width, height, turn));
        } else {
            let mut told = self.told.borrow_mut();
            let story = vitals.story.iter().filter(|line| told.insert((*line).clone())).cloned();
            let lines =
                [self.line(vitals)].into_iter().chain(vitals.problems.iter().map(problem)).chain(story);
            for line in lines {
                let _gone = writeln!(out, "{line}");
            }
        }
    }

    fn local(&self, now: vlot_model::Timestamp) -> String {
        jiff::Timestamp::from_microsecond(now.micros())
            .map(|t| t.to_zoned(self.timezone.clone()).strftime("%a %d %b %H:%M:%S").to_string())
            .unwrap_or_default()
    }

    fn line(&self, v: &Vitals) -> String {
        format!("{}  {}  memory {:.0} MB", self.traffic(v), latency(v), v.rss_mb)
    }

    fn traffic(&self, v: &Vitals) -> String {
        format!(
            "{}  messages {} ({:.0}/s)  refused {}  signs {}  faces {}",
            self.local(v.now),
            v.messages_in,
            v.messages_per_s,
            v.refused,
            v.signs_connected,
            v.faces_shown,
        )
    }

    /// Everything in `height` lines of at most `width`; what does not fit at once comes page by page.
    fn picture(
        &self,
        city: &City,
        board: &Board,
        v: &Vitals,
        width: usize,
        height: usize,
        turn: usize,
    ) -> Vec<String> {
        let mut lines = self.header.clone();
        lines.push(String::new());
        lines.push(self.traffic(v));
        lines.push(format!("{}  memory {:.0} MB", latency(v), v.rss_mb));
        lines.extend(v.problems.iter().map(problem));
        lines.extend(v.story.iter().cloned());
        lines.push(String::new());
        let facilities = facilities(city, board);
        let signs = signs(city, board, width);
        // Each list has a heading, and a line lies between them.
        let rows = height.saturating_sub(lines.len() + 3);
        let columns = Grid::columns(&facilities, width);
        let for_signs = signs.len().div_ceil(Grid::columns(&signs, width));
        // Half each; what one does not need the other gets.
        let for_facilities =
            facilities.len().div_ceil(columns).min((rows / 2).max(rows.saturating_sub(for_signs)));
        for (name, cells, rows) in [
            ("car parks and zones: free of all, sensors that report", facilities, for_facilities),
            ("signs: * is the advice", signs, rows - for_facilities),
        ] {
            let grid = Grid::new(cells, width, rows);
            lines.push(grid.heading(name, turn));
            lines.extend(grid.page(turn));
            lines.push(String::new());
        }
        lines.truncate(height);
        lines.iter().map(|line| cut(line, width)).collect()
    }
}

fn problem(problem: &Problem) -> String {
    format!("PROBLEM  {}: {} (since {})", problem.part, problem.what, problem.since)
}

fn latency(v: &Vitals) -> String {
    match v.latency_ms {
        Some((p50, p99)) => format!("sensor to sign p50 {p50:.2} ms, p99 {p99:.2} ms"),
        None => "sensor to sign: no new face yet".to_owned(),
    }
}

fn facilities(city: &City, board: &Board) -> Vec<String> {
    let cells = city.facilities.iter().enumerate().map(|(i, facility)| {
        let name = pad(&facility.name, 30);
        let state = board.get(Key::Facility(FacilityIx::from_position(i)));
        let Some(Product::Facility(s)) = state.as_ref().map(|e| e.product.as_ref()) else {
            return format!("{name} {:>5} of {:>5}  nothing yet    ", "-", facility.capacity);
        };
        let word = match (s.quality, s.status) {
            (_, FacilityStatus::Closed) => "CLOSED",
            (Quality::Stale, _) => "stale",
            (Quality::Missing, _) => "missing",
            (Quality::Degraded, _) => "degraded",
            (Quality::Good, FacilityStatus::Full) => "FULL",
            (Quality::Good, _) => "",
        };
        let free = s.free.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let sensors = format!("{}/{}", s.sensors.reporting, s.sensors.total);
        format!("{name} {free:>5} of {:>5}  {word:<8} {sensors:<6}", s.capacity)
    });
    cells.collect()
}

fn signs(city: &City, board: &Board, width: usize) -> Vec<String> {
    let cells = city.signs.iter().enumerate().map(|(i, sign)| {
        let face = board.get(Key::Face(SignIx::from_position(i)));
        let shown = match face.as_ref().map(|e| e.product.as_ref()) {
            Some(Product::Face(face)) => face_text(face, &city.texts),
            _ => "nothing yet".to_owned(),
        };
        let place = match sign.placement {
            Placement::Street => "",
            Placement::Garage(_) => "(in) ",
        };
        cut(&format!("{} {place}{shown}", pad(&sign.id, 30)), width)
    });
    cells.collect()
}

/// A face as text; the advised row has a star.
fn face_text(face: &Face, texts: &SignTexts) -> String {
    let rows = face.rows.iter().zip(0..).map(|(row, i)| {
        let arrow = match row.arrow {
            Arrow::None => "",
            Arrow::Ahead => "\u{2191} ",
            Arrow::Left => "\u{2190} ",
            Arrow::Right => "\u{2192} ",
            Arrow::AheadLeft => "\u{2196} ",
            Arrow::AheadRight => "\u{2197} ",
            Arrow::Back => "\u{21b6} ",
            Arrow::Down => "\u{2193} ",
        };
        let star = if face.advice == Some(i) { "*" } else { "" };
        let figure = match row.figure {
            Figure::Free(n) => n.to_string(),
            Figure::Full => texts.full.clone(),
            Figure::Closed => texts.closed.clone(),
            Figure::Blank => "-".to_owned(),
        };
        format!("{star}{arrow}{} {figure}", row.label)
    });
    rows.collect::<Vec<_>>().join("  ")
}

/// Cells in columns of one width, read downwards, in pages of so many rows.
struct Grid {
    cells: Vec<String>,
    width: usize,
    columns: usize,
    rows: usize,
}

impl Grid {
    fn columns(cells: &[String], width: usize) -> usize {
        ((width + GAP) / (widest(cells) + GAP)).max(1)
    }

    fn new(cells: Vec<String>, width: usize, rows: usize) -> Grid {
        let columns = Grid::columns(&cells, width);
        Grid { width: widest(&cells), columns, rows: rows.max(1), cells }
    }

    fn pages(&self) -> usize {
        self.cells.len().div_ceil(self.columns * self.rows).max(1)
    }

    fn heading(&self, name: &str, turn: usize) -> String {
        match self.pages() {
            1 => format!("-- {name}"),
            pages => format!("-- {name} (page {} of {pages})", turn % pages + 1),
        }
    }

    fn page(&self, turn: usize) -> Vec<String> {
        let first = turn % self.pages() * self.columns * self.rows;
        let cells = self.cells.iter().skip(first).take(self.columns * self.rows);
        let mut lines = vec![String::new(); cells.len().min(self.rows)];
        for (i, cell) in cells.enumerate() {
            let line = &mut lines[i % self.rows];
            if i >= self.rows {
                line.push_str(&" ".repeat(GAP));
            }
            line.push_str(&pad(cell, self.width));
        }
        lines
    }
}

fn widest(cells: &[String]) -> usize {
    cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0)
}

fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    // A cut text says so.
    text.chars().take(chars.saturating_sub(1)).chain(['\u{2026}']).collect()
}

fn pad(text: &str, chars: usize) -> String {
    format!("{:<chars$}", cut(text, chars))
}

/// Overwrites the page in place, without the flicker of a cleared screen.
fn page(out: &mut impl Write, lines: &[String]) -> std::io::Result<()> {
    out.queue(cursor::MoveTo(0, 0))?;
    for line in lines {
        out.queue(style::Print(line))?;
        out.queue(terminal::Clear(terminal::ClearType::UntilNewLine))?;
        out.queue(style::Print("\r\n"))?;
    }
    out.queue(terminal::Clear(terminal::ClearType::FromCursorDown))?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("cell {i:02}")).collect()
    }

    #[test]
    fn a_grid_reads_downwards_and_uses_the_width() {
        let grid = Grid::new(cells(5), 20, 3);
        assert_eq!(grid.page(0), ["cell 00   cell 03", "cell 01   cell 04", "cell 02"]);
        assert_eq!(grid.heading("cells", 7), "-- cells");
    }

    #[test]
    fn every_cell_comes_on_some_page_and_no_line_is_too_wide() {
        for (n, width, rows) in [(0, 80, 4), (1, 3, 1), (49, 80, 7), (49, 9, 0), (32, 200, 40)] {
            let grid = Grid::new(cells(n), width, rows);
            let pages: Vec<_> = (0..grid.pages()).map(|turn| grid.page(turn)).collect();
            assert!(pages.iter().all(|page| page.len() <= rows.max(1)));
            let seen = pages.iter().flatten().flat_map(|line| line.split("   "));
            let mut seen: Vec<_> = seen.map(str::trim).filter(|cell| !cell.is_empty()).collect();
            seen.sort_unstable();
            assert_eq!(seen, cells(n), "{n} cells, width {width}, {rows} rows");
            assert!(width < 7 || pages.iter().flatten().all(|line| line.chars().count() <= width));
        }
    }

    #[test]
    fn a_cut_text_says_so() {
        assert_eq!(cut("Ladeuze", 7), "Ladeuze");
        assert_eq!(cut("Ladeuzeplein", 7), "Ladeuz\u{2026}");
        assert_eq!(pad("Lei", 5), "Lei  ");
    }
}
