//! An OpenStreetMap extract to a road network.

use std::collections::BTreeMap;

use vlot_model::{Mode, RoadNetwork};
use vlot_network::{Draft, Refused};

use crate::ImportError;
use crate::read::Source;
use crate::report::{ClassKm, Gap, Report};
use crate::roads::{collect, connected, pieces, stranded, turns};
use crate::tags::speed::Limits;

/// What an import may be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Where the map came from, for people: a file's name.
    pub name: String,
    /// Limits where no sign stands.
    pub limits: Limits,
    /// No more points of streets than this: a bound on memory, some 400 bytes each.
    pub most_points: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { name: String::new(), limits: Limits::default(), most_points: 5_000_000 }
    }
}

/// A network, and what came of making it.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The network.
    pub network: RoadNetwork,
    /// What came of it.
    pub report: Report,
}

/// Makes a network of an extract.
///
/// # Errors
/// When the file cannot be read, is damaged, something else or too large, or holds no streets.
pub fn osm(source: &Source, options: &Options) -> Result<Imported, ImportError> {
    let mut report = Report::default();
    let kept = collect::collect(source, options, &mut report)?;
    let mut draft = Draft::new(&options.name);
    let named = pieces::draft(&kept, options.limits, &mut draft, &mut report);
    turns::draft(&kept, &named, &mut draft, &mut report);
    drop((kept, named));
    let made = draft.make();
    for refused in made.refused {
        let gap =
            if matches!(refused, Refused::BrokenTurn { .. }) { Gap::RestrictionPath } else { Gap::Twice };
        report.gap(gap, || refused.to_string());
    }
    if made.network.links.is_empty() {
        return Err(ImportError::NoStreets);
    }
    told(&made.network, &mut report);
    Ok(Imported { network: made.network, report })
}

fn told(network: &RoadNetwork, report: &mut Report) {
    report.links = network.links.len();
    report.junctions = network.nodes.len();
    report.turns = network.turns.len();
    let timed =
        |access: u32| network.access.get(access as usize).is_some_and(|access| !access.rules.is_empty());
    report.timed_links = network.links.iter().filter(|link| timed(link.access)).count();
    let mut km = BTreeMap::new();
    for link in &network.links {
        let share = if link.opposite.is_some() { 0.5 } else { 1.0 };
        *km.entry(link.class).or_insert(0.0) += f64::from(link.length_m) / 1_000.0 * share;
    }
    report.km = km.into_iter().map(|(class, km)| ClassKm { class, km }).collect();
    report.connected = Mode::ALL.map(|mode| connected::largest(network, mode)).to_vec();
    stranded::told(network, report);
}
