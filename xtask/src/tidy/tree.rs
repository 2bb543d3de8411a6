//! The files of a checkout: what git knows and what it would take.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// Files by their path from the root.
pub(crate) struct Tree {
    files: BTreeMap<String, File>,
}

struct File {
    bytes: u64,
    /// `None`: not text.
    text: Option<String>,
}

/// Larger files are not read: they break a rule by their size alone.
const READ_BYTES_MAX: u64 = 8 * 1024 * 1024;

impl Tree {
    /// Reads every file that is tracked, or new and not ignored.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("starting git")?;
        anyhow::ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
        let paths = String::from_utf8(output.stdout).context("a path that is not UTF-8")?;
        let mut files = BTreeMap::new();
        for path in paths.split_terminator('\0') {
            let place = root.join(path);
            // A file that is deleted and not yet committed is still listed.
            let Ok(metadata) = std::fs::metadata(&place) else { continue };
            if !metadata.is_file() {
                continue;
            }
            let text =
                if metadata.len() > READ_BYTES_MAX { None } else { std::fs::read_to_string(&place).ok() };
            files.insert(path.to_owned(), File { bytes: metadata.len(), text });
        }
        Ok(Self { files })
    }

    /// A tree of text files that exists nowhere.
    #[cfg(test)]
    pub(crate) fn made_up(files: &[(&str, &str)]) -> Self {
        let file = |text: &str| File { bytes: text.len() as u64, text: Some(text.to_owned()) };
        Self { files: files.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect() }
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.text.as_deref()
    }

    /// All text files whose name ends in `.extension`.
    pub(crate) fn texts<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self
            .files
            .iter()
            .filter(move |(path, _)| path.rsplit_once('.').is_some_and(|(_, found)| found == extension));
        files.filter_map(|(path, file)| Some((path.as_str(), file.text.as_deref()?)))
    }

    /// All files with their sizes, bytes.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file.bytes))
    }

    /// Whether there is a file or a folder at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.range(folder.clone()..).next().is_some_and(|(next, _)| next.starts_with(&folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_there_by_their_files() {
        let tree = Tree::made_up(&[("a/b/c.md", ""), ("a.md", "")]);
        assert!(["a", "a/b", "a/b/", "a/b/c.md", "a.md", ""].iter().all(|path| tree.has(path)));
        assert!(["b", "a/bc", "a/b/c"].iter().all(|path| !tree.has(path)));
    }

    #[test]
    fn what_git_ignores_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        let git = Command::new("git").args(["init", "--quiet"]).current_dir(root.path()).status().unwrap();
        assert!(git.success());
        for (name, text) in [(".gitignore", "target/\n"), ("new.rs", "//! New.\n")] {
            std::fs::write(root.path().join(name), text).unwrap();
        }
        std::fs::create_dir(root.path().join("target")).unwrap();
        std::fs::write(root.path().join("target/built.rs"), "").unwrap();
        let tree = Tree::read(root.path()).unwrap();
        assert_eq!(tree.sizes().map(|(path, _)| path).collect::<Vec<_>>(), [".gitignore", "new.rs"]);
    }
}
