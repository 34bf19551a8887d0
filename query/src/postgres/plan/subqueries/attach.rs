//! Puts the answers of subqueries beside the rows that ask.

use std::collections::HashMap;

use datafusion::{
    common::{Column, NullEquality, Result, ScalarValue},
    functions_aggregate::{count::count_udaf, first_last::first_value_udaf, min_max::max_udaf},
    functions_window::row_number::row_number,
    logical_expr::{
        Aggregate, Expr, ExprFunctionExt, JoinType, LogicalPlan, LogicalPlanBuilder, Subquery, binary_expr,
        expr::{SetComparison, SetQuantifier},
        lit, when,
    },
};

use super::{
    NameCounter, column,
    inner::{Answer, Inner, substitute},
    plain::outer_refs,
};
use crate::postgres::functions::only_row;

/// The input of a node on its way: each subquery adds a column to it.
pub(super) struct Attached<'n> {
    pub input: LogicalPlan,
    /// The input as it was.
    asking: LogicalPlan,
    pub numbers: &'n mut NameCounter,
}

/// Whether a plan that refers to nothing outside has rows.
pub(super) fn has_rows(plan: LogicalPlan) -> Result<Expr> {
    let count = count_udaf().call(vec![lit(1_i64)]).alias("rows");
    let plan = LogicalPlanBuilder::from(plan)
        .limit(0, Some(1))?
        .aggregate(Vec::<Expr>::new(), vec![count])?
        .project(vec![Expr::Column(Column::new_unqualified("rows")).gt(lit(0_i64)).alias("exists")])?
        .build()?;
    let subquery = Subquery {
        subquery: plan.into(),
        outer_ref_columns: Vec::new(),
        spans: datafusion::common::Spans::new(),
    };
    Ok(Expr::ScalarSubquery(subquery))
}

impl<'n> Attached<'n> {
    pub(super) fn new(input: LogicalPlan, numbers: &'n mut NameCounter) -> Self {
        Self { asking: input.clone(), input, numbers }
    }

    /// A subquery taken apart; `None` also where it refers to more than the rows of the input.
    fn answer_of<'p>(&self, subquery: &'p LogicalPlan) -> Result<Option<Answer<'p>>> {
        let asking = self.asking.schema();
        let is_near = outer_refs(subquery)?.iter().all(|column| asking.has_column(column));
        if is_near { Answer::of(subquery) } else { Ok(None) }
    }

    /// The rows of a subquery and the expression that it answers with.
    pub(super) fn rows_of(&mut self, subquery: &LogicalPlan) -> Result<(Inner, Expr)> {
        if let Some(answer) = self.answer_of(subquery)?.filter(|answer| !answer.first)
            && let Some(inner) = Inner::new(answer.below, self.numbers.next())?
        {
            let value = inner.seen(answer.value)?;
            return Ok((inner, value));
        }
        self.rows_for_each(subquery)
    }

    fn rows_for_each(&mut self, subquery: &LogicalPlan) -> Result<(Inner, Expr)> {
        let inner = Inner::for_each(subquery, &self.asking, self.numbers)?;
        let value = inner.seen(Answer::whole(subquery)?.value)?;
        Ok((inner, value))
    }

    /// A column that says whether a subquery has rows for the outer one.
    pub(super) fn exists(&mut self, subquery: &LogicalPlan) -> Result<Expr> {
        let inner = self.partners(subquery)?;
        let conditions = inner.conditions.clone();
        self.mark(&inner, conditions)
    }

    /// The rows of a subquery, of which it matters only that they are there.
    pub(super) fn partners(&mut self, subquery: &LogicalPlan) -> Result<Inner> {
        // It does not matter which is the first.
        let inner = match self.answer_of(subquery)? {
            Some(answer) => Inner::new(answer.below, self.numbers.next())?,
            None => None,
        };
        match inner {
            Some(inner) => Ok(inner),
            None => Ok(self.rows_for_each(subquery)?.0),
        }
    }

    pub(super) fn mark(&mut self, inner: &Inner, conditions: Vec<Expr>) -> Result<Expr> {
        // The column is named after the only table on the right.
        let alias = format!("__exists_{}", self.numbers.next());
        let names = inner.plan.schema().columns().into_iter();
        let names: HashMap<Column, Expr> =
            names.map(|old| (old.clone(), Expr::Column(column(&alias, old.name)))).collect();
        let conditions: Vec<Expr> =
            conditions.into_iter().map(|condition| substitute(condition, &names)).collect::<Result<_>>()?;
        let right = LogicalPlanBuilder::from(inner.plan.clone()).alias(alias.as_str())?.build()?;
        self.join(right, JoinType::LeftMark, conditions)?;
        Ok(Expr::Column(column(&alias, "mark")))
    }

    pub(super) fn join(
        &mut self,
        right: LogicalPlan,
        join_type: JoinType,
        conditions: Vec<Expr>,
    ) -> Result<()> {
        let input = std::mem::take(&mut self.input);
        let condition = conditions.into_iter().reduce(Expr::and).unwrap_or_else(|| lit(true));
        let none = || Vec::<Column>::new();
        self.input = LogicalPlanBuilder::from(input)
            .join_detailed(
                right,
                join_type,
                (none(), none()),
                Some(condition),
                NullEquality::NullEqualsNothing,
            )?
            .build()?;
        Ok(())
    }

    /// `expr op ANY (subquery)` and `expr op ALL (subquery)`.
    pub(super) fn compares(&mut self, compared: &SetComparison) -> Result<Expr> {
        let SetComparison { expr, subquery, op, quantifier } = compared;
        let (inner, value) = self.rows_of(&subquery.subquery)?;
        let holds = binary_expr(expr.as_ref().clone(), *op, value);
        let (decides, decided) = match quantifier {
            SetQuantifier::Any => (holds.clone(), true),
            SetQuantifier::All => (Expr::Not(Box::new(holds.clone())), false),
        };
        let with = |condition: Expr| inner.conditions.iter().cloned().chain([condition]).collect::<Vec<_>>();
        let certain = self.mark(&inner, with(decides))?;
        let unknown = self.mark(&inner, with(holds.is_null()))?;
        let null = Expr::Literal(ScalarValue::Boolean(None), None);
        when(certain, lit(decided)).when(unknown, null).otherwise(lit(!decided))
    }

    /// The one value that a subquery answers for the outer row.
    pub(super) fn value(&mut self, subquery: &LogicalPlan) -> Result<Expr> {
        let answer = self.answer_of(subquery)?;
        if let Some(answer) = &answer {
            let inner = match answer.below {
                LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => {
                    match self.aggregated(answer, aggregate)? {
                        Some(value) => return Ok(value),
                        None => None,
                    }
                }
                below => Inner::new(below, self.numbers.next())?,
            };
            if let Some(inner) = inner {
                return self.single(answer, &inner);
            }
        }
        let inner = Inner::for_each(subquery, &self.asking, self.numbers)?;
        self.single(&Answer::whole(subquery)?, &inner)
    }

    /// A value over aggregates: they run over the subquery's rows of each outer row.
    fn aggregated(&mut self, answer: &Answer<'_>, aggregate: &Aggregate) -> Result<Option<Expr>> {
        let number = self.numbers.next();
        let Some(inner) = Inner::new(&aggregate.input, number)? else {
            return Ok(None);
        };
        let mut aggregates = Vec::with_capacity(aggregate.aggr_expr.len());
        let mut names = HashMap::new();
        for (index, (old, expr)) in
            aggregate.schema.columns().into_iter().zip(&aggregate.aggr_expr).enumerate()
        {
            let Expr::AggregateFunction(mut function) = inner.seen(expr.clone().unalias())? else {
                return Ok(None);
            };
            let filter = match function.params.filter.take() {
                Some(filter) => inner.present.clone().and(*filter),
                None => inner.present.clone(),
            };
            function.params.filter = Some(Box::new(filter));
            let name = format!("__value_{number}_{index}");
            aggregates.push(Expr::AggregateFunction(function).alias(&name));
            names.insert(old, Expr::Column(Column::new_unqualified(name)));
        }
        let value = substitute(inner.seen(answer.value.clone())?, &names)?;
        self.group(&inner, number, aggregates)?;
        Ok(Some(value))
    }

    /// A value of the only row, or of the first one.
    fn single(&mut self, answer: &Answer<'_>, inner: &Inner) -> Result<Expr> {
        let number = self.numbers.next();
        let value = inner.seen(answer.value.clone())?;
        let mut order = answer.order.clone();
        for sort in &mut order {
            sort.expr = inner.seen(std::mem::take(&mut sort.expr))?;
        }
        let first = first_value_udaf().call(vec![value.clone()]).filter(inner.present.clone());
        let first = if answer.first && !order.is_empty() { first.order_by(order) } else { first }.build()?;
        // NULL is a row of its own among distinct ones, and not counted.
        let is_null = when(value.clone().is_null(), lit(1_i64)).otherwise(lit(0_i64))?;
        let nulls = max_udaf().call(vec![is_null]).filter(inner.present.clone()).build()?;
        let counted = if answer.distinct { value } else { inner.present.clone() };
        let count = count_udaf().call(vec![counted]).filter(inner.present.clone());
        let count = if answer.distinct { count.distinct() } else { count }.build()?;
        let (first_name, count_name) = (format!("__value_{number}"), format!("__rows_{number}"));
        let nulls_name = format!("__nulls_{number}");
        let mut aggregates = vec![first.alias(&first_name), count.alias(&count_name)];
        if answer.distinct {
            aggregates.push(nulls.alias(&nulls_name));
        }
        self.group(inner, number, aggregates)?;
        let first = Expr::Column(Column::new_unqualified(first_name));
        if answer.first {
            return Ok(first);
        }
        let mut rows = Expr::Column(Column::new_unqualified(count_name));
        if answer.distinct {
            let nulls = Expr::Column(Column::new_unqualified(nulls_name));
            rows = rows + when(nulls.clone().is_null(), lit(0_i64)).otherwise(nulls)?;
        }
        Ok(only_row().call(vec![first, rows]))
    }

    /// Joins the subquery's rows to the input and computes `aggregates` for each row of it.
    fn group(&mut self, inner: &Inner, number: usize, aggregates: Vec<Expr>) -> Result<()> {
        let row = format!("__row_{number}");
        let columns = self.input.schema().columns();
        let input = std::mem::take(&mut self.input);
        self.input = LogicalPlanBuilder::from(input).window(vec![row_number().alias(&row)])?.build()?;
        self.join(inner.plan.clone(), JoinType::Left, inner.conditions.clone())?;
        let joined = std::mem::take(&mut self.input);
        let keys = std::iter::once(Column::new_unqualified(row)).chain(columns).map(Expr::Column);
        let keys: Vec<Expr> = keys.collect();
        self.input = LogicalPlanBuilder::from(joined).aggregate(keys, aggregates)?.build()?;
        Ok(())
    }
}
