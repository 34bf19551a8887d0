//! The structure of one file of a database as text.

use std::{io, path::Path};

pub use bygone_engine::inspect::Inspection;
use bygone_engine::store::{Disk, OsDisk};

/// Describes the table file, manifest or log segment at `path`, also when it is damaged, as far as it can be
/// read. The file must have the name that it has in its database, because its checksums know which file they
/// belong to. `None` when it is no file of a database. The file is read into memory.
///
/// # Errors
/// Errors of reading the file.
pub fn inspect(path: impl AsRef<Path>) -> io::Result<Option<Inspection>> {
    let path = path.as_ref();
    let file = OsDisk.open_read(path)?;
    let len = usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let bytes = file.read_vec_at(0, len)?;
    Ok(bygone_engine::inspect::inspect(&path.to_string_lossy(), &bytes.into()))
}
