//! Casts from text, as files are read: `'\xdeadbeef'::BYTEA`, `'2024-01-31 10:00'::TIMESTAMP`,
//! `'yes'::BOOLEAN`; and bytes, intervals, floats, arrays and rows as text.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, IntervalMonthDayNanoArray, StringViewArray},
    compute::cast,
    datatypes::DataType,
    error::ArrowError,
};
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
    scalar::ScalarValue,
};

use super::{intervals::INTERVAL, times::intervals_of};
use crate::{
    copy::TextColumn,
    time::TimeZone,
    types::{ColumnType, interval::read_interval, interval_text},
    value_text::text_formatter,
};

/// Text as a value of a column type; 22P02 where it is none.
pub(crate) fn read_text(column_type: ColumnType) -> ScalarUDF {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(TextCast { kind: Kind::Read(column_type), name: "read_text", signature })
}

/// Bytes as text: `\x` and hexadecimal digits.
pub(crate) fn show_bytes() -> ScalarUDF {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(TextCast { kind: Kind::ShowBytes, name: "show_bytes", signature })
}

/// Text as an interval; 22007 where it is none.
pub(crate) fn read_interval_text() -> ScalarUDF {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(TextCast { kind: Kind::ReadInterval, name: "read_interval", signature })
}

/// Intervals as text: `1 day 02:00:00`.
pub(crate) fn show_interval() -> ScalarUDF {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(TextCast { kind: Kind::ShowInterval, name: "show_interval", signature })
}

/// Floats as the text that tables show: `1e+15`.
pub(crate) fn show_value() -> ScalarUDF {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(TextCast { kind: Kind::ShowValue, name: "show_value", signature })
}

/// What a cast converts; none for other expressions.
pub(crate) fn operand_of_cast(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Cast(cast) => Some(&cast.expr),
        Expr::Alias(alias) => operand_of_cast(&alias.expr),
        Expr::ScalarFunction(call) if call.func.inner().is::<TextCast>() => call.args.first(),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// Text becomes a value of a column type.
    Read(ColumnType),
    ReadInterval,
    ShowBytes,
    ShowInterval,
    ShowValue,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextCast {
    kind: Kind,
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for TextCast {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            Kind::Read(column_type) => column_type.arrow(),
            Kind::ReadInterval => INTERVAL,
            Kind::ShowBytes | Kind::ShowInterval | Kind::ShowValue => DataType::Utf8View,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return internal_err!("a cast has one operand") };
        let array = value.to_array(1)?;
        let converted = match self.kind {
            Kind::Read(column_type) => read(&array, column_type)?,
            Kind::ReadInterval => read_intervals(&array)?,
            Kind::ShowBytes => show(&array)?,
            Kind::ShowInterval => show_intervals(&array)?,
            Kind::ShowValue => show_values(&array)?,
        };
        Ok(match value {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&converted, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(converted),
        })
    }
}

/// A text as a value of a type that [`read_text`] reads.
pub(crate) fn read_value(text: &ScalarValue, to: &DataType) -> Result<ScalarValue> {
    let values = read(&text.to_array()?, ColumnType::from_arrow(to)?)?;
    ScalarValue::try_from_array(&values, 0)
}

/// As [`read_text`].
pub(super) fn read(texts: &ArrayRef, column_type: ColumnType) -> Result<ArrayRef> {
    let texts = cast(texts, &DataType::Utf8View)?;
    let mut column = TextColumn::new(column_type);
    for text in texts.as_string_view() {
        match text {
            Some(text) => column.push(text, column_type, TimeZone::UTC)?,
            None => column.push_null(),
        }
    }
    Ok(column.finish())
}

/// As [`show_bytes`].
pub(super) fn show(bytes: &ArrayRef) -> Result<ArrayRef> {
    use std::fmt::Write;
    let bytes = cast(bytes, &DataType::BinaryView)?;
    let shown: StringViewArray = bytes
        .as_binary_view()
        .iter()
        .map(|value| {
            value.map(|value| {
                let mut text = String::with_capacity(2 + 2 * value.len());
                text.push_str("\\x");
                for byte in value {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{byte:02x}");
                }
                text
            })
        })
        .collect();
    Ok(Arc::new(shown))
}

/// Floats, arrays and rows as the text that tables show: `1e+15`, `{1,NULL}`, `(1,a)`.
pub(super) fn show_values(values: &ArrayRef) -> Result<ArrayRef> {
    let formatter = text_formatter(values.as_ref())?;
    let text = |row: usize| {
        let is_null = values.data_type().is_null() || values.is_null(row);
        if is_null { Ok(None) } else { formatter.value(row).try_to_string().map(Some) }
    };
    let texts = (0..values.len()).map(text).collect::<Result<StringViewArray, ArrowError>>()?;
    Ok(Arc::new(texts))
}

/// As [`read_interval_text`].
pub(super) fn read_intervals(texts: &ArrayRef) -> Result<ArrayRef> {
    let texts = cast(texts, &DataType::Utf8View)?;
    let intervals: IntervalMonthDayNanoArray = texts
        .as_string_view()
        .iter()
        .map(|text| Ok(text.map(read_interval).transpose()?))
        .collect::<Result<_>>()?;
    Ok(Arc::new(intervals))
}

/// As [`show_interval`].
pub(super) fn show_intervals(intervals: &ArrayRef) -> Result<ArrayRef> {
    let texts: StringViewArray =
        intervals_of(intervals)?.into_iter().map(|interval| interval.map(interval_text)).collect();
    Ok(Arc::new(texts))
}
