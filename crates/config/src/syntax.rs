//! Errors of TOML itself, in words of our own and without those that only follow from another.

use toml::de::Error;

use crate::diagnostics::{Diagnostic, Span};

/// One diagnostic for each error that is not a consequence of one before it.
pub(crate) fn diagnostics(errors: &[Error], text: &str) -> Vec<Diagnostic> {
    let mut errors: Vec<&Error> = errors.iter().collect();
    errors.sort_by_key(|error| span(error, text).start);
    let mut kept = without_swallowed(errors);
    kept.dedup_by_key(|error| line_of(span(error, text).start, text).start);
    kept.into_iter().map(|error| diagnostic(error, text)).collect()
}

/// Leaves out the errors in lines that only a list or inline table without its end makes wrong.
fn without_swallowed(errors: Vec<&Error>) -> Vec<&Error> {
    let mut kept: Vec<&Error> = Vec::new();
    // Where the errors of a list or inline table begin in `kept`.
    let mut run: Option<usize> = None;
    for error in errors {
        let message = error.message();
        if message.starts_with("unclosed array") || message.starts_with("unclosed inline table") {
            let start = run.take().unwrap_or(kept.len());
            // A string without its end takes the bracket along, and is the cause.
            let string = start > 0 && is_unclosed_string(kept[start - 1]);
            kept.truncate(if string { start } else { start + 1 });
            if kept.len() == start && !string {
                kept.push(error);
            }
            continue;
        }
        if message.starts_with("missing comma")
            || message.contains(" in array")
            || message.contains(" in inline table")
        {
            run.get_or_insert(kept.len());
        }
        kept.push(error);
    }
    kept
}

fn is_unclosed_string(error: &Error) -> bool {
    matches!(error.message().split(", ").next(), Some("invalid basic string" | "invalid literal string"))
}

/// The lines that hold errors, in order.
pub(crate) fn broken_lines(errors: &[Error], text: &str) -> Vec<Span> {
    let mut starts: Vec<usize> = errors.iter().map(|error| span(error, text).start).collect();
    starts.sort_unstable();
    let mut lines: Vec<Span> = Vec::new();
    for start in starts {
        if lines.last().is_none_or(|line| start > line.end) {
            lines.push(line_of(start, text));
        }
    }
    lines
}

fn line_of(offset: usize, text: &str) -> Span {
    let offset = text.floor_char_boundary(offset);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |newline| offset + newline);
    Span { start, end }
}

/// Where the parser stopped; the end of the text for what it missed there.
fn span(error: &Error, text: &str) -> Span {
    error.span().map_or(Span { start: text.len(), end: text.len() }, Span::from)
}

fn diagnostic(error: &Error, text: &str) -> Diagnostic {
    let span = span(error, text);
    let (what, expected) = error.message().split_once(", ").unwrap_or((error.message(), ""));
    if what.contains("recurs") {
        return Diagnostic::error(span, "values are nested too deeply")
            .label("too deep")
            .hint("no key of the configuration needs more than four levels");
    }
    match what {
        "duplicate key" => Diagnostic::error(span, "this key or table is written twice")
            .label("again")
            .hint("TOML wants each once; `[[…]]` with two brackets begins one more of a list"),
        "string values must be quoted" if is_blank(span, text) => {
            Diagnostic::error(span, "a value is missing").label("nothing behind the `=`")
        }
        "string values must be quoted" => Diagnostic::error(span, "a string stands in quotes")
            .label("without quotes")
            .hint("write it as \"…\""),
        "invalid float" | "invalid integer" | "invalid datetime" => {
            Diagnostic::error(span, format!("not valid TOML: {what}"))
                .label("not a number")
                .hint("what is not a number stands in quotes: \"…\"")
        }
        _ => Diagnostic::error(span, format!("not valid TOML: {what}")).label(expected),
    }
}

fn is_blank(span: Span, text: &str) -> bool {
    text.get(span.start..span.end).is_none_or(|text| text.trim().is_empty())
}
