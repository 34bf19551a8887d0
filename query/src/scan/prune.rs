//! Pages that a predicate lets be left out: zone maps as DataFusion's pruning statistics.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex},
};

use arrow::{
    array::{
        ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int64Array,
        StringViewArray, UInt64Array,
    },
    compute::cast,
    datatypes::{DataType, SchemaRef, TimeUnit},
};
use bygone_engine::{Bound, OneOf, PagePruner, TablePages, Zone};
use datafusion::{
    common::{Column, ScalarValue, pruning::PruningStatistics},
    physical_expr::PhysicalExpr,
    physical_expr_common::physical_expr::{snapshot_generation, snapshot_physical_expr},
    physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder},
};

use super::needed::needed;
use crate::rows::RowLayout;

/// Judges pages by a predicate, which may narrow while the scan runs.
pub(super) struct PredicatePruner {
    layout: Arc<RowLayout>,
    /// The schema that the predicate is over.
    schema: SchemaRef,
    predicate: Arc<dyn PhysicalExpr>,
    /// The predicate as it was at a generation; `None` where it says nothing about pages.
    known: Mutex<Option<(u64, Option<Arc<PruningPredicate>>)>>,
}

impl fmt::Debug for PredicatePruner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PredicatePruner").field("predicate", &self.predicate).finish_non_exhaustive()
    }
}

impl PredicatePruner {
    /// A pruner for `predicate`, whose columns are those of `schema` by place.
    pub(super) fn new(layout: Arc<RowLayout>, schema: SchemaRef, predicate: Arc<dyn PhysicalExpr>) -> Self {
        Self { layout, schema, predicate, known: Mutex::new(None) }
    }

    /// The predicate as it is now.
    fn current(&self) -> Option<Arc<PruningPredicate>> {
        let generation = self.generation();
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((of, predicate)) = &*known
            && *of == generation
        {
            return predicate.clone();
        }
        let now = snapshot_physical_expr(Arc::clone(&self.predicate));
        let pruning = now.and_then(|now| {
            PruningPredicateBuilder::new().with_file_schema(Arc::clone(&self.schema)).try_build(now)
        });
        let pruning = pruning.ok().filter(|pruning| !pruning.always_true()).map(Arc::new);
        *known = Some((generation, pruning.clone()));
        pruning
    }
}

impl PagePruner for PredicatePruner {
    fn wanted(&self, pages: &TablePages<'_>) -> Vec<bool> {
        let all = || vec![true; pages.len()];
        let Some(predicate) = self.current() else { return all() };
        // A predicate that cannot be judged by bounds prunes nothing; it is applied to the rows in any case.
        predicate.prune(&ZoneStatistics { layout: &self.layout, pages: *pages }).unwrap_or_else(|_| all())
    }

    fn generation(&self) -> u64 {
        snapshot_generation(&self.predicate)
    }

    fn needed(&self) -> Vec<OneOf> {
        needed(&self.predicate, &self.layout)
    }
}

struct ZoneStatistics<'a> {
    layout: &'a RowLayout,
    pages: TablePages<'a>,
}

impl ZoneStatistics<'_> {
    fn column(&self, column: &Column) -> Option<(DataType, Vec<&Zone>)> {
        let column = self.layout.columns().iter().find(|known| known.name == column.name)?;
        Some((column.column_type.arrow(), self.pages.zones(column.id)?.collect()))
    }

    fn bounds(&self, column: &Column, of: impl Fn(&Zone) -> Option<&Bound>, zero: f64) -> Option<ArrayRef> {
        let (data_type, zones) = self.column(column)?;
        // Missing rows have a value that is not counted in.
        let bounds = zones.into_iter().map(|zone| of(zone).filter(|_| !zone.has_missing));
        bounds_array(bounds, &data_type, zero)
    }
}

impl PruningStatistics for ZoneStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |zone| zone.min.as_ref(), -0.0)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |zone| zone.max.as_ref(), 0.0)
    }

    fn num_containers(&self) -> usize {
        self.pages.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let (_, zones) = self.column(column)?;
        let counts = zones.into_iter().map(|zone| (!zone.has_missing).then_some(u64::from(zone.nulls)));
        Some(Arc::new(counts.collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let counts = (0..self.pages.len()).map(|page| self.pages.rows(page) as u64);
        Some(Arc::new(UInt64Array::from_iter_values(counts)))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// Bounds as values of a type; null where there is none. Numbers that are zero become `zero`: bounds do not
/// tell −0 from 0, comparisons of rows do.
pub(super) fn bounds_array<'a>(
    bounds: impl Iterator<Item = Option<&'a Bound>>,
    data_type: &DataType,
    zero: f64,
) -> Option<ArrayRef> {
    let int = |bound: &Bound| match bound {
        Bound::Int(number) => Some(*number),
        _ => None,
    };
    let float = |bound: &Bound| match bound {
        Bound::Float(number) => Some(if *number == 0.0 { zero } else { *number }),
        _ => None,
    };
    Some(match data_type {
        DataType::Boolean => {
            Arc::new(bounds.map(|bound| bound.and_then(int).map(|bit| bit != 0)).collect::<BooleanArray>())
        }
        DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Date32
        | DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let numbers: Int64Array = bounds.map(|bound| bound.and_then(int)).collect();
            // A date is days in 32 bits, as it is stored.
            if *data_type == DataType::Date32 {
                cast(&cast(&numbers, &DataType::Int32).ok()?, data_type).ok()?
            } else {
                cast(&numbers, data_type).ok()?
            }
        }
        DataType::Decimal128(precision, scale) => {
            let numbers = bounds.map(|bound| match bound? {
                Bound::Int(number) => Some(i128::from(*number)),
                Bound::Wide(number) => Some(*number),
                _ => None,
            });
            let array = numbers.collect::<Decimal128Array>();
            Arc::new(array.with_precision_and_scale(*precision, *scale).ok()?)
        }
        DataType::Float32 => Arc::new(
            bounds.map(|bound| bound.and_then(float).map(|number| number as f32)).collect::<Float32Array>(),
        ),
        DataType::Float64 => Arc::new(bounds.map(|bound| bound.and_then(float)).collect::<Float64Array>()),
        DataType::Utf8View => {
            let texts = bounds.map(|bound| match bound? {
                Bound::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
                _ => None,
            });
            Arc::new(texts.collect::<StringViewArray>())
        }
        DataType::Binary => {
            let bytes = bounds.map(|bound| match bound? {
                Bound::Bytes(bytes) => Some(bytes.as_slice()),
                _ => None,
            });
            Arc::new(bytes.collect::<BinaryArray>())
        }
        _ => return None,
    })
}
