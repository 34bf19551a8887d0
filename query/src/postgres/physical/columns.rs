//! Origins of the columns of an operator, by their places.

use std::sync::Arc;

use datafusion::{
    common::{
        JoinSide, JoinType, Result,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    physical_expr::{PhysicalExpr, expressions::Column},
    physical_plan::{
        ExecutionPlan,
        aggregates::AggregateExec,
        buffer::BufferExec,
        coalesce_partitions::CoalescePartitionsExec,
        coop::CooperativeExec,
        filter::FilterExec,
        joins::{HashJoinExec, utils::build_join_schema},
        projection::ProjectionExec,
        repartition::RepartitionExec,
        sorts::sort::SortExec,
        union::UnionExec,
    },
};

/// Expression of each column of an operator over the columns of one of its inputs.
pub(super) struct Origins(Vec<Option<Arc<dyn PhysicalExpr>>>);

impl Origins {
    /// The origins in the input at `child`; none of an operator that is not known here.
    pub(super) fn of(node: &dyn ExecutionPlan, child: usize) -> Self {
        let inputs = node.children();
        let Some(input) = inputs.get(child) else { return Self(Vec::new()) };
        if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
            return Self(projection.expr().iter().map(|item| Some(Arc::clone(&item.expr))).collect());
        }
        if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
            let keys = aggregate.group_expr().expr().iter();
            return Self(keys.map(|(expr, _)| Some(Arc::clone(expr))).collect());
        }
        if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            return Self::of_join(join, child);
        }
        let places = 0..input.schema().fields().len();
        let same = |place: usize| Some(column(input.as_ref(), place));
        if let Some(filter) = node.downcast_ref::<FilterExec>() {
            return Self(match filter.projection() {
                Some(projection) => projection.iter().copied().map(same).collect(),
                None => places.map(same).collect(),
            });
        }
        Self(if keeps_columns(node) { places.map(same).collect() } else { Vec::new() })
    }

    fn of_join(join: &HashJoinExec, child: usize) -> Self {
        let side = if child == 0 { JoinSide::Left } else { JoinSide::Right };
        let input = if child == 0 { join.left() } else { join.right() };
        let (_, columns) = build_join_schema(&join.left().schema(), &join.right().schema(), join.join_type());
        let shown: Vec<usize> = match &join.projection {
            Some(projection) => projection.to_vec(),
            None => (0..columns.len()).collect(),
        };
        let origins = shown.into_iter().map(|place| {
            let origin = columns.get(place)?;
            if origin.side == side {
                return Some(column(input.as_ref(), origin.index));
            }
            other_key(join, origin.side, origin.index)
        });
        Self(origins.collect())
    }

    /// `filter` over the columns of the input; `None` where it has a column that does not come from there.
    pub(super) fn map(&self, filter: &Arc<dyn PhysicalExpr>) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let mut is_whole = true;
        let mapped = Arc::clone(filter).transform_down(|expr| {
            let Some(column) = expr.downcast_ref::<Column>() else { return Ok(Transformed::no(expr)) };
            // The origin of a column has columns of the input, which are not looked at again.
            if let Some(origin) = self.0.get(column.index()).and_then(Option::as_ref) {
                return Ok(Transformed::new(Arc::clone(origin), true, TreeNodeRecursion::Jump));
            }
            is_whole = false;
            Ok(Transformed::complete(expr))
        })?;
        Ok(is_whole.then_some(mapped.data))
    }
}

fn column(input: &dyn ExecutionPlan, place: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(input.schema().field(place).name(), place))
}

/// An expression over the columns at `places` alone, in their order.
pub(super) fn at_places(expr: &Arc<dyn PhysicalExpr>, places: &[usize]) -> Result<Arc<dyn PhysicalExpr>> {
    let moved = Arc::clone(expr).transform_down(|expr| {
        let Some(old) = expr.downcast_ref::<Column>() else { return Ok(Transformed::no(expr)) };
        let Ok(place) = places.binary_search(&old.index()) else { return Ok(Transformed::no(expr)) };
        Ok(Transformed::yes(Arc::new(Column::new(old.name(), place)) as Arc<dyn PhysicalExpr>))
    })?;
    Ok(moved.data)
}

/// The key on the side of a semi-join that is not shown, for the one that is shown: both are equal in every
/// row.
fn other_key(join: &HashJoinExec, shown: JoinSide, index: usize) -> Option<Arc<dyn PhysicalExpr>> {
    let is_shown = |expr: &Arc<dyn PhysicalExpr>| {
        expr.downcast_ref::<Column>().is_some_and(|column| column.index() == index)
    };
    let mut keys = join.on().iter();
    let (own, other) = match (join.join_type(), shown) {
        (JoinType::LeftSemi, JoinSide::Left) => {
            keys.find_map(|(left, right)| is_shown(left).then_some((left, right)))?
        }
        (JoinType::RightSemi, JoinSide::Right) => {
            keys.find_map(|(left, right)| is_shown(right).then_some((right, left)))?
        }
        _ => return None,
    };
    let input = if shown == JoinSide::Left { join.left() } else { join.right() };
    // Two zeros are equal and not the same.
    let is_same = !own.data_type(&input.schema()).ok()?.is_floating();
    is_same.then(|| Arc::clone(other))
}

/// Whether an operator gives the columns of each of its inputs as they are.
fn keeps_columns(node: &dyn ExecutionPlan) -> bool {
    node.is::<RepartitionExec>()
        || node.is::<CoalescePartitionsExec>()
        || node.is::<CooperativeExec>()
        || node.is::<BufferExec>()
        || node.is::<SortExec>()
        || node.is::<UnionExec>()
}
