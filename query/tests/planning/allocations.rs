//! Work, counted in allocations.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    /// Allocations of this thread, and their bytes.
    static ALLOCATED: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Counts what each thread allocates, so that tests beside this one are not counted.
struct CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[expect(unsafe_code, reason = "an allocator cannot be counted without being one")]
// SAFETY: every call goes to the system's allocator as it came; the counters neither allocate nor have a
// destructor.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (count, bytes) = ALLOCATED.get();
        ALLOCATED.set((count + 1, bytes + layout.size() as u64));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Allocations of this thread so far, and their bytes.
pub(crate) fn allocated() -> (u64, u64) {
    ALLOCATED.get()
}
