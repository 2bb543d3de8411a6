//! `generate`: what the store crates know of their SQL statements is asked again, and the tests that compare generated references write
//! them instead.

mod statements;

use std::collections::BTreeSet;
use std::path::Path;

use crate::step::Steps;
use crate::tidy::tree::Tree;

/// Asks the databases, and runs the tests of every package that looks at `UPDATE`, with it set.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let packages = packages(&tree);
    anyhow::ensure!(!packages.is_empty(), "no test looks at UPDATE: nothing is generated");
    let mut words = vec!["cargo", "test", "--quiet"];
    for package in &packages {
        words.extend(["--package", package]);
    }
    let mut steps = Steps::new(root, Vec::new());
    steps.step("statements of store-sqlite", || statements::sqlite(root));
    steps.step("statements of store-postgres", || statements::postgres(root));
    steps.run("generate", &words, &[("UPDATE", "1")]);
    steps.finish()
}

fn packages(tree: &Tree) -> BTreeSet<String> {
    let asks = concat!("var_os(\"UPD", "ATE\")");
    let sources = tree.texts("rs").filter(|(_, text)| text.contains(asks));
    sources.filter_map(|(path, _)| package_of(path)).collect()
}

/// Folder names are package names; those of bindings are languages.
fn package_of(path: &str) -> Option<String> {
    let mut folders = path.split('/');
    match (folders.next()?, folders.next()?) {
        ("crates" | "libs", name) => Some(name.to_owned()),
        ("bindings", language) => Some(format!("lockgate-{language}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_found_by_what_their_tests_look_at() {
        let tree = Tree::made_up(&[
            ("crates/config/tests/files.rs", "if std::env::var_os(\"UPDATE\").is_some() {}"),
            ("crates/policy/src/lib.rs", "fn update() {}"),
            ("bindings/c/tests/header.rs", "if std::env::var_os(\"UPDATE\").is_some() {}"),
        ]);
        assert_eq!(packages(&tree), BTreeSet::from(["config".to_owned(), "lockgate-c".to_owned()]));
    }
}
