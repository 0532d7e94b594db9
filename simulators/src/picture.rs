//! A sign's page as a picture: in a terminal with half blocks, or as the lamps of an LED matrix in a PNG.

use std::fmt::Write as _;

use crate::SimError;

/// The longest side of a page that is drawn, in pixels.
const SIDE_MAX_PX: u32 = 2_048;
/// How bright a lamp that is off looks, and what is between the lamps.
const LAMP_OFF: [u8; 3] = [24, 24, 26];
const BOARD: [u8; 3] = [8, 8, 9];

/// Pixels of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Row by row, three bytes each.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// From a PNG of 8-bit RGB or RGBA, as an engine renders a page.
    ///
    /// # Errors
    /// When it is no such PNG, or a side is longer than 2,048 pixels.
    pub fn from_png(png: &[u8]) -> Result<Picture, SimError> {
        let failed = |what: String| SimError::Picture(what);
        let mut reader =
            png::Decoder::new(std::io::Cursor::new(png)).read_info().map_err(|e| failed(e.to_string()))?;
        let (width, height) = (reader.info().width, reader.info().height);
        if width > SIDE_MAX_PX || height > SIDE_MAX_PX {
            return Err(failed(format!("{width} x {height} pixels; a side has at most {SIDE_MAX_PX}")));
        }
        let size = reader.output_buffer_size().ok_or_else(|| failed("too large".into()))?;
        let mut pixels = vec![0; size];
        let frame = reader.next_frame(&mut pixels).map_err(|e| failed(e.to_string()))?;
        if frame.bit_depth != png::BitDepth::Eight {
            return Err(failed(format!("{:?} bits a channel; only eight are drawn", frame.bit_depth)));
        }
        pixels.truncate(frame.buffer_size());
        let rgb = match frame.color_type {
            png::ColorType::Rgb => pixels,
            png::ColorType::Rgba => pixels.chunks_exact(4).flat_map(|p| p.iter().take(3).copied()).collect(),
            other => return Err(failed(format!("{other:?} pixels; only RGB and RGBA are drawn"))),
        };
        Ok(Picture { width, height, rgb })
    }

    /// All of it dark: a sign's fallback.
    #[must_use]
    pub fn dark(width: u32, height: u32) -> Picture {
        let (width, height) = (width.min(SIDE_MAX_PX), height.min(SIDE_MAX_PX));
        Picture { width, height, rgb: vec![0; width as usize * height as usize * 3] }
    }

    fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y as usize * self.width as usize + x as usize) * 3;
        match self.rgb.get(at..at + 3) {
            Some([r, g, b]) if x < self.width && y < self.height => [*r, *g, *b],
            _ => [0, 0, 0],
        }
    }

    /// For a terminal with 24-bit colour: one character for two pixels, one above the other.
    #[must_use]
    pub fn half_blocks(&self) -> String {
        let mut out = String::new();
        for y in (0..self.height).step_by(2) {
            let mut last = None;
            for x in 0..self.width {
                let colours = (self.pixel(x, y), self.pixel(x, y + 1));
                if last != Some(colours) {
                    let ([r, g, b], [br, bg, bb]) = colours;
                    // Writing to a String cannot fail.
                    write!(out, "\x1b[38;2;{r};{g};{b};48;2;{br};{bg};{bb}m").unwrap_or_default();
                    last = Some(colours);
                }
                out.push('\u{2580}');
            }
            out.push_str("\x1b[0m\n");
        }
        out
    }

    /// A PNG in which each pixel is a round lamp of `pitch` pixels (3 to 32), as one sees a sign from near.
    ///
    /// # Errors
    /// When the PNG cannot be written.
    pub fn lamps_png(&self, pitch: u32) -> Result<Vec<u8>, SimError> {
        let pitch = pitch.clamp(3, 32);
        let (width, height) = (self.width * pitch, self.height * pitch);
        let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
        let coverage = lamp(pitch);
        for y in 0..height {
            for x in 0..width {
                let lit = self.pixel(x / pitch, y / pitch);
                let share = coverage.get((y % pitch * pitch + x % pitch) as usize).copied().unwrap_or(0);
                for (channel, off) in lit.iter().zip(LAMP_OFF) {
                    let lamp = u32::from((*channel).max(off));
                    let board = u32::from(BOARD[0]);
                    let mixed = (lamp * share + board * (255 - share)) / 255;
                    rgb.push(u8::try_from(mixed).unwrap_or(u8::MAX));
                }
            }
        }
        encode(width, height, &rgb)
    }
}

/// How much of each pixel of a cell its lamp covers, 0 to 255, with a soft edge.
fn lamp(pitch: u32) -> Vec<u32> {
    let centre = f64::from(pitch) / 2.0;
    let radius = centre * 0.86;
    let mut coverage = Vec::new();
    for y in 0..pitch {
        for x in 0..pitch {
            let distance = (f64::from(x) + 0.5 - centre).hypot(f64::from(y) + 0.5 - centre);
            let share = (radius + 0.5 - distance).clamp(0.0, 1.0);
            coverage.push(u32::try_from(crate::time::round(share * 255.0)).unwrap_or(0));
        }
    }
    coverage
}

fn encode(width: u32, height: u32, rgb: &[u8]) -> Result<Vec<u8>, SimError> {
    let failed = |e: png::EncodingError| SimError::Picture(e.to_string());
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(rgb).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_by_three() -> Picture {
        let rgb = vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3, 9, 9, 9, 9, 9, 9];
        Picture { width: 2, height: 3, rgb }
    }

    #[test]
    fn a_page_survives_its_png() {
        let picture = two_by_three();
        let png = encode(picture.width, picture.height, &picture.rgb).unwrap();
        assert_eq!(Picture::from_png(&png).unwrap(), picture);
        assert!(Picture::from_png(b"no picture").is_err());
    }

    #[test]
    fn a_terminal_shows_two_rows_in_one_and_repeats_no_colour() {
        assert_eq!(
            two_by_three().half_blocks(),
            "\x1b[38;2;255;0;0;48;2;0;0;255m\u{2580}\x1b[38;2;0;255;0;48;2;1;2;3m\u{2580}\x1b[0m\n\
             \x1b[38;2;9;9;9;48;2;0;0;0m\u{2580}\u{2580}\x1b[0m\n"
        );
    }

    #[test]
    fn lamps_are_lit_in_the_middle_and_dark_in_the_corners() {
        let lamps = Picture::from_png(&two_by_three().lamps_png(8).unwrap()).unwrap();
        assert_eq!((lamps.width, lamps.height), (16, 24));
        assert_eq!(lamps.pixel(3, 3), [255, 24, 26]);
        assert_eq!(lamps.pixel(0, 0), [8, 8, 8]);
    }
}
