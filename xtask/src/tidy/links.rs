//! Relative links in Markdown lead somewhere.

use super::Problem;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts("md") {
        for (line, target) in links(text) {
            let place = target.split(['#', '?']).next().unwrap_or_default();
            if !resolve(path, place).is_some_and(|resolved| tree.has(&resolved)) {
                let text = format!("`{target}` leads nowhere: links are relative to the file they stand in");
                problems.push(Problem::new(path, line, text));
            }
        }
    }
    problems
}

/// Relative targets with their lines, outside of code.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        // Every second part of a line cut at its backquotes is code.
        for prose in line.split('`').step_by(2) {
            let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
            found.extend(targets.filter(|target| is_relative(target)).map(|target| (index + 1, target)));
        }
        // A link whose text is code is cut apart by the line above.
        let after_code = line.split("`](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        found.extend(after_code.filter(|target| is_relative(target)).map(|target| (index + 1, target)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn is_relative(target: &str) -> bool {
    !target.starts_with('#') && !target.contains("://") && !target.starts_with("mailto:")
}

/// `target` as a path from the root; `None` when it leads out of the checkout.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut folders: Vec<&str> = from.split('/').collect();
    folders.pop();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(folders.pop()?),
            name => folders.push(name),
        }
    }
    Some(folders.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    #[test]
    fn a_link_is_followed_from_where_it_stands() {
        let page = "[a](../README.md) [b](guide.md#top) [c](https://example.com/x) [d](#here)\n\
            [e](missing.md) [f](../../outside.md)\n\
            ```\n[g](missing.md)\n```\n`[h](missing.md)` [`i`](missing.rs) [j](../docs)\n";
        let files = [("docs/page.md", page), ("docs/guide.md", ""), ("README.md", "")];
        expect(check, &files, &["docs/page.md:2", "docs/page.md:2", "docs/page.md:6"]);
    }
}
