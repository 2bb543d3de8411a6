//! Writes what JavaScript needs beside a WebAssembly file: `bind FILE.wasm FOLDER NAME`. The library that does it has the version of
//! `wasm-bindgen` itself, which the two must share.

use std::path::Path;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [file, folder, name] = words.as_slice() else {
        eprintln!("usage: bind FILE.wasm FOLDER NAME");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(file).out_name(name).typescript(true);
    // The JavaScript finds the WebAssembly file beside itself.
    bindgen.omit_default_module_path(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    let written = bindgen.web(true).and_then(|bindgen| bindgen.generate(Path::new(folder)));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {file}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
