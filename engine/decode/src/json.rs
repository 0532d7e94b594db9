//! What the JSON formats share: strict text, bounded numbers, errors with their place.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, MapAccess, Unexpected, Visitor};
use vlot_model::{Refusal, Timestamp};

use crate::refuse::malformed;

/// Reads one JSON object, all of it; text that the type does not ask for has to be UTF-8 too.
pub(crate) fn parse<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, Refusal> {
    let text = std::str::from_utf8(payload)
        .map_err(|e| malformed(format!("no UTF-8 at byte {}", e.valid_up_to())))?;
    match serde_json::from_str::<Object<T>>(text) {
        Ok(object) => Ok(object.0),
        Err(e) => Err(place::<Object<T>>(text, &e)),
    }
}

/// An object with named fields. A struct alone would be read from a list of its fields' values too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Object<T>, M::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        d.deserialize_map(Fields(PhantomData))
    }
}

/// Reads a second time to learn which field is at fault: only a refused message pays for it.
fn place<'a, T: Deserialize<'a>>(text: &'a str, error: &serde_json::Error) -> Refusal {
    let mut json = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Err(e) if e.path().iter().next().is_some() => malformed(format!("{}: {}", e.path(), e.inner())),
        _ => malformed(error.to_string()),
    }
}

/// A whole number of any size, so that a sentinel is refused for its value and not for its form. What does not fit
/// is held at the end of the range, which is outside every bound. `12.0` is a whole number, `12.5` is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole(pub(crate) i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Whole, E> {
                Ok(Whole(v))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Whole, E> {
                Ok(Whole(i64::try_from(v).unwrap_or(i64::MAX)))
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Whole, E> {
                if v.fract() != 0.0 {
                    return Err(E::invalid_value(Unexpected::Float(v), &self));
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the cast holds at the ends of the range"
                )]
                Ok(Whole(v as i64))
            }
        }
        d.deserialize_i64(Number)
    }
}

/// Text that stays where it is unless it has escapes, inside an `Option` too.
#[derive(Clone, Debug)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_borrowed_str<E: de::Error>(self, v: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(v)))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(v.to_owned())))
            }
        }
        d.deserialize_str(Words)
    }
}

/// One word of a list, as text alone; a derived enum would be read from an object too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Listed<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Listed<T> {
            type Value = Word<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Word<T>, E> {
                T::deserialize(v.into_deserializer()).map(Word)
            }
        }
        d.deserialize_str(Listed(PhantomData))
    }
}

/// An instant as RFC 3339 text, read without a copy of the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Rfc3339;
        impl Visitor<'_> for Rfc3339 {
            type Value = Instant;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an instant with its offset (RFC 3339), such as \"2026-03-29T01:30:00Z\"")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Instant, E> {
                v.parse().map(Instant).map_err(|_| E::invalid_value(Unexpected::Str(v), &self))
            }
        }
        d.deserialize_str(Rfc3339)
    }
}

/// As [`Instant`], but what is no instant counts as absent: for clocks that a message can do without.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MaybeInstant(pub(crate) Option<Timestamp>);

impl<'de> Deserialize<'de> for MaybeInstant {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Option::<Text<'de>>::deserialize(d)?;
        Ok(MaybeInstant(text.and_then(|t| t.0.parse().ok())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_keep_their_value_or_the_end_of_the_range() {
        #[derive(serde::Deserialize)]
        struct Outer {
            n: Whole,
        }
        let read = |text: &str| parse::<Outer>(format!("{{\"n\":{text}}}").as_bytes()).map(|outer| outer.n.0);
        assert_eq!(read("12"), Ok(12));
        assert_eq!(read("-1"), Ok(-1));
        assert_eq!(read("12.0"), Ok(12));
        assert_eq!(read("18446744073709551615"), Ok(i64::MAX));
        assert_eq!(read("-1e300"), Ok(i64::MIN));
        for wrong in ["12.5", "\"12\"", "NaN", "true", "12 13", "012", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_error_names_its_field() {
        #[derive(Debug, serde::Deserialize)]
        struct Outer {
            #[expect(dead_code, reason = "only its errors are looked at")]
            inner: Vec<Whole>,
        }
        let detail = |text: &[u8]| parse::<Outer>(text).unwrap_err().detail;
        assert_eq!(
            detail(br#"{"inner":[1,true]}"#),
            "inner[1]: invalid type: boolean `true`, expected a whole number at line 1 column 16"
        );
        assert_eq!(detail(b"{}"), "missing field `inner` at line 1 column 2");
        assert_eq!(detail(br#"{"inner":[]}x"#), "trailing characters at line 1 column 13");
        assert_eq!(detail(b"[[]]"), "invalid type: sequence, expected an object at line 1 column 0");
        assert_eq!(detail(b"{\"other\":\"\xff\"}"), "no UTF-8 at byte 10");
    }
}
