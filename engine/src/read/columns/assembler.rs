//! Rows into Arrow columns.

use std::{collections::VecDeque, sync::Arc};

use super::{
    ColumnRequest, Columns,
    builder::{Builder, TypeMismatch},
    picks::Picks,
    rowset::{PickedRows, RowSegment, RowSet},
};
use crate::{
    Error, Result,
    format::ColumnChunk,
    manifest::FileId,
    rows::{
        ColumnKind, RowSchema, key,
        value::{self, tag},
    },
};

/// Makes Arrow columns of rows: of those of a [`RowSet`], and of keys and values as bytes.
#[derive(Debug)]
pub struct RowAssembler {
    requests: Vec<ColumnRequest>,
    builders: Vec<Builder>,
    /// For every column id up to the largest wanted one in values: which builder it goes to.
    slots: Vec<Option<usize>>,
    /// The key columns up to the last wanted one: what they are made of, and which builder they go to.
    key: Vec<(ColumnKind, Option<usize>)>,
    rows: usize,
}

/// Pages whose columns are kept while rows of a set are added: where sources alternate, the same few come
/// again.
const RECENT_PAGES: usize = 8;

/// Columns of one page.
#[derive(Debug)]
struct PageColumns {
    file: FileId,
    number: usize,
    /// For each column asked for: its place in the schema of the file.
    places: Vec<Option<usize>>,
    /// Columns asked for that the file has.
    chunks: Vec<Arc<ColumnChunk>>,
}

impl PageColumns {
    fn is_of(&self, picked: &PickedRows) -> bool {
        self.number == picked.number && self.file == picked.table.meta().id
    }
}

impl RowAssembler {
    /// Of rows with this schema, the columns asked for.
    ///
    /// # Errors
    /// `Invalid`: no column has a type that is asked for.
    pub fn new(schema: &RowSchema, requests: Vec<ColumnRequest>) -> Result<Self> {
        let mut slots: Vec<Option<usize>> = Vec::new();
        let mut key: Vec<_> =
            schema.key().iter().map(|place| (schema.columns()[*place].kind, None)).collect();
        let mut builders = Vec::with_capacity(requests.len());
        for (index, request) in requests.iter().enumerate() {
            let builder = Builder::new(request).ok_or_else(|| {
                Error::Invalid(format!("rows have no columns of type {}", request.data_type))
            })?;
            builders.push(builder);
            let is_wanted = |place: &usize| schema.columns()[*place].id == request.id;
            if let Some(part) = schema.key().iter().position(is_wanted) {
                key[part].1 = Some(index);
            } else {
                let id = request.id as usize;
                slots.resize(slots.len().max(id + 1), None);
                slots[id] = Some(index);
            }
        }
        let wanted = key.iter().rposition(|(_, output)| output.is_some()).map_or(0, |last| last + 1);
        key.truncate(wanted);
        Ok(Self { requests, builders, slots, key, rows: 0 })
    }

    /// Adds a row as bytes.
    ///
    /// # Errors
    /// `Corrupt`: the bytes do not fit the schema. The rows so far are lost.
    #[inline]
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.rows += 1;
        self.push_key(key).and_then(|()| self.push_value(value)).map_err(|TypeMismatch| unfit("row"))
    }

    fn push_key(&mut self, mut rest: &[u8]) -> Result<(), TypeMismatch> {
        for (kind, output) in &self.key {
            let value = key::take(*kind, &mut rest).ok_or(TypeMismatch)?;
            if let Some(output) = output {
                self.builders[*output].push_key(&value)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn push_value(&mut self, value: &[u8]) -> Result<(), TypeMismatch> {
        if self.slots.is_empty() {
            return Ok(());
        }
        let mut tags = value::split(value).ok_or(TypeMismatch)?;
        for (id, output) in self.slots.iter().enumerate() {
            let mut found = (tag::ELSEWHERE, &[][..]);
            if id < tags.count {
                let tag = tags.tag(id);
                found = (tag, tags.take(tag).ok_or(TypeMismatch)?);
            }
            if let Some(output) = output {
                self.builders[*output].push(found.0, found.1)?;
            }
        }
        Ok(())
    }

    /// Adds rows of a set.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a page cannot be read; `Corrupt` when it does not fit the schema. The
    /// rows so far are lost.
    ///
    /// # Cancel safety
    /// Dropping the future loses the rows so far.
    ///
    /// # Cost
    /// For each page with rows in the set, one read of what is not cached.
    pub async fn push_set(&mut self, set: &RowSet) -> Result<()> {
        if self.requests.is_empty() {
            self.rows += set.len();
            return Ok(());
        }
        self.builders.iter_mut().for_each(|builder| builder.reserve(set.len()));
        let mut scratch = (Vec::new(), Vec::new());
        let mut recent: VecDeque<PageColumns> = VecDeque::new();
        for segment in set.segments() {
            match segment {
                RowSegment::Rows(rows) => {
                    for (key, value) in rows {
                        self.push(key, value)?;
                    }
                }
                RowSegment::Page(picked) if picked.rows.is_empty() => {}
                RowSegment::Page(picked) => {
                    if !recent.iter().any(|columns| columns.is_of(picked)) {
                        if recent.len() == RECENT_PAGES {
                            recent.pop_back();
                        }
                        if let Some(columns) = self.read_columns(picked).await? {
                            recent.push_front(columns);
                        }
                    }
                    if let Some(columns) = recent.iter().find(|columns| columns.is_of(picked)) {
                        let done = self.append_columns(columns, picked.rows_total(), &picked.rows);
                        done.map_err(|TypeMismatch| unfit(&picked.table.meta().object_name()))?;
                        continue;
                    }
                    let page = picked.table.page(picked.number, picked.policy).await?;
                    for row in picked.rows.iter() {
                        scratch.0.clear();
                        page.append_key(row, &mut scratch.0);
                        self.push(&scratch.0, page.value(row, &mut scratch.1))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The columns asked for, of the page of these rows; none where it has no columns.
    async fn read_columns(&self, picked: &PickedRows) -> Result<Option<PageColumns>> {
        let Some(schema) = picked.table.schema() else { return Ok(None) };
        let places: Vec<_> = self.requests.iter().map(|request| schema.place(request.id)).collect();
        let stored: Vec<usize> = places.iter().filter_map(|place| *place).collect();
        let chunks = picked.table.columns(picked.number, &stored, picked.policy).await?;
        let (file, number) = (picked.table.meta().id, picked.number);
        Ok(chunks.map(|chunks| PageColumns { file, number, places, chunks }))
    }

    fn append_columns(
        &mut self,
        columns: &PageColumns,
        rows_of_page: usize,
        picks: &Picks,
    ) -> Result<(), TypeMismatch> {
        let mut chunks = columns.chunks.iter();
        let rows = picks.len();
        self.rows += rows;
        for (builder, place) in self.builders.iter_mut().zip(&columns.places) {
            match place.and_then(|_| chunks.next()) {
                Some(chunk) => {
                    assert_eq!(chunk.rows(), rows_of_page, "chunks of a page have its rows");
                    builder.append_chunk(chunk, picks)?;
                }
                // The file is older than the column.
                None => (0..rows).try_for_each(|_| builder.push_missing())?,
            }
        }
        Ok(())
    }

    /// Rows added since the last columns.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns of the rows added so far, in the order in which they were asked for; starts anew.
    pub fn finish(&mut self) -> Columns {
        self.rows = 0;
        self.builders.iter_mut().map(Builder::finish).collect()
    }
}

fn unfit(place: &str) -> Error {
    Error::corrupt(place, 0, "a row does not fit the columns of its table")
}
