//! A chore's steps: each says its name, shows the output of its program as it comes, says how long it took, and ends in time.

use std::io::{IsTerminal, stderr, stdin};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

/// Longest time of a step's program, several times what the slowest one takes on two cores with nothing built. A program that hangs must
/// not keep the run from saying so: hosted CI ends it without a word after hours.
pub(crate) const STEP_WITHIN: Duration = Duration::from_secs(30 * 60);
/// Longest time of the workspace's tests, which are built first.
pub(crate) const TESTS_WITHIN: Duration = Duration::from_secs(45 * 60);

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

    /// Runs a program as the step `name`, with `environment` set for it alone, for at most [`STEP_WITHIN`].
    pub(crate) fn run(&mut self, name: &'static str, words: &[&str], environment: &[(&str, &str)]) {
        self.run_within(STEP_WITHIN, name, words, environment);
    }

    /// Runs a program as a step that fails when the time is over.
    pub(crate) fn run_within(
        &mut self,
        within: Duration,
        name: &'static str,
        words: &[&str],
        environment: &[(&str, &str)],
    ) {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(&self.root);
        command.envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())));
        command.envs(environment.iter().copied());
        self.step(name, || run_within(within, &mut command));
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

/// Runs a program to its end, however long it takes; its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = announce(command);
    let status = command.status().with_context(|| format!("starting `{line}`"))?;
    succeeded(&line, status)
}

/// Runs a program, and ends it and what it has started when the time is over.
pub(crate) fn run_within(within: Duration, command: &mut Command) -> anyhow::Result<()> {
    let line = announce(command);
    // Somebody at a terminal ends all of it with Ctrl-C, which only reaches programs of this one's own group.
    let own_group = !(stdin().is_terminal() || stderr().is_terminal());
    if own_group {
        command.process_group(0);
    }
    let child = command.spawn().with_context(|| format!("starting `{line}`"))?;
    let target = if own_group { format!("-{}", child.id()) } else { child.id().to_string() };
    match wait(child, within, &target)? {
        Some(status) => succeeded(&line, status),
        None => anyhow::bail!("`{line}` was ended: it took longer than {} s", within.as_secs_f64()),
    }
}

/// Waits for a program, and when the time is over kills what `target` names to `kill`; `None` then.
fn wait(mut child: Child, within: Duration, target: &str) -> anyhow::Result<Option<ExitStatus>> {
    let (tell, told) = mpsc::channel();
    // Nobody listens any more where killing has failed.
    thread::spawn(move || drop(tell.send(child.wait())));
    if let Ok(status) = told.recv_timeout(within) {
        return Ok(Some(status?));
    }
    let killed = Command::new("kill").args(["-KILL", "--", target]).status();
    anyhow::ensure!(killed.is_ok_and(|status| status.success()), "a program that hangs cannot be killed");
    told.recv()??;
    Ok(None)
}

/// Says what is run.
fn announce(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    let line = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    println!("$ {line}");
    line
}

fn succeeded(line: &str, status: ExitStatus) -> anyhow::Result<()> {
    anyhow::ensure!(status.success(), "`{line}` ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_failed_step_is_named_at_the_end_and_the_next_one_runs() {
        let mut steps = Steps::new(Path::new("."), vec![("STEP_TEST", "7".into())]);
        steps.run("first", &["false"], &[]);
        steps.run("second", &["sh", "-c", "test $STEP_TEST = 7 && test $OWN = 8"], &[("OWN", "8")]);
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: first");
    }

    #[test]
    fn a_program_that_hangs_is_ended_and_what_it_started_with_it() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & echo started; wait"]).stdout(Stdio::piped()).process_group(0);
        let (mut child, start) = (command.spawn().unwrap(), Instant::now());
        let (group, mut output) = (format!("-{}", child.id()), child.stdout.take().unwrap());
        let mut started = [0; 8];
        output.read_exact(&mut started).unwrap();
        assert_eq!(wait(child, Duration::from_millis(50), &group).unwrap(), None);
        // It ends once nobody has it open for writing.
        output.read_to_end(&mut Vec::new()).unwrap();
        assert!(start.elapsed() < Duration::from_secs(500), "something was waited for");
    }

    #[test]
    fn a_step_that_hangs_fails_and_says_why() {
        let mut steps = Steps::new(Path::new("."), Vec::new());
        steps.run_within(Duration::from_millis(100), "hangs", &["sleep", "1000"], &[]);
        let failure = steps.done[0].failure.as_deref();
        assert_eq!(failure, Some("`sleep 1000` was ended: it took longer than 0.1 s"));
        assert!(steps.finish().is_err());
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failed_step() {
        let mut steps = Steps::new(Path::new("."), Vec::new());
        steps.run("missing", &["/nonexistent/program"], &[]);
        assert!(steps.finish().is_err());
    }
}
