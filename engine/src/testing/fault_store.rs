//! [`FaultStore`]: an object store that fails and lies as real ones do.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future, stream, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, path::Path,
};
use parking_lot::Mutex;

use super::SeededRandom;

/// Fault of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// It fails and does nothing.
    Before,
    /// It takes effect and fails: the reply was lost.
    After,
    /// A put fails, and takes effect only when so many further requests have been made. Other requests:
    /// `Before`.
    Late(u64),
    /// A put is answered with `AlreadyExists` and does nothing. Other requests: `Before`.
    FalseConflict,
    /// A read is answered with `NotFound`. Other requests: `Before`.
    FalseNotFound,
    /// A read loses its last byte. Other requests go through.
    Short,
    /// One bit of what is read is changed. Other requests go through.
    Flipped,
    /// It takes effect and is never answered.
    Silent,
}

/// An object store around another that fails where it is told to. Clones share the faults.
#[derive(Clone, Debug)]
pub struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    plan: Arc<Mutex<FaultPlan>>,
}

#[derive(Debug, Default)]
struct FaultPlan {
    requests: u64,
    faults: BTreeMap<u64, StoreFault>,
    late: Vec<Late>,
    list_order: Option<SeededRandom>,
}

#[derive(Debug)]
struct Late {
    due: u64,
    location: Path,
    payload: PutPayload,
    options: PutOptions,
}

impl FaultStore {
    /// A store that behaves like `inner` until told otherwise.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Requests so far, counted from 1.
    pub fn requests(&self) -> u64 {
        self.plan.lock().requests
    }

    /// Makes the request number `n` go wrong.
    pub fn fail(&self, n: u64, fault: StoreFault) {
        self.plan.lock().faults.insert(n, fault);
    }

    /// Lists in random order from now on.
    pub fn shuffle_lists(&self, seed: u64) {
        self.plan.lock().list_order = Some(SeededRandom::new(seed));
    }

    /// Takes back the faults that have not happened.
    pub fn heal(&self) {
        self.plan.lock().faults.clear();
    }

    /// Counts a request and says what goes wrong with it.
    fn count(&self) -> Option<StoreFault> {
        let mut plan = self.plan.lock();
        plan.requests += 1;
        let number = plan.requests;
        plan.faults.remove(&number)
    }

    /// Counts a request, after the late puts that are due by now.
    async fn begin(&self) -> Option<StoreFault> {
        let fault = self.count();
        let due: Vec<Late> = {
            let mut plan = self.plan.lock();
            let now = plan.requests;
            plan.late.extract_if(.., |late| late.due < now).collect()
        };
        for late in due {
            // Nobody waits for the answer any more.
            let _ = self.inner.put_opts(&late.location, late.payload, late.options).await;
        }
        fault
    }

    /// Runs one request that is not a put of an object.
    async fn run<T: Send>(
        &self,
        location: &Path,
        request: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match self.begin().await {
            None | Some(StoreFault::Short | StoreFault::Flipped) => request.await,
            Some(StoreFault::After) => {
                request.await?;
                Err(injected("the reply was lost"))
            }
            Some(StoreFault::Silent) => {
                request.await?;
                future::pending().await
            }
            Some(StoreFault::FalseNotFound) => Err(not_found(location)),
            Some(StoreFault::Before | StoreFault::Late(_) | StoreFault::FalseConflict) => {
                Err(injected("the request did nothing"))
            }
        }
    }

    fn ordered(&self, mut metas: Vec<ObjectMeta>) -> Vec<ObjectMeta> {
        if let Some(random) = &mut self.plan.lock().list_order {
            random.shuffle(&mut metas);
        }
        metas
    }

    fn listed(
        &self,
        list: impl Fn(&dyn ObjectStore) -> BoxStream<'static, Result<ObjectMeta>> + Send + 'static,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let run = async move {
            let request = list(store.inner.as_ref()).try_collect::<Vec<_>>();
            let metas = store.run(&Path::default(), request).await;
            match metas {
                Ok(metas) => store.ordered(metas).into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        };
        stream::once(run).flat_map(stream::iter).boxed()
    }
}

fn injected(what: &'static str) -> Error {
    Error::Generic { store: "FaultStore", source: format!("injected fault: {what}").into() }
}

fn not_found(location: &Path) -> Error {
    Error::NotFound { path: location.to_string(), source: "injected fault".into() }
}

fn spoil(fault: Option<StoreFault>, bytes: Bytes) -> Bytes {
    match fault {
        Some(StoreFault::Short) => bytes.slice(..bytes.len().saturating_sub(1)),
        Some(StoreFault::Flipped) if !bytes.is_empty() => {
            let mut changed = bytes.to_vec();
            let middle = changed.len() / 2;
            changed[middle] ^= 0x10;
            changed.into()
        }
        _ => bytes,
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultStore({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        match self.begin().await {
            Some(StoreFault::Late(after)) => {
                let mut plan = self.plan.lock();
                let due = plan.requests + after;
                plan.late.push(Late { due, location: location.clone(), payload, options: opts });
                Err(injected("the put takes effect later"))
            }
            Some(StoreFault::FalseConflict) => {
                Err(Error::AlreadyExists { path: location.to_string(), source: "injected fault".into() })
            }
            Some(StoreFault::Before | StoreFault::FalseNotFound) => Err(injected("the put did nothing")),
            Some(StoreFault::After) => {
                self.inner.put_opts(location, payload, opts).await?;
                Err(injected("the reply was lost"))
            }
            Some(StoreFault::Silent) => {
                self.inner.put_opts(location, payload, opts).await?;
                future::pending().await
            }
            None | Some(StoreFault::Short | StoreFault::Flipped) => {
                self.inner.put_opts(location, payload, opts).await
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.run(location, self.inner.put_multipart_opts(location, opts)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let fault = self.begin().await;
        match fault {
            Some(StoreFault::FalseNotFound) => return Err(not_found(location)),
            Some(
                StoreFault::Before | StoreFault::After | StoreFault::Late(_) | StoreFault::FalseConflict,
            ) => {
                return Err(injected("the read failed"));
            }
            Some(StoreFault::Silent) => return future::pending().await,
            None | Some(StoreFault::Short | StoreFault::Flipped) => {}
        }
        let result = self.inner.get_opts(location, options).await?;
        let (meta, range, attributes) =
            (result.meta.clone(), result.range.clone(), result.attributes.clone());
        let bytes = spoil(fault, result.bytes().await?);
        let payload = GetResultPayload::Stream(stream::once(future::ready(Ok(bytes))).boxed());
        Ok(GetResult { payload, meta, range, attributes })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let fault = self.begin().await;
        match fault {
            None | Some(StoreFault::Short | StoreFault::Flipped) => {
                let parts = self.inner.get_ranges(location, ranges).await?;
                Ok(parts.into_iter().map(|bytes| spoil(fault, bytes)).collect())
            }
            Some(StoreFault::FalseNotFound) => Err(not_found(location)),
            Some(StoreFault::Silent) => future::pending().await,
            Some(_) => Err(injected("the read failed")),
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .and_then(move |location| {
                let store = store.clone();
                async move {
                    let one = stream::once(future::ready(Ok(location.clone()))).boxed();
                    let deleted = store.inner.delete_stream(one).try_collect::<Vec<_>>();
                    store.run(&location, deleted).await?;
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned();
        self.listed(move |inner| inner.list(prefix.as_ref()))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (prefix, offset) = (prefix.cloned(), offset.clone());
        self.listed(move |inner| inner.list_with_offset(prefix.as_ref(), &offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut result = self.run(&Path::default(), self.inner.list_with_delimiter(prefix)).await?;
        result.objects = self.ordered(result.objects);
        Ok(result)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.run(from, self.inner.copy_opts(from, to, options)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.run(from, self.inner.rename_opts(from, to, options)).await
    }
}
