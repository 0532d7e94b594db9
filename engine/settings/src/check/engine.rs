//! city.toml: what the engine lets in, keeps and serves.

use std::time::Duration;

use crate::read::{Accepted, Among, FilePath, Listen, Names, Span, SpanOrForever, Table, Whole};
use crate::{Acts, AdmissionSettings, JournalSettings, ServeSettings, Source, TlsFiles};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

pub(super) fn admission(mut table: Table<'_>) -> AdmissionSettings {
    AdmissionSettings {
        clock_ahead: table.or("clock_ahead", Span(SECOND..=HOUR), "\"2m\""),
        clock_behind: table.or("clock_behind", Span(MINUTE..=30 * DAY), "\"24h\""),
        batch_max: table.or("batch_max", Whole(1..=65_536), "1024"),
        queue: table.or("queue", Whole(16..=1_000_000), "8192"),
    }
}

pub(super) fn journal(mut table: Table<'_>) -> JournalSettings {
    let segment_bytes = table.or("segment_bytes", Whole(1_048_576..=1_073_741_824), "67108864");
    let max_bytes = table.optional("max_bytes", Whole(4_194_304..=1_125_899_906_842_624));
    if let Some(max) = max_bytes.filter(|max| table.is_sound("segment_bytes") && *max < 4 * segment_bytes) {
        table.problem(
            "max_bytes",
            format!("{max} is less than four segments of {segment_bytes} bytes"),
            "whole segments are removed: give it more, or make segment_bytes less",
        );
    }
    JournalSettings {
        segment_bytes,
        max_bytes,
        commit_every: table.or("commit_every", Span(Duration::ZERO..=SECOND), "\"0s\""),
        keep: table.or("keep", SpanOrForever(DAY..=3_650 * DAY), "\"30d\""),
        queue: table.or("queue", Whole(1..=65_536), "1024"),
    }
}

pub(super) fn serve(mut table: Table<'_>, source: &Source) -> ServeSettings {
    let listen = table.or("listen", Listen, "\"127.0.0.1:7101\"");
    let tls = table.table("tls").map(|mut tls| TlsFiles {
        cert_file: source.path(&tls.required("cert_file", FilePath)),
        key_file: source.path(&tls.required("key_file", FilePath)),
        client_ca_file: tls.optional("client_ca_file", FilePath).map(|path| source.path(&path)),
    });
    encryption(&mut table, listen.ip().is_loopback(), "listen", &listen.to_string());
    let acts = acts(&mut table, &listen, tls.as_ref());
    let operators = table.optional("operators", Names);
    if operators.is_some() && acts != Acts::ClientCertificate {
        table.problem(
            "operators",
            "names who may act, and nothing bears the names out",
            "write acts = \"client-certificate\", or leave the list out",
        );
    }
    ServeSettings {
        listen,
        tls,
        max_connections: table.or("max_connections", Whole(1..=1_000_000), "10000"),
        max_streams: table.or("max_streams", Whole(1..=1_000_000), "20000"),
        max_streams_per_connection: table.or("max_streams_per_connection", Whole(1..=100_000), "1000"),
        keep_alive: table.or("keep_alive", Span(5 * SECOND..=HOUR), "\"60s\""),
        acts,
        operators: operators.unwrap_or_default(),
    }
}

const ACTS: [(&str, Acts); 3] =
    [("loopback", Acts::Loopback), ("client-certificate", Acts::ClientCertificate), ("off", Acts::Off)];

/// An operator's act changes what signs say: only for who can be told apart from everybody else on the network.
fn acts(table: &mut Table<'_>, listen: &std::net::SocketAddr, tls: Option<&TlsFiles>) -> Acts {
    let acts = table.or("acts", Among(&ACTS), "\"loopback\"");
    if !table.has("acts") || !table.is_sound("acts") {
        return acts;
    }
    match acts {
        Acts::Loopback if !listen.ip().is_loopback() => table.problem(
            "acts",
            format!("would be taken from this machine alone, but the server listens on {listen}"),
            "take acts by \"client-certificate\", or write \"off\"",
        ),
        Acts::ClientCertificate if tls.is_none_or(|tls| tls.client_ca_file.is_none()) => table.problem(
            "acts",
            "asks for client certificates, and no issuer of such is named",
            "add client_ca_file to [serve.tls]",
        ),
        _ => {}
    }
    acts
}

/// Beyond this machine, plain text is only for who says so.
pub(super) fn encryption(table: &mut Table<'_>, on_this_machine: bool, key: &str, address: &str) {
    let accepted = table.optional("plaintext", Accepted);
    if accepted.is_some() && table.has("tls") {
        table.problem("plaintext", "is accepted although [tls] is set", "remove one of the two");
    }
    if !on_this_machine && !table.has("tls") && !table.has("plaintext") {
        let what = format!("{address} is beyond this machine, and nothing is encrypted");
        table.problem(key, what, "add a [tls] table, or write plaintext = \"accepted\"");
    }
}
