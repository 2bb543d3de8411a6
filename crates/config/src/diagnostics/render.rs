//! Problems as text for people.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity, Span};

/// Of a longer line, only what stands around the place is shown.
const LINE_BYTES_MAX: usize = 240;
/// Shown on either side of the place in a line that is too long.
const AROUND_BYTES: usize = 60;

pub(super) fn render(diagnostics: &Diagnostics, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in &diagnostics.list {
        out.push_str(&renderer.render(&[group(diagnostics, diagnostic)]));
        out.push_str("\n\n");
    }
    if diagnostics.unlisted > 0 {
        out.push_str(&format!("and {} more problems\n\n", diagnostics.unlisted));
    }
    out.push_str(&summary(diagnostics));
    out
}

fn summary(diagnostics: &Diagnostics) -> String {
    let errors = diagnostics.errors() + diagnostics.unlisted;
    let warnings = diagnostics.list.len() - diagnostics.errors();
    let counted = |count: usize, noun: &str| match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{count} {noun}s")),
    };
    let counts: Vec<String> =
        [counted(errors, "error"), counted(warnings, "warning")].into_iter().flatten().collect();
    if counts.is_empty() {
        return String::new();
    }
    format!("{}: {}\n", diagnostics.name, counts.join(", "))
}

fn group<'a>(diagnostics: &'a Diagnostics, diagnostic: &'a Diagnostic) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level.primary_title(diagnostic.message.as_str()).elements(Vec::<Element<'_>>::new());
    match diagnostic.span {
        Some(span) => {
            let annotation = (AnnotationKind::Primary, span, diagnostic.label.as_str());
            let related = diagnostic.related.as_ref();
            let related = related.map(|(span, label)| (AnnotationKind::Context, *span, label.as_str()));
            for element in place(diagnostics, annotation, related) {
                group = group.element(element);
            }
        }
        None => group = group.element(Origin::path(&*diagnostics.name)),
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    group
}

type Note<'a> = (AnnotationKind, Span, &'a str);

/// The lines in question, each with its number and what is said of it.
fn place<'a>(diagnostics: &'a Diagnostics, main: Note<'a>, related: Option<Note<'a>>) -> Vec<Element<'a>> {
    let mut elements = vec![snippet(diagnostics, main)];
    elements.extend(related.map(|note| snippet(diagnostics, note)));
    elements
}

/// One line of the text; a span over several lines is shown by its first.
fn snippet<'a>(diagnostics: &'a Diagnostics, (kind, span, label): Note<'a>) -> Element<'a> {
    let text: &str = &diagnostics.text;
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let end = text.floor_char_boundary(span.end).clamp(start, line_end);
    let (line, _) = diagnostics.position(start);
    let (from, to) = window(text, line_start, line_end, start, end);
    let end = end.min(to);
    let annotation: Annotation<'a> = kind.span(start - from..end - from);
    let annotation = if label.is_empty() { annotation } else { annotation.label(label) };
    let shown = Snippet::source(&text[from..to]).line_start(line).path(&*diagnostics.name);
    shown.annotation(annotation).into()
}

/// The line, or a part of it around the place.
fn window(text: &str, line_start: usize, line_end: usize, start: usize, end: usize) -> (usize, usize) {
    if line_end - line_start <= LINE_BYTES_MAX {
        return (line_start, line_end);
    }
    let from = text.floor_char_boundary(start.saturating_sub(AROUND_BYTES)).max(line_start);
    let to = end.min(start + LINE_BYTES_MAX) + AROUND_BYTES;
    (from, text.floor_char_boundary(to).min(line_end).max(start))
}
