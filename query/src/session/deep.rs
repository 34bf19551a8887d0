//! Statements on the stack that they need.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures::future::BoxFuture;

use crate::statement::Depth;

/// A future that runs on the stack that its statement needs.
pub(super) struct Deep<'f, T> {
    pub(super) depth: Depth,
    pub(super) running: BoxFuture<'f, T>,
}

impl<T> Future for Deep<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Self { depth, running } = &mut *self;
        depth.run(|| running.as_mut().poll(cx))
    }
}
