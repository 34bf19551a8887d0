//! An object that is uploaded in parts.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload, UploadPart, path::Path};

use super::{READ_DEADLINE_US, Remote, WRITE_DEADLINE_US};

/// Parts that are under way at the same time; each is in memory meanwhile.
const PARTS_IN_FLIGHT: usize = 4;

/// An upload that was begun. The object appears when it is complete. Dropped before, it is called off where
/// there is a background to do it in; what a killed process leaves is for the rule of the bucket that ends
/// stale uploads.
pub(in crate::store) struct Upload {
    remote: Arc<Remote>,
    path: Path,
    /// None once it is over.
    parts: Option<Box<dyn MultipartUpload>>,
    in_flight: FuturesUnordered<UploadPart>,
    len: u64,
}

impl Upload {
    pub(in crate::store) async fn begin(remote: &Arc<Remote>, path: &Path) -> object_store::Result<Self> {
        let upload = remote
            .persist(WRITE_DEADLINE_US, || {
                remote.requests.put(0);
                remote.store.put_multipart(path)
            })
            .await?;
        Ok(Self {
            remote: Arc::clone(remote),
            path: path.clone(),
            parts: Some(upload),
            in_flight: FuturesUnordered::new(),
            len: 0,
        })
    }

    /// Sends a part; waits for earlier ones only while too many are under way.
    pub(in crate::store) async fn put_part(&mut self, bytes: Bytes) -> object_store::Result<()> {
        while self.in_flight.len() >= PARTS_IN_FLIGHT {
            self.in_flight.next().await.transpose()?;
        }
        self.remote.requests.part(bytes.len());
        self.len += bytes.len() as u64;
        if let Some(upload) = &mut self.parts {
            self.in_flight.push(upload.put_part(PutPayload::from_bytes(bytes)));
        }
        Ok(())
    }

    /// Waits for all parts and makes the object. A lost reply is found out by the length of the object.
    pub(in crate::store) async fn complete(mut self) -> object_store::Result<()> {
        while let Some(part) = self.in_flight.next().await {
            part?;
        }
        let Some(upload) = &mut self.parts else { return Ok(()) };
        self.remote.requests.put(0);
        let completed = upload.complete().await;
        let outcome = match completed {
            Ok(_) => Ok(()),
            Err(error) => match found_len(&self.remote, &self.path).await {
                Ok(len) if len == self.len => Ok(()),
                _ => Err(error),
            },
        };
        if outcome.is_ok() {
            self.parts = None;
        }
        outcome
    }

    /// Calls the upload off.
    pub(in crate::store) async fn abort(mut self) -> object_store::Result<()> {
        self.in_flight.clear();
        let Some(mut upload) = self.parts.take() else { return Ok(()) };
        self.remote.requests.delete(1);
        upload.abort().await
    }
}

async fn found_len(remote: &Remote, path: &Path) -> object_store::Result<u64> {
    let head = remote.persist(READ_DEADLINE_US, || {
        remote.requests.get();
        remote.store.head(path)
    });
    Ok(head.await?.size)
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(mut upload) = self.parts.take() else { return };
        self.remote.pacer.spawn("abort an upload", async move {
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, "an upload that was given up could not be called off");
            }
        });
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("path", &self.path).field("len", &self.len).finish_non_exhaustive()
    }
}
