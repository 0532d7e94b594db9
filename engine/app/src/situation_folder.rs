//! The folder of files that state situations, as the engine starts it and hears of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use vlot_ingest::situations::{Folder, Intake, Options};
use vlot_model::{Board, Clock, Key, Phase, Product, Submission};
use vlot_serve::Problem;
use vlot_settings::Settings;

/// The folder is looked at this often.
const EVERY: Duration = Duration::from_secs(2);

/// What the watch on the folder needs; `None` where there is none to watch.
pub(crate) fn parts(
    settings: &Settings,
    board: &Board,
    clock: Arc<dyn Clock>,
    inbox: &mpsc::Sender<Submission>,
) -> Option<(Options, Intake)> {
    let folder = settings.situations.folder.clone()?;
    let Some(device) = settings.city.roads_desk() else {
        tracing::warn!(folder = %folder.display(), "situations in files are not read: the city has no desk for the roads");
        return None;
    };
    // What a run before has read stands on the board again; a file that has gone since is to take its own back.
    let (_, known) = board.changed_since(0, |key| matches!(key, Key::Situation(_)));
    let standing = known.iter().filter_map(|(_, entry)| match &*entry.product {
        Product::Situation(state) if state.phase != Phase::Ended => Some(Arc::clone(&state.situation)),
        _ => None,
    });
    let standing = standing.collect();
    let wrong_hours =
        |hours: &str| vlot_hours::wrong_hours(hours).map(|(what, hint)| format!("{what} (hint: {hint})"));
    let timezone = settings.city.timezone.as_str().into();
    let options = Options { folder, every: EVERY, timezone, wrong_hours };
    Some((options, Intake { device, clock, standing, out: inbox.clone() }))
}

/// What is wrong with the folder and its files.
pub(crate) fn problems(folder: &Mutex<Option<Folder>>) -> Vec<Problem> {
    let folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
    let troubles = folder.as_ref().map(Folder::troubles).unwrap_or_default().into_iter();
    troubles
        .map(|t| Problem { part: "situations".to_owned(), what: t.what, since: t.since, halts: false })
        .collect()
}
