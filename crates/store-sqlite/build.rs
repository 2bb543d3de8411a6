//! Builds again when what the macros read has changed, which cargo does not see by itself.

#![allow(clippy::print_stdout, reason = "this is how cargo is told")]

fn main() {
    for read in ["migrations", ".sqlx", "sqlx.toml"] {
        println!("cargo::rerun-if-changed={read}");
    }
}
