//! The documents that are polled, as parts of the engine.

use std::sync::{Arc, Mutex, PoisonError};

use vlot_ingest::http::{self, Form, Source};
use vlot_ingest::mqtt::Intake;
use vlot_serve::Problem;
use vlot_settings::{HttpForm, HttpSource};

/// By name; empty before the engine serves and once it stops.
#[derive(Clone, Default)]
pub(crate) struct Feeds(Arc<Mutex<Vec<(String, Source)>>>);

impl Feeds {
    /// Begins to poll.
    pub(crate) fn start(&self, settings: &[HttpSource], intake: &Intake) {
        let start = |source: &HttpSource| (source.name.clone(), http::start(options(source), intake.clone()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = settings.iter().map(start).collect();
    }

    /// Those that bring nothing of the present.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let states = feeds.iter().map(|(name, source)| (name, source.state()));
        states
            .filter(|(_, state)| !state.well)
            .map(|(name, state)| Problem {
                part: name.clone(),
                what: state.error.unwrap_or_else(|| "not polled yet".to_owned()),
                since: state.since,
                halts: false,
            })
            .collect()
    }

    /// Asks for nothing any more.
    pub(crate) async fn stop(&self) {
        let feeds = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, source) in feeds {
            source.stop().await;
        }
    }
}

fn options(settings: &HttpSource) -> http::Options {
    let form = match settings.form {
        HttpForm::MivXml => Form::MivXml,
    };
    http::Options {
        every: settings.every,
        timeout: settings.timeout,
        stale_after: settings.stale_after,
        bytes_max: settings.bytes_max,
        ca_file: settings.ca_file.clone(),
        ..http::Options::new(&settings.name, &settings.url, form)
    }
}
