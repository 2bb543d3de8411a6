//! Source lines that ship: without comments, and without what is compiled for tests alone.

use std::collections::BTreeSet;

use super::tree::Tree;

/// Files that only tests compile: below a `tests` folder, named tests.rs, or declared behind `#[cfg(test)]`.
pub(super) fn test_files(tree: &Tree) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for (path, text) in tree.texts("rs") {
        if path.ends_with("/tests.rs")
            || path.split('/').any(|folder| matches!(folder, "tests" | "benches" | "examples"))
        {
            files.insert(path.to_owned());
        }
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (index, _) in lines.iter().enumerate().filter(|(_, line)| **line == "#[cfg(test)]") {
            let declaration = lines[index + 1..].iter().find(|line| !line.starts_with("#["));
            let words = declaration.map(|line| line.trim_end_matches(';')).unwrap_or_default();
            if let Some(name) =
                words.rsplit_once("mod ").map(|(_, name)| name).filter(|_| !words.ends_with('{'))
            {
                let folder = module_folder(path);
                files.extend([format!("{folder}{name}.rs"), format!("{folder}{name}/")]);
            }
        }
    }
    files
}

/// The folder that holds the modules a file declares.
fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "lib.rs" | "main.rs" => format!("{folder}/"),
        _ => format!("{folder}/{}/", name.trim_end_matches(".rs")),
    }
}

/// Whether `path` is one of `tests`, or lies below one.
pub(super) fn is_test(path: &str, tests: &BTreeSet<String>) -> bool {
    tests.contains(path) || tests.iter().any(|test| test.ends_with('/') && path.starts_with(test.as_str()))
}

/// Lines with their numbers, from 1, leaving out comments and items behind `#[cfg(test)]`. Formatted sources end an
/// item at a closing brace, or a semicolon, of its own indentation.
pub(super) fn shipped_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut skipping: Option<usize> = None;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let indentation = line.len() - line.trim_start().len();
        let content = line.trim();
        if let Some(outer) = skipping {
            let at_item = indentation == outer && !content.is_empty() && !content.starts_with("#[");
            let ends =
                at_item && (content.starts_with('}') || content.ends_with(';') || content.ends_with("{}"));
            if ends {
                skipping = None;
            }
            return None;
        }
        if content == "#[cfg(test)]" {
            skipping = Some(indentation);
            return None;
        }
        (!content.starts_with("//")).then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_tests_compile_is_left_out() {
        let text = "fn a() {}\n// no\n#[cfg(test)]\nfn b() {\n    x();\n}\nfn c() {}\n#[cfg(test)]\nmod tests {\n    fn d() {}\n}\n";
        let lines: Vec<_> = shipped_lines(text).collect();
        assert_eq!(lines, [(1, "fn a() {}"), (7, "fn c() {}")]);
    }

    #[test]
    fn an_item_of_one_line_ends_there() {
        let text = "#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\nfn c() {}\n    #[cfg(test)]\n    use a;\n    d();\n";
        assert_eq!(shipped_lines(text).map(|(line, _)| line).collect::<Vec<_>>(), [4, 7]);
    }

    #[test]
    fn test_modules_are_known_by_their_declaration() {
        let tree = Tree::made_up(&[
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod testing;\nmod real;\n"),
            ("crates/a/src/real.rs", "#[cfg(test)]\npub(crate) mod tests;\n"),
            ("crates/a/tests/all.rs", ""),
        ]);
        let tests = test_files(&tree);
        for path in [
            "crates/a/src/testing.rs",
            "crates/a/src/testing/deep.rs",
            "crates/a/src/real/tests.rs",
            "crates/a/tests/all.rs",
        ] {
            assert!(is_test(path, &tests), "{path}");
        }
        assert!(!is_test("crates/a/src/real.rs", &tests));
    }
}
