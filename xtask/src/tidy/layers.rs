//! Every crate says its layer and its purpose, and depends only on its own layer and those below.

use std::collections::HashMap;

use super::Problem;
use super::manifests::{Manifest, members};
use super::tree::Tree;

/// For tests alone: it may use what it tests, and nothing that is shipped may use it.
const TESTKIT: &str = "testkit";

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let members = members(tree);
    let layers: HashMap<&str, i64> =
        members.iter().filter_map(|member| Some((member.name.as_str(), member.layer?))).collect();
    members.iter().flat_map(|member| check_member(member, &layers)).collect()
}

fn check_member(member: &Manifest<'_>, layers: &HashMap<&str, i64>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if member.description.is_none() {
        problems.push(Problem::new(member.path, 0, "no purpose: add `description = \"…\"`, one line"));
    }
    let Some(own) = member.layer else {
        problems.push(Problem::new(
            member.path,
            0,
            "no layer: add `[package.metadata.lockgate]` with `layer = N`, as in the table of ARCHITECTURE.md",
        ));
        return problems;
    };
    if member.name == TESTKIT {
        return problems;
    }
    let above = |name: &str| layers.get(name).copied().filter(|layer| *layer > own);
    for name in &member.dependencies {
        if name == TESTKIT {
            let text = "testkit is for tests: move it to [dev-dependencies]";
            problems.push(Problem::of_dependency(member, name, text));
        } else if let Some(layer) = above(name) {
            let text = format!(
                "an arrow points up: `{}` is layer {own}, `{name}` is layer {layer}; let the upper crate implement a trait of the lower one, or move what is shared down",
                member.name
            );
            problems.push(Problem::of_dependency(member, name, text));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    fn manifest(name: &str, layer: u8, rest: &str) -> String {
        format!(
            "[package]\nname = \"{name}\"\ndescription = \"d\"\n[package.metadata.lockgate]\nlayer = {layer}\n{rest}"
        )
    }

    #[test]
    fn an_arrow_may_point_down_or_sideways_only() {
        let low = manifest("low", 1, "[dependencies]\nhigh.workspace = true\nserde.workspace = true\n");
        let high = manifest("high", 2, "[dependencies]\nlow.workspace = true\npeer.workspace = true\n");
        let files = [
            ("crates/low/Cargo.toml", low.as_str()),
            ("crates/high/Cargo.toml", high.as_str()),
            ("crates/peer/Cargo.toml", &manifest("peer", 2, "")),
        ];
        expect(check, &files, &["crates/low/Cargo.toml:7"]);
    }

    #[test]
    fn testkit_is_for_tests() {
        let user = manifest("user", 6, "[dependencies]\ntestkit.workspace = true\n");
        let tested = manifest("tested", 0, "[dev-dependencies]\ntestkit.workspace = true\n");
        let testkit = manifest("testkit", 1, "[dependencies]\nuser.workspace = true\n");
        let files = [
            ("crates/user/Cargo.toml", user.as_str()),
            ("crates/tested/Cargo.toml", tested.as_str()),
            ("crates/testkit/Cargo.toml", testkit.as_str()),
        ];
        expect(check, &files, &["crates/user/Cargo.toml:7"]);
    }

    #[test]
    fn layer_and_purpose_must_be_said() {
        expect(
            check,
            &[("crates/a/Cargo.toml", "[package]\nname = \"a\"\n")],
            &["crates/a/Cargo.toml:0", "crates/a/Cargo.toml:0"],
        );
    }

    #[test]
    fn a_package_with_a_workspace_of_its_own_is_no_member() {
        expect(check, &[("fuzz/Cargo.toml", "[package]\nname = \"fuzz\"\n[workspace]\n")], &[]);
    }
}
