//! Differences that are known, each with its reason. Whoever mends one takes it out of here.

use crate::{
    answer::Answer,
    check::{Finding, Oracle},
    database::SORT_MERGE,
    print::{self, Dialect},
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
        reason: "NOT IN of a subquery with NULL among its values finds rows",
        is: |case, finding| differs_in_rows(finding) && text(case).contains("IN (SELECT"),
    },
    Known {
        reason: "two aggregates that differ in a cast of their argument get one name",
        is: |_, finding| fails_with(finding, "42701", "is named more than once"),
    },
    Known {
        reason: "negative zero is another value than zero to windows, DISTINCT, IN and CASE",
        is: |case, finding| {
            let text = print::script(case);
            let tells = ["OVER (", "DISTINCT", "INTERSECT", "EXCEPT", "IN (", "CASE "];
            differs_in_rows(finding) && text.contains("'-0'") && tells.iter().any(|word| text.contains(word))
        },
    },
    Known {
        reason: "the sum of a constant over no rows is 0",
        is: |case, finding| differs_in_rows(finding) && text(case).contains("sum("),
    },
    Known {
        reason: "a correlated subquery names a column that two tables have",
        is: |_, finding| fails_with(finding, "42702", "is ambiguous"),
    },
    Known {
        reason: "a correlated subquery loses a column of the outer row",
        is: |case, finding| has_subquery(case) && fails_with(finding, "42703", "does not exist"),
    },
    Known {
        reason: "a correlated subquery gets columns more than it has",
        is: |case, finding| has_subquery(case) && fails_with(finding, "42000", "single expression required"),
    },
    Known {
        reason: "a join in a subquery has the outer row in its condition",
        is: |_, finding| fails_with(finding, "42000", "Accessing outer reference columns is not allowed"),
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

/// The query with the condition that parts its rows, and the views that it may read.
fn text(case: &Case) -> String {
    let split = case.split.iter().map(|split| print::expr(split, Dialect::Ours));
    let views = case.views.iter().map(|(_, query)| print::query(query, Dialect::Ours));
    split.chain(views).fold(print::query(&case.query, Dialect::Ours), |all, one| all + " " + &one)
}

/// A query in an expression.
fn has_subquery(case: &Case) -> bool {
    let text = text(case);
    ["(SELECT", "(WITH"].iter().any(|begin| text.contains(begin))
}

/// Both answered.
fn differs_in_rows(finding: &Finding) -> bool {
    matches!((&finding.expected, &finding.got), (Answer::Rows(_), Answer::Rows(_)))
}

/// An error of this SQLSTATE with this in its message.
fn fails_with(finding: &Finding, wanted: &str, words: &str) -> bool {
    matches!(&finding.got, Answer::Error { state, message } if state == wanted && message.contains(words))
}
