//! Faults in the Leuven record of 2019-2020, labelled by hand from its plots.

use vlot_dataflow::health::Rule::{self, Clamped, Drift, Reset, Stuck};
use vlot_dataflow::health::{HOUR, Micros};

/// A fault that a person sees in the record.
pub(super) struct Label {
    pub(super) parking: &'static str,
    from: &'static str,
    until: &'static str,
    pub(super) what: &'static str,
    /// Rules that tell of it.
    pub(super) fits: &'static [Rule],
}

impl Label {
    /// From when until when it can be told: a day's level is judged when the day ends.
    pub(super) fn window(&self) -> (Micros, Micros) {
        let micros = |t: &str| t.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_microsecond);
        (micros(self.from), micros(self.until) + 2 * HOUR)
    }
}

const RUN: &[Rule] = &[Stuck, Clamped];

/// Those of the first fortnight, in which nothing is judged, are not listed.
pub(super) const LABELS: [Label; 9] = [
    Label {
        parking: "Heilig-Hart",
        from: "2020-01-31T14:00:00Z",
        until: "2020-02-01T01:00:00Z",
        what: "frozen at 84-85, then leaps to 207",
        fits: &[Stuck, Reset],
    },
    Label {
        parking: "Ladeuze",
        from: "2020-02-07T10:00:00Z",
        until: "2020-02-14T00:00:00Z",
        what: "flat at 591-595, then falls by 110",
        fits: &[Stuck, Clamped, Reset],
    },
    Label {
        parking: "Philipssite",
        from: "2020-02-12T18:00:00Z",
        until: "2020-02-13T00:40:00Z",
        what: "stands, then leaps to its night level",
        fits: &[Stuck, Reset],
    },
    Label {
        parking: "Philipssite",
        from: "2020-01-14T00:00:00Z",
        until: "2020-02-18T22:30:00Z",
        what: "its night level walks up by 80",
        fits: &[Drift],
    },
    Label {
        parking: "Philipssite",
        from: "2020-02-19T13:00:00Z",
        until: "2020-03-20T00:00:00Z",
        what: "clamped at 1125",
        fits: RUN,
    },
    Label {
        parking: "Heilig-Hart",
        from: "2020-02-15T00:30:00Z",
        until: "2020-02-16T22:00:00Z",
        what: "flat at 215 for 44 hours",
        fits: RUN,
    },
    Label {
        parking: "Heilig-Hart",
        from: "2020-02-23T16:00:00Z",
        until: "2020-02-24T00:00:00Z",
        what: "frozen at 162 by night",
        fits: RUN,
    },
    Label {
        parking: "Heilig-Hart",
        from: "2020-01-11T00:00:00Z",
        until: "2020-01-30T00:00:00Z",
        what: "nights clamped at 194, weekends at 215",
        fits: RUN,
    },
    Label {
        parking: "Ladeuze",
        from: "2020-03-07T00:00:00Z",
        until: "2020-03-13T00:00:00Z",
        what: "its night level falls by 70 and creeps back",
        fits: &[Drift],
    },
];
