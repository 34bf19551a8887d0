//! One statement on its way: what it is given, and what it answers.
//!
//! [`Context`] is what every family of statements takes: the [`Database`], the session's data, parameters,
//! the instant. Statements answer with an [`Outcome`]; those that write do so in a [`Work`], whose commit
//! says what was done.
//!
//! 1. Nothing here knows a kind of statement, nor how one is planned.
//! 2. A moment is opened once in a statement ([`OpenMoments`]), and said in a notice.

mod columns;
mod context;
mod database;
mod open_moments;
mod open_transaction;
mod outcome;
mod parameters;
mod session_data;
mod settings;
mod stack;
mod work;

pub use database::SqlOptions;
#[cfg(feature = "testing")]
pub use database::StateAdapter;
pub use outcome::{Notice, Outcome, Progress, Rows};

pub(crate) use columns::Columns;
pub(crate) use context::Context;
pub(crate) use database::{Database, LazyState};
pub(crate) use open_moments::{OpenMoments, version_of};
pub(crate) use open_transaction::OpenTransaction;
pub(crate) use outcome::{batch_in_zone, schema_in_zone};
pub(crate) use parameters::{Parameters, bind, parameter};
pub(crate) use session_data::SessionData;
pub(crate) use settings::{Settings, canonical};
pub(crate) use stack::Depth;
pub(crate) use work::{Work, WriteOutcome, dropped_keyspaces};
