//! Aggregates of DataFusion of which some of the accumulators are others.

use std::{fmt::Debug, hash::Hash, sync::Arc};

use arrow::datatypes::{DataType, FieldRef};
use datafusion::{
    common::{Result, ScalarValue},
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
        Signature, StatisticsArgs,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::AggregateOrderSensitivity,
    },
};

/// The accumulators of an aggregate; those that are not given are the function's own.
pub(super) trait Accumulators: Clone + Debug + PartialEq + Eq + Hash + Send + Sync + 'static {
    /// The accumulator of all rows.
    fn of_all(&self, inner: &AggregateUDF, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        inner.accumulator(args)
    }

    /// The accumulator of a window that rows leave.
    fn of_window(&self, inner: &AggregateUDF, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        inner.create_sliding_accumulator(args)
    }

    /// Whether the function of the rows in reverse is known to be the same.
    fn may_be_reversed(&self) -> bool {
        true
    }

    /// Whether there is an accumulator of many groups.
    fn has_groups(&self, inner: &AggregateUDF, args: AccumulatorArgs<'_>) -> bool {
        inner.groups_accumulator_supported(args)
    }

    /// The accumulator of many groups.
    fn of_groups(
        &self,
        inner: &AggregateUDF,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        inner.create_groups_accumulator(args)
    }
}

/// The function with other accumulators: it replaces the one of the same name.
pub(super) fn wrapped<A: Accumulators>(inner: Arc<AggregateUDF>, accumulators: A) -> AggregateUDF {
    AggregateUDF::new_from_impl(WrappedAggregate { inner, accumulators })
}

/// Whether a function has other accumulators of this kind already.
pub(super) fn is_wrapped<A: Accumulators>(function: &AggregateUDF) -> bool {
    function.inner().downcast_ref::<WrappedAggregate<A>>().is_some()
}

/// A function and its accumulators. Everything else is the function's own.
#[derive(Debug, PartialEq, Eq, Hash)]
struct WrappedAggregate<A> {
    inner: Arc<AggregateUDF>,
    accumulators: A,
}

impl<A: Accumulators> AggregateUDFImpl for WrappedAggregate<A> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(data_type)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.accumulators.of_all(&self.inner, args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.accumulators.of_window(&self.inner, args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.accumulators.has_groups(&self.inner, args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.accumulators.of_groups(&self.inner, args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        beneficial_ordering: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let inner = self.inner.as_ref().clone().with_beneficial_ordering(beneficial_ordering)?;
        Ok(inner.map(|inner| {
            let (inner, accumulators) = (Arc::new(inner), self.accumulators.clone());
            Arc::new(Self { inner, accumulators }) as Arc<dyn AggregateUDFImpl>
        }))
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.inner().supports_null_handling_clause()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        if !self.accumulators.may_be_reversed() {
            return ReversedUDAF::NotSupported;
        }
        match self.inner.reverse_udf() {
            ReversedUDAF::Reversed(inner) => {
                ReversedUDAF::Reversed(Arc::new(wrapped(inner, self.accumulators.clone())))
            }
            other => other,
        }
    }

    fn is_descending(&self) -> Option<bool> {
        self.inner.is_descending()
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.inner.value_from_stats(args)
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner.inner().set_monotonicity(data_type)
    }
}
