//! The root: one place for the objects of one database, whatever it is kept on.

use std::{
    io::{self, ErrorKind},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};

use super::{
    Disk, DiskLock, Linked, LocalDir, LockMode, ObjectReader, ObjectWriter, name,
    outcome::{PutOutcome, disk_error},
    remote::{self, Remote},
};
use crate::{Error, Result};

/// Location of the objects of one database. Clones share everything.
#[derive(Clone, Debug)]
pub struct Root {
    backend: Backend,
}

#[derive(Clone, Debug)]
pub(super) enum Backend {
    Local(Arc<LocalDir>),
    Remote(Arc<Remote>),
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// Name inside the root.
    pub name: String,
    /// Length in bytes.
    pub len: u64,
}

/// The right to write to a local root; released when dropped.
#[derive(Debug)]
pub struct RootLock {
    _lock: Box<dyn DiskLock>,
}

impl Root {
    /// A root in memory: gone when the last clone is dropped. It needs no log.
    pub fn memory() -> Self {
        Self::remote(Remote { store: Arc::new(InMemory::new()), prefix: Path::default(), memory: true })
    }

    /// A directory, created when it is first locked or written to.
    pub fn local(disk: Arc<dyn Disk>, dir: impl Into<PathBuf>) -> Self {
        Self { backend: Backend::Local(Arc::new(LocalDir::new(disk, dir.into()))) }
    }

    /// The objects of `store` whose names begin with `prefix`.
    ///
    /// For writing, the store's client must not retry conditional puts by itself: a retry can meet the object
    /// that its own first attempt created. [`Root::put_new`] handles lost replies.
    pub fn object_store(store: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self::remote(Remote { store, prefix, memory: false })
    }

    /// A root in memory whose requests go to `store`.
    #[cfg(test)]
    pub(crate) fn memory_on(store: Arc<dyn ObjectStore>) -> Self {
        Self::remote(Remote { store, prefix: Path::default(), memory: true })
    }

    fn remote(remote: Remote) -> Self {
        Self { backend: Backend::Remote(Arc::new(remote)) }
    }

    /// Whether the root is a directory.
    pub fn is_local(&self) -> bool {
        matches!(self.backend, Backend::Local(_))
    }

    /// Whether the root is memory of this process.
    pub fn is_memory(&self) -> bool {
        matches!(&self.backend, Backend::Remote(remote) if remote.memory)
    }

    pub(crate) fn local_dir(&self) -> Option<&Arc<LocalDir>> {
        match &self.backend {
            Backend::Local(local) => Some(local),
            Backend::Remote(_) => None,
        }
    }

    /// Bounds the files that are open to be read at the same time. Files that are being read stay open. Roots
    /// that are no directories have no files.
    pub(crate) fn limit_open_files(&self, max: usize) {
        if let Backend::Local(local) = &self.backend {
            local.open_files().set_limit(max);
        }
    }

    /// Files that are open to be read.
    pub(crate) fn open_files(&self) -> usize {
        self.local_dir().map_or(0, |local| local.open_files().count())
    }

    /// Whether somebody reads the object `name` and may have to open it again. Unknown, and so false, but for
    /// local roots.
    pub(crate) fn has_readers(&self, name: &str) -> bool {
        self.local_dir().is_some_and(|local| local.open_files().has_readers(name))
    }

    /// Location of the root, for messages to the owner of the database. May contain a path: not for remote
    /// clients.
    pub fn display(&self) -> String {
        match &self.backend {
            Backend::Local(local) => local.dir().display().to_string(),
            Backend::Remote(remote) if remote.memory => ":memory:".into(),
            Backend::Remote(remote) => format!("{}/{}", remote.store, remote.prefix),
        }
    }

    /// Creates the object `name` with `body`, unless it exists. Durable when it returns `Created`.
    ///
    /// `body` must be unlike every other body that could be put under the name (the writers put a random
    /// nonce into it): on an object store that is how our own object is told from another's after a lost
    /// reply.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: nothing was created. [`Error::CommitUnknown`]: the object may or may not be
    /// there, now or later; stop writing and open again.
    ///
    /// # Cancel safety
    ///
    /// On a local root the call never suspends. Elsewhere, dropping the future leaves the outcome unknown.
    ///
    /// # Cost
    ///
    /// Local: two syncs. Object store: one request when all goes well.
    pub async fn put_new(&self, name: &str, body: Bytes) -> Result<PutOutcome> {
        match &self.backend {
            Backend::Local(local) => {
                match local.put_new(name, [body.as_ref()]).map_err(|e| disk_error("creating", name, e))? {
                    Linked::Created => Ok(PutOutcome::Created),
                    Linked::Exists => Ok(PutOutcome::Exists),
                    Linked::Unknown(error) => Err(Error::CommitUnknown(format!("creating {name}: {error}"))),
                }
            }
            Backend::Remote(remote) => remote::put_new(remote, name, body).await,
        }
    }

    /// Starts the object `name`, which appears, complete and durable, when the writer is finished.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a bad name, [`Error::Unavailable`] when storage fails.
    #[expect(clippy::unused_async, reason = "an object store may come to need a request")]
    pub async fn create(&self, name: &str) -> Result<ObjectWriter> {
        match &self.backend {
            Backend::Local(local) => ObjectWriter::local(local, name),
            Backend::Remote(remote) => ObjectWriter::remote(remote, name),
        }
    }

    /// Opens the object `name`, which is known to be `len` bytes long.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] when a local file is missing, no regular file or has another length. On an object
    /// store this shows at the first read.
    ///
    /// # Cost
    ///
    /// Local: one `open`. Object store: nothing.
    #[expect(clippy::unused_async, reason = "an object store may come to need a request")]
    pub async fn open(&self, name: &str, len: u64) -> Result<ObjectReader> {
        match &self.backend {
            Backend::Local(local) => ObjectReader::local(local, name, len),
            Backend::Remote(remote) => ObjectReader::remote(remote, name, len),
        }
    }

    /// The whole object `name`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] when it is no regular file, [`Error::Unavailable`] when storage fails.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>> {
        match &self.backend {
            Backend::Local(local) => read_whole(local, name).map_err(|e| disk_error("reading", name, e)),
            Backend::Remote(remote) => remote.get(name, GetOptions::new()).await,
        }
    }

    /// The objects below the directory `prefix` (such as `manifest/`; empty for all), sorted by name.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when storage fails.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectEntry>> {
        let directory = prefix.trim_end_matches('/');
        match &self.backend {
            Backend::Local(local) => Ok(local
                .list(directory)
                .map_err(|e| disk_error("listing", prefix, e))?
                .into_iter()
                .map(|(name, entry)| ObjectEntry { name, len: entry.len })
                .collect()),
            Backend::Remote(remote) => {
                let full =
                    if directory.is_empty() { remote.prefix.clone() } else { remote.path(directory)? };
                let metas: Vec<_> = remote
                    .store
                    .list(Some(&full))
                    .try_collect()
                    .await
                    .map_err(|e| Error::unavailable(format!("listing {prefix}"), e))?;
                let mut entries: Vec<_> = metas
                    .into_iter()
                    .map(|meta| ObjectEntry { name: remote.name_of(&meta.location), len: meta.size })
                    .collect();
                entries.sort_by(|a, b| a.name.cmp(&b.name));
                Ok(entries)
            }
        }
    }

    /// Removes the object `name`; absent is fine. A crash may bring it back.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when storage fails.
    pub async fn delete(&self, name: &str) -> Result<()> {
        match &self.backend {
            Backend::Local(local) => local.remove(name).map_err(|e| disk_error("deleting", name, e)),
            Backend::Remote(remote) => match remote.store.delete(&remote.path(name)?).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(Error::unavailable(format!("deleting {name}"), error)),
            },
        }
    }

    /// Entries of the directory of a local root that no database puts there, sorted. Nothing is changed.
    /// Roots that are no directories belong to their database alone.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the directory cannot be read.
    pub(crate) fn foreign_entries(&self) -> Result<Vec<String>> {
        let Backend::Local(local) = &self.backend else { return Ok(Vec::new()) };
        local.foreign_entries().map_err(|error| disk_error("reading", "the directory", error))
    }

    /// Takes the lock of a local root: a writer alone, creating the directory when needed, readers together.
    /// Other roots have none: `None`.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another writer has it, with its process id, or when readers keep a writer out.
    pub fn lock(&self, mode: LockMode) -> Result<Option<RootLock>> {
        let Backend::Local(local) = &self.backend else { return Ok(None) };
        match local.lock(mode) {
            Ok(lock) => Ok(Some(RootLock { _lock: lock })),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let holder = error.to_string();
                Err(Error::Locked((!holder.is_empty()).then_some(holder)))
            }
            Err(error) => Err(disk_error("locking", name::LOCK, error)),
        }
    }

    /// Checks that the storage keeps the promises this module is built on. Once per root, before it is
    /// written to.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] naming the promise that is not kept.
    ///
    /// # Cost
    ///
    /// About ten requests on an object store, two small files on a disk.
    pub async fn preflight(&self) -> Result<()> {
        match &self.backend {
            Backend::Local(local) => {
                local_preflight(local).map_err(|e| disk_error("checking", "the directory", e))?
            }
            Backend::Remote(remote) if remote.memory => Ok(()),
            Backend::Remote(remote) => remote::preflight(remote).await,
        }
    }
}

/// Some file systems (FAT, some network ones) have no hard links, or no exclusive ones.
fn local_preflight(local: &LocalDir) -> io::Result<Result<()>> {
    let refuse = |what: &str| Ok(Err(Error::Invalid(format!("the file system of the database {what}"))));
    let temporary = local.temporary()?;
    temporary.file().write_all_at(b"preflight", 0)?;
    let (path, file) = temporary.into_parts();
    let _first = super::local::Temporary::from_parts(local, path.clone(), file);
    let second = path.with_extension(name::SECOND_LINK);
    match local.disk().hard_link(&path, &second) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            return refuse("has no hard links");
        }
        Err(error) => return Err(error),
    }
    let again = local.disk().hard_link(&path, &second);
    local.disk().remove(&second)?;
    match again {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Ok(())),
        Err(error) => Err(error),
        Ok(()) => refuse("lets a hard link replace a file"),
    }
}

fn read_whole(local: &LocalDir, name: &str) -> io::Result<Option<Bytes>> {
    let file = match local.disk().open_read(&local.path(name)?) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let len = usize::try_from(file.len()?).map_err(|_| ErrorKind::FileTooLarge)?;
    Ok(Some(file.read_vec_at(0, len)?.into()))
}
