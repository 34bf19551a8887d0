//! Handles of files that are read, bounded: a file is opened to be read, and closed when others need its
//! handle.
//!
//! ```text
//!   read ─▶ its own lock, shared ─▶ open ──────────────────────────▶ pread
//!                                 └─ closed ─▶ close others ─▶ open ─┘
//! ```
//!
//! Which ones are closed says a clock: what was read since the hand last passed stays. A read of an open file
//! takes no lock that another file's readers take.

use std::{
    collections::{HashMap, VecDeque},
    io,
    path::PathBuf,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use rustix::io::Errno;

use super::{DiskFile, LocalDir, disk_error, requests::RequestCounters};
use crate::{Error, Result};

/// Few enough for any process, and as many as a merge reads at once.
const OPEN_FILES_MIN: usize = 16;
/// Most open files where the system sets no limit.
const OPEN_FILES_UNLIMITED: usize = 16 << 10;

/// The open files of one directory.
#[derive(Debug)]
pub(super) struct OpenFiles {
    limit: AtomicUsize,
    open: AtomicUsize,
    /// Files that are open, in the order in which the hand comes to them.
    clock: Mutex<VecDeque<Weak<ReadFile>>>,
    /// Number of readers of each name, whether its file is open or not.
    names: Mutex<HashMap<String, usize>>,
}

/// A file that can be read at any time, and is open at some.
#[derive(Debug)]
pub(super) struct ReadFile {
    local: Arc<LocalDir>,
    name: String,
    path: PathBuf,
    len: u64,
    file: RwLock<Option<Arc<dyn DiskFile>>>,
    was_read: AtomicBool,
}

impl OpenFiles {
    /// Half of the handles that the process may have: the rest is for what is written, and for whatever else
    /// it does.
    pub(super) fn new(handles: Option<u64>) -> Self {
        let limit = handles.map_or(OPEN_FILES_UNLIMITED, |handles| handles as usize / 2);
        let limit = AtomicUsize::new(limit.clamp(OPEN_FILES_MIN, OPEN_FILES_UNLIMITED));
        Self { limit, open: AtomicUsize::default(), clock: Mutex::default(), names: Mutex::default() }
    }

    pub(super) fn set_limit(&self, limit: usize) {
        self.limit.store(limit.max(1), Ordering::Relaxed);
        while self.open.load(Ordering::Relaxed) > limit && self.close_one() {}
    }

    pub(super) fn count(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn has_readers(&self, name: &str) -> bool {
        self.names.lock().contains_key(name)
    }

    /// Opens a file with `open`, after others were closed where there are too many.
    fn open(&self, open: impl Fn() -> io::Result<Arc<dyn DiskFile>>) -> io::Result<Arc<dyn DiskFile>> {
        // Counted first, so that many who open at once do not all find room for one more.
        self.open.fetch_add(1, Ordering::Relaxed);
        while self.count() > self.limit.load(Ordering::Relaxed) && self.close_one() {}
        loop {
            match open() {
                // Others in this process have taken them.
                Err(error) if is_out_of_handles(&error) && self.close_one() => {}
                Err(error) => {
                    self.open.fetch_sub(1, Ordering::Relaxed);
                    return Err(error);
                }
                opened => return opened,
            }
        }
    }

    /// Closes the file that the hand finds; false where every file is being read.
    fn close_one(&self) -> bool {
        let mut clock = self.clock.lock();
        for _ in 0..2 * clock.len() {
            let Some(weak) = clock.pop_front() else { break };
            let Some(file) = weak.upgrade() else { continue };
            if file.was_read.swap(false, Ordering::Relaxed) {
                clock.push_back(weak);
                continue;
            }
            let Some(mut handle) = file.file.try_write() else {
                clock.push_back(weak);
                continue;
            };
            if handle.take().is_some() {
                self.open.fetch_sub(1, Ordering::Relaxed);
                return true;
            }
        }
        false
    }

    fn enter(&self, file: &Arc<ReadFile>) {
        let mut clock = self.clock.lock();
        if clock.len() > 2 * self.count() + OPEN_FILES_MIN {
            clock.retain(|file| file.strong_count() > 0);
        }
        clock.push_back(Arc::downgrade(file));
    }
}

fn is_out_of_handles(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::MFILE, Errno::NFILE].iter().any(|errno| code == Some(errno.raw_os_error()))
}

impl ReadFile {
    pub(super) fn requests(&self) -> &RequestCounters {
        self.local.requests()
    }

    /// The file `name`, which must be `len` bytes long.
    pub(super) fn open(local: &Arc<LocalDir>, name: &str, len: u64) -> Result<Arc<Self>> {
        let path = local.path(name).map_err(|error| disk_error("opening", name, error))?;
        *local.open_files().names.lock().entry(name.to_owned()).or_default() += 1;
        let file = Arc::new(Self {
            local: Arc::clone(local),
            name: name.to_owned(),
            path,
            len,
            file: RwLock::default(),
            was_read: AtomicBool::default(),
        });
        file.reopen()?;
        Ok(file)
    }

    pub(super) fn read(self: &Arc<Self>, offset: u64, len: usize) -> Result<Vec<u8>> {
        if !self.was_read.load(Ordering::Relaxed) {
            self.was_read.store(true, Ordering::Relaxed);
        }
        let read = |file: &dyn DiskFile| {
            file.read_vec_at(offset, len).map_err(|error| disk_error("reading", &self.name, error))
        };
        if let Some(file) = self.file.read().as_deref() {
            return read(file);
        }
        read(self.reopen()?.as_ref())
    }

    fn reopen(self: &Arc<Self>) -> Result<Arc<dyn DiskFile>> {
        let mut handle = self.file.write();
        if let Some(file) = handle.as_ref() {
            // Another reader was faster.
            return Ok(Arc::clone(file));
        }
        let files = self.local.open_files();
        let opened = files.open(|| self.local.disk().open_read(&self.path));
        let file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::corrupt(&self.name, 0, "the file is missing"),
            _ => disk_error("opening", &self.name, error),
        })?;
        let checked = self.check_len(file.as_ref());
        // Also a file of the wrong length is one that is open until it is dropped.
        *handle = Some(Arc::clone(&file));
        drop(handle);
        files.enter(self);
        checked.map(|()| file)
    }

    fn check_len(&self, file: &dyn DiskFile) -> Result<()> {
        let (name, len) = (&self.name, self.len);
        let found = file.len().map_err(|error| disk_error("opening", name, error))?;
        if found == len {
            return Ok(());
        }
        let detail = format!("the file is {found} bytes long, not {len}");
        Err(Error::corrupt(name, found.min(len), detail))
    }
}

impl Drop for ReadFile {
    fn drop(&mut self) {
        let files = self.local.open_files();
        if self.file.get_mut().take().is_some() {
            files.open.fetch_sub(1, Ordering::Relaxed);
        }
        let mut names = files.names.lock();
        if let Some(readers) = names.get_mut(&self.name) {
            *readers -= 1;
            if *readers == 0 {
                names.remove(&self.name);
            }
        }
    }
}
