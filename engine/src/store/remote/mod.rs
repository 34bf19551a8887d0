//! Objects on an `object_store`.
//!
//! The client is made without retries of its own: a retry of a conditional put can meet the object that its
//! own first try created, and a client knows no deadline of ours. Here every request is tried until its
//! deadline ([`backoff`]): reads, listings and removals just again, creations by [`creation`], which
//! reads back. Parts of large objects are tried again by the client, if at all.

mod backoff;
mod creation;
mod failure;
mod pacer;
mod preflight;
mod upload;

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{
    GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path,
};

use backoff::{READ_DEADLINE_US, WRITE_DEADLINE_US};
use creation::{Creation, CreationEnd, CreationStep, FoundObject};
use failure::RequestFailure;
pub use failure::{RefusedRequest, ThrottledRequest};
use pacer::Pacer;
pub(super) use {preflight::preflight, upload::Upload};

use super::{
    PutOutcome, name,
    requests::{LIST_PAGE, RequestCounters},
};
use crate::{Env, Error, Result};

/// A prefix of an object store.
#[derive(Debug)]
pub(super) struct Remote {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    pub(super) memory: bool,
    /// Whether requests take their time.
    pub(super) suspends: bool,
    pacer: Pacer,
    pub(super) requests: Arc<RequestCounters>,
}

impl Remote {
    pub(super) fn new(store: Arc<dyn ObjectStore>, prefix: Path, memory: bool) -> Self {
        Self { store, prefix, memory, suspends: !memory, pacer: Pacer::default(), requests: Arc::default() }
    }

    /// The same objects with the clock and the timer of `env`.
    pub(super) fn paced(&self, env: &Env) -> Self {
        Self {
            store: Arc::clone(&self.store),
            prefix: self.prefix.clone(),
            memory: self.memory,
            suspends: self.suspends,
            pacer: Pacer::new(env),
            requests: Arc::clone(&self.requests),
        }
    }

    /// The store and the prefix, for messages to the owner of the database.
    pub(super) fn display(&self) -> String {
        if self.memory { ":memory:".into() } else { format!("{}/{}", self.store, self.prefix) }
    }

    pub(super) fn path(&self, name: &str) -> Result<Path> {
        name::check(name).map_err(|reason| Error::Invalid(format!("bad name {name:?}: {reason}")))?;
        let full =
            if self.prefix.as_ref().is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) };
        Path::parse(full).map_err(|error| Error::Invalid(format!("bad name {name:?}: {error}")))
    }

    fn name_of(&self, path: &Path) -> String {
        let full = path.as_ref();
        let below = full.strip_prefix(self.prefix.as_ref()).unwrap_or(full);
        below.trim_start_matches('/').to_owned()
    }

    /// Runs a request that may be made twice, until it is answered or its deadline has come.
    async fn persist<T, F: Future<Output = object_store::Result<T>>>(
        &self,
        limit_us: u64,
        request: impl Fn() -> F,
    ) -> object_store::Result<T> {
        let mut backoff = self.pacer.backoff(limit_us);
        loop {
            let left_us = backoff.left_us(self.pacer.now_us());
            let error = match self.pacer.limited(left_us, request()).await {
                Some(Ok(value)) => return Ok(value),
                Some(Err(error)) => error,
                None => unanswered(),
            };
            let asked_us = match RequestFailure::of(&error) {
                RequestFailure::Missing | RequestFailure::Conflict | RequestFailure::Refused => {
                    return Err(error);
                }
                RequestFailure::Throttled(asked_us) => {
                    self.requests.throttled();
                    asked_us
                }
                RequestFailure::Unknown => None,
            };
            let Some(pause_us) = backoff.pause(self.pacer.now_us(), asked_us) else { return Err(error) };
            self.pacer.pause(pause_us).await;
            self.requests.retry();
        }
    }

    /// The bytes of an object, or of a part of one; `None` when there is none of the name.
    pub(super) async fn get(&self, path: &Path, name: &str, options: GetOptions) -> Result<Option<Bytes>> {
        let result = self
            .persist(READ_DEADLINE_US, || {
                self.requests.get();
                let got = self.store.get_opts(path, options.clone());
                async move { got.await?.bytes().await }
            })
            .await;
        match result {
            Ok(bytes) => {
                self.requests.read(bytes.len());
                Ok(Some(bytes))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::unavailable(format!("reading {name}"), error)),
        }
    }

    /// Length of the object, where the store tells.
    pub(super) async fn len(&self, path: &Path) -> Option<u64> {
        self.requests.get();
        self.store.head(path).await.ok().map(|meta| meta.size)
    }

    /// The objects below `directory` whose names are behind `after`, sorted by name.
    pub(super) async fn list(&self, directory: &str, after: Option<&str>) -> Result<Vec<(String, u64)>> {
        let below = if directory.is_empty() { self.prefix.clone() } else { self.path(directory)? };
        let after = after.map(|after| self.path(after)).transpose()?;
        let result: object_store::Result<Vec<ObjectMeta>> = self
            .persist(READ_DEADLINE_US, || {
                let metas = match &after {
                    Some(after) => self.store.list_with_offset(Some(&below), after),
                    None => self.store.list(Some(&below)),
                };
                async move {
                    let metas = metas.try_collect::<Vec<_>>().await;
                    self.requests.list(metas.as_ref().map_or(0, Vec::len));
                    metas
                }
            })
            .await;
        let metas = result.map_err(|error| Error::unavailable(format!("listing {directory}"), error))?;
        // Not every store keeps what is listed behind the name, nor in order.
        let is_after = |meta: &ObjectMeta| after.as_ref().is_none_or(|after| meta.location > *after);
        let mut entries: Vec<_> = metas
            .into_iter()
            .filter(is_after)
            .map(|meta| (self.name_of(&meta.location), meta.size))
            .collect();
        entries.sort();
        Ok(entries)
    }

    /// Removes objects; absent ones are fine.
    pub(super) async fn delete(&self, names: &[String]) -> Result<()> {
        for page in names.chunks(LIST_PAGE) {
            let paths = page.iter().map(|name| self.path(name)).collect::<Result<Vec<_>>>()?;
            let doing = || match page {
                [name] => format!("deleting {name}"),
                [first, rest @ ..] => format!("deleting {first} and {} more", rest.len()),
                [] => "deleting nothing".into(),
            };
            self.persist(WRITE_DEADLINE_US, || {
                self.requests.delete(1);
                self.delete_page(&paths)
            })
            .await
            .map_err(|error| Error::unavailable(doing(), error))?;
        }
        Ok(())
    }

    async fn delete_page(&self, paths: &[Path]) -> object_store::Result<()> {
        let paths = stream::iter(paths.to_vec()).map(Ok).boxed();
        let mut outcomes = self.store.delete_stream(paths);
        let mut first_error = None;
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// One try of a conditional put.
    async fn create(&self, path: &Path, body: Bytes) -> object_store::Result<()> {
        self.requests.put(body.len());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        self.store.put_opts(path, PutPayload::from_bytes(body), options).await.map(drop)
    }
}

fn unanswered() -> object_store::Error {
    object_store::Error::Generic { store: "object store", source: "no answer came in time".into() }
}

/// Creates an object unless it exists. See [`creation`].
pub(super) async fn put_new(remote: &Remote, name: &str, body: Bytes) -> Result<PutOutcome> {
    let path = remote.path(name)?;
    let mut creation = Creation::new(remote.pacer.backoff(WRITE_DEADLINE_US));
    let mut last = None;
    loop {
        match creation.step() {
            CreationStep::Put => {
                let left_us = creation.left_us(remote.pacer.now_us());
                let answer = remote.pacer.limited(left_us, remote.create(&path, body.clone())).await;
                let answer = answer.unwrap_or_else(|| Err(unanswered()));
                creation.put_answered(match answer {
                    Ok(()) => Ok(()),
                    Err(error) => {
                        let failure = RequestFailure::of(&error);
                        if matches!(failure, RequestFailure::Throttled(_)) {
                            remote.requests.throttled();
                        }
                        last = Some(error);
                        Err(failure)
                    }
                });
            }
            CreationStep::ReadBack => {
                remote.requests.get();
                let left_us = creation.left_us(remote.pacer.now_us());
                let got = remote.store.get_opts(&path, GetOptions::new());
                let read = async move { got.await?.bytes().await };
                let found = match remote.pacer.limited(left_us, read).await {
                    Some(Ok(found)) if found == body => FoundObject::Own,
                    Some(Ok(_)) => FoundObject::Foreign,
                    Some(Err(object_store::Error::NotFound { .. })) => FoundObject::None,
                    Some(Err(_)) | None => FoundObject::Unreadable,
                };
                creation.read_back(remote.pacer.now_us(), found);
            }
            CreationStep::Pause(us) => {
                remote.pacer.pause(us).await;
                remote.requests.retry();
                creation.paused();
            }
            CreationStep::Done(CreationEnd::Created) => return Ok(PutOutcome::Created),
            CreationStep::Done(CreationEnd::Exists) => return Ok(PutOutcome::Exists),
            CreationStep::Done(end) => {
                let error = last.unwrap_or_else(unanswered);
                let doing = format!("creating {name}");
                return Err(match end {
                    CreationEnd::Unknown => Error::CommitUnknown(format!("{doing}: {error}")),
                    _ => Error::unavailable(doing, error),
                });
            }
        }
    }
}
