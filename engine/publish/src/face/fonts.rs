//! The fonts that every sign has, drawn for this project in the `.tfon` files beside this one.
//!
//! A text font's number is the height of its capitals in pixels: 7, 10, 12 and 16. Its cell has 3 pixels above the
//! capitals for accents and 3 below the baseline (2 and 2 in font 7), so that texts of several fonts that are
//! aligned to the bottom of one rectangle stand on one baseline. Digits have one width: a figure does not dance
//! while it counts. Font 16 has capitals and digits alone.
//!
//! The pictogram fonts 114 and 120 are 14 and 20 pixels high: an arrow is where it stands on a number pad, seen
//! from the 5; `U` turns round, `P` is parking and `b` a bicycle.

use ntcip::dms::{FontTable, tfon};

use super::RenderError;

/// Characters in a font: all of Latin-1.
pub(super) const CHARACTERS: usize = 256;
/// Fonts in the table.
pub(super) const FONTS: usize = SOURCES.len();

/// What all signs draw with.
pub(super) type Fonts = FontTable<CHARACTERS, FONTS>;

const SOURCES: [(u8, &str); 6] = [
    (7, include_str!("fonts/text-07.tfon")),
    (10, include_str!("fonts/text-10.tfon")),
    (12, include_str!("fonts/text-12.tfon")),
    (16, include_str!("fonts/text-16.tfon")),
    (114, include_str!("fonts/pictograms-14.tfon")),
    (120, include_str!("fonts/pictograms-20.tfon")),
];

/// The font of a face that names none.
pub(super) const DEFAULT: u8 = 10;

/// Builds the table.
pub(super) fn table() -> Result<Fonts, RenderError> {
    let mut fonts = Fonts::default();
    for (font, source) in SOURCES {
        let broken = |problem: String| RenderError::Font { font, problem };
        // A free place in the table has the number 0.
        let slot = fonts.font_mut(0).ok_or_else(|| broken("the table is full".into()))?;
        *slot = tfon::parse(source).map_err(|e| broken(e.to_string()))?;
        if slot.number != font {
            return Err(broken(format!("the file says that it is font {}", slot.number)));
        }
    }
    fonts.validate().map_err(|e| RenderError::Font { font: 0, problem: e.to_string() })?;
    Ok(fonts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "0123456789";
    const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝ";
    const SMALL: &str = "abcdefghijklmnopqrstuvwxyzßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ";
    const SIGNS: &str = " !\"%&'()*+,-./:;<=>?[\\]_|°·";
    const PICTOGRAMS: &str = "12346789UPb";

    /// First and last row with ink.
    fn ink(fonts: &Fonts, font: u8, c: char) -> Option<(usize, usize)> {
        let font = fonts.font(font).unwrap();
        let glyph = font.character(c).unwrap_or_else(|| panic!("font {} has no {c:?}", font.number));
        let lit = |y: &usize| (0..usize::from(glyph.width)).any(|x| glyph.is_pixel_lit(*y, x));
        let rows = 0..usize::from(font.height);
        Some((rows.clone().find(lit)?, rows.rev().find(lit)?))
    }

    #[test]
    fn every_font_has_its_characters_whole() {
        let fonts = table().unwrap();
        let texts = [CAPITALS, DIGITS, SIGNS].concat();
        for font in [7, 10, 12, 16, 114, 120] {
            let expected: String = match font {
                16 => texts.clone(),
                114 | 120 => PICTOGRAMS.into(),
                _ => [&texts, SMALL].concat(),
            };
            for c in expected.chars() {
                let is_blank = ink(&fonts, font, c).is_none();
                assert_eq!(is_blank, c == ' ', "font {font}, {c:?}");
            }
            let count = fonts.font(font).unwrap().characters.iter().filter(|c| c.number > 0).count();
            assert_eq!(count, expected.chars().count(), "font {font}");
        }
    }

    #[test]
    fn capitals_and_digits_stand_on_one_baseline_and_have_the_height_of_the_fonts_number() {
        let fonts = table().unwrap();
        for font in [7, 10, 12, 16] {
            let height = usize::from(fonts.font(font).unwrap().height);
            let below = if font == 7 { 2 } else { 3 };
            let baseline = height - 1 - below;
            for c in "ABCDEFGHIKLMNOPRSTUVWXYZ".chars().chain(DIGITS.chars()) {
                let expected = (baseline + 1 - usize::from(font), baseline);
                assert_eq!(ink(&fonts, font, c), Some(expected), "font {font}, {c:?}");
            }
        }
    }

    #[test]
    fn digits_have_one_width_and_letters_touch_their_cells_sides() {
        let fonts = table().unwrap();
        for number in [7, 10, 12, 16] {
            let font = fonts.font(number).unwrap();
            let width = |c| font.character(c).unwrap().width;
            assert!(DIGITS.chars().all(|c| width(c) == width('0')), "font {number}");
            for glyph in font.characters.iter().filter(|g| g.number > 0) {
                let c = char::from_u32(glyph.number.into()).unwrap();
                let column = |x: u8| (0..font.height).any(|y| glyph.is_pixel_lit(y.into(), x.into()));
                if !c.is_ascii_digit() && c != ' ' {
                    assert!(column(0) && column(glyph.width - 1), "font {number}, {c:?}");
                }
            }
        }
    }

    #[test]
    fn no_two_characters_look_the_same() {
        let fonts = table().unwrap();
        for number in [7, 10, 12, 16, 114, 120] {
            let glyphs: Vec<_> =
                fonts.font(number).unwrap().characters.iter().filter(|g| g.number > 0).collect();
            for (i, a) in glyphs.iter().enumerate() {
                for b in &glyphs[i + 1..] {
                    let same = (a.width, &a.bitmap) == (b.width, &b.bitmap);
                    let (a, b) = (char::from_u32(a.number.into()), char::from_u32(b.number.into()));
                    // In small capitals these pairs are alike by nature.
                    let alike = [('l', '|'), ('I', '|'), ('I', 'l'), ('O', '0')];
                    let known = alike
                        .iter()
                        .any(|(x, y)| [(Some(*x), Some(*y)), (Some(*y), Some(*x))].contains(&(a, b)));
                    assert!(!same || known, "font {number}: {a:?} and {b:?}");
                }
            }
        }
    }
}
