//! A regular file that is written beside its name and takes it when it is whole.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use bygone_query::copy::OutputFile;

use super::BUFFER_BYTES;

/// A file on its way to its name. An older one of that name is there, unchanged, until this one is finished.
pub(super) struct Replacement {
    file: BufWriter<File>,
    temporary: PathBuf,
    path: PathBuf,
    is_finished: bool,
}

impl Replacement {
    /// Starts the file that takes the name `path`. `found` is the one that has it now: its mode and, where
    /// that is possible, its owner are kept.
    pub(super) fn create(path: PathBuf, found: Option<&Metadata>) -> io::Result<Self> {
        if found.is_some() {
            // Who may not write into the file may not replace it either.
            OpenOptions::new().write(true).open(&path)?;
        }
        let (file, temporary) = temporary_beside(&path, found.is_some())?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let replacement = Self { file, temporary, path, is_finished: false };
        if let Some(found) = found {
            access::keep(replacement.file.get_ref(), found)?;
        }
        Ok(replacement)
    }
}

/// A new hidden file in the same directory, so that it can be moved to its own name at once. One that
/// replaces another is for nobody else until it has the mode of that.
fn temporary_beside(path: &Path, is_private: bool) -> io::Result<(File, PathBuf)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if path.file_name().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no file"));
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if is_private {
        access::make_private(&mut options);
    }
    loop {
        // Its own name may be as long as names can be.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_file_name(OsString::from(format!(".copy-{}-{number}.tmp", process::id())));
        match options.open(&temporary) {
            // Left by a process of the same number that was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (file, temporary)),
        }
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl OutputFile for Replacement {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.is_finished {
            // The rest of an unfinished file is of no use to anybody; the error that ended it is already on
            // its way.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(unix)]
mod access {
    use std::{
        fs::{File, Metadata, OpenOptions, Permissions},
        io,
        os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    };

    pub(super) fn make_private(options: &mut OpenOptions) {
        options.mode(0o600);
    }

    /// Gives the file the owner, the group and the mode of `found`, as far as this user may.
    pub(super) fn keep(file: &File, found: &Metadata) -> io::Result<()> {
        let own = file.metadata()?;
        let mut mode = found.mode() & 0o7777;
        let is_other = (own.uid(), own.gid()) != (found.uid(), found.gid());
        if is_other
            && fchown(file, Some(found.uid()), Some(found.gid())).is_err()
            && fchown(file, None, Some(found.gid())).is_err()
        {
            // Permissions of the old group are not for the new one.
            mode = (mode & !0o070) | ((mode & 0o007) << 3);
        }
        file.set_permissions(Permissions::from_mode(mode))
    }
}

#[cfg(not(unix))]
mod access {
    use std::{
        fs::{File, Metadata, OpenOptions},
        io,
    };

    pub(super) fn make_private(_options: &mut OpenOptions) {}

    pub(super) fn keep(file: &File, found: &Metadata) -> io::Result<()> {
        file.set_permissions(found.permissions())
    }
}
