//! The statement's instant: `now()`, `localtimestamp`, `current_date`, `current_time`.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};

use super::{LOCAL, instant};
use crate::{time::TimeZone, types::UTC};

const DAY_MICROS: i64 = 86_400_000_000;

pub(super) fn functions(zone: TimeZone) -> Vec<ScalarUDF> {
    let function = |kind: Kind, aliases: &[&str]| {
        ScalarUDF::new_from_impl(Now {
            kind,
            zone,
            signature: Signature::nullary(Volatility::Stable),
            aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
        })
    };
    vec![
        function(Kind::Now, &["current_timestamp", "transaction_timestamp", "statement_timestamp"]),
        function(Kind::LocalTimestamp, &[]),
        function(Kind::CurrentDate, &["today"]),
        function(Kind::CurrentTime, &["localtime"]),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Now,
    LocalTimestamp,
    CurrentDate,
    CurrentTime,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Now {
    kind: Kind,
    zone: TimeZone,
    signature: Signature,
    aliases: Vec<String>,
}

impl ScalarUDFImpl for Now {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Now => "now",
            Kind::LocalTimestamp => "localtimestamp",
            Kind::CurrentDate => "current_date",
            Kind::CurrentTime => "current_time",
        }
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            Kind::Now => instant(),
            Kind::LocalTimestamp => LOCAL,
            Kind::CurrentDate => DataType::Date32,
            Kind::CurrentTime => DataType::Time64(TimeUnit::Microsecond),
        })
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{} is known before a statement runs", self.name())
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let Some(now) = info.query_execution_start_time() else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let now = now.timestamp_micros();
        let local = self.zone.local_micros(now);
        let value = match self.kind {
            Kind::Now => ScalarValue::TimestampMicrosecond(Some(now), Some(UTC.into())),
            Kind::LocalTimestamp => ScalarValue::TimestampMicrosecond(Some(local), None),
            Kind::CurrentDate => ScalarValue::Date32(Some(local.div_euclid(DAY_MICROS) as i32)),
            Kind::CurrentTime => ScalarValue::Time64Microsecond(Some(local.rem_euclid(DAY_MICROS))),
        };
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(value, None)))
    }
}
