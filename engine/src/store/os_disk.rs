//! The operating system's file system: the only module of the engine that touches it.
#![expect(clippy::disallowed_methods, reason = "the backend that everything else goes through")]

use std::{
    fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use rustix::{
    buffer::spare_capacity,
    fs::{FallocateFlags, OFlags},
    process::{Resource, getrlimit},
};

use super::disk::{Disk, DiskEntry, DiskFile, DiskKind, DiskLock, LockMode};

/// The operating system's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsDisk;

impl OsDisk {
    /// The file system of this machine, as a shared [`Disk`].
    pub fn shared() -> Arc<dyn Disk> {
        Arc::new(Self)
    }
}

impl Disk for OsDisk {
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = options();
        Ok(Arc::new(OsFile(options.read(true).write(true).create_new(true).open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        open_regular(options().read(true).write(true), path)
    }

    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        open_regular(options().read(true), path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Ok(()),
            Ok(_) => return Err(io::Error::new(ErrorKind::NotADirectory, "not a directory")),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let parent = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => return Err(ErrorKind::NotFound.into()),
        };
        self.create_dir_all(parent)?;
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            // Somebody else made it a moment ago: what it is shows when it is used.
            _ => {}
        }
        self.sync_dir(parent)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DiskEntry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            // The entry may have gone since the directory was read: then it is not in the answer.
            match entry.metadata() {
                Ok(metadata) => {
                    entries.push(describe(entry.file_name().to_string_lossy().into(), &metadata));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    fn stat(&self, path: &Path) -> io::Result<DiskEntry> {
        let name = path.file_name().map(|name| name.to_string_lossy().into()).unwrap_or_default();
        Ok(describe(name, &std::fs::symlink_metadata(path)?))
    }

    fn handles_max(&self) -> Option<u64> {
        getrlimit(Resource::Nofile).current
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn DiskLock>> {
        Ok(Box::new(lock_file(path, mode)?))
    }
}

fn lock_file(path: &Path, mode: LockMode) -> io::Result<OsLock> {
    let create = || options().read(true).write(true).create(true).truncate(false).open(path);
    let mut file = match mode {
        LockMode::Exclusive => create()?,
        LockMode::Shared => match options().read(true).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => create()?,
            outcome => outcome?,
        },
    };
    let locked = match mode {
        LockMode::Exclusive => file.try_lock(),
        LockMode::Shared => file.try_lock_shared(),
    };
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::new(ErrorKind::WouldBlock, holder(file)));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if mode == LockMode::Exclusive {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "pid {}", std::process::id())?;
    }
    Ok(OsLock(file))
}

/// Who holds the lock `file`: a courtesy, so an unreadable or empty file must not hide that it is held.
fn holder(file: File) -> String {
    // Holders that share it leave no name, and the one in the file is of whoever had it alone before.
    if file.try_lock_shared().is_ok() {
        return "it is open for reading".to_owned();
    }
    let mut holder = String::new();
    let _ = file.take(64).read_to_string(&mut holder);
    holder.trim().to_owned()
}

/// Options that every open shares: private to the owner, no symbolic link followed, never waiting for a pipe.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    options
}

fn open_regular(options: &OpenOptions, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(io::Error::new(ErrorKind::InvalidData, "a symbolic link, not a file"));
        }
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidData, "not a regular file"));
    }
    Ok(Arc::new(OsFile(file)))
}

fn describe(name: String, metadata: &Metadata) -> DiskEntry {
    let kind = if metadata.is_file() {
        DiskKind::File
    } else if metadata.is_dir() {
        DiskKind::Directory
    } else {
        DiskKind::Other
    };
    let len = if kind == DiskKind::File { metadata.len() } else { 0 };
    let modified_us = metadata.mtime().max(0).cast_unsigned().saturating_mul(1_000_000)
        + metadata.mtime_nsec().max(0).cast_unsigned() / 1_000;
    DiskEntry { name, kind, len, inode: metadata.ino(), modified_us }
}

#[derive(Debug)]
struct OsFile(File);

impl DiskFile for OsFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(buf, offset)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let have = self.len()?;
        if have >= len {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), have, len - have) {
            Ok(()) => Ok(()),
            // This file system cannot reserve room ahead: the length is what the callers rely on.
            Err(rustix::io::Errno::OPNOTSUPP) => self.0.set_len(len),
            Err(error) => Err(error.into()),
        }
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn room(&self) -> io::Result<u64> {
        let found = rustix::fs::fstatvfs(&self.0)?;
        // Where nothing is said of blocks, nothing is known of room.
        let is_known = found.f_blocks > 0;
        Ok(if is_known { found.f_bavail.saturating_mul(found.f_frsize) } else { u64::MAX })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    /// Reads into memory that is not cleared first, which for pages of a table is a third of the work.
    fn read_vec_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let at = offset + bytes.len() as u64;
            match rustix::io::pread(&self.0, spare_capacity(&mut bytes), at) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The allocator may have given more room than asked for, and the read may have filled it.
        bytes.truncate(len);
        Ok(bytes)
    }
}

#[derive(Debug)]
struct OsLock(File);

impl DiskLock for OsLock {}

impl Drop for OsLock {
    fn drop(&mut self) {
        // Closing alone would leave the lock to a process that was forked meanwhile, until it runs its
        // program.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_was_released_is_free_while_a_fork_still_has_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        for mode in [LockMode::Exclusive, LockMode::Shared] {
            let lock = lock_file(&path, mode).unwrap();
            let in_fork = lock.0.try_clone().unwrap();
            drop(lock);
            drop(lock_file(&path, LockMode::Exclusive).unwrap());
            drop(in_fork);
        }
    }
}
