//! Which rows of a page are wanted.

use std::ops::Range;

use arrow_buffer::BooleanBuffer;

/// Rows in a run on average from which on a run is kept as such: where they are shorter, what each costs by
/// itself would be most of the work.
const ROWS_OF_A_RUN: usize = 6;

/// Numbers of rows of one page, rising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Picks {
    /// Runs of rows that do not touch, and how many rows they have.
    Runs(Vec<Range<usize>>, usize),
    /// One by one.
    Rows(Vec<u32>),
}

impl Picks {
    /// No row yet.
    pub(crate) const NONE: Self = Self::Runs(Vec::new(), 0);

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Runs(_, rows) => *rows,
            Self::Rows(rows) => rows.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        let (runs, rows) = match self {
            Self::Runs(runs, _) => (runs.as_slice(), &[][..]),
            Self::Rows(rows) => (&[][..], rows.as_slice()),
        };
        runs.iter().cloned().flatten().chain(rows.iter().map(|row| *row as usize))
    }

    /// Adds rows behind all others.
    pub(crate) fn push(&mut self, rows: Range<usize>) {
        match self {
            _ if rows.is_empty() => {}
            Self::Runs(runs, len) => {
                *len += rows.len();
                match runs.last_mut() {
                    Some(last) if last.end == rows.start => last.end = rows.end,
                    _ => runs.push(rows),
                }
            }
            Self::Rows(numbers) => numbers.extend(rows.map(|row| row as u32)),
        }
    }

    /// Adds the rows behind all others whose bits are set; the first bit is that of `start`.
    pub(crate) fn push_bits(&mut self, start: usize, bits: &BooleanBuffer) {
        let is_long = matches!(self, Self::Runs(..)) && bits.count_set_bits() >= runs(bits) * ROWS_OF_A_RUN;
        if is_long {
            bits.set_slices().for_each(|(from, to)| self.push(start + from..start + to));
            return;
        }
        let mut numbers = match self {
            Self::Runs(..) => self.iter().map(|row| row as u32).collect(),
            Self::Rows(rows) => std::mem::take(rows),
        };
        numbers.reserve(bits.count_set_bits());
        numbers.extend(bits.set_indices_u32().map(|bit| start as u32 + bit));
        *self = Self::Rows(numbers);
    }

    /// Keeps the rows whose bits are set: one bit for each of them.
    pub(crate) fn retain(&mut self, bits: &BooleanBuffer) {
        match self {
            Self::Runs(runs, _) => {
                let (mut kept, mut at) = (Self::NONE, 0);
                for run in std::mem::take(runs) {
                    kept.push_bits(run.start, &bits.slice(at, run.len()));
                    at += run.len();
                }
                *self = kept;
            }
            Self::Rows(rows) => {
                *rows = bits.set_indices().map(|bit| rows[bit]).collect();
            }
        }
    }
}

/// Number of runs of set bits.
fn runs(bits: &BooleanBuffer) -> usize {
    let mut before = 0;
    let mut count = |word: u64| {
        let starts = (word & !(word << 1 | before)).count_ones() as usize;
        before = word >> 63;
        starts
    };
    bits.bit_chunks().iter_padded().map(&mut count).sum()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn picked_rows_are_those_that_were_added_and_kept(
            parts in vec((0..5_usize, vec(any::<bool>(), 0..150), any::<bool>()), 0..6), keep in vec(any::<bool>(), 1000)
        ) {
            let (mut picks, mut expected, mut at) = (Picks::NONE, Vec::new(), 0);
            for (gap, bits, is_run) in parts {
                at += gap;
                if is_run {
                    picks.push(at..at + bits.len());
                    expected.extend(at..at + bits.len());
                } else {
                    picks.push_bits(at, &bits.iter().copied().collect());
                    expected.extend((0..bits.len()).filter(|bit| bits[*bit]).map(|bit| at + bit));
                }
                at += bits.len();
            }
            prop_assert_eq!(picks.len(), expected.len());
            prop_assert!(picks.iter().eq(expected.iter().copied()));
            picks.retain(&keep[..expected.len()].iter().copied().collect());
            let kept: Vec<_> = expected.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(row, _)| row).collect();
            prop_assert_eq!(picks.len(), kept.len());
            prop_assert!(picks.iter().eq(kept));
        }
    }

    #[test]
    fn runs_are_counted_across_words() {
        for (bits, expected) in [("", 0), ("0110", 1), ("1101", 2)] {
            let bits: BooleanBuffer = bits.bytes().map(|bit| bit == b'1').collect();
            assert_eq!(runs(&bits), expected);
        }
        let bits: BooleanBuffer =
            (0..200).map(|bit| (60..70).contains(&bit) || bit == 127 || bit == 128).collect();
        assert_eq!(runs(&bits), 2);
    }
}
