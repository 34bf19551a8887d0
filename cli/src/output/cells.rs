//! One value to text, the same in every format but JSON: ISO 8601 times, shortest round-trip floats, exact
//! decimals, binary as `\x` and hexadecimal digits, intervals as Postgres shows them.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, IntervalMonthDayNanoType, IntervalUnit};
use arrow::error::ArrowError;
use arrow::util::display::{
    ArrayFormatter, ArrayFormatterFactory, DisplayIndex, FormatOptions, FormatResult,
};
use bygone::interval_text;

/// The cells of one batch.
pub(super) struct Cells<'a> {
    columns: Vec<(&'a ArrayRef, ArrayFormatter<'a>)>,
    rows: usize,
}

impl<'a> Cells<'a> {
    /// Prepares the columns of a batch.
    pub(super) fn new(batch: &'a RecordBatch) -> Result<Self, ArrowError> {
        let columns = batch
            .columns()
            .iter()
            .map(|array| Ok((array, formatter(array.as_ref())?)))
            .collect::<Result<_, ArrowError>>()?;
        Ok(Self { columns, rows: batch.num_rows() })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Puts the text of a cell into `text`; returns false for NULL.
    pub(super) fn text(&self, row: usize, column: usize, text: &mut String) -> Result<bool, ArrowError> {
        text.clear();
        let (array, formatter) = &self.columns[column];
        if array.is_null(row) || array.data_type() == &DataType::Null {
            return Ok(false);
        }
        formatter.value(row).write(text)?;
        Ok(true)
    }
}

/// True for types whose values are aligned to the right.
pub(super) fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// Replaces control characters by escapes: a cell stays on its line, and text from a database cannot steer the
/// terminal it is shown on.
pub(super) fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.into()
}

fn formatter(array: &dyn Array) -> Result<ArrayFormatter<'_>, ArrowError> {
    let options = FormatOptions::new().with_display_error(false).with_formatter_factory(Some(&BinaryAsHex));
    match BinaryAsHex.create_array_formatter(array, &options, None)? {
        Some(formatter) => Ok(formatter),
        None => ArrayFormatter::try_new(array, &options),
    }
}

/// Shows binary columns, also inside lists and structures, as `\x0aff`, and intervals as `1 day 02:00:00`.
#[derive(Debug)]
struct BinaryAsHex;

impl ArrayFormatterFactory for BinaryAsHex {
    fn create_array_formatter<'f>(
        &self,
        array: &'f dyn Array,
        options: &FormatOptions<'f>,
        _field: Option<&'f Field>,
    ) -> Result<Option<ArrayFormatter<'f>>, ArrowError> {
        if let DataType::Interval(IntervalUnit::MonthDayNano) = array.data_type() {
            return Ok(Some(ArrayFormatter::new(Box::new(IntervalCells(array)), options.safe())));
        }
        let is_binary = matches!(
            array.data_type(),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
        );
        Ok(is_binary.then(|| ArrayFormatter::new(Box::new(Hex(array)), options.safe())))
    }
}

struct IntervalCells<'a>(&'a dyn Array);

impl DisplayIndex for IntervalCells<'_> {
    fn write(&self, row: usize, out: &mut dyn std::fmt::Write) -> FormatResult {
        if self.0.is_valid(row) {
            out.write_str(&interval_at(self.0, row))?;
        }
        Ok(())
    }
}

/// Returns the text of one value of an array of intervals.
pub(super) fn interval_at(array: &dyn Array, row: usize) -> String {
    interval_text(array.as_primitive::<IntervalMonthDayNanoType>().value(row))
}

struct Hex<'a>(&'a dyn Array);

impl DisplayIndex for Hex<'_> {
    fn write(&self, row: usize, out: &mut dyn std::fmt::Write) -> FormatResult {
        if self.0.is_null(row) {
            return Ok(());
        }
        out.write_str(&hex(bytes_at(self.0, row)))?;
        Ok(())
    }
}

/// Returns the bytes of one value of a binary array.
pub(super) fn bytes_at(array: &dyn Array, row: usize) -> &[u8] {
    match array.data_type() {
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        DataType::BinaryView => array.as_binary_view().value(row),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        other => unreachable!("only binary arrays are shown in hexadecimal, not {other}"),
    }
}

/// Returns `\x` and two digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("\\x");
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}
