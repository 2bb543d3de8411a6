//! The reference page of the command line, made from the definitions and compared with the one checked in.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Command, CommandFactory};

use crate::arguments::Arguments;

const INTRODUCTION: &str = "<!-- Generated from crates/lockgate/src: UPDATE=1 cargo test -p lockgate reference -->

# The command line

Errors go to standard error, one block each: what, why, how to fix it. The log goes to standard error too: lines for
people on a terminal, JSON objects otherwise; `$LOCKGATE_LOG` says what is logged, as `info` or `proxy=debug,info`.
";

fn page() -> String {
    let mut root = Arguments::command().term_width(100);
    root.build();
    let mut page = format!("{INTRODUCTION}\n");
    sections(&root, "", "##", &mut page);
    page
}

/// The section of a command, and those of its subcommands. `above` is the help of the command it belongs to.
fn sections(command: &Command, above: &str, heading: &str, page: &mut String) {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let help = command.clone().term_width(100).render_long_help().to_string();
    // What holds for all subcommands is said above them.
    let shared = ["\nAsking the gateway:", "\nEverywhere:"];
    let shared = shared.iter().filter(|shared| above.contains(**shared));
    let end = shared.filter_map(|shared| help.find(shared)).min();
    let own = if heading == "###" { &help[..end.unwrap()] } else { help.as_str() };
    let lines: Vec<&str> = own.lines().map(str::trim_end).collect();
    writeln!(page, "{heading} `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end()).unwrap();
    let heading = if name.contains(' ') { "###" } else { "##" };
    let is_shown = |command: &&Command| command.get_name() != "help" && !command.is_hide_set();
    for command in command.get_subcommands().filter(is_shown) {
        sections(command, &help, heading, page);
    }
}

#[test]
fn the_reference_page_is_the_one_checked_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == page,
        "docs/reference/cli.md is out of date: UPDATE=1 cargo test -p lockgate reference, and look at the difference"
    );
}
