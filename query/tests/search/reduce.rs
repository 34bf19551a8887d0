//! A case made smaller, as long as it still goes wrong in the same way.

use crate::{
    check::{Oracle, Verdict, check},
    tree::{Body, Case, Change, Expr, From, On, Query, Select, Table, Ty, Value},
};

/// Attempts that one case is worth.
const ATTEMPTS_MAX: usize = 4_000;

/// The smallest case that was found with the same finding, and that finding.
pub(crate) async fn reduce(case: &Case, verdict: &Verdict) -> (Case, Verdict) {
    let (mut best, mut found) = (case.clone(), verdict.clone());
    let Some(signature) = verdict.signature() else { return (best, found) };
    let mut attempts = 0;
    loop {
        let before = attempts;
        let mut at = 0;
        let mut progressed = false;
        loop {
            let mut smaller = best.clone();
            let mut step = Step { remaining: at, done: false };
            smaller.shrink(&mut step);
            if !step.done || attempts >= ATTEMPTS_MAX {
                break;
            }
            attempts += 1;
            match still(&smaller, signature.0).await {
                Some(verdict) if verdict.signature().as_ref() == Some(&signature) => {
                    (best, found, progressed) = (smaller, verdict, true);
                }
                _ => at += 1,
            }
        }
        if !progressed || attempts == before || attempts >= ATTEMPTS_MAX {
            return (best, found);
        }
    }
}

async fn still(case: &Case, oracle: Oracle) -> Option<Verdict> {
    check(std::slice::from_ref(case), Some(oracle)).await.ok()?.pop()
}

/// The one place where a case is made smaller: as many others are passed by as `remaining` says.
struct Step {
    remaining: usize,
    done: bool,
}

impl Step {
    fn takes(&mut self) -> bool {
        if self.done {
            return false;
        }
        if self.remaining > 0 {
            self.remaining -= 1;
            return false;
        }
        self.done = true;
        true
    }

    /// Takes away one of some parts.
    fn drop_one<T>(&mut self, parts: &mut Vec<T>, least: usize) {
        if parts.len() <= least {
            return;
        }
        for at in 0..parts.len() {
            if self.takes() {
                parts.remove(at);
                return;
            }
        }
    }

    fn drop_option<T>(&mut self, part: &mut Option<T>) {
        if part.is_some() && self.takes() {
            *part = None;
        }
    }
}

impl Case {
    fn shrink(&mut self, step: &mut Step) {
        step.drop_one(&mut self.changes, 0);
        step.drop_one(&mut self.views, 0);
        step.drop_one(&mut self.tables, 0);
        self.query.shrink(step);
        if let Some(split) = &mut self.split {
            split.shrink(step);
        }
        for table in &mut self.tables {
            table.shrink(step);
        }
        self.views.iter_mut().for_each(|(_, query)| query.shrink(step));
        for change in &mut self.changes {
            change.shrink(step);
        }
    }
}

impl Change {
    fn shrink(&mut self, step: &mut Step) {
        match self {
            Self::Update { value, filter, .. } => {
                step.drop_option(filter);
                value.shrink(step);
                for filter in filter.iter_mut() {
                    filter.shrink(step);
                }
            }
            Self::Delete { filter, .. } => {
                step.drop_option(filter);
                for filter in filter.iter_mut() {
                    filter.shrink(step);
                }
            }
            Self::Insert { query, .. } => query.shrink(step),
        }
    }
}

impl Table {
    fn shrink(&mut self, step: &mut Step) {
        if self.keyed && step.takes() {
            self.keyed = false;
        }
        step.drop_one(&mut self.rows, 0);
        for at in (1..self.columns.len()).rev() {
            if step.takes() {
                self.columns.remove(at);
                self.rows.iter_mut().for_each(|row| drop(row.remove(at)));
                return;
            }
        }
        let keyed = self.keyed;
        for (at, (_, ty)) in self.columns.iter().enumerate().skip(usize::from(keyed)) {
            for row in &mut self.rows {
                for simple in simple_values(*ty) {
                    if row[at] == simple {
                        break;
                    }
                    if step.takes() {
                        row[at] = simple;
                        return;
                    }
                }
            }
        }
    }
}

fn simple_values(ty: Ty) -> Vec<Value> {
    let value = match ty {
        Ty::Int => Value::Int(1),
        Ty::Text => Value::Text("a".to_owned()),
        Ty::Bool => Value::Bool(true),
        Ty::Double => Value::Double(1.0),
        Ty::Decimal => Value::Decimal(100),
        Ty::Date => Value::Date(1),
        Ty::Timestamp => Value::Timestamp(0),
        Ty::Interval => Value::Interval("1 day"),
    };
    vec![value, Value::Null]
}

impl Query {
    fn shrink(&mut self, step: &mut Step) {
        step.drop_option(&mut self.limit);
        if self.limit.is_none() && !self.order.is_empty() && step.takes() {
            self.order.clear();
        }
        step.drop_one(&mut self.with, 0);
        if let Body::SetOperation { left, right, .. } = &mut self.body {
            let side = [&*left, &*right].into_iter().find(|_| step.takes()).cloned();
            if let Some(side) = side {
                self.body = side.body;
                self.with.extend(side.with);
                return;
            }
        }
        for at in 0..self.width() {
            if self.width() > 1 && step.takes() {
                self.drop_column(at);
                return;
            }
        }
        match &mut self.body {
            Body::Select(select) => select.shrink(step),
            Body::SetOperation { left, right, .. } => {
                left.shrink(step);
                right.shrink(step);
            }
        }
        self.with.iter_mut().for_each(|(_, query)| query.shrink(step));
    }

    fn drop_column(&mut self, at: usize) {
        if !self.order.is_empty() {
            self.order.remove(at);
        }
        match &mut self.body {
            Body::Select(select) => drop(select.items.remove(at)),
            Body::SetOperation { left, right, .. } => {
                left.drop_column(at);
                right.drop_column(at);
            }
        }
    }
}

impl Select {
    fn shrink(&mut self, step: &mut Step) {
        if self.distinct && step.takes() {
            self.distinct = false;
        }
        step.drop_option(&mut self.filter);
        step.drop_option(&mut self.having);
        step.drop_one(&mut self.group, 0);
        if let Some(from) = &mut self.from {
            from.shrink(step);
        }
        let exprs = self.items.iter_mut().map(|(expr, _)| expr);
        // A constant among the keys would be the position of a column.
        let exprs = exprs.chain(&mut self.filter).chain(&mut self.having);
        exprs.for_each(|expr| expr.shrink(step));
    }
}

impl From {
    fn shrink(&mut self, step: &mut Step) {
        match self {
            Self::Named { .. } => {}
            Self::Derived { query, .. } => query.shrink(step),
            Self::Join { kind, left, right, on } => {
                let side = [&*left, &*right].into_iter().find(|_| step.takes()).cloned();
                if let Some(side) = side {
                    *self = *side;
                    return;
                }
                if *kind != " JOIN " && !matches!(on, On::Nothing) && step.takes() {
                    *kind = " JOIN ";
                }
                if let On::Condition(condition) = on {
                    condition.shrink(step);
                }
                left.shrink(step);
                right.shrink(step);
            }
        }
    }
}

impl Expr {
    fn shrink(&mut self, step: &mut Step) {
        let ty = self.ty();
        if !matches!(self, Self::Literal(..)) {
            let part = self.parts().into_iter().find(|part| part.ty() == ty && step.takes()).cloned();
            if let Some(part) = part {
                *self = part;
                return;
            }
            for value in simple_values(ty) {
                if step.takes() {
                    *self = Self::Literal(value, ty);
                    return;
                }
            }
        }
        match self {
            Self::Literal(..) | Self::Column { .. } => {}
            Self::Call { args, .. } => {
                for arg in args {
                    arg.shrink(step);
                }
            }
            Self::Subquery { args, query, .. } => {
                for arg in args.iter_mut() {
                    arg.shrink(step);
                }
                query.shrink(step);
            }
            Self::Aggregate { args, filter, .. } => {
                step.drop_option(filter);
                for arg in args.iter_mut() {
                    arg.shrink(step);
                }
                for filter in filter.iter_mut() {
                    filter.shrink(step);
                }
            }
            Self::Window { args, over, .. } => {
                step.drop_one(&mut over.partition, 0);
                for arg in args.iter_mut() {
                    arg.shrink(step);
                }
                for key in &mut over.partition {
                    key.shrink(step);
                }
                // With fewer keys the order would be total no more, and other answers right as well.
                if !over.is_by_rows {
                    step.drop_one(&mut over.order, 1);
                }
            }
        }
    }

    /// The operands.
    fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Literal(..) | Self::Column { .. } => Vec::new(),
            Self::Call { args, .. }
            | Self::Subquery { args, .. }
            | Self::Aggregate { args, .. }
            | Self::Window { args, .. } => args.iter().collect(),
        }
    }
}
