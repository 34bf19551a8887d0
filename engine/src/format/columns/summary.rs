//! Summaries of the zones of many pages.
//!
//! S1. The ends of a summary hold as those of zones do (Z1, Z2). An end that is a value of one page, and that
//!     no bound of another page goes beyond, is the end of all of them.

use std::{cmp::Ordering, mem::discriminant};

use super::zone::{Bound, ZoneMaps};

/// The smallest or the largest value of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Extreme {
    /// There is no value that is not null.
    #[default]
    NoValue,
    /// Nothing is known of it.
    Unknown,
    /// No value is beyond this one.
    Known {
        /// The bound.
        bound: Bound,
        /// It is a value of the column.
        is_value: bool,
    },
}

impl Extreme {
    /// Takes in that of other rows; `beyond` is how a bound compares to one that it is farther out than.
    fn merge(&mut self, other: Self, beyond: Ordering) {
        *self = match (std::mem::take(self), other) {
            (Self::NoValue, extreme) | (extreme, Self::NoValue) => extreme,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Known { bound, is_value }, Self::Known { bound: other, is_value: is_other }) => {
                // A column that was made wider has bounds of two kinds.
                let is_alike = discriminant(&bound) == discriminant(&other);
                match other.partial_cmp(&bound).filter(|_| is_alike) {
                    Some(order) if order == beyond => Self::Known { bound: other, is_value: is_other },
                    Some(Ordering::Equal) => Self::Known { bound, is_value: is_value || is_other },
                    Some(_) => Self::Known { bound, is_value },
                    None => Self::Unknown,
                }
            }
        };
    }
}

/// Summary of a column in many rows, also of values that do not count any more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnSummary {
    /// Its smallest value.
    pub min: Extreme,
    /// Its largest value.
    pub max: Extreme,
    /// Rows that are null.
    pub nulls: u64,
    /// Some rows are missing: nothing above speaks of these.
    pub has_missing: bool,
}

impl ColumnSummary {
    /// Of rows that are all missing.
    pub fn missing() -> Self {
        Self { has_missing: true, ..Self::default() }
    }

    /// Takes in that of other rows.
    pub fn merge(&mut self, other: Self) {
        self.min.merge(other.min, Ordering::Less);
        self.max.merge(other.max, Ordering::Greater);
        self.nulls += other.nulls;
        self.has_missing |= other.has_missing;
    }
}

impl ZoneMaps {
    /// The summary of the column at this place over all pages, of so many rows each.
    pub fn summary(&self, place: usize, rows: impl Iterator<Item = usize>) -> ColumnSummary {
        let mut all = ColumnSummary::default();
        for (page, rows) in rows.enumerate() {
            let zone = self.zone(page, place);
            let has_values = (zone.nulls as usize) < rows;
            let is_missing = zone.has_missing && zone.min.is_none() && zone.max.is_none();
            let extreme = |bound: &Option<Bound>| match bound {
                Some(bound) => Extreme::Known { bound: bound.clone(), is_value: zone.is_exact },
                // Of rows that are all null or missing there are no bounds; nor are there where none can be
                // given.
                None if !has_values || is_missing => Extreme::NoValue,
                None => Extreme::Unknown,
            };
            all.merge(ColumnSummary {
                min: extreme(&zone.min),
                max: extreme(&zone.max),
                nulls: u64::from(zone.nulls),
                has_missing: zone.has_missing,
            });
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(bound: i64, is_value: bool) -> Extreme {
        Extreme::Known { bound: Bound::Int(bound), is_value }
    }

    #[test]
    fn an_end_is_a_value_only_where_no_other_bound_goes_beyond_it() {
        let larger = |left: &Extreme, right: &Extreme| {
            let mut merged = left.clone();
            merged.merge(right.clone(), Ordering::Greater);
            merged
        };
        assert_eq!(larger(&known(1, true), &known(2, false)), known(2, false));
        assert_eq!(larger(&known(2, true), &known(1, false)), known(2, true));
        assert_eq!(larger(&known(2, false), &known(2, true)), known(2, true));
        assert_eq!(larger(&Extreme::NoValue, &known(2, true)), known(2, true));
        assert_eq!(larger(&known(2, true), &Extreme::Unknown), Extreme::Unknown);
        assert_eq!(larger(&Extreme::NoValue, &Extreme::Unknown), Extreme::Unknown);
        let wide = Extreme::Known { bound: Bound::Wide(1), is_value: true };
        assert_eq!(larger(&known(2, true), &wide), Extreme::Unknown, "bounds of two kinds are not compared");
    }
}
