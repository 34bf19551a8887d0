//! SQL with `AS OF` on DataFusion for Bygone.
//!
//! The rooms of the crate stand one above the other: each names the ones below it and no other.
//! ARCHITECTURE.md lists them, and a test of the workspace holds their order.

mod catalog;
mod change;
mod check;
pub mod copy;
mod define;
pub mod error;
mod execution;
mod explain;
mod functions;
mod lookup;
mod memory;
mod moment;
mod names;
pub mod parse;
mod past;
mod plan;
mod postgres;
mod read;
pub mod rows;
mod scan;
mod session;
mod show;
mod statement;
mod system;
pub mod time;
pub mod types;
mod value_text;
mod values;

pub use check::{RowsChecked, check};
pub use datafusion::common::ScalarValue;
pub use error::{Error, ErrorKind, Position, Result, SqlState, printable};
pub use memory::{MemoryOptions, parse_query_memory};
pub use moment::{Moment, table_keyspaces};
pub use parse::{
    StatementCutter, StatementText, Statements, check_syntax, is_complete, split_statements, statements,
};
pub use session::{Session, Sql};
#[cfg(feature = "testing")]
pub use statement::StateAdapter;
pub use statement::{Notice, Outcome, Progress, Rows, SqlOptions};
pub use value_text::text_formatter;
pub use values::{ColumnIndex, FromRow, FromValue, IntoParameters, IntoValue, Row};
