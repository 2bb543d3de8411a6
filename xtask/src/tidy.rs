//! `tidy`: the rules that no compiler knows, one file each.

mod coverage;
mod layers;
mod leftovers;
mod length;
mod links;
mod manifests;
mod module_docs;
mod places;
mod reasons;
mod size;
mod sources;
mod statements;
pub(crate) mod tree;
mod unwraps;

use std::fmt;
use std::path::Path;

use tree::Tree;

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    path: String,
    /// Line, from 1; 0: the file as a whole.
    line: usize,
    /// What is wrong and how to mend it.
    text: String,
}

/// A rule: a name, and what breaks it in a tree.
type Rule = (&'static str, fn(&Tree) -> Vec<Problem>);

const RULES: [Rule; 11] = [
    ("layers", layers::check),
    ("places of outside crates", places::check),
    ("reasons of dependencies", reasons::check),
    ("first line of a source", module_docs::check),
    ("length of a source", length::check),
    ("unwrap", unwraps::check),
    ("kept statements", statements::check),
    ("leftovers", leftovers::check),
    ("size of a file", size::check),
    ("coverage", coverage::check),
    ("links", links::check),
];

/// Checks the whole checkout.
///
/// # Errors
///
/// When a rule is broken; each place has been printed.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let mut count = 0;
    for (name, rule) in RULES {
        let mut problems = rule(&tree);
        problems.sort();
        count += problems.len();
        for problem in problems {
            println!("{problem}\n    [{name}]");
        }
    }
    anyhow::ensure!(count == 0, "{count} untidy places");
    println!("{} rules hold in {} files", RULES.len(), tree.len());
    Ok(())
}

impl Problem {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.text),
            line => write!(f, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// Runs `rule` on a made-up tree; the places it finds, as `path:line`, must be `expected`, and each must say something.
#[cfg(test)]
#[track_caller]
fn expect(rule: fn(&Tree) -> Vec<Problem>, files: &[(&str, &str)], expected: &[&str]) {
    let mut problems = rule(&Tree::made_up(files));
    problems.sort();
    let places: Vec<String> =
        problems.iter().map(|problem| format!("{}:{}", problem.path, problem.line)).collect();
    assert_eq!(places, expected, "{problems:#?}");
    assert!(problems.iter().all(|problem| problem.text.len() > 20), "{problems:#?}");
}
