//! From what the settings say to what each room wants to be told.

use std::sync::Arc;

use vlot_model::Clock;
use vlot_settings::{JournalSettings, ServeSettings};
use vlot_store::journal;

/// The journal's options.
pub(crate) fn journal_options(settings: &JournalSettings, clock: Arc<dyn Clock>) -> journal::Options {
    journal::Options {
        segment_bytes: settings.segment_bytes,
        queue: settings.queue,
        commit_every: settings.commit_every,
        keep: settings.keep,
        ..journal::Options::new(clock)
    }
}

/// The server's options.
pub(crate) fn serve_options(settings: &ServeSettings) -> vlot_serve::Options {
    vlot_serve::Options {
        tls: settings.tls.as_ref().map(|tls| vlot_serve::TlsFiles {
            cert_file: tls.cert_file.clone(),
            key_file: tls.key_file.clone(),
            client_ca_file: tls.client_ca_file.clone(),
        }),
        max_streams: settings.max_streams,
        max_streams_per_connection: settings.max_streams_per_connection,
        keep_alive: settings.keep_alive,
        ..vlot_serve::Options::new(settings.listen)
    }
}
