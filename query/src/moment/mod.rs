//! Moments: what `AS OF` names, and what reads the names and rows of one.
//!
//! ```text
//!   Moment (now, a snapshot, an instant, a version) ──opened──▶ OpenMoment { label, catalog, Reader }
//! ```
//!
//! 1. A [`Moment`] is a reference and holds nothing. An [`OpenMoment`] holds the pin of its view as long as
//!    it lives.
//! 2. The catalog of an open moment is the one that its reader sees: names and rows are of one timestamp.

mod catalogs;
mod label;
mod open;
mod reader;
mod reference;

pub use catalogs::table_keyspaces;
pub use reference::Moment;

pub(crate) use catalogs::CatalogCache;
pub(crate) use label::MomentLabel;
pub(crate) use open::{MomentKey, NearSnapshots, OpenMoment, too_old};
pub(crate) use reader::{Reader, ReaderScan};
