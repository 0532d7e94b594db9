//! What it takes from many to many: each target's search once, then each origin's over what those left (the buckets of Knopp,
//! Sanders, Schultes, Schulz and Wagner, "Computing Many-to-Many Shortest Paths Using Highway Hierarchies", ALENEX 2007).

use vlot_model::OnLink;

use super::profile::seconds;
use super::router::{Router, Scratch};
use super::{NEVER_MS, NONE, id};

/// What the targets' searches left.
pub(super) struct Columns<'a> {
    targets: &'a [OnLink],
    /// Local nodes from which each target is reached by local streets alone, with the milliseconds.
    before: Vec<Vec<(u32, u32)>>,
    /// Where each node's row begins; [`NONE`]: no target's search came there.
    row_of: Vec<u32>,
    /// Milliseconds from a node to each target.
    rows: Vec<u32>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(router: &Router, scratch: &mut Scratch, targets: &'a [OnLink]) -> Self {
        let (around, h) = (router.around(), &router.streets.hierarchy);
        let (mut row_of, mut rows) = (vec![NONE; h.nodes()], Vec::new());
        let mut before = Vec::with_capacity(targets.len());
        for (i, target) in targets.iter().enumerate() {
            scratch.to.to(around, router.goals(std::slice::from_ref(target)));
            before.push(scratch.to.before(around, &mut scratch.inner).collect());
            let back = &mut scratch.search.back;
            back.run(h, &router.metric, 1, &scratch.to.gates);
            for x in &back.nodes {
                let ms = back.ms[*x as usize];
                if ms < NEVER_MS {
                    let row = &mut row_of[*x as usize];
                    if *row == NONE {
                        *row = id(rows.len());
                        rows.resize(rows.len() + targets.len(), NEVER_MS);
                    }
                    rows[*row as usize + i] = ms;
                }
            }
        }
        Columns { targets, before, row_of, rows }
    }

    pub(super) fn row(&self, router: &Router, scratch: &mut Scratch, origin: OnLink) -> Vec<Option<f32>> {
        let h = &router.streets.hierarchy;
        let origin = [origin];
        let mut least = vec![NEVER_MS; self.targets.len()];
        scratch.from.from(router.around(), &router.starts(&origin));
        let forth = &mut scratch.search.forth;
        forth.run(h, &router.metric, 0, &scratch.from.gates);
        for x in &forth.nodes {
            let (here, row) = (forth.ms[*x as usize], self.row_of[*x as usize]);
            if here < NEVER_MS && row != NONE {
                let row = &self.rows[row as usize..row as usize + least.len()];
                for (least, ms) in least.iter_mut().zip(row) {
                    *least = (*least).min(here + ms);
                }
            }
        }
        let forth = &scratch.from.sweep;
        for (j, before) in self.before.iter().enumerate() {
            let locally = before.iter().map(|(x, ms)| forth.ms[*x as usize] + ms);
            let along = router.along(&origin, &self.targets[j..=j]).map(|(ms, _, _)| ms);
            least[j] = locally.chain(along).fold(least[j], u32::min);
        }
        least.into_iter().map(|ms| (ms < NEVER_MS).then(|| seconds(ms))).collect()
    }
}
