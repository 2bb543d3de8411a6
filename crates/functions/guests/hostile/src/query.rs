//! Arguments after the question mark, as they are: nothing is decoded.

/// The query of a target.
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Every value of `name`, in order.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The number that `name` has, else `default`.
    pub(crate) fn number(&self, name: &str, default: usize) -> usize {
        self.all(name).next().and_then(|value| value.parse().ok()).unwrap_or(default)
    }
}
