//! A column of text as views: short texts are in the view, long ones stay in the memory of their page, unless
//! they are so few that it would be kept for little.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray, builder::make_view};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

use super::{
    builder::{TypeMismatch, append_entries, append_rows},
    picks::Picks,
};
use crate::format::{Dictionary, Strings};

/// Longest text that a view holds itself, in bytes.
const INLINE_BYTES_MAX: usize = 12;
/// Size of the buffers for texts that are in no page.
const OWN_BYTES: usize = 64 << 10;
/// The memory of a page is kept for texts that are at least one part in so many of it.
const KEPT_PART: usize = 4;

/// Texts being gathered. Everything that is added is UTF-8: a `&str`, or an entry of a chunk of kind text,
/// which was checked as a whole when it was decoded.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// Length and front of each text, and where the rest is.
    heads: Vec<u128>,
    buffers: Vec<Buffer>,
    /// Long texts that are in no page; becomes a buffer.
    own: Vec<u8>,
}

impl Views {
    /// Makes room for so many texts more.
    pub(super) fn reserve(&mut self, texts: usize) {
        self.heads.reserve(texts);
    }

    /// Adds a text.
    #[inline]
    pub(super) fn push(&mut self, text: &str) {
        self.push_text(text.as_bytes());
    }

    fn push_text(&mut self, text: &[u8]) {
        if text.len() <= INLINE_BYTES_MAX {
            self.heads.push(make_view(text, 0, 0));
            return;
        }
        if self.own.len() + text.len() > self.own.capacity() {
            self.seal_own();
            self.own.reserve_exact(OWN_BYTES.max(text.len()));
        }
        let offset = self.own.len() as u32;
        self.own.extend_from_slice(text);
        // It is the next buffer once it is sealed: pages' buffers seal it first.
        self.heads.push(make_view(text, self.buffers.len() as u32, offset));
    }

    fn seal_own(&mut self) {
        if !self.own.is_empty() {
            self.buffers.push(Buffer::from_vec(std::mem::take(&mut self.own)));
        }
    }

    /// Adds rows of a page, whose column must be of kind text.
    pub(super) fn append(&mut self, strings: &Strings, picks: &Picks) -> Result<(), TypeMismatch> {
        let rows = picks.len();
        let entries = strings.offsets.len() - 1;
        if rows < entries && is_small_part(strings, picks) {
            picks.iter().for_each(|row| self.push_text(strings.get(row)));
            return Ok(());
        }
        self.seal_own();
        let block = u32::try_from(self.buffers.len()).map_err(|_| TypeMismatch)?;
        let mut is_used = false;
        let mut view = |entry: usize| {
            let range = strings.range(entry);
            is_used |= range.len() > INLINE_BYTES_MAX;
            make_view(&strings.data[range.clone()], block, range.start as u32)
        };
        match &strings.dictionary {
            Dictionary::One => self.heads.extend(std::iter::repeat_n(view(0), rows)),
            Dictionary::None => append_rows(&mut self.heads, picks, view),
            // As many views as entries are made once, or as many as rows.
            Dictionary::Bytes1(codes) if entries <= rows => {
                let views: Vec<u128> = (0..entries).map(view).collect();
                append_entries(&mut self.heads, codes, picks, |code| views[usize::from(*code)]);
            }
            Dictionary::Bytes2(codes) if entries <= rows => {
                let views: Vec<u128> = (0..entries).map(view).collect();
                let codes = codes.as_chunks().0;
                let view = |code: &[u8; 2]| views[usize::from(u16::from_le_bytes(*code))];
                append_entries(&mut self.heads, codes, picks, view);
            }
            _ => append_rows(&mut self.heads, picks, |row| view(strings.entry(row))),
        }
        if is_used {
            self.buffers.push(Buffer::from(strings.data.clone()));
        }
        Ok(())
    }

    /// The column; starts anew.
    #[expect(unsafe_code, reason = "checking every text again would cost more than reading it")]
    pub(super) fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        self.seal_own();
        let views = ScalarBuffer::from(std::mem::take(&mut self.heads));
        let buffers = std::mem::take(&mut self.buffers);
        // SAFETY: every view was made by `make_view` of bytes that lie at this place of this buffer, which
        // are UTF-8 (see the type), and there are as many as the rows that `nulls` was made for.
        Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) })
    }
}

/// Whether the long texts of rows are a small part of all that their page has.
fn is_small_part(strings: &Strings, picks: &Picks) -> bool {
    let lengths = picks.iter().map(|row| strings.range(strings.entry(row)).len());
    let long: usize = lengths.filter(|len| *len > INLINE_BYTES_MAX).sum();
    long * KEPT_PART < strings.data.len()
}

#[cfg(test)]
mod tests {
    use arrow_array::{Array, cast::AsArray};

    use super::*;

    #[test]
    fn a_page_is_kept_for_many_of_its_texts_and_not_for_few() {
        let texts: Vec<String> = (0..100).map(|row| format!("{row:0100}")).collect();
        let strings = Strings {
            offsets: (0..=100).map(|row| row * 100).collect(),
            data: texts.concat().into(),
            dictionary: Dictionary::None,
        };
        let (mut few, mut most) = (Picks::NONE, Picks::NONE);
        for rows in [3..4, 77..79, 99..100] {
            few.push(rows);
        }
        for rows in [1..30, 31..60] {
            most.push(rows);
        }
        let mut views = Views::default();
        views.append(&strings, &few).unwrap();
        let array = views.finish(None);
        let expected: Vec<&str> = [3, 77, 78, 99].map(|row: usize| texts[row].as_str()).to_vec();
        assert_eq!(array.as_string_view().iter().flatten().collect::<Vec<_>>(), expected);
        let kept =
            |array: &ArrayRef| array.as_string_view().data_buffers().iter().map(Buffer::len).sum::<usize>();
        assert_eq!(kept(&array), 400);
        views.append(&strings, &few).unwrap();
        views.append(&strings, &most).unwrap();
        views.push(&texts[0]);
        let array = views.finish(None);
        assert_eq!(kept(&array), 400 + 10_000 + 100);
        assert_eq!((array.len(), array.as_string_view().value(4)), (63, texts[1].as_str()));
        assert_eq!(array.as_string_view().value(62), texts[0]);
    }
}
