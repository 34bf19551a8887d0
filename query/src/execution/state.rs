//! DataFusion as this database runs it: options, memory, functions.

use std::{num::NonZeroUsize, sync::Arc};

use datafusion::{
    common::Result,
    execution::{
        SessionStateBuilder,
        memory_pool::{FairSpillPool, TrackConsumersPool},
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    physical_optimizer::{PhysicalOptimizerRule, optimizer::PhysicalOptimizer, pushdown_sort::PushdownSort},
    prelude::SessionConfig,
};

use super::write_node::OwnPlanner;
use crate::{
    memory::{CountWindows, FitSorts, Limited, MemoryOptions},
    postgres,
    scan::{BalanceConditions, RelaxOrder},
    time::TimeZone,
    types::{Types, UTC},
};

/// The largest consumers that an out-of-memory message names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::new(3).expect("it is not zero");

/// The part of a database's runtime that a statement with a limit of its own has: the same but for its
/// memory.
pub(crate) fn limited_runtime(database: &RuntimeEnv, query_memory: usize) -> Arc<RuntimeEnv> {
    let limited = Limited::new(query_memory, Arc::clone(&database.memory_pool));
    let memory_pool = Arc::new(TrackConsumersPool::new(limited, CONSUMERS_NAMED));
    Arc::new(RuntimeEnv { memory_pool, ..database.clone() })
}

/// Runtime that all sessions of a database share.
pub(crate) fn runtime(memory: MemoryOptions) -> Result<Arc<RuntimeEnv>> {
    let pool = TrackConsumersPool::new(FairSpillPool::new(memory.query_memory), CONSUMERS_NAMED);
    Ok(Arc::new(RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).build()?))
}

/// The builder of the state that every statement of a session starts from.
pub(crate) fn base_state(runtime: &Arc<RuntimeEnv>, zone: TimeZone) -> SessionStateBuilder {
    let mut config = SessionConfig::new()
        .with_batch_size(8_192)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false);
    let options = config.options_mut();
    // Instants have this zone in their type in every session; that of the session is in our functions.
    options.execution.time_zone = Some(UTC.to_owned());
    options.sql_parser.parse_float_as_decimal = true;
    // One hash table is made of so many rows in less time than both sides of a join are sent around by their
    // keys.
    options.optimizer.hash_join_single_partition_threshold_rows = 1 << 20;
    // Filters that nothing is known of are mostly comparisons of texts, which keep few rows.
    options.optimizer.default_filter_selectivity = 5;
    // Statement plans are shown by EXPLAIN as text in two rows, and are pinned by tests.
    options.explain.format = datafusion::common::format::ExplainFormat::Indent;
    let mut builder = SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_runtime_env(Arc::clone(runtime))
        .with_type_planner(Arc::new(Types))
        .with_analyzer_rules(postgres::analyzer_rules(zone))
        .with_optimizer_rules(postgres::optimizer_rules())
        .with_physical_optimizer_rules(physical_rules())
        .with_query_planner(Arc::new(OwnPlanner));
    postgres::add_functions(&mut builder, zone);
    builder
}

/// The rules for physical plans, with ours: one behind that which pushes sorts down to scans, one at the end.
fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::new().rules;
    postgres::physical::push_filters_by_place(&mut rules);
    postgres::physical::limit_exact_groups(&mut rules);
    postgres::physical::forget_constants_of_outer_joins(&mut rules);
    let pushes_sorts =
        |rule: &Arc<dyn PhysicalOptimizerRule + Send + Sync>| rule.name() == PushdownSort::new().name();
    let at = rules.iter().rposition(pushes_sorts).map_or(rules.len(), |at| at + 1);
    rules.insert(at, Arc::new(RelaxOrder));
    postgres::physical::restore_lost_orders(&mut rules);
    rules.push(Arc::new(postgres::physical::DropSoftLimits));
    rules.push(Arc::new(BalanceConditions));
    // They replace expressions and operators whose kind other rules look for.
    rules.push(Arc::new(postgres::physical::OrderConditions));
    rules.push(Arc::new(FitSorts));
    rules.push(Arc::new(CountWindows));
    rules
}
