//! Encoded polylines of six decimals, latitude first: the form that Valhalla and OSRM call polyline6.

use vlot_model::LonLat;

const SCALE: f64 = 1e6;

/// The text of a line; 0.1 m is lost at most.
#[must_use]
pub fn encode(line: &[LonLat]) -> String {
    let mut text = String::with_capacity(8 * line.len());
    let mut last = [0_i64; 2];
    for point in line {
        for (last, degrees) in last.iter_mut().zip([point.lat, point.lon]) {
            let now = whole(degrees);
            put(&mut text, now - *last);
            *last = now;
        }
    }
    text
}

#[expect(clippy::cast_possible_truncation, reason = "degrees on the earth; what is none saturates")]
fn whole(degrees: f64) -> i64 {
    (degrees * SCALE).round() as i64
}

fn put(text: &mut String, step: i64) {
    let mut rest = (step << 1) ^ (step >> 63);
    loop {
        let more = u8::from(rest >= 0x20) << 5;
        let five = u8::try_from(rest & 0x1f).unwrap_or(0);
        text.push(char::from((more | five) + 63));
        rest >>= 5;
        if more == 0 {
            return;
        }
    }
}

/// The line of a text; `None` for what is no encoded polyline.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<LonLat>> {
    let mut line = Vec::new();
    let mut bytes = text.bytes();
    let mut last = [0_i64; 2];
    while bytes.len() > 0 {
        for last in &mut last {
            *last = last.checked_add(take(&mut bytes)?)?;
        }
        let [lat, lon] = last.map(|n| n as f64 / SCALE);
        line.push(LonLat { lon, lat });
    }
    Some(line)
}

fn take(bytes: &mut impl Iterator<Item = u8>) -> Option<i64> {
    let (mut number, mut shift) = (0_i64, 0);
    loop {
        let byte = bytes.next()?.checked_sub(63).filter(|b| *b < 64)?;
        if shift > 35 {
            return None;
        }
        number |= i64::from(byte & 0x1f) << shift;
        shift += 5;
        if byte < 0x20 {
            return Some((number >> 1) ^ -(number & 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_the_form_that_others_read() {
        // The example of the format's description, at six decimals.
        let line = [(38.5, -120.2), (40.7, -120.95), (43.252, -126.453)];
        let line: Vec<_> = line.map(|(lat, lon)| LonLat { lon, lat }).to_vec();
        assert_eq!(encode(&line), "_izlhA~rlgdF_{geC~ywl@_kwzCn`{nI");
        assert_eq!(encode(&[]), "");
    }

    #[test]
    fn what_is_no_polyline_is_none() {
        for text in ["_", "_izlhA", "é", "\u{1}\u{1}", "~~~~~~~~~~~~~~~~~~~~"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_line_comes_back(points in prop::collection::vec((-180.0..180.0_f64, -90.0..90.0_f64), 0..20)) {
            let line: Vec<_> = points.into_iter().map(|(lon, lat)| LonLat { lon, lat }).collect();
            let back = decode(&encode(&line)).expect("a line");
            prop_assert_eq!(back.len(), line.len());
            for (a, b) in line.iter().zip(back) {
                prop_assert!((a.lon - b.lon).abs() < 1e-6 && (a.lat - b.lat).abs() < 1e-6);
            }
        }

        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,40}") {
            drop(decode(&text));
        }
    }
}
