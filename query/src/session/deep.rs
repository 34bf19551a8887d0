//! Stack for statements that nest deeply: planning recurses once for each operator of a chain, and the threads of a
//! runtime have room for a few hundred.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures::future::BoxFuture;

/// Where less than this is left of the thread's stack, a larger one is used.
const LEFT_MIN: usize = 64 << 20;
/// The larger one. It is reserved, not used.
const STACK_BYTES: usize = 256 << 20;

/// Runs `f` where there is stack enough.
pub(crate) fn with_stack<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(LEFT_MIN, STACK_BYTES, f)
}

/// A future that runs where there is stack enough.
pub(super) struct Deep<'f, T>(pub(super) BoxFuture<'f, T>);

impl<T> Future for Deep<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let inner = self.0.as_mut();
        with_stack(|| inner.poll(cx))
    }
}
