//! Differences that are known, each with its reason. A mended one is taken out of here.

use crate::{
    answer::Answer,
    check::{Finding, Oracle},
    database::SORT_MERGE,
    print,
    tree::Case,
};

/// A difference that is no news.
struct Known {
    /// Reason for the difference.
    reason: &'static str,
    is: fn(&Case, &Finding) -> bool,
}

const KNOWN: &[Known] = &[
    Known {
        reason: "the sort-merge join, which no session gets, calls columns of its filter never NULL",
        is: |_, finding| is_sort_merge(finding) && fails_with(finding, "22000", "declared as non-nullable"),
    },
    Known {
        reason: "the sort-merge join, which no session gets, takes columns of its filter from the wrong side",
        is: |_, finding| {
            is_sort_merge(finding)
                && (fails_with(finding, "panic", "")
                    || fails_with(finding, "XX000", "panicked")
                    || fails_with(finding, "21000", "more than one row")
                    || fails_with(finding, "22000", "column types must match schema types"))
        },
    },
    Known {
        reason: "the sort-merge join, which no session gets, loses rows of a FULL JOIN whose filter is never true",
        is: |case, finding| is_sort_merge(finding) && print::script(case).contains("FULL JOIN"),
    },
];

fn is_sort_merge(finding: &Finding) -> bool {
    finding.oracle == Oracle::Plan(SORT_MERGE)
}

/// The reason of a finding that is known.
pub(crate) fn reason(case: &Case, finding: &Finding) -> Option<&'static str> {
    KNOWN.iter().find(|known| (known.is)(case, finding)).map(|known| known.reason)
}

/// An error of this SQLSTATE with this in its message.
fn fails_with(finding: &Finding, wanted: &str, words: &str) -> bool {
    matches!(&finding.got, Answer::Error { state, message } if state == wanted && message.contains(words))
}
