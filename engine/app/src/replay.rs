//! `vlot replay`: the board from a journal, as it was at any tick.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use vlot_bridge::{Admission, Limits, WorkersOptions};
use vlot_model::{Board, Meters};
use vlot_store::journal::OnDamage;

use crate::check::{checked, load};
use crate::cli::Replay;
use crate::engine::LANE_DEPTH;
use crate::home::Home;
use crate::recovery::{era_at, feed_journal, open_reader};

/// Writes the board as JSON, byte for byte what the live engine had at that tick.
pub(crate) fn replay(options: &Replay) -> Result<()> {
    let home = Home::open(&options.data)?;
    let journal = home.journal();
    let on_damage = if options.skip_damage { OnDamage::SkipOver } else { OnDamage::Refuse };
    let settings = match &options.config {
        Some(config) => load(config).map_err(|problems| anyhow!("{problems}"))?.1,
        None => {
            let era = era_at(open_reader(&journal, on_damage)?, options.until)?
                .with_context(|| format!("{} is empty", journal.display()))?;
            checked(&home.kept(&era.fingerprint)?).map_err(|problems| anyhow!("{problems}"))?
        }
    };
    let started = Instant::now();
    let (board, meters) = (Arc::new(Board::new()), Arc::new(Meters::default()));
    let city = settings.city.clone();
    let mut running = vlot_bridge::start(WorkersOptions {
        workers: options.workers,
        lane_depth: LANE_DEPTH,
        city: city.clone(),
        board: board.clone(),
        meters: meters.clone(),
    })?;
    let mut admission = Admission::new(&city, Limits::default());
    let reader = open_reader(&journal, on_damage)?;
    let recovered = feed_journal(reader, options.until, &city, &meters, &mut admission, &mut running.feeder)?;
    drop(running.feeder);
    running.join.join_blocking()?;
    let took = started.elapsed();
    let text = vlot_publish::board_json(&board, &city);
    match &options.board {
        Some(file) => {
            std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?
        }
        None => match std::io::Write::write_all(&mut std::io::stdout().lock(), &text) {
            // A reader that went away has read enough.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                return Err(error).context("cannot write the board to standard output");
            }
            _ => {}
        },
    }
    tracing::info!(
        tick = recovered.tick,
        at = %recovered.at,
        readings = recovered.readings,
        took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "replayed"
    );
    Ok(())
}
