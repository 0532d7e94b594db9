//! Vlot itself, in this process: admission, dataflow, guidance and board as in production, under the simulation's clock.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use vlot_bridge::{Admission, Batch, Limits, Running, WorkersOptions};
use vlot_model::{Board, City, Face, Key, Meters, Product, Reading, SignIx, Tick};

use super::sensors::at;

const WITHIN: Duration = Duration::from_secs(60);

pub(super) struct Vlot {
    board: Arc<Board>,
    running: Running,
    admission: Admission,
    tick: Tick,
    runtime: tokio::runtime::Runtime,
    pub(super) refused: u64,
}

impl Vlot {
    pub(super) fn start(city: City) -> Result<Self> {
        let (city, board) = (Arc::new(city), Arc::new(Board::new()));
        let admission = Admission::new(&city, Limits::default());
        let running = vlot_bridge::start(WorkersOptions {
            workers: NonZeroUsize::MIN,
            lane_depth: 4,
            city,
            board: Arc::clone(&board),
            meters: Arc::new(Meters::default()),
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok(Vlot { board, running, admission, tick: 0, runtime, refused: 0 })
    }

    /// A second passes: what was heard in it, then the clock; returns when all of it is on the board.
    pub(super) fn second(&mut self, second: i64, heard: &[Reading]) -> Result<()> {
        let mut admitted = Vec::with_capacity(heard.len());
        let refused = &mut self.refused;
        for reading in heard {
            self.admission.judge(std::slice::from_ref(reading), |reading, verdict| match verdict {
                Ok(()) => admitted.push(reading.clone()),
                Err(_) => *refused += 1,
            });
        }
        let mut batch = Batch::default();
        if !admitted.is_empty() {
            self.tick += 1;
            batch.push(self.tick, at(second), admitted);
        }
        self.tick += 1;
        batch.push(self.tick, at(second), Vec::new());
        self.running.feeder.feed_blocking(batch)?;
        let (completed, tick) = (&mut self.running.completed, self.tick);
        let done = self.runtime.block_on(async {
            tokio::time::timeout(WITHIN, completed.wait_for(|done| *done >= tick)).await.map(|r| r.is_ok())
        });
        anyhow::ensure!(done.context("the engine does not finish a second in time")?, "the engine has ended");
        Ok(())
    }

    pub(super) fn face(&self, sign: usize) -> Option<Arc<Face>> {
        match &*self.board.get(Key::Face(SignIx::from_position(sign)))?.product {
            Product::Face(face) => Some(Arc::clone(face)),
            _ => None,
        }
    }

    /// The share that obeys, as it is told, and its standard deviation.
    pub(super) fn told_compliance(&self) -> Option<[f32; 2]> {
        match &*self.board.get(Key::Guidance)?.product {
            Product::Guidance(state) => Some([state.compliance.share, state.compliance.sd]),
            _ => None,
        }
    }

    pub(super) fn stop(self) -> Result<()> {
        let Running { feeder, join, .. } = self.running;
        drop(feeder);
        Ok(join.join_blocking()?)
    }
}
