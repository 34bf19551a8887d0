//! [`DurableLocal`]: a directory as an `object_store` whose puts are durable.
//!
//! The library's own `LocalFileSystem` never syncs, so after a power loss objects have their names and no bytes. This
//! one follows the rules of the `local` module for every write.

use std::{
    fmt,
    io::{self, ErrorKind},
    ops::Range,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, RenameTargetMode, Result, UploadPart, path::Path,
};
use parking_lot::Mutex;

use super::{Disk, DiskEntry, DiskFile, DiskKind, Linked, LocalDir, local::Temporary};

const STORE: &str = "DurableLocal";
/// What one item of a streamed read holds at most.
const STREAM_BYTES: u64 = 1 << 20;

/// A directory as an object store. Every put is durable when it returns, and nothing is visible before.
///
/// `PutMode::Update` compares entity tags under a lock of this process: it is atomic among users of one
/// `DurableLocal`, not between processes. Attributes are refused; tags have no meaning here and are ignored.
#[derive(Clone, Debug)]
pub struct DurableLocal {
    local: Arc<LocalDir>,
    updates: Arc<Mutex<()>>,
}

impl DurableLocal {
    /// The objects below `dir`.
    pub fn new(disk: Arc<dyn Disk>, dir: impl Into<PathBuf>) -> Self {
        Self { local: Arc::new(LocalDir::new(disk, dir.into())), updates: Arc::default() }
    }

    fn meta(&self, location: &Path) -> Result<ObjectMeta> {
        let path = self.path(location)?;
        match self.local.disk().stat(&path) {
            Ok(entry) if entry.kind == DiskKind::File => Ok(describe(location.clone(), &entry)),
            Ok(_) => Err(failed(location, io::Error::new(ErrorKind::NotFound, "not a regular file"))),
            Err(error) => Err(failed(location, error)),
        }
    }

    fn path(&self, location: &Path) -> Result<PathBuf> {
        self.local.path(location.as_ref()).map_err(|error| failed(location, error))
    }

    fn path_to_create(&self, location: &Path) -> Result<PathBuf> {
        self.local.path_to_create(location.as_ref()).map_err(|error| failed(location, error))
    }

    fn file(&self, location: &Path) -> Result<Arc<dyn DiskFile>> {
        self.local.disk().open_read(&self.path(location)?).map_err(|error| failed(location, error))
    }

    fn created(&self, location: &Path) -> Result<PutResult> {
        Ok(PutResult { e_tag: self.meta(location)?.e_tag, version: None })
    }

    fn replace(&self, location: &Path, payload: &PutPayload) -> Result<()> {
        let parts = payload.iter().map(Bytes::as_ref);
        self.local.replace(location.as_ref(), parts).map_err(|error| failed(location, error))
    }

    fn delete_one(&self, location: &Path) -> Result<()> {
        let path = self.path(location)?;
        self.local.disk().remove(&path).map_err(|error| failed(location, error))?;
        self.local.sync_parent(&path).map_err(|error| failed(location, error))
    }

    fn list_below(&self, prefix: Option<&Path>) -> Result<Vec<ObjectMeta>> {
        let prefix = prefix.map(AsRef::as_ref).unwrap_or_default();
        let found = self.local.list(prefix).map_err(generic)?;
        let mut metas = Vec::with_capacity(found.len());
        for (name, entry) in found {
            // A name that no object can have was put there by somebody else: it is not an object.
            if let (DiskKind::File, Ok(location)) = (entry.kind, Path::parse(&name)) {
                metas.push(describe(location, &entry));
            }
        }
        Ok(metas)
    }
}

impl fmt::Display for DurableLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE}({})", self.local.dir().display())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for DurableLocal {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if !opts.attributes.is_empty() {
            return Err(no_attributes("put_opts"));
        }
        match opts.mode {
            PutMode::Overwrite => self.replace(location, &payload)?,
            PutMode::Create => {
                let parts = payload.iter().map(Bytes::as_ref);
                let linked = self.local.put_new(location.as_ref(), parts);
                settle(location, linked.map_err(|error| failed(location, error))?)?;
            }
            PutMode::Update(expected) => {
                let _one_at_a_time = self.updates.lock();
                let found = match self.meta(location) {
                    Ok(meta) => meta.e_tag,
                    Err(Error::NotFound { source, path }) => {
                        return Err(Error::Precondition { path, source });
                    }
                    Err(error) => return Err(error),
                };
                if expected.e_tag.is_none() || expected.e_tag != found {
                    let source = format!("{found:?} does not match {:?}", expected.e_tag).into();
                    return Err(Error::Precondition { path: location.to_string(), source });
                }
                self.replace(location, &payload)?;
            }
        }
        self.created(location)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        if !opts.attributes.is_empty() {
            return Err(no_attributes("put_multipart_opts"));
        }
        let to = self.path_to_create(location)?;
        let (path, file) = self.local.temporary().map_err(|error| failed(location, error))?.into_parts();
        Ok(Box::new(Upload {
            store: self.clone(),
            location: location.clone(),
            to,
            temporary: Some((path, file)),
            offset: 0,
            parts: 0,
            written: Arc::default(),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.version.is_some() {
            return Err(Error::NotSupported { source: "a directory keeps no versions of objects".into() });
        }
        let mut meta = self.meta(location)?;
        options.check_preconditions(&meta)?;
        let file = self.file(location)?;
        meta.size = file.len().map_err(|error| failed(location, error))?;
        let range = match options.range {
            Some(range) => range.as_range(meta.size).map_err(generic)?,
            None => 0..meta.size,
        };
        let items = if options.head { range.end..range.end } else { range.clone() };
        let payload = GetResultPayload::Stream(stream_file(file, location.clone(), items));
        Ok(GetResult { payload, meta, range, attributes: object_store::Attributes::default() })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let file = self.file(location)?;
        let size = file.len().map_err(|error| failed(location, error))?;
        let read = |range: &Range<u64>| {
            let range = GetRange::Bounded(range.clone()).as_range(size).map_err(generic)?;
            let bytes = file.read_vec_at(range.start, (range.end - range.start) as usize);
            bytes.map(Bytes::from).map_err(|error| failed(location, error))
        };
        ranges.iter().map(read).collect()
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .map(move |location| {
                let location = location?;
                store.delete_one(&location)?;
                Ok(location)
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.list_below(prefix) {
            Ok(metas) => stream::iter(metas.into_iter().map(Ok)).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.list_below(prefix) {
            Ok(mut metas) => {
                metas.retain(|meta| meta.location > *offset);
                stream::iter(metas.into_iter().map(Ok)).boxed()
            }
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let root = Path::default();
        let prefix = prefix.unwrap_or(&root);
        let mut result = ListResult { common_prefixes: Vec::new(), objects: Vec::new() };
        for meta in self.list_below(Some(prefix))? {
            let mut below = meta.location.prefix_match(prefix).into_iter().flatten();
            let Some(first) = below.next() else { continue };
            if below.next().is_none() {
                drop(below);
                result.objects.push(meta);
                continue;
            }
            let common = prefix.clone().join(first);
            if result.common_prefixes.last() != Some(&common) {
                result.common_prefixes.push(common);
            }
        }
        Ok(result)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let file = self.file(from)?;
        let size = file.len().map_err(|error| failed(from, error))?;
        let path = self.path_to_create(to)?;
        let copy = self.local.temporary().map_err(|error| failed(to, error))?;
        let mut offset = 0;
        while offset < size {
            let len = STREAM_BYTES.min(size - offset);
            let bytes = file.read_vec_at(offset, len as usize).map_err(|error| failed(from, error))?;
            copy.file().write_all_at(&bytes, offset).map_err(|error| failed(to, error))?;
            offset += len;
        }
        match options.mode {
            CopyMode::Overwrite => copy.rename(&path).map_err(|error| failed(to, error)),
            CopyMode::Create => settle(to, copy.link(&path).map_err(|error| failed(to, error))?),
        }
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (source, target) = (self.path(from)?, self.path_to_create(to)?);
        self.meta(from)?;
        match options.target_mode {
            RenameTargetMode::Overwrite => {
                self.local.disk().rename(&source, &target).map_err(|error| failed(from, error))?;
            }
            RenameTargetMode::Create => {
                self.local.disk().hard_link(&source, &target).map_err(|error| failed(to, error))?;
                // The new name must not be lost with the old one.
                self.local.sync_parent(&target).map_err(|error| failed(to, error))?;
                self.local.disk().remove(&source).map_err(|error| failed(from, error))?;
            }
        }
        self.local.sync_parent(&target).map_err(|error| failed(to, error))?;
        self.local.sync_parent(&source).map_err(|error| failed(from, error))
    }
}

fn stream_file(
    file: Arc<dyn DiskFile>,
    location: Path,
    range: Range<u64>,
) -> BoxStream<'static, Result<Bytes>> {
    let starts = range.clone().step_by(STREAM_BYTES as usize);
    stream::iter(starts.map(move |start| {
        let len = STREAM_BYTES.min(range.end - start) as usize;
        file.read_vec_at(start, len).map(Bytes::from).map_err(|error| failed(&location, error))
    }))
    .boxed()
}

fn describe(location: Path, entry: &DiskEntry) -> ObjectMeta {
    let modified = UNIX_EPOCH + Duration::from_micros(entry.modified_us);
    ObjectMeta {
        location,
        last_modified: modified.into(),
        size: entry.len,
        e_tag: Some(format!("{:x}-{:x}-{:x}", entry.inode, entry.modified_us, entry.len)),
        version: None,
    }
}

fn settle(location: &Path, linked: Linked) -> Result<()> {
    match linked {
        Linked::Created => Ok(()),
        Linked::Exists => Err(failed(location, ErrorKind::AlreadyExists.into())),
        Linked::Unknown(error) => Err(failed(location, error)),
    }
}

fn failed(location: &Path, error: io::Error) -> Error {
    let path = location.to_string();
    match error.kind() {
        ErrorKind::NotFound => Error::NotFound { path, source: error.into() },
        ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: error.into() },
        ErrorKind::PermissionDenied => Error::PermissionDenied { path, source: error.into() },
        _ => generic(error),
    }
}

fn generic(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: STORE, source: Box::new(error) }
}

fn no_attributes(operation: &str) -> Error {
    Error::NotImplemented { operation: format!("{operation} with attributes"), implementer: STORE.into() }
}

/// An upload in parts into one temporary file.
#[derive(Debug)]
struct Upload {
    store: DurableLocal,
    location: Path,
    to: PathBuf,
    temporary: Option<(PathBuf, Arc<dyn DiskFile>)>,
    offset: u64,
    parts: usize,
    written: Arc<AtomicUsize>,
}

impl Upload {
    fn take(&mut self) -> Result<Temporary<'_>> {
        let Some((path, file)) = self.temporary.take() else {
            let source = "the upload was completed or aborted".into();
            return Err(Error::Generic { store: STORE, source });
        };
        Ok(Temporary::from_parts(&self.store.local, path, file))
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let file = self.temporary.as_ref().map(|(_, file)| Arc::clone(file));
        let mut offset = self.offset;
        self.offset += data.content_length() as u64;
        self.parts += 1;
        let (written, location) = (Arc::clone(&self.written), self.location.clone());
        Box::pin(async move {
            let Some(file) = file else {
                let source = "the upload was completed or aborted".into();
                return Err(Error::Generic { store: STORE, source });
            };
            for part in &data {
                file.write_all_at(part, offset).map_err(|error| failed(&location, error))?;
                offset += part.len() as u64;
            }
            written.fetch_add(1, Ordering::Release);
            Ok(())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        if self.written.load(Ordering::Acquire) != self.parts {
            return Err(Error::Generic { store: STORE, source: "a part of the upload is missing".into() });
        }
        let (to, location) = (self.to.clone(), self.location.clone());
        self.take()?.rename(&to).map_err(|error| failed(&location, error))?;
        self.store.created(&self.location)
    }

    async fn abort(&mut self) -> Result<()> {
        self.take().map(drop)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        drop(self.take());
    }
}
