//! `INSERT`.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    common::{DFSchema, DFSchemaRef},
    logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, lit},
    scalar::ScalarValue,
};
use sqlparser::ast::{self, SetExpr};

use super::{RowWriter, WriteTarget, literals};
use crate::{
    catalog::ColumnDef,
    define::planned_defaults,
    error::{Error, Result, SqlState},
    execution::stream,
    moment::Reader,
    parse::{self, Insert, InsertSource, is_default},
    plan::Names,
    postgres::{exprs::is_open_text, functions::operand_of_cast},
    statement::{Context, Outcome, Work, WriteOutcome, bind},
    types::{ColumnType, casts::check_assignment},
};

/// `INSERT INTO t …`.
pub(super) async fn insert(context: &mut Context<'_>, work: &Work, insert: &Insert) -> Result<WriteOutcome> {
    let target = WriteTarget::find(context, work, &insert.table).await?;
    let literals = literals::rows(&target, insert, context.parameters, context.zone())?;
    let rows = if let Some(rows) = literals {
        rows
    } else {
        let plan = plan_insert(context, work, &target, insert).await?;
        stream(&context.state, &plan).await?
    };
    let mut writer = RowWriter::new(context, work, &target)?;
    let count = writer.insert_all(rows, &[]).await?;
    Ok(WriteOutcome::new(Outcome::wrote("INSERT 0", count), vec![target.path.to_string()]))
}

/// The query whose columns are those of the table, in its order.
pub(crate) async fn plan_insert(
    context: &mut Context<'_>,
    work: &Work,
    target: &WriteTarget,
    insert: &Insert,
) -> Result<LogicalPlan> {
    let columns = target_columns(target, &insert.columns)?;
    let default = context.latest(Reader::of_transaction(&work.transaction)).await?;
    let resolution = context.resolve(default).await?;
    let names = context.names(&resolution);
    let source = match &insert.source {
        InsertSource::Defaults => None,
        InsertSource::Values(rows) => {
            let rows = fill_defaults(target, &columns, rows)?;
            Some(plan_values(&names, target, &columns, rows, context.parameters)?)
        }
        InsertSource::Query(query) => {
            Some(names.plan_typed(ast::Statement::Query(query.clone()), None, context.parameters)?)
        }
    };
    let source = match source {
        Some(plan) => {
            let width = plan.schema().fields().len();
            // Without a list of columns a query may fill the first ones.
            if width > columns.len() || (width < columns.len() && !insert.columns.is_empty()) {
                return Err(Error::new(
                    SqlState::SyntaxError,
                    format!("INSERT has {width} values for {} columns", columns.len()),
                ));
            }
            bind(plan, context.parameters)?
        }
        None => LogicalPlanBuilder::empty(true).build()?,
    };
    let given = match insert.source {
        InsertSource::Defaults => 0,
        _ => source.schema().fields().len(),
    };
    project(context, target, &columns[..given], source)
}

/// Positions of the named columns; all of them when none are named.
pub(super) fn target_columns(target: &WriteTarget, names: &[String]) -> Result<Vec<usize>> {
    if names.is_empty() {
        return Ok((0..target.table.columns.len()).collect());
    }
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let index = column(target, name)?;
        if columns.contains(&index) {
            return Err(Error::duplicate_column(name));
        }
        columns.push(index);
    }
    Ok(columns)
}

/// Position of a column by name.
pub(super) fn column(target: &WriteTarget, name: &str) -> Result<usize> {
    target
        .table
        .column_index(name)
        .ok_or_else(|| Error::no_column(name, target.table.columns.iter().map(|column| column.name.as_str())))
}

/// Puts the columns' defaults where `DEFAULT` is written.
fn fill_defaults(
    target: &WriteTarget,
    columns: &[usize],
    rows: &[Vec<ast::Expr>],
) -> Result<Vec<Vec<ast::Expr>>> {
    let width = rows.first().map_or(0, Vec::len);
    rows.iter()
        .map(|row| {
            if row.len() != width {
                return Err(Error::new(
                    SqlState::SyntaxError,
                    format!("VALUES lists must all be the same length, not {width} and {}", row.len()),
                ));
            }
            row.iter()
                .enumerate()
                .map(|(index, value)| {
                    if !is_default(value) {
                        return Ok(value.clone());
                    }
                    let column = columns.get(index).map(|&column| &target.table.columns[column]);
                    match column.and_then(|column| column.default.as_deref()) {
                        Some(text) => parse::parse_expression(text),
                        None => Ok(ast::Expr::value(ast::Value::Null)),
                    }
                })
                .collect()
        })
        .collect()
}

/// Plans `VALUES` with the types of the columns, so that every row is read as its column is.
fn plan_values(
    names: &Names,
    target: &WriteTarget,
    columns: &[usize],
    rows: Vec<Vec<ast::Expr>>,
    parameters: &[ScalarValue],
) -> Result<LogicalPlan> {
    let width = rows.first().map_or(0, Vec::len);
    if width > columns.len() {
        return Err(Error::new(
            SqlState::SyntaxError,
            format!("INSERT has {width} values for {} columns", columns.len()),
        ));
    }
    let all = target.table.nullable_schema();
    let fields = columns[..width].iter().map(|&index| Arc::clone(&all.fields()[index])).collect();
    let schema = DFSchema::from_unqualified_fields(fields, HashMap::new())?;
    let types = columns[..width].iter().map(|&index| &target.table.columns[index]);
    let types: Vec<&ColumnDef> = types.collect();
    let casts: Vec<Vec<bool>> = rows
        .iter()
        .map(|row| row.iter().zip(&types).map(|(value, column)| is_cast_to(value, column)).collect())
        .collect();
    let rows = rows.into_iter().map(ast::Parens::with_empty_span).collect();
    let body = ast::Values { explicit_row: false, value_keyword: false, rows };
    let query = ast::Query {
        with: None,
        body: Box::new(SetExpr::Values(body)),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    };
    let statement = ast::Statement::Query(Box::new(query));
    let plan = names.plan_typed(statement, Some(DFSchemaRef::new(schema)), parameters);
    let plan = plan.map_err(|error| {
        let error = Error::from(error);
        if error.state() != SqlState::CannotCoerce || casts.iter().flatten().any(|is_cast| *is_cast) {
            return error;
        }
        // No cast was written: the value is not of its column's type.
        let hint = error.hint().unwrap_or_default().to_owned();
        Error::type_mismatch(error.message()).with_hint(hint)
    })?;
    check_values(&plan, &casts, &types)?;
    Ok(plan)
}

/// Whether a value is written as a cast to the type of its column.
fn is_cast_to(value: &ast::Expr, column: &ColumnDef) -> bool {
    match value {
        ast::Expr::Cast { data_type, .. } => {
            ColumnType::from_sql(data_type).is_ok_and(|written| written.arrow() == column.column_type.arrow())
        }
        ast::Expr::Nested(inner) => is_cast_to(inner, column),
        _ => false,
    }
}

/// Fails for values that only a written cast makes values of their columns: the planner has put casts around
/// all.
fn check_values(plan: &LogicalPlan, casts: &[Vec<bool>], columns: &[&ColumnDef]) -> Result<()> {
    for ((row, schema), casts) in rows_of(plan).into_iter().zip(casts) {
        for ((value, is_cast), column) in row.iter().zip(casts).zip(columns) {
            let assigned = operand_of_cast(value).filter(|assigned| !is_cast && !is_open_text(assigned));
            if let Some(assigned) = assigned
                && let Ok(from) = assigned.get_type(&schema)
            {
                check_assignment(&from, &column.name, column.column_type)?;
            }
        }
    }
    Ok(())
}

/// The rows of `VALUES`, and the columns that their expressions can name: rows with subqueries are queries of
/// their own.
fn rows_of(plan: &LogicalPlan) -> Vec<(&[Expr], DFSchemaRef)> {
    match plan {
        LogicalPlan::Values(values) => {
            let schema = DFSchemaRef::new(DFSchema::empty());
            values.values.iter().map(|row| (row.as_slice(), Arc::clone(&schema))).collect()
        }
        LogicalPlan::Projection(row) => vec![(row.expr.as_slice(), Arc::clone(row.input.schema()))],
        LogicalPlan::Union(union) => union.inputs.iter().flat_map(|input| rows_of(input)).collect(),
        _ => Vec::new(),
    }
}

/// Expression for a column that is not given.
pub(super) fn default_or_null(defaults: &HashMap<String, Expr>, column: &ColumnDef) -> Result<Expr> {
    match defaults.get(&column.name) {
        Some(default) => Ok(default.clone()),
        None => Ok(lit(ScalarValue::Null).cast_to(&column.column_type.arrow(), &DFSchema::empty())?),
    }
}

/// Puts the columns of `source` where they belong, with defaults for the others, all with the types of the
/// table.
pub(super) fn project(
    context: &Context<'_>,
    target: &WriteTarget,
    given: &[usize],
    source: LogicalPlan,
) -> Result<LogicalPlan> {
    let defaults = planned_defaults(context, &target.table)?;
    let mut exprs = Vec::with_capacity(target.table.columns.len());
    for (index, column) in target.table.columns.iter().enumerate() {
        let expr = match given.iter().position(|&position| position == index) {
            Some(position) => super::assigned_to(&source, position, column)?,
            None => default_or_null(&defaults, column)?,
        };
        exprs.push(expr.alias(&column.name));
    }
    super::assigned(source, exprs)
}
