//! Config files to checked settings: every problem found at once, with file, line, place and hint.
//!
//! `docs/configuration.md` has every key; a test holds it against the code.

mod check;
#[cfg(test)]
mod documentation;
mod gtfs;
mod problem;
mod read;
mod settings;
mod source;
mod topic;

pub use check::{Warning, warnings};
pub use problem::{Problem, Problems};
pub use settings::{
    Acts, AdmissionSettings, ClientCertificate, HistorySettings, HttpForm, HttpSource, InfluxSettings,
    JournalSettings, MqttProtocol, MqttSource, MqttTls, Qos, ServeSettings, Settings, SituationSettings,
    Subscription, TlsFiles,
};
pub use source::{MAX_FILE_BYTES, Source};

/// Checks a configuration as a whole. Touches no file but what `source` has read: secrets and certificates may be
/// missing where it is checked.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(source: &Source) -> Result<Settings, Problems> {
    let report = read::Report::default();
    let settings = check::settings(source, &report);
    match Problems::of(report.into_problems()) {
        Some(problems) => Err(problems),
        None => Ok(settings),
    }
}
