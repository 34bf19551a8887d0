//! DataFusion as this database runs it: options, memory, functions.

use std::sync::Arc;

use datafusion::{
    common::Result,
    execution::{
        SessionStateBuilder,
        memory_pool::{FairSpillPool, TrackConsumersPool},
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
        session_state::SessionState,
    },
    prelude::SessionConfig,
};

use crate::{dml::WritePlanner, types::Types};

/// How much memory queries may use together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOptions {
    /// Bytes that sorts, joins and aggregations of all sessions may hold at one time; beyond, sorts and aggregations
    /// spill to temporary files and joins fail with 53200. Default 1 GiB.
    pub query_bytes_max: usize,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self { query_bytes_max: 1 << 30 }
    }
}

/// The largest consumers that an out-of-memory message names.
const CONSUMERS_NAMED: usize = 3;

/// What all sessions of a database share.
pub(crate) fn runtime(memory: MemoryOptions) -> Result<Arc<RuntimeEnv>> {
    let named = std::num::NonZeroUsize::new(CONSUMERS_NAMED).unwrap_or(std::num::NonZeroUsize::MIN);
    let pool = TrackConsumersPool::new(FairSpillPool::new(memory.query_bytes_max), named);
    Ok(Arc::new(RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).build()?))
}

/// The state that every statement of a session starts from.
pub(crate) fn base_state(runtime: &Arc<RuntimeEnv>, time_zone: &str) -> SessionState {
    let mut config = SessionConfig::new()
        .with_batch_size(8_192)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false);
    let options = config.options_mut();
    options.execution.time_zone = Some(time_zone.to_owned());
    options.sql_parser.parse_float_as_decimal = true;
    // Statement plans are shown by EXPLAIN as text in two rows, and are pinned by tests.
    options.explain.format = datafusion::common::format::ExplainFormat::Indent;
    SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_runtime_env(Arc::clone(runtime))
        .with_type_planner(Arc::new(Types))
        .with_analyzer_rules(super::numbers::analyzer_rules())
        .with_query_planner(Arc::new(WritePlanner))
        .build()
}
