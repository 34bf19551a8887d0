//! Leaving out pages and files by when their versions begin and end.

use crate::{format::PageIndex, manifest::FileMeta, types::Timestamp};

/// Bounds of the lifetimes of the versions in a page or a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// The smallest and the largest begin.
    begins: (Timestamp, Timestamp),
    /// The smallest and the largest end of those that have ended, as far as is known there.
    ends: (Timestamp, Timestamp),
    /// Whether some are open.
    has_open: bool,
}

impl Lifetimes {
    pub(crate) fn of_file(file: &FileMeta) -> Self {
        Self {
            begins: (file.oldest_begin(), file.newest_begin()),
            ends: (file.min_end, file.max_end),
            has_open: file.closed < file.rows,
        }
    }

    pub(crate) fn of_page(index: &PageIndex, page: usize) -> Self {
        let summary = index.summary(page);
        Self {
            begins: (summary.min_begin, summary.max_begin),
            ends: (summary.min_end, summary.max_end),
            has_open: summary.closed < summary.rows,
        }
    }
}

/// Which pages of a run a read can leave out without changing its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageFilter {
    /// Read all pages.
    All,
    /// Read the pages that hold a version with `after < begin <= through`.
    Begins {
        /// Exclusive.
        after: Timestamp,
        /// Inclusive.
        through: Timestamp,
    },
    /// Read the pages that hold a version with `after < end`.
    Ended {
        /// Exclusive.
        after: Timestamp,
    },
    /// Read the pages that hold a version with `begin <= at < end`.
    Alive {
        /// The moment.
        at: Timestamp,
    },
    /// Read the pages that hold a version that is alive at one of two moments and not at the other, as far as
    /// its own lifetime says.
    Changed {
        /// The earlier moment.
        from: Timestamp,
        /// The later moment.
        to: Timestamp,
    },
}

impl PageFilter {
    /// Whether the page or file with versions like these is read.
    pub(crate) fn admits(self, versions: Lifetimes) -> bool {
        let ((min_begin, max_begin), (min_end, max_end)) = (versions.begins, versions.ends);
        let outlive = |at| versions.has_open || max_end > at;
        match self {
            Self::All => true,
            Self::Begins { after, through } => max_begin > after && min_begin <= through,
            Self::Ended { after } => outlive(after),
            Self::Alive { at } => min_begin <= at && outlive(at),
            Self::Changed { from, to } => {
                let began = max_begin > from && min_begin <= to && outlive(to);
                let ended = min_begin <= from && max_end > from && min_end <= to;
                from < to && (began || ended)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All pages of one or two versions that begin and end within a few ticks.
    #[test]
    fn a_page_is_left_out_only_where_none_of_its_versions_is_wanted() {
        let at = Timestamp::from_micros;
        let ends = |begin: u64| (begin + 1..7).map(at).chain([Timestamp::OPEN]);
        let versions = || (1..6).flat_map(|begin| ends(begin).map(move |end| (at(begin), end)));
        let is_alive = |(begin, end): (Timestamp, Timestamp), at| begin <= at && at < end;
        for (a, b) in versions().flat_map(|a| versions().map(move |b| (a, b))) {
            let closed = [a.1, b.1].into_iter().filter(|end| *end != Timestamp::OPEN);
            let page = Lifetimes {
                begins: (a.0.min(b.0), a.0.max(b.0)),
                ends: (
                    closed.clone().min().unwrap_or(Timestamp::OPEN),
                    closed.clone().max().unwrap_or(Timestamp::ZERO),
                ),
                has_open: closed.count() < 2,
            };
            for (from, to) in (0..7).flat_map(|from| (from..7).map(move |to| (at(from), at(to)))) {
                let is_wanted = |wanted: &dyn Fn((Timestamp, Timestamp)) -> bool| wanted(a) || wanted(b);
                let alive = is_wanted(&|version| is_alive(version, to));
                assert!(!alive || PageFilter::Alive { at: to }.admits(page));
                let begins = is_wanted(&|(begin, _)| from < begin && begin <= to);
                assert!(!begins || PageFilter::Begins { after: from, through: to }.admits(page));
                let ended = is_wanted(&|(_, end)| from < end);
                assert!(!ended || PageFilter::Ended { after: from }.admits(page));
                let changed = is_wanted(&|version| is_alive(version, from) != is_alive(version, to));
                assert!(!changed || PageFilter::Changed { from, to }.admits(page), "{a:?} {b:?} {from} {to}");
            }
        }
    }
}
