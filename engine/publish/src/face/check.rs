//! Looks through a face before it is drawn: everything fits, and nothing is in it that the renderer would choke on.

use ntcip::dms::Font;
use vlot_model::Matrix;

use super::RenderError;
use super::fonts::{self, CHARACTERS, Fonts};
use super::markup::{self, Piece};

/// A longer markup is refused: it bounds what a face can cost.
const MULTI_BYTES_MAX: usize = 4_096;
/// More pages than anyone reads in passing.
const PAGES_MAX: usize = 8;
/// More lines than any matrix has room for; the renderer counts them in a byte.
const LINES_MAX: u32 = 64;
/// `[sc…]` beyond this spreads letters apart instead of a word.
const CHAR_SPACING_MAX: u16 = 99;
/// The tags that a face may have. The renderer ends the process over some others (flash, fields, moving text).
const TAGS: [&str; 14] =
    ["cb", "cf", "cr", "fo", "hc", "jl", "jp", "nl", "np", "pb", "pt", "sc", "/sc", "tr"];

/// Checks a face of the sign called `sign`.
pub(super) fn check(sign: &str, matrix: Matrix, fonts: &Fonts, multi: &str) -> Result<(), RenderError> {
    let mut walk = Walk::new(sign, matrix, fonts);
    if multi.len() > MULTI_BYTES_MAX {
        return Err(walk
            .markup(format!("a face has at most {MULTI_BYTES_MAX} bytes, this one {}", multi.len()), None));
    }
    let mut pages = 1;
    for (_, piece) in markup::pieces(multi) {
        match piece {
            Piece::Stray(text) => {
                let problem = "a bracket that is meant as text is doubled: [[ or ]]".into();
                return Err(walk.markup(problem, Some(text)));
            }
            Piece::Text(text) => walk.text(text)?,
            Piece::Tag(tag) if !TAGS.iter().any(|name| markup::is(tag, name)) => {
                let problem = format!("a face has the tags {} and no others", TAGS.join(" "));
                return Err(walk.markup(problem, Some(tag)));
            }
            Piece::Tag(tag) if markup::is(tag, "np") => {
                walk.end_rectangle()?;
                walk.rectangle = None;
                pages += 1;
                if pages > PAGES_MAX {
                    return Err(walk.markup(format!("a face has at most {PAGES_MAX} pages"), Some(tag)));
                }
            }
            Piece::Tag(tag) => walk.tag(tag)?,
        }
    }
    walk.end_rectangle()
}

/// Follows the renderer's own way through the markup, and measures.
struct Walk<'a> {
    sign: &'a str,
    matrix: Matrix,
    fonts: &'a Fonts,
    font: u8,
    char_spacing: Option<u16>,
    /// The open `[tr…]` with its width and height; `None`: the whole matrix.
    rectangle: Option<(&'a str, u32, u32)>,
    lines: Vec<Line>,
}

#[derive(Default)]
struct Line {
    text: String,
    width_px: u32,
    height_px: u32,
    /// Space above it, where `[nl…]` or the font asks for it.
    spacing_px: u32,
    /// Spacing of the piece before, within one justification.
    last_spacing: Option<u16>,
}

impl<'a> Walk<'a> {
    fn new(sign: &'a str, matrix: Matrix, fonts: &'a Fonts) -> Self {
        let lines = vec![Line::default()];
        Walk { sign, matrix, fonts, font: fonts::DEFAULT, char_spacing: None, rectangle: None, lines }
    }

    fn markup(&self, problem: String, tag: Option<&str>) -> RenderError {
        RenderError::Markup { sign: self.sign.to_owned(), problem, tag: tag.map(str::to_owned) }
    }

    fn tag(&mut self, tag: &'a str) -> Result<(), RenderError> {
        for name in ["tr", "cr"] {
            if markup::is(tag, name) {
                let Some([x, y, width, height]) = markup::numbers::<4>(tag, name) else {
                    return Err(
                        self.markup("a rectangle is [trX,Y,WIDTH,HEIGHT], X and Y from 1".into(), Some(tag))
                    );
                };
                let (across, down) = self.within(tag, [x, y, width, height])?;
                if name == "tr" {
                    self.end_rectangle()?;
                    self.rectangle = Some((tag, across, down));
                }
                return Ok(());
            }
        }
        if markup::is(tag, "fo") {
            self.font = markup::numbers::<1>(tag, "fo")
                .and_then(|[n]| u8::try_from(n).ok())
                .unwrap_or(fonts::DEFAULT);
            if self.fonts.font(self.font).is_none() {
                return Err(self.markup(format!("there is no font {}", self.font), Some(tag)));
            }
        } else if markup::is(tag, "sc") {
            let Some([spacing]) = markup::numbers::<1>(tag, "sc").filter(|[n]| *n <= CHAR_SPACING_MAX) else {
                return Err(
                    self.markup(format!("letters stand 0 to {CHAR_SPACING_MAX} pixels apart"), Some(tag))
                );
            };
            self.char_spacing = Some(spacing);
        } else if markup::is(tag, "/sc") {
            self.char_spacing = None;
        } else if markup::is(tag, "jl") || markup::is(tag, "jp") {
            if let Some(line) = self.lines.last_mut() {
                line.last_spacing = None;
            }
        } else if markup::is(tag, "nl") {
            if self.lines.len() >= LINES_MAX as usize {
                return Err(self.markup(format!("a rectangle has at most {LINES_MAX} lines"), Some(tag)));
            }
            let own = markup::numbers::<1>(tag, "nl").map(|[n]| u32::from(n));
            let by_font = self.font().map_or(0, |font| u32::from(font.line_spacing));
            let height_px = self.font().map_or(0, |font| u32::from(font.height));
            if let Some(line) = self.lines.last_mut() {
                line.height_px = line.height_px.max(height_px);
            }
            self.lines.push(Line { spacing_px: own.unwrap_or(by_font), ..Line::default() });
        }
        Ok(())
    }

    /// Width and height of a rectangle inside the matrix; 0 stands for "to the edge".
    fn within(&self, tag: &str, [x, y, width, height]: [u16; 4]) -> Result<(u32, u32), RenderError> {
        let Matrix { width_px, height_px } = self.matrix;
        let fits = |from: u16, length: u16, side: u16| {
            let left = side.checked_sub(from.checked_sub(1)?).filter(|left| *left > 0)?;
            (length <= left).then_some(u32::from(if length == 0 { left } else { length }))
        };
        match (fits(x, width, width_px), fits(y, height, height_px)) {
            (Some(across), Some(down)) => Ok((across, down)),
            _ => Err(RenderError::OutsideMatrix {
                sign: self.sign.to_owned(),
                tag: tag.to_owned(),
                width_px,
                height_px,
            }),
        }
    }

    fn font(&self) -> Option<&'a Font<CHARACTERS>> {
        self.fonts.font(self.font)
    }

    fn text(&mut self, text: &str) -> Result<(), RenderError> {
        let Some(font) = self.font() else {
            return Err(self.markup(format!("there is no font {}", self.font), None));
        };
        let spacing = self.char_spacing.unwrap_or(u16::from(font.char_spacing));
        let mut width = 0;
        for (i, c) in text.chars().enumerate() {
            let Some(glyph) = font.character(c).filter(|_| c != '\0') else {
                return Err(RenderError::NoCharacter {
                    sign: self.sign.to_owned(),
                    font: self.font,
                    character: c,
                    text: text.to_owned(),
                });
            };
            width += u32::from(glyph.width) + if i > 0 { u32::from(spacing) } else { 0 };
        }
        let explicit = self.char_spacing.is_some();
        let Some(line) = self.lines.last_mut() else { return Ok(()) };
        let between = match line.last_spacing {
            Some(_) if explicit => spacing,
            Some(last) => (last + spacing).div_ceil(2),
            // Two texts of one line, justified apart, need a gap of their own.
            None if line.width_px > 0 => {
                line.text.push(' ');
                1
            }
            None => 0,
        };
        line.width_px += width + u32::from(between);
        line.height_px = line.height_px.max(u32::from(font.height));
        line.last_spacing = Some(spacing);
        line.text.push_str(text);
        Ok(())
    }

    /// What has been written since the last rectangle began fits that rectangle.
    fn end_rectangle(&mut self) -> Result<(), RenderError> {
        let whole = ("the whole matrix", u32::from(self.matrix.width_px), u32::from(self.matrix.height_px));
        let (rectangle, across, down) = self.rectangle.unwrap_or(whole);
        let lines = std::mem::replace(&mut self.lines, vec![Line::default()]);
        let too_big = |text: String, direction, needed_px, given_px| RenderError::TooBig {
            sign: self.sign.to_owned(),
            text,
            rectangle: rectangle.to_owned(),
            direction,
            needed_px,
            given_px,
        };
        for line in &lines {
            if line.width_px > across {
                return Err(too_big(line.text.clone(), "across", line.width_px, across));
            }
        }
        let needed: u32 = lines.iter().map(|line| line.height_px + line.spacing_px).sum();
        if needed > down {
            let text: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
            return Err(too_big(text.join(" / "), "down", needed, down));
        }
        Ok(())
    }
}
