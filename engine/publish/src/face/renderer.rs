//! Renders MULTI with the `ntcip` crate, page by page, exactly of the sign's matrix.

use std::sync::Arc;
use std::time::Duration;

use ntcip::dms::config::{MultiCfg, SignCfg, VmsCfg};
use ntcip::dms::multi::{Color, ColorScheme, JustificationLine, JustificationPage};
use ntcip::dms::{Dms, Page, Pages};
use vlot_model::{City, Matrix, SignIx};

use super::RenderError;
use super::cache::Cache;
use super::check;
use super::fonts::{self, CHARACTERS, FONTS, Fonts};

/// The longest side of a matrix, in pixels.
const SIDE_MAX_PX: u16 = 1_024;

/// One page of a face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedPage {
    /// The page as an RGB PNG.
    pub png: Arc<[u8]>,
    /// Pixels across.
    pub width_px: u16,
    /// Pixels down.
    pub height_px: u16,
    /// The page's pixels, row by row, three bytes each.
    pub rgb: Arc<[u8]>,
    /// How long it stays before the next page; of an only page without consequence.
    pub duration: Duration,
}

/// Renders the faces of one city's signs. Cheap to ask again for the same face.
pub struct FaceRenderer {
    /// By [`SignIx`]: the sign's id and its position in `displays`.
    signs: Vec<(Box<str>, usize)>,
    /// One for each size of matrix.
    displays: Vec<(Matrix, Dms<CHARACTERS, FONTS, 0>)>,
    cache: Cache,
}

impl FaceRenderer {
    /// For the signs of `city`.
    ///
    /// # Errors
    /// When a matrix is empty or larger than the renderer can hold.
    pub fn new(city: &City) -> Result<Self, RenderError> {
        let fonts = fonts::table()?;
        let mut displays: Vec<(Matrix, Dms<CHARACTERS, FONTS, 0>)> = Vec::new();
        let mut signs = Vec::with_capacity(city.signs.len());
        for sign in &city.signs {
            let position = match displays.iter().position(|(matrix, _)| *matrix == sign.matrix) {
                Some(position) => position,
                None => {
                    displays.push((sign.matrix, display(&sign.id, sign.matrix, &fonts)?));
                    displays.len() - 1
                }
            };
            signs.push((sign.id.clone(), position));
        }
        Ok(FaceRenderer { signs, displays, cache: Cache::default() })
    }

    /// The pages of a face: at least one, each exactly of the sign's matrix.
    ///
    /// # Errors
    /// When the markup is wrong or a text does not fit; the error names the sign and the text.
    pub fn render(&self, sign: SignIx, multi: &str) -> Result<Vec<RenderedPage>, RenderError> {
        let unknown = RenderError::UnknownSign(sign.0);
        let (id, display) = self.signs.get(sign.at()).ok_or_else(|| unknown.clone())?;
        let (matrix, dms) = self.displays.get(*display).ok_or(unknown)?;
        if let Some(pages) = self.cache.get(sign, multi) {
            return Ok(pages);
        }
        check::check(id, *matrix, dms.font_definition(), multi)?;
        let markup = |problem: String| RenderError::Markup { sign: id.to_string(), problem, tag: None };
        let pages = Pages::new(dms, multi)
            .map(|page| encode(page.map_err(|e| markup(e.to_string()))?, *matrix).map_err(&markup))
            .collect::<Result<Vec<_>, _>>()?;
        self.cache.put(sign, multi, &pages);
        Ok(pages)
    }
}

fn encode(page: Page, matrix: Matrix) -> Result<RenderedPage, String> {
    let Matrix { width_px, height_px } = matrix;
    let mut rgb = page.raster.as_u8_slice().to_vec();
    let bytes = usize::from(width_px) * usize::from(height_px) * 3;
    if rgb.len() != bytes {
        // A page that is off between two others comes in the size of the last text rectangle: all background.
        let background: Vec<u8> = rgb.iter().copied().take(3).collect();
        rgb = background.iter().copied().cycle().take(bytes).collect();
    }
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width_px.into(), height_px.into());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // A quarter of the time of the usual level; a face stays under 3 kB.
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(|e| e.to_string())?;
    writer.write_image_data(&rgb).map_err(|e| e.to_string())?;
    writer.finish().map_err(|e| e.to_string())?;
    let duration = Duration::from_millis(u64::from(page.duration_ds) * 100);
    Ok(RenderedPage { png: png.into(), width_px, height_px, rgb: rgb.into(), duration })
}

fn display(id: &str, matrix: Matrix, fonts: &Fonts) -> Result<Dms<CHARACTERS, FONTS, 0>, RenderError> {
    let Matrix { width_px, height_px } = matrix;
    let broken = |problem: String| RenderError::Matrix { sign: id.to_owned(), width_px, height_px, problem };
    if width_px == 0 || height_px == 0 || width_px > SIDE_MAX_PX || height_px > SIDE_MAX_PX {
        return Err(broken(format!("each side has 1 to {SIDE_MAX_PX} pixels")));
    }
    Dms::builder()
        .with_sign_cfg(SignCfg {
            sign_width: width_px,
            sign_height: height_px,
            horizontal_border: 0,
            vertical_border: 0,
            ..SignCfg::default()
        })
        .with_vms_cfg(VmsCfg {
            char_height_pixels: 0,
            char_width_pixels: 0,
            sign_width_pixels: width_px,
            sign_height_pixels: height_px,
            horizontal_pitch: 1,
            vertical_pitch: 1,
            ..VmsCfg::default()
        })
        .with_font_definition(fonts.clone())
        .with_multi_cfg(MultiCfg {
            default_font: fonts::DEFAULT,
            default_foreground_rgb: Color::Rgb(255, 255, 255),
            default_justification_line: JustificationLine::Left,
            default_justification_page: JustificationPage::Top,
            color_scheme: ColorScheme::Color24Bit,
            ..MultiCfg::default()
        })
        .build()
        .map_err(|e| broken(e.to_string()))
}
