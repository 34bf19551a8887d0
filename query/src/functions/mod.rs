//! Functions about the past, and series of times.
//!
//! | function | answers |
//! |---|---|
//! | `table_diff('t', a, b)` | the net difference of a table between two points |
//! | `row_history('t', key…)` | every readable version of one row |
//! | `as_of_timestamp()` | the moment that the statement reads |
//! | `as_of_version('t')` | the version at which the statement reads a table |
//! | `oldest_readable('t')` | from when on every moment of a table is readable |
//! | `generate_series(start, end, step)` | times, one step after the other |

mod diff;
mod history;
mod points;
mod series;

use std::sync::Arc;

use datafusion::{catalog::TableProvider, common::ScalarValue};
use sqlparser::ast::ObjectName;

pub(crate) use points::{POINT_FUNCTIONS, point_functions};
pub(crate) use series::TimeSeriesTable;

use crate::{
    error::{Error, Result, SqlState},
    moment::{Moment, OpenMoment},
    names::{ObjectPath, SearchPath},
    statement::{OpenMoments, version_of},
    time::{literal_time, version_from_text},
};

const TABLE_DIFF: &str = "table_diff";
const ROW_HISTORY: &str = "row_history";

/// Whether a name in a FROM clause is a table function of ours.
pub(crate) fn is_own_table_function(name: &ObjectName) -> bool {
    own_name(name).is_some()
}

fn own_name(name: &ObjectName) -> Option<&'static str> {
    let [part] = name.0.as_slice() else { return None };
    let ident = part.as_ident()?;
    [TABLE_DIFF, ROW_HISTORY].into_iter().find(|known| ident.value.eq_ignore_ascii_case(known))
}

/// The rows of a call of a table function of ours.
pub(crate) async fn table_function(
    moments: &mut OpenMoments<'_>,
    name: &ObjectName,
    args: Vec<ScalarValue>,
    default: &Arc<OpenMoment>,
    search: &SearchPath,
) -> Result<Arc<dyn TableProvider>> {
    match own_name(name) {
        Some(TABLE_DIFF) => diff::table_diff(moments, &args, default, search).await,
        Some(_) => history::row_history(moments, &args, default, search).await,
        None => Err(Error::no_function(format!("table function {name} does not exist"))),
    }
}

fn wrong_call(usage: &str) -> Error {
    Error::new(SqlState::UndefinedFunction, format!("call it as {usage}"))
}

/// The table that an argument names: `'t'`, `'schema.t'` or `'database.schema.t'`; `None` for NULL and for
/// what is no text.
fn table_path(value: &ScalarValue, search: &SearchPath) -> Result<Option<ObjectPath>> {
    value.try_as_str().flatten().map(|text| search.path_of_text(text)).transpose()
}

/// The moment that an argument names: a snapshot, `snapshot:NAME`, `version:N`, `timestamp:…`, a time, a
/// version, `now`.
async fn moment(moments: &OpenMoments<'_>, value: &ScalarValue) -> Result<Moment> {
    let Some(text) = value.try_as_str() else {
        return if value.data_type().is_integer() {
            Ok(Moment::Version(version_of(value)?))
        } else {
            Ok(Moment::Timestamp(moments.time_of(value)?))
        };
    };
    let text = text.ok_or_else(|| Error::invalid_value("a point cannot be NULL"))?.trim();
    if text.eq_ignore_ascii_case("now") || text.eq_ignore_ascii_case("latest") {
        return Ok(Moment::Latest);
    }
    if ["snapshot:", "timestamp:", "version:"].iter().any(|kind| text.to_ascii_lowercase().starts_with(kind))
    {
        return Moment::parse(text, moments.zone, moments.now);
    }
    match moments.database.snapshots.get(text).await {
        Ok(_) => Ok(Moment::Snapshot(text.to_owned())),
        Err(bygone_snapshots::Error::NotFound { name, candidates }) => {
            if let Ok(version) = version_from_text(text) {
                return Ok(Moment::Version(version));
            }
            literal_time(text, moments.zone, moments.now)
                .map(Moment::Timestamp)
                .map_err(|_| Error::no_snapshot(&name, candidates.iter().map(String::as_str)))
        }
        Err(other) => Err(other.into()),
    }
}
