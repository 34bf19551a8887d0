use bytes::Bytes;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

use super::*;
use crate::{
    rows::{ColumnKind, RowColumn, RowSchema, value},
    testing::{random_row, row_key, row_schema},
    types::Kind,
};

/// One nullable column without a key.
fn one_column(kind: ColumnKind) -> RowSchema {
    RowSchema::new(0, vec![RowColumn { id: 0, kind }], &[])
}

fn row(push: impl FnOnce(&mut Vec<u8>) -> u8) -> Vec<u8> {
    let mut payload = Vec::new();
    let tag = push(&mut payload);
    [&[value::FORMAT, 1, tag][..], &payload].concat()
}

fn encoded(kind: ColumnKind, rows: &[Vec<u8>]) -> (u8, Vec<u8>, Zone) {
    let schema = one_column(kind);
    let mut splitter = RowSplitter::new(&schema);
    let rows = rows.iter().map(|row| (Kind::Put, &b""[..], row.as_slice()));
    assert!(splitter.fill(&schema, rows), "the rows have this column");
    let mut out = Vec::new();
    let encoding = splitter.columns()[0].encode(&mut out);
    (encoding, out, splitter.columns()[0].zone())
}

/// Every row's payload comes back; returns the encoding without bitmaps and the length.
fn check(kind: ColumnKind, rows: &[Vec<u8>]) -> (u8, usize) {
    let (encoding, raw, _) = encoded(kind, rows);
    let len = raw.len();
    let chunk = ColumnChunk::decode(kind, encoding, &raw.into(), rows.len()).unwrap();
    for (at, expected) in rows.iter().enumerate() {
        let back = row(|out| chunk.append_payload(at, out));
        assert_eq!(&back, expected, "row {at}");
    }
    (encoding & !(HAS_NULLS | HAS_MISSING), len)
}

#[test]
fn integers_take_the_bytes_that_their_span_needs() {
    let column = |numbers: &[i64]| {
        let rows: Vec<_> = numbers.iter().map(|number| row(|out| value::push_int(*number, out))).collect();
        check(ColumnKind::Int64, &rows)
    };
    assert_eq!(column(&[7, 7, 7]), (1, 8));
    assert_eq!(column(&[1_000_000, 1_000_255]), (5, 10));
    assert_eq!(column(&[-1, 255]), (6, 12));
    assert_eq!(column(&[0, 1 << 31]), (7, 16));
    assert_eq!(column(&[i64::MIN, i64::MAX]), (8, 24));
}

#[test]
fn nulls_do_not_widen_a_column() {
    let null = row(|_| value::tag::NULL);
    let number = |number| row(move |out| value::push_int(number, out));
    assert_eq!(check(ColumnKind::Int32, &[number(50_000), null.clone(), number(50_001)]), (5, 8 + 3 + 1));
    assert_eq!(check(ColumnKind::Int32, &[null.clone(), null.clone()]), (9, 0));
    assert_eq!(check(ColumnKind::Text, &[null.clone(), row(|out| value::push_bytes(b"x", out))]).0, 1);
}

#[test]
fn strings_that_come_again_are_stored_once() {
    let text = |text: &str| row(|out| value::push_bytes(text.as_bytes(), out));
    let repeated: Vec<_> = (0..100).map(|n| text(["one", "two", "three"][n % 3])).collect();
    assert_eq!(check(ColumnKind::Text, &repeated), (10, 4 + 1 + 3 + 100 + 11));
    let many: Vec<_> = (0..1_000).map(|n| text(&format!("{}", n / 3))).collect();
    assert_eq!(check(ColumnKind::Text, &many).0, 11);
    let different: Vec<_> = (0..100).map(|n| text(&format!("{n:05}"))).collect();
    assert_eq!(check(ColumnKind::Text, &different), (2, 1 + 4 + 500));
}

#[test]
fn a_value_in_another_form_than_it_would_come_back_in_is_not_taken() {
    let refused = |kind: ColumnKind, row: &[u8]| {
        let schema = one_column(kind);
        !RowSplitter::new(&schema).fill(&schema, [(Kind::Put, &b""[..], row)].into_iter())
    };
    use value::tag::*;
    let one = [value::FORMAT, 1];
    let with = |tag: u8, payload: &[u8]| [&one[..], &[tag], payload].concat();
    assert!(!refused(ColumnKind::Int64, &with(BYTES_1, &[2])));
    assert!(refused(ColumnKind::Int64, &with(BYTES_1, &[1])), "ONE is shorter");
    assert!(refused(ColumnKind::Int64, &with(BYTES_2, &[5, 0])), "one byte is shorter");
    assert!(refused(ColumnKind::Int64, &with(BYTES_8, &5_i64.to_le_bytes())));
    assert!(refused(ColumnKind::Int16, &with(BYTES_4, &100_000_i32.to_le_bytes())), "too large");
    assert!(refused(ColumnKind::Boolean, &with(BYTES_1, &[2])));
    assert!(refused(ColumnKind::Float64, &with(BYTES_8, &1.5_f64.to_le_bytes())), "a float holds it");
    assert!(!refused(ColumnKind::Float64, &with(BYTES_4, &1.5_f32.to_le_bytes())));
    assert!(refused(ColumnKind::Float32, &with(BYTES_4, &[0; 4])), "ZERO is shorter");
    assert!(refused(ColumnKind::Float32, &with(BYTES_4, &(-f32::NAN).to_le_bytes())), "NaN has no sign");
    assert!(refused(ColumnKind::Float64, &with(BYTES_8, &(-f64::NAN).to_le_bytes())), "nor here");
    assert!(refused(ColumnKind::Text, &with(LENGTH_1, &[2, 0xC3, 0x28])), "not UTF-8");
    assert!(!refused(ColumnKind::Bytes, &with(LENGTH_1, &[2, 0xC3, 0x28])));
    assert!(refused(ColumnKind::Text, &with(LENGTH_2, &[1, 0, b'x'])), "one byte of length is shorter");
    assert!(refused(ColumnKind::Int64, &with(BYTES_1, &[2, 9])), "something is left");
    assert!(refused(ColumnKind::Int64, &[value::FORMAT, 0x81, 0, ZERO]), "the count is shorter");
    assert!(refused(ColumnKind::Int64, &[value::FORMAT, 2, ZERO | ONE << 4]), "no such column");
    assert!(refused(ColumnKind::Int64, &[2, 1, ZERO]) && refused(ColumnKind::Int64, b""));
}

#[test]
fn bounds_are_never_narrower_than_the_values() {
    let zone = |kind, rows: &[Vec<u8>]| encoded(kind, rows).2;
    let text = |text: &str| row(|out| value::push_bytes(text.as_bytes(), out));
    let double = |number: f64| row(|out| value::push_f64(number, out));
    let found = zone(ColumnKind::Text, &[text("b"), row(|_| value::tag::NULL), text("a")]);
    let bytes = |text: &str| Some(Bound::Bytes(text.as_bytes().to_vec()));
    assert_eq!((found.min, found.max, found.nulls, found.is_exact), (bytes("a"), bytes("b"), 1, true));
    let long = "é".repeat(40);
    let found = zone(ColumnKind::Text, &[text(&long)]);
    assert_eq!(found.min, bytes(&"é".repeat(12)));
    assert_eq!(found.max, bytes(&format!("{}ê", "é".repeat(11))));
    assert!(!found.is_exact);
    let last = char::MAX.to_string().repeat(10);
    assert_eq!(zone(ColumnKind::Text, &[text(&last)]).max, None, "nothing short is larger");
    let found = zone(ColumnKind::Bytes, &[row(|out| value::push_bytes(&[0xFF; 30], out))]);
    assert_eq!((found.min, found.max), (Some(Bound::Bytes(vec![0xFF; 24])), None));
    let found = zone(ColumnKind::Float64, &[double(2.0), double(f64::NAN), double(-1.0)]);
    assert_eq!((found.min, found.max), (Some(Bound::Float(-1.0)), None));
    assert_eq!(zone(ColumnKind::Int16, &[row(|_| value::tag::NULL)]).min, None);
}

fn seeds() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(any::<u64>(), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_of_random_rows_come_back_and_damage_never_panics(seeds in seeds(), flips in any::<[u16; 8]>()) {
        let schema = row_schema();
        let rows: Vec<_> = seeds.iter().map(|seed| random_row(&mut StdRng::seed_from_u64(*seed))).collect();
        let keys: Vec<_> = (0..rows.len() as u32).map(row_key).collect();
        let mut splitter = RowSplitter::new(&schema);
        let all = rows.iter().zip(&keys).map(|(row, key)| (Kind::Put, key.as_ref(), row.as_ref()));
        prop_assume!(splitter.fill(&schema, all));
        for (column, buffer) in schema.columns().iter().zip(splitter.columns()) {
            let mut raw = Vec::new();
            let encoding = buffer.encode(&mut raw);
            if encoding == 0 {
                continue;
            }
            let chunk = ColumnChunk::decode(column.kind, encoding, &Bytes::from(raw.clone()), rows.len()).unwrap();
            prop_assert_eq!(chunk.rows(), rows.len());
            for (at, flip) in flips.iter().enumerate() {
                let mut damaged = raw.clone();
                let len = damaged.len().max(1);
                if let Some(byte) = damaged.get_mut(usize::from(*flip) % len) {
                    *byte ^= 1 << (at % 8);
                }
                damaged.truncate(damaged.len() - (usize::from(*flip) / 7 % 3).min(damaged.len()));
                if let Ok(chunk) = ColumnChunk::decode(column.kind, encoding ^ (flip >> 13) as u8, &damaged.into(), rows.len()) {
                    (0..rows.len()).for_each(|row| _ = chunk.append_payload(row, &mut Vec::new()));
                }
            }
        }
    }

    #[test]
    fn zone_maps_come_back_and_damage_never_panics(seeds in seeds(), flip in any::<u16>()) {
        let schema = row_schema();
        let mut zones = ZoneBuilder::default();
        let mut expected = Vec::new();
        let mut splitter = RowSplitter::new(&schema);
        for seed in &seeds {
            let row = random_row(&mut StdRng::seed_from_u64(*seed));
            let key = row_key(*seed as u32 % 100);
            if splitter.fill(&schema, [(Kind::Put, key.as_ref(), row.as_ref())].into_iter()) {
                let page: Vec<Zone> = splitter.columns().iter().map(ColumnBuffer::zone).collect();
                zones.push(page.iter().cloned());
                expected.push(page);
            }
        }
        let mut raw = Vec::new();
        zones.encode(&schema, &mut raw);
        let decoded = ZoneMaps::decode(&raw, &schema, expected.len()).unwrap();
        for (page, zones) in expected.iter().enumerate() {
            for (place, zone) in zones.iter().enumerate() {
                prop_assert_eq!(decoded.zone(page, place), zone);
            }
        }
        if !raw.is_empty() {
            let at = usize::from(flip) % raw.len();
            raw[at] ^= 0x11;
            ZoneMaps::decode(&raw, &schema, expected.len()).ok();
            ZoneMaps::decode(&raw[..at], &schema, expected.len()).ok();
        }
    }
}
