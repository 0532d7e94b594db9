//! `vlot-sim picture`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use vlot_simulators::picture::Picture;
use vlot_simulators::signs::{self, Encoding, Live, Options, SignSpec};

use crate::common::{Outcome, duration, layout, positive, read, say, simulated};

/// Draw what a sign is to show, in the terminal or as a PNG.
///
/// It stands in for the sign, since only a sign is sent rendered pages: if the real one is connected, its connection
/// ends, and it returns by itself.
#[derive(Args)]
pub(crate) struct PictureArgs {
    /// The sign's id.
    #[arg(required_unless_present = "file")]
    sign: Option<String>,
    /// Draw this page instead, a PNG.
    #[arg(long, value_name = "FILE", conflicts_with = "sign")]
    file: Option<PathBuf>,
    /// Folder with the configuration.
    #[arg(long, default_value = "config/leuven", value_name = "DIR")]
    config: PathBuf,
    /// The engine.
    #[arg(long, default_value = "http://127.0.0.1:7101", value_name = "URL")]
    engine: String,
    /// The engine's issuer, in PEM; needed for https.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Simulated seconds in one of the wall's; the engine's own speed.
    #[arg(long, default_value = "1", value_parser = positive)]
    speed: f64,
    /// Wait this long for a face.
    #[arg(long, default_value = "5s", value_parser = duration)]
    wait: Duration,
    /// Write a PNG in which each pixel is a lamp.
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Pixels of that PNG from lamp to lamp, 3 to 32.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(3..=32))]
    pitch: u32,
}

pub(crate) async fn run(args: PictureArgs) -> Outcome {
    let (pages, text) = match (&args.file, &args.sign) {
        (Some(file), _) => {
            let page = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
            (vec![page], None)
        }
        (None, Some(sign)) => present(&args, sign).await?,
        (None, None) => return Err("which sign?".into()),
    };
    for (n, page) in pages.iter().enumerate() {
        let picture = Picture::from_png(page)?;
        match &args.png {
            None => say(picture.half_blocks()),
            Some(file) => {
                let file = if n == 0 { file.clone() } else { numbered(file, n) };
                std::fs::write(&file, picture.lamps_png(args.pitch)?)
                    .map_err(|e| format!("{}: {e}", file.display()))?;
                say(format_args!("{}", file.display()));
            }
        }
    }
    if let Some(text) = text {
        say(text);
    }
    Ok(())
}

/// `face.png`, then `face-2.png` and so on.
fn numbered(file: &std::path::Path, n: usize) -> PathBuf {
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    file.with_file_name(format!("{stem}-{}.png", n + 1))
}

/// The sign's present pages and words.
async fn present(
    args: &PictureArgs,
    id: &str,
) -> Result<(Vec<Vec<u8>>, Option<String>), Box<dyn std::error::Error + Send + Sync>> {
    let layout = layout(&args.config)?;
    let spec = layout.signs.iter().find(|s| s.id == id).map(SignSpec::from);
    let spec = spec.ok_or_else(|| format!("no sign {id:?} in {}", args.config.display()))?;
    let live = Arc::new(Live::default());
    let options = Options {
        endpoint: args.engine.clone(),
        ca_pem: args.ca.as_deref().map(read).transpose()?,
        signs: vec![spec],
        garages: Vec::new(),
        now_micros: simulated(None, args.speed),
        speed: args.speed,
        encoding: Encoding::Png,
        live: Arc::clone(&live),
    };
    let mut face = None;
    let got = async {
        let end = tokio::time::Instant::now() + args.wait;
        while face.is_none() && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
            face = live.sign(id).and_then(|view| view.face);
        }
    };
    signs::run(options, got).await?;
    match face {
        Some(face) => Ok((face.pages, Some(face.text))),
        None => {
            let why =
                live.sign(id).and_then(|v| v.refused).map_or_else(String::new, |why| format!(": {why}"));
            Err(format!("no face for {id} within {:?}{why}", args.wait).into())
        }
    }
}
