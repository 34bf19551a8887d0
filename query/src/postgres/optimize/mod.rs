//! Rules of the logical optimizer.

mod constant_filters;
mod constant_keys;
mod equal_windows;

use std::sync::Arc;

use datafusion::optimizer::{Optimizer, OptimizerRule, push_down_filter::PushDownFilter};

/// The optimizer's rules: with ours before the one that takes out what two expressions share, and at the end,
/// and with filters pushed down by our word.
pub(super) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    let shares = rules.iter().position(|rule| rule.name() == "common_sub_expression_eliminate");
    for rule in rules.iter_mut().filter(|rule| rule.name() == "push_down_filter") {
        *rule = Arc::new(constant_filters::FilterPushdown(PushDownFilter::new()));
    }
    rules.insert(shares.unwrap_or(rules.len()), Arc::new(equal_windows::EqualWindows));
    rules.push(Arc::new(constant_keys::ConstantKeys));
    rules
}
