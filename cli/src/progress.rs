//! Progress of a long statement, on a terminal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bygone::{Progress, printable};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Statements that end sooner show nothing.
const SHOWN_AFTER: Duration = Duration::from_millis(300);

/// A line on standard error that is gone when the statement ends.
#[derive(Debug, Default)]
pub(crate) struct TerminalProgress {
    bar: Mutex<Option<ProgressBar>>,
}

impl TerminalProgress {
    pub(crate) fn shared() -> Arc<dyn Progress> {
        Arc::new(Self::default())
    }

    fn bar(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for TerminalProgress {
    fn report(&self, what: &str, done: u64, total: Option<u64>) {
        let mut current = self.bar();
        let bar = current.get_or_insert_with(hidden_bar);
        if bar.is_hidden() && bar.elapsed() >= SHOWN_AFTER {
            bar.set_style(style(total.is_some()));
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if bar.length() != total {
            match total {
                Some(total) => bar.set_length(total),
                None => bar.unset_length(),
            }
        }
        let what = printable(what);
        if bar.message() != what {
            bar.set_message(what.into_owned());
        }
        bar.set_position(done);
    }

    fn finish(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }
}

fn hidden_bar() -> ProgressBar {
    ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
}

fn style(has_total: bool) -> ProgressStyle {
    let template = if has_total {
        "{msg} {bar:30} {percent:>3}% {human_pos}/{human_len} {per_sec} {eta} left"
    } else {
        "{msg} {human_pos} {per_sec} {elapsed}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
