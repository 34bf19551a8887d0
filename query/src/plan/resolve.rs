//! The pass before planning: every point of a statement becomes a moment that can be read.

use std::{
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
    sync::{Arc, LazyLock, OnceLock},
};

use bygone_engine::types::{KeyspaceId, Timestamp};
use bygone_mvcc::{Error as StoreError, system};
use datafusion::{
    catalog::TableProvider,
    common::{
        DFSchema, ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    execution::session_state::SessionState,
    logical_expr::{Expr, ScalarUDF, simplify::SimplifyContext},
    optimizer::simplify_expressions::ExprSimplifier,
    sql::sqlparser::ast::{self, ObjectName, Query, TableFactor, Value, Visit, Visitor},
};
use futures::future::BoxFuture;

use super::{
    constants::plain_constant,
    extent::{Extent, Measure},
    trees::visit_trees,
};
use crate::{
    catalog::{CatalogState, Object},
    error::{Error, Result},
    functions,
    names::{ObjectPath, SearchPath, internal::TARGET_TABLE},
    parse::{self, PointExpr, PointId, PointSyntax},
    points::{Point, TimeZone, display_timestamp, literal_time, version_from_text},
    postgres::{analyze::with_zone, ast::spellings::rewrite_expression},
    scan::{PointLabel, Reader},
    session::{Depth, Notice, Shared},
};

/// A state that is made when it is first asked for.
pub(crate) type LazyState = LazyLock<Arc<SessionState>, Box<dyn FnOnce() -> Arc<SessionState> + Send>>;

/// Views inside views inside views.
const VIEW_DEPTH_MAX: usize = 32;

/// Tells the moments of one statement apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum MomentKey {
    /// What tables without a point are read at.
    Statement,
    /// A point that the text names.
    At(Timestamp),
}

/// A readable moment: the names and the rows of one timestamp.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub key: MomentKey,
    pub label: PointLabel,
    pub catalog: Arc<CatalogState>,
    reader: Reader,
    /// The nearest snapshots, when not every table can be read.
    near: Option<(Option<String>, Option<String>)>,
}

impl Moment {
    /// The statement's own moment.
    pub(crate) fn new(label: PointLabel, catalog: Arc<CatalogState>, reader: Reader) -> Self {
        Self { key: MomentKey::Statement, label, catalog, reader, near: None }
    }

    /// The timestamp.
    pub(crate) fn timestamp(&self) -> Timestamp {
        self.reader.timestamp()
    }

    /// What reads the rows of this moment.
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The same moment as the statement's own.
    pub(crate) fn as_default(&self) -> Arc<Self> {
        Arc::new(Self { key: MomentKey::Statement, ..self.clone() })
    }

    /// What reads the rows of one table.
    pub(crate) fn reader_of(&self, path: &ObjectPath, keyspace: KeyspaceId) -> Result<Reader> {
        match self.reader.view().check(keyspace) {
            Ok(()) => Ok(self.reader.clone()),
            Err(bygone_engine::Error::TooOld { requested, horizon }) => {
                let (before, after) =
                    self.near.as_ref().map_or((None, None), |(a, b)| (a.as_deref(), b.as_deref()));
                Err(Error::too_old(requested, horizon, before, after).prefixed(&format!("table {path}")))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// The table or view at `path`, or an error that says what is missing.
    pub(crate) fn find(&self, path: &ObjectPath) -> Result<Object> {
        if let Some(object) = self.catalog.object(path) {
            return Ok(object.clone());
        }
        let Some(database) = self.catalog.databases.get(&path.database) else {
            return Err(Error::no_database(
                &path.database,
                self.catalog.databases.keys().map(String::as_str),
            ));
        };
        let Some(schema) = database.schemas.get(&path.schema) else {
            return Err(Error::no_schema(&path.schema, database.schemas.keys().map(String::as_str)));
        };
        let error = Error::no_table(&path.to_string(), schema.objects.keys().map(String::as_str));
        Err(match &self.label {
            PointLabel::Latest => error,
            PointLabel::At(words) => error.reworded(|message| format!("{message} at {words}")),
        })
    }
}

/// What the points and table functions of one text mean.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    /// By [`PointId`].
    pub points: Vec<Arc<Moment>>,
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
    pub moment: Option<Arc<Moment>>,
}

/// Everything that planning a statement needs and that had to be looked up.
#[derive(Debug)]
pub(crate) struct Resolution {
    pub shared: Arc<Shared>,
    /// What tables without a point are read at.
    pub default: Arc<Moment>,
    /// The points of the statement's own text.
    pub bindings: Arc<Bindings>,
    pub views: HashMap<(MomentKey, u64), PreparedView>,
    /// What unqualified names mean.
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
            functions::point_functions(&self.default, &self.reads, &self.shared, &self.search)
        });
        all.get(name).cloned()
    }
}

/// Resolves the points of one statement.
pub(crate) struct Resolver<'a> {
    pub shared: &'a Arc<Shared>,
    pub state: &'a LazyState,
    /// The session's time zone: where literals without a zone are read.
    pub zone: TimeZone,
    /// The statement's instant.
    pub now: Timestamp,
    /// The bound parameters.
    pub parameters: &'a [ScalarValue],
    pub search: &'a SearchPath,
    pub notices: Vec<Notice>,
    /// How much stack the statement has.
    stack: Depth,
    moments: BTreeMap<Timestamp, Arc<Moment>>,
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
        shared: &'a Arc<Shared>,
        state: &'a LazyState,
        zone: TimeZone,
        now: Timestamp,
        parameters: &'a [ScalarValue],
        search: &'a SearchPath,
    ) -> Self {
        Self {
            shared,
            state,
            zone,
            now,
            parameters,
            search,
            notices: Vec::new(),
            stack: Depth::default(),
            moments: BTreeMap::new(),
            views: HashMap::new(),
            reads: BTreeMap::new(),
        }
    }

    /// For a statement that can have more stack.
    pub(crate) fn at_depth(mut self, depth: &Depth) -> Self {
        self.stack = depth.clone();
        self
    }

    /// Resolves the points of `parsed`, of the views it reads and of its table functions. `default` is the moment of tables
    /// without a point, unless the text ends with one for all.
    pub(crate) async fn resolve(
        mut self,
        default: Arc<Moment>,
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
            shared: Arc::clone(self.shared),
            default,
            bindings: Arc::new(bindings),
            views: self.views,
            search,
            reads: self.reads,
            functions: OnceLock::new(),
        };
        Ok((Arc::new(resolution), self.notices))
    }

    async fn points(&mut self, exprs: &[PointExpr]) -> Result<Vec<Arc<Moment>>> {
        let mut points = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let moment = self.moment_of(expr).await.map_err(|error| error.at(expr.position))?;
            points.push(moment);
        }
        Ok(points)
    }

    /// The moment that a point clause names.
    pub(crate) async fn moment_of(&mut self, expr: &PointExpr) -> Result<Arc<Moment>> {
        let point = self.evaluate_point(&expr.syntax)?;
        self.moment_at(&point).await
    }

    /// What a point clause says, its expressions evaluated.
    pub(crate) fn evaluate_point(&self, syntax: &PointSyntax) -> Result<Point> {
        Ok(match syntax {
            PointSyntax::Snapshot(name) => Point::Snapshot(name.clone()),
            PointSyntax::SnapshotParameter(expr) => match self.evaluate(expr)?.try_as_str() {
                Some(Some(name)) => Point::Snapshot(name.to_owned()),
                _ => return Err(Error::invalid_value("the name of a snapshot must be text")),
            },
            PointSyntax::Timestamp(expr) => Point::Timestamp(self.evaluate_time(expr)?),
            PointSyntax::Version(expr) => Point::Version(self.evaluate_version(expr)?),
        })
    }

    /// The instant that a constant expression gives.
    pub(crate) fn evaluate_time(&self, expr: &ast::Expr) -> Result<Timestamp> {
        if let ast::Expr::Value(value) = expr
            && let Value::SingleQuotedString(text) = &value.value
        {
            return literal_time(text, self.zone, self.now);
        }
        self.time_of(&self.evaluate(expr)?)
    }

    /// The version that a constant expression gives.
    pub(crate) fn evaluate_version(&self, expr: &ast::Expr) -> Result<u64> {
        version_of(&self.evaluate(expr)?)
    }

    /// The instant that a value stands for.
    pub(crate) fn time_of(&self, value: &ScalarValue) -> Result<Timestamp> {
        let not_a_time = || Error::invalid_value(format!("{value} is not a time"));
        if let Some(text) = value.try_as_str() {
            return literal_time(text.ok_or_else(not_a_time)?, self.zone, self.now);
        }
        if value.is_null() {
            return Err(Error::invalid_value("a point in time cannot be NULL"));
        }
        let has_zone = matches!(value.data_type(), arrow::datatypes::DataType::Timestamp(_, Some(_)));
        let unit = arrow::datatypes::TimeUnit::Microsecond;
        let target = arrow::datatypes::DataType::Timestamp(unit, has_zone.then(|| crate::types::UTC.into()));
        let micros = match value.data_type() {
            arrow::datatypes::DataType::Timestamp(..)
            | arrow::datatypes::DataType::Date32
            | arrow::datatypes::DataType::Date64 => value.cast_to(&target)?,
            _ => return Err(not_a_time()),
        };
        let ScalarValue::TimestampMicrosecond(Some(micros), _) = micros else { return Err(not_a_time()) };
        let micros = if has_zone {
            micros
        } else {
            let local = chrono::DateTime::from_timestamp_micros(micros).ok_or_else(not_a_time)?.naive_utc();
            self.zone.instant_micros(local)
        };
        match u64::try_from(micros) {
            Ok(micros) if micros > 0 => Ok(Timestamp::from_micros(micros)),
            _ => Err(Error::invalid_value(format!("{value} is before 1970"))),
        }
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
        let in_zone = with_zone(coerced, &DFSchema::empty(), self.zone)?;
        match simplifier.simplify(in_zone)? {
            Expr::Literal(value, _) => Ok(value),
            _ => Err(Error::invalid_value(format!("{expr} is not constant")).with_hint(
                "a point may use literals, parameters, now() and arithmetic; no columns, no subqueries",
            )),
        }
    }

    /// The moment that a point stands for, with the names and rows of its timestamp.
    pub(crate) async fn moment_at(&mut self, point: &Point) -> Result<Arc<Moment>> {
        let (at, words) = match point {
            Point::Latest => {
                let view = self.shared.store.view_now();
                let at = view.timestamp();
                (at, format!("latest ({})", display_timestamp(at)))
            }
            Point::Snapshot(name) => {
                let at = self.shared.snapshot_time(name).await?;
                (at, format!("snapshot {name} ({})", display_timestamp(at)))
            }
            Point::Timestamp(at) => (*at, display_timestamp(*at)),
            Point::Version(version) => {
                let at = Timestamp::from_micros(*version);
                (at, format!("version {version} ({})", display_timestamp(at)))
            }
        };
        self.notices.push(Notice::new(format!("reading as of {words}")));
        if let Some(moment) = self.moments.get(&at) {
            return Ok(Arc::clone(moment));
        }
        let moment = Arc::new(self.open(at, words.as_str()).await?);
        self.moments.insert(at, Arc::clone(&moment));
        Ok(moment)
    }

    /// Opens the moment `at` for reading.
    async fn open(&self, at: Timestamp, words: &str) -> Result<Moment> {
        let store = &self.shared.store;
        // Below the horizon only what is pinned can be read; an error then names the snapshots nearby.
        let near = if at < store.engine().database_horizon() {
            Some(self.shared.snapshots_near(at).await?)
        } else {
            None
        };
        let too_old = |requested, horizon| {
            let (before, after) = near.as_ref().map_or((None, None), |(a, b)| (a.as_deref(), b.as_deref()));
            Error::too_old(requested, horizon, before, after)
        };
        let view = match store.view_at(at).await {
            Ok(view) => view,
            Err(StoreError::Engine(bygone_engine::Error::TooOld { requested, horizon })) => {
                return Err(too_old(requested, horizon));
            }
            Err(StoreError::Future { now, .. }) => return Err(Error::future(words, now)),
            Err(other) => return Err(other.into()),
        };
        if let Err(bygone_engine::Error::TooOld { requested, horizon }) = view.check(system::CATALOG) {
            return Err(too_old(requested, horizon));
        }
        let reader = Reader::View(view);
        let catalog = self.shared.catalog.at(&reader).await?;
        Ok(Moment { key: MomentKey::At(at), label: PointLabel::At(words.into()), catalog, reader, near })
    }

    /// Prepares the views and table functions that a text names.
    fn bind<'b>(
        &'b mut self,
        references: Vec<Reference>,
        points: Vec<Arc<Moment>>,
        default: &'b Arc<Moment>,
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
                            functions::table_function(self, &name, values, default, search).await?;
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
        points: &[Arc<Moment>],
        default: &Arc<Moment>,
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
        moment: &Arc<Moment>,
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
                // Its text is parsed in here, and so are those of the views that it reads; all of them are planned.
                self.stack.grow().await;
                let parsed = parse::parse(&view.query)?;
                let parse::Statement::Query(query) = &parsed.statement else {
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

/// The version that a value stands for.
pub(crate) fn version_of(value: &ScalarValue) -> Result<u64> {
    match value.try_as_str() {
        Some(Some(text)) => version_from_text(text),
        _ => version_from_text(&value.to_string()),
    }
}

/// The bound value of `$n`.
pub(crate) fn parameter(parameters: &[ScalarValue], id: &str) -> Result<ScalarValue> {
    let missing = || {
        Error::new(crate::error::ErrorKind::Invalid, "08P01", format!("parameter {id} has no value"))
            .with_hint(format!("{} parameters were bound", parameters.len()))
    };
    let number: usize = id.trim_start_matches('$').parse().map_err(|_| missing())?;
    number.checked_sub(1).and_then(|index| parameters.get(index)).cloned().ok_or_else(missing)
}
