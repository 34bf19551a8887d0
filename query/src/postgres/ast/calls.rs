//! Calls of functions that are more than a value of their arguments.

use std::{collections::HashSet, sync::LazyLock};

use datafusion::functions_aggregate::all_default_aggregate_functions;
use sqlparser::ast::Function;

use crate::parse::folded_ident;

/// A function that looks at several rows, or answers several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallKind {
    Aggregate,
    Window,
    /// `generate_series`, `unnest`.
    RowSet,
}

impl CallKind {
    /// The kind of a call; none for those that answer a value for each row.
    pub(super) fn of(function: &Function) -> Option<Self> {
        if function.over.is_some() {
            return Some(Self::Window);
        }
        let name = folded_ident(function.name.0.last()?.as_ident()?);
        match name.as_str() {
            "generate_series" | "unnest" => Some(Self::RowSet),
            name => AGGREGATES.contains(name).then_some(Self::Aggregate),
        }
    }
}

static AGGREGATES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let functions = all_default_aggregate_functions();
    let names = functions.iter().flat_map(|function| {
        std::iter::once(function.name().to_owned()).chain(function.aliases().iter().cloned())
    });
    names.chain(["every".to_owned()]).collect()
});
