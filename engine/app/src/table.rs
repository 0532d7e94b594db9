//! The demo's live picture of the city: a table for a terminal, plain lines for anything else.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};

use crossterm::{QueueableCommand, cursor, style, terminal};
use vlot_broker::Broker;
use vlot_model::{
    Arrow, Board, City, Face, FacilityIx, FacilityStatus, Figure, Key, Placement, Product, Quality, SignIx,
    Target,
};

use crate::engine::Engine;

/// What the table says beside the board.
#[derive(Clone, Copy, Debug, Default)]
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
}

/// Draws to standard output.
pub(crate) struct Screen {
    terminal: bool,
    header: String,
    timezone: jiff::tz::TimeZone,
}

impl Screen {
    /// For a city, whose local time the table shows.
    pub(crate) fn new(city: &City) -> Self {
        let timezone = jiff::tz::TimeZone::get(&city.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
        Screen { terminal: std::io::stdout().is_terminal(), header: String::new(), timezone }
    }

    /// Says where everything listens.
    pub(crate) fn announce(&mut self, engine: &Engine, broker: &Broker, data: &std::path::Path, speed: f64) {
        let city = &engine.city;
        self.header = format!(
            "{}: {} facilities, {} bicycle garages, {} count stations, {} signs, {} devices\n\
             MQTT     mqtt://{}\n\
             gRPC     http://{}   (try: vlot watch facilities --engine http://{})\n\
             journal  {}\n\
             speed    {speed} times real time; Ctrl-C stops\n",
            city.name,
            city.facilities.len(),
            city.garages.len(),
            city.stations.len(),
            city.signs.len(),
            city.devices.len(),
            broker.addr(),
            engine.grpc,
            engine.grpc,
            data.display(),
        );
        let mut out = std::io::stdout().lock();
        // A reader that went away is no reason to stop the city.
        let _gone = if self.terminal {
            out.queue(terminal::Clear(terminal::ClearType::All)).and_then(|o| o.flush())
        } else {
            write!(out, "{}", self.header).and_then(|()| out.flush())
        };
    }

    /// Prints the summary.
    pub(crate) fn conclude(&self, summary: &str) {
        let _gone = writeln!(std::io::stdout().lock(), "{summary}");
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
            let text = self.table(city, board, vitals, usize::from(width));
            let _gone = page(&mut out, &text, usize::from(height));
        } else {
            let _gone = writeln!(out, "{}", self.line(vitals));
        }
    }

    fn local(&self, now: vlot_model::Timestamp) -> String {
        jiff::Timestamp::from_microsecond(now.micros())
            .map(|t| t.to_zoned(self.timezone.clone()).strftime("%a %d %b %H:%M:%S").to_string())
            .unwrap_or_default()
    }

    fn line(&self, v: &Vitals) -> String {
        let mut text = format!(
            "{}  messages {} ({:.0}/s)  refused {}  signs {}  faces {}",
            self.local(v.now),
            v.messages_in,
            v.messages_per_s,
            v.refused,
            v.signs_connected,
            v.faces_shown,
        );
        if let Some((p50, p99)) = v.latency_ms {
            let _never = write!(text, "  sensor to sign p50 {p50:.2} ms, p99 {p99:.2} ms");
        }
        let _never = write!(text, "  memory {:.0} MB", v.rss_mb);
        text
    }

    fn table(&self, city: &City, board: &Board, vitals: &Vitals, width: usize) -> String {
        let mut text = format!("{}\n{}\n\n", self.header, self.line(vitals));
        let _never = writeln!(text, "{:<30} {:>6} {:>6}  {:<9} sensors", city.name, "free", "of", "");
        for (i, facility) in city.facilities.iter().enumerate() {
            let state = board.get(Key::Facility(FacilityIx::from_position(i)));
            let Some(Product::Facility(s)) = state.as_ref().map(|e| e.product.as_ref()) else {
                let _never = writeln!(
                    text,
                    "{:<30} {:>6} {:>6}  nothing yet",
                    cut(&facility.name, 30),
                    "-",
                    facility.capacity
                );
                continue;
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
            let _never = writeln!(
                text,
                "{:<30} {free:>6} {:>6}  {word:<9} {}/{}",
                cut(&facility.name, 30),
                s.capacity,
                s.sensors.reporting,
                s.sensors.total
            );
        }
        text.push('\n');
        for (i, sign) in city.signs.iter().enumerate() {
            let face = board.get(Key::Face(SignIx::from_position(i)));
            let shown = match face.as_ref().map(|e| e.product.as_ref()) {
                Some(Product::Face(face)) => face_text(face),
                _ => "nothing yet".to_owned(),
            };
            let place = match sign.placement {
                Placement::Street => "",
                Placement::Garage(_) => "(in) ",
            };
            let line = format!("{:<22} {place}{shown}", cut(&sign.id, 22));
            text.push_str(&cut(&line, width.max(40) - 1));
            text.push('\n');
        }
        text
    }
}

/// A face as text; the advised row has a star.
pub(crate) fn face_text(face: &Face) -> String {
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
        let bike = if matches!(row.target, Target::Facility(_)) { "" } else { "\u{1f6b2}" };
        let figure = match row.figure {
            Figure::Free(n) => n.to_string(),
            Figure::Full => "VOL".to_owned(),
            Figure::Closed => "GESLOTEN".to_owned(),
            Figure::Blank => "-".to_owned(),
        };
        format!("{star}{arrow}{bike}{} {figure}", row.label)
    });
    rows.collect::<Vec<_>>().join("  ")
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// Overwrites the page in place, without the flicker of a cleared screen.
fn page(out: &mut impl Write, text: &str, height: usize) -> std::io::Result<()> {
    out.queue(cursor::MoveTo(0, 0))?;
    for line in text.lines().take(height.saturating_sub(1)) {
        out.queue(style::Print(line))?;
        out.queue(terminal::Clear(terminal::ClearType::UntilNewLine))?;
        out.queue(style::Print("\r\n"))?;
    }
    out.queue(terminal::Clear(terminal::ClearType::FromCursorDown))?;
    out.flush()
}
