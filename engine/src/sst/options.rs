//! Options by which table files are written.

use std::sync::Arc;

use crate::{format::Compression, rows::RowSchema};

/// Options by which a table file is written. Nothing here is needed to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// Most rows of a page; 1 to 65,535. Default 2,048.
    pub page_rows_max: usize,
    /// A page is closed before its keys and values pass this many bytes. A larger row gets a page of its own.
    /// Default 64 KiB.
    pub page_bytes_max: usize,
    /// Effort to make the file small. Default fast.
    pub compression: Compression,
    /// Whether to write a filter on the keys. Default true.
    pub filter: bool,
    /// The columns of the rows: the file is written in the columnar layout. Default none: the opaque layout.
    pub schema: Option<Arc<RowSchema>>,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            page_rows_max: 2048,
            page_bytes_max: 64 << 10,
            compression: Compression::Fast,
            filter: true,
            schema: None,
        }
    }
}
