//! The session's time zone in plans: what DataFusion would do in UTC is put into the hands of our functions.
//!
//! | in the plan | becomes |
//! |---|---|
//! | a cast between text, local time, date and instant | `cast_time` with the session's zone |
//! | time ± interval | `add_interval`, `subtract_interval`: days and months on the zone's clocks |
//! | a field or the format of an instant | the same function, of a value with the zone in its type |
//! | `t AT TIME ZONE z`, in the tree | `timezone(z, t)` |
//!
//! [`Times`] is the last rule of the analyzer: the types of all operands agree, and every cast is there.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::{
    common::{
        DFSchema, Result,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{
        Between, BinaryExpr, Cast, Expr, LogicalPlan, Operator, TryCast,
        expr::{InList, ScalarFunction},
        expr_rewriter::NamePreserver,
    },
    optimizer::AnalyzerRule,
    sql::sqlparser::ast::{self, VisitMut, VisitorMut},
};

use super::numbers::{input_schema, type_of};
use crate::{
    error::Error,
    functions::{IN_ZONE, TIMEZONE, in_zone, is_time_cast, shift, time_cast},
    points::TimeZone,
};

/// The type of a `TIMESTAMP`.
const LOCAL: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// Functions of DataFusion that take the zone of the type.
const TAKE_ZONE: [&str; 4] = ["date_part", "to_char", "to_local_time", "to_date"];

/// Functions of DataFusion that read texts, in UTC.
const READ_UTC: [&str; 5] = [
    "to_timestamp_seconds",
    "to_timestamp_millis",
    "to_timestamp_micros",
    "to_timestamp_nanos",
    "to_unixtime",
];

/// Writes `AT TIME ZONE` as the function that it is.
pub(crate) fn spell_time_zones(tree: &mut impl VisitMut) {
    let _ = tree.visit(&mut Spelling);
}

struct Spelling;

impl VisitorMut for Spelling {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> std::ops::ControlFlow<()> {
        if let ast::Expr::AtTimeZone { timestamp, time_zone } = expr {
            let null = || ast::Expr::Value(ast::Value::Null.with_empty_span());
            let arguments = [
                std::mem::replace(time_zone.as_mut(), null()),
                std::mem::replace(timestamp.as_mut(), null()),
            ];
            let arguments = arguments
                .map(|argument| ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(argument)))
                .to_vec();
            *expr = ast::Expr::Function(ast::Function {
                name: ast::ObjectName::from(vec![ast::Ident::new(TIMEZONE)]),
                uses_odbc_syntax: false,
                parameters: ast::FunctionArguments::None,
                args: ast::FunctionArguments::List(ast::FunctionArgumentList {
                    duplicate_treatment: None,
                    args: arguments,
                    clauses: Vec::new(),
                }),
                filter: None,
                null_treatment: None,
                over: None,
                within_group: Vec::new(),
            });
        }
        std::ops::ControlFlow::Continue(())
    }
}

/// Gives what is compared with a time the type of the time, where DataFusion would count both in nanoseconds; and makes a
/// `TIMESTAMP` of a date that an interval is added to, as Postgres does.
pub(super) fn meet_at_time(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { mut left, op, mut right }) => {
            let types = (type_of(&left, schema), type_of(&right, schema));
            let changed = match (&types, op) {
                ((DataType::Timestamp(..), other), op) if compares(op) && gives_way(other) => {
                    cast_to(&mut right, &types.0);
                    true
                }
                ((other, DataType::Timestamp(..)), op) if compares(op) && gives_way(other) => {
                    cast_to(&mut left, &types.1);
                    true
                }
                ((DataType::Timestamp(..), DataType::Date32), Operator::Minus) => {
                    cast_to(&mut right, &types.0);
                    true
                }
                ((DataType::Date32, DataType::Timestamp(..)), Operator::Minus) => {
                    cast_to(&mut left, &types.1);
                    true
                }
                ((DataType::Date32, DataType::Interval(_)), Operator::Plus | Operator::Minus) => {
                    cast_to(&mut left, &LOCAL);
                    true
                }
                ((DataType::Interval(_), DataType::Date32), Operator::Plus) => {
                    cast_to(&mut right, &LOCAL);
                    true
                }
                _ => false,
            };
            Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), changed)
        }
        Expr::Between(Between { expr, negated, mut low, mut high }) => {
            let mut changed = false;
            if let time @ DataType::Timestamp(..) = type_of(&expr, schema) {
                for end in [&mut low, &mut high] {
                    if gives_way(&type_of(end, schema)) {
                        cast_to(end, &time);
                        changed = true;
                    }
                }
            }
            Transformed::new_transformed(Expr::Between(Between { expr, negated, low, high }), changed)
        }
        Expr::InList(InList { expr, mut list, negated }) => {
            let mut changed = false;
            if let time @ DataType::Timestamp(..) = type_of(&expr, schema) {
                for item in list.iter_mut().filter(|item| gives_way(&type_of(item, schema))) {
                    cast_to(item, &time);
                    changed = true;
                }
            }
            Transformed::new_transformed(Expr::InList(InList { expr, list, negated }), changed)
        }
        expr => Transformed::no(expr),
    }
}

/// Whether a type is read as a time when it is compared with one.
fn gives_way(data_type: &DataType) -> bool {
    is_text(data_type) || matches!(data_type, DataType::Date32 | DataType::Date64)
}

fn compares(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn cast_to(expr: &mut Expr, data_type: &DataType) {
    *expr = Expr::Cast(Cast::new(Box::new(std::mem::take(expr)), data_type.clone()));
}

/// Puts the session's zone into a plan.
#[derive(Debug)]
pub(super) struct Times {
    pub zone: TimeZone,
}

impl AnalyzerRule for Times {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|node| {
            let schema = input_schema(&node)?;
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                let expr = expr.transform_up(|expr| replaced(expr, &schema, self.zone))?;
                Ok(expr.update_data(|expr| name.restore(expr)))
            })?
            .map_data(LogicalPlan::recompute_schema)
        })?;
        Ok(plan.data)
    }

    fn name(&self) -> &'static str {
        "times"
    }
}

/// An expression outside a plan, with the session's zone.
pub(crate) fn with_zone(expr: Expr, schema: &DFSchema, zone: TimeZone) -> Result<Expr> {
    Ok(expr.transform_up(|expr| replaced(expr, schema, zone))?.data)
}

fn replaced(expr: Expr, schema: &DFSchema, zone: TimeZone) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::Cast(Cast { expr, field }) => {
            if is_time_cast(&type_of(&expr, schema), field.data_type(), zone) {
                Transformed::yes(time_cast(field.data_type().clone(), false, zone).call(vec![*expr]))
            } else {
                Transformed::no(Expr::Cast(Cast { expr, field }))
            }
        }
        Expr::TryCast(TryCast { expr, field }) => {
            if is_time_cast(&type_of(&expr, schema), field.data_type(), zone) {
                Transformed::yes(time_cast(field.data_type().clone(), true, zone).call(vec![*expr]))
            } else {
                Transformed::no(Expr::TryCast(TryCast { expr, field }))
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Plus | Operator::Minus), right }) => {
            let types = (type_of(&left, schema), type_of(&right, schema));
            match (&types, op) {
                ((DataType::Timestamp(..), DataType::Interval(_)), _) => {
                    Transformed::yes(shift(op, zone).call(vec![*left, *right]))
                }
                ((DataType::Interval(_), DataType::Timestamp(..)), Operator::Plus) => {
                    Transformed::yes(shift(op, zone).call(vec![*right, *left]))
                }
                _ => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
            }
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if !zone.is_utc() => {
            let is_instant = |arg: &Expr| {
                matches!(type_of(arg, schema), DataType::Timestamp(_, Some(_))) && !is_shown(arg)
            };
            if READ_UTC.contains(&func.name()) && args.iter().any(|arg| is_text(&type_of(arg, schema))) {
                let what = format!("{} of a text in the time zone {zone}", func.name());
                return Err(Error::unsupported(what)
                    .with_hint("cast the text to TIMESTAMPTZ, or SET timezone = 'UTC'")
                    .into());
            }
            let takes_zone = TAKE_ZONE.contains(&func.name()) && args.iter().any(is_instant);
            let args = if takes_zone {
                let shown = |arg| if is_instant(&arg) { in_zone(zone).call(vec![arg]) } else { arg };
                args.into_iter().map(shown).collect()
            } else {
                args
            };
            let call = Expr::ScalarFunction(ScalarFunction { func, args });
            if takes_zone { Transformed::yes(call) } else { Transformed::no(call) }
        }
        expr => Transformed::no(expr),
    })
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether an argument has the zone in its type already.
fn is_shown(arg: &Expr) -> bool {
    matches!(arg, Expr::ScalarFunction(call) if call.func.name() == IN_ZONE)
}
