//! `functions`: the components of examples and of tests, in `target/functions`.

mod rust;
mod script;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::tools::Missing;

/// Workspaces of cargo with a folder for each function.
const PLACES: [&str; 2] = ["examples/functions", "crates/functions/guests"];

/// What to build.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Only this function; several times for several.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

impl Options {
    /// These functions alone.
    pub(crate) fn only(names: &[&str]) -> Self {
        Self { only: names.iter().map(|name| (*name).to_owned()).collect() }
    }
}

/// A function's sources. Its name is that of their folder.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    /// One of [`PLACES`], from the root.
    place: PathBuf,
    language: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Rust,
    /// A component that no compiler would make, in WebAssembly's own text.
    Text,
    JavaScript,
    Python,
}

/// Builds functions, those alone that `options` names, and installs what that needs where it is missing.
///
/// # Errors
///
/// When something does not build, or cannot be installed and `missing` says that this fails.
pub(crate) fn run(root: &Path, options: &Options, missing: Missing) -> anyhow::Result<()> {
    // Programs are run in folders of their own.
    let root = &std::path::absolute(root)?;
    let functions = chosen(find(root)?, &options.only)?;
    fs::create_dir_all(folder(root))?;
    for language in Language::ALL {
        let functions: Vec<&Function> =
            functions.iter().filter(|function| function.language == language).collect();
        if functions.is_empty() {
            continue;
        }
        match (language.install(root), missing) {
            (Ok(()), _) => language.build(root, &functions)?,
            (Err(error), Missing::Fails) => return Err(error),
            (Err(error), Missing::Skips) => {
                println!("SKIPPED: {error:#}\nSKIPPED: functions in {language:?} are not built");
            }
        }
    }
    Ok(())
}

/// Checks the format of the functions in Rust, and runs the tests of those that are examples: what is in them needs no gateway.
///
/// # Errors
///
/// When one fails.
pub(crate) fn test(root: &Path) -> anyhow::Result<()> {
    let root = &std::path::absolute(root)?;
    PLACES.iter().try_for_each(|place| rust::check_format(&root.join(place)))?;
    rust::test(root, &root.join(PLACES[0]))
}

impl Language {
    const ALL: [Self; 4] = [Self::Rust, Self::Text, Self::JavaScript, Self::Python];

    /// The file that only its functions have.
    fn file(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Text => "function.wat",
            Self::JavaScript => "function.js",
            Self::Python => "function.py",
        }
    }

    fn of(folder: &Path) -> Option<Self> {
        Self::ALL.into_iter().find(|language| folder.join(language.file()).is_file())
    }

    fn install(self, root: &Path) -> anyhow::Result<()> {
        match self {
            Self::Rust => rust::install(),
            Self::Text => Ok(()),
            Self::JavaScript => script::install_javascript(root),
            Self::Python => script::install_python(root),
        }
    }

    fn build(self, root: &Path, functions: &[&Function]) -> anyhow::Result<()> {
        match self {
            Self::Rust => rust::build(root, functions),
            Self::Text => functions.iter().try_for_each(|function| translate(root, function)),
            Self::JavaScript => functions.iter().try_for_each(|function| script::javascript(root, function)),
            Self::Python => functions.iter().try_for_each(|function| script::python(root, function)),
        }
    }
}

impl Function {
    fn folder(&self, root: &Path) -> PathBuf {
        root.join(&self.place).join(&self.name)
    }

    /// Where it is looked for.
    fn component(&self, root: &Path) -> PathBuf {
        folder(root).join(&self.name).with_extension("wasm")
    }
}

/// Every function, by place and name.
fn find(root: &Path) -> anyhow::Result<Vec<Function>> {
    let mut functions = Vec::new();
    for place in PLACES.map(PathBuf::from) {
        let folder = root.join(&place);
        let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        let mut folders: Vec<PathBuf> =
            entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
        folders.sort();
        functions.extend(folders.iter().filter_map(|folder| {
            let name = folder.file_name()?.to_str()?.to_owned();
            Some(Function { language: Language::of(folder)?, name, place: place.clone() })
        }));
    }
    Ok(functions)
}

/// Those of `functions` that are named; all, where none is.
fn chosen(functions: Vec<Function>, names: &[String]) -> anyhow::Result<Vec<Function>> {
    let all: Vec<&str> = functions.iter().map(|function| function.name.as_str()).collect();
    if let Some(unknown) = names.iter().find(|name| !all.contains(&name.as_str())) {
        anyhow::bail!("no function `{unknown}`; there are {}", all.join(", "));
    }
    let is_chosen = |function: &Function| names.is_empty() || names.contains(&function.name);
    Ok(functions.into_iter().filter(is_chosen).collect())
}

/// Translates a component's text.
fn translate(root: &Path, function: &Function) -> anyhow::Result<()> {
    let text = function.folder(root).join(function.language.file());
    place(&function.component(root), &wat::parse_file(&text)?)
}

/// Where built functions are, whatever cargo builds for: tests look for them there.
fn folder(root: &Path) -> PathBuf {
    root.join("target/functions")
}

/// Puts a built component where it is looked for, unless it is there already. Who reads meanwhile sees the old one whole.
fn place(file: &Path, built: &[u8]) -> anyhow::Result<()> {
    if fs::read(file).is_ok_and(|old| old == built) {
        return Ok(());
    }
    let new = file.with_extension("wasm.new");
    fs::write(&new, built)
        .and_then(|()| fs::rename(&new, file))
        .with_context(|| format!("writing {}", file.display()))?;
    println!("{} ({} kB)", file.display(), built.len().div_ceil(1000));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str) -> Function {
        Function { name: name.to_owned(), place: PathBuf::from(PLACES[0]), language: Language::Rust }
    }

    #[test]
    fn functions_are_folders_with_a_manifest() {
        let root = tempfile::tempdir().unwrap();
        for folder in PLACES {
            fs::create_dir_all(root.path().join(folder).join("empty")).unwrap();
        }
        fs::write(root.path().join(PLACES[0]).join("Cargo.toml"), "[workspace]").unwrap();
        for name in ["b", "a"] {
            let folder = root.path().join(PLACES[0]).join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("Cargo.toml"), "[package]").unwrap();
        }
        assert_eq!(find(root.path()).unwrap(), [function("a"), function("b")]);
    }

    #[test]
    fn a_name_that_is_not_there_is_refused_with_those_that_are() {
        let all = || vec![function("a"), function("b")];
        assert_eq!(chosen(all(), &[]).unwrap(), all());
        assert_eq!(chosen(all(), &["b".into()]).unwrap(), [function("b")]);
        let error = chosen(all(), &["c".into()]).unwrap_err().to_string();
        assert_eq!(error, "no function `c`; there are a, b");
    }

    #[test]
    fn a_component_that_is_the_same_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let placed = root.path().join("a.wasm");
        place(&placed, b"1").unwrap();
        let written = fs::metadata(&placed).unwrap().modified().unwrap();
        place(&placed, b"1").unwrap();
        assert_eq!(fs::metadata(&placed).unwrap().modified().unwrap(), written);
        place(&placed, b"2").unwrap();
        assert_eq!(fs::read(&placed).unwrap(), b"2");
    }
}
