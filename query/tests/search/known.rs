//! Differences that are known, each with its reason. Whoever mends one takes it out of here.

use crate::{
    answer::Answer,
    check::{Finding, Oracle},
    database::SORT_MERGE,
    tree::Case,
};

/// A difference that is no news.
struct Known {
    /// Why it is as it is.
    reason: &'static str,
    is: fn(&Case, &Finding) -> bool,
}

const KNOWN: &[Known] = &[
    Known {
        reason: "two aggregates that differ in a cast of their argument get one name",
        is: |_, finding| fails_with(finding, "42701", "is named more than once"),
    },
    Known {
        reason: "a correlated subquery names a column that two tables have",
        is: |_, finding| fails_with(finding, "42702", "is ambiguous"),
    },
    Known {
        reason: "a window or a sort by a column that is a constant finds no sorted rows",
        is: |_, finding| fails_with(finding, "42000", "does not satisfy order requirements"),
    },
    Known {
        reason: "IS TRUE and the like are never NULL to one planner and nullable to the other",
        is: |_, finding| fails_with(finding, "XX000", "Physical input schema should be the same"),
    },
    Known {
        reason: "the sort-merge join, which no session gets, calls columns of its filter never NULL",
        is: |_, finding| {
            finding.oracle == Oracle::Plan(SORT_MERGE)
                && fails_with(finding, "22000", "declared as non-nullable")
        },
    },
];

/// The reason of a finding that is known.
pub(crate) fn reason(case: &Case, finding: &Finding) -> Option<&'static str> {
    KNOWN.iter().find(|known| (known.is)(case, finding)).map(|known| known.reason)
}

/// An error of this SQLSTATE with this in its message.
fn fails_with(finding: &Finding, wanted: &str, words: &str) -> bool {
    matches!(&finding.got, Answer::Error { state, message } if state == wanted && message.contains(words))
}
