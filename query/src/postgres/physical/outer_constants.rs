//! Constants on the side of an outer join that rows are made up for, `a LEFT JOIN (SELECT 1 AS k) ON …`, and
//! below grouping sets, `GROUP BY ROLLUP (k)`.
//!
//! DataFusion takes `k` for a constant of the joined rows, and of the groups, too, where it is 1 or NULL:
//! sorts by it are left out, and groups by it are taken for sorted; likewise two columns that are equal below
//! grouping sets. An operator between such a side and its join or its groups passes the rows on, and says
//! nothing of constants.

use std::{fmt, sync::Arc};

use datafusion::{
    common::{
        JoinType, Result, Statistics,
        config::ConfigOptions,
        internal_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{EquivalenceProperties, PhysicalExpr},
    physical_optimizer::{PhysicalOptimizerRule, ensure_requirements::EnsureRequirements},
    physical_plan::{
        ChildStats, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
        StatisticsArgs,
        aggregates::AggregateExec,
        execution_plan::CardinalityEffect,
        filter_pushdown::{
            ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
        },
        joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec},
        replace_children_if_necessary,
    },
};

/// Puts the rule before that which decides on sorts.
pub(crate) fn forget_constants_of_outer_joins(rules: &mut Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>) {
    let sorts =
        |rule: &Arc<dyn PhysicalOptimizerRule + Send + Sync>| rule.name() == EnsureRequirements::new().name();
    let at = rules.iter().position(sorts).unwrap_or(0);
    rules.insert(at, Arc::new(ForgetConstants));
}

#[derive(Debug)]
struct ForgetConstants;

impl PhysicalOptimizerRule for ForgetConstants {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(plan.transform_up(with_sides_that_forget)?.data)
    }

    fn name(&self) -> &'static str {
        "ForgetConstants"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn with_sides_that_forget(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        let input = aggregate.input();
        if !aggregate.group_expr().has_grouping_set() || input.equivalence_properties().eq_group().is_empty()
        {
            return Ok(Transformed::no(plan));
        }
        let input = Arc::new(ForgetConstantsExec::over(Arc::clone(input)));
        return Ok(Transformed::yes(replace_children_if_necessary(plan, vec![input])?));
    }
    let made_up = match join_type(plan.as_ref()) {
        Some(JoinType::Left) => [false, true],
        Some(JoinType::Right) => [true, false],
        Some(JoinType::Full) => [true, true],
        _ => return Ok(Transformed::no(plan)),
    };
    let forgets = |(side, is_made_up): (&Arc<dyn ExecutionPlan>, bool)| {
        is_made_up && !side.equivalence_properties().constants().is_empty()
    };
    if !plan.children().into_iter().zip(made_up).any(forgets) {
        return Ok(Transformed::no(plan));
    }
    let sides = plan.children().into_iter().zip(made_up).map(|(side, is_made_up)| {
        let side = Arc::clone(side);
        if forgets((&side, is_made_up)) { Arc::new(ForgetConstantsExec::over(side)) } else { side }
    });
    let sides = sides.collect();
    Ok(Transformed::yes(replace_children_if_necessary(plan, sides)?))
}

fn join_type(plan: &dyn ExecutionPlan) -> Option<JoinType> {
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return Some(*join.join_type());
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        return Some(*join.join_type());
    }
    plan.downcast_ref::<SortMergeJoinExec>().map(SortMergeJoinExec::join_type)
}

/// Passes the rows of its input on.
#[derive(Debug)]
struct ForgetConstantsExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl ForgetConstantsExec {
    fn over(input: Arc<dyn ExecutionPlan>) -> Self {
        let known = input.equivalence_properties();
        let orders = EquivalenceProperties::new_with_orderings(
            Arc::clone(known.schema()),
            known.oeq_class().iter().cloned(),
        );
        let properties = input.properties().as_ref().clone().with_eq_properties(orders);
        Self { input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for ForgetConstantsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForgetConstantsExec")
    }
}

impl ExecutionPlan for ForgetConstantsExec {
    fn name(&self) -> &'static str {
        "ForgetConstantsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else { return internal_err!("it has one input") };
        Ok(Arc::new(Self::over(input)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let [input] = inputs else { return internal_err!("it has one input") };
        Ok(Arc::clone(input))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(parent_filters, &self.children())
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        child_pushdown_result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(child_pushdown_result))
    }
}
