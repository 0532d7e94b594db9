//! city.toml: what is kept of the past, and where else it goes.

use std::time::Duration;

use crate::read::{Accepted, Among, FilePath, Span, SpanOrForever, Table, Text, Whole, Word};
use crate::{HistorySettings, InfluxSettings, Source};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

const ENABLED: [(&str, bool); 2] = [("yes", true), ("no", false)];

pub(super) fn read(mut table: Table<'_>, source: &Source) -> HistorySettings {
    let file = table.or("file", Word, "\"history.sqlite\"");
    if file.starts_with('.') {
        table.problem(
            "file",
            format!("{file:?} begins with a dot"),
            "a plain name within the data directory",
        );
    }
    HistorySettings {
        enabled: table.or("enabled", Among(&ENABLED), "\"yes\""),
        minute_keep: table.or("minute_keep", SpanOrForever(DAY..=3_650 * DAY), "\"30d\""),
        quarter_keep: table.or("quarter_keep", SpanOrForever(DAY..=36_500 * DAY), "\"1825d\""),
        queue: table.or("queue", Whole(1_000..=10_000_000), "200000"),
        influx: table.table("influx").map(|mut influx| self::influx(&mut influx, source)),
        file,
    }
}

fn influx(table: &mut Table<'_>, source: &Source) -> InfluxSettings {
    table.forbidden("token", "write it in a file of its own and give token_file");
    let url = table.required("url", Text(256));
    if table.is_sound("url") {
        match Address::of(&url) {
            Ok(address) => {
                let accepted = table.optional("plaintext", Accepted);
                if !address.encrypted && !address.on_this_machine && accepted.is_none() {
                    let what = format!("{url} is beyond this machine, and nothing is encrypted");
                    table.problem("url", what, "use https://, or write plaintext = \"accepted\"");
                }
            }
            Err(hint) => table.problem("url", format!("{url:?} is no server's address"), hint),
        }
    }
    InfluxSettings {
        org: table.required("org", Text(128)),
        bucket: table.required("bucket", Text(128)),
        token_file: table.optional("token_file", FilePath).map(|path| source.path(&path)),
        ca_file: table.optional("ca_file", FilePath).map(|path| source.path(&path)),
        batch: table.or("batch", Whole(1..=5_000), "5000"),
        queue: table.or("queue", Whole(1_000..=10_000_000), "200000"),
        timeout: table.or("timeout", Span(SECOND..=60 * SECOND), "\"10s\""),
        url,
    }
}

struct Address {
    encrypted: bool,
    on_this_machine: bool,
}

impl Address {
    /// Reads `http://host:port` and `https://host:port`; the hint when it is neither.
    fn of(url: &str) -> Result<Address, &'static str> {
        let (encrypted, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err("it begins with https:// or http://"),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('/') {
            return Err("it has no path: the client would lose it");
        }
        if rest.contains(['@', '?', '#', ' ']) || rest.chars().any(char::is_control) {
            return Err("it has a host and a port alone; the token stands in token_file");
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !rest.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
            return Err("its port is a number from 1 to 65535");
        }
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() {
            return Err("it has no host");
        }
        let on_this_machine =
            bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        Ok(Address { encrypted, on_this_machine })
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_has_a_scheme_and_a_host_and_nothing_behind() {
        let of = |url| Address::of(url).ok().map(|a| (a.encrypted, a.on_this_machine));
        assert_eq!(of("http://localhost:8086"), Some((false, true)));
        assert_eq!(of("http://127.0.0.1:8428/"), Some((false, true)));
        assert_eq!(of("http://[::1]:8086"), Some((false, true)));
        assert_eq!(of("https://influx.example"), Some((true, false)));
        assert_eq!(of("http://127.0.0.1.example:80"), Some((false, false)));
        for wrong in
            ["influx:8086", "http://", "http://:80", "http://a/b", "http://u:p@a", "http://a:0", "http://a:x"]
        {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
