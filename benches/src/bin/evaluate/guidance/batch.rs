//! Many runs, some at a time; each is kept when it is done, so that a batch that was ended goes on where it was.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result};

use super::demand::{self, Demand};
use super::play::play;
use super::result::Played;
use super::scenario::Scenario;
use super::{City, Setup};

/// Where results lie: beside this program, by what they depend on. Another program, and other files, are another name.
struct Kept {
    folder: PathBuf,
    of: u64,
}

fn fnv(mut hash: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

impl Kept {
    fn new(folder: &Path) -> Result<Self> {
        let program = std::env::current_exe()?;
        let mut of = fnv(0xcbf2_9ce4_8422_2325, &std::fs::read(&program)?);
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            of = fnv(of, file.display().to_string().as_bytes());
            of = fnv(of, &std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
        }
        let beside = program.parent().context("this program has no folder")?;
        Ok(Kept { folder: beside.join("guidance-runs"), of })
    }

    fn path(&self, setup: &Setup) -> PathBuf {
        self.folder.join(format!("{:016x}.json", fnv(self.of, format!("{setup:?}").as_bytes())))
    }

    fn find(&self, setup: &Setup) -> Option<Played> {
        serde_json::from_slice(&std::fs::read(self.path(setup)).ok()?).ok()
    }

    fn keep(&self, setup: &Setup, played: &Played) -> Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let (path, bytes) = (self.path(setup), serde_json::to_vec(played)?);
        // Whole or not at all.
        let part = path.with_extension("part");
        std::fs::write(&part, bytes)?;
        Ok(std::fs::rename(part, path)?)
    }
}

/// Plays all, `jobs` at a time; in their order. Tells of each that is done.
pub(super) fn run(
    scenario: &Scenario,
    city: &City,
    setups: &[Setup],
    jobs: usize,
    told: &(dyn Fn(&Setup, &Played) + Sync),
) -> Result<Vec<Played>> {
    let kept = Kept::new(&scenario.folder)?;
    let known = demand::Known::default();
    let next = AtomicUsize::new(0);
    let done: Vec<OnceLock<Played>> = setups.iter().map(|_| OnceLock::new()).collect();
    let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let one = |at: usize, setup: &Setup, last: &mut Option<(u64, Demand)>| -> Result<()> {
        let played = if let Some(played) = kept.find(setup) {
            played
        } else {
            let seed = setup.seed;
            let demand = match last.take().filter(|(of, _)| *of == seed) {
                Some((_, demand)) => demand,
                None => demand::draw(scenario, &known, seed, setup.scale, setup.until_s as f64),
            };
            let played = play(scenario, &demand, city, setup).with_context(|| format!("{setup:?}"))?;
            kept.keep(setup, &played)?;
            *last = Some((seed, demand));
            played
        };
        told(setup, &played);
        let _was_empty = done[at].set(played);
        Ok(())
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                let mut last = None;
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(setup) = setups.get(at) else { break };
                    if let Err(error) = one(at, setup, &mut last) {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        // The others end with what they are at.
                        next.store(setups.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    done.into_iter().map(|played| played.into_inner().context("a run was left out")).collect()
}
