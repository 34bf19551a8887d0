//! Checks for syntax that the planner would drop without a word, and for where a point may stand.
//!
//! DataFusion's planner ignores parts of the tree (row locks, samples, hints, the version of a table function
//! …). Here each of them is an error, and every recorded point must be found on a table that is read.

use std::{
    collections::HashSet,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    ops::ControlFlow,
};

use sqlparser::{
    ast::{
        self, BinaryOperator, Expr, Function, GroupByExpr, ObjectName, ObjectNamePart, Query, Select,
        SetExpr, SetOperator, SetQuantifier, TableFactor, TableVersion, Visit, Visitor,
    },
    parser::Parser,
};

use super::{
    clauses::misplaced,
    cursor::Cursor,
    names::folded_ident,
    points::{PointExpr, PointId},
};
use crate::error::{Error, Result};

/// Checks a tree and that it uses every point of `points`, but for the one that means the whole statement.
pub(super) fn query_parts(
    tree: &impl Visit,
    points: &[PointExpr],
    default_point: Option<PointId>,
) -> Result<()> {
    let mut checker = Checker {
        points,
        found: HashSet::new(),
        scopes: Vec::new(),
        windows: Vec::new(),
        operators: 0,
        nested: 0,
    };
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

impl Cursor<'_> {
    /// A constant expression.
    pub(super) fn constant(&mut self) -> Result<ast::Expr> {
        let position = self.position();
        let expr = self.with_parser(Parser::parse_expr)?;
        constant(&expr).map_err(|error| error.at(position))?;
        Ok(expr)
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
struct CheckScope {
    names: HashSet<String>,
    /// Queries whose name becomes known when their visit ends: inside itself a name means the table.
    pending: Vec<(*const Query, String)>,
}

struct Checker<'a> {
    points: &'a [PointExpr],
    found: HashSet<PointId>,
    scopes: Vec<CheckScope>,
    /// Hashes of the windows of each `SELECT` on the way.
    windows: Vec<HashSet<u64>>,
    /// Operators of chains around the expression that is visited.
    operators: usize,
    /// Other expressions around it.
    nested: usize,
}

/// The longest chain of operators: `a + b + c` nests two of them.
const CHAIN_MAX: usize = 2_500;

/// Expressions inside of each other that are no chain, as in `a::int::text`. Each of them asks those inside
/// for their types, each time that one is asked for its own.
const NESTED_MAX: usize = 200;

/// The longest select list. Every item is compared with all items.
const ITEMS_MAX: usize = 1_664;

/// Expressions that one query sorts by, and different windows that it has: each one asks for all the others.
const ORDERED_MAX: usize = 1_000;
const WINDOWS_MAX: usize = 100;

/// Grouping sets of one query, and the expressions in all of them.
pub(crate) const GROUPING_SETS_MAX: usize = 4_096;
const GROUPED_MAX: usize = 65_536;

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

/// An operator of which planning makes no deep tree, however many stand in a row.
fn is_in_chain(expr: &Expr) -> bool {
    use BinaryOperator::{
        And, BitwiseAnd, BitwiseOr, Divide, Minus, Modulo, Multiply, Or, PGBitwiseShiftLeft,
        PGBitwiseShiftRight, PGBitwiseXor, Plus, StringConcat,
    };
    let Expr::BinaryOp { op, .. } = expr else { return false };
    matches!(
        op,
        And | BitwiseAnd
            | BitwiseOr
            | Divide
            | Minus
            | Modulo
            | Multiply
            | Or
            | PGBitwiseShiftLeft
            | PGBitwiseShiftRight
            | PGBitwiseXor
            | Plus
            | StringConcat
    )
}

/// Refuses grouping sets that are too many: each `CUBE` doubles them with every column.
fn grouping_parts(group_by: &GroupByExpr) -> Flow {
    let GroupByExpr::Expressions(exprs, _) = group_by else { return Flow::Continue(()) };
    let (mut sets, mut width) = (1_usize, 0_usize);
    for expr in exprs {
        let (count, columns) = match expr {
            Expr::Cube(columns) => {
                let count = u32::try_from(columns.len()).ok().and_then(|n| 1_usize.checked_shl(n));
                (count.unwrap_or(usize::MAX), columns.len())
            }
            Expr::Rollup(columns) => (columns.len() + 1, columns.len()),
            Expr::GroupingSets(sets) => (sets.len(), sets.iter().map(Vec::len).max().unwrap_or_default()),
            _ => (1, 1),
        };
        sets = sets.saturating_mul(count.max(1));
        width += columns;
    }
    if exprs.len() > ITEMS_MAX {
        return Flow::Break(Error::limit(format!("GROUP BY has at most {ITEMS_MAX} expressions")));
    }
    if sets > GROUPING_SETS_MAX || sets > 1 && sets.saturating_mul(width) > GROUPED_MAX {
        return Flow::Break(too_many_sets());
    }
    Flow::Continue(())
}

/// Fails for too many grouping sets, where nested ones are written out.
pub(crate) fn check_grouping(group_by: &GroupByExpr) -> Result<()> {
    match grouping_parts(group_by) {
        Flow::Break(error) => Err(error),
        Flow::Continue(()) => Ok(()),
    }
}

/// 54000: more grouping sets than a select may have.
pub(crate) fn too_many_sets() -> Error {
    Error::limit(format!(
        "GROUP BY has more than {GROUPING_SETS_MAX} grouping sets, or {GROUPED_MAX} columns in them"
    ))
    .with_hint("name the sets that are needed: GROUP BY GROUPING SETS (…)")
}

fn select_parts(select: &Select) -> Flow {
    if select.projection.len() > ITEMS_MAX {
        return Flow::Break(
            Error::limit(format!("a select list has at most {ITEMS_MAX} items"))
                .with_hint("split it, and join the parts by their key"),
        );
    }
    grouping_parts(&select.group_by)?;
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

    fn pre_visit_expr(&mut self, expr: &Expr) -> Flow {
        if let Expr::Function(Function { over: Some(window), .. }) = expr
            && let Some(windows) = self.windows.last_mut()
        {
            windows.insert(BuildHasherDefault::<DefaultHasher>::default().hash_one(window));
            if windows.len() > WINDOWS_MAX {
                return Flow::Break(
                    Error::limit(format!("a SELECT has more than {WINDOWS_MAX} different windows"))
                        .with_hint("compute some of them in a WITH query"),
                );
            }
        }
        if is_in_chain(expr) {
            self.operators += 1;
        } else {
            self.nested += 1;
        }
        if self.operators > CHAIN_MAX {
            return Flow::Break(
                Error::limit(format!("an expression nests more than {CHAIN_MAX} operators"))
                    .with_hint("write a long chain of ORs as IN (…), and split others with parentheses"),
            );
        }
        if self.nested > NESTED_MAX {
            return Flow::Break(
                Error::limit(format!("more than {NESTED_MAX} expressions are nested inside each other"))
                    .with_hint("compute some of them in a WITH query"),
            );
        }
        Flow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> Flow {
        if is_in_chain(expr) {
            self.operators -= 1;
        } else {
            self.nested -= 1;
        }
        Flow::Continue(())
    }

    fn pre_visit_select(&mut self, _select: &Select) -> Flow {
        self.windows.push(HashSet::new());
        Flow::Continue(())
    }

    fn post_visit_select(&mut self, _select: &Select) -> Flow {
        self.windows.pop();
        Flow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> Flow {
        if let Some(order) = &query.order_by
            && let ast::OrderByKind::Expressions(keys) = &order.kind
            && keys.len() > ORDERED_MAX
        {
            return Flow::Break(Error::limit(format!("ORDER BY has at most {ORDERED_MAX} expressions")));
        }
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
        let mut scope = CheckScope::default();
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
