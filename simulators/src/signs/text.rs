//! The words of a face, as a person would read them aloud.

use ntcip::dms::multi;

/// The text of a MULTI message: what stands side by side is joined by spaces, lines by " / ".
#[must_use]
pub fn plain_text(message: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    let mut row = None;
    for piece in multi::split(message) {
        match piece {
            "[[" => push(&mut lines, "["),
            "]]" => push(&mut lines, "]"),
            tag if tag.starts_with('[') => {
                let tag = tag.trim_matches(['[', ']']).to_ascii_lowercase();
                if tag.starts_with("nl") || tag.starts_with("np") {
                    lines.push(String::new());
                } else if let Some(rectangle) = tag.strip_prefix("tr") {
                    let top = rectangle.split(',').nth(1).map(str::to_owned);
                    if top == row {
                        push(&mut lines, " ")
                    } else {
                        lines.push(String::new())
                    }
                    row = top;
                } else if let Some(hex) = tag.strip_prefix("hc") {
                    let character = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
                    push(&mut lines, &character.map(String::from).unwrap_or_default());
                }
            }
            text => push(&mut lines, text),
        }
    }
    let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    lines.iter().map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" / ")
}

fn push(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_read_naturally() {
        for (message, text) in [
            ("", ""),
            ("[cf255,0,0]VOL", "VOL"),
            ("[jl2]A[jl4]1[nl]B[jl4]2[np]C", "A1 / B2 / C"),
            (
                "[tr1,1,18,24]<[tr19,1,78,24]Bond[tr97,1,48,24]12[tr1,25,18,24]>[tr19,25,78,24]Ladeuze",
                "< Bond 12 / > Ladeuze",
            ),
            ("a[[b]]", "a[b]"),
            ("[hc41]", "A"),
            ("[unfinished", ""),
        ] {
            assert_eq!(plain_text(message), text, "{message}");
        }
    }
}
