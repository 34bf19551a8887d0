//! A directory that holds objects: the rules by which a file gets its name.
//!
//! ```text
//!   tmp/7            write, sync the file
//!     │ hard link    fails when the name is taken: this is the commit point
//!     ▼
//!   manifest/…42     sync the directory, remove tmp/7
//! ```
//!
//! 1. A file under its final name is complete: it was synced before it was linked.
//! 2. An object is never changed in place; overwriting (leases only) renames a synced file over the old one.
//! 3. Directories below the root are real directories, not symbolic links: checked when first used.
//! 4. A file left in `tmp` belongs to a writer that died, and is removed by the next one that takes the lock
//!    alone.

use std::{
    collections::BTreeSet,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    disk::{Disk, DiskEntry, DiskFile, DiskKind, DiskLock, LockMode},
    name,
    open_files::OpenFiles,
    requests::RequestCounters,
};

/// A directory of objects on a [`Disk`].
#[derive(Debug)]
pub(crate) struct LocalDir {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// Directories known to exist and to be no symbolic links.
    checked: Mutex<BTreeSet<PathBuf>>,
    next_temporary: AtomicU64,
    open_files: OpenFiles,
    requests: RequestCounters,
}

/// Outcome of an attempt to give a file its name.
#[derive(Debug)]
pub(crate) enum Linked {
    /// The file has its name, durably.
    Created,
    /// Another file had the name already.
    Exists,
    /// The file may or may not keep the name: the step after the link failed.
    Unknown(io::Error),
}

impl LocalDir {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        let open_files = OpenFiles::new(disk.handles_max());
        Self {
            disk,
            dir,
            checked: Mutex::default(),
            next_temporary: AtomicU64::new(0),
            open_files,
            requests: RequestCounters::default(),
        }
    }

    /// The files that are read.
    pub(super) fn open_files(&self) -> &OpenFiles {
        &self.open_files
    }

    pub(super) fn requests(&self) -> &RequestCounters {
        &self.requests
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes the root's lock. The exclusive mode creates the directory when needed, and clears `tmp`.
    pub(crate) fn lock(&self, mode: LockMode) -> io::Result<Box<dyn DiskLock>> {
        let path = self.dir.join(name::LOCK);
        if mode == LockMode::Shared {
            return self.disk.lock(&path, mode);
        }
        self.disk.create_dir_all(&self.dir)?;
        let lock = self.disk.lock(&path, mode)?;
        let temporary = self.dir.join(name::TEMPORARY);
        for entry in self.list_or_empty(&temporary)? {
            if entry.kind == DiskKind::File {
                self.disk.remove(&temporary.join(&entry.name))?;
            }
        }
        Ok(lock)
    }

    /// The names in the directory that no creation of a database leaves there, however early it was cut
    /// short, sorted. `wal` and `data` count: they come after the first manifest.
    pub(crate) fn foreign_entries(&self) -> io::Result<Vec<String>> {
        let entries = match self.disk.list(&self.dir) {
            Ok(entries) => entries,
            // A path that is no directory is noticed when one is to be made there.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let mut foreign_entries = Vec::new();
        for entry in entries {
            let is_known = match (entry.name.as_str(), entry.kind) {
                // The last is in the root of every file system of some kinds.
                (name::LOCK, DiskKind::File) | ("lost+found", DiskKind::Directory) => true,
                (name::TEMPORARY, DiskKind::Directory) => {
                    let inside = self.list_or_empty(&self.dir.join(&entry.name))?;
                    inside.iter().all(|file| name::is_temporary(&file.name))
                }
                (name::MANIFESTS, DiskKind::Directory) => {
                    self.list_or_empty(&self.dir.join(&entry.name))?.is_empty()
                }
                _ => false,
            };
            if !is_known {
                foreign_entries.push(entry.name);
            }
        }
        foreign_entries.sort();
        Ok(foreign_entries)
    }

    /// The path of an object, whose directories are checked but not created.
    pub(crate) fn path(&self, name: &str) -> io::Result<PathBuf> {
        let path = name::path(&self.dir, name).map_err(|reason| {
            io::Error::new(ErrorKind::InvalidInput, format!("bad name {name:?}: {reason}"))
        })?;
        self.check_parents(&path)?;
        Ok(path)
    }

    /// The path of an object that is about to be created, with its directory.
    pub(crate) fn path_to_create(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path(name)?;
        self.ensure_dir(parent(&path))?;
        Ok(path)
    }

    fn check_parents(&self, path: &Path) -> io::Result<()> {
        let mut checked = self.checked.lock();
        if checked.contains(parent(path)) {
            return Ok(());
        }
        let below: Vec<&Path> =
            path.ancestors().skip(1).take_while(|ancestor| *ancestor != self.dir).collect();
        for directory in below.into_iter().rev() {
            match self.disk.stat(directory) {
                Ok(entry) if entry.kind == DiskKind::Directory => {
                    checked.insert(directory.to_owned());
                }
                Ok(_) => {
                    return Err(io::Error::new(ErrorKind::InvalidData, "a directory of the root is none"));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn ensure_dir(&self, directory: &Path) -> io::Result<()> {
        if self.checked.lock().contains(directory) {
            return Ok(());
        }
        self.disk.create_dir_all(directory)?;
        self.checked.lock().insert(directory.to_owned());
        Ok(())
    }

    /// Removes the directory `name` when it is empty.
    pub(crate) fn remove_dir_if_empty(&self, name: &str) {
        if let Ok(path) = self.path(name) {
            self.checked.lock().remove(&path);
            // Not empty, or already gone: both are fine, an empty directory costs nothing.
            let _ = self.disk.remove_dir(&path);
        }
    }

    /// A new file in `tmp`.
    pub(crate) fn temporary(&self) -> io::Result<Temporary<'_>> {
        let directory = self.dir.join(name::TEMPORARY);
        self.check_parents(&directory.join("x"))?;
        self.ensure_dir(&directory)?;
        loop {
            let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(number.to_string());
            match self.disk.create_new(&path) {
                Ok(file) => return Ok(Temporary { dir: self, path: Some(path), file }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes `parts` as one new file under `name`, atomically and durably.
    pub(crate) fn put_new<'b>(
        &self,
        name: &str,
        parts: impl IntoIterator<Item = &'b [u8]>,
    ) -> io::Result<Linked> {
        let path = self.path_to_create(name)?;
        let temporary = self.temporary()?;
        temporary.write_parts(parts)?;
        temporary.link(&path)
    }

    /// All objects below `directory` (a name, or empty for the root) with their names, sorted.
    pub(crate) fn list(&self, directory: &str) -> io::Result<Vec<(String, DiskEntry)>> {
        let start = if directory.is_empty() { self.dir.clone() } else { self.path(directory)? };
        let mut found = Vec::new();
        let mut queue = vec![(directory.to_owned(), start)];
        while let Some((name, path)) = queue.pop() {
            for entry in self.list_or_empty(&path)? {
                if name.is_empty() && matches!(entry.name.as_str(), name::TEMPORARY | name::LOCK) {
                    continue;
                }
                let full =
                    if name.is_empty() { entry.name.clone() } else { format!("{name}/{}", entry.name) };
                if entry.kind == DiskKind::Directory {
                    queue.push((full, path.join(&entry.name)));
                } else {
                    found.push((full, entry));
                }
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    /// Entries of `directory` itself, in no order; nothing where there is no such directory.
    pub(crate) fn list_directory(&self, directory: &str) -> io::Result<Vec<DiskEntry>> {
        self.list_or_empty(&self.path(directory)?)
    }

    fn list_or_empty(&self, path: &Path) -> io::Result<Vec<DiskEntry>> {
        match self.disk.stat(path) {
            Ok(entry) if entry.kind == DiskKind::Directory => {}
            Ok(_) => return Ok(Vec::new()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
        match self.disk.list(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    /// Whether there is an object `name`.
    pub(crate) fn exists(&self, name: &str) -> io::Result<bool> {
        self.disk.exists(&self.path(name)?)
    }

    /// Removes the object `name`; absent is fine. Not synced: a removal that a crash undoes is done again.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match self.disk.remove(&self.path(name)?) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes the names in the directory of `path` durable.
    pub(crate) fn sync_parent(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(parent(path))
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// A file that has no name yet. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Temporary<'d> {
    dir: &'d LocalDir,
    path: Option<PathBuf>,
    file: Arc<dyn DiskFile>,
}

impl Temporary<'_> {
    fn write_parts<'b>(&self, parts: impl IntoIterator<Item = &'b [u8]>) -> io::Result<()> {
        let mut offset = 0;
        for part in parts {
            self.file.write_all_at(part, offset)?;
            offset += part.len() as u64;
        }
        Ok(())
    }

    pub(crate) fn file(&self) -> &Arc<dyn DiskFile> {
        &self.file
    }

    /// Takes the file out, with the duty to remove it.
    pub(crate) fn into_parts(mut self) -> (PathBuf, Arc<dyn DiskFile>) {
        (self.path.take().expect("a temporary file has a path until it is taken"), Arc::clone(&self.file))
    }

    /// Undoes [`Temporary::into_parts`].
    pub(crate) fn from_parts(dir: &LocalDir, path: PathBuf, file: Arc<dyn DiskFile>) -> Temporary<'_> {
        Temporary { dir, path: Some(path), file }
    }

    /// Syncs the file and gives it the name `to`, durably, unless that is taken.
    pub(crate) fn link(self, to: &Path) -> io::Result<Linked> {
        self.file.sync_all()?;
        match self.dir.disk.hard_link(self.path(), to) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(Linked::Exists),
            // A failed link leaves nothing behind, but only a look proves it.
            Err(error) => {
                return match self.dir.disk.exists(to) {
                    Ok(false) => Err(error),
                    _ => Ok(Linked::Unknown(error)),
                };
            }
        }
        match self.dir.sync_parent(to) {
            Ok(()) => Ok(Linked::Created),
            Err(error) => Ok(Linked::Unknown(error)),
        }
    }

    fn path(&self) -> &Path {
        self.path.as_deref().expect("a temporary file has a path until it is taken")
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Files that cannot be removed now are removed by the next writer that takes the lock.
            let _ = self.dir.disk.remove(path);
        }
    }
}
