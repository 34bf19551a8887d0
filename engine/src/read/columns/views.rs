//! A column of text as views: short texts are in the view, long ones stay in the memory of their page.

use std::{ops::Range, sync::Arc};

use arrow_array::{ArrayRef, StringViewArray, builder::make_view};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

use super::builder::{Unfit, append_entries};
use crate::format::{Dictionary, Strings};

/// Longest text that a view holds itself, in bytes.
const INLINE_BYTES_MAX: usize = 12;
/// Size of the buffers for texts that are in no page.
const OWN_BYTES: usize = 64 << 10;

/// Texts being gathered. Everything that is added is UTF-8: a `&str`, or an entry of a chunk of kind text, which was
/// checked as a whole when it was decoded.
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
        if text.len() <= INLINE_BYTES_MAX {
            self.heads.push(make_view(text.as_bytes(), 0, 0));
            return;
        }
        if self.own.len() + text.len() > self.own.capacity() {
            self.seal_own();
            self.own.reserve_exact(OWN_BYTES.max(text.len()));
        }
        let offset = self.own.len() as u32;
        self.own.extend_from_slice(text.as_bytes());
        // It is the next buffer once it is sealed: pages' buffers seal it first.
        self.heads.push(make_view(text.as_bytes(), self.buffers.len() as u32, offset));
    }

    fn seal_own(&mut self) {
        if !self.own.is_empty() {
            self.buffers.push(Buffer::from_vec(std::mem::take(&mut self.own)));
        }
    }

    /// Adds rows of a page, whose column must be of kind text.
    pub(super) fn append(&mut self, strings: &Strings, ranges: &[Range<usize>]) -> Result<(), Unfit> {
        self.seal_own();
        let block = u32::try_from(self.buffers.len()).map_err(|_| Unfit)?;
        let rows: usize = ranges.iter().map(ExactSizeIterator::len).sum();
        let entries = strings.offsets.len() - 1;
        let mut is_used = false;
        let mut view = |entry: usize| {
            let range = strings.range(entry);
            is_used |= range.len() > INLINE_BYTES_MAX;
            make_view(&strings.data[range.clone()], block, range.start as u32)
        };
        match &strings.dictionary {
            Dictionary::One => self.heads.extend(std::iter::repeat_n(view(0), rows)),
            Dictionary::None => {
                self.heads.reserve(rows);
                for range in ranges {
                    self.heads.extend(range.clone().map(&mut view));
                }
            }
            // As many views as entries are made once, or as many as rows.
            Dictionary::Bytes1(codes) if entries <= rows => {
                let views: Vec<u128> = (0..entries).map(view).collect();
                append_entries(&mut self.heads, codes, ranges, |code| views[usize::from(*code)]);
            }
            Dictionary::Bytes2(codes) if entries <= rows => {
                let views: Vec<u128> = (0..entries).map(view).collect();
                let codes = codes.as_chunks().0;
                let view = |code: &[u8; 2]| views[usize::from(u16::from_le_bytes(*code))];
                append_entries(&mut self.heads, codes, ranges, view);
            }
            _ => {
                let all = ranges.iter().cloned().flatten();
                self.heads.extend(all.map(|row| view(strings.entry(row))));
            }
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
        // SAFETY: every view was made by `make_view` of bytes that lie at this place of this buffer, which are UTF-8 (see
        // the type), and there are as many as the rows that `nulls` was made for.
        Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) })
    }
}
