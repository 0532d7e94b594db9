//! Durations as an operator writes them.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// From a whole number and its unit: `90s`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(Duration::from_millis(count.parse::<u64>().ok()?.checked_mul(*millis)?))
}

/// The same way back, in the largest unit that fits.
pub(crate) fn written(duration: Duration) -> String {
    let millis = duration.as_millis();
    let fits = |(_, unit): &&(&str, u64)| millis != 0 && millis.is_multiple_of(u128::from(*unit));
    match UNITS.iter().find(fits) {
        Some((name, unit)) => format!("{}{name}", millis / u128::from(*unit)),
        None => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_need_a_number_and_a_unit() {
        let cases = [("90s", Some(90_000)), ("2ms", Some(2)), ("26h", Some(93_600_000)), ("0s", Some(0))];
        let wrong = [
            "",
            "90",
            "s",
            "-1s",
            "1.5h",
            "1 s",
            "1w",
            "1hs",
            "99999999999999999999s",
            "18446744073709551615d",
        ];
        for (text, millis) in cases.into_iter().chain(wrong.map(|text| (text, None))) {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_duration_is_written_as_it_is_read(millis in 0u64..100_000_000_000) {
            let d = Duration::from_millis(millis);
            prop_assert_eq!(duration(&written(d)), Some(d));
        }
    }
}
