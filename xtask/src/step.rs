//! A chore's steps: each says its name, shows the output of its program as it comes, and says how long it took.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;

/// The steps of one chore. A failed step does not hide what the later ones have to say.
pub(crate) struct Steps {
    root: PathBuf,
    environment: Vec<(&'static str, String)>,
    done: Vec<Done>,
}

struct Done {
    name: &'static str,
    took: Duration,
    failure: Option<String>,
}

impl Steps {
    /// Steps in the folder `root`, whose programs see `environment` beside this program's own.
    pub(crate) fn new(root: &Path, environment: Vec<(&'static str, String)>) -> Self {
        Self { root: root.to_owned(), environment, done: Vec::new() }
    }

    /// Runs `work` as the step `name`.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> anyhow::Result<()>) {
        println!("── {name}");
        let start = Instant::now();
        let failure = work().err().map(|error| format!("{error:#}"));
        let took = start.elapsed();
        match &failure {
            None => println!("── {name}: ok, {:.1} s\n", took.as_secs_f64()),
            Some(failure) => println!("── {name}: FAILED, {:.1} s: {failure}\n", took.as_secs_f64()),
        }
        self.done.push(Done { name, took, failure });
    }

    /// Runs a program as the step `name`, with `environment` set for it alone.
    pub(crate) fn run(&mut self, name: &'static str, words: &[&str], environment: &[(&str, &str)]) {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(&self.root);
        command.envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())));
        command.envs(environment.iter().copied());
        self.step(name, || run(&mut command));
    }

    /// Says what took how long, and fails if any step did.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        for done in &self.done {
            let outcome = if done.failure.is_some() { "FAILED" } else { "ok" };
            println!("{:8.1} s  {outcome:6}  {}", done.took.as_secs_f64(), done.name);
        }
        let failed: Vec<&str> =
            self.done.iter().filter(|done| done.failure.is_some()).map(|done| done.name).collect();
        anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
        println!("all {} steps passed", self.done.len());
        Ok(())
    }
}

/// Runs a program to its end; its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    let line = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    println!("$ {line}");
    let status = command.status().with_context(|| format!("starting `{line}`"))?;
    anyhow::ensure!(status.success(), "`{line}` ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_named_at_the_end_and_the_next_one_runs() {
        let mut steps = Steps::new(Path::new("."), vec![("STEP_TEST", "7".into())]);
        steps.run("first", &["false"], &[]);
        steps.run("second", &["sh", "-c", "test $STEP_TEST = 7 && test $OWN = 8"], &[("OWN", "8")]);
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: first");
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failed_step() {
        let mut steps = Steps::new(Path::new("."), Vec::new());
        steps.run("missing", &["/nonexistent/program"], &[]);
        assert!(steps.finish().is_err());
    }
}
