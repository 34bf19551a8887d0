//! Writing an object as a stream.

use std::{io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use object_store::path::Path;

use super::{
    DiskFile, Linked, LocalDir, PutOutcome, disk_error,
    local::Temporary,
    remote::{self, Remote, Upload},
};
use crate::{Error, Result};

/// Small writes are gathered up to this size, and a part of a multipart upload is at least this long.
const GATHER_BYTES: usize = 256 << 10;
const PART_BYTES: usize = 8 << 20;

/// An object that is being written. It appears under its name, whole and durable, with
/// [`ObjectWriter::finish`]; dropping the writer leaves no object.
#[derive(Debug)]
pub struct ObjectWriter {
    name: String,
    /// Bytes handed to storage.
    written: u64,
    gathered: Vec<u8>,
    sink: WriteTarget,
}

#[derive(Debug)]
enum WriteTarget {
    Local(LocalSink),
    Remote { remote: Arc<Remote>, path: Path, upload: Option<Upload> },
}

#[derive(Debug)]
struct LocalSink {
    local: Arc<LocalDir>,
    to: PathBuf,
    temporary: Option<(PathBuf, Arc<dyn DiskFile>)>,
}

impl LocalSink {
    fn take(&mut self) -> Option<Temporary<'_>> {
        let (path, file) = self.temporary.take()?;
        Some(Temporary::from_parts(&self.local, path, file))
    }
}

impl Drop for LocalSink {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl ObjectWriter {
    pub(super) fn local(local: &Arc<LocalDir>, name: &str) -> Result<Self> {
        let open = || -> io::Result<LocalSink> {
            let to = local.path_to_create(name)?;
            let temporary = Some(local.temporary()?.into_parts());
            Ok(LocalSink { local: Arc::clone(local), to, temporary })
        };
        let sink = open().map_err(|error| disk_error("creating", name, error))?;
        Ok(Self::new(name, WriteTarget::Local(sink)))
    }

    pub(super) fn remote(remote: &Arc<Remote>, name: &str) -> Result<Self> {
        let path = remote.path(name)?;
        Ok(Self::new(name, WriteTarget::Remote { remote: Arc::clone(remote), path, upload: None }))
    }

    fn new(name: &str, sink: WriteTarget) -> Self {
        Self { name: name.to_owned(), written: 0, gathered: Vec::new(), sink }
    }

    /// Name inside the root.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes written so far.
    #[expect(clippy::len_without_is_empty, reason = "a length in bytes, not a collection")]
    pub fn len(&self) -> u64 {
        self.written + self.gathered.len() as u64
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when storage fails: drop the writer and start again under another name.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let gather = match self.sink {
            WriteTarget::Local(_) => GATHER_BYTES,
            WriteTarget::Remote { .. } => PART_BYTES,
        };
        if self.gathered.is_empty() && bytes.len() >= gather {
            return self.hand_over(bytes).await;
        }
        self.gathered.extend_from_slice(&bytes);
        if self.gathered.len() >= gather { self.hand_over_gathered().await } else { Ok(()) }
    }

    async fn hand_over_gathered(&mut self) -> Result<()> {
        if let WriteTarget::Local(sink) = &self.sink {
            let result = sink.file().write_all_at(&self.gathered, self.written);
            result.map_err(|error| disk_error("writing", &self.name, error))?;
            self.written += self.gathered.len() as u64;
            self.gathered.clear();
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.gathered);
        self.hand_over(bytes.into()).await
    }

    async fn hand_over(&mut self, bytes: Bytes) -> Result<()> {
        let len = bytes.len() as u64;
        match &mut self.sink {
            WriteTarget::Local(sink) => {
                let result = sink.file().write_all_at(&bytes, self.written);
                result.map_err(|error| disk_error("writing", &self.name, error))?;
            }
            WriteTarget::Remote { remote, path, upload } => {
                let failed = |error| Error::unavailable(format!("writing {}", self.name), error);
                if upload.is_none() {
                    *upload = Some(Box::pin(Upload::begin(remote, path)).await.map_err(failed)?);
                }
                if let Some(upload) = upload {
                    upload.put_part(bytes).await.map_err(failed)?;
                }
            }
        }
        self.written += len;
        Ok(())
    }

    /// Makes the object durable and gives it its name; returns its length.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when storage fails, [`Error::Invalid`] when the name is taken. After an error
    /// an object that nothing refers to may be left under the name.
    pub async fn finish(mut self) -> Result<u64> {
        let fits_one_put = matches!(self.sink, WriteTarget::Remote { upload: None, .. });
        if !self.gathered.is_empty() && !fits_one_put {
            self.hand_over_gathered().await?;
        }
        let taken = |name: &str| Error::Invalid(format!("object {name} exists already"));
        match &mut self.sink {
            WriteTarget::Local(sink) => {
                let to = sink.to.clone();
                sink.local.requests().put(self.written as usize);
                let temporary = sink.take().expect("the file is there until it is finished or dropped");
                match temporary.link(&to).map_err(|error| disk_error("finishing", &self.name, error))? {
                    Linked::Created => {}
                    Linked::Exists => return Err(taken(&self.name)),
                    Linked::Unknown(error) => return Err(disk_error("finishing", &self.name, error)),
                }
            }
            WriteTarget::Remote { upload: upload @ Some(_), .. } => {
                let upload = upload.take().expect("it was looked at");
                let result = Box::pin(upload.complete()).await;
                result.map_err(|error| Error::unavailable(format!("finishing {}", self.name), error))?;
            }
            WriteTarget::Remote { remote, upload: None, .. } => {
                let body = Bytes::from(std::mem::take(&mut self.gathered));
                self.written = body.len() as u64;
                match Box::pin(remote::put_new(remote, &self.name, body)).await? {
                    PutOutcome::Created => {}
                    PutOutcome::Exists => return Err(taken(&self.name)),
                }
            }
        }
        Ok(self.written)
    }

    /// Gives up the object.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when an upload could not be called off; what is left of it is not an object.
    pub async fn abort(mut self) -> Result<()> {
        if let WriteTarget::Remote { upload, .. } = &mut self.sink
            && let Some(upload) = upload.take()
        {
            let result = upload.abort().await;
            result.map_err(|error| Error::unavailable(format!("aborting {}", self.name), error))?;
        }
        Ok(())
    }
}

impl LocalSink {
    fn file(&self) -> &dyn DiskFile {
        let (_, file) = self.temporary.as_ref().expect("the file is there until it is finished or dropped");
        file.as_ref()
    }
}
