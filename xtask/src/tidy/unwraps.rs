//! No `unwrap` in what ships: an error has a way out, and an invariant is said with `expect`.

use super::Problem;
use super::sources::{is_test, shipped_lines, test_files};
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let tests = test_files(tree);
    let call = concat!(".unw", "rap()");
    let mut problems = Vec::new();
    for (path, text) in
        tree.texts("rs").filter(|(path, _)| !is_test(path, &tests) && !path.starts_with("crates/testkit/"))
    {
        for (line, _) in shipped_lines(text).filter(|(_, line)| line.contains(call)) {
            let text = "`unwrap` in shipped code: pass the error on, or say with `expect(\"…\")` why it cannot happen";
            problems.push(Problem::new(path, line, text));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    #[test]
    fn an_unwrap_counts_in_shipped_code_only() {
        let source = "//! A b.\nfn a() { b.unwrap() }\n/// c.unwrap()\n#[cfg(test)]\nmod tests {\n    fn d() { e.unwrap() }\n}\n";
        let files = [
            ("crates/a/src/lib.rs", source),
            ("crates/a/tests/all.rs", "fn d() { e.unwrap() }"),
            ("crates/testkit/src/lib.rs", "fn d() { e.unwrap() }"),
        ];
        expect(check, &files, &["crates/a/src/lib.rs:2"]);
    }
}
