//! What the guide shows is what is printed.

use std::path::Path;
use std::process::Command;

use crate::{LOCKGATE, samples};

/// The commands of a guide with what they print, as they stand in its blocks of console text.
fn examples(guide: &str) -> Vec<(String, String)> {
    let mut examples: Vec<(String, String)> = Vec::new();
    let mut is_console = false;
    for line in guide.lines() {
        match line.strip_prefix("$ ") {
            _ if line.starts_with("```") => is_console = line == "```console",
            Some(command) if is_console => examples.push((command.into(), String::new())),
            None if is_console => examples.last_mut().unwrap().1.extend([line, "\n"]),
            _ => {}
        }
    }
    examples
}

#[test]
fn each_example_prints_what_stands_below_it() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/process.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let examples = examples(&guide);
    let shown: Vec<_> = examples.iter().filter(|(_, output)| !output.is_empty()).collect();
    assert!(shown.len() >= 5, "{examples:?}");
    for (command, expected) in shown {
        let script = format!("lockgate() {{ '{LOCKGATE}' \"$@\"; }}\n{command} 2>&1");
        let output = Command::new("sh").args(["-c", &script]).current_dir(samples()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n"), *expected, "{command}");
    }
}
