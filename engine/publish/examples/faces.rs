//! Draws the faces of every sign of a configuration, as the lamps of the sign would look.
//!
//! `cargo run -p vlot-publish --example faces -- config/leuven OUT` writes one PNG a sign with its states side by
//! side; with `--sheet FILE` in place of OUT a contact sheet of a few signs, as in the README; with `--evening LINES FILE` a sheet
//! of what the `evening` example of `vlot-guidance` wrote, a column a time, as in docs/guidance.md.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use vlot_guidance::faces;
use vlot_model::{City, Figure, Sign, SignIx, Target};
use vlot_publish::FaceRenderer;

/// A lamp with the dark around it, in pixels of the picture.
const PITCH: usize = 6;
/// What a lamp that is off looks like.
const OFF: [u8; 3] = [14, 14, 16];
/// The housing.
const HOUSING: [u8; 3] = [4, 4, 5];
/// The paper under a sheet.
const GROUND: [u8; 3] = [38, 42, 48];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (config, out, is_sheet) = match arguments.as_slice() {
        [config, out] => (config, PathBuf::from(out), false),
        [config, flag, out] if flag == "--sheet" => (config, PathBuf::from(out), true),
        [config, flag, lines, out] if flag == "--evening" => return evening(config, lines, Path::new(out)),
        _ => return Err("usage: faces CONFIG {OUT | --sheet FILE | --evening LINES FILE}".into()),
    };
    let source = vlot_settings::Source::read_dir(Path::new(config))?;
    let settings = vlot_settings::check(&source).map_err(|problems| problems.to_string())?;
    let city = &*settings.city;
    let renderer = FaceRenderer::new(city)?;
    if is_sheet {
        return sheet(city, &renderer)?.write(&out, 3);
    }
    std::fs::create_dir_all(&out)?;
    for (i, sign) in city.signs.iter().enumerate() {
        let ix = SignIx::from_position(i);
        let mut faces = Vec::new();
        for state in 0..4 {
            faces.push(draw(&renderer, ix, &face(city, ix, sign, state))?);
        }
        beside(faces).write(&out.join(format!("{}.png", sign.id)), PITCH)?;
    }
    for (ix, multi) in faces::worst_cases(city) {
        renderer.render(ix, &multi)?;
    }
    Ok(())
}

/// Signs of an evening's sheet, from top to bottom, and which of their pages; a page that a face does not have is dark.
const EVENING: [(&str, usize); 6] = [
    ("boudewijnlaan-in", 0),
    ("boudewijnlaan-in", 1),
    ("r23-diestsevest-zuid", 0),
    ("tiensestraat", 0),
    ("martelarenplein-ingang", 0),
    ("fiets-bondgenotenlaan", 0),
];

/// A column a time, in the order of the lines.
fn evening(config: &str, lines: &str, out: &Path) -> Result<(), Box<dyn Error>> {
    let source = vlot_settings::Source::read_dir(Path::new(config))?;
    let city = vlot_settings::check(&source).map_err(|problems| problems.to_string())?.city;
    let renderer = FaceRenderer::new(&city)?;
    let text = std::fs::read_to_string(lines)?;
    let mut times: Vec<&str> = Vec::new();
    let mut faces = std::collections::BTreeMap::new();
    for line in text.lines() {
        let [time, sign, multi] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else {
            return Err(format!("no face: {line}").into());
        };
        if times.last() != Some(&time) {
            times.push(time);
        }
        faces.insert((time, sign), multi);
    }
    let mut columns = Vec::new();
    for time in times {
        let mut column = Vec::new();
        for (id, page) in EVENING {
            let position =
                city.signs.iter().position(|s| &*s.id == id).ok_or_else(|| format!("no sign {id}"))?;
            let multi = faces.get(&(time, id)).ok_or_else(|| format!("no face of {id} at {time}"))?;
            column.push(page_of(&renderer, SignIx::from_position(position), multi, page)?);
        }
        columns.push(below(column));
    }
    beside(columns).write(out, 3)
}

/// A face in one of four states: figures with advice, mixed words, all closed, all full or dark.
fn face(city: &City, ix: SignIx, sign: &Sign, state: usize) -> String {
    let figure = |n: usize, target: Target| {
        let capacity = capacity(city, target);
        match (state, n % 4) {
            (0, n) => Figure::Free(vlot_guidance::rounded(capacity * [62, 18, 85, 9][n] / 100)),
            (1, 0) | (3, 0 | 3) => Figure::Full,
            (1, 1) => Figure::Free(7),
            (1, 2) | (2, _) => Figure::Closed,
            (1, _) => Figure::Free(vlot_guidance::rounded(capacity)),
            (_, _) => Figure::Blank,
        }
    };
    let figures: Vec<_> = sign.lines.iter().enumerate().map(|(n, line)| figure(n, line.target)).collect();
    let advice = figures.iter().position(|figure| matches!(figure, Figure::Free(_)));
    faces::multi(ix, &figures, advice.and_then(|n| u32::try_from(n).ok()), city)
}

fn capacity(city: &City, target: Target) -> u32 {
    match target {
        Target::Facility(f) => city.facilities[f.at()].capacity,
        Target::Garage(g) => {
            city.garages[g.at()].sections.iter().map(|s| city.sections[s.at()].capacity).sum()
        }
        Target::Section(s) => city.sections[s.at()].capacity,
        Target::Place(_) | Target::Group { .. } => 0,
    }
}

/// Lamps, `None` where there is no sign.
struct Picture {
    width: usize,
    height: usize,
    lamps: Vec<Option<[u8; 3]>>,
}

fn draw(renderer: &FaceRenderer, sign: SignIx, multi: &str) -> Result<Picture, Box<dyn Error>> {
    page_of(renderer, sign, multi, 0)
}

/// A page of a face; dark where it has no such page.
fn page_of(
    renderer: &FaceRenderer,
    sign: SignIx,
    multi: &str,
    page: usize,
) -> Result<Picture, Box<dyn Error>> {
    let pages = renderer.render(sign, multi)?;
    let first = pages.first().ok_or("no page")?;
    let lamps = match pages.get(page) {
        Some(page) => page.rgb.chunks_exact(3).map(|rgb| Some([rgb[0], rgb[1], rgb[2]])).collect(),
        None => vec![Some([0; 3]); usize::from(first.width_px) * usize::from(first.height_px)],
    };
    Ok(Picture { width: first.width_px.into(), height: first.height_px.into(), lamps })
}

/// Pictures from left to right, with a margin.
fn beside(pictures: Vec<Picture>) -> Picture {
    let gap = 6;
    let height = pictures.iter().map(|p| p.height).max().unwrap_or(0) + 2 * gap;
    let width = pictures.iter().map(|p| p.width + gap).sum::<usize>() + gap;
    let mut whole = Picture { width, height, lamps: vec![None; width * height] };
    let mut left = gap;
    for picture in pictures {
        whole.put(&picture, left, gap);
        left += picture.width + gap;
    }
    whole
}

/// A few signs that show what there is.
fn sheet(city: &City, renderer: &FaceRenderer) -> Result<Picture, Box<dyn Error>> {
    let find = |id: &str| {
        let position = city.signs.iter().position(|s| &*s.id == id).ok_or_else(|| format!("no sign {id}"))?;
        Ok::<_, String>((SignIx::from_position(position), &city.signs[position]))
    };
    let columns = [
        &[("boudewijnlaan-in", 0), ("mechelsesteenweg-in", 1)][..],
        &[("martelarenplein-ingang", 0), ("tiensevest-ingang", 1)],
        &[("lei", 0), ("tiensestraat", 1), ("martelarenplein-groen-bord", 0)],
    ];
    let mut pictures = Vec::new();
    for column in columns {
        let mut faces = Vec::new();
        for &(id, state) in column {
            let (ix, sign) = find(id)?;
            faces.push(draw(renderer, ix, &face(city, ix, sign, state))?);
        }
        pictures.push(below(faces));
    }
    Ok(beside(pictures))
}

/// Pictures from top to bottom.
fn below(faces: Vec<Picture>) -> Picture {
    let width = faces.iter().map(|f| f.width).max().unwrap_or(0);
    let height = faces.iter().map(|f| f.height + 6).sum::<usize>().saturating_sub(6);
    let mut whole = Picture { width, height, lamps: vec![None; width * height] };
    let mut top = 0;
    for face in faces {
        whole.put(&face, 0, top);
        top += face.height + 6;
    }
    whole
}

impl Picture {
    fn put(&mut self, other: &Picture, left: usize, top: usize) {
        for y in 0..other.height {
            let to = (top + y) * self.width + left;
            self.lamps[to..to + other.width].copy_from_slice(&other.lamps[y * other.width..][..other.width]);
        }
    }

    /// Round lamps with dark between them, `pitch` pixels apart.
    fn write(&self, path: &Path, pitch: usize) -> Result<(), Box<dyn Error>> {
        let (width, height) = (self.width * pitch, self.height * pitch);
        let mut pixels = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                let colour = match self.lamps[y / pitch * self.width + x / pitch] {
                    None => GROUND,
                    Some(_) if is_gap(x % pitch, y % pitch, pitch) => HOUSING,
                    Some([0, 0, 0]) => OFF,
                    Some(lit) => lit,
                };
                pixels.extend(colour);
            }
        }
        let mut encoder =
            png::Encoder::new(File::create(path)?, u32::try_from(width)?, u32::try_from(height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(())
    }
}

/// Whether a place in a lamp's square lies outside the round lamp.
fn is_gap(x: usize, y: usize, pitch: usize) -> bool {
    let last = pitch - 1;
    let edge = x == last || y == last;
    let corner = pitch > 4 && (x == 0 || x + 1 == last) && (y == 0 || y + 1 == last);
    edge || corner
}
