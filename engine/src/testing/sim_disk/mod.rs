//! [`SimDisk`]: a disk in memory that knows what was synced.
//!
//! Every file has its bytes as the running process sees them, the bytes that are certain to survive, and the
//! changes in between; every directory the same for its names. [`SimDisk::crash`] makes a new disk from what
//! may be left:
//!
//! ```text
//!   synced bytes ──▶ write A ──▶ write B ──▶ what the process sees
//!                └── each unsynced sector of 512 bytes: before A, after A, or after B ──▶ after the crash
//! ```
//!
//! Calls that change something are counted from 1, so that a test can fail or crash at each in turn. Paths
//! are taken as they are: there are no symbolic links, and making a directory is durable at once (as in
//! `OsDisk`).

mod crash;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::store::{Disk, DiskEntry, DiskFile, DiskKind, DiskLock, LockMode};

/// A disk in memory that can fail, fill up and lose power. Clones are handles of one disk.
#[derive(Clone, Default)]
pub struct SimDisk {
    machine: Arc<Mutex<Machine>>,
}

#[derive(Default)]
struct Machine {
    inodes: BTreeMap<u64, Inode>,
    directories: BTreeMap<PathBuf, Directory>,
    locked: Vec<(PathBuf, LockMode)>,
    next_inode: u64,
    /// Calls that change something.
    changes: u64,
    reads: u64,
    syncs: u64,
    fault: Option<Fault>,
    failing_read: Option<u64>,
    crashed: bool,
    capacity: Option<u64>,
}

#[derive(Clone, Default)]
struct Inode {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Clone)]
enum Pending {
    Write { offset: u64, bytes: Vec<u8> },
    Allocate,
}

#[derive(Clone, Default)]
struct Directory {
    names: BTreeMap<String, u64>,
    synced: BTreeMap<String, u64>,
}

#[derive(Clone, Copy)]
enum Fault {
    /// The call fails and does nothing.
    Before(u64),
    /// The call does its work and fails.
    After(u64),
    /// The machine stops: a change may have reached the disk, a sync has not.
    Crash(u64),
}

/// Effect of a call on the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Change,
    Sync,
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// This disk as the engine takes it.
    pub fn shared(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    /// Calls so far that changed or synced something.
    pub fn operations(&self) -> u64 {
        self.machine.lock().changes
    }

    /// Syncs so far, of files and directories.
    pub fn syncs(&self) -> u64 {
        self.machine.lock().syncs
    }

    /// Calls so far that read something.
    pub fn reads(&self) -> u64 {
        self.machine.lock().reads
    }

    /// Makes the operation number `n` (counted as [`SimDisk::operations`] counts) fail without effect.
    pub fn fail_at(&self, n: u64) {
        self.machine.lock().fault = Some(Fault::Before(n));
    }

    /// Makes the operation number `n` take effect and then report an error.
    pub fn fail_after(&self, n: u64) {
        self.machine.lock().fault = Some(Fault::After(n));
    }

    /// Stops the machine at the operation number `n`: it and every later call fails, until [`SimDisk::crash`]
    /// gives the disk that is found after the restart.
    pub fn crash_at(&self, n: u64) {
        self.machine.lock().fault = Some(Fault::Crash(n));
    }

    /// Makes the read number `n` (counted as [`SimDisk::reads`] counts) fail.
    pub fn fail_read_at(&self, n: u64) {
        self.machine.lock().failing_read = Some(n);
    }

    /// Takes back every fault that has not happened.
    pub fn heal(&self) {
        let mut machine = self.machine.lock();
        machine.fault = None;
        machine.failing_read = None;
    }

    /// Whether the machine has stopped.
    pub fn has_crashed(&self) -> bool {
        self.machine.lock().crashed
    }

    /// Forgets who holds locks, as a file system does whose locks cannot be relied on.
    pub fn release_locks(&self) {
        self.machine.lock().locked.clear();
    }

    /// Limits the bytes of all files together; more is `StorageFull`.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.machine.lock().capacity = bytes;
    }

    /// Bytes of all files together.
    pub fn used(&self) -> u64 {
        self.machine.lock().used()
    }

    /// The disk as it is found after a power loss now. Bytes and names that were not synced are lost, kept,
    /// torn or reordered, as `seed` has it. This disk stays as it is, but should not be used any more.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        Self { machine: Arc::new(Mutex::new(crash::crash(&self.machine.lock(), seed))) }
    }

    /// A copy of the disk as the process sees it, all of it synced.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { machine: Arc::new(Mutex::new(crash::keep_all(&self.machine.lock()))) }
    }

    /// All files with their lengths, by path.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let machine = self.machine.lock();
        let in_directory = |(path, directory): (&PathBuf, &Directory)| -> Vec<(PathBuf, u64)> {
            let len = |inode| machine.inodes[inode].bytes.len() as u64;
            directory.names.iter().map(|(name, inode)| (path.join(name), len(inode))).collect()
        };
        let mut files: Vec<_> = machine.directories.iter().flat_map(in_directory).collect();
        files.sort();
        files
    }

    /// The bytes of a file.
    ///
    /// # Panics
    ///
    /// When there is no such file; so do the other calls that damage files.
    pub fn read_file(&self, path: impl AsRef<Path>) -> Vec<u8> {
        self.damage(path.as_ref(), |bytes| bytes.clone())
    }

    /// Replaces the bytes of a file, durably.
    pub fn write_file(&self, path: impl AsRef<Path>, new: Vec<u8>) {
        self.damage(path.as_ref(), |bytes| *bytes = new);
    }

    /// Changes the bits of `mask` in one byte of a file.
    pub fn flip(&self, path: impl AsRef<Path>, offset: u64, mask: u8) {
        self.damage(path.as_ref(), |bytes| bytes[offset as usize] ^= mask);
    }

    /// Cuts a file to `len` bytes.
    pub fn cut(&self, path: impl AsRef<Path>, len: u64) {
        self.damage(path.as_ref(), |bytes| bytes.truncate(len as usize));
    }

    /// Removes a file, durably.
    pub fn delete_file(&self, path: impl AsRef<Path>) {
        let mut machine = self.machine.lock();
        let (directory, name) = machine.locate(path.as_ref()).expect("the file is in a directory");
        directory.synced.remove(&name);
        directory.names.remove(&name).expect("the file exists");
    }

    fn damage<T>(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut machine = self.machine.lock();
        let inode = machine.find(path).expect("the file exists");
        let inode = machine.inodes.get_mut(&inode).expect("every name has an inode");
        let result = change(&mut inode.bytes);
        inode.synced.clone_from(&inode.bytes);
        inode.pending.clear();
        result
    }

    /// Runs one call that changes something, with the faults that were asked for.
    fn change<T>(&self, call: Call, run: impl FnOnce(&mut Machine) -> io::Result<T>) -> io::Result<T> {
        let mut machine = self.machine.lock();
        machine.check_running()?;
        machine.changes += 1;
        machine.syncs += u64::from(call == Call::Sync);
        let number = machine.changes;
        match machine.fault {
            Some(Fault::Before(n)) if n == number => Err(injected("the call did nothing")),
            Some(Fault::After(n)) if n == number => {
                run(&mut machine)?;
                Err(injected("the call took effect"))
            }
            Some(Fault::Crash(n)) if n <= number => {
                if call == Call::Change {
                    // Whether it reached the disk is decided by the crash, like for all that is not synced.
                    let _ = run(&mut machine);
                }
                machine.crashed = true;
                Err(injected("the machine stopped"))
            }
            _ => run(&mut machine),
        }
    }

    fn read<T>(&self, run: impl FnOnce(&Machine) -> io::Result<T>) -> io::Result<T> {
        let mut machine = self.machine.lock();
        machine.check_running()?;
        machine.reads += 1;
        if machine.failing_read == Some(machine.reads) {
            return Err(injected("the read failed"));
        }
        run(&machine)
    }

    fn handle(&self, inode: u64) -> Arc<dyn DiskFile> {
        Arc::new(SimFile { disk: self.clone(), inode })
    }
}

fn injected(what: &str) -> io::Error {
    io::Error::other(format!("injected fault: {what}"))
}

fn split(path: &Path) -> io::Result<(&Path, String)> {
    match (path.parent(), path.file_name().and_then(|name| name.to_str())) {
        (Some(parent), Some(name)) => Ok((parent, name.to_owned())),
        _ => Err(ErrorKind::InvalidInput.into()),
    }
}

impl Machine {
    fn check_running(&self) -> io::Result<()> {
        if self.crashed { Err(injected("the machine stopped")) } else { Ok(()) }
    }

    fn locate(&mut self, path: &Path) -> io::Result<(&mut Directory, String)> {
        let (parent, name) = split(path)?;
        let directory = self.directories.get_mut(parent).ok_or(ErrorKind::NotFound)?;
        Ok((directory, name))
    }

    fn find(&self, path: &Path) -> io::Result<u64> {
        let (parent, name) = split(path)?;
        let directory = self.directories.get(parent).ok_or(ErrorKind::NotFound)?;
        Ok(*directory.names.get(&name).ok_or(ErrorKind::NotFound)?)
    }

    fn used(&self) -> u64 {
        let named: BTreeSet<u64> =
            self.directories.values().flat_map(|directory| directory.names.values().copied()).collect();
        named.iter().map(|inode| self.inodes[inode].bytes.len() as u64).sum()
    }

    fn grow(&mut self, inode: u64, len: u64) -> io::Result<()> {
        let have = self.inodes[&inode].bytes.len() as u64;
        if len <= have {
            return Ok(());
        }
        if self.capacity.is_some_and(|capacity| self.used() + len - have > capacity) {
            return Err(ErrorKind::StorageFull.into());
        }
        self.inode(inode).bytes.resize(len as usize, 0);
        Ok(())
    }

    fn inode(&mut self, inode: u64) -> &mut Inode {
        self.inodes.get_mut(&inode).expect("an open or named file has an inode")
    }

    fn add(&mut self, path: &Path, inode: u64) -> io::Result<()> {
        if self.directories.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let (directory, name) = self.locate(path)?;
        if directory.names.contains_key(&name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        directory.names.insert(name, inode);
        Ok(())
    }

    fn sync(&mut self, inode: u64) {
        let inode = self.inode(inode);
        inode.synced.resize(inode.bytes.len(), 0);
        for pending in inode.pending.drain(..) {
            if let Pending::Write { offset, bytes } = pending {
                inode.synced[offset as usize..offset as usize + bytes.len()].copy_from_slice(&bytes);
            }
        }
    }

    fn describe(&self, name: &str, inode: u64) -> DiskEntry {
        let len = self.inodes[&inode].bytes.len() as u64;
        DiskEntry { name: name.to_owned(), kind: DiskKind::File, len, inode, modified_us: inode }
    }
}

fn directory_entry(name: String) -> DiskEntry {
    DiskEntry { name, kind: DiskKind::Directory, len: 0, inode: 0, modified_us: 0 }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDisk").field("operations", &self.operations()).finish_non_exhaustive()
    }
}

impl Disk for SimDisk {
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.change(Call::Change, |machine| {
            machine.next_inode += 1;
            let inode = machine.next_inode;
            machine.add(path, inode)?;
            machine.inodes.insert(inode, Inode::default());
            Ok(inode)
        })?;
        Ok(self.handle(inode))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.open_read(path)
    }

    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.read(|machine| machine.find(path))?;
        Ok(self.handle(inode))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Call::Change, |machine| {
            let inode = machine.find(from)?;
            machine.add(to, inode)
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Change, |machine| {
            let (directory, name) = machine.locate(path)?;
            directory.names.remove(&name).map(drop).ok_or(ErrorKind::NotFound.into())
        })
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Change, |machine| {
            let directory = machine.directories.get(path).ok_or(ErrorKind::NotFound)?;
            let has_directories = machine.directories.keys().any(|other| other.parent() == Some(path));
            if has_directories || !directory.names.is_empty() {
                return Err(ErrorKind::DirectoryNotEmpty.into());
            }
            machine.directories.remove(path);
            Ok(())
        })
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Change, |machine| {
            for ancestor in path.ancestors() {
                if machine.find(ancestor).is_ok() {
                    return Err(ErrorKind::NotADirectory.into());
                }
                machine.directories.entry(ancestor.to_owned()).or_default();
            }
            Ok(())
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Sync, |machine| {
            let directory = machine.directories.get_mut(path).ok_or(ErrorKind::NotFound)?;
            directory.synced.clone_from(&directory.names);
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DiskEntry>> {
        self.read(|machine| {
            let directory = machine.directories.get(dir).ok_or(ErrorKind::NotFound)?;
            let files = directory.names.iter().map(|(name, inode)| machine.describe(name, *inode));
            let below = machine.directories.keys().filter(|path| path.parent() == Some(dir));
            let directories =
                below.filter_map(|path| split(path).ok()).map(|(_, name)| directory_entry(name));
            Ok(files.chain(directories).collect())
        })
    }

    fn stat(&self, path: &Path) -> io::Result<DiskEntry> {
        self.read(|machine| {
            if machine.directories.contains_key(path) {
                return Ok(directory_entry(split(path).map(|(_, name)| name).unwrap_or_default()));
            }
            let inode = machine.find(path)?;
            Ok(machine.describe(&split(path)?.1, inode))
        })
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn DiskLock>> {
        let mut machine = self.machine.lock();
        machine.check_running()?;
        let excludes = |(held, other): &(PathBuf, LockMode)| {
            held == path && (mode == LockMode::Exclusive || *other == LockMode::Exclusive)
        };
        if machine.locked.iter().any(excludes) {
            return Err(io::Error::new(ErrorKind::WouldBlock, "simulated process"));
        }
        machine.locked.push((path.to_owned(), mode));
        Ok(Box::new(SimLock { disk: self.clone(), held: (path.to_owned(), mode) }))
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    held: (PathBuf, LockMode),
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut machine = self.disk.machine.lock();
        // Absent when the locks were forgotten meanwhile.
        if let Some(at) = machine.locked.iter().position(|held| *held == self.held) {
            machine.locked.swap_remove(at);
        }
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: u64,
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        self.disk.read(|machine| Ok(machine.inodes[&self.inode].bytes.len() as u64))
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.read(|machine| {
            let bytes = &machine.inodes[&self.inode].bytes;
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let source = bytes.get(start..).and_then(|rest| rest.get(..buf.len()));
            buf.copy_from_slice(source.ok_or(ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.disk.change(Call::Change, |machine| {
            machine.grow(self.inode, offset + buf.len() as u64)?;
            let inode = machine.inode(self.inode);
            inode.bytes[offset as usize..offset as usize + buf.len()].copy_from_slice(buf);
            inode.pending.push(Pending::Write { offset, bytes: buf.to_vec() });
            Ok(())
        })
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.disk.change(Call::Change, |machine| {
            machine.grow(self.inode, len)?;
            machine.inode(self.inode).pending.push(Pending::Allocate);
            Ok(())
        })
    }

    /// Durable at once. Only zeros are ever cut off, which a file that is found longer has as well.
    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.change(Call::Change, |machine| {
            let inode = machine.inode(self.inode);
            let cut = inode.bytes.split_off((len as usize).min(inode.bytes.len()));
            assert!(cut.iter().all(|byte| *byte == 0), "more than zeros was cut off");
            inode.synced.truncate(inode.bytes.len());
            Ok(())
        })
    }

    fn room(&self) -> io::Result<u64> {
        self.disk.read(|machine| {
            Ok(machine.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(machine.used())))
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync_all()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.disk.change(Call::Sync, |machine| {
            machine.sync(self.inode);
            Ok(())
        })
    }
}
