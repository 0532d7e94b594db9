//! The fonts that every sign has.
//!
//! Texts come from the public-domain X11 fonts that `embedded-graphics` carries, cut to the ink of each letter; a
//! monospaced face wastes a fifth of a sign's width. Digits keep one width, so that a figure does not dance while it
//! counts. Arrows and pictograms are drawn in the `.tfon` files beside this one.

use embedded_graphics::geometry::{Dimensions, Point};
use embedded_graphics::image::GetPixel;
use embedded_graphics::mono_font::{MonoFont, iso_8859_1};
use embedded_graphics::pixelcolor::BinaryColor;
use ntcip::dms::{CharacterEntry, Font, FontTable};

use super::RenderError;

/// Characters in a font: all of Latin-1.
pub(super) const CHARACTERS: usize = 256;
/// Fonts in the table.
pub(super) const FONTS: usize = 3;

/// What all signs draw with.
pub(super) type Fonts = FontTable<CHARACTERS, FONTS>;

struct Text {
    number: u8,
    from: &'static MonoFont<'static>,
    char_spacing: u8,
    line_spacing: u8,
    space: u8,
}

const TEXTS: [Text; 3] = [
    Text { number: 1, from: &iso_8859_1::FONT_6X10, char_spacing: 1, line_spacing: 1, space: 3 },
    Text { number: 2, from: &iso_8859_1::FONT_7X13_BOLD, char_spacing: 1, line_spacing: 2, space: 4 },
    Text { number: 3, from: &iso_8859_1::FONT_10X20, char_spacing: 2, line_spacing: 2, space: 5 },
];

/// Builds the table.
pub(super) fn table() -> Result<Fonts, RenderError> {
    let mut fonts = Fonts::default();
    for text in &TEXTS {
        let broken = |problem: String| RenderError::Font { font: text.number, problem };
        let slot = fonts.font_mut(0).ok_or_else(|| broken("the table is full".into()))?;
        *slot = cut(text).ok_or_else(|| broken("a glyph is wider than 255 pixels".into()))?;
    }
    Ok(fonts)
}

/// A text font, each letter cut to its ink.
fn cut(text: &Text) -> Option<Font<CHARACTERS>> {
    let height = u8::try_from(text.from.character_size.height).ok()?;
    let mut font = Font {
        number: text.number,
        height,
        char_spacing: text.char_spacing,
        line_spacing: text.line_spacing,
        ..Font::default()
    };
    let digits = ('0'..='9').filter_map(|c| ink(text.from, c)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let printable = (' '..='~').chain('\u{a0}'..='\u{ff}').filter(|c| *c != '\u{ad}');
    for (entry, c) in font.characters.iter_mut().zip(printable) {
        let columns = if c.is_ascii_digit() { digits } else { ink(text.from, c) };
        let width = match columns {
            Some((first, last)) => u8::try_from(last - first + 1).ok()?,
            None => text.space,
        };
        let (first, lit) = (columns.map_or(0, |c| c.0), columns.is_some());
        let pixels = (0..i32::from(height))
            .flat_map(|y| (0..i32::from(width)).map(move |x| (x, y)))
            .map(|(x, y)| lit && is_lit(text.from, c, first + x, y));
        *entry = CharacterEntry { number: u16::try_from(u32::from(c)).ok()?, width, bitmap: pack(pixels) };
    }
    Some(font)
}

/// First and last column with ink.
fn ink(font: &MonoFont<'_>, c: char) -> Option<(i32, i32)> {
    let size = font.character_size;
    let (width, height) = (i32::try_from(size.width).ok()?, i32::try_from(size.height).ok()?);
    let inked = |x: &i32| (0..height).any(|y| is_lit(font, c, *x, y));
    Some(((0..width).find(inked)?, (0..width).rev().find(inked)?))
}

fn is_lit(font: &MonoFont<'_>, c: char, x: i32, y: i32) -> bool {
    let size = font.character_size;
    let per_row = (font.image.bounding_box().size.width / size.width).max(1);
    let index = u32::try_from(font.glyph_mapping.index(c)).unwrap_or(0);
    let left = i32::try_from(index % per_row * size.width).unwrap_or(0);
    let top = i32::try_from(index / per_row * size.height).unwrap_or(0);
    font.image.pixel(Point::new(left + x, top + y)) == Some(BinaryColor::On)
}

/// Rows from left to right, most significant bit first, without padding between them (NTCIP `characterBitmap`).
fn pack(pixels: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (i, lit) in pixels.enumerate() {
        if i % 8 == 0 {
            bytes.push(0);
        }
        if let (true, Some(byte)) = (lit, bytes.last_mut()) {
            *byte |= 0x80 >> (i % 8);
        }
    }
    bytes
}
