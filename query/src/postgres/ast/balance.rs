//! Long chains of `AND`, `OR`, `UNION` and `EXCEPT` as balanced trees. The parser hangs each term under the
//! one before it, and whatever asks a node of such a tree for its type, its name or its schema walks down to
//! the first term: planning took time that grew with the square of the terms.
//!
//! The order of the terms stays, and so do the answers: `AND`, `OR` and `UNION` are associative, and
//! `a EXCEPT b EXCEPT c` is `a EXCEPT (b UNION ALL c)`. Arithmetic is not; see `functions::chains`.

use sqlparser::ast::{BinaryOperator, Expr, SetExpr, SetOperator, SetQuantifier, Value};

/// Chains of fewer terms stay as they are. They may be inside each other: trees are so many times as deep as
/// parentheses.
pub(crate) const LONG: usize = 8;

/// Balances the chain that a condition is.
pub(super) fn balance_condition(expr: &mut Expr) {
    let Expr::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } = &*expr else { return };
    let op = op.clone();
    let count = std::iter::successors(Some(&*expr), |expr| match expr {
        Expr::BinaryOp { left, op: inner, .. } if *inner == op => Some(left.as_ref()),
        _ => None,
    });
    if count.take(LONG).count() < LONG {
        return;
    }
    let mut terms = Vec::new();
    let mut rest = std::mem::replace(expr, Expr::value(Value::Null));
    loop {
        match rest {
            Expr::BinaryOp { left, op: inner, right } if inner == op => {
                terms.push(*right);
                rest = *left;
            }
            first => {
                terms.push(first);
                break;
            }
        }
    }
    terms.reverse();
    let join = |left, right| Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) };
    if let Some(balanced) = balanced(terms, &join) {
        *expr = balanced;
    }
}

/// Balances the chain that a combination of queries is.
pub(super) fn balance_queries(body: &mut SetExpr) {
    let SetExpr::SetOperation { op, set_quantifier, .. } = &*body else { return };
    let is_long = |body: &SetExpr, op: SetOperator, quantifier: SetQuantifier| {
        std::iter::successors(Some(body), |body| left_of(body, op, quantifier)).take(LONG).count() == LONG
    };
    let (op, quantifier) = (*op, *set_quantifier);
    if matches!(quantifier, SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName)
        || !is_long(body, op, quantifier)
    {
        // A long chain may be below a short one.
        if let SetExpr::SetOperation { left, .. } = body {
            balance_queries(left);
        }
        return;
    }
    let mut terms = Vec::new();
    let mut rest = std::mem::replace(body, SetExpr::Values(no_rows()));
    loop {
        match rest {
            SetExpr::SetOperation { op: inner, set_quantifier, left, right }
                if inner == op && set_quantifier == quantifier =>
            {
                terms.push(*right);
                rest = *left;
            }
            first => {
                terms.push(first);
                break;
            }
        }
    }
    terms.reverse();
    if let Some(first) = terms.first_mut() {
        balance_queries(first);
    }
    let join = |op: SetOperator, set_quantifier| {
        move |left, right| SetExpr::SetOperation {
            op,
            set_quantifier,
            left: Box::new(left),
            right: Box::new(right),
        }
    };
    let whole = if matches!(op, SetOperator::Except | SetOperator::Minus) {
        let removed = terms.split_off(1);
        let removed = balanced(removed, &join(SetOperator::Union, SetQuantifier::All));
        terms.pop().zip(removed).map(|(first, removed)| join(op, quantifier)(first, removed))
    } else {
        balanced(terms, &join(op, quantifier))
    };
    if let Some(whole) = whole {
        *body = whole;
    }
}

fn left_of(body: &SetExpr, op: SetOperator, quantifier: SetQuantifier) -> Option<&SetExpr> {
    match body {
        SetExpr::SetOperation { op: inner, set_quantifier, left, .. }
            if *inner == op && *set_quantifier == quantifier =>
        {
            Some(left)
        }
        _ => None,
    }
}

fn no_rows() -> sqlparser::ast::Values {
    sqlparser::ast::Values { explicit_row: false, value_keyword: false, rows: Vec::new() }
}

/// The terms in their order, pairs of pairs of them.
pub(crate) fn balanced<T>(mut terms: Vec<T>, join: &impl Fn(T, T) -> T) -> Option<T> {
    while terms.len() > 1 {
        let mut pairs = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        terms = pairs;
    }
    terms.pop()
}

#[cfg(test)]
mod tests {
    use sqlparser::{dialect::PostgreSqlDialect, parser::Parser};

    use super::*;

    fn expr(text: &str) -> Expr {
        Parser::new(&PostgreSqlDialect {}).try_with_sql(text).unwrap().parse_expr().unwrap()
    }

    fn depth(expr: &Expr) -> usize {
        match expr {
            Expr::BinaryOp { left, right, .. } => 1 + depth(left).max(depth(right)),
            _ => 0,
        }
    }

    #[test]
    fn a_long_chain_is_as_deep_as_the_logarithm_of_its_terms_and_keeps_their_order() {
        for word in [" OR ", " AND "] {
            for count in [1, 2, 7, 8, 9, 1_000, 1_023, 1_024, 1_025] {
                let text = (0..count).map(|i| format!("v{i}")).collect::<Vec<_>>().join(word);
                let mut chain = expr(&text);
                balance_condition(&mut chain);
                assert_eq!(chain.to_string(), text);
                assert!(depth(&chain) <= LONG.max(11), "{count} terms: {}", depth(&chain));
            }
        }
    }

    #[test]
    fn only_terms_of_one_operator_are_balanced_together() {
        let ors = vec!["a"; 20].join(" OR ");
        let ands = vec!["b"; 20].join(" AND ");
        let mut chain = expr(&format!("({ors}) AND {ands}"));
        balance_condition(&mut chain);
        assert_eq!(chain.to_string(), format!("({ors}) AND {ands}"));
        assert_eq!(depth(&chain), 5);
        let mut sum = expr(&vec!["1"; 40].join(" - "));
        balance_condition(&mut sum);
        assert_eq!(depth(&sum), 39);
    }
}
