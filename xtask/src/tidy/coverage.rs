//! docs/coverage.md maps each capability to a file, a symbol in it, and a test: all three must exist.

use super::Problem;
use super::tree::Tree;

const PAGE: &str = "docs/coverage.md";

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(page) = tree.text(PAGE) else {
        let text = "is missing: it holds a table `| capability | file | symbol | test |` of what works";
        return vec![Problem::new(PAGE, 0, text)];
    };
    let rows = page.lines().enumerate().filter(|(_, line)| line.starts_with('|') && !is_frame(line));
    rows.filter_map(|(index, line)| Some(Problem::new(PAGE, index + 1, check_row(tree, line).err()?)))
        .collect()
}

/// The heading of a table, and the line under it.
fn is_frame(line: &str) -> bool {
    line.chars().all(|character| "|-: ".contains(character)) || line.to_lowercase().contains("| symbol |")
}

fn check_row(tree: &Tree, line: &str) -> Result<(), String> {
    let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(plain).collect();
    let [capability, file, symbol, test] = cells[..] else {
        return Err(format!("{} cells: a row is `| capability | file | symbol | test |`", cells.len()));
    };
    let Some(text) = tree.text(file) else {
        return Err(format!(
            "`{capability}` names the file `{file}`, which does not exist: correct the path"
        ));
    };
    if symbol.is_empty() || !text.contains(symbol) {
        return Err(format!("`{symbol}` is not in {file}: name what implements `{capability}`"));
    }
    let name = test.rsplit("::").next().unwrap_or_default();
    let function = format!("fn {name}(");
    if name.is_empty() || !tree.texts("rs").any(|(_, text)| text.contains(&function)) {
        return Err(format!("there is no test `{test}`: name one that would fail without `{capability}`"));
    }
    Ok(())
}

/// A cell without its marks: `code`, or the text of a link.
fn plain(cell: &str) -> &str {
    let cell = cell.trim();
    let text = cell.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(cell, |(text, _)| text);
    text.trim_matches('`')
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    const SOURCE: (&str, &str) =
        ("crates/a/src/lib.rs", "pub struct Router;\n#[test]\nfn best_route_wins() {}\n");

    #[test]
    fn a_row_must_name_what_exists() {
        let page = "# Coverage\n\n| capability | file | symbol | test |\n|---|---|---|---|\n\
            | routing | `crates/a/src/lib.rs` | `Router` | `router::best_route_wins` |\n\
            | linked | [crates/a/src/lib.rs](../crates/a/src/lib.rs) | `Router` | best_route_wins |\n\
            | no file | `crates/b.rs` | `Router` | `best_route_wins` |\n\
            | no symbol | `crates/a/src/lib.rs` | `Balancer` | `best_route_wins` |\n\
            | no test | `crates/a/src/lib.rs` | `Router` | `worst_route_wins` |\n\
            | too short | `crates/a/src/lib.rs` |\n";
        let places =
            ["docs/coverage.md:7", "docs/coverage.md:8", "docs/coverage.md:9", "docs/coverage.md:10"];
        let mut problems = check(&Tree::made_up(&[(PAGE, page), SOURCE]));
        problems.sort_by_key(|problem| problem.line);
        let found: Vec<_> =
            problems.iter().map(|problem| format!("{}:{}", problem.path, problem.line)).collect();
        assert_eq!(found, places, "{problems:#?}");
    }

    #[test]
    fn the_page_itself_must_exist() {
        expect(check, &[SOURCE], &["docs/coverage.md:0"]);
    }
}
