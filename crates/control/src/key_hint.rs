//! How whoever changes keys wakes whoever follows them in the same process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A hint that keys may have changed. Clones share it; one follower waits.
#[derive(Clone, Debug, Default)]
pub struct KeyHint(Arc<Hint>);

#[derive(Debug, Default)]
struct Hint {
    changed: Notify,
    other_database: AtomicBool,
}

impl KeyHint {
    /// Makes a hint that nobody has given yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that keys may have changed. A hint that nobody waits for is kept; several are one.
    pub fn changed(&self) {
        self.0.changed.notify_one();
    }

    /// Says that the database is another one, so that nothing is known of its keys.
    pub fn other_database(&self) {
        self.0.other_database.store(true, Ordering::Release);
        self.changed();
    }

    /// Whether that was said since the last time this was asked.
    pub(crate) fn takes_other_database(&self) -> bool {
        self.0.other_database.swap(false, Ordering::Acquire)
    }

    /// Waits for a hint given since the last wait ended.
    ///
    /// # Cancel safety
    /// A wait that is given up loses no hint.
    pub async fn wait(&self) {
        self.0.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hint_given_before_the_wait_ends_it() {
        let hint = KeyHint::new();
        hint.changed();
        hint.clone().changed();
        hint.wait().await;
        let again = tokio::time::timeout(std::time::Duration::ZERO, hint.wait()).await;
        assert!(again.is_err(), "two hints that nobody waited for are one");
    }
}
