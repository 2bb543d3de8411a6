//! The first line of every source says what the file is for.

use super::Problem;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let silent =
        tree.texts("rs").filter(|(_, text)| !says_something(text.lines().next().unwrap_or_default()));
    let text = "the first line does not say what the file is for: begin with `//! …`";
    silent.map(|(path, _)| Problem::new(path, 1, text)).collect()
}

fn says_something(line: &str) -> bool {
    line.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    #[test]
    fn a_source_begins_with_its_purpose() {
        let files = [
            ("crates/a/src/good.rs", "//! Reads heads.\nfn a() {}\n"),
            ("crates/a/src/late.rs", "use b;\n//! Reads heads.\n"),
            ("crates/a/src/mute.rs", "//!\nfn a() {}\n"),
            ("crates/a/src/empty.rs", ""),
        ];
        expect(
            check,
            &files,
            &["crates/a/src/empty.rs:1", "crates/a/src/late.rs:1", "crates/a/src/mute.rs:1"],
        );
    }
}
