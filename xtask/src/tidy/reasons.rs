//! Every dependency of the workspace says in one line what it is for, and members take their versions from there.

use super::Problem;
use super::manifests::members;
use super::tree::Tree;

const ROOT: &str = "Cargo.toml";

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = unexplained(tree.text(ROOT).unwrap_or_default());
    for member in members(tree) {
        for name in member.dependencies.iter().chain(&member.dev_dependencies) {
            if !member.is_inherited(name) {
                let text = format!(
                    "`{name}` has a version of its own: put it into [workspace.dependencies] with its reason, and write `{name}.workspace = true` here"
                );
                problems.push(Problem::of_dependency(&member, name, text));
            }
        }
    }
    problems
}

fn unexplained(root: &str) -> Vec<Problem> {
    let lines = root.lines().enumerate();
    let section = lines.skip_while(|(_, line)| line.trim() != "[workspace.dependencies]").skip(1);
    let entries =
        section.take_while(|(_, line)| !line.starts_with('[')).filter(|(_, line)| line.contains('='));
    let outside = entries.filter(|(_, line)| !line.starts_with('#') && !line.contains("path = "));
    let silent = outside.filter(|(_, line)| reason(line).is_none_or(|reason| reason.split(' ').count() < 2));
    let problem = |(index, line): (usize, &str)| {
        let name = line.split([' ', '=']).next().unwrap_or_default();
        Problem::new(ROOT, index + 1, format!("`{name}` has no reason: end the line with `# what it is for`"))
    };
    silent.map(problem).collect()
}

/// The comment behind an entry; its value may itself hold a `#` only within quotes.
fn reason(line: &str) -> Option<&str> {
    let mut quoted = false;
    let hash = line.char_indices().find(|(_, character)| {
        quoted ^= *character == '"';
        *character == '#' && !quoted
    });
    hash.map(|(index, _)| line[index + 1..].trim())
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    #[test]
    fn each_outside_crate_needs_a_reason_and_our_own_none() {
        let root = "[workspace.dependencies]\n# Our own.\nmessage = { path = \"crates/message\" }\nserde = \"1\" # JSON bodies\nlibc = \"0.2\"\nodd = \"#1 thing\"\n\n[profile.dev]\ndebug = 1\n";
        expect(check, &[("Cargo.toml", root)], &["Cargo.toml:5", "Cargo.toml:6"]);
    }

    #[test]
    fn members_inherit_their_versions() {
        let member = "[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\nlibc.workspace = true\n[dev-dependencies]\ntempfile = { version = \"3\" }\n";
        expect(
            check,
            &[("crates/a/Cargo.toml", member)],
            &["crates/a/Cargo.toml:4", "crates/a/Cargo.toml:7"],
        );
    }
}
