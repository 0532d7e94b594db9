//! Weights and heights with their units.

use vlot_model::Access;

use crate::read::Tags;
use crate::report::{Gap, Notes};

/// Heavier than any vehicle, kilograms.
const HEAVIEST_KG: f64 = 1_000_000.0;
/// Higher than any vehicle, centimetres.
const HIGHEST_CM: f64 = 10_000.0;

/// Puts what a way says of weight and height into its access.
pub(crate) fn limits(tags: Tags<'_>, access: &mut Access, notes: &mut Notes<'_>) {
    for key in ["maxweight", "maxweightrating"] {
        if let Some(text) = said(tags, key) {
            match kilograms(text) {
                Some(kg) => lower(&mut access.max_weight_kg, kg),
                None => notes.gap(Gap::Size, || format!("{key}={text}")),
            }
        }
    }
    if let Some(text) = said(tags, "maxheight") {
        match centimetres(text) {
            Some(cm) => lower(&mut access.max_height_cm, cm),
            None => notes.gap(Gap::Size, || format!("maxheight={text}")),
        }
    }
}

pub(crate) fn lower(limit: &mut Option<u32>, to: u32) {
    *limit = Some(limit.map_or(to, |now| now.min(to)));
}

/// What is tagged, but for the ways to say that there is no bound or none that is signed.
fn said<'a>(tags: Tags<'a>, key: &str) -> Option<&'a str> {
    let none = ["none", "default", "no", "unsigned", "below_default", "no_sign", "no_indications", "unknown"];
    tags.get(key).map(str::trim).filter(|text| !none.contains(text))
}

/// Tonnes, when no unit says otherwise.
pub(crate) fn kilograms(text: &str) -> Option<u32> {
    let (number, unit) = number(text)?;
    let factor = match unit {
        "" | "t" => 1_000.0,
        "kg" => 1.0,
        "st" => 907.184_74,
        "lbs" | "lb" => 0.453_592_37,
        "cwt" => 50.802_345,
        _ => return None,
    };
    whole(number * factor, HEAVIEST_KG)
}

/// Metres, when no unit says otherwise; feet and inches as 12'6".
fn centimetres(text: &str) -> Option<u32> {
    if let Some((feet, inches)) = text.split_once('\'') {
        let feet: f64 = feet.trim().parse().ok()?;
        let inches = inches.trim().trim_end_matches(['"', '\'']);
        let inches: f64 = if inches.is_empty() { 0.0 } else { inches.trim().parse().ok()? };
        return whole(feet * 30.48 + inches * 2.54, HIGHEST_CM);
    }
    let (number, unit) = number(text)?;
    let factor = match unit {
        "" | "m" => 100.0,
        "cm" => 1.0,
        "ft" => 30.48,
        _ => return None,
    };
    whole(number * factor, HIGHEST_CM)
}

/// A number and its unit; the lowest of several.
pub(crate) fn number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.replace(',', ".").parse().ok()?;
    number.is_finite().then_some((number, unit.trim()))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before")]
fn whole(number: f64, most: f64) -> Option<u32> {
    (number > 0.0 && number <= most).then(|| number.round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::tests::with;

    #[test]
    fn weights_and_heights_have_units() {
        for (text, weight, height, gaps) in [
            ("maxweight=3.5", Some(3_500), None, 0),
            ("maxweight=7,5_t maxweightrating=3500_kg", Some(3_500), None, 0),
            ("maxweight=none maxheight=default", None, None, 0),
            ("maxheight=2.2", None, Some(220), 0),
            ("maxheight=12'6\"", None, Some(381), 0),
            ("maxheight=14_ft", None, Some(427), 0),
            ("maxheight=low maxweight=-3", None, None, 2),
            ("maxheight=0 maxweight=1e999", None, None, 2),
        ] {
            let (got, report) = with(text, |tags, notes| {
                let mut access = Access::default();
                limits(tags, &mut access, notes);
                access
            });
            assert_eq!((got.max_weight_kg, got.max_height_cm), (weight, height), "{text}");
            assert_eq!(report.gaps.get(&Gap::Size).map_or(0, |e| e.count), gaps, "{text}");
        }
    }
}
