//! `as_of_timestamp()`, `as_of_version('t')`, `oldest_readable('t')`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::datatypes::{DataType, TimeUnit};
use bygone_engine::types::Timestamp;
use datafusion::{
    common::{Result, ScalarValue},
    logical_expr::{
        ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
    },
};

use crate::{
    error::Error,
    moment::OpenMoment,
    names::{ObjectPath, SearchPath},
    statement::Database,
    types::UTC,
};

/// Their names.
pub(crate) const POINT_FUNCTIONS: [&str; 3] = ["as_of_timestamp", "as_of_version", "oldest_readable"];

/// The functions whose answer depends on the points of the statement.
pub(crate) fn point_functions(
    default: &Arc<OpenMoment>,
    reads: &BTreeMap<ObjectPath, Vec<Timestamp>>,
    database: &Database,
    search: &SearchPath,
) -> HashMap<String, Arc<ScalarUDF>> {
    let engine = database.store.engine();
    let mut versions = BTreeMap::new();
    let mut oldest = BTreeMap::new();
    for table in default.catalog.tables() {
        let path = table.path();
        let here = reads.get(path).cloned().unwrap_or_else(|| vec![default.timestamp()]);
        oldest.insert(path.clone(), vec![engine.horizon(table.keyspace_id())]);
        versions.insert(path.clone(), here);
    }
    let function = |kind, answers| {
        Arc::new(ScalarUDF::from(PointFunction {
            kind,
            moment: default.timestamp(),
            answers,
            search: search.clone(),
            signature: match kind {
                PointFunctionKind::AsOfTimestamp => Signature::nullary(Volatility::Stable),
                PointFunctionKind::AsOfVersion => Signature::one_of(
                    vec![TypeSignature::Nullary, TypeSignature::String(1)],
                    Volatility::Stable,
                ),
                PointFunctionKind::OldestReadable => Signature::string(1, Volatility::Stable),
            },
        }))
    };
    let functions = [
        function(PointFunctionKind::AsOfTimestamp, BTreeMap::new()),
        function(PointFunctionKind::AsOfVersion, versions),
        function(PointFunctionKind::OldestReadable, oldest),
    ];
    POINT_FUNCTIONS.iter().map(|&name| name.to_owned()).zip(functions).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum PointFunctionKind {
    AsOfTimestamp,
    AsOfVersion,
    OldestReadable,
}

/// A function with its answers, looked up before planning.
#[derive(Debug, PartialEq, Eq, Hash)]
struct PointFunction {
    kind: PointFunctionKind,
    moment: Timestamp,
    /// By table.
    answers: BTreeMap<ObjectPath, Vec<Timestamp>>,
    search: SearchPath,
    signature: Signature,
}

impl PointFunction {
    fn answer(&self, table: &ScalarValue) -> Result<Timestamp> {
        let path = super::table_path(table, &self.search)?
            .ok_or_else(|| Error::invalid_value(format!("{table} is not the name of a table")))?;
        match self.answers.get(&path).map(Vec::as_slice) {
            Some([at]) => Ok(*at),
            Some(_) => {
                Err(Error::invalid_value(format!("the statement reads table {path} at more than one point"))
                    .with_hint("ask in a statement that reads it at one")
                    .into())
            }
            None => {
                let known: Vec<String> = self.answers.keys().map(ToString::to_string).collect();
                Err(Error::no_table(&path.to_string(), known.iter().map(String::as_str)).into())
            }
        }
    }

    fn value(&self, at: Timestamp) -> ScalarValue {
        let micros = i64::try_from(at.as_micros()).ok();
        match self.kind {
            // Nothing was committed yet: there is no moment to name.
            PointFunctionKind::AsOfTimestamp if at == Timestamp::default() => {
                ScalarValue::TimestampMicrosecond(None, Some(UTC.into()))
            }
            PointFunctionKind::AsOfVersion => ScalarValue::Int64(micros),
            PointFunctionKind::AsOfTimestamp | PointFunctionKind::OldestReadable => {
                ScalarValue::TimestampMicrosecond(micros, Some(UTC.into()))
            }
        }
    }
}

impl ScalarUDFImpl for PointFunction {
    fn name(&self) -> &str {
        POINT_FUNCTIONS[self.kind as usize]
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            PointFunctionKind::AsOfVersion => DataType::Int64,
            PointFunctionKind::AsOfTimestamp | PointFunctionKind::OldestReadable => {
                DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
            }
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.first() {
            None => Ok(ColumnarValue::Scalar(self.value(self.moment))),
            Some(ColumnarValue::Scalar(table)) => Ok(ColumnarValue::Scalar(self.value(self.answer(table)?))),
            Some(ColumnarValue::Array(tables)) => {
                let mut values = Vec::with_capacity(tables.len());
                for row in 0..tables.len() {
                    values.push(self.value(self.answer(&ScalarValue::try_from_array(tables, row)?)?));
                }
                Ok(ColumnarValue::Array(ScalarValue::iter_to_array(values)?))
            }
        }
    }
}
