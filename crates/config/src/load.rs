//! From a file or a text to a configuration: syntax, then keys, then meaning, and all problems of all three.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use toml::de::DeTable;

use crate::config::Config;
use crate::diagnostics::{Diagnostic, Diagnostics, Span};
use crate::document::Document;
use crate::environment::Environment;
use crate::reader::Reader;
use crate::resolve;

/// A longer file is refused unread.
pub const FILE_BYTES_MAX: usize = 16 << 20;

/// A configuration, and what in it is hardly meant.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Warnings only.
    pub warnings: Diagnostics,
}

/// Loads a file; paths in it are relative to its folder.
///
/// # Errors
///
/// Returns all problems at once; a file that cannot be read is one of them.
pub fn load_file(path: &Path, env: &dyn Environment) -> Result<Loaded, Diagnostics> {
    let name = path.display().to_string();
    let text = read(path).map_err(|problem| Diagnostics::of_file(&name, problem))?;
    load_text(&name, path.parent().unwrap_or(Path::new("")), &text, env)
}

/// Loads a text called `name` in messages; paths in it are relative to `base_dir`.
///
/// # Errors
///
/// Returns all problems at once, warnings included.
pub fn load_text(
    name: &str,
    base_dir: &Path,
    text: &str,
    env: &dyn Environment,
) -> Result<Loaded, Diagnostics> {
    if text.len() > FILE_BYTES_MAX {
        return Err(Diagnostics::of_file(name, too_large()));
    }
    let (root, syntax_errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader::new(env, broken_lines(text, &syntax_errors));
    for error in &syntax_errors {
        reader.report_syntax(syntax(error, text));
    }
    let entries = reader.table_entries(root.get_ref(), None, const { &Document::SECTION });
    let document = Document::from_entries(&entries, &mut reader);
    let config = resolve::resolve(document, base_dir, &mut reader);
    let (found, unlisted) = reader.finish();
    let diagnostics = Diagnostics::new(name, text, found, unlisted);
    match config {
        Some(config) if diagnostics.errors() == 0 && unlisted == 0 => {
            Ok(Loaded { config, warnings: diagnostics })
        }
        _ => Err(diagnostics),
    }
}

fn read(path: &Path) -> Result<String, Diagnostic> {
    let unreadable = |error: io::Error| {
        let problem = Diagnostic::error(None, format!("the configuration cannot be read: {error}"));
        match error.kind() {
            io::ErrorKind::NotFound => problem.hint("name the file with `--config FILE`"),
            _ => problem,
        }
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|b| **b == b'\n').count() + 1;
        Diagnostic::error(
            None,
            format!("the configuration is not UTF-8 text: byte {} in line {line}", valid.len()),
        )
        .hint("save the file as UTF-8")
    })
}

fn too_large() -> Diagnostic {
    Diagnostic::error(None, format!("the configuration is larger than {} MiB", FILE_BYTES_MAX >> 20))
        .hint("match with fewer, wider routes")
}

fn syntax(error: &toml::de::Error, text: &str) -> Diagnostic {
    let message = error.message();
    if message == "recursion limit" {
        return Diagnostic::error(syntax_span(error, text), "values are nested too deeply")
            .hint("no key of the configuration needs more than four levels");
    }
    let (what, expected) = message.split_once(", ").unwrap_or((message, ""));
    Diagnostic::error(syntax_span(error, text), format!("not valid TOML: {what}")).label(expected)
}

/// Where the parser stopped; the end of the text for what it missed there.
fn syntax_span(error: &toml::de::Error, text: &str) -> Span {
    error.span().map_or(Span { start: text.len(), end: text.len() }, Span::from)
}

/// The lines that hold syntax errors, in order.
fn broken_lines(text: &str, errors: &[toml::de::Error]) -> Vec<Span> {
    let mut lines: Vec<Span> = Vec::new();
    let mut starts: Vec<usize> = errors.iter().map(|error| syntax_span(error, text).start).collect();
    starts.sort_unstable();
    for start in starts {
        if lines.last().is_some_and(|line| start <= line.end) {
            continue;
        }
        let start = text.floor_char_boundary(start);
        let from = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let to = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        lines.push(Span { start: from, end: to });
    }
    lines
}
