//! The check of a page in the columnar layout: its columns, and what the zone maps say of them, against its
//! rows.
//!
//! The rows are put together from the columns that are not of the key, and taken apart again as a writer
//! would. So columns of the key, which are stored beside the keys, are compared with the keys, and bounds
//! with what they bound.

use crate::{
    Error, Result,
    findings::Findings,
    format::{ColumnChunk, Encoding, RowSplitter, Zone},
    rows::RowSchema,
    sst::{CachePolicy, Page, Table},
    types::Kind,
};

/// Checks one page, which could be read.
pub(super) async fn check(table: &Table, number: usize, page: &Page, findings: &mut Findings) -> Result<()> {
    let (Some(schema), Some(zones)) = (table.schema(), table.zones()?) else { return Ok(()) };
    let name = &table.inner.name;
    let places: Vec<usize> = (0..schema.columns().len()).collect();
    let Some(chunks) = table.columns(number, &places, CachePolicy::PassBy).await? else {
        let says_nothing = |place: &usize| {
            let zone = zones.zone(number, *place);
            zone.has_missing && zone.min.is_none() && zone.max.is_none()
        };
        if !places.iter().all(says_nothing) {
            findings.add(name, format!("zone maps: page {number} has bounds, and its values are no columns"));
        }
        return Ok(());
    };
    let Some(splitter) = take_apart(schema, page) else {
        findings.add(name, format!("page {number}: its columns make no rows of its schema"));
        return Ok(());
    };
    for ((column, chunk), (buffer, place)) in
        schema.columns().iter().zip(&chunks).zip(splitter.columns().iter().zip(places))
    {
        let (said, found) = (zones.zone(number, place), buffer.zone());
        if !holds(said, &found) {
            findings.add(
                name,
                format!("zone maps: page {number} column {} says {said:?} and has {found:?}", column.id),
            );
        }
        let mut raw = Vec::new();
        let expected = match buffer.encode(&mut raw) {
            encoding if encoding == Encoding::Absent as u8 => {
                ColumnChunk::all_missing(column.kind, page.rows())
            }
            encoding => ColumnChunk::decode(column.kind, encoding, &raw.into(), page.rows())
                .map_err(|damage| Error::corrupt(name, 0, damage.detail))?,
        };
        if let Some(row) = first_difference(chunk, &expected, page.rows()) {
            findings
                .add(name, format!("page {number} row {row}: column {} is not what its key says", column.id));
        }
    }
    Ok(())
}

fn take_apart(schema: &RowSchema, page: &Page) -> Option<RowSplitter> {
    let rows: Vec<(Kind, Vec<u8>, Vec<u8>)> = (0..page.rows())
        .map(|row| {
            let (mut key, mut value) = (Vec::new(), Vec::new());
            page.append_key(row, &mut key);
            page.append_value(row, &mut value);
            (page.kind(row), key, value)
        })
        .collect();
    let mut splitter = RowSplitter::new(schema);
    let rows = rows.iter().map(|(kind, key, value)| (*kind, key.as_slice(), value.as_slice()));
    splitter.fill(schema, rows).then_some(splitter)
}

/// Whether what is said of a column holds for what is found in it (Z1): bounds may be wider, counts may not
/// differ.
fn holds(said: &Zone, found: &Zone) -> bool {
    let min = said.min.is_none() || found.min.is_none() || said.min <= found.min;
    // Where no upper bound can be given, none may be said.
    let max = said.max.is_none() || (found.max.is_some() && said.max >= found.max) || found.min.is_none();
    let exact = !said.is_exact || (said.min == found.min && said.max == found.max);
    min && max && exact && said.nulls == found.nulls && said.has_missing == found.has_missing
}

/// The first row in which two columns have another value.
fn first_difference(a: &ColumnChunk, b: &ColumnChunk, rows: usize) -> Option<usize> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    (0..rows).find(|row| {
        left.clear();
        right.clear();
        a.append_payload(*row, &mut left) != b.append_payload(*row, &mut right) || left != right
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Bound;

    fn zone(min: i64, max: i64) -> Zone {
        let (min, max) = (Some(Bound::Int(min)), Some(Bound::Int(max)));
        Zone { min, max, is_exact: true, nulls: 2, has_missing: false }
    }

    #[test]
    fn bounds_may_be_wider_than_the_values_and_never_narrower() {
        let found = zone(10, 20);
        assert!(holds(&found, &found));
        assert!(holds(&Zone { is_exact: false, ..zone(9, 21) }, &found));
        assert!(holds(&Zone { min: None, max: None, is_exact: false, ..zone(0, 0) }, &found));
        for wrong in [
            Zone { is_exact: false, ..zone(11, 20) },
            Zone { is_exact: false, ..zone(10, 19) },
            zone(9, 20),
            Zone { nulls: 1, ..zone(10, 20) },
            Zone { has_missing: true, ..zone(10, 20) },
        ] {
            assert!(!holds(&wrong, &found), "{wrong:?}");
        }
        let unbounded = Zone { max: None, is_exact: false, ..zone(10, 20) };
        assert!(!holds(&found, &unbounded), "a page with NaN has no upper bound");
    }
}
