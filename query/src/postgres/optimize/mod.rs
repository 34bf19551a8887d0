//! Rules of the logical optimizer.

mod equal_windows;

use std::sync::Arc;

use datafusion::optimizer::{Optimizer, OptimizerRule};

/// The optimizer's rules, with ours before the one that takes out what two expressions share.
pub(super) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    let shares = rules.iter().position(|rule| rule.name() == "common_sub_expression_eliminate");
    rules.insert(shares.unwrap_or(rules.len()), Arc::new(equal_windows::EqualWindows));
    rules
}
