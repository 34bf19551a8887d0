//! The files of this machine, for `COPY`.
//!
//! | the name stands for | read | written |
//! |---|---|---|
//! | a regular file, or nothing yet | at any place | beside it, then moved to its name: whole or not at all |
//! | a link | what it leads to | what it leads to |
//! | a pipe, a device, a socket | from its start, once | as rows come; it is never replaced |
//! | `-`, `/dev/stdin`, `/dev/stdout`, `/dev/stderr` | the stream of this process | the stream of this process |

#![expect(clippy::disallowed_methods, reason = "COPY reads and writes the user's files, not the database's")]

mod replace;

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use bygone_query::copy::{Files, InputFile, OutputFile, SeekableFile};
use replace::Replacement;

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 1 << 18;
/// Links followed from one name, as the system does.
const LINKS_MAX: usize = 40;

/// Files by their path; relative ones start at the working directory of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalFiles;

impl Files for LocalFiles {
    fn open(&self, path: &str) -> io::Result<InputFile> {
        let target = followed(Path::new(path))?;
        if path == "-" || is_stream(&target, 0) {
            return Ok(InputFile::Pipe(Box::new(io::stdin())));
        }
        if is_socket(&target) {
            return socket::connect(&target).map(|socket| InputFile::Pipe(Box::new(socket)));
        }
        let file = File::open(&target)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(directory());
        }
        Ok(if metadata.is_file() {
            InputFile::Seekable(Box::new(file))
        } else {
            InputFile::Pipe(Box::new(file))
        })
    }

    fn spool(&self, mut pipe: Box<dyn Read + Send>) -> io::Result<Box<dyn SeekableFile>> {
        // Without a name: it goes with the handle, however the process ends.
        let mut file = tempfile::tempfile()?;
        io::copy(&mut pipe, &mut file)?;
        Ok(Box::new(file))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn OutputFile>> {
        let target = followed(Path::new(path))?;
        if path == "-" || is_stream(&target, 1) {
            return Ok(Stream::boxed(io::stdout()));
        }
        if is_stream(&target, 2) {
            return Ok(Stream::boxed(io::stderr()));
        }
        match fs::metadata(&target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Box::new(Replacement::create(target, None)?))
            }
            Err(error) => Err(error),
            Ok(found) if found.is_dir() => Err(directory()),
            Ok(found) if open_file(&target).is_some() => append(&target, &found),
            Ok(found) if found.is_file() => Ok(Box::new(Replacement::create(target, Some(&found))?)),
            Ok(_) if is_socket(&target) => socket::connect(&target).map(Stream::boxed),
            Ok(_) => OpenOptions::new().write(true).open(&target).map(Stream::boxed),
        }
    }
}

/// True for the name of a stream of this process, by its number.
fn is_stream(path: &Path, number: u8) -> bool {
    open_file(path).is_some_and(|found| *found == number.to_string())
}

/// The number of an open file of this process in `/dev/fd/3`, to which `/dev/stdout` leads. It is written
/// where it is, for whoever opened it.
fn open_file(path: &Path) -> Option<&str> {
    let path = path.to_str()?;
    path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"))
}

fn append(path: &Path, found: &Metadata) -> io::Result<Box<dyn OutputFile>> {
    OpenOptions::new().append(found.is_file()).write(true).open(path).map(Stream::boxed)
}

/// The name at the end of the links that `path` leads over, or of an open file; there need not be a file yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() && open_file(&path).is_none() => {
                let target = fs::read_link(&path)?;
                // A relative link starts where it stands.
                path = path.parent().map_or_else(|| target.clone(), |parent| parent.join(&target));
            }
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many links lead on from it"))
}

fn directory() -> io::Error {
    io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")
}

/// Output that is written as it comes: there is nothing to take back.
struct Stream<W: Write>(BufWriter<W>);

impl<W: Write + Send + 'static> Stream<W> {
    fn boxed(stream: W) -> Box<dyn OutputFile> {
        Box::new(Self(BufWriter::with_capacity(BUFFER_BYTES, stream)))
    }
}

impl<W: Write> Write for Stream<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write + Send> OutputFile for Stream<W> {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(unix)]
fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    fs::metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

#[cfg(not(unix))]
fn is_socket(_path: &Path) -> bool {
    false
}

#[cfg(unix)]
mod socket {
    use std::{io, os::unix::net::UnixStream, path::Path};

    /// Sockets are not opened but connected to.
    pub(super) fn connect(path: impl AsRef<Path>) -> io::Result<UnixStream> {
        UnixStream::connect(path)
    }
}

#[cfg(not(unix))]
mod socket {
    use std::{fs::File, io, path::Path};

    pub(super) fn connect(_path: impl AsRef<Path>) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests;
