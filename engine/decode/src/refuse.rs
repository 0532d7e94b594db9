//! Refusals with a bounded detail.

use vlot_model::{Refusal, RefusalKind};

/// What a detail shows of one piece of text that came with a message, in characters.
const QUOTED_CHARS: usize = 64;
/// A detail's own length in characters.
const DETAIL_CHARS: usize = 200;

pub(crate) fn malformed(detail: impl AsRef<str>) -> Refusal {
    Refusal::new(RefusalKind::Malformed, clip(detail.as_ref(), DETAIL_CHARS))
}

pub(crate) fn unsupported(detail: impl AsRef<str>) -> Refusal {
    Refusal::new(RefusalKind::Unsupported, clip(detail.as_ref(), DETAIL_CHARS))
}

pub(crate) fn out_of_range(detail: impl AsRef<str>) -> Refusal {
    Refusal::new(RefusalKind::OutOfRange, clip(detail.as_ref(), DETAIL_CHARS))
}

pub(crate) fn wrong_kind(detail: impl AsRef<str>) -> Refusal {
    Refusal::new(RefusalKind::WrongKind, clip(detail.as_ref(), DETAIL_CHARS))
}

pub(crate) fn unknown_device(names: &[&str]) -> Refusal {
    let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
    let detail = format!("the configuration has no device {}", names.join(" or "));
    Refusal::new(RefusalKind::UnknownDevice, detail)
}

/// Foreign text in quotes: control characters escaped, and cut.
pub(crate) fn quote(text: &str) -> String {
    let shown = text.char_indices().nth(QUOTED_CHARS).map_or(text, |(end, _)| &text[..end]);
    if shown.len() == text.len() { format!("{shown:?}") } else { format!("{shown:?}...") }
}

/// One line of at most so many characters: libraries quote a message as it is, line ends and all.
pub(crate) fn clip(text: &str, chars: usize) -> String {
    let (shown, more) = match text.char_indices().nth(chars) {
        Some((end, _)) => (&text[..end], "..."),
        None => (text, ""),
    };
    shown.replace(char::is_control, " ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_cut_between_characters_and_escaped() {
        assert_eq!(quote("a\n\"b"), r#""a\n\"b""#);
        let long = quote(&"é".repeat(1_000));
        assert_eq!(long, format!("\"{}\"...", "é".repeat(QUOTED_CHARS)));
        assert_eq!(malformed("a\n\u{1b}[31mb").detail, "a  [31mb");
        assert_eq!(malformed("é".repeat(1_000)).detail.chars().count(), DETAIL_CHARS + 3);
    }
}
