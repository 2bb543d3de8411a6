//! From a file or a text to a configuration: syntax, then keys, then meaning, and all problems of all three.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use toml::de::DeTable;

use crate::config::Config;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::document::Document;
use crate::environment::Environment;
use crate::reader::Reader;
use crate::{resolve, syntax};

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
    let text = read(path).map_err(|problem| Diagnostics::of_file(&name, *problem))?;
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
    let mut reader = Reader::new(env, syntax::broken_lines(&syntax_errors, text));
    for problem in syntax::diagnostics(&syntax_errors, text) {
        reader.report_syntax(problem);
    }
    let entries = reader.table_entries(root.get_ref(), None, const { &Document::SECTION });
    let document = Document::from_entries(&entries, &mut reader);
    let config = resolve::resolve(document, base_dir, &mut reader);
    let diagnostics = Diagnostics::new(name, text, reader.finish());
    match config {
        Some(config) if diagnostics.errors() == 0 => Ok(Loaded { config, warnings: diagnostics }),
        _ => Err(diagnostics),
    }
}

fn read(path: &Path) -> Result<String, Box<Diagnostic>> {
    let unreadable = |error: io::Error| {
        let problem = Diagnostic::error(None, format!("the configuration cannot be read: {error}"));
        match error.kind() {
            io::ErrorKind::NotFound => Box::new(problem.hint("name the file with `--config FILE`")),
            _ => Box::new(problem),
        }
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Box::new(too_large()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|b| **b == b'\n').count() + 1;
        let place = format!("byte {} in line {line}", valid.len());
        let problem = Diagnostic::error(None, format!("the configuration is not UTF-8 text: {place}"));
        Box::new(problem.hint("save the file as UTF-8"))
    })
}

fn too_large() -> Diagnostic {
    Diagnostic::error(None, format!("the configuration is larger than {} MiB", FILE_BYTES_MAX >> 20))
        .hint("match with fewer, wider routes")
}
