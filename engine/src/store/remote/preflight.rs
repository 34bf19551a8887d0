//! The check that a store is fit to be written to.

use bytes::Bytes;
use futures::{TryStreamExt, future::join};
use object_store::{ObjectStoreExt, path::Path};

use super::{Remote, failure::RequestFailure};
use crate::{Error, Result};

/// Refuses a store that does not create exclusively, list what it created, or read ranges. Names are those of
/// this process alone, so that several may look at one root at once.
pub(in crate::store) async fn preflight(remote: &Remote) -> Result<()> {
    let own = format!("preflight/{:016x}", remote.pacer.draw());
    let names = [format!("{own}/double"), format!("{own}/race")];
    let paths = [remote.path(&names[0])?, remote.path(&names[1])?];
    let failed = |error| Error::unavailable("checking the object store", error);
    let outcome = remote.persist(super::WRITE_DEADLINE_US, || probe(remote, &own, &paths));
    let outcome = outcome.await;
    remote.delete(&names).await?;
    match outcome.map_err(failed)? {
        None => Ok(()),
        Some(fault) => {
            Err(Error::Invalid(format!("the object store cannot be written to safely: it {fault}")))
        }
    }
}

async fn probe(remote: &Remote, own: &str, paths: &[Path; 2]) -> object_store::Result<Option<&'static str>> {
    let [double, race] = paths;
    // What a try before this one left.
    remote.delete_page(paths).await?;
    remote.create(double, Bytes::from_static(b"first")).await?;
    match remote.create(double, Bytes::from_static(b"second")).await {
        Ok(()) => return Ok(Some("lets a second create replace an object")),
        Err(error) if RequestFailure::of(&error) == RequestFailure::Conflict => {}
        Err(
            error @ (object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }),
        ) => {
            tracing::debug!(%error, "conditional put");
            return Ok(Some("does not create objects exclusively"));
        }
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
    remote.requests.get();
    if remote.store.get(race).await?.bytes().await? != expected {
        return Ok(Some("keeps the loser of two racing creates"));
    }
    remote.requests.get();
    if remote.store.get_range(double, 1..4).await?.as_ref() != b"irs" {
        return Ok(Some("does not read ranges"));
    }
    let prefix = remote.prefix.parts().chain(Path::from(own).parts()).collect::<Path>();
    let listed: Vec<_> = remote.store.list(Some(&prefix)).try_collect().await?;
    remote.requests.list(listed.len());
    let shown = paths.iter().all(|path| listed.iter().any(|meta| meta.location == *path));
    Ok((!shown).then_some("does not list what was created"))
}
