//! The pass before planning: every point of a statement becomes a moment that can be read.

use std::{
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
    sync::{Arc, OnceLock},
};

use bygone_engine::types::Timestamp;
use datafusion::{
    catalog::TableProvider,
    common::{
        DFSchema, ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{Expr, ScalarUDF, simplify::SimplifyContext},
    optimizer::simplify_expressions::ExprSimplifier,
};
use futures::future::BoxFuture;
use sqlparser::ast::{self, ObjectName, Query, TableFactor, Value, Visit, Visitor};

use super::{
    extent::{Extent, Measure},
    trees::visit_trees,
};
use crate::{
    catalog::Object,
    error::{Error, Result},
    functions,
    moment::{Moment, MomentKey, OpenMoment},
    names::{ObjectPath, SearchPath, internal::TARGET_TABLE},
    parse::{self, PointExpr, PointId, PointSyntax, plain_constant},
    postgres::{analyze::with_zone, ast::spellings::rewrite_expression},
    statement::{Database, Depth, LazyState, Notice, OpenMoments, parameter, version_of},
    time::literal_time,
};

/// Views inside views inside views.
const VIEW_DEPTH_MAX: usize = 32;

/// Meaning of the points and table functions of one text.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    /// By [`PointId`].
    pub points: Vec<Arc<OpenMoment>>,
    /// Table functions of our own, by the text of the call.
    pub functions: HashMap<String, Arc<dyn TableProvider>>,
}

/// A view's text, ready to be planned.
#[derive(Debug)]
pub(crate) struct PreparedView {
    pub query: Box<Query>,
    pub bindings: Arc<Bindings>,
    pub extent: Extent,
    /// When the text has a point for all its tables.
    pub moment: Option<Arc<OpenMoment>>,
}

/// Everything that planning a statement needs and that had to be looked up.
#[derive(Debug)]
pub(crate) struct Resolution {
    pub database: Arc<Database>,
    /// Moment that tables without a point are read at.
    pub default: Arc<OpenMoment>,
    /// The points of the statement's own text.
    pub bindings: Arc<Bindings>,
    pub views: HashMap<(MomentKey, u64), PreparedView>,
    /// Search path of unqualified names.
    search: SearchPath,
    /// The moments at which each table is read.
    reads: BTreeMap<ObjectPath, Vec<Timestamp>>,
    /// Made when one of them is called: they know every table.
    functions: OnceLock<HashMap<String, Arc<ScalarUDF>>>,
}

impl Resolution {
    /// Scalar functions whose answer depends on the statement's points.
    pub(crate) fn scalar_function(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        if !functions::POINT_FUNCTIONS.contains(&name) {
            return None;
        }
        let all = self.functions.get_or_init(|| {
            functions::point_functions(&self.default, &self.reads, &self.database, &self.search)
        });
        all.get(name).cloned()
    }
}

/// Resolves the points of one statement.
pub(crate) struct Resolver<'a> {
    pub moments: OpenMoments<'a>,
    state: &'a LazyState,
    /// The bound parameters.
    parameters: &'a [ScalarValue],
    search: &'a SearchPath,
    /// Stack that the statement has.
    stack: Depth,
    views: HashMap<(MomentKey, u64), PreparedView>,
    /// The moments at which each table is read.
    reads: BTreeMap<ObjectPath, Vec<Timestamp>>,
}

/// A table or table function named in a text.
enum Reference {
    Table(ObjectName, Option<PointId>),
    Function { name: ObjectName, args: Vec<ast::Expr>, text: String },
}

#[derive(Default)]
struct References(Vec<Reference>);

impl Visitor for References {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args, version, .. } = factor {
            match args {
                None => self.0.push(Reference::Table(name.clone(), version.as_ref().and_then(PointId::of))),
                Some(args) if functions::is_own_table_function(name) => {
                    let mut bare = factor.clone();
                    if let TableFactor::Table { alias, .. } = &mut bare {
                        *alias = None;
                    }
                    let args = args.args.iter().filter_map(plain_argument).collect();
                    self.0.push(Reference::Function { name: name.clone(), args, text: bare.to_string() });
                }
                Some(_) => {}
            }
        }
        ControlFlow::Continue(())
    }
}

fn plain_argument(argument: &ast::FunctionArg) -> Option<ast::Expr> {
    match argument {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    }
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        moments: OpenMoments<'a>,
        state: &'a LazyState,
        parameters: &'a [ScalarValue],
        search: &'a SearchPath,
    ) -> Self {
        Self {
            moments,
            state,
            parameters,
            search,
            stack: Depth::default(),
            views: HashMap::new(),
            reads: BTreeMap::new(),
        }
    }

    /// For a statement that can have more stack.
    pub(crate) fn at_depth(mut self, depth: &Depth) -> Self {
        self.stack = depth.clone();
        self
    }

    /// Resolves the points of `parsed`, of the views it reads and of its table functions. `default` is the
    /// moment of tables without a point, unless the text ends with one for all.
    pub(crate) async fn resolve(
        mut self,
        default: Arc<OpenMoment>,
        parsed: &parse::Parsed,
    ) -> Result<(Arc<Resolution>, Vec<Notice>)> {
        let points = self.points(&parsed.points).await?;
        let default = match parsed.default_point.and_then(|id| points.get(id.0)) {
            Some(moment) => moment.as_default(),
            None => default,
        };
        let mut references = References::default();
        let _ = visit_trees(&parsed.statement, &mut references);
        let search = self.search.clone();
        let bindings = self.bind(references.0, points, &default, &search, 0).await?;
        self.extent(&bindings.points, &default, &search, |measure| visit_trees(&parsed.statement, measure))?;
        let resolution = Resolution {
            database: Arc::clone(self.moments.database),
            default,
            bindings: Arc::new(bindings),
            views: self.views,
            search,
            reads: self.reads,
            functions: OnceLock::new(),
        };
        Ok((Arc::new(resolution), self.moments.notices))
    }

    async fn points(&mut self, exprs: &[PointExpr]) -> Result<Vec<Arc<OpenMoment>>> {
        let mut points = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let moment = self.moment_of(expr).await.map_err(|error| error.at(expr.position))?;
            points.push(moment);
        }
        Ok(points)
    }

    /// The moment that a point clause names.
    pub(crate) async fn moment_of(&mut self, expr: &PointExpr) -> Result<Arc<OpenMoment>> {
        let moment = self.evaluate_point(&expr.syntax)?;
        self.moments.moment_at(&moment).await
    }

    /// Moment that a point clause names, its expressions evaluated.
    pub(crate) fn evaluate_point(&self, syntax: &PointSyntax) -> Result<Moment> {
        Ok(match syntax {
            PointSyntax::Snapshot(name) => Moment::Snapshot(name.clone()),
            PointSyntax::SnapshotParameter(expr) => match self.evaluate(expr)?.try_as_str() {
                Some(Some(name)) => Moment::Snapshot(name.to_owned()),
                _ => return Err(Error::invalid_value("the name of a snapshot must be text")),
            },
            PointSyntax::Timestamp(expr) => Moment::Timestamp(self.evaluate_time(expr)?),
            PointSyntax::Version(expr) => Moment::Version(self.evaluate_version(expr)?),
        })
    }

    /// The instant that a constant expression gives.
    pub(crate) fn evaluate_time(&self, expr: &ast::Expr) -> Result<Timestamp> {
        if let ast::Expr::Value(value) = expr
            && let Value::SingleQuotedString(text) = &value.value
        {
            return literal_time(text, self.moments.zone, self.moments.now);
        }
        self.moments.time_of(&self.evaluate(expr)?)
    }

    /// The version that a constant expression gives.
    pub(crate) fn evaluate_version(&self, expr: &ast::Expr) -> Result<u64> {
        version_of(&self.evaluate(expr)?)
    }

    /// The value of a constant expression, parameters bound.
    pub(crate) fn evaluate(&self, expr: &ast::Expr) -> Result<ScalarValue> {
        if let Some(value) = plain_constant(expr) {
            return Ok(value);
        }
        if let ast::Expr::Value(value) = expr
            && let Value::Placeholder(id) = &value.value
        {
            return parameter(self.parameters, id);
        }
        let mut spelt = expr.clone();
        rewrite_expression(&mut spelt)?;
        let expr_with_alias = ast::ExprWithAlias { expr: spelt, alias: None };
        let logical = self.state.create_logical_expr_from_sql_expr(expr_with_alias, &DFSchema::empty())?;
        let bound = logical.transform(|node| match &node {
            Expr::Placeholder(placeholder) => {
                let value = parameter(self.parameters, &placeholder.id)?;
                Ok(Transformed::yes(Expr::Literal(value, None)))
            }
            _ => Ok(Transformed::no(node)),
        })?;
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(self.state.config_options()))
            .with_query_execution_start_time(self.state.execution_props().query_execution_start_time)
            .build();
        let simplifier = ExprSimplifier::new(context);
        let coerced = simplifier.coerce(bound.data, &DFSchema::empty())?;
        let in_zone = with_zone(coerced, &DFSchema::empty(), self.moments.zone)?;
        match simplifier.simplify(in_zone)? {
            Expr::Literal(value, _) => Ok(value),
            _ => Err(Error::invalid_value(format!("{expr} is not constant")).with_hint(
                "a point may use literals, parameters, now() and arithmetic; no columns, no subqueries",
            )),
        }
    }

    /// Prepares the views and table functions that a text names.
    fn bind<'b>(
        &'b mut self,
        references: Vec<Reference>,
        points: Vec<Arc<OpenMoment>>,
        default: &'b Arc<OpenMoment>,
        search: &'b SearchPath,
        depth: usize,
    ) -> BoxFuture<'b, Result<Bindings>> {
        Box::pin(async move {
            let mut functions = HashMap::new();
            for reference in references {
                match reference {
                    Reference::Table(name, point) => {
                        let moment = match point {
                            Some(id) => Arc::clone(points.get(id.0).unwrap_or(default)),
                            None => Arc::clone(default),
                        };
                        self.bind_table(&name, &moment, search, depth).await?;
                    }
                    Reference::Function { name, args, text } => {
                        let mut values = Vec::with_capacity(args.len());
                        for arg in &args {
                            values.push(self.evaluate(arg)?);
                        }
                        let provider =
                            functions::table_function(&mut self.moments, &name, values, default, search)
                                .await?;
                        functions.insert(text, provider);
                    }
                }
            }
            Ok(Bindings { points, functions })
        })
    }

    /// The reach of a text whose views were prepared.
    fn extent(
        &self,
        points: &[Arc<OpenMoment>],
        default: &Arc<OpenMoment>,
        search: &SearchPath,
        visit: impl FnOnce(&mut Measure<'_>) -> ControlFlow<Error>,
    ) -> Result<Extent> {
        let named = |name: &ObjectName, point: Option<PointId>| {
            let moment = point.and_then(|id| points.get(id.0)).unwrap_or(default);
            let path = search.path_of_tree(name);
            match path.and_then(|path| moment.catalog.object(&path)) {
                Some(Object::Table(table)) => Extent::of_table(table.columns.len()),
                Some(Object::View(view)) => {
                    let view = self.views.get(&(moment.key, view.id));
                    view.map_or(Extent::of_table(1), |view| view.extent)
                }
                // A computed table, or an error that planning reports.
                None => Extent::of_table(16),
            }
        };
        let mut measure = Measure::new(&named);
        match visit(&mut measure) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => measure.whole(),
        }
    }

    async fn bind_table(
        &mut self,
        name: &ObjectName,
        moment: &Arc<OpenMoment>,
        search: &SearchPath,
        depth: usize,
    ) -> Result<()> {
        let Some(path) = search.path_of_tree(name) else { return Ok(()) };
        if path.name == TARGET_TABLE {
            return Ok(());
        }
        match moment.catalog.object(&path) {
            // A common table expression, a computed table, or an error that planning reports.
            None => {}
            Some(Object::Table(_)) => {
                let reads = self.reads.entry(path).or_default();
                if !reads.contains(&moment.timestamp()) {
                    reads.push(moment.timestamp());
                }
            }
            Some(Object::View(view)) => {
                let key = (moment.key, view.id);
                if self.views.contains_key(&key) {
                    return Ok(());
                }
                if depth >= VIEW_DEPTH_MAX {
                    return Err(Error::limit(format!(
                        "view {path} is nested more than {VIEW_DEPTH_MAX} deep"
                    )));
                }
                let view = Arc::clone(view);
                // Its text is parsed in here, and so are those of the views that it reads; all of them are
                // planned.
                self.stack.grow().await;
                let parsed = parse::parse(&view.query)?;
                let parse::Statement::Read(parse::ReadStatement::Query(query)) = &parsed.statement else {
                    return Err(Error::corrupt(format!("the text of view {path} is not a query")));
                };
                let own = self.points(&parsed.points).await?;
                let all = parsed.default_point.and_then(|id| own.get(id.0)).cloned();
                let inner = all.clone().unwrap_or_else(|| Arc::clone(moment));
                let mut references = References::default();
                let _ = Visit::visit(query, &mut references);
                let search = SearchPath::new(&view.database, &view.schema);
                let bindings = self.bind(references.0, own, &inner, &search, depth + 1).await?;
                let extent =
                    self.extent(&bindings.points, &inner, &search, |measure| query.visit(measure))?;
                let prepared =
                    PreparedView { query: query.clone(), bindings: Arc::new(bindings), extent, moment: all };
                self.views.insert(key, prepared);
            }
        }
        Ok(())
    }
}
