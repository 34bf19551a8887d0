//! From the plan of a template to the expressions of a lookup.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::{
    common::{
        Column, DFSchema, Result, ScalarValue, TableReference,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    execution::session_state::SessionState,
    logical_expr::{
        BinaryExpr, Cast, Expr, Filter, Limit, LogicalPlan, Operator, Projection, SubqueryAlias, TableScan,
        Volatility, expr::physical_name, physical_planning_context::PhysicalPlanningContext,
        utils::split_conjunction,
    },
    physical_expr::{
        PhysicalExpr, create_physical_expr,
        projection::{ProjectionExpr, ProjectionExprs},
    },
};

use crate::{
    catalog::{BoundTable, TableDef},
    postgres::ast::output_names::shown_schema,
    rows::{RowEncoder, RowLayout},
};

/// The qualifier of the columns that hold the constants.
const CONSTANTS: &str = "\u{1}constants";

/// A statement about one row, ready to be run with the constants of each time.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(super) table: Arc<BoundTable>,
    pub(super) layout: Arc<RowLayout>,
    pub(super) encoder: RowEncoder,
    /// The constants, as columns.
    pub(super) constants: SchemaRef,
    /// The columns of the primary key, in its order, from the constants.
    pub(super) key: Vec<Arc<dyn PhysicalExpr>>,
    /// The table's columns that the plan reads.
    pub(super) columns: Vec<usize>,
    /// Position of the hidden column of the encoded key among them, if the plan reads it.
    pub(super) row_key: Option<usize>,
    /// Their fields.
    pub(super) decoded: SchemaRef,
    /// The constants, then what the plan reads.
    pub(super) input: SchemaRef,
    pub(super) steps: Vec<LookupStep>,
    shown: SchemaRef,
}

/// Operation on the row. Each one leaves the constants in front.
#[derive(Debug)]
pub(super) enum LookupStep {
    Filter(Arc<dyn PhysicalExpr>),
    Project(Vec<Arc<dyn PhysicalExpr>>, SchemaRef),
}

impl Lookup {
    /// The columns of the answer, under the names that users see.
    pub(crate) fn shown_schema(&self) -> &SchemaRef {
        &self.shown
    }

    /// Takes the plan of a template apart; `types` are those of its constants, the parameters that are still
    /// open. None when the plan is not one for a row by its key.
    pub(crate) fn compile(
        plan: &LogicalPlan,
        types: &[DataType],
        table: &Arc<BoundTable>,
        state: &SessionState,
    ) -> Result<Option<Self>> {
        if depends_on_more(plan)? {
            return Ok(None);
        }
        let plan = state.optimize(plan)?;
        let layout = table.layout()?;
        let constants = types
            .iter()
            .enumerate()
            .map(|(index, data_type)| Arc::new(Field::new(constant_name(index), data_type.clone(), false)))
            .collect();
        let mut compiler =
            LookupCompiler { state, table, constants, key: vec![None; table.primary_key.len()] };
        let Some(pipeline) = compiler.pipeline(&plan)? else { return Ok(None) };
        let Some(key) = compiler.key.iter().cloned().collect::<Option<Vec<_>>>() else { return Ok(None) };
        let LookupPipeline { projection, read, input, steps } = pipeline;
        let count = types.len();
        let last = match steps.iter().rev().find_map(|step| match step {
            LookupStep::Project(_, schema) => Some(schema),
            LookupStep::Filter(_) => None,
        }) {
            Some(schema) => Schema::new(schema.fields()[count..].to_vec()),
            None => read.as_ref().clone(),
        };
        let width = table.columns.len();
        let row_key = projection.iter().position(|&index| index == width);
        let columns: Vec<usize> = projection.into_iter().filter(|&index| index < width).collect();
        let fields: Vec<FieldRef> = read
            .fields()
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != row_key)
            .map(|(_, field)| Arc::clone(field))
            .collect();
        Ok(Some(Self {
            table: Arc::clone(table),
            encoder: RowEncoder::new(Arc::clone(&layout)),
            layout,
            constants: Arc::new(Schema::new(compiler.constants.clone())),
            key,
            columns,
            decoded: Arc::new(Schema::new(fields)),
            row_key,
            input,
            steps,
            shown: shown_schema(&last),
        }))
    }
}

fn constant_name(index: usize) -> String {
    format!("${}", index + 1)
}

/// Whether a plan depends on more than its table and its parameters: on the clock, on the statement's moment,
/// on chance.
fn depends_on_more(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                found |= match expr {
                    Expr::ScalarFunction(call) => call.func.signature().volatility != Volatility::Immutable,
                    Expr::ScalarVariable(..)
                    | Expr::ScalarSubquery(_)
                    | Expr::Exists(_)
                    | Expr::InSubquery(_) => true,
                    _ => false,
                };
                Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })
    })?;
    Ok(found)
}

/// A part of a plan, from the scan up.
struct LookupPipeline {
    /// The columns that the scan reads; the table's width stands for the hidden key.
    projection: Vec<usize>,
    read: SchemaRef,
    input: SchemaRef,
    steps: Vec<LookupStep>,
}

struct LookupCompiler<'c> {
    state: &'c SessionState,
    table: &'c TableDef,
    constants: Vec<FieldRef>,
    /// For every column of the primary key, the value it is compared with.
    key: Vec<Option<Arc<dyn PhysicalExpr>>>,
}

impl LookupCompiler<'_> {
    fn pipeline(&mut self, plan: &LogicalPlan) -> Result<Option<LookupPipeline>> {
        match plan {
            // One row at most: any limit but zero lets it through.
            LogicalPlan::Limit(Limit { skip, fetch, input }) => {
                let skips = skip.as_deref().is_some_and(|skip| whole_number(skip) != Some(0));
                let takes = fetch.as_deref().is_none_or(|fetch| whole_number(fetch).is_some_and(|n| n > 0));
                if skips || !takes { Ok(None) } else { self.pipeline(input) }
            }
            LogicalPlan::SubqueryAlias(SubqueryAlias { input, .. }) => self.pipeline(input),
            LogicalPlan::Filter(Filter { predicate, input, .. }) => self.filter(predicate, input),
            LogicalPlan::Projection(Projection { expr, input, .. }) => self.project(expr, input),
            LogicalPlan::TableScan(scan) => self.scan(scan),
            _ => Ok(None),
        }
    }

    fn scan(&self, scan: &TableScan) -> Result<Option<LookupPipeline>> {
        let source = scan.source.schema();
        if scan.fetch == Some(0) || source.fields().len() < self.table.columns.len() {
            return Ok(None);
        }
        let projection = scan.projection.clone().unwrap_or_else(|| (0..source.fields().len()).collect());
        let read = Arc::new(source.project(&projection)?);
        let fields: Vec<FieldRef> = self.constants.iter().chain(read.fields()).cloned().collect();
        let input = Arc::new(Schema::new(fields));
        Ok(Some(LookupPipeline { projection, read, input, steps: Vec::new() }))
    }

    fn filter(&mut self, predicate: &Expr, input: &LogicalPlan) -> Result<Option<LookupPipeline>> {
        let Some(mut pipeline) = self.pipeline(input)? else { return Ok(None) };
        if !pipeline.steps.iter().any(|step| matches!(step, LookupStep::Project(..))) {
            for condition in split_conjunction(predicate) {
                self.find_key(condition, input.schema(), &pipeline.projection)?;
            }
        }
        let schema = self.schema_over(input)?;
        pipeline.steps.push(LookupStep::Filter(self.physical(predicate, &schema)?));
        Ok(Some(pipeline))
    }

    fn project(&mut self, exprs: &[Expr], input: &LogicalPlan) -> Result<Option<LookupPipeline>> {
        let Some(mut pipeline) = self.pipeline(input)? else { return Ok(None) };
        let schema = self.schema_over(input)?;
        let mut projected = Vec::with_capacity(self.constants.len() + exprs.len());
        for field in &self.constants {
            let column = Expr::Column(Column::new(Some(TableReference::bare(CONSTANTS)), field.name()));
            projected
                .push(ProjectionExpr { expr: self.physical(&column, &schema)?, alias: field.name().clone() });
        }
        for expr in exprs {
            // As the planner names them: a column has the name that it has in the input.
            let alias = match expr {
                Expr::Column(column) => match input.schema().index_of_column(column) {
                    Ok(index) => input.schema().field(index).name().clone(),
                    Err(_) => physical_name(expr)?,
                },
                _ => physical_name(expr)?,
            };
            projected.push(ProjectionExpr { expr: self.physical(expr, &schema)?, alias });
        }
        let projected = ProjectionExprs::from(projected);
        let output = projected.project_schema(schema.as_arrow())?;
        let exprs = projected.iter().map(|projected| Arc::clone(&projected.expr)).collect();
        pipeline.steps.push(LookupStep::Project(exprs, Arc::new(output)));
        Ok(Some(pipeline))
    }

    /// Remembers what a condition sets a column of the key equal to.
    fn find_key(&mut self, condition: &Expr, schema: &DFSchema, projection: &[usize]) -> Result<()> {
        let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = condition else { return Ok(()) };
        for (column, value) in [(left, right), (right, left)] {
            let Some(index) = compared_column(column, schema) else { continue };
            let Some(&index) = schema.index_of_column(index).ok().and_then(|index| projection.get(index))
            else {
                continue;
            };
            let Some(part) = self.table.primary_key.iter().position(|&key| key == index) else { continue };
            if !value.column_refs().is_empty() || self.key[part].is_some() {
                continue;
            }
            let constants = self.constants_schema()?;
            self.key[part] = Some(self.physical(value, &constants)?);
        }
        Ok(())
    }

    fn constants_schema(&self) -> Result<DFSchema> {
        let schema = Schema::new(self.constants.clone());
        DFSchema::try_from_qualified_schema(TableReference::bare(CONSTANTS), &schema)
    }

    /// The constants, then the columns of a part of the plan.
    fn schema_over(&self, input: &LogicalPlan) -> Result<DFSchema> {
        self.constants_schema()?.join(input.schema())
    }

    fn physical(&self, expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        let expr = expr.clone().transform_up(|expr| match expr {
            Expr::Placeholder(placeholder) => {
                let column = Column::new(Some(TableReference::bare(CONSTANTS)), placeholder.id);
                Ok(Transformed::yes(Expr::Column(column)))
            }
            expr => Ok(Transformed::no(expr)),
        })?;
        let planning = PhysicalPlanningContext::default();
        create_physical_expr(&expr.data, schema, self.state.execution_props(), &planning)
    }
}

/// The column that one side of a comparison is: plainly, or an integer made wider, which decides nothing.
fn compared_column<'e>(expr: &'e Expr, schema: &DFSchema) -> Option<&'e Column> {
    match expr {
        Expr::Column(column) => Some(column),
        Expr::Cast(Cast { expr, field }) => match expr.as_ref() {
            Expr::Column(column) => {
                let from = schema.qualified_field_from_column(column).ok()?.1.data_type().clone();
                let widens = from.is_signed_integer()
                    && field.data_type().is_signed_integer()
                    && from.primitive_width() <= field.data_type().primitive_width();
                widens.then_some(column)
            }
            _ => None,
        },
        _ => None,
    }
}

fn whole_number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::Int64(number), _) => *number,
        Expr::Literal(ScalarValue::UInt64(number), _) => number.and_then(|number| i64::try_from(number).ok()),
        _ => None,
    }
}
