//! Functions of DataFusion with a look at what goes in or comes out.

use std::{fmt::Debug, hash::Hash, sync::Arc};

use arrow::datatypes::{DataType, FieldRef};
use datafusion::{
    common::{Result, config::ConfigOptions},
    logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature},
};

/// The look that a function is given. It calls the function itself.
pub(super) trait Guard: Debug + PartialEq + Eq + Hash + Send + Sync + Clone + 'static {
    /// Calls `inner`, and checks or changes its arguments or its answer.
    fn call(&self, inner: &ScalarUDF, args: ScalarFunctionArgs) -> Result<ColumnarValue>;
}

/// The function, guarded: it replaces the one of the same name.
pub(super) fn guarded<G: Guard>(inner: Arc<ScalarUDF>, guard: G) -> ScalarUDF {
    ScalarUDF::new_from_impl(Guarded { inner, guard })
}

/// A function and its guard. Name, signature, types and configuration are the function's own; its rules for
/// simplification, bounds and order are left out, as a guard may fail where they would answer.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Guarded<G> {
    inner: Arc<ScalarUDF>,
    guard: G,
}

impl<G: Guard> ScalarUDFImpl for Guarded<G> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = self.inner.inner().with_updated_config(config)?;
        Some(guarded(Arc::new(inner), self.guard.clone()))
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.guard.call(&self.inner, args)
    }
}
