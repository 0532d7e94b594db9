//! The words of a face, as a person would read them aloud.

use ntcip::dms::multi;

/// Fonts from this number on hold pictograms, in which an arrow has its place on a number pad.
const PICTOGRAMS_FROM: u8 = 100;

/// The text of a MULTI message: what stands side by side is joined by spaces, lines by " / ".
#[must_use]
pub fn plain_text(message: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    let mut row: Option<String> = None;
    let mut pictograms = false;
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
                    if row.is_some() && top == row {
                        push(&mut lines, " ");
                    } else {
                        lines.push(String::new());
                    }
                    row = top;
                } else if tag.starts_with("jl") {
                    push(&mut lines, " ");
                } else if let Some(font) = tag.strip_prefix("fo") {
                    let number = font.split(',').next().and_then(|n| n.parse::<u8>().ok());
                    pictograms = number.is_some_and(|n| n >= PICTOGRAMS_FROM);
                } else if let Some(hex) = tag.strip_prefix("hc") {
                    let character = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
                    push(&mut lines, &character.map(String::from).unwrap_or_default());
                }
            }
            text if pictograms => text.chars().for_each(|c| push(&mut lines, pictogram(c))),
            text => push(&mut lines, text),
        }
    }
    let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    lines.iter().map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" / ")
}

fn pictogram(c: char) -> &'static str {
    match c {
        '1' => "\u{2199} ",
        '2' => "\u{2193} ",
        '3' => "\u{2198} ",
        '4' => "\u{2190} ",
        '6' => "\u{2192} ",
        '7' => "\u{2196} ",
        '8' => "\u{2191} ",
        '9' => "\u{2197} ",
        // The others are drawings that say in a picture what the label says in words.
        _ => "",
    }
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
            ("[jl2]A[jl4]1[nl]B[jl4]2[np]C", "A 1 / B 2 / C"),
            (
                "[tr1,1,18,24]<[tr19,1,78,24]Bond[tr97,1,48,24]12[tr1,25,18,24]>[tr19,25,78,24]Ladeuze",
                "< Bond 12 / > Ladeuze",
            ),
            ("[fo114]9[fo12]Bond[jl4]12", "\u{2197} Bond 12"),
            ("[fo114]P[fo7,abcd]4", "4"),
            ("a[[b]]", "a[b]"),
            ("[hc41]", "A"),
            ("[unfinished", ""),
        ] {
            assert_eq!(plain_text(message), text, "{message}");
        }
    }
}
