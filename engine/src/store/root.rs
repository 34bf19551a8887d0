//! The root: one place for the objects of one database, whatever it is kept on.

use std::{
    io::{self, ErrorKind},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use object_store::{GetOptions, ObjectStore, memory::InMemory, path::Path};

use super::{
    Disk, DiskLock, Linked, LocalDir, LockMode, ObjectReader, ObjectWriter, name,
    outcome::{PutOutcome, disk_error},
    remote::{self, Remote},
    requests::{RequestCounters, RequestCounts},
};
use crate::{Env, Error, Result};

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
        Self::remote(Remote::new(Arc::new(InMemory::new()), Path::default(), true))
    }

    /// A directory, created when it is first locked or written to.
    pub fn local(disk: Arc<dyn Disk>, dir: impl Into<PathBuf>) -> Self {
        Self { backend: Backend::Local(Arc::new(LocalDir::new(disk, dir.into()))) }
    }

    /// The objects of `store` whose names begin with `prefix`.
    ///
    /// The store's client should not retry by itself: the requests of a root are tried until their deadlines,
    /// and a retry of a conditional put can meet the object that its own first try created. Causes
    /// [`ThrottledRequest`](super::ThrottledRequest) and [`RefusedRequest`](super::RefusedRequest) of its
    /// errors say when and whether to try again.
    pub fn object_store(store: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self::remote(Remote::new(store, prefix, false))
    }

    /// As [`Root::memory_on`], of a store whose requests suspend.
    #[cfg(test)]
    pub(crate) fn suspending_memory_on(store: Arc<dyn ObjectStore>) -> Self {
        let mut remote = Remote::new(store, Path::default(), true);
        remote.suspends = true;
        Self::remote(remote)
    }

    /// A root in memory whose requests go to `store`.
    #[cfg(test)]
    pub(crate) fn memory_on(store: Arc<dyn ObjectStore>) -> Self {
        Self::remote(Remote::new(store, Path::default(), true))
    }

    fn remote(remote: Remote) -> Self {
        Self { backend: Backend::Remote(Arc::new(remote)) }
    }

    /// The same root, whose requests wait between their tries, and give up, by the clock and the timer of
    /// `env`. Opening an engine does this.
    #[must_use]
    pub fn paced(&self, env: &Env) -> Self {
        match &self.backend {
            Backend::Remote(remote) => Self::remote(remote.paced(env)),
            Backend::Local(_) => self.clone(),
        }
    }

    /// Requests to the storage so far, by kind; clones count together.
    pub fn requests(&self) -> RequestCounts {
        self.counters().counts()
    }

    fn counters(&self) -> &RequestCounters {
        match &self.backend {
            Backend::Local(local) => local.requests(),
            Backend::Remote(remote) => &remote.requests,
        }
    }

    /// Whether the root is a directory.
    pub fn is_local(&self) -> bool {
        matches!(self.backend, Backend::Local(_))
    }

    /// Whether requests take their time, so that whoever makes one may be gone when the answer comes. On a
    /// directory and in memory every call ends when it is first polled.
    pub fn suspends(&self) -> bool {
        matches!(&self.backend, Backend::Remote(remote) if remote.suspends)
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
            Backend::Remote(remote) => remote.display(),
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
    /// [`Error::Unavailable`]: nothing was created, and will not be. [`Error::CommitUnknown`]: the object may
    /// or may not be there, now or later; stop writing and open again.
    ///
    /// # Cancel safety
    ///
    /// On a local root the call never suspends. Elsewhere, dropping the future leaves the outcome unknown.
    ///
    /// # Cost
    ///
    /// Local: two syncs. Object store: one request when all goes well; tries end after 30 seconds.
    pub async fn put_new(&self, name: &str, body: Bytes) -> Result<PutOutcome> {
        match &self.backend {
            Backend::Local(local) => {
                local.requests().put(body.len());
                match local.put_new(name, [body.as_ref()]).map_err(|e| disk_error("creating", name, e))? {
                    Linked::Created => Ok(PutOutcome::Created),
                    Linked::Exists => Ok(PutOutcome::Exists),
                    Linked::Unknown(error) => Err(Error::CommitUnknown(format!("creating {name}: {error}"))),
                }
            }
            Backend::Remote(remote) => Box::pin(remote::put_new(remote, name, body)).await,
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
            Backend::Local(local) => {
                local.requests().get();
                let bytes = read_whole(local, name).map_err(|e| disk_error("reading", name, e))?;
                local.requests().read(bytes.as_ref().map_or(0, Bytes::len));
                Ok(bytes)
            }
            Backend::Remote(remote) => {
                Box::pin(remote.get(&remote.path(name)?, name, GetOptions::new())).await
            }
        }
    }

    /// The objects below the directory `prefix` (such as `manifest/`; empty for all), sorted by name.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when storage fails.
    ///
    /// # Cost
    ///
    /// Object store: a request for each 1,000 objects.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectEntry>> {
        self.list_from(prefix, None).await
    }

    /// The objects below the directory `prefix` whose names are behind `after`, which may be no object,
    /// sorted by name.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when storage fails.
    ///
    /// # Cost
    ///
    /// As of [`Root::list`], for the objects that are listed; a directory is read whole.
    pub async fn list_after(&self, prefix: &str, after: &str) -> Result<Vec<ObjectEntry>> {
        self.list_from(prefix, Some(after)).await
    }

    async fn list_from(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectEntry>> {
        let directory = prefix.trim_end_matches('/');
        match &self.backend {
            Backend::Local(local) => {
                let listed = local.list(directory).map_err(|e| disk_error("listing", prefix, e))?;
                local.requests().list(listed.len());
                let is_after = |name: &str| after.is_none_or(|after| name > after);
                let listed = listed.into_iter().filter(|(name, _)| is_after(name));
                Ok(listed.map(|(name, entry)| ObjectEntry { name, len: entry.len }).collect())
            }
            Backend::Remote(remote) => {
                let listed = Box::pin(remote.list(directory, after)).await?;
                Ok(listed.into_iter().map(|(name, len)| ObjectEntry { name, len }).collect())
            }
        }
    }

    /// Removes the object `name`; absent is fine. A crash may bring it back.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when storage fails.
    pub async fn delete(&self, name: &str) -> Result<()> {
        self.delete_many(&[name.to_owned()]).await
    }

    /// Removes objects, in their order where the storage has one; absent ones are fine. A crash may bring any
    /// of them back.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when storage fails: some may be gone.
    ///
    /// # Cost
    ///
    /// Object store: one request for each 1,000 objects where it has such requests.
    pub async fn delete_many(&self, names: &[String]) -> Result<()> {
        match &self.backend {
            Backend::Local(local) => names.iter().try_for_each(|name| {
                local.requests().delete(1);
                local.remove(name).map_err(|e| disk_error("deleting", name, e))
            }),
            Backend::Remote(remote) => Box::pin(remote.delete(names)).await,
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
            Backend::Remote(remote) => Box::pin(remote::preflight(remote)).await,
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
