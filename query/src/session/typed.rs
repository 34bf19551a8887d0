//! Answers as Rust values.

use futures::TryStreamExt;

use super::Session;
use crate::{
    error::{Error, Result, SqlState},
    statement::Rows,
    values::{FromRow, IntoParameters, Row},
};

impl Session {
    /// Runs a query and returns its rows, all of them in memory; `parameters` are the values of `$1`, `$2`, …
    ///
    /// For more rows than should be held at one time, read [`Session::execute_with`]'s outcome as a stream.
    ///
    /// # Errors
    /// As [`Session::execute`], and what happens while the rows are read.
    ///
    /// # Cancel safety
    /// As [`Session::execute`].
    pub async fn query_rows(&self, sql: &str, parameters: impl IntoParameters) -> Result<Vec<Row>> {
        match self.execute_with(sql, parameters).await?.rows {
            Some(rows) => rows_of(rows).await,
            None => Ok(Vec::new()),
        }
    }

    /// Runs a query for one row and returns it: as one value (`i64`, `String`, `Option<f64>`, …) or as a
    /// tuple of values.
    ///
    /// # Errors
    /// 02000 when there is no row, 21000 when there are several; those of [`Row::get`] and of
    /// [`Self::query_rows`].
    ///
    /// # Cancel safety
    /// As [`Session::execute`].
    pub async fn query_one<T: FromRow>(&self, sql: &str, parameters: impl IntoParameters) -> Result<T> {
        self.query_optional(sql, parameters).await?.ok_or_else(|| {
            Error::new(SqlState::NoData, "the query has no row")
                .with_hint("use query_optional where that may be")
        })
    }

    /// As [`Self::query_one`]; `None` when there is no row.
    ///
    /// # Errors
    /// As [`Self::query_one`], but for 02000.
    ///
    /// # Cancel safety
    /// As [`Session::execute`].
    pub async fn query_optional<T: FromRow>(
        &self,
        sql: &str,
        parameters: impl IntoParameters,
    ) -> Result<Option<T>> {
        let Some(mut rows) = self.execute_with(sql, parameters).await?.rows else { return Ok(None) };
        let mut first = None;
        while let Some(batch) = rows.try_next().await? {
            let has_several = batch.num_rows() > 1 || (first.is_some() && batch.num_rows() > 0);
            if has_several {
                return Err(Error::new(SqlState::CardinalityViolation, "the query has more than one row")
                    .with_hint("add LIMIT 1, or use query_rows"));
            }
            if batch.num_rows() == 1 {
                first = Row::all_of(batch).next();
            }
        }
        first.as_ref().map(T::from_row).transpose()
    }
}

async fn rows_of(mut batches: Rows) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        rows.extend(Row::all_of(batch));
    }
    Ok(rows)
}
