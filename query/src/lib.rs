//! SQL with `AS OF` on DataFusion for Bygone.
//!
//! The front of the crate: [`parse`] turns text into statements with their points, [`points`] says what a moment
//! is, [`types`] maps SQL types to Arrow, [`rows`] holds the bytes of keys and rows, [`copy`] reads and writes
//! files, [`error`] carries every failure with its SQLSTATE.

mod catalog;
mod check;
pub mod copy;
mod ddl;
mod dml;
pub mod error;
mod functions;
mod history;
mod lookup;
mod memory;
mod names;
pub mod parse;
mod plan;
pub mod points;
mod postgres;
pub mod rows;
mod scan;
mod session;
mod system;
pub mod types;
mod value_text;
mod values;

pub use catalog::table_keyspaces;
pub use check::{RowsChecked, check};
pub use datafusion::common::ScalarValue;
pub use error::{Error, ErrorKind, Position, Result, printable};
pub use memory::{MemoryOptions, parse_query_memory};
pub use parse::{
    StatementCutter, StatementText, Statements, check_syntax, is_complete, split_statements, statements,
};
pub use points::Point;
#[cfg(feature = "testing")]
pub use session::StateAdapter;
pub use session::{Notice, Outcome, Progress, Rows, Session, Sql, SqlOptions};
pub use value_text::text_formatter;
pub use values::{ColumnIndex, FromRow, FromValue, IntoParameters, IntoValue, Row};
