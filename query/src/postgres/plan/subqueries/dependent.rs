//! Subqueries of any form, computed for all outer rows at once.
//!
//! ```text
//!   S refers to t.a    ──▶    S′ = S over  inputs × (SELECT DISTINCT a FROM t),   joined to t on a
//! ```
//!
//! An operator of the subquery does its work in S′ for each value of the outer columns: an aggregate groups
//! by them, a window is partitioned by them, a limit counts rows for each of them. (T. Neumann, A. Kemper:
//! Unnesting Arbitrary Queries, 2015.)
//!
//! 1. An operator without a reference below it is computed once, and put beside each value.
//! 2. An aggregate without groups answers a row for a value that has none, as it does for no rows.

use std::sync::Arc;

use datafusion::{
    common::{Column, Result, plan_err},
    functions_window::row_number::row_number,
    logical_expr::{
        Aggregate, Distinct, DistinctOn, Expr, ExprFunctionExt, ExprSchemable, Filter, JoinType, Limit,
        LogicalPlan, LogicalPlanBuilder, Projection, Sort, SortExpr, SubqueryAlias, Union, Window, cast,
        expr::WindowFunction, expr_rewriter::NamePreserver, lit, utils::enumerate_grouping_sets, when,
    },
};
use datafusion::{
    common::{
        ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::GroupingSet,
};

use super::{
    domain::{Dependent, Domain},
    joined::equal_outer,
    rows_of_values,
};
use crate::postgres::exprs::has;

impl Domain<'_> {
    /// The rows of `plan` for each of the values.
    pub(super) fn apply(&mut self, plan: &LogicalPlan) -> Result<Dependent> {
        if !self.is_in(plan)? {
            return self.beside(plan);
        }
        match plan {
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::Filter(filter) => {
                let input = self.apply(&filter.input)?;
                let predicate = self.seen(filter.predicate.clone(), &input.outer)?;
                let plan = Filter::try_new(predicate, Arc::new(input.plan.clone()))?;
                Ok(input.with(LogicalPlan::Filter(plan)))
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let input = self.apply(&alias.input)?;
                let named = |column: &Column| Column::new(Some(alias.alias.clone()), column.name());
                let outer = input.outer.iter().map(named).collect();
                let plan = SubqueryAlias::try_new(Arc::new(input.plan), alias.alias.clone())?;
                Ok(Dependent { plan: LogicalPlan::SubqueryAlias(plan), outer })
            }
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
                let input = self.apply(&sort.input)?;
                let expr = self.seen_sorts(&sort.expr, &input.outer)?;
                let plan = Sort { expr, input: Arc::new(input.plan.clone()), fetch: None };
                Ok(input.with(LogicalPlan::Sort(plan)))
            }
            LogicalPlan::Limit(limit) => self.limit(limit),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Window(window) => self.window(window),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let input = self.apply(input)?;
                let plan = LogicalPlan::Distinct(Distinct::All(Arc::new(input.plan.clone())));
                Ok(input.with(plan))
            }
            LogicalPlan::Distinct(Distinct::On(on)) => self.distinct_on(on),
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Unnest(unnest) => {
                let input = self.apply(&unnest.input)?;
                let (columns, options) = (unnest.exec_columns.clone(), unnest.options.clone());
                let plan = LogicalPlanBuilder::from(input.plan.clone());
                let plan = plan.unnest_columns_with_options(columns, options)?.build()?;
                Ok(input.with(plan))
            }
            LogicalPlan::Subquery(lateral) => self.apply(&lateral.subquery),
            LogicalPlan::Values(values) => self.apply(&rows_of_values(values.clone())?),
            other => plan_err!("a correlated subquery with {} in it", other.display()),
        }
    }

    fn seen_sorts(&self, sorts: &[SortExpr], outer: &[Column]) -> Result<Vec<SortExpr>> {
        let seen = sorts.iter().cloned().map(|mut sort| {
            sort.expr = self.seen(sort.expr, outer)?;
            Ok(sort)
        });
        seen.collect()
    }

    /// Expressions that make columns, under the names that they had.
    fn seen_items(&self, items: &[Expr], outer: &[Column]) -> Result<Vec<Expr>> {
        let names = NamePreserver::new_for_projection();
        let seen = items.iter().map(|item| {
            let name = names.save(item);
            Ok(name.restore(self.seen(item.clone(), outer)?))
        });
        seen.collect()
    }

    fn projection(&mut self, projection: &Projection) -> Result<Dependent> {
        let input = self.apply(&projection.input)?;
        let mut items = self.seen_items(&projection.expr, &input.outer)?;
        items.extend(input.outer_exprs());
        let plan = Projection::try_new(items, Arc::new(input.plan.clone()))?;
        Ok(input.with(LogicalPlan::Projection(plan)))
    }

    fn distinct_on(&mut self, on: &DistinctOn) -> Result<Dependent> {
        let input = self.apply(&on.input)?;
        let mut keys: Vec<Expr> = input.outer_exprs().collect();
        let mut order: Vec<SortExpr> = keys.iter().map(|key| key.clone().sort(true, false)).collect();
        for key in &on.on_expr {
            keys.push(self.seen(key.clone(), &input.outer)?);
        }
        let mut items = self.seen_items(&on.select_expr, &input.outer)?;
        items.extend(input.outer_exprs());
        let order = match &on.sort_expr {
            Some(sorts) => {
                order.extend(self.seen_sorts(sorts, &input.outer)?);
                Some(order)
            }
            None => None,
        };
        let plan = DistinctOn::try_new(keys, items, order, Arc::new(input.plan.clone()))?;
        Ok(input.with(LogicalPlan::Distinct(Distinct::On(plan))))
    }

    fn window(&mut self, window: &Window) -> Result<Dependent> {
        let input = self.apply(&window.input)?;
        let names = NamePreserver::new_for_projection();
        let exprs = window.window_expr.iter().map(|expr| {
            let name = names.save(expr);
            let seen = self.seen(expr.clone(), &input.outer)?.transform_up(|expr| {
                let Expr::WindowFunction(mut function) = expr else { return Ok(Transformed::no(expr)) };
                partition(&mut function, &input);
                Ok(Transformed::yes(Expr::WindowFunction(function)))
            })?;
            Ok(name.restore(seen.data))
        });
        let exprs = exprs.collect::<Result<Vec<_>>>()?;
        let plan = Window::try_new(exprs, Arc::new(input.plan.clone()))?;
        Ok(input.with(LogicalPlan::Window(plan)))
    }

    /// The first rows for each of the values: rows are numbered in the order that the limit goes by.
    fn limit(&mut self, limit: &Limit) -> Result<Dependent> {
        let below = |input: &Arc<LogicalPlan>| {
            Arc::new(LogicalPlan::Limit(Limit { input: Arc::clone(input), ..limit.clone() }))
        };
        // The order is that of a sort which may stand under what it was computed for.
        let (order, input) = match limit.input.as_ref() {
            LogicalPlan::Projection(projection) if !projection.expr.iter().any(Expr::is_volatile) => {
                let (items, schema) = (projection.expr.clone(), Arc::clone(&projection.schema));
                let plan = Projection::try_new_with_schema(items, below(&projection.input), schema)?;
                return self.apply(&LogicalPlan::Projection(plan));
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let plan = SubqueryAlias::try_new(below(&alias.input), alias.alias.clone())?;
                return self.apply(&LogicalPlan::SubqueryAlias(plan));
            }
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => (sort.expr.clone(), &sort.input),
            _ => (Vec::new(), &limit.input),
        };
        let input = self.apply(input)?;
        let columns: Vec<Expr> = input.plan.schema().columns().into_iter().map(Expr::Column).collect();
        let name = format!("__row_{}", self.numbers.next());
        let mut number = row_number().partition_by(input.outer_exprs().collect());
        if !order.is_empty() {
            number = number.order_by(self.seen_sorts(&order, &input.outer)?);
        }
        let number = number.build()?.alias(&name);
        let numbered = Window::try_new(vec![number], Arc::new(input.plan.clone()))?;
        let number = Expr::Column(Column::new_unqualified(name));
        let bigint = |expr: &Expr| cast(expr.clone(), arrow::datatypes::DataType::Int64);
        let skipped = match &limit.skip {
            Some(skip) => {
                let skip = bigint(skip);
                when(skip.clone().is_null(), lit(0_i64)).otherwise(skip)?
            }
            None => lit(0_i64),
        };
        let mut is_kept = number.clone().gt(skipped.clone());
        if let Some(fetch) = &limit.fetch {
            let fetch = bigint(fetch);
            is_kept = is_kept.and(fetch.clone().is_null().or((number - skipped).lt_eq(fetch)));
        }
        let kept = Filter::try_new(is_kept, Arc::new(LogicalPlan::Window(numbered)))?;
        let plan = Projection::try_new(columns, Arc::new(LogicalPlan::Filter(kept)))?;
        Ok(input.with(LogicalPlan::Projection(plan)))
    }

    /// The branches, each with the values behind its own columns.
    fn union(&mut self, union: &Union) -> Result<Dependent> {
        let number = self.numbers.next();
        let outer: Vec<Column> = (0..self.columns.len())
            .map(|index| Column::new_unqualified(format!("__outer_{number}_{index}")))
            .collect();
        let mut branches = Vec::with_capacity(union.inputs.len());
        for branch in &union.inputs {
            let branch_columns = branch.schema().columns();
            let input = self.apply(branch)?;
            let own = branch_columns.into_iter().enumerate();
            let own =
                own.map(|(index, column)| Expr::Column(column).alias(format!("__item_{number}_{index}")));
            let values = input.outer_exprs().zip(&outer).map(|(expr, name)| expr.alias(name.name()));
            let items: Vec<Expr> = own.chain(values).collect();
            branches.push(Arc::new(LogicalPlanBuilder::from(input.plan).project(items)?.build()?));
        }
        let plan = LogicalPlan::Union(Union::try_new_with_loose_types(branches)?);
        let names = union.schema.columns().into_iter().enumerate().map(|(index, old)| {
            let item = Expr::Column(Column::new_unqualified(format!("__item_{number}_{index}")));
            item.alias_qualified(old.relation, old.name)
        });
        let items: Vec<Expr> = names.chain(outer.iter().cloned().map(Expr::Column)).collect();
        let plan = Projection::try_new(items, Arc::new(plan))?;
        Ok(Dependent { plan: LogicalPlan::Projection(plan), outer })
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Dependent> {
        let input = self.apply(&aggregate.input)?;
        let keys: Vec<Expr> = input.outer_exprs().collect();
        let groups = enumerate_grouping_sets(aggregate.group_expr.clone())?;
        let (groups, answers_nothing) = match groups.as_slice() {
            [] => (keys, true),
            [Expr::GroupingSet(sets)] => {
                let sets = sets_of(sets)?;
                let empty = sets.iter().filter(|set| set.is_empty()).count();
                let asks = |expr: &Expr| {
                    has(
                        expr,
                        |part| matches!(part, Expr::AggregateFunction(f) if f.func.name() == "grouping"),
                    )
                };
                if empty > 1 || (empty == 1 && aggregate.aggr_expr.iter().any(asks)) {
                    return plan_err!("a correlated subquery with these grouping sets");
                }
                let sets = sets.into_iter().map(|set| {
                    Ok(keys.iter().cloned().chain(self.seen_items(&set, &input.outer)?).collect())
                });
                let sets = sets.collect::<Result<Vec<Vec<Expr>>>>()?;
                (vec![Expr::GroupingSet(GroupingSet::GroupingSets(sets))], empty == 1)
            }
            plain => {
                let own = self.seen_items(plain, &input.outer)?;
                (keys.into_iter().chain(own).collect(), false)
            }
        };
        let computed = self.seen_items(&aggregate.aggr_expr, &input.outer)?;
        let plan = Aggregate::try_new(Arc::new(input.plan.clone()), groups, computed)?;
        let grouped = input.with(LogicalPlan::Aggregate(plan));
        if answers_nothing { self.with_rows_of_nothing(aggregate, grouped) } else { Ok(grouped) }
    }

    /// Adds the row that an aggregate answers for no rows, for each value that has none.
    fn with_rows_of_nothing(&mut self, aggregate: &Aggregate, grouped: Dependent) -> Result<Dependent> {
        let all = self.instance()?;
        if all.outer.is_empty() {
            return Ok(grouped);
        }
        let is_same = equal_outer(&all, &grouped)?;
        let joined = LogicalPlanBuilder::from(all.plan.clone())
            .join_on(grouped.plan.clone(), JoinType::Left, is_same)?
            .build()?;
        let columns = aggregate.schema.columns();
        let first = columns.len() - aggregate.aggr_expr.len();
        let mut items = Vec::with_capacity(columns.len() + all.outer.len());
        for (index, column) in columns.into_iter().enumerate() {
            let item = Expr::Column(column.clone());
            let function = index.checked_sub(first).and_then(|index| aggregate.aggr_expr.get(index));
            let of_nothing = match function.cloned().map(Expr::unalias) {
                Some(Expr::AggregateFunction(function)) => {
                    function.func.default_value(&item.get_type(grouped.plan.schema())?)?
                }
                _ => ScalarValue::Null,
            };
            items.push(if of_nothing.is_null() {
                item
            } else {
                let value = when(item.clone().is_null(), lit(of_nothing)).otherwise(item)?;
                value.alias_qualified(column.relation, column.name)
            });
        }
        items.extend(all.outer_exprs());
        let plan = Projection::try_new(items, Arc::new(joined))?;
        Ok(all.with(LogicalPlan::Projection(plan)))
    }
}

fn partition(function: &mut WindowFunction, input: &Dependent) {
    let own = std::mem::take(&mut function.params.partition_by);
    function.params.partition_by = input.outer_exprs().chain(own).collect();
}

/// The sets of keys that grouping sets stand for.
fn sets_of(sets: &GroupingSet) -> Result<Vec<Vec<Expr>>> {
    Ok(match sets {
        GroupingSet::GroupingSets(sets) => sets.clone(),
        GroupingSet::Rollup(keys) => (0..=keys.len()).rev().map(|count| keys[..count].to_vec()).collect(),
        GroupingSet::Cube(keys) if keys.len() < 12 => {
            let chosen = |set: usize| keys.iter().enumerate().filter(move |(bit, _)| set >> bit & 1 == 1);
            (0..1_usize << keys.len()).map(|set| chosen(set).map(|(_, key)| key.clone()).collect()).collect()
        }
        GroupingSet::Cube(_) => return plan_err!("a correlated subquery with this CUBE"),
    })
}
