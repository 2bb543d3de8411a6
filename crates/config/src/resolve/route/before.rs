//! Functions that stand before a target that asks somebody.

use super::super::names::Names;
use super::super::{empty, repeated};
use crate::config::{FUNCTIONS_BEFORE_MAX, Target};
use crate::diagnostics::Diagnostic;
use crate::document::RouteSection;
use crate::reader::Reader;

/// The functions named, in their order.
pub(super) fn before(
    section: &RouteSection,
    target: Option<&Target>,
    functions: &mut Names,
    reader: &mut Reader<'_>,
) -> Vec<usize> {
    let Some(written) = &section.before else { return Vec::new() };
    if written.value.is_empty() {
        empty(written.span, "before", "leave it out for none", reader);
    }
    if let Some(first) = written.value.get(FUNCTIONS_BEFORE_MAX) {
        reader.report(
            Diagnostic::error(
                first.span,
                format!("more than {FUNCTIONS_BEFORE_MAX} functions before one target"),
            )
            .label("one too many")
            .hint("each holds an instance until the last byte; let one do what several do"),
        );
    }
    if let Some(Target::Redirect { .. } | Target::Fixed { .. }) = target {
        reader.report(
            Diagnostic::error(
                section.written.key("before"),
                "`before` has no effect without `upstream` or `function`",
            )
            .label("the gateway answers this route itself")
            .hint("take it out, or let the function answer: `function = \"NAME\"`"),
        );
    }
    repeated(written.value.iter().map(|name| (name.value.0.as_str(), name.span)), "function", reader);
    written.value.iter().filter_map(|name| functions.find(&name.value, name.span, reader)).collect()
}
