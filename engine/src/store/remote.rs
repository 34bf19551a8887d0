//! Objects on an `object_store`: create-if-absent that survives lost replies, and the check that a store is
//! fit.
//!
//! `AlreadyExists` proves nothing: the store may have applied a put whose reply was lost, and the retry then
//! meets our own object; some answer 409 with no object there. So after any answer but success the object is
//! read back:
//!
//! ```text
//!   put ── created ───────────────────────────▶ Created
//!    │
//!    └─ anything else ─▶ get ── our bytes ────▶ Created        (the body carries a nonce)
//!          ▲               ├── other bytes ───▶ Exists
//!          │               └── nothing, error ─┐
//!          └───────────── same bytes again ◀───┘   at most ATTEMPTS times, then CommitUnknown
//! ```

use std::sync::Arc;

use bytes::Bytes;
use futures::{TryStreamExt, future::join};
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path};

use super::{PutOutcome, name};
use crate::{Error, Result};

const ATTEMPTS: u32 = 8;

/// A prefix of an object store.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) prefix: Path,
    pub(super) memory: bool,
}

impl Remote {
    pub(super) fn path(&self, name: &str) -> Result<Path> {
        name::check(name).map_err(|reason| Error::Invalid(format!("bad name {name:?}: {reason}")))?;
        let full =
            if self.prefix.as_ref().is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) };
        Path::parse(full).map_err(|error| Error::Invalid(format!("bad name {name:?}: {error}")))
    }

    pub(super) fn name_of(&self, path: &Path) -> String {
        let full = path.as_ref();
        let below = full.strip_prefix(self.prefix.as_ref()).unwrap_or(full);
        below.trim_start_matches('/').to_owned()
    }

    pub(super) async fn get(&self, name: &str, options: GetOptions) -> Result<Option<Bytes>> {
        self.get_at(&self.path(name)?, name, options).await
    }

    pub(super) async fn get_at(&self, path: &Path, name: &str, options: GetOptions) -> Result<Option<Bytes>> {
        let result = match self.store.get_opts(path, options).await {
            Ok(result) => result.bytes().await,
            Err(error) => Err(error),
        };
        match result {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::unavailable(format!("reading {name}"), error)),
        }
    }

    /// Length of the object, where the store tells.
    pub(super) async fn len(&self, path: &Path) -> Option<u64> {
        self.store.head(path).await.ok().map(|meta| meta.size)
    }

    async fn create(&self, path: &Path, body: Bytes) -> object_store::Result<()> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        self.store.put_opts(path, PutPayload::from_bytes(body), options).await.map(drop)
    }
}

/// Creates an object unless it exists. See the module documentation.
pub(super) async fn put_new(remote: &Remote, name: &str, body: Bytes) -> Result<PutOutcome> {
    let path = remote.path(name)?;
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        match remote.create(&path, body.clone()).await {
            Ok(()) => return Ok(PutOutcome::Created),
            Err(
                error @ (object_store::Error::NotImplemented { .. }
                | object_store::Error::NotSupported { .. }),
            ) => {
                return Err(Error::unavailable(format!("creating {name}"), error));
            }
            Err(error) => last = error.to_string(),
        }
        match remote.get_at(&path, name, GetOptions::new()).await {
            Ok(Some(found)) if found == body => return Ok(PutOutcome::Created),
            Ok(Some(_)) => return Ok(PutOutcome::Exists),
            Ok(None) => {}
            Err(error) => last = error.to_string(),
        }
    }
    Err(Error::CommitUnknown(format!("creating {name}: {last}")))
}

/// Refuses a store that does not create exclusively, list what it created, or read ranges.
pub(super) async fn preflight(remote: &Remote) -> Result<()> {
    const NAMES: [&str; 2] = ["preflight/double", "preflight/race"];
    let paths = [remote.path(NAMES[0])?, remote.path(NAMES[1])?];
    let failed = |error| Error::unavailable("checking the object store", error);
    for path in &paths {
        delete(remote, path).await.map_err(failed)?;
    }
    let outcome = probe(remote, &paths).await;
    for path in &paths {
        delete(remote, path).await.map_err(failed)?;
    }
    match outcome.map_err(failed)? {
        None => Ok(()),
        Some(fault) => {
            Err(Error::Invalid(format!("the object store cannot be written to safely: it {fault}")))
        }
    }
}

async fn delete(remote: &Remote, path: &Path) -> object_store::Result<()> {
    match remote.store.delete(path).await {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

async fn probe(remote: &Remote, paths: &[Path; 2]) -> object_store::Result<Option<&'static str>> {
    let [double, race] = paths;
    remote.create(double, Bytes::from_static(b"first")).await?;
    match remote.create(double, Bytes::from_static(b"second")).await {
        Ok(()) => return Ok(Some("lets a second create replace an object")),
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {}
        Err(error) => return Err(error),
    }
    let (left, right) = join(
        remote.create(race, Bytes::from_static(b"left.")),
        remote.create(race, Bytes::from_static(b"right")),
    )
    .await;
    let expected: &[u8] = match (left.is_ok(), right.is_ok()) {
        (true, true) => return Ok(Some("lets two racing creates both succeed")),
        (false, false) => return Ok(Some("lets no racing create succeed")),
        (true, false) => b"left.",
        (false, true) => b"right",
    };
    if remote.store.get(race).await?.bytes().await? != expected {
        return Ok(Some("keeps the loser of two racing creates"));
    }
    if remote.store.get_range(double, 1..4).await?.as_ref() != b"irs" {
        return Ok(Some("does not read ranges"));
    }
    let prefix = remote.prefix.clone().join("preflight");
    let listed: Vec<_> = remote.store.list(Some(&prefix)).try_collect().await?;
    let shown = paths.iter().all(|path| listed.iter().any(|meta| meta.location == *path));
    Ok((!shown).then_some("does not list what was created"))
}
