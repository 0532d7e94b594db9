//! Which of a folder's files are what: by what stands in them, not by their names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::elements::{self, Document, Element};
use crate::traveltimes::scenario::text;

const LOOPS: [&str; 3] = ["inductionLoop", "e1Detector", "instantInductionLoop"];
const DRIVES: [&str; 3] = ["trip", "flow", "vehicle"];

/// What a folder has of each.
pub(super) struct Files {
    pub(super) net: PathBuf,
    pub(super) net_text: String,
    pub(super) parks: Vec<Element>,
    pub(super) loops: Vec<Element>,
    /// Of the files in which somebody stops at a car park: `trip`, `flow` and `vehicle`.
    pub(super) drives: Vec<Element>,
    /// The edges of routes that vehicles refer to, by name.
    pub(super) routes: BTreeMap<String, String>,
    /// What types of vehicles are, by name.
    pub(super) classes: BTreeMap<String, String>,
    /// What of the folder is left aside, for people.
    pub(super) notes: Vec<String>,
}

impl Files {
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        let is_xml = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.is_file() && (name.ends_with(".xml") || name.ends_with(".xml.gz"))
        };
        paths.retain(is_xml);
        paths.sort();
        let (mut nets, mut documents) = (Vec::new(), Vec::new());
        for path in paths {
            let text = text(&path)?;
            if elements::root(&text) == "net" {
                nets.push((path, text));
            } else if ["parkingArea", "Detector", "nductionLoop", "<vType", "<route "]
                .iter()
                .any(|has| text.contains(has))
            {
                documents.push(elements::read(&path, &text)?);
            }
        }
        let at = folder.display();
        let (net, net_text) = match nets.len() {
            0 => bail!("{at}: no .net.xml (hint: netconvert and netgenerate write one)"),
            1 => nets.remove(0),
            _ => bail!(
                "{at}: two nets, {} and {} (hint: a scenario has a folder of its own)",
                nets[0].0.display(),
                nets[1].0.display()
            ),
        };
        let mut notes = Vec::new();
        let drives = drives(&documents, &mut notes);
        let all = |names: &[&str]| -> Vec<Element> {
            let named = |element: &&Element| names.contains(&element.name.as_str());
            // The same thing may stand in two files.
            let mut seen = BTreeSet::new();
            let all = documents.iter().flat_map(|document| document.root.children.iter().filter(named));
            all.filter(|element| seen.insert(element.text("id").map(str::to_owned))).cloned().collect()
        };
        let parks = all(&["parkingArea"]);
        if parks.is_empty() {
            bail!("{at}: no file with a parkingArea");
        }
        if drives.is_empty() {
            bail!(
                "{at}: no trips that stop at a parkingArea (hint: `<trip ...><stop parkingArea=\"...\" duration=\"...\"/></trip>`)"
            );
        }
        let loops = all(&LOOPS);
        if loops.is_empty() {
            notes.push(
                "no loop (inductionLoop, e1Detector): traffic is known from followed vehicles alone".into(),
            );
        }
        let pair = |key: &str, element: &Element| {
            Some((element.text("id")?.to_owned(), element.text(key)?.to_owned()))
        };
        let types = all(&["vType"]);
        let mixed = all(&["vTypeDistribution"]);
        let types = types.iter().chain(mixed.iter().flat_map(|mixed| mixed.all("vType")));
        Ok(Files {
            net,
            net_text,
            loops,
            drives,
            routes: all(&["route"]).iter().filter_map(|route| pair("edges", route)).collect(),
            classes: types.filter_map(|of| pair("vClass", of)).collect(),
            parks,
            notes,
        })
    }
}

/// Everybody who drives, of the files in which somebody stops at a car park. A file that names who is in another already is
/// the same demand once more, as routes or as a record of a run: trips come before routes, and those before a record.
fn drives(documents: &[Document], notes: &mut Vec<String>) -> Vec<Element> {
    let of = |document: &Document| -> Vec<Element> {
        let drives = document.root.children.iter();
        drives.filter(|element| DRIVES.contains(&element.name.as_str())).cloned().collect()
    };
    let parks = |drive: &Element| stop(drive).is_some();
    let mut files: Vec<(u8, &Path, Vec<Element>)> = Vec::new();
    for document in documents {
        let drives = of(document);
        if drives.iter().any(parks) {
            let is_record = drives.iter().any(|drive| drive.text("arrival").is_some());
            let rank = u8::from(drives.iter().all(|drive| drive.name == "vehicle")) + u8::from(is_record);
            files.push((rank, &document.path, drives));
        }
    }
    files.sort_by_key(|(rank, path, _)| (*rank, *path));
    let (mut taken, mut ids) = (Vec::new(), BTreeSet::new());
    for (_, path, drives) in files {
        let own: BTreeSet<String> =
            drives.iter().filter_map(|drive| drive.text("id").map(str::to_owned)).collect();
        if taken.is_empty() || ids.is_disjoint(&own) {
            taken.extend(drives);
            ids.extend(own);
        } else {
            notes.push(format!("{} is left aside: it has the same vehicles once more", path.display()));
        }
    }
    taken
}

/// Where somebody parks.
pub(super) fn stop(drive: &Element) -> Option<&Element> {
    drive.all("stop").find(|stop| stop.text("parkingArea").is_some())
}
