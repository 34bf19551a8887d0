//! From filters on the primary key's columns to a range of keys.

use std::ops::Bound;

use arrow::util::display::array_value_to_string;
use bygone_engine::KeyRange;
use datafusion::{
    common::ScalarValue,
    logical_expr::{Between, BinaryExpr, Expr, Operator, expr::InList},
};

use crate::{error::Result, rows::RowLayout};

/// The keys that can satisfy a scan's filters, and the filters in words for EXPLAIN.
#[derive(Clone, Debug)]
pub(crate) struct ScanRange {
    pub keys: KeyRange,
    /// Empty when nothing is pruned.
    pub description: String,
}

/// The values that one column can have.
#[derive(Clone, Debug, Default)]
struct Interval {
    lower: Option<(ScalarValue, bool)>,
    upper: Option<(ScalarValue, bool)>,
}

/// The range of keys outside of which no row satisfies `filters`.
pub(crate) fn scan_range(layout: &RowLayout, filters: &[Expr]) -> Result<ScanRange> {
    let mut prefix: Vec<ScalarValue> = Vec::new();
    let mut words = Vec::new();
    for &index in layout.key() {
        let column = &layout.columns()[index];
        let interval = filters.iter().fold(Interval::default(), |mut all, filter| {
            if let Some(one) = interval_of(filter, &column.name) {
                all.intersect(one);
            }
            all
        });
        let data_type = column.column_type.arrow();
        let cast =
            |end: End| end.and_then(|(value, inclusive)| Some((value.cast_to(&data_type).ok()?, inclusive)));
        let (lower, upper) = (cast(interval.lower), cast(interval.upper));
        if let (Some((low, true)), Some((high, true))) = (&lower, &upper)
            && low == high
        {
            words.push(format!("{} = {}", column.name, shown(low)));
            prefix.push(low.clone());
            continue;
        }
        // The last column that narrows the range.
        if let Some((value, inclusive)) = &lower {
            words.push(format!("{} {} {}", column.name, if *inclusive { ">=" } else { ">" }, shown(value)));
        }
        if let Some((value, inclusive)) = &upper {
            words.push(format!("{} {} {}", column.name, if *inclusive { "<=" } else { "<" }, shown(value)));
        }
        let keys = layout.key_range(&prefix, bound(lower.as_ref()), bound(upper.as_ref()))?;
        return Ok(ScanRange { keys, description: words.join(" AND ") });
    }
    let keys = if prefix.is_empty() {
        KeyRange::all()
    } else if prefix.len() == layout.key().len() {
        KeyRange::single(layout.key_prefix(&prefix)?)
    } else {
        KeyRange::prefix(layout.key_prefix(&prefix)?)
    };
    Ok(ScanRange { keys, description: words.join(" AND ") })
}

/// A value as a query would show it.
fn shown(value: &ScalarValue) -> String {
    let array = value.to_array().ok();
    array.and_then(|array| array_value_to_string(&array, 0).ok()).unwrap_or_else(|| value.to_string())
}

fn bound(end: Option<&(ScalarValue, bool)>) -> Bound<&ScalarValue> {
    match end {
        None => Bound::Unbounded,
        Some((value, true)) => Bound::Included(value),
        Some((value, false)) => Bound::Excluded(value),
    }
}

impl Interval {
    fn point(value: &ScalarValue) -> Self {
        Self { lower: Some((value.clone(), true)), upper: Some((value.clone(), true)) }
    }

    /// Keeps what is in both.
    fn intersect(&mut self, other: Self) {
        self.lower = tighter(self.lower.take(), other.lower, std::cmp::Ordering::Greater);
        self.upper = tighter(self.upper.take(), other.upper, std::cmp::Ordering::Less);
    }

    /// The smallest interval that contains both.
    fn hull(self, other: Self) -> Self {
        Self {
            lower: looser(self.lower, other.lower, std::cmp::Ordering::Less),
            upper: looser(self.upper, other.upper, std::cmp::Ordering::Greater),
        }
    }
}

type End = Option<(ScalarValue, bool)>;

/// Of two ends of an interval, the one that `wins` (or the exclusive one of equal values).
fn tighter(a: End, b: End, wins: std::cmp::Ordering) -> End {
    let (Some(a), Some(b)) = (a.clone(), b.clone()) else { return a.or(b) };
    match a.0.partial_cmp(&b.0) {
        Some(std::cmp::Ordering::Equal) => Some((a.0, a.1 && b.1)),
        Some(order) if order == wins => Some(a),
        Some(_) => Some(b),
        None => Some(a),
    }
}

/// Of two ends of an interval, the one that `wins` (or the inclusive one of equal values); none if either is
/// open.
fn looser(a: End, b: End, wins: std::cmp::Ordering) -> End {
    let (a, b) = (a?, b?);
    match a.0.partial_cmp(&b.0)? {
        std::cmp::Ordering::Equal => Some((a.0, a.1 || b.1)),
        order if order == wins => Some(a),
        _ => Some(b),
    }
}

/// The values that `column` can have where `filter` is true; `None` when the filter says nothing about it.
fn interval_of(filter: &Expr, column: &str) -> Option<Interval> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            match (interval_of(left, column), interval_of(right, column)) {
                (Some(mut a), Some(b)) => {
                    a.intersect(b);
                    Some(a)
                }
                (a, b) => a.or(b),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(interval_of(left, column)?.hull(interval_of(right, column)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (op, value) = if is_column(left, column) {
                (*op, literal(right)?)
            } else if is_column(right, column) {
                (op.swap()?, literal(left)?)
            } else {
                return None;
            };
            let end = |inclusive| Some((value.clone(), inclusive));
            match op {
                Operator::Eq => Some(Interval::point(value)),
                Operator::Lt => Some(Interval { lower: None, upper: end(false) }),
                Operator::LtEq => Some(Interval { lower: None, upper: end(true) }),
                Operator::Gt => Some(Interval { lower: end(false), upper: None }),
                Operator::GtEq => Some(Interval { lower: end(true), upper: None }),
                _ => None,
            }
        }
        Expr::Between(Between { expr, negated: false, low, high }) if is_column(expr, column) => {
            Some(Interval {
                lower: Some((literal(low)?.clone(), true)),
                upper: Some((literal(high)?.clone(), true)),
            })
        }
        Expr::InList(InList { expr, list, negated: false }) if is_column(expr, column) => {
            let mut points = list.iter().map(|item| literal(item).map(Interval::point));
            let first = points.next()??;
            points.try_fold(first, |all, one| Some(all.hull(one?)))
        }
        _ => None,
    }
}

fn is_column(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Column(column) if column.name == name)
}

fn literal(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) if !value.is_null() => Some(value),
        _ => None,
    }
}
