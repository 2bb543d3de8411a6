//! `lockgate tail`

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use control::write_combined;
use journal::{JournalReader, ReadError, Start};
use lockgate_event::{EventRef, Kind, write_ndjson};

use super::Outcome;
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::{self, Reader};

/// Pause before the files are looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Output is written in pieces of about this size, bytes.
const PIECE_BYTES: usize = 64 << 10;

/// How to find the data directory.
const WHERE: &str = "name the data directory with `--data DIR`; `lockgate serve` makes it at its first start";

/// Print the journal's events
///
/// Reads the files of the data directory alone, whether the gateway runs, has been stopped, or was killed.
#[derive(Args, Debug)]
pub(crate) struct Tail {
    /// Go on with what comes, also across restarts of the gateway
    #[arg(short, long)]
    follow: bool,
    /// Only the last N events there are [default: all]
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
    /// How an event is printed
    #[arg(long, default_value = "json")]
    format: Format,
    /// Print JSON, one object per line: the default format by its usual name
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Data directory [default: `data.dir` of the configuration]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Only events of this route
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Only events with this status, or of this class, as 5xx
    #[arg(long, value_name = "STATUS")]
    status: Option<Status>,
    /// Only events with this reason, as upstream_timeout
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
}

/// How an event is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object per line
    Json,
    /// The combined format of Apache, one line per exchange that ended; without what functions asked, which have a `parent`
    Combined,
}

/// Statuses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Status {
    first: u16,
    last: u16,
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let class = text.strip_suffix("xx").and_then(|digit| digit.parse::<u16>().ok());
        match (class, text.parse::<u16>()) {
            (Some(class @ 1..=5), _) => Ok(Self { first: class * 100, last: class * 100 + 99 }),
            // Nothing could be sent to a client that had left: status 0.
            (None, Ok(status @ (0 | 100..=599))) => Ok(Self { first: status, last: status }),
            _ => Err("write a status from 100 to 599, a class from 1xx to 5xx, or 0 for no answer".into()),
        }
    }
}

impl Tail {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        let dir = self.data_dir(global)?;
        if !dir.join("journal").is_dir() {
            return Err(Failure::new("there is no journal to read")
                .because(format!("`{}` is not the data directory of a gateway", dir.display()))
                .hint(WHERE));
        }
        let start = if self.lines == Some(0) { Start::End } else { Start::Beginning };
        let mut reader = JournalReader::open(&dir, start)
            .map_err(|error| Failure::new("there is no journal to read").caused_by(&error).hint(WHERE))?;
        let mut printer = Printer { tail: &self, damaged: 0, complaint: String::new() };
        let shown = printer.print_present(&mut reader)?;
        if self.follow && shown == Reader::Listens {
            printer.follow(&mut reader)?;
        }
        if self.follow || printer.damaged == 0 {
            return Ok(Outcome::Done);
        }
        let places = printer.damaged;
        Err(Failure::new("the journal could not be read in whole")
            .because(format!("{places} places are damaged, as said above; everything else was printed")))
    }

    fn data_dir(&self, global: &Global) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.data {
            return Ok(dir.clone());
        }
        global.data_dir().map_err(|failure| {
            failure
                .hint("name the data directory with `--data DIR`, or the configuration with `--config FILE`")
        })
    }

    fn admits(&self, event: &EventRef<'_>) -> bool {
        self.route.as_deref().is_none_or(|route| route == event.route)
            && self.status.is_none_or(|status| (status.first..=status.last).contains(&event.status))
            && self.reason.as_deref().is_none_or(|reason| event.reason == Some(reason))
            && (self.format == Format::Json || event.kind == Kind::Done && event.parent.is_none())
    }

    fn write(&self, event: &EventRef<'_>, out: &mut Vec<u8>) {
        match self.format {
            Format::Json => write_ndjson(event, out),
            Format::Combined => write_combined(event, out),
        }
    }
}

/// Prints what the reader finds, and counts what it cannot read.
struct Printer<'a> {
    tail: &'a Tail,
    damaged: u64,
    /// What was said last, so that a file that stays unreadable is told of once.
    complaint: String,
}

impl Printer<'_> {
    /// Prints what there is: all of it, or the last lines asked for.
    fn print_present(&mut self, reader: &mut JournalReader) -> Result<Reader, Failure> {
        let Some(most) = self.tail.lines else { return self.print_new(reader) };
        let mut last: VecDeque<Vec<u8>> = VecDeque::new();
        while let Some(found) = reader.next_record() {
            let mut line = Vec::new();
            self.take(found, &mut line);
            if !line.is_empty() && most > 0 {
                if last.len() == most {
                    last.pop_front();
                }
                last.push_back(line);
            }
        }
        output::print(&last.make_contiguous().concat())
    }

    /// Prints what comes, until nobody reads on.
    fn follow(&mut self, reader: &mut JournalReader) -> Result<(), Failure> {
        loop {
            std::thread::sleep(LOOK_EVERY);
            // Where nothing comes that could be printed, only a look tells that nobody waits for it.
            if self.print_new(reader)? == Reader::Gone || output::reader() == Reader::Gone {
                return Ok(());
            }
        }
    }

    /// Prints everything that has not been printed.
    fn print_new(&mut self, reader: &mut JournalReader) -> Result<Reader, Failure> {
        let mut piece = Vec::new();
        while let Some(found) = reader.next_record() {
            self.take(found, &mut piece);
            if piece.len() >= PIECE_BYTES {
                if output::print(&piece)? == Reader::Gone {
                    return Ok(Reader::Gone);
                }
                piece.clear();
            }
        }
        output::print(&piece)
    }

    fn take(&mut self, found: Result<journal::StoredRecord, ReadError>, out: &mut Vec<u8>) {
        let problem = match found {
            Ok(record) => match record.event() {
                Some(event) if self.tail.admits(&event) => return self.tail.write(&event, out),
                Some(_) => return,
                None => {
                    Failure::new("a record was passed over").because("a later version of lockgate wrote it")
                }
            },
            Err(error) => Failure::new("a place of the journal cannot be read").caused_by(&error),
        };
        self.damaged += 1;
        let complaint = format!("{problem:?}");
        if complaint != self.complaint {
            problem.print();
            self.complaint = complaint;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(u16, u16)>) {
        let found = text.parse::<Status>().ok().map(|status| (status.first, status.last));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_status_is_a_number_or_a_class() {
        check("404", Some((404, 404)));
        check("5xx", Some((500, 599)));
        check("0", Some((0, 0)));
        for wrong in ["6xx", "0xx", "xx", "99", "600", "", "-1", "4xxx"] {
            check(wrong, None);
        }
    }
}
