//! What a running source hands to who started it.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A source that runs in the background, with a state of its own kind. Dropping it stops it too.
#[derive(Debug)]
pub struct Source<S> {
    kind: &'static str,
    state: Arc<Mutex<S>>,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl<S: Clone> Source<S> {
    /// Starts what `run` makes of the state and of the sign to stop. Call it within a tokio runtime.
    pub(crate) fn start<F>(
        kind: &'static str,
        state: S,
        run: impl FnOnce(Arc<Mutex<S>>, watch::Receiver<()>) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let state = Arc::new(Mutex::new(state));
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(run(Arc::clone(&state), stopped));
        Source { kind, state, stop, task }
    }

    /// How it is doing now.
    #[must_use]
    pub fn state(&self) -> S {
        self.state.lock().clone()
    }

    /// Takes nothing in any more, and ends when what it has in hand is done.
    pub async fn stop(self) {
        let Source { kind, stop, task, .. } = self;
        stop.send_replace(());
        if let Err(error) = task.await {
            tracing::error!(%error, "{kind} did not end well");
        }
    }
}
