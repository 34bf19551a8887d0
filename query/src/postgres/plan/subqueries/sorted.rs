//! `ORDER BY` a subquery that refers to columns which are not in the select list.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    common::{
        Column, Result,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{Expr, LogicalPlan, Projection, Sort},
};

use super::{
    NameCounter,
    plain::{outer_refs, subquery_in},
};

/// The sort over a select list that has the columns its subqueries refer to, under names of their own.
pub(super) fn with_columns(mut sort: Sort, numbers: &mut NameCounter) -> Result<Sort> {
    let LogicalPlan::Projection(projection) = sort.input.as_ref() else { return Ok(sort) };
    let mut added: HashMap<Column, Column> = HashMap::new();
    let mut items = projection.expr.clone();
    for subquery in subqueries_of(&sort)? {
        for column in outer_refs(&subquery)? {
            let is_missing = !projection.schema.has_column(&column) && !added.contains_key(&column);
            // A table of that name within the subquery is another one.
            if is_missing && projection.input.schema().has_column(&column) && !has_own(&subquery, &column)? {
                let name = Column::new_unqualified(format!("__sorted_{}", numbers.next()));
                items.push(Expr::Column(column.clone()).alias(name.name()));
                added.insert(column, name);
            }
        }
    }
    if added.is_empty() {
        return Ok(sort);
    }
    sort.input =
        Arc::new(LogicalPlan::Projection(Projection::try_new(items, Arc::clone(&projection.input))?));
    let renamed = LogicalPlan::Sort(sort).map_subqueries(|plan| renamed(plan, &added))?;
    match renamed.data {
        LogicalPlan::Sort(sort) => Ok(sort),
        other => datafusion::common::plan_err!("a sort became {}", other.display()),
    }
}

fn subqueries_of(sort: &Sort) -> Result<Vec<LogicalPlan>> {
    let mut found = Vec::new();
    for key in &sort.expr {
        key.expr.apply(|part| {
            found.extend(subquery_in(part).cloned());
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(found)
}

fn has_own(subquery: &LogicalPlan, column: &Column) -> Result<bool> {
    let mut found = false;
    subquery.apply_with_subqueries(|node| {
        found |= node.schema().has_column(column);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// A subquery that refers to the columns by their names.
fn renamed(plan: LogicalPlan, names: &HashMap<Column, Column>) -> Result<Transformed<LogicalPlan>> {
    plan.transform_down_with_subqueries(|node| {
        node.map_expressions(|expr| {
            expr.transform_up(|part| {
                Ok(match part {
                    Expr::OuterReferenceColumn(field, column) => match names.get(&column) {
                        Some(name) => Transformed::yes(Expr::OuterReferenceColumn(field, name.clone())),
                        None => Transformed::no(Expr::OuterReferenceColumn(field, column)),
                    },
                    other => Transformed::no(other),
                })
            })
        })
    })
}
