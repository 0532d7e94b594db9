//! Street networks to route over.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use vlot_import::read::Source;
use vlot_model::{LonLat, RoadClass, RoadNetwork};
use vlot_network::{Draft, DraftLink};

use crate::Options;

/// A network, and where it came from.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) network: Arc<RoadNetwork>,
    pub(crate) extract: Option<PathBuf>,
}

/// The files given, or Leuven's graph among the recordings.
pub(super) fn files(options: &Options) -> Vec<PathBuf> {
    if options.files.is_empty() { leuven() } else { options.files.clone() }
}

/// Leuven's graph among the recordings.
pub(crate) fn leuven() -> Vec<PathBuf> {
    let dir =
        std::env::var_os("VLOT_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    vec![dir.join("leuven").join("leuven_edges.csv.gz")]
}

pub(crate) fn read(file: &Path) -> Result<Set> {
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut extract = None;
    let network = if name.ends_with("edges.csv.gz") {
        graph(file)?
    } else if [".pbf", ".osm", ".osm.gz", ".osm.bz2"].iter().any(|end| name.ends_with(end)) {
        extract = Some(file.to_path_buf());
        let options = vlot_import::Options { name: name.clone(), ..vlot_import::Options::default() };
        vlot_import::osm(&Source::File(file.to_path_buf()), &options)?.network
    } else {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        vlot_network::read(&bytes).with_context(|| format!("{}", file.display()))?
    };
    if network.links.is_empty() {
        bail!("{} has no links", file.display());
    }
    Ok(Set { name, network: Arc::new(network), extract })
}

/// A bare graph: `*_nodes.csv.gz` (id, lat, lon) and `*_edges.csv.gz` (from, to, length, km/h), without classes and rules.
fn graph(edges: &Path) -> Result<RoadNetwork> {
    let nodes = edges.to_string_lossy().replace("edges.csv.gz", "nodes.csv.gz");
    let places: Vec<_> = table(Path::new(&nodes))?
        .iter()
        .map(|row| LonLat {
            lat: row.get(1).copied().unwrap_or_default(),
            lon: row.get(2).copied().unwrap_or_default(),
        })
        .collect();
    let mut draft = Draft::new(&edges.display().to_string());
    for row in table(edges)? {
        let [from, to, _, kmh] = row[..] else { bail!("{}: a row without four cells", edges.display()) };
        #[expect(clippy::cast_possible_truncation, reason = "the file's numbers of nodes")]
        let nodes = [from as i64, to as i64];
        let ends: Option<Vec<_>> =
            nodes.iter().map(|n| usize::try_from(*n).ok().and_then(|n| places.get(n)).copied()).collect();
        let Some(points) = ends else { bail!("{}: an edge of no node: {nodes:?}", edges.display()) };
        #[expect(clippy::cast_possible_truncation, reason = "km/h")]
        let free_flow_kmh = if kmh > 0.0 { kmh as f32 } else { 30.0 };
        draft.link(DraftLink {
            id: DraftLink::id_of(1, nodes, 0),
            points,
            free_flow_kmh,
            opposite: Some(DraftLink::id_of(1, [nodes[1], nodes[0]], 0)),
            ..DraftLink::new(nodes, 0, RoadClass::Tertiary)
        });
    }
    Ok(draft.make().network)
}

fn table(file: &Path) -> Result<Vec<Vec<f64>>> {
    let open = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut text = String::new();
    GzDecoder::new(open).read_to_string(&mut text)?;
    let row = |line: &str| line.split(',').map(|cell| cell.parse().unwrap_or(f64::NAN)).collect();
    Ok(text.lines().skip(1).map(row).collect())
}
