//! The data plane's key table as the control side fills it.

use policy::{KeyFacts, KeyHash};

/// Where known keys go. It is told of each change in the order of their numbers, from one task.
pub trait KeySink: Send + Sync + 'static {
    /// Makes these all the keys there are. Until the first call nothing is known of any key, and requests with one are told to come
    /// again.
    fn replace(&self, keys: Vec<(KeyHash, KeyFacts)>);
    /// Changes single keys; `None`: the key is known no more.
    fn apply(&self, changes: Vec<(KeyHash, Option<KeyFacts>)>);
}
