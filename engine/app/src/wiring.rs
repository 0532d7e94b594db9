//! From what the settings say to what each room wants to be told.

use std::path::Path;
use std::sync::Arc;

use vlot_gate::{Gate, Keys, Limits};
use vlot_ingest::mqtt;
use vlot_model::{City, Clock, Meters};
use vlot_settings::{
    Acts, AdmissionSettings, HistorySettings, JournalSettings, MqttProtocol, MqttSource, Qos, ServeSettings,
};
use vlot_store::history::{HistoryOptions, InfluxOptions, Retention};
use vlot_store::journal;

/// A source's options.
pub(crate) fn mqtt_options(settings: &MqttSource) -> mqtt::Options {
    let subscriptions = settings.subscriptions.iter().map(|s| mqtt::Subscription {
        filter: s.filter.clone(),
        format: s.format,
        qos: match s.qos {
            Qos::AtMostOnce => mqtt::Qos::AtMostOnce,
            Qos::AtLeastOnce => mqtt::Qos::AtLeastOnce,
        },
    });
    let password_file = settings.password_file.clone();
    mqtt::Options {
        protocol: match settings.protocol {
            MqttProtocol::V311 => mqtt::Protocol::V311,
            MqttProtocol::V5 => mqtt::Protocol::V5,
        },
        client_id: settings.client_id.clone(),
        credentials: settings.username.clone().map(|username| mqtt::Credentials { username, password_file }),
        tls: settings.tls.as_ref().map(|tls| mqtt::Tls {
            ca_file: tls.ca_file.clone(),
            client: tls.client.as_ref().map(|c| mqtt::ClientCertificate {
                cert_file: c.cert_file.clone(),
                key_file: c.key_file.clone(),
            }),
        }),
        keep_alive: settings.keep_alive,
        session_expiry: settings.session_expiry,
        in_flight_max: settings.in_flight_max,
        ..mqtt::Options::new(&settings.name, &settings.host, settings.port, subscriptions.collect())
    }
}

/// Where vehicles' identities end: one gate for all sources, with keys of its own that die with the process.
pub(crate) fn gate(city: &Arc<City>, meters: &Arc<Meters>) -> vlot_gate::Shared {
    let keys = Keys::new(Keys::ROTATE);
    vlot_gate::shared(Gate::new(city.clone(), keys, Limits::default(), meters.clone()))
}

/// The journal's options.
pub(crate) fn journal_options(settings: &JournalSettings, clock: Arc<dyn Clock>) -> journal::Options {
    journal::Options {
        segment_bytes: settings.segment_bytes,
        max_bytes: settings.max_bytes,
        queue: settings.queue,
        commit_every: settings.commit_every,
        keep: settings.keep,
        ..journal::Options::new(clock)
    }
}

/// The history's options; the engine's own seed keeps engines that wait for the same server apart.
pub(crate) fn history_options(settings: &HistorySettings, file: &Path, seed: u64) -> HistoryOptions {
    HistoryOptions {
        retention: Retention { minutes: settings.minute_keep, quarters: settings.quarter_keep },
        queue: settings.queue,
        influx: settings.influx.as_ref().map(|influx| InfluxOptions {
            token_file: influx.token_file.clone(),
            ca_file: influx.ca_file.clone(),
            batch: influx.batch,
            queue: influx.queue,
            timeout: influx.timeout,
            seed,
            ..InfluxOptions::new(&influx.url, &influx.org, &influx.bucket)
        }),
        ..HistoryOptions::new(file)
    }
}

/// The server's options.
pub(crate) fn serve_options(settings: &ServeSettings, admission: &AdmissionSettings) -> vlot_serve::Options {
    let options = vlot_serve::Options::new(settings.listen);
    vlot_serve::Options {
        tls: settings.tls.as_ref().map(|tls| vlot_serve::TlsFiles {
            cert_file: tls.cert_file.clone(),
            key_file: tls.key_file.clone(),
            client_ca_file: tls.client_ca_file.clone(),
        }),
        max_connections: settings.max_connections,
        max_streams: settings.max_streams,
        max_streams_per_connection: settings.max_streams_per_connection,
        keep_alive: settings.keep_alive,
        acts: vlot_serve::ActRules {
            from: match settings.acts {
                Acts::Loopback => vlot_serve::ActsFrom::Loopback,
                Acts::ClientCertificate => vlot_serve::ActsFrom::ClientCertificate,
                Acts::Off => vlot_serve::ActsFrom::Nobody,
            },
            operators: settings.operators.clone(),
            behind_max: admission.clock_behind,
            ..options.acts
        },
        ..options
    }
}
