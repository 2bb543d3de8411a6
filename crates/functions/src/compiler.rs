//! From a component to machine code, here or in a process of its own that cannot take more than its share.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use crate::code::Code;
use crate::{LoadError, Runtime};

/// Most address space of the compiling process, bytes.
const MEMORY_BYTES_MAX: u64 = 8 << 30;

/// Most processor time of the compiling process, seconds; all cores together.
const CPU_SECONDS_MAX: u64 = 600;

/// How much its threads yield to others: a gateway serves on while a component is compiled, its functions (5) included.
const NICENESS: i32 = 10;

/// Longest that compiling may take.
const TIME_MAX: Duration = Duration::from_secs(300);

/// A program that runs [`compile_worker`] and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompilerProgram {
    /// The program, most often this one.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Compiles the component on standard input to standard output, under limits that it sets itself. For the program of
/// [`CompilerProgram`].
///
/// # Errors
///
/// What is wrong with the component, in words.
pub fn compile_worker() -> Result<(), String> {
    // Before there are other threads, which take it over.
    nice(NICENESS).map_err(|error| error.to_string())?;
    let limit = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::As, limit(MEMORY_BYTES_MAX)).map_err(|error| error.to_string())?;
    setrlimit(Resource::Cpu, limit(CPU_SECONDS_MAX)).map_err(|error| error.to_string())?;
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component).map_err(|error| error.to_string())?;
    let code = Code::of(&component).map_err(|error| format!("{error:#}"))?;
    io::stdout().lock().write_all(code.as_bytes()).map_err(|error| error.to_string())
}

impl Runtime {
    /// Machine code of a component.
    pub(crate) fn compile(&self, component: &[u8]) -> Result<Code, LoadError> {
        let code = match &self.compiler {
            Some(program) => compile_with(program, component),
            None => Code::of(component).map_err(|error| format!("{error:#}")),
        };
        code.map_err(LoadError::Compile)
    }
}

fn compile_with(compiler: &CompilerProgram, component: &[u8]) -> Result<Code, String> {
    let mut child = Command::new(&compiler.program)
        .args(&compiler.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{}` cannot be started: {error}", compiler.program.display()))?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A compiler that ends early says why on the other end.
            let _ = input.map(|mut input| input.write_all(component));
        });
        let errors = scope.spawn(move || read_all(errors));
        let (sender, receiver) = mpsc::channel();
        scope.spawn(move || sender.send(read_all(output)));
        let code = receiver.recv_timeout(TIME_MAX);
        if code.is_err() {
            // It may have ended by itself meanwhile.
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        let errors = errors.join().unwrap_or_default();
        let code = code.map_err(|_| format!("it took longer than {} seconds", TIME_MAX.as_secs()))?;
        if !status.success() {
            return Err(why(status, &errors));
        }
        Code::from_bytes(code).ok_or_else(|| "the compiler gave no code".to_owned())
    })
}

fn why(status: std::process::ExitStatus, errors: &[u8]) -> String {
    match String::from_utf8_lossy(errors).trim() {
        "" => format!("the compiler ended with {status}"),
        errors => errors.to_owned(),
    }
}

fn read_all(source: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What could not be read is missing, and the code is then refused.
    let _ = source.map(|mut source| source.read_to_end(&mut bytes));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RuntimeOptions, Settings};

    fn runtime(script: String) -> std::sync::Arc<Runtime> {
        let arguments = vec!["-c".into(), script.into()];
        let compiler = Some(CompilerProgram { program: "/bin/sh".into(), arguments });
        Runtime::new(&RuntimeOptions { instances: 1, cache: None, compiler }).expect("a runtime")
    }

    #[test]
    fn code_of_another_process_runs_in_the_pool() {
        let Some(hello) = testkit::component("hello") else { return };
        let folder = tempfile::tempdir().expect("a folder");
        let code = folder.path().join("code");
        let component = std::fs::read(&hello).expect("a component");
        std::fs::write(&code, Code::of(&component).expect("code").as_bytes()).expect("a file");
        let runtime = runtime(format!("cat > /dev/null; cat {}", code.display()));
        assert!(runtime.load(&hello, Settings::named("hello")).is_ok());
    }

    #[test]
    fn a_compiler_that_fails_says_why() {
        for (script, expected) in [
            ("echo no good >&2; exit 1", "no good"),
            ("exit 3", "exit status: 3"),
            ("kill -9 $$", "signal: 9"),
            ("cat > /dev/null", "no code"),
        ] {
            let error = runtime(script.into()).compile(b"anything").expect_err("it fails").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
