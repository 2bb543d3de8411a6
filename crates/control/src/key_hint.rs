//! How whoever changes keys wakes whoever follows them in the same process.

use std::sync::Arc;

use tokio::sync::Notify;

/// A hint that keys may have changed. Clones share it; one follower waits.
#[derive(Clone, Debug, Default)]
pub struct KeyHint(Arc<Notify>);

impl KeyHint {
    /// Makes a hint that nobody has given yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that keys may have changed. A hint that nobody waits for is kept; several are one.
    pub fn changed(&self) {
        self.0.notify_one();
    }

    /// Waits for a hint given since the last wait ended.
    ///
    /// # Cancel safety
    /// A wait that is given up loses no hint.
    pub async fn wait(&self) {
        self.0.notified().await;
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
