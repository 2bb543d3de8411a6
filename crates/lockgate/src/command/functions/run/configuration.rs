//! The configuration of a gateway that has one function, as one would write it.

use std::fmt::Write as _;
use std::path::Path;

use super::Run;
use crate::toml_text::quoted;

/// Longest name, bytes.
const NAME_BYTES_MAX: usize = 100;

/// The configuration. Its data are in the folder.
pub(super) fn text(run: &Run, component: &Path, folder: &Path) -> String {
    let name = name(&run.file);
    let mut text = format!(
        "[admin]\naddress = \"127.0.0.1:0\"\n\n[data]\ndir = {}\n\n[log]\naccess = \"combined\"\n\n\
         [[listener]]\naddress = \"{}\"\n\n[[route]]\npath = \"/*\"\nfunction = {}\n\n[function.{}]\ncomponent = {}\n",
        quoted(&folder.join("data").to_string_lossy()),
        run.address,
        quoted(&name),
        quoted(&name),
        quoted(&component.to_string_lossy()),
    );
    text.push_str(&run.limits.lines());
    let outbound: Vec<_> = run.outbound.iter().map(|url| quoted(url)).collect();
    let values: Vec<_> =
        run.values.iter().map(|(key, value)| format!("{} = {}", quoted(key), quoted(value))).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "outbound = [{}]\nconfig = {{ {} }}", outbound.join(", "), values.join(", "));
    text
}

/// The function's name: that of the file, as far as it can stand in a configuration.
fn name(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = stem.chars().map(plain).take(NAME_BYTES_MAX).collect();
    if name.is_empty() { "function".into() } else { name }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        run: Run,
    }

    fn check(arguments: &[&str]) -> config::Config {
        let run = Line::parse_from([&["run"], arguments].concat()).run;
        let text = text(&run, Path::new("/functions/a.wasm"), Path::new("/tmp/it's \"here\""));
        let loaded = config::load_text("run", Path::new(""), &text, &config::ProcessEnvironment);
        let loaded = loaded.unwrap_or_else(|problems| panic!("{}\n{text}", problems.render(false)));
        assert_eq!(loaded.warnings.len(), 0, "{}", loaded.warnings);
        loaded.config
    }

    #[test]
    fn the_configuration_has_no_problem_and_no_warning() {
        let config = check(&["a.wasm"]);
        assert_eq!(config.data.dir, Path::new("/tmp/it's \"here\"/data"));
        assert_eq!(config.functions[0].component, Path::new("/functions/a.wasm"));
    }

    #[test]
    fn what_is_asked_for_is_in_it() {
        let config = check(&[
            "my \"own\" é.wasm",
            "--outbound=http://127.0.0.1:9001",
            "--outbound=http://api.example.com",
            "--value=greeting=a=\u{7f}\"b\"",
            "--memory=8MiB",
            "--time=200ms",
            "--cpu=20ms",
        ]);
        let function = &config.functions[0];
        assert_eq!(function.name, "my--own---");
        assert_eq!(function.outbound.len(), 2);
        assert_eq!(function.values, [("greeting".into(), "a=\u{7f}\"b\"".into())]);
        assert_eq!((function.memory_bytes, function.time.as_millis()), (8 << 20, 200));
        assert_eq!(function.cpu.as_millis(), 20);
    }
}
