//! What is wrong with a configuration: all of it, each problem with its place.

mod hide;
mod render;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::json;

use crate::findings::{Findings, Unlisted};

/// A stretch of the text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// Whether a problem keeps the configuration from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not, but is hardly meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where; `None` for the file as a whole.
    pub span: Option<Span>,
    /// Stands beside the underlined text.
    pub label: String,
    /// Another place that has to do with it, and how.
    pub related: Option<(Span, String)>,
    /// How to fix it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A problem that keeps the configuration from being used.
    pub(crate) fn error(span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            span: span.into(),
            label: String::new(),
            related: None,
            hint: None,
        }
    }

    /// Something hardly meant.
    pub(crate) fn warning(span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn also(mut self, span: Option<Span>, label: impl Into<String>) -> Self {
        self.related = span.map(|span| (span, label.into()));
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Problems of one configuration, in the order of their places.
#[derive(Clone, PartialEq, Eq)]
pub struct Diagnostics {
    name: Arc<str>,
    /// The text as it may be shown: as long as the one that was read.
    text: Arc<str>,
    list: Vec<Diagnostic>,
    /// Problems found beyond those listed.
    unlisted: Unlisted,
}

impl Diagnostics {
    /// Problems of the text called `name`.
    pub(crate) fn new(name: &str, text: &str, findings: Findings) -> Self {
        let Findings { mut list, unlisted, hidden } = findings;
        list.sort_by_key(|diagnostic| diagnostic.span);
        // The text is kept only where there is something to show of it.
        let text = if list.is_empty() { Arc::default() } else { hide::without_secrets(text, &hidden) };
        Self { name: name.into(), text, list, unlisted }
    }

    /// One problem of a file that could not be read as text.
    pub(crate) fn of_file(name: &str, diagnostic: Diagnostic) -> Self {
        Self::new(name, "", Findings { list: vec![diagnostic], ..Findings::default() })
    }

    /// The problems, in the order of their places.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// How many there are, those beyond the listed ones included.
    pub fn len(&self) -> usize {
        self.list.len() + self.unlisted.count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many keep the configuration from being used, those beyond the listed ones included.
    pub fn errors(&self) -> usize {
        let listed = self.list.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        listed.count() + self.unlisted.errors
    }

    /// Writes all problems as `rustc` writes its own: file, line and column, the text underlined, a hint.
    /// With `color`, ANSI escapes are used.
    pub fn render(&self, color: bool) -> String {
        render::render(self, color)
    }

    /// Writes all problems as a JSON array; `line` and `column` count from 1, columns in characters. If there are more than are
    /// listed, a last object says how many in `unlisted`.
    pub fn to_json(&self) -> serde_json::Value {
        let listed = self.list.iter().map(|diagnostic| self.diagnostic_json(diagnostic));
        listed.chain(self.unlisted_json()).collect()
    }

    fn unlisted_json(&self) -> Option<serde_json::Value> {
        let Unlisted { errors, warnings } = self.unlisted;
        let gravest = if errors > 0 { Severity::Error } else { Severity::Warning };
        (self.unlisted.count() > 0).then(|| {
            json!({
                "severity": gravest.name(),
                "message": format!("{} not listed", render::more_problems(self.unlisted.count())),
                "file": &*self.name,
                "unlisted": { "errors": errors, "warnings": warnings },
            })
        })
    }

    fn diagnostic_json(&self, diagnostic: &Diagnostic) -> serde_json::Value {
        let mut object = json!({
            "severity": diagnostic.severity.name(),
            "message": diagnostic.message,
            "file": &*self.name,
        });
        if let Some(span) = diagnostic.span {
            let (line, column) = self.position(span.start);
            object["line"] = line.into();
            object["column"] = column.into();
            object["text"] = self.excerpt(span).into();
        }
        if !diagnostic.label.is_empty() {
            object["label"] = diagnostic.label.as_str().into();
        }
        if let Some((span, label)) = &diagnostic.related {
            let (line, column) = self.position(span.start);
            object["related"] = json!({ "line": line, "column": column, "label": label });
        }
        if let Some(hint) = &diagnostic.hint {
            object["hint"] = hint.as_str().into();
        }
        object
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The underlined text, cut to what a log line can bear.
    fn excerpt(&self, span: Span) -> &str {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.floor_char_boundary(span.end.min(start + 200));
        self.text.get(start..end).unwrap_or_default()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Diagnostics {}
