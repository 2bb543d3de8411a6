//! Some outside crates belong in one place, so that the others stay free of what they bring.

use super::Problem;
use super::manifests::members;
use super::tree::Tree;

/// An outside crate, where it may be used (a final `*` stands for any end), and why only there.
const PLACES: [(&str, &[&str], &str); 10] = [
    ("axum", &["control"], "the data plane has its own HTTP engine"),
    ("tower-http", &["control"], "the data plane has its own HTTP engine"),
    ("clap", &["lockgate", "xtask", "bench"], "libraries have no command line"),
    ("clap_complete", &["lockgate"], "libraries have no command line"),
    ("anyhow", &["lockgate", "xtask", "bench"], "libraries say with an enum what went wrong"),
    (
        "tokio",
        &["functions", "proxy", "control", "server", "lockgate", "testkit", "bench", "store-*"],
        "lower layers do no I/O of their own",
    ),
    ("httparse", &["http1", "bench"], "`http1` is the one place that reads HTTP/1"),
    (
        "h2",
        &["lockgate", "bench"],
        "the gateway has its own engine of HTTP/2, which `lockgate` tests and `bench` measures by another on the other side",
    ),
    ("sqlx", &["store-*"], "each database has a crate of its own"),
    ("wasmtime", &["functions"], "only `functions` runs guests"),
];

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in members(tree) {
        for name in &member.dependencies {
            let rule = PLACES.iter().find(|(outside, ..)| outside == name);
            if let Some((_, places, why)) = rule.filter(|(_, places, _)| !is_among(&member.name, places)) {
                let text = format!(
                    "`{name}` is used in {} only, because {why}; `{}` is not one of them",
                    places.join(", "),
                    member.name
                );
                problems.push(Problem::of_dependency(&member, name, text));
            }
        }
    }
    problems
}

fn is_among(name: &str, places: &[&str]) -> bool {
    places.iter().any(|place| match place.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *place,
    })
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    #[test]
    fn an_outside_crate_in_the_wrong_place_is_found_with_its_line() {
        let manifest = "[package]\nname = \"policy\"\n[dependencies]\nserde.workspace = true\nanyhow = { workspace = true }\n";
        expect(check, &[("crates/policy/Cargo.toml", manifest)], &["crates/policy/Cargo.toml:5"]);
    }

    #[test]
    fn tests_may_use_what_they_like_and_patterns_match_their_start() {
        let manifest = "[package]\nname = \"store-sqlite\"\n[dependencies]\nsqlx.workspace = true\n[dev-dependencies]\ntokio.workspace = true\n";
        expect(check, &[("crates/store-sqlite/Cargo.toml", manifest)], &[]);
    }
}
