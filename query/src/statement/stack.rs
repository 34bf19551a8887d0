//! Stack for statements that nest deeply: planning recurses once for each operator of a chain, and the
//! threads of a runtime have room for a few hundred. A larger stack costs about 0.1 ms at every poll, so that
//! only those get it that may need it: by their text, or by the views and prepared statements they stand for.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use futures::future::BoxFuture;

/// Bytes left of a thread's stack below which a larger one is used.
const LEFT_MIN: usize = 64 << 20;
/// The larger one. It is reserved, not used.
const STACK_BYTES: usize = 256 << 20;
/// Words and operators of a text that any stack has room for.
const SHALLOW_MAX: usize = 64;

/// Whether a statement runs on a larger stack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Depth(Arc<AtomicBool>);

impl Depth {
    /// Begins a statement with this text.
    pub(crate) fn begin(&self, text: &str) {
        self.0.store(may_nest(text), Relaxed);
    }

    /// Whether the statement has the larger stack.
    pub(crate) fn is_large(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// The depth of what may nest deeply, whatever the text says that leads to it.
    pub(crate) fn large() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// The future, which is polled on the stack that the statement needs.
    pub(crate) fn on_stack<'f, T>(&self, running: BoxFuture<'f, T>) -> OnStack<'f, T> {
        OnStack { depth: self.clone(), running }
    }

    /// Goes on with a larger stack.
    pub(crate) async fn grow(&self) {
        if !self.0.swap(true, Relaxed) {
            // The stack changes where the statement is polled.
            tokio::task::yield_now().await;
        }
    }

    /// Runs `f` on the stack that the statement needs.
    pub(crate) fn run<T>(&self, f: impl FnOnce() -> T) -> T {
        if self.is_large() { stacker::maybe_grow(LEFT_MIN, STACK_BYTES, f) } else { f() }
    }

    /// The depth of this statement, whatever the next one needs.
    pub(crate) fn kept(&self) -> Self {
        Self(Arc::new(AtomicBool::new(self.is_large())))
    }
}

/// A future that runs on the stack that its statement needs.
pub(crate) struct OnStack<'f, T> {
    depth: Depth,
    running: BoxFuture<'f, T>,
}

impl<T> Future for OnStack<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Self { depth, running } = &mut *self;
        depth.run(|| running.as_mut().poll(cx))
    }
}

/// Whether a text has so many words and operators that it may nest deeply: what stands between quotes,
/// numbers, and commas do not count, so that rows of values do not.
fn may_nest(text: &str) -> bool {
    let (mut count, mut before, mut quote) = (0, b' ', None);
    for byte in text.bytes() {
        if let Some(end) = quote {
            if byte == end {
                quote = None;
            }
        } else if matches!(byte, b'\'' | b'"') {
            quote = Some(byte);
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            count += usize::from(!before.is_ascii_alphanumeric() && before != b'_');
        } else if byte.is_ascii_punctuation() && !matches!(byte, b',' | b';' | b'.' | b')') {
            count += 1;
        }
        before = byte;
    }
    count > SHALLOW_MAX
}

#[cfg(test)]
mod tests {
    use super::may_nest;

    #[test]
    fn chains_and_parentheses_may_nest_and_short_rows_of_values_do_not() {
        assert!(may_nest(&format!("SELECT {}", vec!["1"; 100].join("+"))));
        assert!(may_nest(&format!("SELECT {}", "NOT ".repeat(100))));
        assert!(may_nest(&format!("SELECT {}1{}", "(".repeat(100), ")".repeat(100))));
        assert!(!may_nest("SELECT * FROM t WHERE id = 7 AND name <> 'a + b + c'"));
        let row = (0..60).map(|n| format!("{n}, 'it''s (((((('")).collect::<Vec<_>>().join(", ");
        assert!(!may_nest(&format!("INSERT INTO t VALUES ({row})")));
    }
}
