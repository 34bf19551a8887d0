//! Values as text: what a table, a CSV file and `COPY` show.
//!
//! Times are ISO 8601, intervals as `1 day 02:00:00`, floats the shortest text that reads back as the same
//! number (`1`, `1e+15`, `Infinity`), bytes `\x` and hexadecimal digits. Arrays and rows are written as in
//! PostgreSQL, so that NULL, the empty text and nothing at all stay apart: `{1,NULL}`, `{"",a}`, `{}`,
//! `(1,,"a b")`.

use std::ops::Range;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Field, Float32Type, Float64Type, IntervalMonthDayNanoType, IntervalUnit},
    error::ArrowError,
    util::display::{ArrayFormatter, ArrayFormatterFactory, DisplayIndex, FormatOptions, FormatResult},
};

use crate::types::{double_text, interval_text, real_text};

/// Returns what writes the values of an array. NULL is for the caller to tell apart.
///
/// # Errors
///
/// `NotYetImplemented` for types without a text.
pub fn text_formatter(array: &dyn Array) -> Result<ArrayFormatter<'_>, ArrowError> {
    let options = FormatOptions::new().with_display_error(false).with_formatter_factory(Some(&PostgresText));
    formatter(array, &options)
}

fn formatter<'a>(
    array: &'a dyn Array,
    options: &FormatOptions<'a>,
) -> Result<ArrayFormatter<'a>, ArrowError> {
    match PostgresText.create_array_formatter(array, options, None)? {
        Some(formatter) => Ok(formatter),
        None => ArrayFormatter::try_new(array, options),
    }
}

/// The types that Arrow writes in another way than Postgres.
#[derive(Debug)]
struct PostgresText;

impl ArrayFormatterFactory for PostgresText {
    fn create_array_formatter<'f>(
        &self,
        array: &'f dyn Array,
        options: &FormatOptions<'f>,
        _field: Option<&'f Field>,
    ) -> Result<Option<ArrayFormatter<'f>>, ArrowError> {
        let format: Box<dyn DisplayIndex + 'f> = match array.data_type() {
            data_type if data_type.is_binary() => Box::new(Hex(array)),
            DataType::Interval(IntervalUnit::MonthDayNano) => Box::new(IntervalTexts(array)),
            DataType::Float32 | DataType::Float64 => Box::new(FloatTexts(array)),
            data_type if is_list(data_type) => Box::new(List::new(array, options)?),
            DataType::Struct(_) => Box::new(RowText::new(array, options)?),
            _ => return Ok(None),
        };
        Ok(Some(ArrayFormatter::new(format, options.safe())))
    }
}

/// `1 day 02:00:00`.
struct IntervalTexts<'a>(&'a dyn Array);

impl DisplayIndex for IntervalTexts<'_> {
    fn write(&self, row: usize, out: &mut dyn std::fmt::Write) -> FormatResult {
        if self.0.is_valid(row) {
            out.write_str(&interval_text(self.0.as_primitive::<IntervalMonthDayNanoType>().value(row)))?;
        }
        Ok(())
    }
}

/// `1`, `1.5`, `1e+15`, `Infinity`.
struct FloatTexts<'a>(&'a dyn Array);

impl DisplayIndex for FloatTexts<'_> {
    fn write(&self, row: usize, out: &mut dyn std::fmt::Write) -> FormatResult {
        if self.0.is_null(row) {
            return Ok(());
        }
        let text = match self.0.as_primitive_opt::<Float32Type>() {
            Some(reals) => real_text(reals.value(row)),
            None => double_text(self.0.as_primitive::<Float64Type>().value(row)),
        };
        out.write_str(&text)?;
        Ok(())
    }
}

struct Hex<'a>(&'a dyn Array);

impl DisplayIndex for Hex<'_> {
    fn write(&self, row: usize, out: &mut dyn std::fmt::Write) -> FormatResult {
        let bytes = match self.0.data_type() {
            DataType::Binary => self.0.as_binary::<i32>().value(row),
            DataType::LargeBinary => self.0.as_binary::<i64>().value(row),
            DataType::BinaryView => self.0.as_binary_view().value(row),
            _ => self.0.as_fixed_size_binary().value(row),
        };
        out.write_str("\\x")?;
        for byte in bytes {
            write!(out, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// `{1,NULL,"a b"}`; arrays inside are part of the same text.
struct List<'a> {
    array: &'a dyn Array,
    elements: &'a ArrayRef,
    element: ArrayFormatter<'a>,
    is_nested: bool,
}

impl<'a> List<'a> {
    fn new(array: &'a dyn Array, options: &FormatOptions<'a>) -> Result<Self, ArrowError> {
        let elements = match array.data_type() {
            DataType::List(_) => array.as_list::<i32>().values(),
            DataType::LargeList(_) => array.as_list::<i64>().values(),
            DataType::ListView(_) => array.as_list_view::<i32>().values(),
            DataType::LargeListView(_) => array.as_list_view::<i64>().values(),
            _ => array.as_fixed_size_list().values(),
        };
        let is_nested = is_list(elements.data_type());
        Ok(Self { array, elements, element: formatter(elements.as_ref(), options)?, is_nested })
    }

    fn range(&self, row: usize) -> Range<usize> {
        let (start, length) = match self.array.data_type() {
            DataType::List(_) => {
                let list = self.array.as_list::<i32>();
                (list.value_offsets()[row] as usize, list.value_length(row) as usize)
            }
            DataType::LargeList(_) => {
                let list = self.array.as_list::<i64>();
                (list.value_offsets()[row] as usize, list.value_length(row) as usize)
            }
            DataType::ListView(_) => {
                let list = self.array.as_list_view::<i32>();
                (list.value_offset(row) as usize, list.value_size(row) as usize)
            }
            DataType::LargeListView(_) => {
                let list = self.array.as_list_view::<i64>();
                (list.value_offset(row) as usize, list.value_size(row) as usize)
            }
            _ => {
                let list = self.array.as_fixed_size_list();
                (list.value_offset(row) as usize, list.value_length() as usize)
            }
        };
        start..start + length
    }
}

impl DisplayIndex for List<'_> {
    fn write(&self, row: usize, out: &mut dyn std::fmt::Write) -> FormatResult {
        let mut text = String::new();
        out.write_char('{')?;
        for (index, element) in self.range(row).enumerate() {
            if index > 0 {
                out.write_char(',')?;
            }
            if is_null(self.elements, element) {
                out.write_str("NULL")?;
                continue;
            }
            text.clear();
            self.element.value(element).write(&mut text)?;
            let special = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ',' | '"' | '\\');
            let is_quoted = text.is_empty() || text.eq_ignore_ascii_case("null") || text.contains(special);
            if is_quoted && !self.is_nested {
                quote(&text, |_| '\\', out)?;
            } else {
                out.write_str(&text)?;
            }
        }
        out.write_char('}')?;
        Ok(())
    }
}

/// `(1,,"a b")`; NULL is nothing.
struct RowText<'a> {
    fields: Vec<(&'a ArrayRef, ArrayFormatter<'a>)>,
}

impl<'a> RowText<'a> {
    fn new(array: &'a dyn Array, options: &FormatOptions<'a>) -> Result<Self, ArrowError> {
        let columns = array.as_struct().columns().iter();
        let fields = columns.map(|column| Ok((column, formatter(column.as_ref(), options)?)));
        Ok(Self { fields: fields.collect::<Result<_, ArrowError>>()? })
    }
}

impl DisplayIndex for RowText<'_> {
    fn write(&self, row: usize, out: &mut dyn std::fmt::Write) -> FormatResult {
        let mut text = String::new();
        out.write_char('(')?;
        for (index, (column, field)) in self.fields.iter().enumerate() {
            if index > 0 {
                out.write_char(',')?;
            }
            if is_null(column, row) {
                continue;
            }
            text.clear();
            field.value(row).write(&mut text)?;
            let special = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '"' | '\\');
            if text.is_empty() || text.contains(special) {
                quote(&text, |quoted| quoted, out)?;
            } else {
                out.write_str(&text)?;
            }
        }
        out.write_char(')')?;
        Ok(())
    }
}

/// Writes the text in quotes; `escape` is what stands in front of a quote or a backslash.
fn quote(text: &str, escape: impl Fn(char) -> char, out: &mut dyn std::fmt::Write) -> std::fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.write_char(escape(character))?;
        }
        out.write_char(character)?;
    }
    out.write_char('"')
}

fn is_list(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::ListView(_)
            | DataType::LargeListView(_)
    )
}

fn is_null(array: &ArrayRef, row: usize) -> bool {
    array.data_type() == &DataType::Null || array.is_null(row)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, FixedSizeListArray, Float64Array, Int32Array, ListArray, NullArray, StringArray,
        StructArray,
    };
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Int32Type;

    use super::*;

    fn texts(array: &dyn Array) -> Vec<String> {
        let formatter = text_formatter(array).unwrap();
        (0..array.len()).map(|row| formatter.value(row).try_to_string().unwrap()).collect()
    }

    /// One list of all elements.
    fn list_of(elements: ArrayRef) -> ListArray {
        let field = Arc::new(Field::new("item", elements.data_type().clone(), true));
        ListArray::new(field, OffsetBuffer::from_lengths([elements.len()]), elements, None)
    }

    #[test]
    fn arrays_tell_null_empty_and_nothing_apart() {
        let numbers = ListArray::from_iter_primitive::<Int32Type, _, _>([
            Some(vec![Some(1), None, Some(-3)]),
            Some(vec![None]),
            Some(vec![]),
        ]);
        assert_eq!(texts(&numbers), ["{1,NULL,-3}", "{NULL}", "{}"]);
        let words: ArrayRef = Arc::new(StringArray::from(vec![
            Some(""),
            None,
            Some("null"),
            Some("a b"),
            Some("a,b"),
            Some("{x}"),
            Some("q\"\\"),
            Some("plain"),
        ]));
        assert_eq!(texts(&list_of(words)), [r#"{"",NULL,"null","a b","a,b","{x}","q\"\\",plain}"#]);
        assert_eq!(texts(&list_of(Arc::new(NullArray::new(2)))), ["{NULL,NULL}"]);
        assert_eq!(texts(&list_of(Arc::new(Float64Array::from(vec![0.5, f64::NAN])))), ["{0.5,NaN}"]);
        assert_eq!(texts(&list_of(Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..]])))), [r#"{"\\x00ff"}"#]);
    }

    #[test]
    fn arrays_of_arrays_are_one_text() {
        let inner = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)]), None]);
        assert_eq!(texts(&list_of(Arc::new(inner))), ["{{1,2},NULL}"]);
        let pairs =
            FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None])], 2);
        assert_eq!(texts(&pairs), ["{1,NULL}"]);
    }

    #[test]
    fn rows_are_written_as_in_postgres() {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let words: ArrayRef = Arc::new(StringArray::from(vec!["a \"b\"", ""]));
        let rows = StructArray::try_from(vec![("n", numbers), ("w", words)]).unwrap();
        assert_eq!(texts(&rows), [r#"(1,"a ""b""")"#, r#"(,"")"#]);
        assert_eq!(texts(&list_of(Arc::new(rows))), [r#"{"(1,\"a \"\"b\"\"\")","(,\"\")"}"#]);
    }
}
