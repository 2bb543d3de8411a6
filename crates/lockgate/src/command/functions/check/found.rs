//! What a look at components finds, for people and for programs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use control::chain_of;
use functions::{Checked, CompilerProgram, Import, LoadError, Runtime, RuntimeOptions, Settings};
use serde_json::{Value, json};

use crate::amount::of_bytes;
use crate::command::functions::compiler;
use crate::failure::Failure;
use crate::table::harmless;

/// One component and what was found.
#[derive(Debug)]
pub(super) struct Found {
    file: PathBuf,
    outcome: Result<Checked, LoadError>,
}

impl Found {
    /// Whether a gateway would take it.
    pub(super) fn fits(&self) -> bool {
        self.outcome.is_ok()
    }
}

/// Looks at each file, and starts it under these settings.
pub(super) fn look(files: &[PathBuf], settings: &Settings) -> Result<Vec<Found>, Failure> {
    let runtime = Runtime::new(&options())
        .map_err(|error| Failure::new("functions cannot be checked here").caused_by(&error))?;
    files.iter().map(|file| look_at(&runtime, file, settings)).collect()
}

/// One instance at a time, and nothing kept: what is looked at may never run. It is compiled as a gateway does, within the same bounds.
fn options() -> RuntimeOptions {
    let arguments = ["functions", "compile"].map(Into::into).to_vec();
    let compiler = compiler().map(|program| CompilerProgram { program, arguments });
    RuntimeOptions { instances: 1, cache: None, compiler }
}

fn look_at(runtime: &Runtime, file: &Path, settings: &Settings) -> Result<Found, Failure> {
    match runtime.check(file, settings.clone()) {
        Err(error @ LoadError::Read(_)) => {
            Err(Failure::new(format!("`{}` cannot be checked", file.display())).caused_by(&error))
        }
        outcome => Ok(Found { file: file.to_owned(), outcome }),
    }
}

/// Everything as an array of objects, one for each file; what is not known is null.
pub(super) fn json(found: &[Found]) -> String {
    let all: Vec<_> =
        found.iter().map(|found| object(&found.file.to_string_lossy(), &found.outcome)).collect();
    format!("{:#}\n", Value::Array(all))
}

fn object(file: &str, outcome: &Result<Checked, LoadError>) -> Value {
    let checked = outcome.as_ref().ok();
    let imports = match outcome {
        Ok(checked) => Some(&checked.imports),
        Err(LoadError::Imports(refused)) => Some(refused),
        Err(_) => None,
    };
    let import = |import: &Import| json!({ "name": import.name, "provided": import.refused.is_none(), "reason": import.refused });
    json!({
        "file": file,
        "ok": outcome.is_ok(),
        "error": outcome.as_ref().err().map(|error| chain_of(error)),
        "interface": checked.map(|checked| checked.world),
        "hash": checked.map(|checked| &checked.component_hash),
        "component_bytes": checked.map(|checked| checked.component_bytes),
        "compiled_bytes": checked.map(|checked| checked.compiled_bytes),
        "compile_us": checked.and_then(|checked| checked.compile_time).map(micros),
        "start_us": checked.map(|checked| micros(checked.start_time)),
        "start_memory_bytes": checked.map(|checked| checked.start_memory_bytes),
        "imports": imports.map(|imports| imports.iter().map(import).collect::<Vec<_>>()),
        "exports": checked.map(|checked| &checked.exports),
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Everything as a block for each file.
pub(super) fn text(found: &[Found]) -> String {
    let blocks = found.iter().map(|Found { file, outcome }| {
        let mut block = format!("{}\n", harmless(&file.to_string_lossy()));
        match outcome {
            Ok(checked) => describe(checked, &mut block),
            Err(LoadError::Imports(refused)) => {
                line("refused", "it imports what functions are not given", &mut block);
                list("imports", refused.iter().map(import), &mut block);
            }
            Err(error) => line("refused", &chain_of(error), &mut block),
        }
        block
    });
    blocks.collect::<Vec<_>>().join("\n")
}

fn describe(checked: &Checked, block: &mut String) {
    line("interface", checked.world, block);
    let (size, compiled) =
        (of_bytes(checked.component_bytes as u64), of_bytes(checked.compiled_bytes as u64));
    let time = checked.compile_time.map(|time| format!(" in {time:.2?}")).unwrap_or_default();
    line("size", &format!("{size}, compiled {compiled}{time}"), block);
    let memory = of_bytes(checked.start_memory_bytes);
    line("start", &format!("{:.2?}, {memory} of memory", checked.start_time), block);
    line("hash", &checked.component_hash, block);
    list("imports", checked.imports.iter().map(import), block);
    list("exports", checked.exports.iter().cloned(), block);
}

fn import(import: &Import) -> String {
    match import.refused {
        None => import.name.clone(),
        Some(reason) => format!("{}  refused: {reason}", import.name),
    }
}

/// A name with its lines, of which the first stands beside it.
fn list(name: &str, lines: impl Iterator<Item = String>, block: &mut String) {
    for (at, text) in lines.enumerate() {
        line(if at == 0 { name } else { "" }, &text, block);
    }
}

fn line(name: &str, text: &str, block: &mut String) {
    for (at, text) in text.lines().enumerate() {
        let name = if at == 0 { name } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(block, "  {name:<10} {}", harmless(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_compiled_in_the_process_that_a_gateway_compiles_in() {
        let options = options();
        assert_eq!(
            options.compiler.map(|compiler| compiler.arguments),
            Some(vec!["functions".into(), "compile".into()])
        );
        assert_eq!((options.instances, options.cache), (1, None));
    }
}
