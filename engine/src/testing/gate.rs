//! A gate under the test's control.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Holds up whoever comes while it is closed. Open at first.
#[derive(Debug, Default)]
pub struct Gate {
    is_closed: AtomicBool,
    opened: Notify,
}

impl Gate {
    /// Holds up whoever comes from now on.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Lets everybody go on.
    pub fn open(&self) {
        self.is_closed.store(false, Ordering::SeqCst);
        self.opened.notify_waiters();
    }

    /// Waits until the gate is open.
    pub async fn pass(&self) {
        loop {
            let opened = self.opened.notified();
            if !self.is_closed.load(Ordering::SeqCst) {
                return;
            }
            opened.await;
        }
    }
}
