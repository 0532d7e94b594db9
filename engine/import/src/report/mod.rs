//! What came of an import, and what of the file was not understood.

mod text;

use std::collections::BTreeMap;

use serde::Serialize;
use vlot_model::RoadClass;

/// So many examples of each gap are kept.
const EXAMPLES: usize = 5;
/// A mapper's text is shown up to this length.
const SHOWN_CHARS: usize = 120;

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Ways that became links.
    pub ways: u64,
    /// Directed links.
    pub links: usize,
    /// Junctions, ends and barriers.
    pub junctions: usize,
    /// Turns that are forbidden or the only ones allowed, barriers among them.
    pub turns: usize,
    /// Of these, those that stand for barriers.
    pub barrier_turns: usize,
    /// Links whose access changes in time.
    pub timed_links: usize,
    /// Kilometres of street by class, both directions counted once.
    pub km: Vec<ClassKm>,
    /// How connected the network is, for each mode.
    pub connected: Vec<Island>,
    /// What is there and of no use to a trip: by reason.
    pub faults: BTreeMap<Fault, Examples>,
    /// Not understood, or not represented: by reason.
    pub gaps: BTreeMap<Gap, Examples>,
}

/// Kilometres of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassKm {
    /// The class.
    pub class: RoadClass,
    /// Kilometres of street, both directions counted once.
    pub km: f64,
}

/// How connected the links are that a mode may use.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Island {
    /// The mode.
    pub mode: vlot_model::Mode,
    /// Links that it may use at some time.
    pub links: usize,
    /// Of these, those in the largest part where every link can be reached from every other, turns aside.
    pub in_largest: usize,
}

impl Island {
    /// Share of the links that are in the largest part, 0..=1; `None` without links.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.links > 0).then(|| self.in_largest as f64 / self.links as f64)
    }
}

/// How often, and some examples: the first ones of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Examples {
    /// How often.
    pub count: u64,
    /// At most five of them.
    pub examples: Vec<String>,
}

impl Examples {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            let text = example();
            let short: String = text.chars().take(SHOWN_CHARS).collect();
            self.examples.push(if short.len() < text.len() { format!("{short}...") } else { short });
        }
    }
}

/// What is in the network and of no use to a trip of cars or of bicycles; no trip begins or ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Links that the largest part neither leads to nor is reached from.
    Island,
    /// Links that the largest part leads to, and that lead not back.
    NoWayOut,
    /// Links that lead to the largest part, and that it does not lead to.
    NoWayIn,
    /// Links from whose end turn restrictions that contradict each other leave no way on.
    NoWayOn,
}

impl Fault {
    /// In a few words.
    #[must_use]
    pub fn explained(self) -> &'static str {
        match self {
            Fault::Island => "links that nothing leads to from the rest, or from there to it: islands",
            Fault::NoWayOut => "links that lead in and never out: one-way traps",
            Fault::NoWayIn => "links that lead out and that nothing leads to",
            Fault::NoWayOn => "links at whose end turn restrictions contradict each other: no way on",
        }
    }
}

/// What of a file is not in the network as it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// A `highway` that is not known.
    Highway,
    /// A value of access that is not known.
    AccessValue,
    /// A condition that cannot be followed.
    Condition,
    /// Hours that speak of school holidays.
    SchoolHolidays,
    /// A value of `oneway` that is not known, or streets whose direction changes.
    Oneway,
    /// A speed that cannot be read.
    Speed,
    /// A number of lanes that cannot be read.
    Lanes,
    /// A weight or height that cannot be read.
    Size,
    /// A barrier of an unknown kind.
    Barrier,
    /// A kind of restriction that is not known.
    RestrictionKind,
    /// A restriction whose members are not in the file, or are no streets.
    RestrictionMembers,
    /// A restriction whose members do not meet, or meet in several ways.
    RestrictionPath,
    /// Ways with fewer than two nodes.
    ShortWay,
    /// Nodes that ways speak of and the file does not hold, as at the edge of an extract.
    MissingNodes,
    /// Elements that are there twice.
    Twice,
    /// Ways that nobody may use.
    Closed,
}

impl Gap {
    /// In a few words, with what became of it.
    #[must_use]
    pub fn explained(self) -> &'static str {
        match self {
            Gap::Highway => "kinds of highway that are not known; left out",
            Gap::AccessValue => "values of access that are not known; taken as no",
            Gap::Condition => "conditions that cannot be followed; left out",
            Gap::SchoolHolidays => "hours that except school holidays; taken to hold in them too",
            Gap::Oneway => "directions that change or are not known; closed to vehicles both ways",
            Gap::Speed => "speeds that cannot be read; the default of their class taken",
            Gap::Lanes => "numbers of lanes that cannot be read; the default taken",
            Gap::Size => "weights and heights that cannot be read; left out",
            Gap::Barrier => "barriers of an unknown kind; taken to block cars and buses",
            Gap::RestrictionKind => "kinds of turn restriction that are not known; left out",
            Gap::RestrictionMembers => {
                "turn restrictions whose members are not in the file or no streets; left out"
            }
            Gap::RestrictionPath => {
                "turn restrictions whose members do not meet, or not in one way; left out"
            }
            Gap::ShortWay => "ways of fewer than two nodes; left out",
            Gap::MissingNodes => "ways with nodes that the file does not hold; cut there",
            Gap::Twice => "elements that are there twice; the first taken",
            Gap::Closed => "ways that nobody may use; left out",
        }
    }
}

impl Report {
    pub(crate) fn gap(&mut self, gap: Gap, example: impl FnOnce() -> String) {
        self.gaps.entry(gap).or_default().add(example);
    }

    pub(crate) fn fault(&mut self, fault: Fault, example: impl FnOnce() -> String) {
        self.faults.entry(fault).or_default().add(example);
    }
}

/// Where gaps of one element are noted, each once however many modes and directions come upon it.
pub(crate) struct Notes<'r> {
    report: &'r mut Report,
    /// What it is: way, node, relation.
    kind: &'static str,
    id: i64,
    said: Vec<(Gap, String)>,
}

impl<'r> Notes<'r> {
    pub(crate) fn new(report: &'r mut Report, kind: &'static str, id: i64) -> Self {
        Notes { report, kind, id, said: Vec::new() }
    }

    pub(crate) fn gap(&mut self, gap: Gap, what: impl FnOnce() -> String) {
        let said = (gap, what());
        if !self.said.contains(&said) {
            let (kind, id) = (self.kind, self.id);
            self.report.gap(gap, || format!("{kind} {id}: {}", said.1));
            self.said.push(said);
        }
    }
}
