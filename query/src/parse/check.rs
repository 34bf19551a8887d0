//! What the planner would drop without a word, and where a point may stand.
//!
//! DataFusion's planner ignores parts of the tree (row locks, samples, hints, the version of a table function …).
//! Here each of them is an error, and every recorded point must be found on a table that is read.

use std::{collections::HashSet, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    self, Expr, GroupByExpr, ObjectName, ObjectNamePart, Query, Select, SetExpr, SetOperator, SetQuantifier,
    TableFactor, TableVersion, Visit, Visitor,
};

use super::{
    clauses::{PointExpr, PointId, misplaced},
    cursor::folded_ident,
};
use crate::error::{Error, Result};

/// Checks a tree and that it uses every point of `points`, but for the one that means the whole statement.
pub(super) fn query_parts(
    tree: &impl Visit,
    points: &[PointExpr],
    default_point: Option<PointId>,
) -> Result<()> {
    let mut checker = Checker { points, found: HashSet::new(), scopes: Vec::new(), depth: 0 };
    if let ControlFlow::Break(error) = tree.visit(&mut checker) {
        return Err(error);
    }
    let lost =
        (0..points.len()).map(PointId).find(|id| Some(*id) != default_point && !checker.found.contains(id));
    match lost {
        Some(id) => Err(misplaced(&points[id.0])),
        None => Ok(()),
    }
}

/// 22023 unless the expression means the same for every row: no columns, no queries.
pub(super) fn constant(expr: &Expr) -> Result<()> {
    struct Constant;
    impl Visitor for Constant {
        type Break = Error;
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
            match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(
                    Error::invalid_value(format!("{expr} is not constant: it names a column"))
                        .with_hint("put text in single quotes"),
                ),
                Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(
                    Error::unsupported("a query inside a constant")
                        .with_hint("ask it first, and pass the answer as $1"),
                ),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    match expr.visit(&mut Constant) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// The names that `WITH` gives, while the query that has it is visited.
#[derive(Default)]
struct Scope {
    names: HashSet<String>,
    /// Queries whose name becomes known when their visit ends: inside itself a name means the table.
    pending: Vec<(*const Query, String)>,
}

struct Checker<'a> {
    points: &'a [PointExpr],
    found: HashSet<PointId>,
    scopes: Vec<Scope>,
    /// Expressions around the one that is visited.
    depth: usize,
}

/// The longest chain of operators: `a + b + c` nests two of them. Planning one takes time that grows with the square.
const CHAIN_MAX: usize = 2_500;

type Flow = ControlFlow<Error>;

fn refuse(feature: &str, hint: &str) -> Flow {
    Flow::Break(Error::unsupported(feature).with_hint(hint))
}

impl Checker<'_> {
    fn is_cte(&self, name: &ObjectName) -> bool {
        let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else { return false };
        let name = folded_ident(ident);
        self.scopes.iter().any(|scope| scope.names.contains(&name))
    }

    fn version(&mut self, name: &ObjectName, version: &TableVersion, is_function: bool) -> Flow {
        let Some(point) = PointId::of(version).and_then(|id| self.points.get(id.0).map(|point| (id, point)))
        else {
            return Flow::Break(Error::unsupported(format!("the version clause {version}")));
        };
        let (id, point) = point;
        if is_function {
            return Flow::Break(
                Error::unsupported(format!("{} on the function {name}", point.text))
                    .with_hint("table functions take their moments as arguments")
                    .at(point.position),
            );
        }
        if self.is_cte(name) {
            return Flow::Break(
                Error::unsupported(format!("{} on {name}, which WITH defines", point.text))
                    .with_hint("write the moment after the tables inside the WITH")
                    .at(point.position),
            );
        }
        self.found.insert(id);
        Flow::Continue(())
    }
}

fn select_parts(select: &Select) -> Flow {
    if select.into.is_some() {
        return refuse("SELECT INTO", "write CREATE TABLE t AS SELECT …");
    }
    if select.top.is_some() {
        return refuse("TOP", "write LIMIT");
    }
    if !select.lateral_views.is_empty() {
        return refuse("LATERAL VIEW", "write unnest(…)");
    }
    if select.prewhere.is_some() {
        return refuse("PREWHERE", "write WHERE");
    }
    if !select.connect_by.is_empty() {
        return refuse("CONNECT BY", "write WITH RECURSIVE");
    }
    if !select.cluster_by.is_empty() || !select.distribute_by.is_empty() || !select.sort_by.is_empty() {
        return refuse("CLUSTER BY, DISTRIBUTE BY and SORT BY", "write ORDER BY");
    }
    if select.value_table_mode.is_some() {
        return refuse("SELECT AS VALUE and SELECT AS STRUCT", "name the columns");
    }
    if !select.optimizer_hints.is_empty() || select.select_modifiers.is_some() {
        return refuse("an optimizer hint", "leave it out");
    }
    match &select.group_by {
        GroupByExpr::Expressions(_, modifiers) | GroupByExpr::All(modifiers) if !modifiers.is_empty() => {
            refuse("GROUP BY … WITH", "write GROUP BY ROLLUP (…) or CUBE (…)")
        }
        _ => Flow::Continue(()),
    }
}

fn body_parts(body: &SetExpr) -> Flow {
    match body {
        SetExpr::Select(select) => select_parts(select),
        SetExpr::SetOperation { op, set_quantifier, left, right } => {
            let counts = matches!(op, SetOperator::Except | SetOperator::Intersect | SetOperator::Minus);
            if counts && matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName) {
                return refuse(
                    "INTERSECT ALL and EXCEPT ALL",
                    "number equal rows with row_number() OVER (PARTITION BY …) on both sides, and leave ALL out",
                );
            }
            body_parts(left)?;
            body_parts(right)
        }
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            refuse("a data change inside a query", "write it as a statement of its own")
        }
        SetExpr::Table(_) => refuse("TABLE inside a query", "write SELECT * FROM"),
        SetExpr::Query(_) | SetExpr::Values(_) => Flow::Continue(()),
    }
}

impl Visitor for Checker<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, _expr: &Expr) -> Flow {
        self.depth += 1;
        if self.depth > CHAIN_MAX {
            return Flow::Break(
                Error::limit(format!("an expression nests more than {CHAIN_MAX} operators"))
                    .with_hint("write a long chain of ORs as IN (…), and split others with parentheses"),
            );
        }
        Flow::Continue(())
    }

    fn post_visit_expr(&mut self, _expr: &Expr) -> Flow {
        self.depth -= 1;
        Flow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> Flow {
        if !query.locks.is_empty() {
            return refuse(
                "FOR UPDATE and FOR SHARE",
                "writes are checked for conflicts when the transaction commits",
            );
        }
        if query.for_clause.is_some() {
            return refuse("FOR XML, FOR JSON and FOR BROWSE", "leave it out");
        }
        if query.fetch.as_ref().is_some_and(|fetch| fetch.with_ties || fetch.percent) {
            return refuse("FETCH … WITH TIES and FETCH … PERCENT", "write LIMIT with a number of rows");
        }
        if query.settings.is_some() || query.format_clause.is_some() || !query.pipe_operators.is_empty() {
            return refuse("this clause of a query", "write it in standard SQL");
        }
        if let Some(ast::LimitClause::LimitOffset { limit_by, .. }) = &query.limit_clause
            && !limit_by.is_empty()
        {
            return refuse("LIMIT BY", "use row_number() OVER (PARTITION BY …)");
        }
        let mut scope = Scope::default();
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                let name = folded_ident(&cte.alias.name);
                if cte.materialized.is_some() {
                    return refuse("MATERIALIZED in WITH", "leave it out");
                }
                if with.recursive {
                    scope.names.insert(name);
                } else {
                    scope.pending.push((std::ptr::from_ref(cte.query.as_ref()), name));
                }
            }
        }
        self.scopes.push(scope);
        body_parts(&query.body)
    }

    fn post_visit_query(&mut self, query: &Query) -> Flow {
        self.scopes.pop();
        if let Some(scope) = self.scopes.last_mut()
            && let Some(done) = scope.pending.iter().position(|(pending, _)| std::ptr::eq(*pending, query))
        {
            let (_, name) = scope.pending.swap_remove(done);
            scope.names.insert(name);
        }
        Flow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> Flow {
        match table {
            TableFactor::Table {
                name,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
                alias: _,
            } => {
                if !with_hints.is_empty() || !index_hints.is_empty() {
                    return refuse("a table hint", "leave it out");
                }
                if sample.is_some() {
                    return refuse("TABLESAMPLE", "use ORDER BY random() LIMIT n");
                }
                if *with_ordinality {
                    return refuse("WITH ORDINALITY", "use row_number() OVER ()");
                }
                if !partitions.is_empty() || json_path.is_some() {
                    return refuse("this clause after a table", "write a condition in WHERE");
                }
                if let Some(args) = args
                    && args.settings.is_some()
                {
                    return refuse("SETTINGS of a table function", "leave it out");
                }
                match version {
                    Some(version) => self.version(name, version, args.is_some()),
                    None => Flow::Continue(()),
                }
            }
            TableFactor::Derived { sample: Some(_), .. } => {
                refuse("TABLESAMPLE", "use ORDER BY random() LIMIT n")
            }
            _ => Flow::Continue(()),
        }
    }
}
