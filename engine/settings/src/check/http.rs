//! http.toml: documents that are polled.

use std::time::Duration;

use super::mqtt::on_this_machine;
use crate::read::{Accepted, Among, FilePath, Id, Span, Table, Text, Whole};
use crate::{HttpForm, HttpSource, Source};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

const FORMS: [(&str, HttpForm); 1] = [("miv-xml", HttpForm::MivXml)];

pub(super) fn read(mut root: Table<'_>, files: &Source) -> Vec<HttpSource> {
    let mut sources: Vec<HttpSource> = Vec::new();
    for mut table in root.tables("http_source") {
        let source = source(&mut table, files);
        if sources.iter().any(|s| s.name == source.name && !s.name.is_empty()) {
            let what = format!("{:?} is taken", source.name);
            table.problem("name", what, "every source has a name of its own");
        }
        if let Some(other) = sources.iter().find(|s| s.url == source.url && !s.url.is_empty()) {
            let what = format!("is polled by source {:?} already", other.name);
            table.problem("url", what, "each document is polled once");
        }
        sources.push(source);
    }
    sources
}

fn source(table: &mut Table<'_>, files: &Source) -> HttpSource {
    let name = table.required("name", Id);
    let url = table.required("url", Text(512));
    let accepted = table.optional("plaintext", Accepted);
    if table.is_sound("url") {
        match Address::of(&url) {
            Ok(Address { encrypted: false, on_this_machine: false }) if accepted.is_none() => {
                let what = format!("{url} is beyond this machine, and nothing is encrypted");
                table.problem("url", what, "use https://, or write plaintext = \"accepted\"");
            }
            Ok(Address { encrypted: true, .. }) if accepted.is_some() => {
                table.problem("plaintext", "is accepted although url is encrypted", "remove it");
            }
            Ok(_) => {}
            Err(hint) => table.problem("url", format!("{url:?} is no document's address"), hint),
        }
    }
    let every = table.or("every", Span(10 * SECOND..=60 * MINUTE), "\"1m\"");
    let timeout = table.or("timeout", Span(SECOND..=MINUTE), "\"20s\"");
    let stale_after = table.or("stale_after", Span(MINUTE..=24 * 60 * MINUTE), "\"5m\"");
    if stale_after < every && table.is_sound("stale_after") && table.is_sound("every") {
        let what = "is shorter than every";
        table.problem("stale_after", what, "each document would be refused before the next is asked for");
    }
    HttpSource {
        form: table.required("format", Among(&FORMS)),
        bytes_max: table.or("max_bytes", Whole(1_024..=268_435_456), "33554432"),
        ca_file: table.optional("ca_file", FilePath).map(|path| files.path(&path)),
        name,
        url,
        every,
        timeout,
        stale_after,
    }
}

#[derive(Debug, PartialEq)]
struct Address {
    encrypted: bool,
    on_this_machine: bool,
}

impl Address {
    /// Reads `https://host:port/path?query`; the hint when it is none.
    fn of(url: &str) -> Result<Address, &'static str> {
        let (encrypted, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err("it begins with https:// or http://"),
        };
        if !rest.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("it has printed ASCII alone: write other characters as %XX");
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if rest.contains('#') {
            return Err("what stands behind # is not for a server: leave it out");
        }
        if authority.contains('@') {
            return Err("a login in an address ends up in logs: such feeds are not polled");
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
            return Err("its port is a number from 1 to 65535");
        }
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() {
            return Err("it has no host");
        }
        Ok(Address { encrypted, on_this_machine: on_this_machine(bare) })
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_has_a_scheme_a_host_and_perhaps_a_path() {
        let of = |url| Address::of(url).ok().map(|a| (a.encrypted, a.on_this_machine));
        assert_eq!(of("https://miv.example/miv/verkeersdata"), Some((true, false)));
        assert_eq!(of("http://127.0.0.1:8080/a?b=c"), Some((false, true)));
        assert_eq!(of("http://[::1]/"), Some((false, true)));
        assert_eq!(of("http://localhost"), Some((false, true)));
        for wrong in [
            "miv.example/a",
            "ftp://miv.example/a",
            "http://",
            "http:///a",
            "http://:80/a",
            "http://a:0/",
            "http://a:x/",
            "http://u:p@a/",
            "http://a/b c",
            "http://a/é",
            "http://a/b#c",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
