//! Queries as trees: what is generated, printed for both databases, and made smaller.

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Ty {
    Int,
    Text,
    Bool,
    Double,
    /// `DECIMAL(10, 2)`: of no use against SQLite, which has none.
    Decimal,
    /// `DATE`: likewise, as is what follows.
    Date,
    Timestamp,
    Interval,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bool(bool),
    Double(f64),
    /// Hundredths.
    Decimal(i64),
    /// A day of January 2024.
    Date(u8),
    /// Hours of that month.
    Timestamp(u16),
    /// As it is written.
    Interval(&'static str),
}

/// A call in the spelling of each dialect: `{0}`, `{1}` are operands, `{*}` is all of them, `{f}` what
/// follows an aggregate or a window function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Op {
    pub(crate) ours: &'static str,
    pub(crate) sqlite: &'static str,
}

impl Op {
    /// The same in both.
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { ours: text, sqlite: text }
    }

    pub(crate) const fn spelled(ours: &'static str, sqlite: &'static str) -> Self {
        Self { ours, sqlite }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Literal(Value, Ty),
    /// Without a relation: a column that `USING` has merged.
    Column {
        relation: String,
        name: String,
        ty: Ty,
    },
    Call {
        op: Op,
        args: Vec<Expr>,
        ty: Ty,
    },
    /// A query in an expression; `{q}` in the call.
    Subquery {
        op: Op,
        args: Vec<Expr>,
        query: Box<Query>,
        ty: Ty,
    },
    Aggregate {
        op: Op,
        args: Vec<Expr>,
        filter: Option<Box<Expr>>,
        ty: Ty,
    },
    Window {
        op: Op,
        args: Vec<Expr>,
        over: Box<Over>,
        ty: Ty,
    },
}

/// Window behind `OVER`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Over {
    pub(crate) partition: Vec<Expr>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) frame: &'static str,
    /// The answer depends on the place of a row among its equals.
    pub(crate) is_by_rows: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SortKey {
    pub(crate) expr: Expr,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) with: Vec<(String, Query)>,
    pub(crate) body: Body,
    /// The order, by the position of columns: of all of them, so that it is total, or of none.
    pub(crate) order: Vec<Direction>,
    /// Rows and offset. Only with an order.
    pub(crate) limit: Option<(u64, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Direction {
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Select(Box<Select>),
    SetOperation { op: &'static str, left: Box<Query>, right: Box<Query> },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Select {
    pub(crate) distinct: bool,
    pub(crate) items: Vec<(Expr, String)>,
    pub(crate) from: Option<From>,
    pub(crate) filter: Option<Expr>,
    pub(crate) group: Vec<Expr>,
    pub(crate) having: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum From {
    /// A table, a view or a query of `WITH`.
    Named {
        name: String,
        alias: String,
    },
    /// A query; a lateral one names columns of what stands before it.
    Derived {
        query: Box<Query>,
        alias: String,
        lateral: bool,
    },
    Join {
        kind: &'static str,
        left: Box<From>,
        right: Box<From>,
        on: On,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum On {
    Nothing,
    Condition(Expr),
    Using(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<(String, Ty)>,
    /// The first column is the primary key.
    pub(crate) keyed: bool,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// A statement that changes a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Update { table: String, column: String, value: Expr, filter: Option<Expr> },
    Delete { table: String, filter: Option<Expr> },
    Insert { table: String, query: Query },
}

/// A database with a query, which is all that a wrong answer needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    /// SQLite means the same by it.
    pub(crate) comparable: bool,
    pub(crate) tables: Vec<Table>,
    pub(crate) views: Vec<(String, Query)>,
    /// Changes after the snapshot.
    pub(crate) changes: Vec<Change>,
    pub(crate) query: Query,
    /// A condition that parts the rows of the query in three.
    pub(crate) split: Option<Expr>,
}

impl Expr {
    pub(crate) fn ty(&self) -> Ty {
        match self {
            Self::Literal(_, ty)
            | Self::Column { ty, .. }
            | Self::Call { ty, .. }
            | Self::Subquery { ty, .. }
            | Self::Aggregate { ty, .. }
            | Self::Window { ty, .. } => *ty,
        }
    }

    pub(crate) fn call(op: Op, args: Vec<Self>, ty: Ty) -> Self {
        Self::Call { op, args, ty }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self::call(Op::new("({0} AND {1})"), vec![self, other], Ty::Bool)
    }

    pub(crate) fn not(self) -> Self {
        Self::call(Op::new("(NOT {0})"), vec![self], Ty::Bool)
    }

    pub(crate) fn unknown(self) -> Self {
        Self::call(Op::new("({0} IS NULL)"), vec![self], Ty::Bool)
    }

    /// The expression or a part of it, queries in it left out, is one that `is_wanted`.
    pub(crate) fn has(&self, is_wanted: &dyn Fn(&Self) -> bool) -> bool {
        if is_wanted(self) {
            return true;
        }
        match self {
            Self::Literal(..) | Self::Column { .. } => false,
            Self::Call { args, .. } | Self::Subquery { args, .. } => {
                args.iter().any(|arg| arg.has(is_wanted))
            }
            Self::Aggregate { args, filter, .. } => {
                args.iter().chain(filter.as_deref()).any(|arg| arg.has(is_wanted))
            }
            Self::Window { args, over, .. } => {
                let keys = over.order.iter().map(|key| &key.expr);
                args.iter().chain(&over.partition).chain(keys).any(|arg| arg.has(is_wanted))
            }
        }
    }
}

impl Query {
    /// A query that is one `SELECT`.
    pub(crate) fn of(select: Select) -> Self {
        Self { with: Vec::new(), body: Body::Select(Box::new(select)), order: Vec::new(), limit: None }
    }

    /// Number of its columns.
    pub(crate) fn width(&self) -> usize {
        match &self.body {
            Body::Select(select) => select.items.len(),
            Body::SetOperation { left, .. } => left.width(),
        }
    }

    /// The names and types of its columns.
    pub(crate) fn columns(&self) -> Vec<(String, Ty)> {
        match &self.body {
            Body::Select(select) => {
                select.items.iter().map(|(expr, name)| (name.clone(), expr.ty())).collect()
            }
            Body::SetOperation { left, .. } => left.columns(),
        }
    }
}

impl Select {
    /// Its rows are those of its tables that its filter keeps, one for one.
    pub(crate) fn is_plain(&self) -> bool {
        let sees_many = |expr: &Expr| matches!(expr, Expr::Aggregate { .. } | Expr::Window { .. });
        !self.distinct
            && self.from.is_some()
            && self.group.is_empty()
            && self.having.is_none()
            && !self.items.iter().any(|(expr, _)| expr.has(&sees_many))
    }
}
