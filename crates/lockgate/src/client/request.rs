//! What is asked of the admin API.

use reqwest::Method;
use serde_json::Value;

/// One request, and what to call it when it fails.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What fails when this fails, as in `the user was not made`.
    pub(super) failure: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    /// Whether the answer is a whole list, for which the gateway may need minutes.
    pub(super) is_whole: bool,
}

impl Request {
    /// Asks for what there is.
    pub(crate) fn get(path: impl Into<String>, failure: impl Into<String>) -> Self {
        Self::new(Method::GET, path, failure)
    }

    /// Makes something.
    pub(crate) fn post(path: impl Into<String>, body: Value, failure: impl Into<String>) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path, failure) }
    }

    /// Changes something.
    pub(crate) fn patch(path: impl Into<String>, body: Value, failure: impl Into<String>) -> Self {
        Self { body: Some(body), ..Self::new(Method::PATCH, path, failure) }
    }

    /// Takes something away.
    pub(crate) fn delete(path: impl Into<String>, failure: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, failure)
    }

    /// Adds a parameter to the query.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Option<String>>) -> Self {
        self.query.extend(value.into().map(|value| (name, value)));
        self
    }

    /// Asks for a whole list.
    pub(crate) fn whole(self) -> Self {
        Self { is_whole: true, ..self }
    }

    fn new(method: Method, path: impl Into<String>, failure: impl Into<String>) -> Self {
        Self {
            failure: failure.into(),
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            is_whole: false,
        }
    }
}
