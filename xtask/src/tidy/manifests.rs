//! The workspace's manifests, as the rules about crates see them.

use super::Problem;
use super::tree::Tree;

/// One member's manifest.
pub(super) struct Manifest<'a> {
    pub(super) path: &'a str,
    pub(super) name: String,
    /// `package.metadata.lockgate.layer`
    pub(super) layer: Option<i64>,
    pub(super) description: Option<String>,
    /// Names in `[dependencies]` and `[build-dependencies]`.
    pub(super) dependencies: Vec<String>,
    /// Names in `[dev-dependencies]`.
    pub(super) dev_dependencies: Vec<String>,
    table: toml::Table,
    text: &'a str,
}

impl Manifest<'_> {
    /// The line that names `dependency`, from 1; 0 when it cannot be found.
    pub(super) fn line_of(&self, dependency: &str) -> usize {
        let names = |line: &str| {
            let name = line.trim_start().split(['.', '=', ' ']).next().unwrap_or_default();
            name == dependency
        };
        self.text.lines().position(names).map_or(0, |index| index + 1)
    }

    /// Whether `dependency` takes its version from the workspace.
    pub(super) fn is_inherited(&self, dependency: &str) -> bool {
        let sections = ["dependencies", "build-dependencies", "dev-dependencies"];
        let entries = sections.iter().filter_map(|section| self.table.get(*section)?.get(dependency));
        entries.into_iter().all(|entry| entry.get("workspace").and_then(toml::Value::as_bool) == Some(true))
    }
}

/// All members; packages of other workspaces are no members.
pub(super) fn members(tree: &Tree) -> Vec<Manifest<'_>> {
    let manifests: Vec<_> = tree.texts("toml").filter(|(path, _)| path.ends_with("/Cargo.toml")).collect();
    let others: Vec<&str> = manifests
        .iter()
        .filter(|(_, text)| text.lines().any(|line| line == "[workspace]"))
        .filter_map(|(path, _)| path.strip_suffix("Cargo.toml").filter(|folder| !folder.is_empty()))
        .collect();
    let is_ours = |path: &str| !others.iter().any(|folder| path.starts_with(folder));
    manifests.iter().filter(|(path, _)| is_ours(path)).filter_map(|(path, text)| member(path, text)).collect()
}

fn member<'a>(path: &'a str, text: &'a str) -> Option<Manifest<'a>> {
    let table: toml::Table = text.parse().ok()?;
    let package = table.get("package")?;
    let names = |sections: &[&str]| -> Vec<String> {
        let tables = sections.iter().filter_map(|section| table.get(*section)?.as_table());
        tables.flat_map(toml::Table::keys).cloned().collect()
    };
    let text_of = |key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let layer =
        package.get("metadata").and_then(|metadata| metadata.get("lockgate")?.get("layer")?.as_integer());
    Some(Manifest {
        path,
        name: text_of("name")?,
        layer,
        description: text_of("description"),
        dependencies: names(&["dependencies", "build-dependencies"]),
        dev_dependencies: names(&["dev-dependencies"]),
        table: table.clone(),
        text,
    })
}

impl Problem {
    /// A problem with one dependency of a manifest.
    pub(super) fn of_dependency(manifest: &Manifest<'_>, dependency: &str, text: impl Into<String>) -> Self {
        Self::new(manifest.path, manifest.line_of(dependency), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_other_workspaces_are_no_members() {
        let package = |name: &str| format!("[package]\nname = \"{name}\"\n");
        let alone = format!("[workspace]\n{}", package("alone"));
        let tree = Tree::made_up(&[
            ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n"),
            ("crates/a/Cargo.toml", &package("a")),
            ("crates/a/guests/Cargo.toml", "[workspace]\nmembers = [\"b\"]\n"),
            ("crates/a/guests/b/Cargo.toml", &package("b")),
            ("fuzz/Cargo.toml", &alone),
        ]);
        let names: Vec<_> = members(&tree).into_iter().map(|member| member.name).collect();
        assert_eq!(names, ["a"]);
    }
}
