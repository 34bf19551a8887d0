//! One type for several values: the answers of a `CASE`, arguments of `coalesce`, rows of `VALUES`, branches
//! of a `UNION`.
//!
//! DataFusion reports the type of the first and converts later, when the types of what stands above are
//! settled; and it makes text of numbers beside text. Here values have their common type from the start, as
//! Postgres finds it (see `widening`); a literal of text, or a parameter, is read as what the others are.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, tree_node::Transformed},
    error::DataFusionError,
    logical_expr::{
        Case, Cast, Expr, WindowFunctionDefinition,
        expr::{ScalarFunction, WindowFunction},
    },
};

pub(super) use crate::postgres::exprs::is_open_text;

use super::{
    casts::coerce_cast,
    text_literals::{exact_literal, read},
    widening::{Kind, wider, wider_number},
};
use crate::{
    error::Error,
    postgres::exprs::type_of,
    types::{arrays::element_of, sql_name},
};

/// A value among those that get one type.
pub(super) struct Member {
    data_type: DataType,
    is_open: bool,
    /// The digits of open text that is a number.
    digits: Option<DataType>,
}

impl Member {
    pub(super) fn of(expr: &Expr, schema: &DFSchema) -> Self {
        let is_open = is_open_text(expr);
        let digits = if is_open { exact_literal(expr).map(|number| number.data_type()) } else { None };
        Self { data_type: type_of(expr, schema), is_open, digits }
    }

    /// A value of that type.
    pub(super) fn typed(data_type: DataType) -> Self {
        Self { data_type, is_open: false, digits: None }
    }
}

/// The type that values have in common; none where that is left to DataFusion.
///
/// # Errors
///
/// 42804 where they have none.
pub(super) fn common_type(what: &str, members: &[Member]) -> Result<Option<DataType>> {
    let mut common: Option<DataType> = None;
    for member in members.iter().filter(|member| !member.is_open && !member.data_type.is_null()) {
        common = match common {
            None => Some(member.data_type.clone()),
            Some(known) => match wider(what, &known, &member.data_type)? {
                None => return Ok(None),
                wider => wider,
            },
        };
    }
    let is_readable = |common: &DataType| Kind::of(common).is_some() || element_of(common).is_some();
    if common.as_ref().is_some_and(|common| !is_readable(common))
        && members.iter().any(|member| member.is_open)
    {
        return Ok(None);
    }
    // Text beside decimals keeps its digits.
    if let Some(decimal) = common.as_mut().filter(|common| common.is_decimal()) {
        for digits in members.iter().filter_map(|member| member.digits.as_ref()) {
            *decimal = wider_number(decimal, digits).unwrap_or_else(|| decimal.clone());
        }
    }
    // Text whose type nothing decides is text.
    let is_open = |member: &Member| member.is_open;
    Ok(common
        .or_else(|| members.iter().find(|member| is_open(member)).map(|member| member.data_type.clone())))
}

/// Gives expressions their common type; says whether one had another.
pub(super) fn unify<'e>(
    what: &str,
    exprs: impl IntoIterator<Item = &'e mut Expr>,
    schema: &DFSchema,
) -> Result<bool> {
    let mut exprs: Vec<&mut Expr> = exprs.into_iter().collect();
    let members: Vec<Member> = exprs.iter().map(|expr| Member::of(expr, schema)).collect();
    let Some(common) = common_type(what, &members)? else { return Ok(false) };
    let mut changed = false;
    for (expr, member) in exprs.iter_mut().zip(members) {
        if member.data_type != common && !member.data_type.is_null() {
            **expr = converted(std::mem::take(*expr), &common, schema)?;
            changed = true;
        }
    }
    Ok(changed)
}

/// The expression as a value of the type, by the rules of casts.
pub(super) fn converted(mut expr: Expr, to: &DataType, schema: &DFSchema) -> Result<Expr> {
    if is_open_text(&expr) && read(&mut expr, to)? && type_of(&expr, schema) == *to {
        return Ok(expr);
    }
    Ok(coerce_cast(Expr::Cast(Cast::new(Box::new(expr), to.clone())), schema)?.data)
}

/// Functions whose answer is one of their arguments, and the first argument that it can be.
const ARGUMENT_RETURNING: &[(&str, &str, usize)] = &[
    ("coalesce", "COALESCE", 0),
    ("nullif", "NULLIF", 0),
    ("nvl", "NVL", 0),
    ("ifnull", "IFNULL", 0),
    ("nvl2", "NVL2", 1),
    ("greatest", "GREATEST", 0),
    ("least", "LEAST", 0),
    ("make_array", "ARRAY", 0),
    ("array_concat", "ARRAY", 0),
];

/// Gives the values that an expression chooses from one type.
pub(super) fn coerce_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::Case(mut case) => {
            let mut changed = unify("CASE", answers(&mut case), schema)?;
            if case.expr.is_none() {
                for (when, _) in &mut case.when_then_expr {
                    changed |= read_condition(when, schema)?;
                }
            }
            Transformed::new_transformed(Expr::Case(case), changed)
        }
        Expr::ScalarFunction(ScalarFunction { func, mut args }) => {
            let known = ARGUMENT_RETURNING.iter().find(|(name, ..)| *name == func.name());
            let changed = match known {
                Some((_, what, first)) => unify(what, args.iter_mut().skip(*first), schema)?,
                None => false,
            };
            Transformed::new_transformed(Expr::ScalarFunction(ScalarFunction { func, args }), changed)
        }
        Expr::WindowFunction(mut window) => {
            let changed = is_shift(&window) && {
                let types: Vec<DataType> =
                    window.params.args.iter().map(|argument| type_of(argument, schema)).collect();
                let (value, rest) = window.params.args.split_at_mut(1);
                unify("LEAD or LAG", value.iter_mut().chain(&mut rest[1..]), schema)
                    .map_err(|error| no_shift(&window, &types, error))?
            };
            Transformed::new_transformed(Expr::WindowFunction(window), changed)
        }
        expr => Transformed::no(expr),
    })
}

/// The error of a value and a default that have no common type.
fn no_shift(window: &WindowFunction, types: &[DataType], error: DataFusionError) -> DataFusionError {
    let error = Error::from(error);
    if error.sqlstate() != "42804" {
        return error.into();
    }
    let types: Vec<String> = types.iter().map(sql_name).collect();
    Error::no_function(format!("function {}({}) does not exist", window.fun.name(), types.join(", ")))
        .with_hint("cast the default to the type of the value")
        .into()
}

/// Reads a literal as a condition; 42804 for what is no truth value.
fn read_condition(when: &mut Expr, schema: &DFSchema) -> Result<bool> {
    let data_type = type_of(when, schema);
    if data_type.is_null() || data_type == DataType::Boolean {
        return Ok(false);
    }
    if is_open_text(when) {
        return read(when, &DataType::Boolean);
    }
    let found = sql_name(&data_type);
    Err(Error::type_mismatch(format!("argument of CASE/WHEN must be type boolean, not type {found}")).into())
}

fn answers(case: &mut Case) -> impl Iterator<Item = &mut Expr> {
    let answers = case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut());
    answers.chain(case.else_expr.as_deref_mut())
}

/// `lead` and `lag` with a default.
fn is_shift(window: &WindowFunction) -> bool {
    match &window.fun {
        WindowFunctionDefinition::WindowUDF(function) => {
            matches!(function.name(), "lead" | "lag") && window.params.args.len() == 3
        }
        WindowFunctionDefinition::AggregateUDF(_) => false,
    }
}
