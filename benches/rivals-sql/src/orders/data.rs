//! The rows of orders, and what changes in them.

use std::{path::Path, sync::Arc};

use bygone_benches::data::Random;
use datafusion::{
    arrow::{
        array::{
            ArrayRef, Decimal128Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
            TimestampMicrosecondBuilder,
        },
        datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    },
    parquet::{
        arrow::ArrowWriter,
        basic::{Compression, ZstdLevel},
        file::properties::WriterProperties,
    },
};

/// Customers who order.
pub const CUSTOMERS: usize = 100_000;
/// The time of the first order, in microseconds.
pub const FIRST_TIME: i64 = 1_704_067_200_000_000;
/// Time between two orders, in microseconds.
pub const STEP: i64 = 15_000_000;
const STATUS: [&str; 5] = ["open", "paid", "shipped", "delivered", "returned"];
const WORDS: [&str; 32] = [
    "leave",
    "with",
    "the",
    "neighbour",
    "ring",
    "twice",
    "gift",
    "wrap",
    "urgent",
    "fragile",
    "call",
    "before",
    "delivery",
    "back",
    "door",
    "no",
    "plastic",
    "second",
    "floor",
    "morning",
    "only",
    "paid",
    "by",
    "card",
    "invoice",
    "attached",
    "replace",
    "missing",
    "part",
    "blue",
    "large",
    "box",
];
const BATCH_ROWS: usize = 8_192;

/// One order.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub id: i64,
    /// Number of changes to it.
    pub version: u64,
}

impl Order {
    fn random(self) -> Random {
        Random::new((self.id as u64) << 8 | self.version)
    }
}

/// The columns of the table.
fn columns() -> Vec<Field> {
    vec![
        Field::new("id", DataType::Int64, false),
        Field::new("customer", DataType::Int32, true),
        Field::new("status", DataType::Utf8, true),
        Field::new("amount", DataType::Decimal128(12, 2), true),
        Field::new("ts", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        Field::new("note", DataType::Utf8, true),
    ]
}

fn arrays(orders: &[Order]) -> Vec<ArrayRef> {
    let (mut id, mut customer) = (Int64Builder::new(), Int32Builder::new());
    let (mut status, mut note) = (StringBuilder::new(), StringBuilder::new());
    let mut amount = Decimal128Builder::new().with_data_type(DataType::Decimal128(12, 2));
    let mut ts = TimestampMicrosecondBuilder::new();
    for order in orders {
        let (mut fixed, mut random) = (Order { version: 0, ..*order }.random(), order.random());
        id.append_value(order.id);
        customer.append_value(fixed.below(CUSTOMERS) as i32);
        ts.append_value(FIRST_TIME + order.id * STEP + fixed.below(STEP as usize) as i64);
        let words = [(); 4].map(|()| WORDS[fixed.below(WORDS.len())]);
        note.append_value(words.join(" "));
        status.append_value(STATUS[random.below(STATUS.len())]);
        amount.append_value(100 + random.below(50_000) as i128);
    }
    vec![
        Arc::new(id.finish()),
        Arc::new(customer.finish()),
        Arc::new(status.finish()),
        Arc::new(amount.finish()),
        Arc::new(ts.finish()),
        Arc::new(note.finish()),
    ]
}

fn write(path: &Path, schema: SchemaRef, batches: impl Iterator<Item = RecordBatch>) {
    let level = ZstdLevel::try_new(3).expect("a level of zstd");
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let file = std::fs::File::create(path).expect("a file can be made");
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).expect("the schema fits");
    for batch in batches {
        writer.write(&batch).expect("the disk has room");
    }
    writer.close().expect("the disk has room");
}

/// Writes the first `rows` orders in the order of their key.
pub fn write_orders(path: &Path, rows: usize) {
    let schema = Arc::new(Schema::new(columns()));
    let batches = (1..=rows as i64).step_by(BATCH_ROWS).map(|first| {
        let last = (first + BATCH_ROWS as i64 - 1).min(rows as i64);
        let orders: Vec<Order> = (first..=last).map(|id| Order { id, version: 0 }).collect();
        RecordBatch::try_new(schema.clone(), arrays(&orders)).expect("arrays of one length")
    });
    write(path, schema.clone(), batches);
}

/// Kind of change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    Insert,
    Update,
    Delete,
}

/// Which orders there are, so that changes meet what exists.
#[derive(Clone, Debug)]
pub struct Live {
    ids: Vec<i64>,
    next: i64,
    round: u64,
    random: Random,
}

impl Live {
    /// After the load of `rows` orders.
    pub fn new(rows: usize) -> Self {
        Self { ids: (1..=rows as i64).collect(), next: rows as i64 + 1, round: 0, random: Random::new(5) }
    }

    /// A round of `count` changes, 80 % updates, 10 % deletes and 10 % inserts, no order twice, written in
    /// random order.
    pub fn change(&mut self, count: usize, path: &Path) -> usize {
        self.round += 1;
        let (deletes, inserts) = (count / 10, count / 10);
        let mut changes = Vec::with_capacity(count);
        // Orders that change are brought to the end; of them the last ones are deleted.
        let len = self.ids.len();
        for place in (len - (count - inserts)..len).rev() {
            let other = self.random.below(place + 1);
            self.ids.swap(place, other);
        }
        for (number, &id) in self.ids[len - (count - inserts)..].iter().rev().enumerate() {
            let change = if number < deletes { Change::Delete } else { Change::Update };
            changes.push((change, Order { id, version: self.round }));
        }
        self.ids.truncate(len - deletes);
        for _ in 0..inserts {
            changes.push((Change::Insert, Order { id: self.next, version: self.round }));
            self.ids.push(self.next);
            self.next += 1;
        }
        for place in (1..changes.len()).rev() {
            let other = self.random.below(place + 1);
            changes.swap(place, other);
        }
        write_changes(path, &changes);
        changes.len()
    }
}

fn write_changes(path: &Path, changes: &[(Change, Order)]) {
    let mut fields = columns();
    fields.push(Field::new("op", DataType::Utf8, true));
    let schema = Arc::new(Schema::new(fields));
    let batches = changes.chunks(BATCH_ROWS).map(|changes| {
        let orders: Vec<Order> = changes.iter().map(|&(_, order)| order).collect();
        let mut op = StringBuilder::new();
        for (change, _) in changes {
            op.append_value(match change {
                Change::Insert => "i",
                Change::Update => "u",
                Change::Delete => "d",
            });
        }
        let mut arrays = arrays(&orders);
        arrays.push(Arc::new(op.finish()));
        RecordBatch::try_new(schema.clone(), arrays).expect("arrays of one length")
    });
    write(path, schema.clone(), batches);
}
