//! The gate's timer: what it holds leaves in its time, though no vehicle comes any more.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use vlot_model::Submission;

use crate::mqtt::Intake;

/// Lets time pass at the gate. Dropping it stops it too, in the background.
#[derive(Debug)]
pub struct Timer {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Timer {
    /// Looks at the gate this often by the wall; how late it is there, the intake's clock says. Call it within a tokio runtime.
    #[must_use]
    pub fn start(intake: Intake, every: Duration) -> Timer {
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(run(intake, every, stopped));
        Timer { stop, task }
    }

    /// Looks no more. What the gate still holds it keeps, and loses with the process.
    pub async fn stop(self) {
        let Timer { stop, task } = self;
        stop.send_replace(());
        if let Err(error) = task.await {
            tracing::error!(%error, "the gate's timer did not end well");
        }
    }
}

async fn run(intake: Intake, every: Duration, mut stopped: watch::Receiver<()>) {
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(every) => {}
        }
        // First room, then what takes it: nothing has left the gate that nobody can take.
        let room = tokio::select! {
            _ = stopped.changed() => return,
            room = intake.out.reserve() => room,
        };
        let Ok(room) = room else { return };
        let mut readings = Vec::new();
        intake.gate.lock().advance(intake.clock.now(), &mut readings);
        if !readings.is_empty() {
            // Their sightings are acknowledged already: the gate had them.
            room.send(Submission { readings, receipt: None });
        }
    }
}
