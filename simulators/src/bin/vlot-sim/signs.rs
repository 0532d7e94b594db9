//! `vlot-sim signs`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use vlot_simulators::picture::Picture;
use vlot_simulators::signs::{self, Encoding, Live, Options, SignSpec, SignsReport};

use crate::common::{Outcome, duration, layout, positive, read, say, simulated, stop};

/// Connect a city's signs and garage guidance to an engine, and tell what they show.
#[derive(Args)]
pub(crate) struct SignsArgs {
    /// Folder with the configuration.
    #[arg(long, default_value = "config/leuven", value_name = "DIR")]
    config: PathBuf,
    /// The engine.
    #[arg(long, default_value = "http://127.0.0.1:7101", value_name = "URL")]
    engine: String,
    /// The engine's issuer, in PEM; needed for https.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Only these signs; without it, all.
    #[arg(long = "sign", value_name = "ID")]
    signs: Vec<String>,
    /// Without the garages' guidance.
    #[arg(long)]
    no_garages: bool,
    /// Simulated seconds in one of the wall's; the engine's own speed.
    #[arg(long, default_value = "1", value_parser = positive)]
    speed: f64,
    /// First simulated instant; without it, now.
    #[arg(long, value_name = "INSTANT")]
    start: Option<jiff::Timestamp>,
    /// Stop after this time of the wall's.
    #[arg(long, value_parser = duration)]
    duration: Option<Duration>,
    /// Ask for rendered pages, and write each sign's present page here as SIGN.png, and as lamps SIGN.lamps.png.
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
}

pub(crate) async fn run(args: SignsArgs) -> Outcome {
    let layout = layout(&args.config)?;
    let signs: Vec<SignSpec> = layout
        .signs
        .iter()
        .filter(|s| args.signs.is_empty() || args.signs.contains(&s.id))
        .map(SignSpec::from)
        .collect();
    if let Some(unknown) = args.signs.iter().find(|id| !signs.iter().any(|s| s.id == **id)) {
        return Err(format!("no sign {unknown:?} in {}", args.config.display()).into());
    }
    if let Some(dir) = &args.pictures {
        std::fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    }
    let live = Arc::new(Live::default());
    let options = Options {
        endpoint: args.engine,
        ca_pem: args.ca.as_deref().map(read).transpose()?,
        signs,
        garages: if args.no_garages {
            Vec::new()
        } else {
            layout.garages.into_iter().map(|g| g.id).collect()
        },
        now_micros: simulated(args.start, args.speed),
        speed: args.speed,
        encoding: if args.pictures.is_some() { Encoding::Png } else { Encoding::Multi },
        live: Arc::clone(&live),
    };
    let watching = tokio::spawn(watch(live, args.pictures));
    let report = signs::run(options, stop(args.duration)).await;
    watching.abort();
    tell(&report?);
    Ok(())
}

fn tell(report: &SignsReport) {
    say(format_args!(
        "{} connected at most, {} reconnects, {} faces shown, {} renewed, {} fell back, {} rejected, {} past their end",
        report.connected_max,
        report.reconnects,
        report.faces_shown,
        report.renewals,
        report.fallbacks,
        report.rejected,
        report.shown_past_end
    ));
    let l = &report.latency;
    say(format_args!(
        "publish to receipt over {} faces: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
        l.count, l.p50_ms, l.p90_ms, l.p99_ms, l.max_ms
    ));
}

/// A line for each sign that changes, and its picture.
async fn watch(live: Arc<Live>, pictures: Option<PathBuf>) {
    let mut before: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let texts = live.texts();
        for (id, text) in &texts {
            let view = live.sign(id);
            if let Some(why) = view.as_ref().and_then(|v| v.refused.clone())
                && refused.get(id) != Some(&why)
            {
                say(format_args!("{id}: not connected: {why}"));
                refused.insert(id.clone(), why);
            }
            if before.get(id).is_none_or(|old| old != text) {
                say(format_args!("{id}: {}", text.as_deref().unwrap_or("(dark)")));
                let page = view.and_then(|v| v.face).and_then(|f| f.pages.first().cloned());
                if let (Some(dir), Some(page)) = (&pictures, page)
                    && let Err(e) = draw(dir, id, &page)
                {
                    say(format_args!("{id}: {e}"));
                }
            }
        }
        before = texts;
    }
}

fn draw(dir: &Path, id: &str, page: &[u8]) -> Outcome {
    // An id is the configuration's text: only its own file name may come of it.
    let name: String =
        id.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '_' }).collect();
    std::fs::write(dir.join(format!("{name}.png")), page)?;
    std::fs::write(dir.join(format!("{name}.lamps.png")), Picture::from_png(page)?.lamps_png(6)?)?;
    Ok(())
}
