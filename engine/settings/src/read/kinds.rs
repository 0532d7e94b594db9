//! Kinds of values: what each accepts, in the words that messages and documentation use.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use toml::de::DeValue;

use super::duration::{duration, written};

/// A kind of value.
pub(crate) trait Kind {
    /// What it is read as.
    type Out;

    /// `None` when the value is not of this kind.
    fn read(&self, value: &DeValue<'_>) -> Option<Self::Out>;

    /// What is accepted, as a noun.
    fn wanted(&self) -> String;

    /// Takes the place of a value that was reported, so that the checks can go on; never leaves the settings.
    fn stand_in(&self) -> Self::Out;
}

/// The most characters of a value that a message shows.
const SHOWN_MAX: usize = 60;

/// A value as it stands in the file, as the predicate of a sentence.
pub(crate) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Table(_) => "is a table".to_owned(),
        DeValue::Array(parts) if parts.iter().any(|part| matches!(part.get_ref(), DeValue::Table(_))) => {
            "is a list of tables".to_owned()
        }
        other => format!("is {}", written_value(other)),
    }
}

fn written_value(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() > SHOWN_MAX => {
            format!("{:?}...", text.chars().take(SHOWN_MAX).collect::<String>())
        }
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(instant) => instant.to_string(),
        DeValue::Array(parts) if parts.len() <= 8 => {
            let parts: Vec<_> = parts.iter().map(|part| written_value(part.get_ref())).collect();
            format!("[{}]", parts.join(", "))
        }
        DeValue::Array(parts) => format!("a list of {}", parts.len()),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn text<'v>(value: &'v DeValue<'_>) -> Option<&'v str> {
    if let DeValue::String(text) = value { Some(text) } else { None }
}

fn whole(value: &DeValue<'_>) -> Option<u64> {
    if let DeValue::Integer(n) = value { u64::from_str_radix(n.as_str(), n.radix()).ok() } else { None }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(n) => i32::from_str_radix(n.as_str(), n.radix()).ok().map(f64::from),
        DeValue::Float(n) => n.as_str().parse().ok().filter(|n: &f64| n.is_finite()),
        _ => None,
    }
}

/// A whole number within bounds.
pub(crate) struct Whole<T>(pub(crate) RangeInclusive<T>);

impl<T: Copy + PartialOrd + TryFrom<u64> + std::fmt::Display> Kind for Whole<T> {
    type Out = T;
    fn read(&self, value: &DeValue<'_>) -> Option<T> {
        whole(value).and_then(|n| T::try_from(n).ok()).filter(|n| self.0.contains(n))
    }
    fn wanted(&self) -> String {
        format!("a whole number from {} to {}", self.0.start(), self.0.end())
    }
    fn stand_in(&self) -> T {
        *self.0.start()
    }
}

/// A share of a whole.
pub(crate) struct Share;

impl Kind for Share {
    type Out = f32;
    fn read(&self, value: &DeValue<'_>) -> Option<f32> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "from 0 to 1 there is nothing to truncate but digits"
        )]
        number(value).filter(|n| (0.0..=1.0).contains(n)).map(|n| n as f32)
    }
    fn wanted(&self) -> String {
        "a number from 0 to 1".to_owned()
    }
    fn stand_in(&self) -> f32 {
        1.0
    }
}

/// A number within bounds.
pub(crate) struct Number(pub(crate) RangeInclusive<f64>);

impl Kind for Number {
    type Out = f64;
    fn read(&self, value: &DeValue<'_>) -> Option<f64> {
        number(value).filter(|n| self.0.contains(n))
    }
    fn wanted(&self) -> String {
        format!("a number from {} to {}", self.0.start(), self.0.end())
    }
    fn stand_in(&self) -> f64 {
        *self.0.start()
    }
}

/// Degrees, up to a limit on both sides of 0.
pub(crate) struct Degrees(pub(crate) f64);

impl Kind for Degrees {
    type Out = f64;
    fn read(&self, value: &DeValue<'_>) -> Option<f64> {
        number(value).filter(|n| n.abs() <= self.0)
    }
    fn wanted(&self) -> String {
        format!("degrees from -{0} to {0}", self.0)
    }
    fn stand_in(&self) -> f64 {
        f64::NAN
    }
}

/// One line of text, up to a number of characters.
pub(crate) struct Text(pub(crate) usize);

impl Kind for Text {
    type Out = String;
    fn read(&self, value: &DeValue<'_>) -> Option<String> {
        text(value)
            .filter(|t| {
                !t.trim().is_empty() && t.chars().count() <= self.0 && !t.chars().any(char::is_control)
            })
            .map(str::to_owned)
    }
    fn wanted(&self) -> String {
        format!("one line of text, 1 to {} characters", self.0)
    }
    fn stand_in(&self) -> String {
        String::new()
    }
}

/// A name that goes into topics and interfaces.
pub(crate) struct Id;

impl Kind for Id {
    type Out = String;
    fn read(&self, value: &DeValue<'_>) -> Option<String> {
        let of_an_id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        text(value)
            .filter(|t| {
                t.len() <= 64 && t.bytes().all(of_an_id) && t.starts_with(|c: char| c.is_ascii_alphanumeric())
            })
            .map(str::to_owned)
    }
    fn wanted(&self) -> String {
        "an id (1 to 64 of a-z 0-9 . _ -)".to_owned()
    }
    fn stand_in(&self) -> String {
        String::new()
    }
}

/// A name that a broker accepts for a session.
pub(crate) struct Word;

impl Kind for Word {
    type Out = String;
    fn read(&self, value: &DeValue<'_>) -> Option<String> {
        let of_a_word = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        text(value).filter(|t| (1..=64).contains(&t.len()) && t.bytes().all(of_a_word)).map(str::to_owned)
    }
    fn wanted(&self) -> String {
        "1 to 64 of A-Z a-z 0-9 . _ -".to_owned()
    }
    fn stand_in(&self) -> String {
        String::new()
    }
}

/// One of the names that an enumeration has in serde.
pub(crate) struct Named<T>(T);

impl<T: DeserializeOwned + Copy> Named<T> {
    pub(crate) fn or_stand_in(stand_in: T) -> Self {
        Named(stand_in)
    }
}

impl<T: DeserializeOwned + Copy> Kind for Named<T> {
    type Out = T;
    fn read(&self, value: &DeValue<'_>) -> Option<T> {
        let name: StrDeserializer<'_, de::value::Error> = text(value)?.into_deserializer();
        T::deserialize(name).ok()
    }
    fn wanted(&self) -> String {
        one_of(names_of::<T>().iter().copied())
    }
    fn stand_in(&self) -> T {
        self.0
    }
}

/// One of a few names; the first stands in.
pub(crate) struct Among<T: 'static>(pub(crate) &'static [(&'static str, T)]);

impl<T: Copy> Kind for Among<T> {
    type Out = T;
    fn read(&self, value: &DeValue<'_>) -> Option<T> {
        let name = text(value)?;
        self.0.iter().find(|(n, _)| *n == name).map(|(_, t)| *t)
    }
    fn wanted(&self) -> String {
        one_of(self.0.iter().map(|(name, _)| *name))
    }
    fn stand_in(&self) -> T {
        self.0[0].1
    }
}

fn one_of(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.map(|name| format!("{name:?}")).collect();
    format!("one of {}", names.join(", "))
}

/// The names of an enumeration's variants, as serde knows them.
fn names_of<T: DeserializeOwned>() -> &'static [&'static str] {
    struct Probe<'n>(&'n mut &'static [&'static str]);

    impl<'de> de::Deserializer<'de> for Probe<'_> {
        type Error = de::value::Error;
        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(de::Error::custom("not an enumeration"))
        }
        fn deserialize_enum<V: Visitor<'de>>(
            self,
            _: &'static str,
            variants: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = variants;
            Err(de::Error::custom("only asked for the names"))
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
        }
    }

    let mut names: &'static [&'static str] = &[];
    drop(T::deserialize(Probe(&mut names)));
    names
}

/// A length of time within bounds.
pub(crate) struct Span(pub(crate) RangeInclusive<Duration>);

impl Kind for Span {
    type Out = Duration;
    fn read(&self, value: &DeValue<'_>) -> Option<Duration> {
        text(value).and_then(duration).filter(|d| self.0.contains(d))
    }
    fn wanted(&self) -> String {
        format!("a duration from {:?} to {:?}", written(*self.0.start()), written(*self.0.end()))
    }
    fn stand_in(&self) -> Duration {
        *self.0.start()
    }
}

/// A length of time within bounds, or without end.
pub(crate) struct SpanOrForever(pub(crate) RangeInclusive<Duration>);

impl Kind for SpanOrForever {
    type Out = Option<Duration>;
    fn read(&self, value: &DeValue<'_>) -> Option<Option<Duration>> {
        match text(value)? {
            "forever" => Some(None),
            other => duration(other).filter(|d| self.0.contains(d)).map(Some),
        }
    }
    fn wanted(&self) -> String {
        format!("{}, or \"forever\"", Span(self.0.clone()).wanted())
    }
    fn stand_in(&self) -> Option<Duration> {
        None
    }
}

/// A colour.
pub(crate) struct Rgb;

impl Kind for Rgb {
    type Out = [u8; 3];
    fn read(&self, value: &DeValue<'_>) -> Option<[u8; 3]> {
        let DeValue::Array(parts) = value else { return None };
        let parts: Vec<u8> = parts
            .iter()
            .map(|part| whole(part.get_ref()).and_then(|n| n.try_into().ok()))
            .collect::<Option<_>>()?;
        parts.try_into().ok()
    }
    fn wanted(&self) -> String {
        "three whole numbers from 0 to 255: red, green, blue".to_owned()
    }
    fn stand_in(&self) -> [u8; 3] {
        [0; 3]
    }
}

/// A local date, quoted or not.
pub(crate) struct Day;

impl Kind for Day {
    type Out = jiff::civil::Date;
    fn read(&self, value: &DeValue<'_>) -> Option<Self::Out> {
        moment(value).filter(|t| t.len() == 10)?.parse().ok()
    }
    fn wanted(&self) -> String {
        "a date, as \"2026-12-25\"".to_owned()
    }
    fn stand_in(&self) -> Self::Out {
        Self::Out::default()
    }
}

/// A local date and time, quoted or not.
pub(crate) struct LocalTime;

impl Kind for LocalTime {
    type Out = jiff::civil::DateTime;
    fn read(&self, value: &DeValue<'_>) -> Option<Self::Out> {
        // A date alone would be midnight, and an offset would be dropped: both are said by accident.
        moment(value).filter(|t| (16..=19).contains(&t.len()))?.parse().ok()
    }
    fn wanted(&self) -> String {
        "a local time, as \"2026-09-07T06:00\"".to_owned()
    }
    fn stand_in(&self) -> Self::Out {
        Self::Out::default()
    }
}

fn moment(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::Datetime(moment) => Some(moment.to_string()),
        other => text(other).map(str::to_owned),
    }
}

/// A list of ids.
pub(crate) struct Ids;

impl Kind for Ids {
    type Out = Vec<String>;
    fn read(&self, value: &DeValue<'_>) -> Option<Vec<String>> {
        let DeValue::Array(parts) = value else { return None };
        parts.iter().map(|part| Id.read(part.get_ref())).collect()
    }
    fn wanted(&self) -> String {
        "a list of ids".to_owned()
    }
    fn stand_in(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A list of names of persons or accounts.
pub(crate) struct Names;

/// The longest name.
const NAME_CHARS: usize = 80;

impl Kind for Names {
    type Out = Vec<String>;
    fn read(&self, value: &DeValue<'_>) -> Option<Vec<String>> {
        let DeValue::Array(parts) = value else { return None };
        if parts.is_empty() {
            return None;
        }
        parts.iter().map(|part| Text(NAME_CHARS).read(part.get_ref())).collect()
    }
    fn wanted(&self) -> String {
        format!("a list of names, each one line of text, 1 to {NAME_CHARS} characters")
    }
    fn stand_in(&self) -> Vec<String> {
        Vec::new()
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident -> $out:ty: $wanted:literal, $stand_in:expr, $read:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl Kind for $name {
            type Out = $out;
            fn read(&self, value: &DeValue<'_>) -> Option<$out> {
                text(value).and_then($read)
            }
            fn wanted(&self) -> String {
                $wanted.to_owned()
            }
            fn stand_in(&self) -> $out {
                $stand_in
            }
        }
    )*};
}

texts! {
    /// An IANA time zone.
    TimeZone -> String: "an IANA time zone, as \"Europe/Brussels\"", String::new(),
        |t| jiff::tz::TimeZone::get(t).ok().map(|_| t.to_owned());
    /// The path of a file; the file need not exist here.
    FilePath -> String: "the path of a file, relative to the configuration", String::new(),
        |t| (!t.is_empty() && !t.contains('\0')).then(|| t.to_owned());
    /// A host, without scheme and port.
    Host -> String: "a host name or address, without scheme and port", "localhost".to_owned(), |t| {
        let host = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
        let named = (1..=253).contains(&t.len()) && t.bytes().all(host);
        (named || t.parse::<std::net::IpAddr>().is_ok()).then(|| t.to_owned())
    };
    /// The operator's word that plain text over a network is meant.
    Accepted -> (): "the word \"accepted\"", (), |t| (t == "accepted").then_some(());
    /// Where to listen.
    Listen -> SocketAddr: "an address with a port, as \"127.0.0.1:7101\"", SocketAddr::from(([127, 0, 0, 1], 0)),
        |t| t.parse().ok();
    /// A LoRaWAN device's EUI.
    Eui -> String: "an EUI of 16 hexadecimal digits", String::new(),
        |t| (t.len() == 16 && t.bytes().all(|b| b.is_ascii_hexdigit())).then(|| t.to_owned());
    /// An MQTT topic filter.
    Filter -> String: "an MQTT topic filter of at most 256 bytes: + stands for a whole level, # for the rest, last",
        String::new(), |t| crate::topic::is_filter(t).then(|| t.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enumerations_names_come_from_serde() {
        assert_eq!(names_of::<vlot_model::Counting>(), ["bays", "barriers", "absolute"]);
    }

    #[test]
    fn a_value_is_shown_as_it_is_written_and_not_at_length() {
        let long = format!("{:?}", "x".repeat(500));
        let cases = [
            ("[256, 0, \"a\"]", "is [256, 0, \"a\"]"),
            ("0xff", "is 0xff"),
            ("1.50", "is 1.50"),
            ("2026-03-29", "is 2026-03-29"),
            ("{ a = 1 }", "is a table"),
            ("[{ a = 1 }]", "is a list of tables"),
        ];
        for (written, expected) in cases {
            assert_eq!(shown(DeValue::parse(written).unwrap().get_ref()), expected);
        }
        assert_eq!(shown(DeValue::parse(&long).unwrap().get_ref()).len(), SHOWN_MAX + 8);
    }
}
