//! The scan of one table at one point, as a DataFusion data source.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use arrow::{compute::SortOptions, datatypes::SchemaRef};
use datafusion::{
    common::{
        Result, Statistics,
        config::ConfigOptions,
        internal_datafusion_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    datasource::source::DataSource,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{
        EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr,
        expressions::{Column, DynamicFilterPhysicalExpr},
        projection::ProjectionExprs,
    },
    physical_plan::{
        DisplayFormatType, SortOrderPushdownResult,
        filter_pushdown::{FilterPushdownPropagation, PushedDown},
        metrics::ExecutionPlanMetricsSet,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::stream;

use super::{conditions::all_of, cursor::ScanCursor, range::ScanRange, statistics::table_statistics};
use crate::{catalog::BoundTable, moment::Reader, rows::RowLayout};
use bygone_engine::KeyRange;

/// The scan of one table at one point. Self-contained: everything that decides its answer is in it.
#[derive(Clone, Debug)]
pub(crate) struct TableScan {
    pub(super) table: Arc<BoundTable>,
    pub(super) layout: Arc<RowLayout>,
    pub(super) reader: Reader,
    /// The table and the point in words.
    title: String,
    /// The columns before the projection.
    pub(super) schema: SchemaRef,
    pub(super) projection: Vec<usize>,
    pub(super) projected_schema: SchemaRef,
    range: ScanRange,
    /// The range, split into partitions in key order.
    pub(super) partitions: Vec<KeyRange>,
    /// Over the projected columns.
    pub(super) predicate: Option<Arc<dyn PhysicalExpr>>,
    pub(super) limit: Option<usize>,
    pub(super) reverse: bool,
    /// Whether rows come in key order.
    pub(super) ordered: bool,
    pub(super) metrics: ExecutionPlanMetricsSet,
    /// Of all rows of the table.
    statistics: OnceLock<Arc<Statistics>>,
}

impl TableScan {
    pub(crate) fn new(
        table: Arc<BoundTable>,
        layout: Arc<RowLayout>,
        reader: Reader,
        title: String,
        schema: SchemaRef,
        projection: Vec<usize>,
        range: ScanRange,
    ) -> Result<Self> {
        let projected_schema = Arc::new(schema.project(&projection)?);
        Ok(Self {
            table,
            layout,
            reader,
            title,
            schema,
            projection,
            projected_schema,
            partitions: vec![range.keys.clone()],
            range,
            predicate: None,
            limit: None,
            reverse: false,
            ordered: true,
            metrics: ExecutionPlanMetricsSet::new(),
            statistics: OnceLock::new(),
        })
    }

    pub(crate) fn with_limit(mut self, limit: Option<usize>) -> Self {
        self.limit = limit;
        self
    }

    /// Statistics of the table's rows, of the projected columns; made once for a plan, which asks often.
    fn statistics(&self) -> Result<Arc<Statistics>> {
        if let Some(known) = self.statistics.get() {
            return Ok(Arc::clone(known));
        }
        let keyspace = self.table.keyspace_id();
        let made = table_statistics(&self.reader, keyspace, &self.layout, &self.projection)?;
        Ok(Arc::clone(self.statistics.get_or_init(|| Arc::new(made))))
    }

    /// The same rows, in whatever order is fastest; none where it would be the same. Rows of small tables
    /// stay in order.
    pub(super) fn in_any_order(&self) -> Option<Self> {
        let is_forward_scan = self.ordered && !self.reverse && self.limit.is_none();
        let is_large = self.reader.is_large(self.table.keyspace_id());
        (is_forward_scan && is_large).then(|| Self { ordered: false, ..self.clone() })
    }

    /// A filter whose columns have the names of the projected ones: rows are judged by the places of columns,
    /// pages by their names.
    fn named_by_place(&self, filter: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let named = filter.transform_up(|expr| {
            let Some(column) = expr.downcast_ref::<Column>() else { return Ok(Transformed::no(expr)) };
            let index = column.index();
            let field = self.projected_schema.fields().get(index);
            let field = field.ok_or_else(|| internal_datafusion_err!("a filter has no column {index}"))?;
            if field.name() == column.name() {
                return Ok(Transformed::no(expr));
            }
            Ok(Transformed::yes(Arc::new(Column::new(field.name(), index)) as Arc<dyn PhysicalExpr>))
        })?;
        Ok(named.data)
    }

    /// A filter of a join whose keys are arrays or rows. Its bounds are wrong: DataFusion finds no order
    /// between arrays with NULL or NaN in them.
    fn is_bounded_by_arrays(&self, filter: &Arc<dyn PhysicalExpr>) -> Result<bool> {
        let Some(filter) = filter.downcast_ref::<DynamicFilterPhysicalExpr>() else { return Ok(false) };
        for key in filter.children() {
            if key.data_type(&self.projected_schema)?.is_nested() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The order of the output: the projected columns of the primary key, as far as they form a prefix of it.
    fn ordering(&self) -> Option<LexOrdering> {
        if !self.ordered {
            return None;
        }
        let options = SortOptions { descending: self.reverse, nulls_first: self.reverse };
        let columns = self.table.primary_key.iter().map_while(|&index| {
            let position = self.projection.iter().position(|&projected| projected == index)?;
            let column = Column::new(self.projected_schema.field(position).name(), position);
            Some(PhysicalSortExpr::new(Arc::new(column), options))
        });
        LexOrdering::new(columns)
    }
}

impl DataSource for TableScan {
    fn open(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let cursor = ScanCursor::new(self, partition)?;
        let batches = stream::try_unfold(cursor, |mut cursor| async move {
            Ok(cursor.next().await?.map(|batch| (batch, cursor)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.projected_schema), batches)))
    }

    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(t, DisplayFormatType::TreeRender) {
            return writeln!(f, "{}", self.title);
        }
        let names: Vec<&str> =
            self.projected_schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "{}, projection=[{}]", self.title, names.join(", "))?;
        if self.range.description.is_empty() {
            f.write_str(", keys=all")?;
        } else {
            write!(f, ", keys=[{}]", self.range.description)?;
        }
        if self.partitions.len() > 1 {
            write!(f, ", partitions={}", self.partitions.len())?;
        }
        if self.reverse {
            f.write_str(", order=descending")?;
        }
        if let Some(limit) = self.limit {
            write!(f, ", limit={limit}")?;
        }
        if let Some(predicate) = &self.predicate {
            write!(f, ", predicate={predicate}")?;
        }
        Ok(())
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        _repartition_file_min_size: usize,
        _output_ordering: Option<LexOrdering>,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        if self.partitions.len() > 1 || self.limit.is_some() || target_partitions < 2 {
            return Ok(None);
        }
        let keyspace = self.table.keyspace_id();
        if !self.reader.is_large(keyspace) {
            return Ok(None);
        }
        let partitions = self.reader.split(keyspace, &self.range.keys, target_partitions);
        if partitions.len() < 2 {
            return Ok(None);
        }
        Ok(Some(Arc::new(Self { partitions, ..self.clone() })))
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.partitions.len())
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new_with_orderings(Arc::clone(&self.projected_schema), self.ordering())
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let all = self.statistics()?;
        // A range of keys is narrowed again by the filter that it comes from, which the planner estimates.
        let is_all = self.range.description.is_empty() && self.predicate.is_none();
        if partition.is_none() && is_all && self.limit.is_none() {
            return Ok(all);
        }
        let mut statistics = Arc::unwrap_or_clone(all);
        if !is_all || self.partitions.len() > 1 {
            statistics = statistics.to_inexact();
        }
        if partition.is_some() {
            let share = 1.0 / self.partitions.len() as f64;
            statistics.num_rows = statistics.num_rows.with_estimated_selectivity(share);
            statistics.total_byte_size = statistics.total_byte_size.with_estimated_selectivity(share);
        }
        Ok(Arc::new(statistics.with_fetch(self.limit, 0, 1)?))
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        Some(Arc::new(self.clone().with_limit(limit)))
    }

    fn fetch(&self) -> Option<usize> {
        self.limit
    }

    fn metrics(&self) -> ExecutionPlanMetricsSet {
        self.metrics.clone()
    }

    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        // A predicate refers to the projected columns by position, so they must stay.
        if self.predicate.is_some() {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for expr in projection.iter() {
            match expr.expr.downcast_ref::<Column>() {
                Some(column) if column.name() == expr.alias => columns.push(self.projection[column.index()]),
                _ => return Ok(None),
            }
        }
        let mut source = self.clone();
        source.projected_schema = Arc::new(self.schema.project(&columns)?);
        source.projection = columns;
        source.statistics = OnceLock::new();
        Ok(Some(Arc::new(source)))
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn DataSource>>> {
        // A filter pushed below a limit would change which rows the limit lets through.
        let taken: Vec<bool> = filters
            .iter()
            .map(|filter| Ok(self.limit.is_none() && !self.is_bounded_by_arrays(filter)?))
            .collect::<Result<_>>()?;
        let pushed =
            taken.iter().map(|is_taken| if *is_taken { PushedDown::Yes } else { PushedDown::No }).collect();
        let answer = FilterPushdownPropagation::with_parent_pushdown_result(pushed);
        if !taken.contains(&true) {
            return Ok(answer);
        }
        let filters = filters.into_iter().zip(taken).filter(|(_, is_taken)| *is_taken);
        let filters = filters.map(|(filter, _)| self.named_by_place(filter)).collect::<Result<Vec<_>>>()?;
        let mut source = self.clone();
        source.predicate = Some(all_of(self.predicate.iter().cloned().chain(filters).collect()));
        Ok(answer.with_updated_node(Arc::new(source) as Arc<dyn DataSource>))
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> Result<SortOrderPushdownResult<Arc<dyn DataSource>>> {
        for reverse in [false, true] {
            let mut source = self.clone();
            source.reverse = reverse;
            let Some(ordering) = source.ordering() else { break };
            let matches = order.len() <= ordering.len()
                && order.iter().zip(ordering.iter()).all(|(wanted, given)| {
                    wanted.expr.eq(&given.expr) && wanted.options.descending == given.options.descending
                });
            // The key's columns are never NULL: where NULLs would go does not matter.
            if matches && (self.limit.is_none() || reverse == self.reverse) {
                return Ok(SortOrderPushdownResult::Exact { inner: Arc::new(source) });
            }
        }
        Ok(SortOrderPushdownResult::Unsupported)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        match &self.predicate {
            Some(predicate) => f(predicate),
            None => Ok(TreeNodeRecursion::Continue),
        }
    }
}
