//! Reading an object by ranges.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use object_store::{GetOptions, path::Path};

use super::{LocalDir, open_files::ReadFile, remote::Remote};
use crate::{Error, Result};

/// An object that is read. Clones share one file handle, which is open while there is room for it.
#[derive(Clone, Debug)]
pub struct ObjectReader {
    shared: Arc<OpenObject>,
}

#[derive(Debug)]
struct OpenObject {
    name: String,
    len: u64,
    source: ObjectSource,
}

#[derive(Debug)]
enum ObjectSource {
    File(Arc<ReadFile>),
    Remote(Arc<Remote>, Path),
}

impl ObjectReader {
    pub(super) fn local(local: &Arc<LocalDir>, name: &str, len: u64) -> Result<Self> {
        Ok(Self::new(name, len, ObjectSource::File(ReadFile::open(local, name, len)?)))
    }

    pub(super) fn remote(remote: &Arc<Remote>, name: &str, len: u64) -> Result<Self> {
        let path = remote.path(name)?;
        Ok(Self::new(name, len, ObjectSource::Remote(Arc::clone(remote), path)))
    }

    fn new(name: &str, len: u64, source: ObjectSource) -> Self {
        Self { shared: Arc::new(OpenObject { name: name.to_owned(), len, source }) }
    }

    /// Name inside the root.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a length in bytes, not a collection")]
    pub fn len(&self) -> u64 {
        self.shared.len
    }

    /// Reads exactly the bytes of `range`.
    ///
    /// On a local root this is one positioned read on the calling thread, of a file that may have to be
    /// opened first, and never suspends.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] when the range reaches past the end, or the object is shorter than it was or has
    /// gone. [`Error::Unavailable`] when storage fails.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let OpenObject { name, len, source } = self.shared.as_ref();
        if range.start > range.end || range.end > *len {
            let detail =
                format!("bytes {}..{} are outside of the file of {len} bytes", range.start, range.end);
            return Err(Error::corrupt(name, range.start, detail));
        }
        let wanted = (range.end - range.start) as usize;
        if wanted == 0 {
            return Ok(Bytes::new());
        }
        match source {
            ObjectSource::File(file) => {
                file.requests().get();
                file.requests().read(wanted);
                Ok(file.read(range.start, wanted)?.into())
            }
            // Boxed: reads of files are not to carry the room that requests need.
            ObjectSource::Remote(remote, path) => {
                Box::pin(read_remote(remote, path, name, range, wanted)).await
            }
        }
    }
}

/// A reply that is shorter than asked for is asked for once more; after that the object itself is short.
async fn read_remote(
    remote: &Remote,
    path: &Path,
    name: &str,
    range: Range<u64>,
    wanted: usize,
) -> Result<Bytes> {
    let mut got = 0;
    for _ in 0..2 {
        let options = GetOptions::new().with_range(Some(range.clone()));
        match remote.get(path, name, options).await {
            Ok(Some(bytes)) if bytes.len() == wanted => return Ok(bytes),
            Ok(Some(bytes)) => got = bytes.len(),
            Ok(None) => return Err(Error::corrupt(name, 0, "the object is missing")),
            // Some stores refuse a range that reaches past the end instead of cutting it.
            Err(error) => match remote.len(path).await {
                Some(len) if len < range.end => {
                    let detail = format!("the object is {len} bytes long, read was up to {}", range.end);
                    return Err(Error::corrupt(name, len, detail));
                }
                _ => return Err(error),
            },
        }
    }
    let detail = format!("read {got} bytes where {wanted} were asked for");
    Err(Error::corrupt(name, range.start + got as u64, detail))
}
