//! mqtt.toml: brokers and what to subscribe to.

use std::time::Duration;

use vlot_model::Format;

use super::engine::encryption;
use crate::read::{Among, FilePath, Filter, Host, Id, Named, Span, Table, Text, Whole, Word};
use crate::topic::overlap;
use crate::{ClientCertificate, MqttProtocol, MqttSource, MqttTls, Qos, Source, Subscription};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

const PROTOCOLS: [(&str, MqttProtocol); 2] = [("5", MqttProtocol::V5), ("3.1.1", MqttProtocol::V311)];
const QOS: std::ops::RangeInclusive<u8> = 0..=1;

pub(super) fn read(mut root: Table<'_>, files: &Source, whole: bool) -> Vec<MqttSource> {
    let mut sources: Vec<MqttSource> = Vec::new();
    for mut table in root.tables("source") {
        let source = source(&mut table, files);
        if sources.iter().any(|s| s.name == source.name && !s.name.is_empty()) {
            table.problem(
                "name",
                format!("{:?} is taken", source.name),
                "every source has a name of its own",
            );
        }
        let same_broker = |s: &&MqttSource| {
            (&s.host, s.port, &s.client_id) == (&source.host, source.port, &source.client_id)
        };
        if let Some(other) = sources.iter().find(same_broker).filter(|s| !s.client_id.is_empty()) {
            let what =
                format!("{:?} is taken by source {:?} at the same broker", source.client_id, other.name);
            table.problem("client_id", what, "the broker would throw one of the two out, in turns");
        }
        sources.push(source);
    }
    if sources.is_empty() && whole {
        root.wrong("has no [[source]]", "an engine without a broker hears nothing");
    }
    sources
}

fn source(table: &mut Table<'_>, files: &Source) -> MqttSource {
    let name = table.required("name", Id);
    let host = table.required("host", Host);
    table.forbidden("password", "write it in a file of its own and give password_file");
    let username = table.optional("username", Text(256));
    let password_file = table.optional("password_file", FilePath).map(|path| files.path(&path));
    if password_file.is_some() && !table.has("username") {
        table.problem("password_file", "has no username beside it", "add username");
    }
    let tls = table.table("tls").map(|mut tls| self::tls(&mut tls, files));
    encryption(table, on_this_machine(&host), "host", &host);
    let protocol = table.or("protocol", Among(&PROTOCOLS), "\"5\"");
    let source = MqttSource {
        port: table.required("port", Whole(1..=65_535)),
        client_id: table.required("client_id", Word),
        keep_alive: table.or("keep_alive", Span(5 * SECOND..=3_600 * SECOND), "\"30s\""),
        session_expiry: table.or("session_expiry", Span(60 * SECOND..=30 * DAY), "\"24h\""),
        in_flight_max: table.or("in_flight_max", Whole(1..=65_535), "1000"),
        subscriptions: subscriptions(table),
        name,
        host,
        protocol,
        username,
        password_file,
        tls,
    };
    if protocol == MqttProtocol::V311 && table.has("session_expiry") {
        let hint = "the broker decides: remove it, or use \"5\"";
        table.problem("session_expiry", "has no effect with protocol 3.1.1", hint);
    }
    source
}

fn tls(table: &mut Table<'_>, files: &Source) -> MqttTls {
    let ca_file = files.path(&table.required("ca_file", FilePath));
    let cert_file = table.optional("cert_file", FilePath);
    let key_file = table.optional("key_file", FilePath);
    for (key, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        if table.has(key) && !table.has(other) {
            table.problem(key, format!("has no {other} beside it"), "a client's certificate needs both");
        }
    }
    let client = cert_file
        .zip(key_file)
        .map(|(cert, key)| ClientCertificate { cert_file: files.path(&cert), key_file: files.path(&key) });
    MqttTls { ca_file, client }
}

fn subscriptions(table: &mut Table<'_>) -> Vec<Subscription> {
    let mut subscriptions: Vec<Subscription> = Vec::new();
    for mut entry in table.tables("subscription") {
        let filter = entry.required("filter", Filter);
        let format = entry.required("format", Named::or_stand_in(Format::VlotJson));
        let qos = match entry.or("qos", Whole(QOS), "1") {
            0 => Qos::AtMostOnce,
            _ => Qos::AtLeastOnce,
        };
        let twice = |s: &&Subscription| !filter.is_empty() && overlap(&s.filter, &filter);
        if let Some(other) = subscriptions.iter().find(twice) {
            let what = format!("{filter:?} and {:?} match the same topics", other.filter);
            entry.problem("filter", what, "such a message would come twice, and in two formats");
        }
        if !filter.is_empty() {
            subscriptions.push(Subscription { filter, format, qos });
        }
    }
    if !table.has("subscription") {
        table.wrong("subscribes to nothing", "add a [[source.subscription]] with filter and format");
    }
    subscriptions
}

pub(super) fn on_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
