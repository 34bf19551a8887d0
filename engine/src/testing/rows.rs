//! Rows of every kind of column, at random.

use std::sync::Arc;

use bytes::Bytes;
use rand::{Rng, RngExt};

use crate::rows::{
    ColumnKind, RowColumn, RowSchema, key,
    value::{self, tag},
};

/// Columns of every kind, with gaps between their ids; the key is a text and a number.
pub fn row_schema() -> Arc<RowSchema> {
    let kinds = [
        (0, ColumnKind::Boolean),
        (1, ColumnKind::Text),
        (2, ColumnKind::Int16),
        (4, ColumnKind::Int32),
        (5, ColumnKind::Int64),
        (6, ColumnKind::Int128),
        (7, ColumnKind::Int32),
        (9, ColumnKind::Float32),
        (10, ColumnKind::Float64),
        (11, ColumnKind::Bytes),
        (12, ColumnKind::Text),
    ];
    Arc::new(RowSchema::new(1, kinds.map(|(id, kind)| RowColumn { id, kind }).to_vec(), &[1, 7]))
}

/// A key of [`row_schema`]: larger for larger numbers.
pub fn row_key(number: u32) -> Bytes {
    let mut bytes = Vec::new();
    key::push_bytes(format!("k{:03}", number / 3).as_bytes(), &mut bytes);
    key::push_i32(number as i32 - 20, &mut bytes);
    bytes.into()
}

/// A value of [`row_schema`]; now and then one that is older than the last columns, and now and then bytes
/// that are no row.
pub fn random_row(rng: &mut impl Rng) -> Bytes {
    if rng.random_bool(0.01) {
        return Bytes::from(vec![rng.random::<u8>(); rng.random_range(0..20)]);
    }
    let schema = row_schema();
    let count = if rng.random_bool(0.1) { rng.random_range(0..14) } else { 13 };
    let (mut tags, mut payloads) = (vec![tag::ELSEWHERE; count], Vec::new());
    for (place, column) in schema.columns().iter().enumerate() {
        let id = column.id as usize;
        if id >= count || schema.key().contains(&place) || rng.random_bool(0.05) {
            continue;
        }
        tags[id] =
            if rng.random_bool(0.15) { tag::NULL } else { push_random(column.kind, rng, &mut payloads) };
    }
    let mut row = vec![value::FORMAT];
    value::push_varint(count, &mut row);
    row.extend(tags.chunks(2).map(|pair| pair[0] | pair.get(1).unwrap_or(&0) << 4));
    row.extend_from_slice(&payloads);
    row.into()
}

fn push_random(kind: ColumnKind, rng: &mut impl Rng, out: &mut Vec<u8>) -> u8 {
    let number = rng.random::<i64>() >> rng.random_range(0..64);
    match kind {
        ColumnKind::Boolean => value::push_int(number & 1, out),
        ColumnKind::Int16 => value::push_int(i64::from(number as i16), out),
        ColumnKind::Int32 => value::push_int(i64::from(number as i32), out),
        ColumnKind::Int64 => value::push_int(number, out),
        ColumnKind::Int128 => {
            value::push_decimal(i128::from(number) << [0, 30, 64][rng.random_range(0..3)], out)
        }
        ColumnKind::Float32 => value::push_f32(number as f32 / 3.0, out),
        ColumnKind::Float64 => {
            let special = [f64::NAN, -0.0, f64::INFINITY, 0.5, number as f64 / 3.0];
            value::push_f64(special[rng.random_range(0..special.len())], out)
        }
        ColumnKind::Text => {
            let letter = ["a", "ß", "€", ""][rng.random_range(0..4)];
            value::push_bytes(letter.repeat(rng.random_range(0..12)).as_bytes(), out)
        }
        ColumnKind::Bytes => {
            let len = if rng.random_bool(0.02) { 3_000 } else { rng.random_range(0..5) };
            value::push_bytes(&vec![rng.random::<u8>(); len], out)
        }
    }
}
