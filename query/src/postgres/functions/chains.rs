//! Long chains of arithmetic as one call. In `a + b - c …` each operator is the left operand of the next one,
//! and whatever asks such a tree for its type or its name walks down to the first operand, at every one of
//! its nodes, many times while a statement is planned: the time grew with the third power of the operands. A
//! call of all operands is flat.
//!
//! 1. A step of the chain, an operator between values of two types, is what the operator alone would be
//!    planned as: with the same passes, and so with the same type, value and error.
//! 2. Shorter chains stay trees, in which the optimizer sees what it knows.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use datafusion::{
    common::{DFSchema, DataFusionError, Result, ScalarValue, internal_err, utils::list_ndims},
    execution::context::ExecutionProps,
    logical_expr::{
        BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF,
        ScalarUDFImpl, Signature, Volatility, col,
        expr::ScalarFunction,
        physical_planning_context::PhysicalPlanningContext,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
        simplify::SimplifyContext,
    },
    optimizer::simplify_expressions::ExprSimplifier,
    physical_expr::{PhysicalExpr, create_physical_expr},
};
use parking_lot::Mutex;
use sqlparser::ast::BinaryOperator;

use crate::{
    error::Error,
    postgres::{
        analyze::with_semantics_alone,
        ast::LONG,
        exprs::{is_float, is_open_text},
        plan::{coerce_alone, intervals::operation, literal_as_float},
    },
    time::TimeZone,
};

const NAME: &str = "chain";

/// Plans an operator behind a long chain as part of the chain.
#[derive(Debug)]
pub(crate) struct Chains {
    /// The session's time zone.
    pub zone: TimeZone,
}

impl ExprPlanner for Chains {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let Some(op) = operator(&raw.op) else { return Ok(PlannerResult::Original(raw)) };
        if op == Operator::StringConcat && lists_of(&raw.left).is_some() {
            return followed_by_list(raw, schema);
        }
        if let Some(chain) = chain_of(&raw.left) {
            if !is_operand(op, &raw.right, schema) {
                return Ok(PlannerResult::Original(raw));
            }
            let chain = chain.followed_by(op);
            let Expr::ScalarFunction(ScalarFunction { mut args, .. }) = raw.left else {
                return internal_err!("a chain is a call");
            };
            args.push(raw.right);
            return Ok(PlannerResult::Planned(chain.call(args)));
        }
        let terms = std::iter::successors(Some(&raw.left), |expr| match expr {
            Expr::BinaryExpr(binary) if is_chained(binary.op) => Some(&binary.left),
            _ => None,
        });
        let terms = terms.take(CHAIN_MAX + 1).count();
        if terms < LONG {
            return Ok(PlannerResult::Original(raw));
        }
        if terms > CHAIN_MAX {
            return Err(too_long());
        }
        Ok(self.begun(op, raw, schema))
    }
}

fn too_long() -> DataFusionError {
    Error::limit(format!("a chain has more than {CHAIN_MAX} operators"))
        .with_hint("split it with parentheses, and give its parameters a type, as in $1::int")
        .into()
}

/// A list behind lists that are put together becomes one more of them.
fn followed_by_list(raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
    let RawBinaryExpr { op, left, right } = raw;
    let dimensions = |expr: &Expr| expr.get_type(schema).map(|data_type| list_ndims(&data_type));
    let first = lists_of(&left).and_then(|call| call.args.first());
    let is_alike = match first {
        Some(first) => dimensions(first)? == dimensions(&right)?,
        None => false,
    };
    match left {
        Expr::ScalarFunction(mut call) if is_alike && call.name() == CONCATENATION => {
            call.args.push(right);
            Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
        }
        left => {
            let calls = std::iter::successors(Some(&left), |expr| lists_of(expr)?.args.first());
            if calls.take(CHAIN_MAX + 1).count() > CHAIN_MAX {
                return Err(too_long());
            }
            Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
        }
    }
}

/// Function that `list || list` is planned as.
const CONCATENATION: &str = "array_concat";

/// The call that `||` behind a list is.
fn lists_of(expr: &Expr) -> Option<&ScalarFunction> {
    match expr {
        Expr::ScalarFunction(call) if [CONCATENATION, "array_append"].contains(&call.name()) => Some(call),
        _ => None,
    }
}

/// Operands of a chain that must stay a tree, because of a list among them, or one whose type is not known.
const CHAIN_MAX: usize = 64;

impl Chains {
    /// A chain of the operands of a tree, if all of them can be its operands.
    fn begun(&self, op: Operator, raw: RawBinaryExpr, schema: &DFSchema) -> PlannerResult<RawBinaryExpr> {
        let (mut left, mut first) = (&raw.left, op);
        let mut fits = is_operand(op, &raw.right, schema);
        while let Expr::BinaryExpr(binary) = left
            && is_chained(binary.op)
        {
            fits &= is_operand(binary.op, &binary.right, schema);
            first = binary.op;
            left = &binary.left;
        }
        if !fits || !is_operand(first, left, schema) {
            return PlannerResult::Original(raw);
        }
        let (mut args, mut ops, mut rest) = (vec![raw.right], vec![op], raw.left);
        loop {
            match rest {
                Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_chained(op) => {
                    args.push(*right);
                    ops.push(op);
                    rest = *left;
                }
                first => {
                    args.push(first);
                    break;
                }
            }
        }
        args.reverse();
        ops.reverse();
        PlannerResult::Planned(Chain::new(ops, self.zone, Steps::default()).call(args))
    }
}

/// An operand whose type is known, and is no list: those have a planner of their own, which a step of a chain
/// would not ask. The type that a literal of text is read as depends on what stands beside it, but for `||`.
fn is_operand(op: Operator, expr: &Expr, schema: &DFSchema) -> bool {
    let is_untyped = matches!(expr, Expr::Placeholder(parameter) if parameter.field.is_none());
    let is_open = op != Operator::StringConcat && is_open_text(expr);
    !is_untyped && !is_open && expr.get_type(schema).is_ok_and(|data_type| !data_type.is_nested())
}

fn operator(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Plus => Operator::Plus,
        BinaryOperator::Minus => Operator::Minus,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        BinaryOperator::Modulo => Operator::Modulo,
        BinaryOperator::StringConcat => Operator::StringConcat,
        BinaryOperator::BitwiseAnd => Operator::BitwiseAnd,
        BinaryOperator::BitwiseOr => Operator::BitwiseOr,
        BinaryOperator::PGBitwiseXor | BinaryOperator::BitwiseXor | BinaryOperator::Xor => {
            Operator::BitwiseXor
        }
        BinaryOperator::PGBitwiseShiftLeft => Operator::BitwiseShiftLeft,
        BinaryOperator::PGBitwiseShiftRight => Operator::BitwiseShiftRight,
        _ => return None,
    })
}

fn is_chained(op: Operator) -> bool {
    matches!(
        op,
        Operator::Plus
            | Operator::Minus
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo
            | Operator::StringConcat
            | Operator::BitwiseAnd
            | Operator::BitwiseOr
            | Operator::BitwiseXor
            | Operator::BitwiseShiftLeft
            | Operator::BitwiseShiftRight
    )
}

fn chain_of(expr: &Expr) -> Option<&Chain> {
    match expr {
        Expr::ScalarFunction(call) => call.func.inner().downcast_ref::<Chain>(),
        _ => None,
    }
}

/// An operator between values of two types, as it is planned.
#[derive(Debug)]
struct Step {
    schema: SchemaRef,
    expr: Arc<dyn PhysicalExpr>,
    data_type: DataType,
}

impl Step {
    fn planned(op: Operator, left: &DataType, right: &DataType, zone: TimeZone) -> Result<Self> {
        let fields = [Field::new("l", left.clone(), true), Field::new("r", right.clone(), true)];
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let names = DFSchema::try_from(Arc::clone(&schema))?;
        let expr = coerce_alone(operation(col("l"), op, col("r"), &names), &names)?;
        let expr = ExprSimplifier::new(SimplifyContext::builder().build()).coerce(expr, &names)?;
        let expr = with_semantics_alone(expr, &names, zone)?;
        let data_type = expr.get_type(&names)?;
        let expr =
            create_physical_expr(&expr, &names, &ExecutionProps::new(), &PhysicalPlanningContext::default())?;
        Ok(Self { schema, expr, data_type })
    }

    fn value(&self, left: ArrayRef, right: ArrayRef) -> Result<ArrayRef> {
        let rows = left.len();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), vec![left, right])?;
        self.expr.evaluate(&batch)?.into_array(rows)
    }
}

/// The steps that were planned.
type Steps = Arc<Mutex<HashMap<(Operator, DataType, DataType), Arc<Step>>>>;

#[derive(Debug)]
struct Chain {
    ops: Vec<Operator>,
    zone: TimeZone,
    signature: Signature,
    steps: Steps,
}

impl PartialEq for Chain {
    fn eq(&self, other: &Self) -> bool {
        self.ops == other.ops && self.zone == other.zone
    }
}

impl Eq for Chain {}

impl Hash for Chain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ops.hash(state);
        self.zone.hash(state);
    }
}

impl Chain {
    fn new(ops: Vec<Operator>, zone: TimeZone, steps: Steps) -> Self {
        Self { ops, zone, signature: Signature::variadic_any(Volatility::Immutable), steps }
    }

    fn followed_by(&self, op: Operator) -> Self {
        let mut ops = Vec::with_capacity(self.ops.len() + 1);
        ops.extend_from_slice(&self.ops);
        ops.push(op);
        Self::new(ops, self.zone, Arc::clone(&self.steps))
    }

    fn call(self, args: Vec<Expr>) -> Expr {
        ScalarUDF::new_from_impl(self).call(args)
    }

    fn step(&self, op: Operator, left: &DataType, right: &DataType) -> Result<Arc<Step>> {
        let key = (op, left.clone(), right.clone());
        if let Some(step) = self.steps.lock().get(&key) {
            return Ok(Arc::clone(step));
        }
        let step = Arc::new(Step::planned(op, left, right, self.zone)?);
        self.steps.lock().insert(key, Arc::clone(&step));
        Ok(step)
    }

    fn written(&self, args: &[Expr], name: impl Fn(&Expr) -> String) -> Result<String> {
        let Some((first, rest)) = args.split_first() else { return internal_err!("a chain has operands") };
        let mut written = name(first);
        for (op, arg) in self.ops.iter().zip(rest) {
            written.extend([" ", &op.to_string(), " ", &name(arg)]);
        }
        Ok(written)
    }
}

impl ScalarUDFImpl for Chain {
    fn name(&self) -> &str {
        NAME
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.written(args, Expr::to_string)
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.written(args, |arg| arg.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let Some((first, rest)) = types.split_first() else { return internal_err!("a chain has operands") };
        let mut data_type = first.clone();
        let mut last: Option<(Operator, DataType, &DataType, Arc<Step>)> = None;
        for (op, right) in self.ops.iter().zip(rest) {
            // Most steps are as the one before.
            let step = match last {
                Some((before, left, type_before, step))
                    if before == *op && left == data_type && type_before == right =>
                {
                    step
                }
                _ => self.step(*op, &data_type, right)?,
            };
            let left = std::mem::replace(&mut data_type, step.data_type.clone());
            last = Some((*op, left, right, step));
        }
        Ok(data_type)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let mut operands = args.args.into_iter().peekable();
        let Some(first) = operands.next() else { return internal_err!("a chain has operands") };
        let beside = operands.peek().map_or(DataType::Null, ColumnarValue::data_type);
        let mut value = exact(first, &beside).into_array(rows)?;
        for (op, right) in self.ops.iter().zip(operands) {
            let right = exact(right, value.data_type()).into_array(rows)?;
            let step = self.step(*op, value.data_type(), right.data_type())?;
            value = step.value(value, right)?;
        }
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&value, 0)?));
        }
        Ok(ColumnarValue::Array(value))
    }
}

/// A decimal constant beside a double is the double nearest to its text.
fn exact(value: ColumnarValue, beside: &DataType) -> ColumnarValue {
    match value {
        ColumnarValue::Scalar(scalar) if is_float(beside) && scalar.data_type().is_decimal() => {
            ColumnarValue::Scalar(literal_as_float(&scalar).unwrap_or(scalar))
        }
        value => value,
    }
}
