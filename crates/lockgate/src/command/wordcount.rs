//! `lockgate wordcount`

mod count;
mod read;

use std::path::PathBuf;

use clap::Args;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;

use self::count::Unit;
use super::Outcome;
use crate::failure::Failure;
use crate::output;
use crate::table::harmless;

/// Count words, or lines
///
/// Words are what stands between white space, which is what Unicode calls so, in UTF-8; bytes that are no UTF-8 are part of
/// words. For text these are the numbers of `wc -w` and `wc -l`. Files are counted as they are, compressed or not, in parallel. Exit status: 3 when a file
/// could not be read; the others are counted all the same.
#[derive(Args, Debug)]
pub(crate) struct Wordcount {
    /// Files to count, `-` for standard input [default: standard input]
    files: Vec<PathBuf>,
    /// Count lines: how often a line ends
    #[arg(short, long)]
    lines: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The count of one file.
struct Counted<'f> {
    file: &'f PathBuf,
    number: u64,
}

#[derive(Serialize)]
struct Answer<'f> {
    files: Vec<FileAnswer<'f>>,
    total: Number,
}

#[derive(Serialize)]
struct FileAnswer<'f> {
    file: std::borrow::Cow<'f, str>,
    #[serde(flatten)]
    number: Number,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Number {
    Words(u64),
    Lines(u64),
}

impl Wordcount {
    pub(crate) fn run(mut self) -> Result<Outcome, Failure> {
        let is_unnamed = self.files.is_empty();
        if is_unnamed {
            self.files.push("-".into());
        }
        let unit = if self.lines { Unit::Lines } else { Unit::Words };
        let counts: Vec<_> = self.files.par_iter().map(|file| read::count(file, unit)).collect();
        let mut counted = Vec::new();
        let mut unread = 0_usize;
        for (file, count) in self.files.iter().zip(counts) {
            match count {
                Ok(number) => counted.push(Counted { file, number }),
                Err(error) => {
                    unread += 1;
                    Failure::new(format!("`{}` cannot be counted", file.display())).caused_by(&error).print();
                }
            }
        }
        let total = counted.iter().map(|counted| counted.number).sum();
        let text =
            if self.json { self.to_json(&counted, total) } else { to_text(&counted, total, is_unnamed) };
        output::print(text.as_bytes())?;
        match unread {
            0 => Ok(Outcome::Done),
            1 => Err(Failure::new("one file is missing in the total").because("it is named above")),
            _ => Err(Failure::new(format!("{unread} files are missing in the total"))
                .because("they are named above")),
        }
    }

    fn to_json(&self, counted: &[Counted<'_>], total: u64) -> String {
        let number = if self.lines { Number::Lines } else { Number::Words };
        let files = counted.iter().map(|counted| FileAnswer {
            file: counted.file.to_string_lossy(),
            number: number(counted.number),
        });
        let answer = Answer { files: files.collect(), total: number(total) };
        format!("{}\n", serde_json::to_string(&answer).expect("names and numbers are JSON"))
    }
}

/// Numbers aligned to the right, each with its file, and the total of several.
fn to_text(counted: &[Counted<'_>], total: u64, is_unnamed: bool) -> String {
    if is_unnamed {
        return counted.iter().map(|counted| format!("{}\n", counted.number)).collect();
    }
    let width = total.to_string().len();
    let line = |number: u64, name: &dyn std::fmt::Display| format!("{number:width$} {name}\n");
    let mut text: String = counted
        .iter()
        .map(|counted| line(counted.number, &harmless(&counted.file.to_string_lossy())))
        .collect();
    if counted.len() > 1 {
        text += &line(total, &"total");
    }
    text
}
