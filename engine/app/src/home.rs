//! An engine's data directory: the journal, and every configuration that it was written with.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use vlot_model::ActLog;
use vlot_settings::Source;
use vlot_store::audit::{self, AuditLog};

/// `journal/`, `config/<fingerprint>/`, `acts.jsonl` (who did what), `board.json`, the board at the last orderly stop, and
/// the history's file.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    /// Makes the directory where it is not there.
    pub(crate) fn make(root: &Path) -> Result<Home> {
        let home = Home { root: root.to_owned() };
        for dir in [home.journal(), home.root.join("config")] {
            std::fs::create_dir_all(&dir).with_context(|| {
                format!("cannot make {} (hint: give --data a directory that may be written)", dir.display())
            })?;
        }
        Ok(home)
    }

    /// A directory that an engine has written.
    pub(crate) fn open(root: &Path) -> Result<Home> {
        let home = Home { root: root.to_owned() };
        if !home.journal().is_dir() {
            bail!("{} holds no journal (hint: give the directory that --data named)", root.display());
        }
        Ok(home)
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    pub(crate) fn board(&self) -> PathBuf {
        self.root.join("board.json")
    }

    /// Who did what to a facility. The engine goes on without it, and takes no acts then.
    pub(crate) fn acts(&self) -> Option<Arc<dyn ActLog>> {
        match AuditLog::open(&self.root, audit::Options::default()) {
            Ok((log, damage)) => {
                damage.iter().for_each(|what| tracing::error!(what, "the audit log is damaged"));
                Some(Arc::new(log))
            }
            Err(error) => {
                tracing::error!(%error, "operators' acts are not taken");
                None
            }
        }
    }

    pub(crate) fn history(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Keeps a copy of the configuration, so that a journal can be replayed for as long as it is kept.
    pub(crate) fn keep(&self, source: &Source) -> Result<()> {
        let dir = self.config(&source.fingerprint());
        if Source::read_dir(&dir).is_ok_and(|kept| kept.fingerprint() == source.fingerprint()) {
            return Ok(());
        }
        // Written aside, on disk, and then renamed: what has that name is whole, also after a power cut.
        let aside = self.root.join("config").join(".new");
        let write = || -> std::io::Result<()> {
            if aside.exists() {
                std::fs::remove_dir_all(&aside)?;
            }
            std::fs::create_dir_all(&aside)?;
            for (name, bytes) in source.all() {
                let mut file = File::create(aside.join(name))?;
                file.write_all(bytes)?;
                file.sync_all()?;
            }
            File::open(&aside)?.sync_all()?;
            if dir.exists() {
                std::fs::remove_dir_all(&dir)?;
            }
            std::fs::rename(&aside, &dir)?;
            File::open(self.root.join("config"))?.sync_all()
        };
        write().with_context(|| format!("cannot keep a copy of the configuration in {}", dir.display()))
    }

    /// The configuration of a fingerprint.
    pub(crate) fn kept(&self, fingerprint: &str) -> Result<Source> {
        let dir = self.config(fingerprint);
        let source =
            Source::read_dir(&dir).map_err(|problems| anyhow::anyhow!("{problems}")).with_context(|| {
                format!("the configuration that the journal was written with is not at {}", dir.display())
            })?;
        if source.fingerprint() != fingerprint {
            bail!(
                "{} was changed since (hint: --config DIR replays with another configuration)",
                dir.display()
            );
        }
        Ok(source)
    }

    fn config(&self, fingerprint: &str) -> PathBuf {
        self.root.join("config").join(fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_configuration_comes_back_and_a_changed_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::make(dir.path()).unwrap();
        let source = Source::from_files([("city.toml", "name = \"x\""), ("bays.csv", "device\n")]);
        home.keep(&source).unwrap();
        home.keep(&source).unwrap();
        let fingerprint = source.fingerprint();
        assert_eq!(home.kept(&fingerprint).unwrap().fingerprint(), fingerprint);
        std::fs::write(dir.path().join("config").join(&fingerprint).join("city.toml"), "name = \"y\"")
            .unwrap();
        assert!(home.kept(&fingerprint).unwrap_err().to_string().contains("was changed"));
        home.keep(&source).unwrap();
        assert!(home.kept(&fingerprint).is_ok(), "what was damaged is kept anew");
        assert!(home.kept("0").is_err());
        assert!(Home::open(&dir.path().join("nowhere")).is_err());
    }
}
