//! The eight tables of TPC-H, as Parquet files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::RecordBatch,
        datatypes::{DataType, Schema, SchemaRef},
        error::ArrowError,
    },
    parquet::{
        arrow::ArrowWriter,
        basic::{Compression, ZstdLevel},
        file::properties::WriterProperties,
    },
};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RegionArrow,
    SupplierArrow,
};

/// A table in a file.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: &'static str,
    /// The columns of its primary key.
    pub key: &'static str,
    pub schema: SchemaRef,
    pub file: PathBuf,
}

impl Table {
    /// Its columns and their types in SQL.
    pub fn columns(&self) -> String {
        let columns = self.schema.fields().iter().map(|field| {
            let sql = match field.data_type() {
                DataType::Int32 => "INT".to_owned(),
                DataType::Int64 => "BIGINT".to_owned(),
                DataType::Decimal128(precision, scale) => format!("DECIMAL({precision}, {scale})"),
                DataType::Date32 => "DATE".to_owned(),
                DataType::Utf8 | DataType::Utf8View => "TEXT".to_owned(),
                other => panic!("{} has a type that is not expected: {other}", field.name()),
            };
            format!("{} {sql} NOT NULL", field.name())
        });
        columns.collect::<Vec<_>>().join(", ")
    }
}

/// Writes all tables at a scale.
pub fn write(dir: &Path, scale: f64) -> Vec<Table> {
    vec![
        table(dir, "region", "r_regionkey", RegionArrow::new(RegionGenerator::new(scale, 1, 1))),
        table(dir, "nation", "n_nationkey", NationArrow::new(NationGenerator::new(scale, 1, 1))),
        table(dir, "supplier", "s_suppkey", SupplierArrow::new(SupplierGenerator::new(scale, 1, 1))),
        table(dir, "customer", "c_custkey", CustomerArrow::new(CustomerGenerator::new(scale, 1, 1))),
        table(dir, "part", "p_partkey", PartArrow::new(PartGenerator::new(scale, 1, 1))),
        table(
            dir,
            "partsupp",
            "ps_partkey, ps_suppkey",
            PartSuppArrow::new(PartSuppGenerator::new(scale, 1, 1)),
        ),
        table(dir, "orders", "o_orderkey", OrderArrow::new(OrderGenerator::new(scale, 1, 1))),
        table(
            dir,
            "lineitem",
            "l_orderkey, l_linenumber",
            LineItemArrow::new(LineItemGenerator::new(scale, 1, 1)),
        ),
    ]
}

fn table(
    dir: &Path,
    name: &'static str,
    key: &'static str,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Table {
    let path = dir.join(format!("{name}.parquet"));
    let level = ZstdLevel::try_new(3).expect("a level of zstd");
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut batches = batches.map(|batch| batch.expect("the generator makes rows")).peekable();
    let schema = batches.peek().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    let file = std::fs::File::create(&path).expect("a file can be made");
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).expect("the schema fits");
    for batch in batches {
        writer.write(&batch).expect("the disk has room");
    }
    writer.close().expect("the disk has room");
    Table { name, key, schema, file: path }
}
