//! No source is longer than 500 lines; the list of exceptions may only shrink.

use std::collections::BTreeMap;

use super::Problem;
use super::tree::Tree;

const LINES_MAX: usize = 500;
const EXCEPTIONS: &str = "xtask/tidy-exceptions.txt";

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let exceptions = exceptions(tree.text(EXCEPTIONS).unwrap_or_default());
    let lengths: BTreeMap<&str, usize> =
        tree.texts("rs").map(|(path, text)| (path, text.lines().count())).collect();
    let mut problems = Vec::new();
    for (path, lines) in &lengths {
        let allowed = exceptions.get(path).map_or(LINES_MAX, |(_, allowed)| *allowed);
        if *lines > allowed {
            let text = format!(
                "{lines} lines, {allowed} are allowed: look for the second idea in it and give it a file"
            );
            problems.push(Problem::new(path, 0, text));
        }
    }
    for (path, (line, allowed)) in &exceptions {
        let lines = lengths.get(path).copied().unwrap_or(0);
        if lines <= LINES_MAX {
            problems.push(Problem::new(
                EXCEPTIONS,
                *line,
                format!("`{path}` is no longer too long: take it off the list"),
            ));
        } else if lines < *allowed {
            problems.push(Problem::new(
                EXCEPTIONS,
                *line,
                format!("`{path}` has shrunk to {lines}: write that, so that it cannot grow back"),
            ));
        }
    }
    problems
}

/// `path lines`, one a line: path → (line in the list, lines allowed).
fn exceptions(text: &str) -> BTreeMap<&str, (usize, usize)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    lines
        .filter_map(|(index, line)| {
            let (path, allowed) = line.split_once(' ')?;
            Some((path, (index + 1, allowed.trim().parse().ok()?)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    #[test]
    fn a_long_source_is_found_and_an_exception_holds_it_where_it_is() {
        let (long, short) = ("\n".repeat(501), "\n".repeat(500));
        expect(check, &[("a.rs", &long), ("b.rs", &short)], &["a.rs:0"]);
        expect(check, &[("a.rs", &long), (EXCEPTIONS, "# why\na.rs 501\n")], &[]);
        expect(check, &[("a.rs", &"\n".repeat(502)), (EXCEPTIONS, "a.rs 501\n")], &["a.rs:0"]);
    }

    #[test]
    fn the_list_shrinks_with_its_files() {
        let list = "a.rs 600\nb.rs 600\ngone.rs 600\n";
        let files = [("a.rs", "\n".repeat(550)), ("b.rs", "\n".repeat(100)), (EXCEPTIONS, list.to_owned())];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let places =
            ["xtask/tidy-exceptions.txt:1", "xtask/tidy-exceptions.txt:2", "xtask/tidy-exceptions.txt:3"];
        expect(check, &files, &places);
    }
}
