//! What `.sqlx` of a crate says of a statement belongs to a statement of that crate. (One that lacks there does not compile.)

use super::Problem;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let kept =
        tree.texts("json").filter_map(|(path, text)| Some((path, path.split_once("/.sqlx/")?.0, text)));
    let unused = kept.filter(|(_, folder, text)| !is_used(tree, folder, text));
    let text = "no source has this statement: run `cargo xtask generate`";
    unused.map(|(path, ..)| Problem::new(path, 0, text)).collect()
}

fn is_used(tree: &Tree, folder: &str, kept: &str) -> bool {
    let Some(statement) = kept.lines().find_map(|line| line.trim().strip_prefix("\"query\": \"")) else {
        return false;
    };
    let statement = bare(&statement.trim_end_matches("\",").replace("\\n", " "));
    let sources = format!("{folder}/src/");
    tree.texts("rs").any(|(path, text)| path.starts_with(&sources) && bare(text).contains(&statement))
}

/// The text without what differs between ways to write a literal down: white space and backslashes.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\\').collect()
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    #[test]
    fn what_is_kept_of_a_statement_that_has_gone_is_found() {
        let kept = |sql: &str| {
            format!("{{\n  \"db_name\": \"X\",\n  \"query\": \"{sql}\",\n  \"hash\": \"0\"\n}}\n")
        };
        let (one, two) = (kept("SELECT id AS \\\"id!\\\"\\n   FROM a"), kept("SELECT \\\"b\\\" FROM b"));
        let gone = kept("SELECT c FROM c");
        let source =
            "query!(r#\"SELECT id AS \"id!\"\n   FROM a\"#); query!(\"SELECT \\\"b\\\" \\\n   FROM b\");";
        let files = [
            ("crates/s/.sqlx/query-1.json", one.as_str()),
            ("crates/s/.sqlx/query-2.json", two.as_str()),
            ("crates/s/.sqlx/query-3.json", gone.as_str()),
            ("crates/s/.sqlx/query-4.json", "{}"),
            ("crates/s/src/lib.rs", source),
            ("crates/other/src/lib.rs", "query!(\"SELECT c FROM c\")"),
        ];
        expect(check, &files, &["crates/s/.sqlx/query-3.json:0", "crates/s/.sqlx/query-4.json:0"]);
    }
}
