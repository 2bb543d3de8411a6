//! What is asked, and what counts as the same answer.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufRead, BufReader, Read};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::contender::Contender;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// Count and sum by user, of lines.
    Usage,
    /// The same, of a segment.
    Segment,
    /// A text that few lines have.
    RareText,
    /// A text that one line in fifty has.
    FrequentText,
    /// An expression with a text in it.
    Regex,
    /// An expression without one.
    BareRegex,
    /// A text that no line has.
    NoText,
}

impl Task {
    /// What `bench process` asks.
    pub(crate) const PROCESS: [Self; 2] = [Self::Usage, Self::Segment];
    /// What `bench search` asks.
    pub(crate) const SEARCH: [Self; 5] =
        [Self::RareText, Self::FrequentText, Self::Regex, Self::BareRegex, Self::NoText];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage per user, lines",
            Self::Segment => "usage per user, segment",
            Self::RareText => "a rare text",
            Self::FrequentText => "a frequent text",
            Self::Regex => "an expression",
            Self::BareRegex => "an expression without a text",
            Self::NoText => "a text that is nowhere",
        }
    }

    /// What is searched for; `None` where nothing is.
    pub(crate) fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Usage | Self::Segment => None,
            Self::RareText => Some("\"user_id\":4711,"),
            Self::FrequentText => Some("upstream_timeout"),
            Self::Regex => Some(r#""path":"/orders/12[0-9]{3}""#),
            Self::BareRegex => Some(r"/[a-z]+/[0-9]{1,2}\W"),
            Self::NoText => Some("no-such-thing-anywhere"),
        }
    }

    /// Whose task it is.
    pub(crate) fn contenders(self) -> &'static [Contender] {
        match self {
            Self::Usage => &[
                Contender::Lockgate,
                Contender::LockgatePython,
                Contender::LockgateNode,
                Contender::Duckdb,
                Contender::Polars,
                Contender::Python,
                Contender::Node,
            ],
            Self::Segment => &[Contender::Lockgate],
            _ => &[Contender::Lockgate, Contender::Ripgrep],
        }
    }

    /// How a program may end that did its work.
    pub(crate) fn exit_statuses(self) -> &'static [i32] {
        if self == Self::NoText { &[1] } else { &[0] }
    }

    /// What a program's output says.
    pub(crate) fn answer(self, contender: Contender, output: impl Read) -> anyhow::Result<Answer> {
        let answer = if self.pattern().is_some() { lines(output) } else { usage(output) };
        answer.with_context(|| format!("reading the answer of {contender} to {self}"))
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a program said.
pub(crate) enum Answer {
    /// By user.
    Usage(BTreeMap<u64, OfUser>),
    /// Lines as they were printed.
    Lines { lines: u64, bytes: u64, hash: u64 },
}

/// A user's events and the sum of their values.
pub(crate) struct OfUser {
    count: u64,
    sum: f64,
}

impl OfUser {
    /// Sums of floating-point numbers differ in their last digits.
    fn agrees(&self, other: &Self) -> bool {
        self.count == other.count && (self.sum - other.sum).abs() <= self.sum.abs() * 1e-9
    }
}

impl Answer {
    /// Whether both say the same.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Usage(left), Self::Usage(right)) => {
                let mut pairs = left.iter().zip(right);
                left.len() == right.len()
                    && pairs.all(|(left, right)| left.0 == right.0 && left.1.agrees(right.1))
            }
            (Self::Lines { bytes, hash, .. }, Self::Lines { bytes: other_bytes, hash: other_hash, .. }) => {
                (bytes, hash) == (other_bytes, other_hash)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(users) => {
                let events: u64 = users.values().map(|user| user.count).sum();
                let total: f64 = users.values().map(|user| user.sum).sum();
                write!(f, "{} users, {events} events, {total} in total", users.len())
            }
            Self::Lines { lines, bytes, hash } => write!(f, "{lines} lines of {bytes} bytes, hash {hash:x}"),
        }
    }
}

/// Lines of user, count and sum, after a line of names or without one.
fn usage(output: impl Read) -> anyhow::Result<Answer> {
    let mut users = BTreeMap::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        if users.is_empty() && line.starts_with("user_id") {
            continue;
        }
        let mut fields = line.split(',');
        let mut next = || fields.next().with_context(|| format!("`{line}` has fewer than three fields"));
        let (user, count, sum) = (next()?.parse()?, next()?.parse()?, next()?.parse()?);
        anyhow::ensure!(users.insert(user, OfUser { count, sum }).is_none(), "user {user} twice");
    }
    anyhow::ensure!(!users.is_empty(), "it is empty");
    Ok(Answer::Usage(users))
}

fn lines(output: impl Read) -> anyhow::Result<Answer> {
    let (mut reader, mut hasher) = (BufReader::with_capacity(1 << 16, output), DefaultHasher::new());
    let (mut lines, mut bytes) = (0, 0);
    loop {
        let piece = match reader.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if piece.is_empty() {
            return Ok(Answer::Lines { lines, bytes, hash: hasher.finish() });
        }
        for byte in piece {
            hasher.write_u8(*byte);
            lines += u64::from(*byte == b'\n');
        }
        let length = piece.len();
        bytes += length as u64;
        reader.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_by_value() {
        let answer = |text: &str| usage(text.as_bytes()).unwrap();
        let exact = answer("user_id,count,sum(value)\n1,2,0.3\n2,1,5\n");
        assert!(exact.agrees(&answer("2,1,5.0\n1,2,0.30000000000000004\n")));
        assert!(!exact.agrees(&answer("2,1,5\n")) && !exact.agrees(&answer("1,2,0.3\n2,1,5.1\n")));
        assert!(
            !exact.agrees(&answer("1,3,0.3\n2,1,5\n"))
                && !exact.agrees(&lines("1,2,0.3\n".as_bytes()).unwrap())
        );
        for text in ["", "1,2", "1,2,x", "1,2,3\n1,2,3"] {
            assert!(usage(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn printed_lines_are_compared_by_their_bytes() {
        let answer = |text: &str| lines(text.as_bytes()).unwrap();
        assert!(answer("one\ntwo\n").agrees(&answer("one\ntwo\n")));
        assert!(
            !answer("one\ntwo\n").agrees(&answer("two\none\n")) && !answer("one\n").agrees(&answer("one"))
        );
    }
}
