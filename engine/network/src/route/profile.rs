//! How fast a mode is on a link, and what a turn costs it.

use vlot_model::{Link, LinkIx, Mode, RoadClass, RoadNetwork};

use super::NEVER_MS;

/// No link takes longer: half a day. What is slower is as good as closed, and sums stay far from [`NEVER_MS`].
const SLOWEST_S: f32 = 43_200.0;

/// Milliseconds over the whole of a link: what is known of it (infinite: closed), or the mode's usual speed there.
#[must_use]
pub fn link_ms(link: &Link, mode: Mode, known_s: Option<f32>) -> u32 {
    let known = known_s.filter(|s| *s >= 0.0);
    if known.is_some_and(f32::is_infinite) {
        return NEVER_MS;
    }
    let seconds = known.unwrap_or_else(|| link.length_m * 3.6 / speed_kmh(link, mode));
    milliseconds(seconds.min(SLOWEST_S)).max(1)
}

/// Seconds that an undisturbed traveller takes for a link; infinite for one that is not of this network.
#[must_use]
pub fn undisturbed_s(network: &RoadNetwork, link: LinkIx, mode: Mode) -> f64 {
    network.link(link).map_or(f64::INFINITY, |link| f64::from(link_ms(link, mode, None)) / 1_000.0)
}

fn speed_kmh(link: &Link, mode: Mode) -> f32 {
    match mode {
        Mode::Car | Mode::Bus => link.free_flow_kmh.max(1.0),
        Mode::Bicycle => match link.class {
            RoadClass::Steps => 2.0,
            RoadClass::Pedestrian => 10.0,
            RoadClass::Path | RoadClass::Track => 12.0,
            RoadClass::LivingStreet | RoadClass::Service => 14.0,
            RoadClass::Cycleway => 18.0,
            _ => 16.0,
        },
        Mode::Foot if link.class == RoadClass::Steps => 3.0,
        Mode::Foot => 5.0,
    }
}

/// Milliseconds that a turn costs beside the links, by its angle: degrees clockwise, -180..=180, negative to the left. Small:
/// they decide between ways that are else alike. Right-hand traffic.
#[must_use]
pub fn turn_ms(mode: Mode, angle_deg: f64) -> u32 {
    let [right, left, back] = match mode {
        Mode::Car | Mode::Bus => [1_000, 2_500, 10_000],
        Mode::Bicycle => [500, 1_500, 3_000],
        Mode::Foot => [0, 0, 0],
    };
    match angle_deg {
        a if a.abs() < 35.0 => 0,
        a if a.abs() > 160.0 => back,
        a if a < 0.0 => left,
        _ => right,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and half a day")]
pub(super) fn milliseconds(seconds: f32) -> u32 {
    (f64::from(seconds) * 1_000.0).round() as u32
}

/// That share of a time; `share` is held within 0..=1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no more than the time itself")]
pub(super) fn part_ms(ms: u32, share: f32) -> u32 {
    (f64::from(ms) * f64::from(share.clamp(0.0, 1.0))).round() as u32
}

/// Seconds, for people.
#[expect(clippy::cast_possible_truncation, reason = "seconds within a city fit f32 to a millisecond or so")]
pub(super) fn seconds(ms: u32) -> f32 {
    (f64::from(ms) / 1_000.0) as f32
}
