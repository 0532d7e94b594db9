//! Fills a sign's template.
//!
//! A template is MULTI (NTCIP 1203) with placeholders, `N` counting the sign's lines from 1:
//!
//! | placeholder   | becomes |
//! |---------------|---------|
//! | `{label.N}`   | the line's label, in the labels' colour |
//! | `{figure.N}`  | free spaces, or the word for full or closed, in their colours; nothing when nothing can be said |
//! | `{free.N}`    | the figure where it is free spaces, else nothing |
//! | `{full.N}`    | the figure where it is the word for full, else nothing |
//! | `{closed.N}`  | the figure where it is the word for closed, else nothing: a long word may need a smaller font |
//! | `{arrow.N}`   | the arrow of the way there now as a character of the arrow fonts, in the arrows' colour, or in the advice's colour on the advised line |
//! | `{minutes.N}` | the travel time there now in minutes, rounded up, in the labels' colour; nothing where no way leads there |
//! | `{time.N}`    | the same with the word for minutes behind it |
//! | `{advice}`    | the label of the advised line, in the advice's colour; nothing without advice |
//!
//! Where a sign sets driving in against parking at the edge, these speak of the two:
//!
//! | placeholder       | becomes |
//! |-------------------|---------|
//! | `{edge?}` ... `{/edge}` | what stands between them, perhaps a page; nothing while there is nothing to compare |
//! | `{edge.label}`    | the label of the edge car park's line, in the labels' colour |
//! | `{edge.arrow}`    | the arrow of that line, as `{arrow.N}` |
//! | `{edge.drive}`    | the travel time to it, as `{time.N}`; in the colour of a figure where this way takes no longer |
//! | `{edge.onward}`   | the time from there to where people want to be, in the same manner |
//! | `{edge.in}`       | the time driving in, the walk from the car park in it; in the colour of a figure where this is shorter |
//!
//! The template chooses places (`[tr…]`), justification (`[jl…]`) and fonts (`[fo…]`). Placeholders of lines that
//! the sign does not have become nothing, so that one template serves signs of several lengths.

mod parts;

use std::fmt::Write as _;

use vlot_model::{Arrow, City, EdgeOrIn, Figure, Sign, SignIx, SignLine, Target};

use parts::{EdgeField, EdgeTime, Field, Part, parts};

/// The face of `sign` in MULTI; empty, a dark sign, for a sign or template that `city` does not have.
#[must_use]
pub fn multi(sign: SignIx, figures: &[Figure], advice: Option<u32>, city: &City) -> String {
    let advice = advice.map(|n| n as usize);
    let shown = |line: usize| Shown {
        figure: figures.get(line).copied().unwrap_or(Figure::Blank),
        ..configured(city.signs.get(sign.at()).and_then(|sign| sign.lines.get(line)))
    };
    Layout::of(sign, city).fill(shown, advice, None)
}

/// Longer travel times are shown as this.
const MINUTES_MOST: u32 = 99;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) figure: Figure,
    pub(crate) arrow: Arrow,
    /// Travel time; nothing without a way.
    pub(crate) minutes: Option<u32>,
    /// Will probably be full on arrival.
    pub(crate) filling: bool,
}

/// Drive in or park at the edge, in whole minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EdgeShown {
    /// Position of the edge car park's line.
    line: usize,
    drive: u32,
    onward: u32,
    inner: u32,
}

impl EdgeShown {
    /// For a comparison; minutes that are still about right stay as they were.
    pub(crate) fn of(edge: &EdgeOrIn, before: Option<EdgeShown>) -> Self {
        let line = edge.line as usize;
        let before = before.filter(|before| before.line == line);
        let kept =
            |was: Option<u32>, seconds| was.filter(|was| is_about(*was, seconds)).unwrap_or(minutes(seconds));
        EdgeShown {
            line,
            drive: kept(before.map(|b| b.drive), edge.drive_s),
            onward: kept(before.map(|b| b.onward), edge.onward_s),
            inner: kept(before.map(|b| b.inner), edge.in_s),
        }
    }

    /// Whether the way over the edge takes no longer, as it is shown.
    fn is_shorter(self) -> bool {
        self.drive.saturating_add(self.onward) <= self.inner
    }
}

/// Whether minutes that are shown are still about right: within half a minute of what they stand for.
pub(crate) fn is_about(shown: u32, seconds: f32) -> bool {
    let upto = shown as f32 * 60.0;
    (upto - 90.0..=upto + 30.0).contains(&seconds)
}

/// What a line says before anything is known.
pub(crate) fn configured(line: Option<&SignLine>) -> Shown {
    Shown {
        figure: Figure::Blank,
        arrow: line.map_or(Arrow::None, |line| line.arrow),
        minutes: line.map(|line| minutes(line.travel_time.as_secs_f32())),
        filling: false,
    }
}

/// Whole minutes for so many seconds, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a saturated count of minutes is as good"
)]
pub(crate) fn minutes(seconds: f32) -> u32 {
    ((seconds / 60.0).ceil().max(0.0) as u32).min(MINUTES_MOST)
}

/// A sign's template with all that is fixed filled in, so that a face costs little more than copying it.
pub(crate) struct Layout {
    pieces: Vec<Piece>,
    /// Bytes that a face is likely to take.
    size: usize,
}

/// A piece of a face; lines count from 0.
enum Piece {
    Text(String),
    /// What stands before the figure of free spaces, if it is one, and the same where it will probably be full on arrival.
    Free(usize, String, String),
    /// What stands there if the figure is this word.
    Word(usize, Figure, String),
    /// What stands before an arrow, and the same where the line is advised.
    Arrow(usize, String, String),
    /// What stands before the minutes, and behind them.
    Minutes(usize, String, String),
    /// What is there while there is a comparison with the edge.
    Edge(Vec<Piece>),
    /// The edge car park's label, by line.
    EdgeLabel(Vec<String>),
    /// What stands before the arrow to it.
    EdgeArrow(String),
    /// What stands before one of its times, the same where that way is the shorter, and behind it.
    EdgeMinutes(EdgeTime, String, String, String),
    /// What stands there if a line is advised, by line.
    Advice(Vec<String>),
}

impl Layout {
    /// Of a sign; empty for a sign or template that `city` does not have.
    pub(crate) fn of(sign: SignIx, city: &City) -> Self {
        let sign = city.signs.get(sign.at());
        let template = sign.and_then(|sign| city.templates.get(sign.template));
        let (Some(sign), Some(template)) = (sign, template) else {
            return Layout { pieces: Vec::new(), size: 0 };
        };
        let mut pieces: Vec<Piece> = Vec::new();
        let mut before_edge = None;
        for part in parts(&template.multi) {
            match part {
                Part::Text(text) => pieces.push(Piece::Text(text.to_owned())),
                Part::Advice => {
                    let text = |label: &str| coloured(city.texts.advice_rgb, &escaped(label));
                    pieces.push(Piece::Advice(sign.lines.iter().map(|line| text(&line.label)).collect()));
                }
                Part::Field(field, line) => piece(&mut pieces, field, line, sign, city),
                Part::Edge(field) => pieces.push(edge(field, sign, city)),
                Part::EdgeBegins => before_edge = Some(std::mem::take(&mut pieces)),
                Part::EdgeEnds => {
                    if let Some(before) = before_edge.take() {
                        let within = std::mem::replace(&mut pieces, before);
                        pieces.push(Piece::Edge(joined(within)));
                    }
                }
            }
        }
        if let Some(before) = before_edge {
            // What is never closed is not there without a comparison either.
            let within = std::mem::replace(&mut pieces, before);
            pieces.push(Piece::Edge(joined(within)));
        }
        let size = template.multi.len() * 2;
        Layout { pieces: joined(pieces), size }
    }

    /// Whether it has something to say of the edge.
    pub(crate) fn has_edge(&self) -> bool {
        self.pieces.iter().any(|piece| {
            matches!(
                piece,
                Piece::Edge(_) | Piece::EdgeLabel(_) | Piece::EdgeArrow(_) | Piece::EdgeMinutes(..)
            )
        })
    }

    /// Whether a line's travel time stands on the face.
    pub(crate) fn has_minutes(&self, line: usize) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Minutes(at, ..) if *at == line))
    }

    /// The face of what is shown, by line.
    pub(crate) fn fill(
        &self,
        shown: impl Fn(usize) -> Shown,
        advice: Option<usize>,
        edge: Option<EdgeShown>,
    ) -> String {
        let mut face = String::with_capacity(self.size);
        fill(&mut face, &self.pieces, &shown, advice, edge);
        face
    }
}

fn fill(
    face: &mut String,
    pieces: &[Piece],
    shown: &dyn Fn(usize) -> Shown,
    advice: Option<usize>,
    edge: Option<EdgeShown>,
) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => face.push_str(text),
            Piece::Free(line, plain, filling) => {
                let shown = shown(*line);
                if let Figure::Free(free) = shown.figure {
                    face.push_str(if shown.filling { filling } else { plain });
                    // Memory takes all that is written.
                    let _never_fails = write!(face, "{free}");
                }
            }
            Piece::Word(line, word, text) if shown(*line).figure == *word => face.push_str(text),
            Piece::Word(..) => {}
            Piece::Arrow(line, plain, advised) => {
                if let Some(glyph) = glyph(shown(*line).arrow) {
                    face.push_str(if advice == Some(*line) { advised } else { plain });
                    face.push(glyph);
                }
            }
            Piece::Minutes(line, before, behind) => {
                if let Some(minutes) = shown(*line).minutes {
                    let _never_fails = write!(face, "{before}{minutes}{behind}");
                }
            }
            Piece::Edge(within) if edge.is_some() => fill(face, within, shown, advice, edge),
            Piece::Edge(_) => {}
            Piece::EdgeLabel(labels) => {
                face.push_str(edge.and_then(|edge| labels.get(edge.line)).map_or("", String::as_str));
            }
            Piece::EdgeArrow(before) => {
                if let Some(glyph) = edge.and_then(|edge| glyph(shown(edge.line).arrow)) {
                    face.push_str(before);
                    face.push(glyph);
                }
            }
            Piece::EdgeMinutes(time, plain, shorter, behind) => {
                if let Some(edge) = edge {
                    let (minutes, is_shorter) = match time {
                        EdgeTime::Drive => (edge.drive, edge.is_shorter()),
                        EdgeTime::Onward => (edge.onward, edge.is_shorter()),
                        EdgeTime::In => (edge.inner, !edge.is_shorter()),
                    };
                    let before = if is_shorter { shorter } else { plain };
                    let _never_fails = write!(face, "{before}{minutes}{behind}");
                }
            }
            Piece::Advice(texts) => {
                face.push_str(advice.and_then(|line| texts.get(line)).map_or("", String::as_str));
            }
        }
    }
}

fn edge(field: EdgeField, sign: &Sign, city: &City) -> Piece {
    let texts = &city.texts;
    let [plain, shorter] = [texts.label_rgb, texts.free_rgb].map(|rgb| coloured(rgb, ""));
    let word = format!(" {}", escaped(&texts.minutes));
    let label = |label: &str| coloured(texts.label_rgb, &escaped(label));
    match field {
        EdgeField::Label => Piece::EdgeLabel(sign.lines.iter().map(|line| label(&line.label)).collect()),
        EdgeField::Arrow => Piece::EdgeArrow(coloured(texts.arrow_rgb, "")),
        EdgeField::Time(time) => Piece::EdgeMinutes(time, plain, shorter, word),
    }
}

fn piece(pieces: &mut Vec<Piece>, field: Field, at: usize, sign: &Sign, city: &City) {
    let (Some(line), texts) = (sign.lines.get(at), &city.texts) else { return };
    let word = |figure, text: &str| Piece::Word(at, figure, coloured(texts.full_rgb, &escaped(text)));
    match field {
        Field::Label => pieces.push(Piece::Text(coloured(texts.label_rgb, &escaped(&line.label)))),
        Field::Figure => {
            for field in [Field::Free, Field::Full, Field::Closed] {
                piece(pieces, field, at, sign, city);
            }
        }
        Field::Free => {
            pieces.push(Piece::Free(at, coloured(texts.free_rgb, ""), coloured(texts.filling_rgb, "")));
        }
        Field::Full => pieces.push(word(Figure::Full, &texts.full)),
        Field::Closed => pieces.push(word(Figure::Closed, &texts.closed)),
        Field::Arrow => {
            if line.arrow != Arrow::None {
                let arrow = |rgb| coloured(rgb, "");
                pieces.push(Piece::Arrow(at, arrow(texts.arrow_rgb), arrow(texts.advice_rgb)));
            }
        }
        Field::Minutes => pieces.push(Piece::Minutes(at, coloured(texts.label_rgb, ""), String::new())),
        Field::Time => {
            let word = format!(" {}", escaped(&texts.minutes));
            pieces.push(Piece::Minutes(at, coloured(texts.label_rgb, ""), word));
        }
    }
}

/// Neighbouring texts as one.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (joined.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => joined.push(piece),
        }
    }
    joined
}

/// The character of an arrow in the arrow fonts: where it stands on a number pad, seen from the 5; `U` turns round.
#[must_use]
pub fn glyph(arrow: Arrow) -> Option<char> {
    match arrow {
        Arrow::None => None,
        Arrow::Ahead => Some('8'),
        Arrow::Left => Some('4'),
        Arrow::Right => Some('6'),
        Arrow::AheadLeft => Some('7'),
        Arrow::AheadRight => Some('9'),
        Arrow::Back => Some('U'),
        Arrow::Down => Some('2'),
    }
}

fn coloured([r, g, b]: [u8; 3], text: &str) -> String {
    format!("[cf{r},{g},{b}]{text}")
}

fn escaped(text: &str) -> String {
    text.replace('[', "[[").replace(']', "]]")
}

/// Faces that are as large as each sign's can get: a configuration whose worst cases fit never fails to be drawn.
#[must_use]
pub fn worst_cases(city: &City) -> Vec<(SignIx, String)> {
    let mut cases = Vec::new();
    for (i, sign) in city.signs.iter().enumerate() {
        let ix = SignIx::from_position(i);
        let largest = |target| Figure::Free(capacity(city, target));
        let figures: [&dyn Fn(Target) -> Figure; 4] =
            [&largest, &|_| Figure::Full, &|_| Figure::Closed, &|_| Figure::Blank];
        let layout = Layout::of(ix, city);
        let mut own: Vec<String> = Vec::new();
        for figure in figures {
            let shown = |line: usize| {
                let line = sign.lines.get(line);
                let figure = line.map_or(Figure::Blank, |line: &SignLine| figure(line.target));
                Shown { figure, minutes: line.map(|_| MINUTES_MOST), ..configured(line) }
            };
            let edges = (0..sign.lines.len()).filter(|_| layout.has_edge()).map(|line| {
                Some(EdgeShown { line, drive: MINUTES_MOST, onward: MINUTES_MOST, inner: MINUTES_MOST })
            });
            for edge in edges.chain([None]) {
                own.push(layout.fill(shown, None, edge));
                own.extend((0..sign.lines.len()).map(|line| layout.fill(shown, Some(line), edge)));
            }
        }
        own.sort();
        own.dedup();
        cases.extend(own.into_iter().map(|multi| (ix, multi)));
    }
    cases
}

fn capacity(city: &City, target: Target) -> u32 {
    let section = |s: vlot_model::SectionIx| city.sections.get(s.at()).map_or(0, |s| s.capacity);
    match target {
        Target::Facility(f) => city.facilities.get(f.at()).map_or(0, |f| f.capacity),
        Target::Garage(g) => city
            .garages
            .get(g.at())
            .map_or(0, |g| g.sections.iter().map(|s| section(*s)).fold(0, u32::saturating_add)),
        Target::Section(s) => section(s),
        Target::Group { facility, group } => city.facilities.get(facility.at()).map_or(0, |f| {
            let bays = f.bays.iter().filter(|bay| bay.bay_use == group).count();
            let most = f.site.groups.iter().filter(|g| g.group == group).map(|g| g.capacity).max();
            most.unwrap_or(0).max(u32::try_from(bays).unwrap_or(u32::MAX))
        }),
        Target::Place(_) => 0,
    }
}

/// What is wrong with the templates of `city`'s signs: a placeholder that does not exist, a line without a place.
#[must_use]
pub fn faults(city: &City) -> Vec<(SignIx, String)> {
    let mut faults = Vec::new();
    for (i, sign) in city.signs.iter().enumerate() {
        let ix = SignIx::from_position(i);
        let Some(template) = city.templates.get(sign.template) else {
            faults.push((ix, "has no template".to_owned()));
            continue;
        };
        let parts = parts(&template.multi);
        if parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(['{', '}']))) {
            let hint = "those that exist are {label.N}, {figure.N}, {free.N}, {full.N}, {closed.N}, {arrow.N}, \
                        {minutes.N}, {time.N} (N from 1), {advice}, and {edge?} {edge.label} {edge.arrow} {edge.drive} \
                        {edge.onward} {edge.in} {/edge}";
            faults.push((
                ix,
                format!("template \"{}\" has a brace that is no placeholder; {hint}", template.name),
            ));
        }
        let figure = [(Field::Free, "free"), (Field::Full, "full"), (Field::Closed, "closed")];
        let counted = |line: &usize| !matches!(sign.lines[*line].target, Target::Place(_));
        for line in (0..sign.lines.len()).filter(counted) {
            let has = |field| parts.contains(&Part::Field(field, line));
            // A template that names the advised line alone may leave lines out, but never tell half of one.
            let is_left_out = parts.contains(&Part::Advice) && !figure.iter().any(|(field, _)| has(*field));
            if has(Field::Figure) || is_left_out {
                continue;
            }
            let n = line + 1;
            for (_, name) in figure.iter().filter(|(field, _)| !has(*field)) {
                let place = format!("neither {{figure.{n}}} nor {{{name}.{n}}}");
                faults.push((
                    ix,
                    format!("template \"{}\" has {place}: line {n} could not say it", template.name),
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests;
