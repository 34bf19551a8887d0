//! Texts in the place of truth values, `WHERE 'yes'`, `NOT 'f'`: Postgres reads them as such, the planner
//! refuses them.

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, JoinConstraint, JoinOperator, Select, TableWithJoins,
    UnaryOperator, Value,
};

/// Reads the conditions of a select that are texts.
pub(super) fn read_of_select(select: &mut Select) {
    for condition in select.selection.iter_mut().chain(&mut select.having) {
        read(condition);
    }
    select.from.iter_mut().for_each(read_of_joins);
}

/// As [`read_of_select`], for the conditions of joins.
pub(super) fn read_of_joins(tables: &mut TableWithJoins) {
    for join in &mut tables.joins {
        if let JoinOperator::Join(JoinConstraint::On(condition))
        | JoinOperator::Inner(JoinConstraint::On(condition))
        | JoinOperator::Left(JoinConstraint::On(condition))
        | JoinOperator::LeftOuter(JoinConstraint::On(condition))
        | JoinOperator::Right(JoinConstraint::On(condition))
        | JoinOperator::RightOuter(JoinConstraint::On(condition))
        | JoinOperator::FullOuter(JoinConstraint::On(condition)) = &mut join.join_operator
        {
            read(condition);
        }
    }
}

/// Reads the operands of an expression that are texts in the place of truth values.
pub(super) fn read_of_expr(expr: &mut Expr) {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
            read(left);
            read(right);
        }
        Expr::UnaryOp { op: UnaryOperator::Not, expr: operand }
        | Expr::IsTrue(operand)
        | Expr::IsNotTrue(operand)
        | Expr::IsFalse(operand)
        | Expr::IsNotFalse(operand)
        | Expr::IsUnknown(operand)
        | Expr::IsNotUnknown(operand) => read(operand),
        Expr::Case { operand: None, conditions, .. } => {
            for case in conditions {
                read(&mut case.condition);
            }
        }
        Expr::Function(function) => {
            if let Some(filter) = &mut function.filter {
                read(filter);
            }
        }
        _ => {}
    }
}

fn read(condition: &mut Expr) {
    match condition {
        Expr::Nested(inner) => read(inner),
        Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)) => {
            let text = std::mem::replace(condition, Expr::value(Value::Null));
            *condition = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(text),
                data_type: DataType::Boolean,
                array: false,
                format: None,
            };
        }
        _ => {}
    }
}
