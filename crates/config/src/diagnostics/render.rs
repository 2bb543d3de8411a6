//! Problems as text for people.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity, Span};

/// Of a longer line, only the text in question is shown; up to here the renderer itself cuts around it.
const LINE_BYTES_MAX: usize = 4096;

pub(super) fn render(diagnostics: &Diagnostics, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in &diagnostics.list {
        out.push_str(&renderer.render(&[group(diagnostics, diagnostic)]));
        out.push_str("\n\n");
    }
    let unlisted = diagnostics.unlisted.count();
    if unlisted > 0 {
        out.push_str(&format!("and {}\n\n", more_problems(unlisted)));
    }
    out.push_str(&summary(diagnostics));
    out
}

/// `3 more problems`
pub(super) fn more_problems(count: usize) -> String {
    format!("{count} more problem{}", if count == 1 { "" } else { "s" })
}

fn summary(diagnostics: &Diagnostics) -> String {
    let errors = diagnostics.errors();
    let warnings = diagnostics.len() - errors;
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

/// Two places at most this far apart are shown in one piece, with what lies between folded.
const NEAR_BYTES: usize = 2000;

/// The lines in question, each with its number and what is said of it.
fn place<'a>(diagnostics: &'a Diagnostics, main: Note<'a>, related: Option<Note<'a>>) -> Vec<Element<'a>> {
    let notes: Vec<Note<'a>> = [Some(main), related].into_iter().flatten().collect();
    let near = notes.iter().all(|note| note.1.start.abs_diff(main.1.start) <= NEAR_BYTES);
    if near && notes.iter().all(|note| has_short_line(diagnostics, note)) {
        return vec![snippet(diagnostics, &notes).path(&*diagnostics.name).into()];
    }
    notes.iter().flat_map(|note| lone(diagnostics, note)).collect()
}

/// A place in a line too long to show: the text alone, and what is said of it.
fn lone<'a>(diagnostics: &'a Diagnostics, (_, span, label): &Note<'a>) -> [Element<'a>; 2] {
    let (line, column) = diagnostics.position(span.start);
    let text = diagnostics.excerpt(*span).lines().next().unwrap_or_default();
    let said = Level::NOTE.message(format!("at `{text}`: {label}"));
    [Origin::path(&*diagnostics.name).line(line).char_column(column).into(), said.into()]
}

fn has_short_line(diagnostics: &Diagnostics, note: &Note<'_>) -> bool {
    let (start, end) = line(&diagnostics.text, note.1.start);
    end - start <= LINE_BYTES_MAX
}

/// The lines of the notes and those between them.
fn snippet<'a>(diagnostics: &'a Diagnostics, notes: &[Note<'a>]) -> Snippet<'a, Annotation<'a>> {
    let text: &str = &diagnostics.text;
    let lines = notes.iter().map(|note| line(text, note.1.start));
    let (from, to) = lines.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or_default();
    let (number, _) = diagnostics.position(from);
    let mut shown = Snippet::source(&text[from..to]).line_start(number);
    for (kind, span, label) in notes {
        let (start, end) = on_one_line(text, *span);
        let annotation: Annotation<'a> = kind.span(start - from..end.min(to) - from);
        shown = shown.annotation(if label.is_empty() { annotation } else { annotation.label(*label) });
    }
    shown
}

/// Where the line of a byte begins and ends, its line end left out.
fn line(text: &str, offset: usize) -> (usize, usize) {
    let offset = text.floor_char_boundary(offset);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |newline| offset + newline);
    let end = if text[start..end].ends_with('\r') { end - 1 } else { end };
    (start, end.max(start))
}

/// A span over several lines is shown by its part on the first.
fn on_one_line(text: &str, span: Span) -> (usize, usize) {
    let (_, line_end) = line(text, span.start);
    let start = text.floor_char_boundary(span.start).min(line_end);
    (start, text.floor_char_boundary(span.end).clamp(start, line_end))
}
