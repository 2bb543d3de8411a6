//! Nothing unfinished is committed: no placeholders, no debugging output, no test that does not run.

use super::Problem;
use super::tree::Tree;

/// What to look for, taken apart so that this file does not find itself, and what to do instead.
const LEFTOVERS: [(&str, &str, &str); 4] = [
    ("todo", "!(", "write it, or leave it out"),
    ("unimplemented", "!(", "write it, or leave it out"),
    ("dbg", "!(", "debugging output: take it away"),
    ("#[ign", "ore", "a test that does not run proves nothing: mend it or delete it"),
];

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts("rs") {
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            for (start, end, advice) in LEFTOVERS {
                if line.contains(&format!("{start}{end}")) {
                    problems.push(Problem::new(
                        path,
                        index + 1,
                        format!("`{start}{end}` is left over: {advice}"),
                    ));
                }
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    #[test]
    fn each_leftover_is_found_and_words_about_it_are_not() {
        let lines: Vec<String> =
            LEFTOVERS.iter().map(|(start, end, _)| format!("    {start}{end})")).collect();
        let source = format!("//! A {}.\n{}\n", lines[0], lines.join("\n"));
        expect(check, &[("a.rs", &source)], &["a.rs:2", "a.rs:3", "a.rs:4", "a.rs:5"]);
    }
}
