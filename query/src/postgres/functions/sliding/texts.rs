//! `string_agg` of the texts in a window.

use std::collections::VecDeque;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::Accumulator,
};

use super::only_of_a_window;

/// Each text with the delimiter before it.
#[derive(Debug)]
pub(super) struct TextsOfWindow {
    data_type: DataType,
    texts: VecDeque<(String, String)>,
    bytes: usize,
}

impl TextsOfWindow {
    pub(super) fn new(data_type: DataType) -> Self {
        Self { data_type, texts: VecDeque::new(), bytes: 0 }
    }
}

impl Accumulator for TextsOfWindow {
    only_of_a_window!();

    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [texts, delimiters] = values else { return internal_err!("string_agg has two arguments") };
        let [texts, delimiters] = [texts, delimiters].map(|array| cast(array, &DataType::LargeUtf8));
        let (texts, delimiters) = (texts?, delimiters?);
        for (text, delimiter) in texts.as_string::<i64>().iter().zip(delimiters.as_string::<i64>()) {
            let Some(text) = text else { continue };
            let pair = (delimiter.unwrap_or_default().to_owned(), text.to_owned());
            self.bytes += pair.0.len() + pair.1.len();
            self.texts.push_back(pair);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [texts, _] = values else { return internal_err!("string_agg has two arguments") };
        for _ in 0..texts.len() - texts.null_count() {
            let left = self.texts.pop_front();
            self.bytes -= left.map_or(0, |(delimiter, text)| delimiter.len() + text.len());
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut texts = self.texts.iter();
        let Some((_, first)) = texts.next() else { return ScalarValue::try_new_null(&self.data_type) };
        let mut whole = String::with_capacity(self.bytes);
        whole.push_str(first);
        for (delimiter, text) in texts {
            whole.push_str(delimiter);
            whole.push_str(text);
        }
        ScalarValue::LargeUtf8(Some(whole)).cast_to(&self.data_type)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes + self.texts.capacity() * size_of::<(String, String)>()
    }
}
