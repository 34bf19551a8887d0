//! Names that DataFusion's SQL planner asks for: tables at the right point, functions, options.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::{
    catalog::{TableFunctionArgs, cte_worktable::CteWorkTable, default_table_source::provider_as_source},
    common::{
        DFSchemaRef, Result, ScalarValue, TableReference, config::ConfigOptions, datatype::DataTypeExt,
        internal_err, tree_node::Transformed,
    },
    datasource::ViewTable,
    execution::session_state::SessionState,
    logical_expr::{
        AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, LogicalPlanBuilder, ScalarUDF, TableSource,
        WindowUDF,
        planner::{ContextProvider, ExprPlanner, RelationPlanner, TypePlanner},
        simplify::SimplifyContext,
    },
    optimizer::simplify_expressions::ExprSimplifier,
    sql::planner::{ParserOptions, PlannerContext, SqlToRel},
};
use sqlparser::ast::Statement;

use super::{
    Resolution,
    growth::check_growth,
    relation::Points,
    resolve::{Bindings, PreparedView},
};
use crate::{
    catalog::{INFORMATION_SCHEMA, Object, SYSTEM_SCHEMA, ViewDef},
    error::Error,
    functions::TimeSeriesTable,
    moment::{MomentKey, OpenMoment},
    names::{
        ObjectPath, SearchPath,
        internal::{TARGET_TABLE, is_scan_name, scan_name},
    },
    postgres::{
        ast::output_names::with_shown_names,
        functions::{is_time_series, time_series},
        planned_aggregate, rewrite_plan, rewrite_tree,
        walk::rewrite_nodes,
    },
    scan::TableAt,
    system::ComputedTable,
    types::Types,
};

/// Names of one statement, or of one view inside it.
pub(crate) struct Names {
    pub(super) state: Arc<SessionState>,
    resolution: Arc<Resolution>,
    /// Points and table functions of the text.
    pub(super) bindings: Arc<Bindings>,
    /// Moment at which names without a point are looked up.
    pub(super) moment: Arc<OpenMoment>,
    /// Search path of unqualified names.
    pub(super) search: SearchPath,
    /// The table that an UPDATE or DELETE changes, with its hidden key column.
    pub(super) target: Option<Arc<dyn TableSource>>,
    relation_planners: Vec<Arc<dyn RelationPlanner>>,
}

impl Names {
    /// Names of a statement: those without a point are looked up at the statement's own.
    pub(crate) fn new(state: Arc<SessionState>, resolution: Arc<Resolution>, search: SearchPath) -> Self {
        let moment = Arc::clone(&resolution.default);
        let bindings = Arc::clone(&resolution.bindings);
        Self::of_view(state, resolution, bindings, moment, search)
    }

    /// Names of a text with points of its own, at `moment`.
    pub(crate) fn of_view(
        state: Arc<SessionState>,
        resolution: Arc<Resolution>,
        bindings: Arc<Bindings>,
        moment: Arc<OpenMoment>,
        search: SearchPath,
    ) -> Self {
        let points =
            Points::new(Arc::clone(&state), Arc::clone(&resolution), Arc::clone(&bindings), search.clone());
        let relation_planners: Vec<Arc<dyn RelationPlanner>> = vec![Arc::new(points)];
        Self { state, resolution, bindings, moment, search, target: None, relation_planners }
    }

    /// With the table that the name [`TARGET_TABLE`] stands for.
    pub(crate) fn with_target(mut self, target: Arc<dyn TableSource>) -> Self {
        self.target = Some(target);
        self
    }

    /// The plan of a statement whose points are resolved.
    pub(crate) fn plan(&self, statement: Statement) -> Result<LogicalPlan> {
        self.plan_typed(statement, None, &[])
    }

    /// As [`Self::plan`]; a `VALUES` list is read with the types of `schema`, parameters have those of their
    /// values.
    pub(crate) fn plan_typed(
        &self,
        mut statement: Statement,
        schema: Option<DFSchemaRef>,
        parameters: &[ScalarValue],
    ) -> Result<LogicalPlan> {
        let has_schema = schema.is_some();
        rewrite_tree(&mut statement, has_schema, self, self)?;
        // Decimal literals stay exact, as in Postgres.
        let options = ParserOptions::new().with_parse_float_as_decimal(true).with_collect_spans(true);
        let fields =
            parameters.iter().map(|value| Some(value.data_type().into_nullable_field_ref())).collect();
        let mut context = PlannerContext::new().with_prepare_param_data_types(fields);
        if schema.is_some() {
            context.set_table_schema(schema);
        }
        let planner = SqlToRel::new_with_options(self, options);
        let plan = planner.sql_statement_to_plan_with_context(statement, &mut context)?;
        check_growth(&plan)?;
        rewrite_plan(plan)
    }

    /// The full path of a written name.
    pub(crate) fn path(&self, name: &TableReference) -> ObjectPath {
        self.search.path_of_reference(name)
    }

    /// The table, view or computed table at `path` and `moment`.
    pub(crate) fn source_at(
        &self,
        moment: &Arc<OpenMoment>,
        path: &ObjectPath,
    ) -> Result<Arc<dyn TableSource>> {
        if path.schema == INFORMATION_SCHEMA || path.schema == SYSTEM_SCHEMA {
            let table = ComputedTable::find(path, moment, &self.resolution.database)?;
            return Ok(provider_as_source(Arc::new(table)));
        }
        let object = moment.find(path)?;
        match object {
            Object::Table(table) => {
                let reader = moment.reader_of(&table)?;
                let table = TableAt::new(table, reader, moment.label.clone());
                Ok(provider_as_source(Arc::new(table)))
            }
            Object::View(view) => self.view_source(moment, &view, path),
        }
    }

    /// A view's text, and the names in it.
    pub(super) fn names_of_view(
        &self,
        moment: &Arc<OpenMoment>,
        view: &ViewDef,
    ) -> Option<(&PreparedView, Self)> {
        let prepared = self.resolution.views.get(&(moment.key, view.id))?;
        // A point for all tables at the end of the view's own text wins.
        let moment = prepared.moment.as_ref().unwrap_or(moment);
        let names = Self::of_view(
            Arc::clone(&self.state),
            Arc::clone(&self.resolution),
            Arc::clone(&prepared.bindings),
            Arc::clone(moment),
            SearchPath::new(&view.database, &view.schema),
        );
        Some((prepared, names))
    }

    /// A view: the plan of its text, with the names of its definition, at the moment it is read at.
    fn view_source(
        &self,
        moment: &Arc<OpenMoment>,
        view: &ViewDef,
        path: &ObjectPath,
    ) -> Result<Arc<dyn TableSource>> {
        let (prepared, names) = self
            .names_of_view(moment, view)
            .ok_or_else(|| Error::internal(format!("view {path} was not prepared before planning")))?;
        let mut plan = names.plan(Statement::Query(prepared.query.clone()))?;
        if let MomentKey::At(at) = names.moment.key {
            plan = name_scans_apart(plan, &names.search, at.as_micros())?;
        }
        if !view.columns.is_empty() {
            if view.columns.len() != plan.schema().fields().len() {
                return Err(Error::invalid_definition(format!(
                    "view {path} names {} columns, its query has {}",
                    view.columns.len(),
                    plan.schema().fields().len()
                ))
                .into());
            }
            let columns = plan.schema().columns();
            let renamed =
                columns.into_iter().zip(&view.columns).map(|(column, name)| Expr::Column(column).alias(name));
            plan = LogicalPlanBuilder::from(plan.clone()).project(renamed)?.build()?;
        }
        plan = with_shown_names(plan)?;
        Ok(provider_as_source(Arc::new(ViewTable::new(plan, Some(view.query.clone())))))
    }
}

/// Gives every scan of a view's plan a name that carries the point, and aliases it back (rule 2).
fn name_scans_apart(plan: LogicalPlan, search: &SearchPath, at: u64) -> Result<LogicalPlan> {
    rewrite_nodes(plan, |node| match node {
        LogicalPlan::TableScan(scan) if !is_scan_name(&scan.table_name) => {
            let name = scan_name(&search.path_of_reference(&scan.table_name), &at.to_string());
            let named = LogicalPlanBuilder::scan(name, Arc::clone(&scan.source), scan.projection.clone())?
                .alias(scan.table_name.clone())?
                .build()?;
            Ok(Transformed::yes(named))
        }
        other => Ok(Transformed::no(other)),
    })
}

impl Names {
    /// The arguments of a table function, as constants where they are: they are analyzed as those of a query,
    /// with the session's zone.
    fn table_arguments(&self, args: Vec<Expr>) -> Result<Vec<Expr>> {
        let count = args.len();
        let args = args.into_iter().enumerate().map(|(at, arg)| arg.alias(at.to_string()));
        let plan = LogicalPlanBuilder::empty(true).project(args.collect::<Vec<_>>())?.build()?;
        let config = self.state.config_options();
        let plan = self.state.analyzer().execute_and_check(rewrite_plan(plan)?, config, |_, _| {})?;
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(config))
            .with_query_execution_start_time(self.state.execution_props().query_execution_start_time)
            .build();
        let simplifier = ExprSimplifier::new(context);
        let args: Vec<Expr> = plan
            .expressions()
            .into_iter()
            .map(|arg| simplifier.simplify(arg.unalias()))
            .collect::<Result<_>>()?;
        if args.len() == count { Ok(args) } else { internal_err!("a table function lost an argument") }
    }
}

/// The table functions of DataFusion know local times in nanoseconds only.
fn in_nanos(arg: Expr) -> Expr {
    match arg {
        Expr::Literal(ScalarValue::TimestampMicrosecond(Some(micros), None), metadata) => {
            let nanos = micros.checked_mul(1_000);
            let value = match nanos {
                Some(nanos) => ScalarValue::TimestampNanosecond(Some(nanos), None),
                None => ScalarValue::TimestampMicrosecond(Some(micros), None),
            };
            Expr::Literal(value, metadata)
        }
        arg => arg,
    }
}

impl ContextProvider for Names {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        if name.table() == TARGET_TABLE
            && let Some(target) = &self.target
        {
            return Ok(Arc::clone(target));
        }
        self.source_at(&self.moment, &self.path(&name))
    }

    fn get_table_function_source(&self, name: &str, args: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
        let Some(function) = self.state.table_functions().get(name) else {
            let known = self.state.table_functions().keys().map(String::as_str);
            return Err(Error::no_function(format!("table function {name} does not exist"))
                .with_hint(crate::error::did_you_mean(name, known))
                .into());
        };
        let args = self.table_arguments(args)?;
        let values = || args.iter().map(|arg| arg.as_literal().cloned()).collect::<Option<Vec<_>>>();
        if let Some(series) = self.state.scalar_functions().get(name)
            && let Some(values) = values()
            && is_time_series(&values.iter().map(ScalarValue::data_type).collect::<Vec<_>>())
        {
            let (data_type, series) = time_series(series, &values)?;
            return Ok(provider_as_source(Arc::new(TimeSeriesTable::new(data_type, series))));
        }
        let args: Vec<Expr> = args.into_iter().map(in_nanos).collect();
        let args = TableFunctionArgs::new(&args, self.state.as_ref());
        Ok(provider_as_source(function.create_table_provider_with_args(args)?))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        &self.relation_planners
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(Types))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.resolution.scalar_function(name).or_else(|| self.state.scalar_functions().get(name).cloned())
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        planned_aggregate(name).or_else(|| self.state.aggregate_functions().get(name).cloned())
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
