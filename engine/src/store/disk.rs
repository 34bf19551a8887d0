//! The file system as the engine sees it: a small trait, so that tests can lose power.
//!
//! Guarantees that the engine relies on, and that every implementation must give:
//!
//! 1. [`Disk::hard_link`] and [`Disk::create_new`] are atomic and fail with `AlreadyExists` when the name is
//!    taken.
//! 2. After [`DiskFile::sync_data`] the file's bytes and length survive a power loss; after
//!    [`Disk::sync_dir`] the names in the directory do. Nothing else survives for sure.
//! 3. A 512-byte sector that was not synced is after a crash in one of the states that it had since the last
//!    sync.
//! 4. No call follows a symbolic link in the last part of a path.
//! 5. Errors are the operating system's; a full disk is `StorageFull`, what is no regular file is
//!    `InvalidData`.
#![expect(clippy::missing_errors_doc, reason = "every call fails with the operating system's error")]

use std::{fmt::Debug, io, path::Path, sync::Arc};

/// Kind of the entry that a name in a directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else: a symbolic link, a pipe, a device. The engine never opens these.
    Other,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskEntry {
    /// The name inside its directory. Bytes that are not UTF-8 are replaced, so such a name cannot be opened.
    pub name: String,
    /// Kind of the entry.
    pub kind: DiskKind,
    /// Length in bytes; 0 unless it is a file.
    pub len: u64,
    /// Tells two files under one name apart (the inode number).
    pub inode: u64,
    /// Last change in microseconds since the Unix epoch; for display, never for decisions.
    pub modified_us: u64,
}

/// A file system. See the module documentation for what is relied on.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Creates a file that must not exist, readable and writable by its owner only.
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens an existing regular file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens an existing regular file for reading.
    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives the file `from` the second name `to`; `AlreadyExists` when that is taken.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Creates a directory and its parents, durable on return, open to their owner only. An existing one is
    /// fine.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, in no particular order.
    fn list(&self, dir: &Path) -> io::Result<Vec<DiskEntry>>;
    /// Entry of `path`, without following a symbolic link; `NotFound` when there is nothing.
    fn stat(&self, path: &Path) -> io::Result<DiskEntry>;
    /// Takes the lock file `path`, creating it if needed. `WouldBlock` when it is held in a way that excludes
    /// `mode`; the error's text says who holds it. Released when the lock is dropped or its process ends.
    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn DiskLock>>;

    /// Most files that the process may have open at the same time; none where nothing bounds it.
    fn handles_max(&self) -> Option<u64> {
        None
    }

    /// Whether there is anything at `path`.
    fn exists(&self, path: &Path) -> io::Result<bool> {
        match self.stat(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// An open file. All access is positioned, so handles can be shared.
#[expect(clippy::len_without_is_empty, reason = "a length in bytes that may fail, not a collection")]
pub trait DiskFile: Debug + Send + Sync {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Fills `buf` from `offset`; `UnexpectedEof` when the file is shorter.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `buf` at `offset`, growing the file when needed.
    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the file at least `len` bytes long with room for them; new bytes are zero.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// Cuts the file to `len` bytes. Until a sync a crash may bring back what was cut off.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Bytes that files may still grow by on the file system of this one.
    fn room(&self) -> io::Result<u64>;
    /// Makes bytes and length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes bytes, length and attributes durable.
    fn sync_all(&self) -> io::Result<()>;

    /// Reads exactly `len` bytes from `offset`; `UnexpectedEof` when the file is shorter.
    fn read_vec_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

/// Who may hold a lock at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Nobody else.
    Exclusive,
    /// Others that share it. Takes no more than the right to read the lock file, and changes nothing in it.
    Shared,
}

/// A lock that is held until it is dropped.
pub trait DiskLock: Debug + Send + Sync {}
