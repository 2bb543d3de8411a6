//! Values written as strings.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::DeValue;

use super::{Fallback, Form, Key, Shape};
use crate::environment;
use crate::reader::Reader;

/// A kind of string.
pub(crate) struct Text {
    /// `host pattern`
    pub(crate) noun: &'static str,
    /// `a host pattern`
    pub(crate) with_article: &'static str,
    pub(crate) example: &'static str,
    /// A regular expression (ECMA 262) for the schema; checked here by `parse`.
    pub(crate) pattern: Option<&'static str>,
    /// Whether `$NAME` in it is replaced from the environment.
    pub(crate) environment: bool,
}

/// Why a string is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Says what is wrong where "invalid so-and-so" would not.
    pub(crate) message: Option<String>,
    /// Stands beside the underlined text.
    pub(crate) label: String,
    pub(crate) hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(label: impl Into<String>) -> Self {
        Self { message: None, label: label.into(), hint: None }
    }

    /// An error's own sentence and those of its causes; `what; how to write it` is split into label and hint.
    pub(crate) fn of(error: &dyn std::error::Error) -> Self {
        let mut label = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            label.push_str(&format!(": {inner}"));
            cause = inner.source();
        }
        match label.split_once("; ") {
            Some((label, hint)) => Self::new(label).hint(hint),
            None => Self::new(label),
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A value that is written as a string.
pub(crate) trait TextForm: Sized {
    const TEXT: Text;
    fn parse(text: &str) -> Result<Self, Fault>;
}

impl<T: TextForm> Form for T {
    const SHAPE: Shape = Shape::Text(&T::TEXT);

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(value, key, &Self::SHAPE)?;
        let parsed = match T::TEXT.environment {
            true => expand(text, key, reader).and_then(|text| T::parse(&text)),
            false => T::parse(text),
        };
        parsed.map_err(|fault| reader.fault(fault, T::TEXT.noun, key, value.span().into())).ok()
    }
}

/// Takes from the environment what the text names; of a secret that only holds a `$`, a fault repeats nothing.
fn expand<'t>(text: &'t str, key: &Key, reader: &Reader<'_>) -> Result<Cow<'t, str>, Fault> {
    let expanded = environment::expand(text, reader.environment);
    match key.secret && !environment::is_variable(text) {
        true => expanded.map_err(|_| {
            Fault::new("`$` is not followed by the name of a variable that is set")
                .hint("write \"$NAME\", or `$$` for the character itself")
        }),
        false => expanded,
    }
}

impl<T: TextForm> Fallback for T {
    fn fallback(key: &Key, _: &mut Reader<'_>) -> Self {
        let default = key.default.expect("a key whose value cannot be absent has a default");
        T::parse(default).expect("a default is a valid value")
    }
}
