use bytes::Bytes;
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    key_head::suffix_head,
    types::{Kind, Timestamp},
};

/// Sorted distinct keys, how many rows each has, and the chunk made of them.
fn encoded_keys(keys: &[Vec<u8>], repeats: &[usize]) -> (Vec<Vec<u8>>, Encoding, Bytes) {
    let (mut bytes, mut ends, mut ordinals, mut rows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (k, key) in keys.iter().enumerate() {
        bytes.extend_from_slice(key);
        ends.push(bytes.len() as u32);
        for _ in 0..repeats[k % repeats.len()] {
            ordinals.push(k as u16);
            rows.push(key.clone());
        }
    }
    let mut raw = Vec::new();
    let encoding = encode_keys(&bytes, &ends, &ordinals, &mut raw);
    (rows, encoding, Bytes::from(raw))
}

/// Calls everything that a decoded chunk offers.
fn use_keys(chunk: &KeyChunk, probe: &[u8]) {
    for row in 0..chunk.rows() {
        let ordinal = chunk.ordinal(row);
        assert!(chunk.first_row(ordinal) <= row);
        let _ = chunk.suffix(ordinal);
        let _ = chunk.compare(ordinal, probe);
    }
    let (Ok(found) | Err(found)) = chunk.search(probe);
    assert!(found <= chunk.count());
}

/// Keys that share prefixes, differ behind eight bytes, are empty, or contain zeros at the end.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(0..3_u8, 0..6),
        vec(0..2_u8, 7..20),
        vec(any::<u8>(), 0..12),
        (0..40_u32).prop_map(|n| [b"common/prefix/".as_slice(), &n.to_be_bytes()].concat()),
    ]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(u64::MAX), 0..300_u64, 0..70_000_u64, 0..5_000_000_000_u64, any::<u64>()]
}

proptest! {
    #[test]
    fn keys_come_back_and_are_found(
        mut keys in vec(key(), 1..120), repeats in vec(1..4_usize, 1..4), probes in vec(key(), 20)
    ) {
        keys.sort();
        keys.dedup();
        let (rows, encoding, raw) = encoded_keys(&keys, &repeats);
        let chunk = KeyChunk::decode(encoding, &raw, rows.len()).unwrap();
        prop_assert_eq!(chunk.count(), keys.len());
        for (row, key) in rows.iter().enumerate() {
            prop_assert_eq!(&[chunk.prefix(), chunk.suffix(chunk.ordinal(row))].concat(), key);
        }
        for probe in keys.iter().chain(&probes) {
            prop_assert_eq!(chunk.search(probe), keys.binary_search(probe));
            for (k, key) in keys.iter().enumerate() {
                prop_assert_eq!(chunk.compare(k, probe), key.cmp(probe));
            }
        }
        let shared = keys.iter().fold(keys[0].as_slice(), |a, b| &a[..common_prefix(a, b)]).len();
        for skip in 0..=shared {
            let mut heads = Vec::new();
            chunk.append_heads(0..keys.len(), skip, &mut heads);
            prop_assert!(heads.iter().copied().eq(keys.iter().map(|key| suffix_head(&key[skip..]))));
        }
        for k in 0..=keys.len() {
            let naive = keys.get(k).map_or(rows.len(), |key| rows.iter().position(|row| row == key).unwrap());
            prop_assert_eq!(chunk.first_row(k), naive);
        }
    }

    #[test]
    fn keys_of_one_length_are_found(
        len in 1..11_usize, keys in vec(vec(any::<u8>(), 10), 1..120), probes in vec(vec(any::<u8>(), 0..12), 20)
    ) {
        let cut = |key: &Vec<u8>| [b"front".as_slice(), &key[..key.len().min(len)]].concat();
        let mut keys: Vec<_> = keys.iter().map(cut).collect();
        keys.sort();
        keys.dedup();
        let (rows, encoding, raw) = encoded_keys(&keys, &[1]);
        let chunk = KeyChunk::decode(encoding, &raw, rows.len()).unwrap();
        for probe in probes.iter().map(cut).chain(keys.iter().cloned()) {
            prop_assert_eq!(chunk.search(&probe), keys.binary_search(&probe));
        }
    }

    #[test]
    fn timestamps_come_back(numbers in vec(number(), 1..200), base in any::<u64>(), narrow in any::<bool>()) {
        let numbers: Vec<u64> =
            numbers.iter().map(|n| if narrow && *n != u64::MAX { base.saturating_add(n % 200) } else { *n }).collect();
        let mut raw = Vec::new();
        let encoding = encode_numbers(&numbers, &mut raw);
        let chunk = NumberChunk::decode(encoding, &Bytes::from(raw), numbers.len()).unwrap();
        let decoded: Vec<u64> = (0..numbers.len()).map(|row| chunk.get(row)).collect();
        prop_assert_eq!(&decoded, &numbers);
        let all = numbers.iter().flat_map(|n| [n.saturating_sub(1), *n, n.saturating_add(1)]);
        for than in all.chain([0, base, u64::MAX]) {
            let rows = numbers.len() / 3..numbers.len();
            let later = chunk.later_than(rows.clone(), than);
            let naive: Vec<bool> = numbers[rows].iter().map(|number| *number > than).collect();
            prop_assert_eq!(later.iter().collect::<Vec<_>>(), naive, "than {}", than);
        }
    }

    #[test]
    fn values_come_back(values in vec(vec(any::<u8>(), 0..20), 1..60), equal in 0..3_u8) {
        let values: Vec<Vec<u8>> = match equal {
            0 => values,
            1 => vec![values[0].clone(); values.len()],
            _ => values.iter().map(|value| { let mut v = value.clone(); v.resize(8, 7); v }).collect(),
        };
        let data = values.concat();
        let ends: Vec<u32> =
            values.iter().scan(0, |end, value| { *end += value.len() as u32; Some(*end) }).collect();
        let mut raw = Vec::new();
        let encoding = encode_values(&data, &ends, &mut raw);
        let chunk = ValueChunk::decode(encoding, &Bytes::from(raw), values.len()).unwrap();
        for (row, value) in values.iter().enumerate() {
            prop_assert_eq!(chunk.get(row), &value[..]);
            prop_assert_eq!(&chunk.get_bytes(row)[..], &value[..]);
        }
    }

    #[test]
    fn kinds_come_back(kinds in vec(0..2_u8, 1..60)) {
        let mut raw = Vec::new();
        let encoding = encode_kinds(&kinds, &mut raw);
        if encoding == Encoding::Absent {
            prop_assert!(kinds.iter().all(|&kind| kind == 0));
        } else {
            let chunk = KindChunk::decode(encoding, &Bytes::from(raw), kinds.len()).unwrap();
            for (row, &kind) in kinds.iter().enumerate() {
                prop_assert_eq!(chunk.get(row), Kind::from_u8(kind).unwrap());
            }
        }
    }

    #[test]
    fn compressed_bytes_come_back(raw in vec(0..4_u8, 0..50_000), is_dense in any::<bool>()) {
        let how = if is_dense { Compression::Dense } else { Compression::Fast };
        let mut compressor = Compressor::default();
        let (used, stored) = compressor.compress(how, &raw, None);
        prop_assert!(used == Codec::None || stored.len() * 100 <= raw.len() * 88);
        prop_assert_eq!(decompress(used, stored, raw.len()).unwrap(), raw);
    }

    #[test]
    fn damaged_chunks_never_panic(
        mut keys in vec(key(), 1..40), hits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), rows in 1..60_usize
    ) {
        keys.sort();
        keys.dedup();
        let (_, encoding, raw) = encoded_keys(&keys, &[1, 2]);
        let mut raw = raw.to_vec();
        for (at, byte) in hits {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        let raw = Bytes::from(raw);
        for rows in [rows, keys.len(), keys.len() + keys.len() / 2] {
            if let Ok(chunk) = KeyChunk::decode(encoding, &raw, rows) {
                use_keys(&chunk, &keys[0]);
            }
        }
    }

    #[test]
    fn decoders_survive_any_bytes(bytes in vec(any::<u8>(), 0..400), rows in 0..50_usize, small in any::<bool>()) {
        // Small numbers get further into a decoder than random ones.
        let bytes: Vec<u8> = if small { bytes.iter().map(|byte| byte % 3).collect() } else { bytes };
        let raw = Bytes::from(bytes.clone());
        for encoding in (0..=8).filter_map(Encoding::from_u8) {
            if let Ok(chunk) = KeyChunk::decode(encoding, &raw, rows) {
                use_keys(&chunk, b"probe");
            }
            if let Ok(chunk) = NumberChunk::decode(encoding, &raw, rows) {
                (0..rows).for_each(|row| { let _ = chunk.get(row); });
            }
            if let Ok(chunk) = KindChunk::decode(encoding, &raw, rows) {
                (0..rows).for_each(|row| { let _ = chunk.get(row); });
            }
            if let Ok(chunk) = ValueChunk::decode(encoding, &raw, rows) {
                (0..rows).for_each(|row| { let _ = chunk.get_bytes(row); });
            }
        }
        for codec in (0..4).filter_map(Codec::from_u8) {
            let _ = decompress(codec, &bytes, rows);
        }
        let _ = Properties::decode(&bytes);
        let _ = PageIndex::decode(&raw, 1 << 20);
        let _ = Footer::decode(&bytes, 0, 1, 1);
        if let Ok(Some(filter)) = KeyFilter::decode(&bytes) {
            (0..100).for_each(|key: u64| { let _ = filter.may_contain(KeyFilter::hash(&key.to_le_bytes())); });
        }
    }

    #[test]
    fn a_damaged_filter_or_index_never_panics(
        count in 1..300_u64, hits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let filter = KeyFilter::build((0..count).map(|key| KeyFilter::hash(&key.to_le_bytes())).collect()).unwrap();
        let mut raw = Vec::new();
        filter.encode(&mut raw);
        damage(&mut raw, &hits, 21);
        if let Ok(Some(filter)) = KeyFilter::decode(&raw) {
            (0..1000_u64).for_each(|key| { let _ = filter.may_contain(KeyFilter::hash(&key.to_le_bytes())); });
        }
        let mut raw = Vec::new();
        index_of(count as usize % 20 + 1).encode(&mut raw);
        damage(&mut raw, &hits, usize::MAX);
        if let Ok(index) = PageIndex::decode(&Bytes::from(raw), 1 << 20) {
            for page in 0..index.len() {
                let _ = (index.summary(page), index.page_chunks(page), index.is_clean(page, Timestamp::FIRST));
                let _ = index.first_page_reaching(index.first_key(page));
                let _ = index.pages_starting_at_or_before(index.last_key(page));
            }
        }
    }
}

fn damage(raw: &mut [u8], hits: &[(prop::sample::Index, u8)], within: usize) {
    for (at, byte) in hits {
        let at = at.index(raw.len().min(within));
        raw[at] = *byte;
    }
}

/// An index of pages with two rows each.
fn index_of(pages: usize) -> PageIndexBuilder {
    let mut builder = PageIndexBuilder::new(&Column::OPAQUE);
    for page in 0..pages {
        let summary = PageSummary {
            rows: 2,
            puts: 1,
            closed: 1,
            min_begin: Timestamp::from_micros(5),
            max_begin: Timestamp::from_micros(9),
            min_end: Timestamp::from_micros(9),
            max_end: Timestamp::from_micros(9),
            flags: PageFlags { all_open: false, all_put: false, unique_keys: true },
        };
        let entry =
            ChunkEntry { offset: page as u64 * 10, stored_len: 10, raw_len: 10, ..ChunkEntry::default() };
        let key = |n: usize| format!("key{n:04}").into_bytes();
        builder.push(summary, &key(page * 2), &key(page * 2 + 1), &[entry; 5]);
    }
    builder
}

#[test]
fn page_index_comes_back() {
    let mut raw = Vec::new();
    let mut builder = index_of(7);
    builder.last_key_continues();
    builder.encode(&mut raw);
    assert_eq!(raw.len(), builder.encoded_len() - 16 + 8 + 4 * Column::OPAQUE.len());
    let index = PageIndex::decode(&Bytes::from(raw.clone()), 70).unwrap();
    assert_eq!((index.len(), index.row_start(7)), (7, 14));
    assert_eq!((index.first_key(3), index.last_key(3)), (&b"key0006"[..], &b"key0007"[..]));
    assert!(index.flags(5).unique_keys && !index.flags(6).unique_keys);
    assert_eq!(index.chunk(4, Column::VALUES).unwrap().offset, 40);
    assert_eq!(index.chunk(4, Column(99)), None);
    assert!(PageIndex::decode(&Bytes::from(raw), 69).is_err(), "a chunk behind the end of the pages");
}

#[test]
fn filter_knows_its_keys_and_few_others() {
    for count in [1_u64, 2, 3, 10, 1000, 50_000] {
        let hash = |key: u64| KeyFilter::hash(&key.to_be_bytes());
        // Twice the same hash must not matter.
        let filter = KeyFilter::build((0..count).chain(0..1).map(hash).collect()).unwrap();
        let mut raw = Vec::new();
        filter.encode(&mut raw);
        let filter = KeyFilter::decode(&raw).unwrap().unwrap();
        assert!((0..count).all(|key| filter.may_contain(hash(key))));
        let wrong = (1 << 32..(1 << 32) + 20_000).filter(|&key| filter.may_contain(hash(key))).count();
        assert!(wrong < 20_000 / 100, "{wrong} of 20000 foreign keys pass a filter on {count}");
    }
}

#[test]
fn checksum_depends_on_file_and_offset() {
    let checksum = |epoch, number, offset| FileSeed::new(epoch, number).checksum(offset, b"same bytes");
    let all = [checksum(1, 2, 0), checksum(2, 1, 0), checksum(1, 2, 10), checksum(1, 3, 0)];
    for (i, one) in all.iter().enumerate() {
        assert_eq!(all.iter().filter(|other| *other == one).count(), 1, "checksum {i} is met twice");
    }
}
