//! Why a command failed, printed as one block: what, why, how to fix it.

use std::error::Error;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::output;
use crate::table::harmless;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    /// From the nearest reason to the deepest.
    why: Vec<String>,
    hint: Option<String>,
    /// A text that says it all already.
    rendered: Option<String>,
    /// Whether everything worked, and the answer is no.
    is_no: bool,
}

impl Failure {
    /// A failure in one sentence: lower case, no full stop.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), why: Vec::new(), hint: None, rendered: None, is_no: false }
    }

    /// A configuration with problems, which is no surprise that needs explaining.
    pub(crate) fn of_configuration(problems: &config::Diagnostics) -> Self {
        let rendered = Some(problems.render(true));
        Self { rendered, ..Self::new("the configuration has problems") }
    }

    /// Why.
    pub(crate) fn because(mut self, why: impl Into<String>) -> Self {
        self.why.push(why.into());
        self
    }

    /// Why, by an error and the chain of errors behind it.
    pub(crate) fn caused_by(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            // Some errors print their source themselves.
            if !self.why.iter().any(|said| said.contains(&text)) {
                self.why.push(text);
            }
            next = error.source();
        }
        self
    }

    /// What it leads to: what failed so far becomes the nearest reason.
    pub(crate) fn leads_to(mut self, what: impl Into<String>) -> Self {
        let reason = std::mem::replace(&mut self.what, what.into());
        self.why.insert(0, reason);
        self
    }

    /// How to fix it.
    pub(crate) fn hint(mut self, hint: impl Into<Option<&'static str>>) -> Self {
        self.hint = hint.into().map(str::to_owned).or(self.hint);
        self
    }

    /// How to fix it, where that is known.
    pub(crate) fn hinted(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Everything worked, and the answer is no.
    pub(crate) fn says_no(mut self) -> Self {
        self.is_no = true;
        self
    }

    /// The exit status that tells of it.
    pub(crate) fn exit_status(&self) -> u8 {
        if self.is_no { 1 } else { 3 }
    }

    /// Prints the block to standard error.
    pub(crate) fn print(&self) {
        match &self.rendered {
            Some(rendered) => output::say(rendered),
            None => output::say(&self.block()),
        }
    }

    /// The block. Names of files and words of other programs are among its words, and must not steer a terminal.
    fn block(&self) -> String {
        let mut block = format!("{ERROR}error{ERROR:#}: {}\n", harmless(&self.what));
        for line in self.why.iter().flat_map(|why| why.lines()) {
            // Writing to a String cannot fail.
            let _ = writeln!(block, "  {}", harmless(line));
        }
        for line in self.hint.iter().flat_map(|hint| hint.lines()) {
            let _ = writeln!(block, "  {HELP}help{HELP:#}: {}", harmless(line));
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_block_says_what_why_and_how_to_fix_it() {
        let source = io::Error::other("the disk is gone");
        let error = journal::ReadError::File { path: "a".into(), source };
        let block = Failure::new("the journal cannot be read").caused_by(&error).hint("mount it").block();
        assert_eq!(
            anstream::adapter::strip_str(&block).to_string(),
            "error: the journal cannot be read\n  cannot read `a`\n  the disk is gone\n  help: mount it\n"
        );
    }
    #[test]
    fn a_block_cannot_steer_the_terminal() {
        let hint = Some("move `\x1b]0;c\x07`\nor not".to_owned());
        let block = Failure::new("`\x1b[2Ja` is no file").because("not\nby `\u{9b}2J`").hinted(hint).block();
        let plain =
            block.replace(&format!("{ERROR}"), "").replace(&format!("{HELP}"), "").replace("\x1b[0m", "");
        assert_eq!(
            plain,
            "error: `\u{fffd}[2Ja` is no file\n  not\n  by `\u{fffd}2J`\n  help: move `\u{fffd}]0;c\u{fffd}`\n  help: or not\n"
        );
    }

    #[test]
    fn what_failed_becomes_the_reason_of_what_it_leads_to() {
        let failure = Failure::new("the disk is full").because("no space").leads_to("nothing was kept");
        assert_eq!(
            (failure.what.as_str(), failure.why),
            ("nothing was kept", vec!["the disk is full".to_owned(), "no space".to_owned()])
        );
    }
}
