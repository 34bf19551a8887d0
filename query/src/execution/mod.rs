//! DataFusion as this database runs it: options, memory, rules for physical plans, and how a plan is started.

mod state;
mod stream;
mod write_node;

pub(crate) use state::{base_state, limited_runtime, runtime};
pub(crate) use stream::{empty_stream, stream};
pub(crate) use write_node::WriteNode;
