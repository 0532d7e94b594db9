//! What a demo did, as JSON, and the process's own figures.

use std::collections::BTreeMap;

use serde::Serialize;
use vlot_model::{Meters, RefusalKind};

/// The figures at the end of a demo.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Messages that reached the engine.
    pub(crate) messages_in: u64,
    /// Refused messages by reason; reasons that did not occur are absent.
    pub(crate) refused: BTreeMap<&'static str, u64>,
    /// Messages that were published and acknowledged but are in no product.
    pub(crate) lost: u64,
    /// Facilities with bays or barriers whose figure is called good and is not what the simulated city says.
    pub(crate) untrue: u64,
    /// Messages that were known already.
    pub(crate) duplicates: u64,
    /// Products that were published.
    pub(crate) products_out: u64,
    /// Faces that signs displayed.
    pub(crate) faces_shown: u64,
    /// What the simulated drivers made of signs.
    pub(crate) drivers: Drivers,
    /// The most signs that were connected at once.
    pub(crate) signs_connected: u64,
    /// From a sensor's publish to a sign's receipt; absent when no face was triggered by a reading.
    pub(crate) latency_ms: Latency,
    /// The most resident memory that the process had.
    pub(crate) rss_mb_max: f64,
    /// What became of the faults; absent without `--faults`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) faults: Option<crate::faults::Report>,
}

/// Drivers who passed a sign on the way to a car park that it announces.
#[derive(Debug, Serialize)]
pub(crate) struct Drivers {
    pub(crate) passed: u64,
    /// Did not read there that it has space.
    pub(crate) warned: u64,
    /// Of those, went where it sends: what guidance measures as compliance.
    pub(crate) followed: u64,
    /// Of those, found no space there.
    pub(crate) in_vain: u64,
}

impl From<vlot_simulators::city::DriverCounts> for Drivers {
    fn from(counts: vlot_simulators::city::DriverCounts) -> Self {
        let vlot_simulators::city::DriverCounts { passed, warned, followed, in_vain } = counts;
        Drivers { passed, warned, followed, in_vain }
    }
}

/// Percentiles, in milliseconds of the wall's clock.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
}

/// Refusals by reason, without what is no refusal of a message's content.
pub(crate) fn refused(meters: &Meters) -> BTreeMap<&'static str, u64> {
    RefusalKind::ALL
        .iter()
        .filter(|kind| **kind != RefusalKind::Duplicate)
        .map(|kind| (kind.name(), meters.refused(*kind)))
        .filter(|(_, n)| *n > 0)
        .collect()
}

/// Resident memory of this process, in MB: now, and at its highest. `None` where the system does not tell.
pub(crate) fn rss_mb() -> Option<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|l| l.strip_prefix(name))?;
        Some(line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok()? / 1_024.0)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_no_refusals_and_silence_is_no_reason() {
        let meters = Meters::default();
        meters.refuse(RefusalKind::Duplicate, 3);
        meters.refuse(RefusalKind::Malformed, 2);
        assert_eq!(refused(&meters), BTreeMap::from([("malformed", 2)]));
    }

    #[test]
    fn a_process_knows_its_memory() {
        let (now, most) = rss_mb().unwrap();
        assert!(now > 1.0 && most >= now);
    }
}
