//! What the macros of the store crates need to know of each SQL statement, so that a clone builds without a database: asked of a
//! database that the migrations have just made, and kept in the crate's `.sqlx`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use crate::{step, tools};

/// Applies SQL files to a new SQLite file; Python has the library.
const SQLITE: &str = "import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
for file in sys.argv[2:]:
    database.executescript(open(file, encoding='utf-8').read())
database.close()";

/// Writes `.sqlx` of the store on SQLite.
pub(super) fn sqlite(root: &Path) -> anyhow::Result<()> {
    let store = StoreCrate::of(root, "store-sqlite")?;
    let database = store.scratch.join("empty.db");
    step::run(Command::new("python3").args(["-c", SQLITE]).arg(&database).args(store.migrations()?))?;
    store.write(&format!("sqlite:{}", database.display()))
}

/// Writes `.sqlx` of the store on PostgreSQL, if there is a PostgreSQL to ask.
pub(super) fn postgres(root: &Path) -> anyhow::Result<()> {
    if !tools::has_postgres() {
        println!("SKIPPED: PostgreSQL is not installed; `crates/store-postgres/.sqlx` stays as it is");
        return Ok(());
    }
    let store = StoreCrate::of(root, "store-postgres")?;
    let schema = store.scratch.join("schema.sql");
    fs::write(&schema, "CREATE SCHEMA lockgate;")?;
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--package", "testkit", "--example", "postgres", "--"]);
    command.arg(schema).args(store.migrations()?).current_dir(root);
    let mut server = Server(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
    let output = server.0.stdout.take().context("its output is a pipe")?;
    let mut url = String::new();
    BufReader::new(output).read_line(&mut url)?;
    anyhow::ensure!(!url.is_empty(), "there is no PostgreSQL, for the reason above");
    store.write(url.trim())
}

/// A server that ends with its input.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // It cleans up by itself, and has nothing to say.
        let _ = self.0.wait();
    }
}

/// A crate whose statements are checked.
struct StoreCrate<'a> {
    root: &'a Path,
    name: &'static str,
    directory: PathBuf,
    /// A fresh folder for what is made on the way.
    scratch: PathBuf,
}

impl<'a> StoreCrate<'a> {
    fn of(root: &'a Path, name: &'static str) -> anyhow::Result<Self> {
        let absolute = root.canonicalize()?;
        let scratch = tools::directory(&absolute).join("statements").join(name);
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(scratch.join("found"))?;
        Ok(Self { root, name, directory: absolute.join("crates").join(name), scratch })
    }

    fn migrations(&self) -> anyhow::Result<Vec<PathBuf>> {
        files(&self.directory.join("migrations"), "sql")
    }

    /// Name of the variable by which the macros are told of a database.
    fn variable(&self) -> anyhow::Result<String> {
        let settings: toml::Table = fs::read_to_string(self.directory.join("sqlx.toml"))?.parse()?;
        let name = settings.get("common").and_then(|common| common.get("database-url-var")?.as_str());
        Ok(name.context("`sqlx.toml` has no `common.database-url-var`")?.to_owned())
    }

    /// Compiles the crate against a database and keeps what the macros learned.
    fn write(&self, url: &str) -> anyhow::Result<()> {
        let found = self.scratch.join("found");
        // A flag that was never there before: the macros run again though no source has changed.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let flag = format!("asked_at_{}", now.as_nanos());
        let mut command = Command::new("cargo");
        command.args(["rustc", "--quiet", "--package", self.name, "--lib", "--profile", "check", "--"]);
        command.args(["--cfg", &flag]).current_dir(self.root);
        command.env(self.variable()?, url).env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", &found);
        step::run(&mut command)?;
        let statements = files(&found, "json")?;
        anyhow::ensure!(!statements.is_empty(), "`{}` has no statement that is checked", self.name);
        replace(&self.directory.join(".sqlx"), &statements)
    }
}

/// Makes the files the only ones of the folder.
fn replace(folder: &Path, statements: &[PathBuf]) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    for old in files(folder, "json")? {
        fs::remove_file(old)?;
    }
    for statement in statements {
        fs::copy(statement, folder.join(statement.file_name().context("a file has a name")?))?;
    }
    Ok(())
}

/// The files of a folder whose name ends in `.extension`, by name.
fn files(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_statement_needs_any_more_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let (kept, found) = (directory.path().join("kept"), directory.path().join("found"));
        fs::create_dir_all(&kept).unwrap();
        fs::create_dir_all(&found).unwrap();
        fs::write(kept.join("query-old.json"), "{}").unwrap();
        fs::write(kept.join("README"), "stays").unwrap();
        fs::write(found.join("query-new.json"), "{}").unwrap();
        replace(&kept, &files(&found, "json").unwrap()).unwrap();
        assert_eq!(files(&kept, "json").unwrap(), [kept.join("query-new.json")]);
        assert!(kept.join("README").exists());
    }
}
