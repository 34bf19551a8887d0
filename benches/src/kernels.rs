//! The kernels of the engine by themselves, in memory: what a page costs to encode, to decode and to search.

use std::{hint::black_box, time::Instant};

use bygone_engine::{
    internals::format::{
        ColumnBuffer, ColumnChunk, ColumnData, KeyChunk, KeyFilter, NumberChunk, RowSplitter, ValueChunk,
        encode_keys, encode_numbers, encode_values,
    },
    rows::{ColumnKind, RowColumn, RowSchema, key, value},
    types::Kind,
};
use bytes::Bytes;

use crate::{
    Data, Plan, Report,
    bygone::{Bygone, View},
    data::Random,
    report::{Samples, Target},
};

/// Names of the workloads, in the order in which they run.
pub const WORKLOADS: [&str; 1] = ["kernels"];
/// Rows of a page.
const ROWS: usize = 2_048;
/// Pages of one run.
const PAGES: usize = 500;

/// Runs the workloads with these names.
pub fn run(plan: &Plan, names: &[String]) {
    if !names.is_empty() && !names.iter().any(|name| WORKLOADS.contains(&name.as_str())) {
        return;
    }
    let bench = Bench { plan, report: Report::start("Kernels, pages of 2,048 rows, one thread") };
    bench.keys();
    bench.numbers();
    bench.values();
    bench.columns();
    bench.scans();
}

struct Bench<'a> {
    plan: &'a Plan,
    report: Report,
}

impl Bench<'_> {
    /// Reports how many rows a second a piece of work over one page does.
    fn rate(&self, what: &str, mut work: impl FnMut()) {
        let mut rates = Samples::default();
        work();
        self.plan.repeat(|| {
            let start = Instant::now();
            for _ in 0..PAGES {
                work();
            }
            rates.push_rate(PAGES * ROWS, start.elapsed());
        });
        self.report.row(what, &rates, "rows/s", Target::None);
    }

    /// Kernels that find rows among versions, without their values: pages taken whole, masks of timestamps,
    /// the search for the place of newer rows, and the same with all rows in key order.
    fn scans(&self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads can be started");
        let dir = self.plan.fresh_dir();
        let data = Data::new(PAGES * ROWS);
        let all: Vec<u32> = (0..(PAGES * ROWS) as u32).collect();
        let every = |step: usize| -> Vec<u32> { all.iter().step_by(step).copied().collect() };
        let db = runtime.block_on(Bygone::open(dir.path()));
        let find = |what: &str, view: &View, ordered: bool| {
            let mut rates = Samples::default();
            let rows = runtime.block_on(db.find(view, ordered));
            assert_eq!(rows, all.len(), "every row is found once");
            self.plan.repeat(|| {
                let start = Instant::now();
                runtime.block_on(db.find(view, ordered));
                rates.push_rate(rows, start.elapsed());
            });
            self.report.row(what, &rates, "rows/s", Target::None);
        };
        let compact = async || db.store.engine().compact().await.expect("the disk has room");
        runtime.block_on(async {
            db.ingest(data, &all).await;
            compact().await;
        });
        let before = db.store.view_now();
        find("find rows: pages whole", &before, false);
        runtime.block_on(db.write(data, &every(100), 1));
        find("anti-join: one row in 100 newer, in memory", &db.store.view_now(), false);
        find("merge: the same in key order", &db.store.view_now(), true);
        runtime.block_on(async {
            db.write(data, &every(2), 2).await;
            compact().await;
        });
        find("find rows: half of them changed, compacted", &db.store.view_now(), false);
        find("mask: before half of them changed, half from history", &before, false);
        find("merge: the same in key order, history row by row", &before, true);
        drop(before);
        runtime.block_on(db.close());
    }

    fn keys(&self) {
        let data = Data::new(ROWS);
        let mut out = Vec::new();
        self.rate("key encoding: an integer and a text", || {
            out.clear();
            for row in 0..ROWS {
                key::push_i64(row as i64, &mut out);
                key::push_bytes(b"a text of a key", &mut out);
            }
            black_box(&out);
        });
        let keys: Vec<u8> = (0..ROWS).flat_map(|row| data.key(row)).collect();
        let ends: Vec<u32> = (1..=ROWS).map(|row| (row * size_of::<crate::Key>()) as u32).collect();
        let ordinals: Vec<u16> = (0..ROWS as u16).collect();
        let mut chunk = Vec::new();
        self.rate("keys: encode", || {
            chunk.clear();
            black_box(encode_keys(&keys, &ends, &ordinals, &mut chunk));
        });
        let encoding = encode_keys(&keys, &ends, &ordinals, &mut Vec::new());
        let raw = Bytes::from(chunk);
        self.rate("keys: decode", || {
            black_box(KeyChunk::decode(encoding, &raw, ROWS).expect("it was just encoded"));
        });
        let chunk = KeyChunk::decode(encoding, &raw, ROWS).expect("it was just encoded");
        let wanted: Vec<crate::Key> =
            data.sample(ROWS, 1).into_iter().map(|row| data.key(row as usize)).collect();
        self.rate("keys: seek", || {
            wanted.iter().for_each(|key| assert!(black_box(chunk.search(key)).is_ok()));
        });
        // As many as a file of 64 MiB has.
        let all = Data::new(500_000);
        let hashes = (0..all.rows()).map(|row| KeyFilter::hash(&all.key(row))).collect();
        let filter = KeyFilter::build(hashes).expect("the keys are different");
        let rows = all.sample(ROWS, 2);
        let present: Vec<crate::Key> = rows.iter().map(|&row| all.key(row as usize)).collect();
        let missing: Vec<crate::Key> = rows.iter().map(|&row| all.missing_key(row as usize)).collect();
        for (what, keys) in [("filter: present keys", present), ("filter: missing keys", missing)] {
            self.rate(what, || {
                for key in &keys {
                    black_box(filter.may_contain(KeyFilter::hash(key)));
                }
            });
        }
    }

    fn numbers(&self) {
        let mut random = Random::new(3);
        let mut below = |limit| (0..ROWS).map(|_| 1_000 + random.below(limit) as u64).collect::<Vec<_>>();
        let pages =
            [("one for all", vec![7; ROWS]), ("of 1 byte", below(200)), ("of 4 bytes", below(1 << 30))];
        for (what, numbers) in pages {
            let mut out = Vec::new();
            let encoding = encode_numbers(&numbers, &mut out);
            let raw = Bytes::from(out);
            // As a visibility mask does: decode, and look at every row.
            self.rate(&format!("timestamps {what}: decode and compare"), || {
                let chunk = NumberChunk::decode(encoding, &raw, ROWS).expect("it was just encoded");
                black_box((0..ROWS).filter(|&row| chunk.get(row) <= 1_100).count());
            });
        }
    }

    fn values(&self) {
        let data = Data::new(ROWS);
        let values: Vec<u8> = (0..ROWS).flat_map(|row| data.value(row, 0)).collect();
        let ends: Vec<u32> = (1..=ROWS).map(|row| (row * size_of::<crate::Value>()) as u32).collect();
        let mut out = Vec::new();
        self.rate("opaque values: encode", || {
            out.clear();
            black_box(encode_values(&values, &ends, &mut out));
        });
        let encoding = encode_values(&values, &ends, &mut Vec::new());
        let raw = Bytes::from(out);
        self.rate("opaque values: decode and read", || {
            let chunk = ValueChunk::decode(encoding, &raw, ROWS).expect("it was just encoded");
            for row in 0..ROWS {
                black_box(chunk.get(row));
            }
        });
    }

    fn columns(&self) {
        let texts = ["open", "paid", "shipped", "returned"];
        let kinds: [(&str, ColumnKind, fn(&mut Random, &mut Vec<u8>) -> u8); 5] = [
            ("integers, all the same", ColumnKind::Int64, |_, out| value::push_int(77, out)),
            ("integers, small", ColumnKind::Int64, |random, out| {
                value::push_int(random.below(200) as i64, out)
            }),
            ("integers, large", ColumnKind::Int64, |random, out| {
                value::push_int(random.below(1 << 40) as i64, out)
            }),
            ("texts, few different", ColumnKind::Text, |_, _| 0),
            ("texts, all different", ColumnKind::Text, |random, out| {
                value::push_bytes(format!("text {:016x}", random.next()).as_bytes(), out)
            }),
        ];
        for (what, kind, push) in kinds {
            let schema = RowSchema::new(1, vec![RowColumn { id: 0, kind }], &[]);
            let mut random = Random::new(9);
            let rows: Vec<Vec<u8>> = (0..ROWS)
                .map(|_| {
                    let mut payload = Vec::new();
                    let tag = if what == "texts, few different" {
                        value::push_bytes(texts[random.below(texts.len())].as_bytes(), &mut payload)
                    } else {
                        push(&mut random, &mut payload)
                    };
                    [&[value::FORMAT, 1, tag][..], &payload].concat()
                })
                .collect();
            let mut splitter = RowSplitter::new(&schema);
            self.rate(&format!("{what}: rows taken apart"), || {
                let rows = rows.iter().map(|row| (Kind::Put, &[][..], &row[..]));
                assert!(splitter.fill(&schema, rows), "the rows are of the schema");
            });
            self.column(what, kind, &splitter.columns()[0]);
        }
    }

    fn column(&self, what: &str, kind: ColumnKind, column: &ColumnBuffer) {
        let mut out = Vec::new();
        self.rate(&format!("{what}: encode"), || {
            out.clear();
            black_box(column.encode(&mut out));
        });
        let encoding = column.encode(&mut Vec::new());
        let raw = Bytes::from(out);
        self.rate(&format!("{what}: decode and read"), || {
            let chunk = ColumnChunk::decode(kind, encoding, &raw, ROWS).expect("it was just encoded");
            match chunk.data() {
                ColumnData::Ints(ints) => (0..ROWS).for_each(|row| {
                    black_box(ints.difference(row));
                }),
                ColumnData::Strings(strings) => (0..ROWS).for_each(|row| {
                    black_box(strings.get(row));
                }),
                _ => unreachable!("there are integers and texts"),
            }
        });
    }
}
