//! A disk in memory that fails as real ones do: it tears writes, runs full, forgets what a failed sync gave up, and
//! after a power cut holds any part of what was not synced.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use vlot_store::journal::{Disk, DiskFile};

const SECTOR_BYTES: usize = 512;

/// What the journal asks of the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Create,
    Open,
    Write { offset: u64, bytes: usize },
    Sync,
    Rename,
    Remove,
    SyncDir,
    Other,
}

/// What a test makes of it.
pub(crate) enum Fault {
    Pass,
    /// Fails, with nothing done.
    Fail(io::ErrorKind),
    /// Writes only so much.
    Short(usize),
    /// Writes so much and fails.
    Tear(usize, io::ErrorKind),
}

type Faults = Box<dyn FnMut(&Op) -> Fault + Send>;

/// Answers a question of chance: a number below the bound.
pub(crate) type Chance<'a> = &'a mut dyn FnMut(usize) -> usize;

#[derive(Clone, Default)]
pub(crate) struct FakeDisk {
    inner: Arc<Mutex<Inner>>,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

#[derive(Default)]
struct Inner {
    files: Vec<FileData>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    pending_names: Vec<Vec<(PathBuf, Option<usize>)>>,
    locks: BTreeSet<PathBuf>,
    faults: Option<Faults>,
    capacity: Option<usize>,
    /// Bytes until the power goes; everything fails afterwards.
    fuse: Option<usize>,
    /// Handles of a former life are of no use.
    life: u64,
}

#[derive(Clone, Default)]
struct FileData {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Written but not synced, oldest first.
    pending: Vec<(usize, Vec<u8>)>,
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if file.len() < offset + bytes.len() {
        file.resize(offset + bytes.len(), 0);
    }
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}

impl FakeDisk {
    fn lock_inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(crate) fn set_faults(&self, faults: impl FnMut(&Op) -> Fault + Send + 'static) {
        self.lock_inner().faults = Some(Box::new(faults));
    }

    pub(crate) fn clear_faults(&self) {
        self.lock_inner().faults = None;
    }

    pub(crate) fn set_capacity(&self, bytes: Option<usize>) {
        self.lock_inner().capacity = bytes;
    }

    /// The power goes after so many more bytes (an operation on names counts as one).
    pub(crate) fn set_fuse(&self, bytes: usize) {
        self.lock_inner().fuse = Some(bytes);
    }

    pub(crate) fn is_off(&self) -> bool {
        self.lock_inner().fuse == Some(0)
    }

    pub(crate) fn used(&self) -> usize {
        self.lock_inner().used()
    }

    /// Holds every sync back until the gate opens again.
    pub(crate) fn hold_syncs(&self, hold: bool) {
        *self.gate.0.lock().unwrap() = hold;
        self.gate.1.notify_all();
    }

    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let segment = |p: &&PathBuf| p.extension().is_some_and(|e| e == "vlotj");
        self.lock_inner().names.keys().filter(segment).cloned().collect()
    }

    pub(crate) fn bytes(&self, path: &Path) -> Vec<u8> {
        let inner = self.lock_inner();
        inner.files[inner.names[path]].live.clone()
    }

    /// Puts a file there with these bytes, durably.
    pub(crate) fn place(&self, path: &Path, bytes: Vec<u8>) {
        let mut inner = self.lock_inner();
        let file = inner.files.len();
        inner.files.push(FileData { durable: bytes.clone(), live: bytes, pending: Vec::new() });
        inner.names.insert(path.to_owned(), file);
        inner.durable_names.insert(path.to_owned(), file);
    }

    pub(crate) fn delete(&self, path: &Path) {
        let mut inner = self.lock_inner();
        inner.names.remove(path);
        inner.durable_names.remove(path);
    }

    /// The process dies, the machine lives: what was written is there, synced or not.
    pub(crate) fn kill(&self) {
        let mut inner = self.lock_inner();
        inner.fuse = None;
        inner.life += 1;
        inner.locks.clear();
    }

    /// The power goes: of what was not synced, any sectors are there in any of their states.
    pub(crate) fn cut_power(&self, chance: Chance<'_>) {
        self.kill();
        let mut inner = self.lock_inner();
        let survive = chance(inner.pending_names.len() + 1);
        let names = std::mem::take(&mut inner.pending_names);
        for (path, file) in names.into_iter().take(survive).flatten() {
            match file {
                Some(file) => inner.durable_names.insert(path, file),
                None => inner.durable_names.remove(&path),
            };
        }
        inner.names = inner.durable_names.clone();
        for file in &mut inner.files {
            let pending = std::mem::take(&mut file.pending);
            let grown = pending.iter().map(|(offset, bytes)| offset + bytes.len()).max().unwrap_or(0);
            if grown > file.durable.len() && chance(2) == 1 {
                file.durable.resize(grown, 0);
            }
            let durable = file.durable.len();
            let sectors: BTreeSet<usize> = pending
                .iter()
                .flat_map(|(offset, bytes)| {
                    offset / SECTOR_BYTES..(offset + bytes.len()).div_ceil(SECTOR_BYTES)
                })
                .collect();
            for sector in sectors {
                let (from, to) = (sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
                for (offset, bytes) in pending.iter().take(chance(pending.len() + 1)) {
                    let (from, to) = (from.max(*offset), to.min(offset + bytes.len()).min(durable));
                    if from < to {
                        file.durable[from..to].copy_from_slice(&bytes[from - offset..to - offset]);
                    }
                }
            }
            file.live = file.durable.clone();
        }
    }

    fn alive(&self, life: u64, op: &Op) -> io::Result<(MutexGuard<'_, Inner>, Fault)> {
        let mut inner = self.lock_inner();
        if inner.life != life || inner.fuse == Some(0) {
            return Err(io::Error::other("the machine is off"));
        }
        let fault = inner.faults.as_mut().map_or(Fault::Pass, |faults| faults(op));
        if let Fault::Fail(kind) = fault {
            return Err(kind.into());
        }
        if let (Some(fuse), Op::Create | Op::Rename | Op::Remove) = (&mut inner.fuse, op) {
            *fuse -= 1;
        }
        Ok((inner, fault))
    }

    fn life(&self) -> u64 {
        self.lock_inner().life
    }

    fn ask(&self, op: &Op) -> io::Result<MutexGuard<'_, Inner>> {
        let life = self.life();
        self.alive(life, op).map(|(inner, _)| inner)
    }

    fn handle(&self, file: usize, life: u64, write: bool) -> Box<dyn DiskFile> {
        Box::new(Handle { disk: self.clone(), file, life, write })
    }
}

impl Inner {
    fn used(&self) -> usize {
        let files: BTreeSet<usize> = self.names.values().copied().collect();
        files.iter().map(|f| self.files[*f].live.len()).sum()
    }

    fn rename(&mut self, changes: Vec<(PathBuf, Option<usize>)>) {
        for (path, file) in &changes {
            match file {
                Some(file) => self.names.insert(path.clone(), *file),
                None => self.names.remove(path),
            };
        }
        self.pending_names.push(changes);
    }
}

impl Disk for FakeDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        self.ask(&Op::Other).map(drop)
    }

    fn lock(&self, file: &Path) -> io::Result<Box<dyn Any + Send>> {
        let mut inner = self.ask(&Op::Other)?;
        if !inner.locks.insert(file.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Lock { disk: self.clone(), file: file.to_owned(), life: inner.life }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let inner = self.ask(&Op::Other)?;
        let names = inner.names.keys().filter(|p| p.parent() == Some(dir));
        Ok(names.filter_map(|p| p.file_name()?.to_str()).map(str::to_owned).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.ask(&Op::Create)?;
        let file = inner.files.len();
        inner.files.push(FileData::default());
        inner.rename(vec![(path.to_owned(), Some(file))]);
        Ok(self.handle(file, inner.life, true))
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<Box<dyn DiskFile>> {
        let inner = self.ask(&Op::Open)?;
        let file = *inner.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.handle(file, inner.life, write))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.ask(&Op::Rename)?;
        let file = *inner.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        inner.rename(vec![(to.to_owned(), Some(file)), (from.to_owned(), None)]);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.ask(&Op::Remove)?;
        if !inner.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        inner.rename(vec![(path.to_owned(), None)]);
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        let mut inner = self.ask(&Op::SyncDir)?;
        inner.pending_names.clear();
        inner.durable_names = inner.names.clone();
        Ok(())
    }
}

struct Lock {
    disk: FakeDisk,
    file: PathBuf,
    life: u64,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut inner = self.disk.lock_inner();
        if inner.life == self.life {
            inner.locks.remove(&self.file);
        }
    }
}

struct Handle {
    disk: FakeDisk,
    file: usize,
    life: u64,
    write: bool,
}

impl DiskFile for Handle {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let (inner, fault) = self.disk.alive(self.life, &Op::Other)?;
        let live = &inner.files[self.file].live;
        let from = usize::try_from(offset).unwrap().min(live.len());
        let mut n = into.len().min(live.len() - from);
        if let Fault::Short(short) = fault {
            n = n.min(short);
        }
        into[..n].copy_from_slice(&live[from..from + n]);
        Ok(n)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        assert!(self.write, "written to through a handle for reading");
        let (mut inner, fault) = self.disk.alive(self.life, &Op::Write { offset, bytes: bytes.len() })?;
        let offset = usize::try_from(offset).unwrap();
        let mut n = bytes.len();
        let mut then = Ok(());
        match fault {
            Fault::Short(short) => n = n.min(short),
            Fault::Tear(torn, kind) => {
                n = n.min(torn);
                then = Err(io::Error::from(kind));
            }
            Fault::Pass | Fault::Fail(_) => {}
        }
        if let Some(capacity) = inner.capacity {
            let room = inner.files[self.file].live.len() + capacity.saturating_sub(inner.used());
            n = n.min(room.saturating_sub(offset));
            if n == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        if let Some(fuse) = &mut inner.fuse {
            n = n.min(*fuse);
            *fuse -= n;
            if *fuse == 0 {
                then = Err(io::Error::other("the machine goes off"));
            }
        }
        let file = &mut inner.files[self.file];
        put(&mut file.live, offset, &bytes[..n]);
        file.pending.push((offset, bytes[..n].to_vec()));
        then.map(|()| n)
    }

    fn sync_data(&self) -> io::Result<()> {
        let (held, opened) = &*self.disk.gate;
        let patience = crate::help::PATIENCE;
        drop(opened.wait_timeout_while(held.lock().unwrap(), patience, |held| *held).unwrap());
        let synced = self.disk.alive(self.life, &Op::Sync).map(drop);
        let mut inner = self.disk.lock_inner();
        if inner.life != self.life || inner.fuse == Some(0) {
            return synced;
        }
        let file = &mut inner.files[self.file];
        let pending = std::mem::take(&mut file.pending);
        // A failed sync gives up on the pages: they look written, and no later sync writes them.
        if synced.is_ok() {
            for (offset, bytes) in pending {
                put(&mut file.durable, offset, &bytes);
            }
        }
        synced
    }

    fn size(&self) -> io::Result<u64> {
        let (inner, _) = self.disk.alive(self.life, &Op::Other)?;
        Ok(inner.files[self.file].live.len() as u64)
    }
}
