//! Numbers as Postgres has them, where DataFusion differs.
//!
//! | | DataFusion | here |
//! |---|---|---|
//! | `DOUBLE` beside `DECIMAL` | both become `DECIMAL(30, 15)` and lose digits | both become `DOUBLE` |
//! | a cast to an integer type | cuts off the fraction | rounds: decimals half away from zero, doubles half to even |
//! | `+`, `-`, `*` out of range | wrap | 22003 |
//! | `sum(BIGINT)` out of range | wraps | is a `DECIMAL(38, 0)`; sums of wide decimals have 76 digits |
//! | `1 / 3.0`, `avg(DECIMAL)` | four more digits, cut off | 16 digits behind the point, where there is room |
//! | a double divided by zero | infinity | 22012 |
//!
//! Times meet texts, dates and intervals in the same pass ([`meet_at_time`]).
//!
//! [`meet_at_float`] runs when a statement is planned, so that the types of its columns are right, and again as the
//! first analyzer rule, when parameters are bound. [`Checked`] runs last, when the types of all operands agree.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{
        DFSchema, DFSchemaRef, Result, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{
        Between, BinaryExpr, Case, Cast, Expr, ExprSchemable, Join, LogicalPlan, LogicalPlanBuilder,
        Operator, Subquery, TryCast, Union, Values,
        expr::{InList, InSubquery, ScalarFunction, WindowFunctionDefinition},
        expr_rewriter::NamePreserver,
        utils::merge_schema,
    },
    optimizer::AnalyzerRule,
};

use super::guards::guard_divisions;
use super::{
    texts::{read_beside, text_cast},
    times::meet_at_time,
};
use crate::functions::{ROUND_HALF_EVEN, checked_arithmetic, round_half_even};

/// What the sum of `BIGINT`s counts in: sums of it are a `DECIMAL(38, 0)`.
const SUM_OF_BIGINT: DataType = DataType::Decimal128(28, 0);

/// Digits behind the point of quotients and averages of decimals, where there is room for them.
const FRACTION_DIGITS: i8 = 16;

/// Digits behind the point that DataFusion gives a quotient or an average beyond those of the dividend.
const DIGITS_ADDED: i8 = 4;

/// Functions whose answer is one of their arguments.
const CHOOSING: &[&str] = &["coalesce", "nullif", "nvl", "ifnull", "nvl2", "greatest", "least", "make_array"];

/// [`meet_at_float`] as a rule.
#[derive(Debug)]
pub(super) struct FloatsMeet;

impl AnalyzerRule for FloatsMeet {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        meet_at_float(plan)
    }

    fn name(&self) -> &'static str {
        "floats_meet"
    }
}

/// Makes a `DOUBLE` of every `DECIMAL` that meets one, and casts round.
pub(super) fn meet_at_float(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        let schema = input_schema(&node)?;
        let names = NamePreserver::new(&node);
        let node = match node {
            LogicalPlan::Values(values) => Transformed::yes(LogicalPlan::Values(meet_in_values(values)?)),
            node => Transformed::no(node),
        };
        let node = node.transform_data(|node| {
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                let expr = expr.transform_up(|expr| meet(expr, &schema))?;
                Ok(expr.update_data(|expr| name.restore(expr)))
            })
        })?;
        node.transform_data(|node| match node {
            LogicalPlan::Union(union) => meet_in_union(union),
            LogicalPlan::Join(join) => Ok(meet_in_join(join)),
            node => Ok(Transformed::no(node)),
        })?
        .map_data(LogicalPlan::recompute_schema)
    })?;
    Ok(plan.data)
}

pub(super) fn input_schema(node: &LogicalPlan) -> Result<DFSchema> {
    let mut schema = merge_schema(&node.inputs());
    if let LogicalPlan::TableScan(scan) = node {
        let source = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?;
        schema.merge(&source);
    }
    Ok(schema)
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

pub(super) fn type_of(expr: &Expr, schema: &DFSchema) -> DataType {
    // What has no type yet, such as a parameter, gets one when it is bound.
    expr.get_type(schema).unwrap_or(DataType::Null)
}

/// Whether a `DOUBLE` and a `DECIMAL` are among the expressions.
fn mixed<'e>(exprs: impl IntoIterator<Item = &'e Expr>, schema: &DFSchema) -> bool {
    let (mut float, mut decimal) = (false, false);
    for expr in exprs {
        let data_type = type_of(expr, schema);
        float |= is_float(&data_type);
        decimal |= data_type.is_decimal();
    }
    float && decimal
}

/// The expression as a `DOUBLE` if it is a `DECIMAL`.
fn float(expr: Expr, schema: &DFSchema) -> Expr {
    if let Expr::Literal(value, metadata) = &expr
        && value.data_type().is_decimal()
        && let Some(value) = literal_as_float(value)
    {
        return Expr::Literal(value, metadata.clone());
    }
    if type_of(&expr, schema).is_decimal() {
        return Expr::Cast(Cast::new(Box::new(expr), DataType::Float64));
    }
    expr
}

/// The double nearest to a decimal, by its text: a cast divides, and rounds twice.
fn literal_as_float(value: &ScalarValue) -> Option<ScalarValue> {
    if value.is_null() {
        return Some(ScalarValue::Float64(None));
    }
    value.to_string().parse().ok().map(|value| ScalarValue::Float64(Some(value)))
}

fn boxed(mut expr: Box<Expr>, schema: &DFSchema) -> Box<Expr> {
    *expr = float(std::mem::take(&mut *expr), schema);
    expr
}

fn all(exprs: Vec<Expr>, schema: &DFSchema) -> Vec<Expr> {
    exprs.into_iter().map(|expr| float(expr, schema)).collect()
}

fn meet(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    read_beside(expr, schema).transform_data(|expr| meet_numbers(expr, schema))
}

fn meet_numbers(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if mixed([left.as_ref(), right.as_ref()], schema) =>
        {
            let (left, right) = (boxed(left, schema), boxed(right, schema));
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right }))
        }
        Expr::Between(Between { expr, negated, low, high })
            if mixed([expr.as_ref(), low.as_ref(), high.as_ref()], schema) =>
        {
            let (expr, low, high) = (boxed(expr, schema), boxed(low, schema), boxed(high, schema));
            Transformed::yes(Expr::Between(Between { expr, negated, low, high }))
        }
        Expr::InList(InList { expr, list, negated })
            if mixed(std::iter::once(expr.as_ref()).chain(&list), schema) =>
        {
            let (expr, list) = (boxed(expr, schema), all(list, schema));
            Transformed::yes(Expr::InList(InList { expr, list, negated }))
        }
        Expr::Case(case) => meet_in_case(case, schema),
        Expr::ScalarFunction(ScalarFunction { func, args })
            if CHOOSING.contains(&func.name()) && mixed(&args, schema) =>
        {
            Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args: all(args, schema) }))
        }
        Expr::InSubquery(within) => meet_in_subquery(within, schema)?,
        Expr::Cast(Cast { expr, field }) if text_cast(&expr, field.data_type(), schema).is_some() => {
            match text_cast(&expr, field.data_type(), schema) {
                Some(function) => Transformed::yes(function.call(vec![*expr])),
                None => Transformed::no(Expr::Cast(Cast { expr, field })),
            }
        }
        Expr::Cast(Cast { expr, field }) => {
            let data_type = field.data_type();
            if is_float(data_type)
                && let Expr::Literal(value, _) = expr.as_ref()
                && value.data_type().is_decimal()
                && let Some(value) = literal_as_float(value)
            {
                return Ok(Transformed::yes(Expr::Literal(value.cast_to(data_type)?, None)));
            }
            rounded(expr, data_type, schema).map(|expr| Expr::Cast(Cast { expr, field }))
        }
        Expr::TryCast(TryCast { expr, field }) => rounded(expr, field.data_type(), schema)
            .map(|expr| Expr::TryCast(TryCast { expr, field: Arc::clone(&field) })),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right })
            if numerator(&left, &right, schema).is_some() =>
        {
            let left = match numerator(&left, &right, schema) {
                Some(data_type) => Box::new(Expr::Cast(Cast::new(left, data_type))),
                None => left,
            };
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right }))
        }
        Expr::AggregateFunction(mut aggregate) => {
            let wider = aggregate_type(aggregate.func.name());
            let changed = wider.is_some_and(|wider| widen(&mut aggregate.params.args, schema, wider));
            Transformed::new_transformed(Expr::AggregateFunction(aggregate), changed)
        }
        Expr::WindowFunction(mut window) => {
            let wider = match &window.fun {
                WindowFunctionDefinition::AggregateUDF(function) => aggregate_type(function.name()),
                WindowFunctionDefinition::WindowUDF(_) => None,
            };
            let changed = wider.is_some_and(|wider| widen(&mut window.params.args, schema, wider));
            Transformed::new_transformed(Expr::WindowFunction(window), changed)
        }
        expr => meet_at_time(expr, schema),
    })
}

/// Gives the arguments of an aggregate a type in which it keeps its digits.
fn widen(args: &mut [Expr], schema: &DFSchema, wider: fn(&DataType) -> Option<DataType>) -> bool {
    let mut changed = false;
    for arg in args {
        if let Some(wider) = wider(&type_of(arg, schema)) {
            *arg = Expr::Cast(Cast::new(Box::new(std::mem::take(arg)), wider));
            changed = true;
        }
    }
    changed
}

fn aggregate_type(name: &str) -> Option<fn(&DataType) -> Option<DataType>> {
    match name {
        "sum" => Some(sum_type),
        "avg" => Some(average_type),
        _ => None,
    }
}

fn sum_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Int64 | DataType::UInt64 => Some(SUM_OF_BIGINT),
        // The sum of 38 digits may have more.
        DataType::Decimal128(precision, scale) if *precision > 28 => {
            Some(DataType::Decimal256(*precision, *scale))
        }
        _ => None,
    }
}

/// An average has four digits more than what it is taken of.
fn average_type(data_type: &DataType) -> Option<DataType> {
    let DataType::Decimal128(precision, scale) = *data_type else { return None };
    let more = (FRACTION_DIGITS - DIGITS_ADDED - scale).min(28 - precision as i8);
    (more > 0).then(|| DataType::Decimal128(precision + more as u8, scale + more))
}

/// The numerator of a division with enough digits behind the point.
fn numerator(left: &Expr, right: &Expr, schema: &DFSchema) -> Option<DataType> {
    let (left, right) = (type_of(left, schema), type_of(right, schema));
    if !(left.is_decimal() || right.is_decimal()) {
        return None;
    }
    let (precision, scale) = digits(&left)?;
    let (_, divisor_scale) = digits(&right)?;
    // The dividend is computed with all digits of the quotient and the divisor.
    let room = 38 - precision as i8 - DIGITS_ADDED - divisor_scale;
    let more = (FRACTION_DIGITS - DIGITS_ADDED - scale).min(room);
    (more > 0).then(|| DataType::Decimal128(precision + more as u8, scale + more))
}

/// Precision and scale of an exact number.
fn digits(data_type: &DataType) -> Option<(u8, i8)> {
    match *data_type {
        DataType::Decimal128(precision, scale) => Some((precision, scale)),
        DataType::Int8 | DataType::UInt8 => Some((3, 0)),
        DataType::Int16 | DataType::UInt16 => Some((5, 0)),
        DataType::Int32 | DataType::UInt32 => Some((10, 0)),
        DataType::Int64 | DataType::UInt64 => Some((20, 0)),
        _ => None,
    }
}

/// What is cast to an integer, rounded before.
struct Rounded {
    expr: Box<Expr>,
    changed: bool,
}

impl Rounded {
    fn map(self, cast: impl FnOnce(Box<Expr>) -> Expr) -> Transformed<Expr> {
        Transformed::new_transformed(cast(self.expr), self.changed)
    }
}

fn rounded(expr: Box<Expr>, to: &DataType, schema: &DFSchema) -> Rounded {
    if !to.is_integer() {
        return Rounded { expr, changed: false };
    }
    if matches!(expr.as_ref(), Expr::ScalarFunction(function) if function.func.name() == ROUND_HALF_EVEN) {
        return Rounded { expr, changed: false };
    }
    match type_of(&expr, schema) {
        DataType::Decimal128(precision, scale) if scale > 0 => {
            let whole = DataType::Decimal128(precision, 0);
            Rounded { expr: Box::new(Expr::Cast(Cast::new(expr, whole))), changed: true }
        }
        DataType::Decimal256(precision, scale) if scale > 0 => {
            let whole = DataType::Decimal256(precision, 0);
            Rounded { expr: Box::new(Expr::Cast(Cast::new(expr, whole))), changed: true }
        }
        data_type if is_float(&data_type) => {
            Rounded { expr: Box::new(round_half_even().call(vec![*expr])), changed: true }
        }
        _ => Rounded { expr, changed: false },
    }
}

fn meet_in_case(case: Case, schema: &DFSchema) -> Transformed<Expr> {
    let Case { expr, when_then_expr, else_expr } = case;
    let answers = when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(else_expr.as_deref());
    let answers = mixed(answers, schema);
    let operands = expr.as_deref().into_iter().chain(when_then_expr.iter().map(|(when, _)| when.as_ref()));
    let operands = expr.is_some() && mixed(operands, schema);
    let when = |when| if operands { boxed(when, schema) } else { when };
    let then = |then| if answers { boxed(then, schema) } else { then };
    let case = Case {
        expr: expr.map(when),
        when_then_expr: when_then_expr.into_iter().map(|(a, b)| (when(a), then(b))).collect(),
        else_expr: else_expr.map(then),
    };
    Transformed::new_transformed(Expr::Case(case), answers || operands)
}

fn meet_in_subquery(within: InSubquery, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let InSubquery { expr, subquery, negated } = within;
    let inner = subquery.subquery.schema();
    let inner_type = inner.fields().first().map_or(DataType::Null, |field| field.data_type().clone());
    let outer_type = type_of(&expr, schema);
    let (expr, subquery, changed) = if is_float(&inner_type) && outer_type.is_decimal() {
        (boxed(expr, schema), subquery, true)
    } else if is_float(&outer_type) && inner_type.is_decimal() {
        let plan = floats(Arc::unwrap_or_clone(subquery.subquery), &[true])?;
        (expr, Subquery { subquery: Arc::new(plan), ..subquery }, true)
    } else {
        (expr, subquery, false)
    };
    Ok(Transformed::new_transformed(Expr::InSubquery(InSubquery { expr, subquery, negated }), changed))
}

/// The rows of a plan, with the marked columns as `DOUBLE`s.
fn floats(plan: LogicalPlan, marked: &[bool]) -> Result<LogicalPlan> {
    let schema = Arc::clone(plan.schema());
    let exprs = schema.columns().into_iter().zip(marked).map(|(column, marked)| {
        let expr = Expr::Column(column.clone());
        if *marked && type_of(&expr, &schema).is_decimal() {
            float(expr, &schema).alias_qualified(column.relation, column.name)
        } else {
            expr
        }
    });
    let exprs: Vec<Expr> = exprs.collect();
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}

fn meet_in_union(union: Union) -> Result<Transformed<LogicalPlan>> {
    let width = union.schema.fields().len();
    let marked: Vec<bool> = (0..width)
        .map(|column| {
            let types = || union.inputs.iter().filter_map(|input| input.schema().fields().get(column));
            types().any(|field| is_float(field.data_type()))
                && types().any(|field| field.data_type().is_decimal())
        })
        .collect();
    let current = union.inputs.first().is_some_and(|first| {
        let types = |schema: &DFSchemaRef| -> Vec<DataType> {
            schema.fields().iter().map(|field| field.data_type().clone()).collect()
        };
        union.inputs.iter().all(|input| types(input.schema()) == types(first.schema()))
            && types(&union.schema) != types(first.schema())
    });
    if !marked.contains(&true) && !current {
        return Ok(Transformed::no(LogicalPlan::Union(union)));
    }
    let inputs = union
        .inputs
        .into_iter()
        .map(|input| {
            if marked.contains(&true) {
                floats(Arc::unwrap_or_clone(input), &marked).map(Arc::new)
            } else {
                Ok(input)
            }
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Transformed::yes(LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?)))
}

fn meet_in_join(mut join: Join) -> Transformed<LogicalPlan> {
    let (left, right) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
    let mut changed = false;
    for (a, b) in &mut join.on {
        let types = (type_of(a, &left), type_of(b, &right));
        if is_float(&types.0) && types.1.is_decimal() {
            *b = float(std::mem::take(b), &right);
            changed = true;
        } else if types.0.is_decimal() && is_float(&types.1) {
            *a = float(std::mem::take(a), &left);
            changed = true;
        }
    }
    Transformed::new_transformed(LogicalPlan::Join(join), changed)
}

/// `VALUES` come with casts to the type that their rows have in common.
fn meet_in_values(values: Values) -> Result<Values> {
    let empty = DFSchema::empty();
    let Values { schema, mut values } = values;
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    let mut changed = false;
    for (column, field) in fields.iter_mut().enumerate() {
        let from_float = |expr: &Expr| match expr {
            Expr::Cast(cast) => is_float(&type_of(&cast.expr, &empty)),
            _ => false,
        };
        let mixed = field.data_type().clone();
        if !mixed.is_decimal() || !values.iter().any(|row| from_float(&row[column])) {
            continue;
        }
        changed = true;
        *field = Arc::new(field.as_ref().clone().with_data_type(DataType::Float64));
        for row in &mut values {
            let value = match std::mem::take(&mut row[column]) {
                Expr::Cast(cast) if *cast.field.data_type() == mixed => *cast.expr,
                other => other,
            };
            row[column] = match value {
                Expr::Literal(value, _) if value.is_null() => Expr::Literal(ScalarValue::Float64(None), None),
                value => float(value, &empty).cast_to(&DataType::Float64, &empty)?,
            };
        }
    }
    if !changed {
        return Ok(Values { schema, values });
    }
    let schema = DFSchema::from_unqualified_fields(fields.into(), schema.metadata().clone())?;
    Ok(Values { schema: Arc::new(schema), values })
}

/// Puts arithmetic that fails in the place of arithmetic that wraps.
#[derive(Debug)]
pub(super) struct Checked;

impl AnalyzerRule for Checked {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|node| {
            let node = guard_divisions(node)?;
            let schema = input_schema(&node)?;
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                let expr = expr.transform_up(|expr| Ok(checked(expr, &schema)))?;
                Ok(expr.update_data(|expr| name.restore(expr)))
            })?
            .map_data(LogicalPlan::recompute_schema)
        })?;
        Ok(plan.data)
    }

    fn name(&self) -> &'static str {
        "checked_arithmetic"
    }
}

fn checked(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    if let Expr::Cast(cast) = &expr
        && let Some(function) = text_cast(&cast.expr, cast.field.data_type(), schema)
    {
        return Transformed::yes(function.call(vec![cast.expr.as_ref().clone()]));
    }
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return Transformed::no(expr) };
    if matches!(op, Operator::Divide | Operator::Modulo) && is_float(&type_of(&right, schema)) {
        return Transformed::yes(checked_arithmetic(op).call(vec![*left, *right]));
    }
    let counted = |data_type: DataType| data_type.is_integer() || data_type.is_decimal();
    if matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply)
        && counted(type_of(&left, schema))
        && counted(type_of(&right, schema))
    {
        return Transformed::yes(checked_arithmetic(op).call(vec![*left, *right]));
    }
    Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))
}
