//! Storage of bytes: a *root* is a directory, a bucket prefix or memory that holds the objects of one
//! database.
//!
//! ```text
//!   Root ──┬── LocalDir ── Disk (OsDisk, or SimDisk in tests)      put: write, sync, link, sync the directory
//!          └── ObjectStore (S3 …, memory)                          put: create if absent, read back when in doubt
//! ```
//!
//! The engine above relies on two things only: *create if absent*, and a listing that shows what was created.
//! No rename, no conditional update, no order of a listing, no time of modification.
//!
//! 1. When [`Root::put_new`] returns `Created`, the object is durable and complete; nobody else's is under
//!    the name.
//! 2. An object is never changed. Names are never used again: they carry the epoch of their writer.
//! 3. Names stay inside the root: no `..`, no symbolic link is followed below it.
//! 4. Reads return what was asked for or an error: a file that is cut, missing or no regular file is
//!    [`Error::Corrupt`](crate::Error::Corrupt) with its name. Whether the bytes are *right* is for the
//!    decoders.
//!
//! 5. Requests to an object store are tried again until their deadlines, 30 seconds for what changes the
//!    store and 60 for reads; the client does not retry.
//!
//! Not here: encryption.

mod disk;
mod local;
mod name;
mod open_files;
mod os_disk;
mod outcome;
mod reader;
mod remote;
mod requests;
mod root;
mod writer;

#[cfg(test)]
mod tests;

pub use disk::{Disk, DiskEntry, DiskFile, DiskKind, DiskLock, LockMode};
pub use os_disk::OsDisk;
pub use outcome::PutOutcome;
pub use reader::ObjectReader;
pub use remote::{RefusedRequest, ThrottledRequest};
pub use requests::RequestCounts;
pub use root::{ObjectEntry, Root, RootLock};
pub use writer::ObjectWriter;

pub(crate) use local::{Linked, LocalDir};
pub(crate) use outcome::disk_error;
