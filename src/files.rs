//! The files of this machine, for `COPY`.

#![expect(clippy::disallowed_methods, reason = "COPY reads and writes the user's files, not the database's")]

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process,
};

use bygone_query::copy::{Files, InputFile, OutputFile};

/// Files by their path; relative ones start at the working directory of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalFiles;

impl Files for LocalFiles {
    fn open(&self, path: &str) -> io::Result<Box<dyn InputFile>> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        Ok(Box::new(file))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn OutputFile>> {
        let path = PathBuf::from(path);
        let temporary = temporary_beside(&path)?;
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        Ok(Box::new(NewFile {
            file: BufWriter::with_capacity(1 << 18, file),
            temporary,
            path,
            is_finished: false,
        }))
    }
}

/// A hidden name in the same directory, so that the file can be moved to its own name at once.
fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    let name =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", process::id()));
    Ok(path.with_file_name(temporary))
}

/// A file that is written under a temporary name.
struct NewFile {
    file: BufWriter<File>,
    temporary: PathBuf,
    path: PathBuf,
    is_finished: bool,
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl OutputFile for NewFile {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_finished {
            // What is left of an unfinished file is of no use to anybody; the error that ended it is already on its way.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        let name = path.to_str().unwrap();
        let mut given_up = LocalFiles.create(name).unwrap();
        given_up.write_all(b"half").unwrap();
        drop(given_up);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

        for text in ["first", "second"] {
            let mut file = LocalFiles.create(name).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.finish().unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
