//! A limit of one statement within the memory of the database.

use std::{fmt, sync::Arc};

use datafusion::{
    common::Result,
    execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation},
};

/// Memory of the database of which one statement may have so much. Both are shared out evenly among those who
/// can spill.
#[derive(Debug)]
pub(crate) struct Limited {
    own: FairSpillPool,
    database: Arc<dyn MemoryPool>,
}

impl Limited {
    pub(crate) fn new(bytes: usize, database: Arc<dyn MemoryPool>) -> Self {
        Self { own: FairSpillPool::new(bytes), database }
    }
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.own, f)
    }
}

impl MemoryPool for Limited {
    fn name(&self) -> &'static str {
        "query_memory"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
        self.database.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
        self.database.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.database.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.database.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.own.try_grow(reservation, additional)?;
        self.database
            .try_grow(reservation, additional)
            .inspect_err(|_| self.own.shrink(reservation, additional))
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_and_what_one_refuses_the_other_does_not_count() {
        let database: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(1_000));
        let statement =
            |bytes| -> Arc<dyn MemoryPool> { Arc::new(Limited::new(bytes, Arc::clone(&database))) };
        let (first, second) = (statement(600), statement(700));
        let join = MemoryConsumer::new("join").register(&first);
        assert!(join.try_grow(601).is_err());
        join.try_grow(600).unwrap();
        assert_eq!((first.reserved(), database.reserved()), (600, 600));
        let other = MemoryConsumer::new("join").register(&second);
        assert!(other.try_grow(500).is_err());
        assert_eq!((second.reserved(), database.reserved()), (0, 600));
        other.try_grow(400).unwrap();
        drop(join);
        other.try_grow(300).unwrap();
        assert!(other.try_grow(1).is_err());
        drop(other);
        assert_eq!((first.reserved(), second.reserved(), database.reserved()), (0, 0, 0));
    }
}
