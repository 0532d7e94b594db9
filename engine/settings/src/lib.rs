//! Config files to checked settings: every problem found at once, with file, place and hint.

mod problem;
mod settings;
mod source;

pub use problem::{Problem, Problems};
pub use settings::{
    AdmissionSettings, ClientCertificate, JournalSettings, MqttProtocol, MqttSource, MqttTls, Qos, ServeSettings,
    Settings, Subscription, TlsFiles,
};
pub use source::{MAX_FILE_BYTES, Source};
