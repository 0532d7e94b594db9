//! `vlot run`: the engine alone, against an external broker.

use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use tokio::signal::unix::{SignalKind, signal};

use vlot_store::journal::OnDamage;

use crate::check::load;
use crate::cli::Run;
use crate::clock::WallClock;
use crate::engine::{Engine, Parts};

/// Runs until it is told to stop.
pub(crate) async fn run(options: Run) -> Result<()> {
    let (source, settings) = load(&options.config).map_err(|problems| anyhow!("{problems}"))?;
    let on_damage = if options.skip_damage { OnDamage::SkipOver } else { OnDamage::Refuse };
    let parts = Parts { source, settings, data: options.data, workers: options.workers, on_damage };
    let engine = Engine::start(parts, Arc::new(WallClock), |_| {}).await?;
    tracing::info!(
        grpc = %engine.grpc,
        tick = engine.recovered.tick,
        readings = engine.recovered.readings,
        "listening; the journal was read back"
    );
    let mut stop = Stop::new()?;
    let mut look = tokio::time::interval(std::time::Duration::from_millis(500));
    let failed = loop {
        tokio::select! {
            () = stop.told() => break false,
            _ = look.tick() => if engine.failed() { break true },
        }
    };
    tracing::info!("stopping");
    within_limit(engine.stop()).await?;
    if failed {
        bail!("a part of the engine ended by itself");
    }
    Ok(())
}

/// Ctrl-C and SIGTERM.
pub(crate) struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    pub(crate) fn new() -> Result<Stop> {
        Ok(Stop { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Returns when either was sent.
    pub(crate) async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// An orderly stop takes at most this long; what is not done by then was not acknowledged, and comes again.
pub(crate) async fn within_limit<T>(stop: impl Future<Output = Result<T>>) -> Result<T> {
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(15);
    match tokio::time::timeout(LIMIT, stop).await {
        Ok(result) => result,
        Err(_) => bail!("the engine did not stop within {LIMIT:?} (hint: is the disk full?)"),
    }
}
