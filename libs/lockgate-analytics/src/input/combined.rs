//! Access logs of NGINX and Apache: the common format, the combined one with referer and agent, either with the virtual host before it.
//!
//! `host:port client - user [21/Nov/2026:01:20:23 +0000] "GET /path?query HTTP/1.1" 200 512 "referer" "agent"`: what a log has behind that
//! is passed over. A request that is none (`-`, or bytes of another protocol) has neither method nor path, and its line still counts.

mod escape;
mod line;

use std::string::String;
use std::vec::Vec;

use memchr::memchr;

use self::line::{Line, Request};
use super::sink::{Rows, Sink};
use crate::query::Plan;
use crate::time::parse_common_log;
use crate::{Cell, Number, TooManyGroups};

const NOT_UTF8: &str = "a text that is not UTF-8";

/// What a line can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Client,
    Host,
    User,
    UserId,
    Time,
    Method,
    Path,
    Query,
    Http,
    Status,
    BytesOut,
    Referer,
    Agent,
    Value,
    Absent,
}

/// The fields of a line.
pub(super) const FIELDS: [&str; 14] = [
    "client",
    "host",
    "user",
    "user_id",
    "ts",
    "method",
    "path",
    "query",
    "http",
    "status",
    "bytes_out",
    "referer",
    "agent",
    "value",
];

impl Field {
    fn of(name: &str) -> Self {
        match name {
            "client" => Self::Client,
            "host" => Self::Host,
            "user" => Self::User,
            "user_id" => Self::UserId,
            "ts" => Self::Time,
            "method" => Self::Method,
            "path" => Self::Path,
            "query" => Self::Query,
            "http" => Self::Http,
            "status" => Self::Status,
            "bytes_out" => Self::BytesOut,
            "referer" => Self::Referer,
            "agent" => Self::Agent,
            "value" => Self::Value,
            _ => Self::Absent,
        }
    }

    fn is_of_request(self) -> bool {
        matches!(self, Self::Method | Self::Path | Self::Query | Self::Http)
    }

    #[inline]
    fn cell<'l>(self, line: &Line<'l>, request: &Request<'l>) -> Result<Cell<'l>, &'static str> {
        let text = match self {
            Self::Value => return Ok(Cell::Number(Number::whole(1))),
            Self::Time => {
                return parse_common_log(line.time.as_bytes()).map(Cell::Time).ok_or("a time that is none");
            }
            Self::Status => return line::whole(line.status),
            Self::BytesOut => return line::whole(line.bytes_out),
            Self::Client => Some(line.client),
            Self::Host => line.host,
            Self::User | Self::UserId => line.user,
            Self::Method => request.method,
            Self::Path => request.path,
            Self::Query => request.query,
            Self::Http => request.http,
            Self::Referer => line.referer,
            Self::Agent => line.agent,
            Self::Absent => None,
        };
        Ok(match text {
            None => Cell::Null,
            Some(text) if self == Self::UserId => {
                Number::parse(text.as_bytes()).map_or(Cell::Text(text), Cell::Number)
            }
            Some(text) => Cell::Text(text),
        })
    }
}

/// Reads lines of an access log.
#[derive(Clone, Debug)]
pub(crate) struct CombinedRows {
    /// By the slots of the plan.
    fields: Vec<Field>,
    needs_request: bool,
    unescaped: String,
}

impl CombinedRows {
    pub(crate) fn new(plan: &Plan) -> Self {
        let fields: Vec<_> = plan.columns().names().iter().map(|name| Field::of(name)).collect();
        let needs_request = fields.iter().any(|field| field.is_of_request());
        Self { fields, needs_request, unescaped: String::new() }
    }

    #[inline]
    fn put(&mut self, text: &str, sink: &mut Sink<'_>) -> Result<Result<(), &'static str>, TooManyGroups> {
        let mut line = match Line::read(text) {
            Ok(line) => line,
            Err(what) => return Ok(Err(what)),
        };
        let mut request = if self.needs_request { Request::read(line.request) } else { Request::default() };
        if memchr(b'\\', text.as_bytes()).is_some() {
            escape::remove(&mut line, &mut request, &mut self.unescaped);
        }
        let mut cells = [Cell::Null; 12];
        let mut many = Vec::new();
        let cells = match cells.get_mut(..self.fields.len()) {
            Some(cells) => cells,
            None => {
                many.resize(self.fields.len(), Cell::Null);
                &mut many[..]
            }
        };
        for (cell, field) in cells.iter_mut().zip(&self.fields) {
            match field.cell(&line, &request) {
                Ok(found) => *cell = found,
                Err(what) => return Ok(Err(what)),
            }
        }
        sink.row(cells).map(Ok)
    }
}

impl Rows for CombinedRows {
    fn read(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), TooManyGroups> {
        let whole = std::str::from_utf8(piece).ok();
        let (mut at, mut number) = (0, 0);
        while at < piece.len() {
            let end = memchr(b'\n', &piece[at..]).map_or(piece.len(), |length| at + length);
            let line = match whole {
                Some(whole) => Ok(&whole[at..end]),
                None => std::str::from_utf8(&piece[at..end]).map_err(|_| NOT_UTF8),
            };
            let outcome = match line.map(|line| line.strip_suffix('\r').unwrap_or(line)) {
                Ok("") => Ok(()),
                Ok(line) => self.put(line, sink)?,
                Err(what) => Err(what),
            };
            if let Err(what) = outcome {
                sink.malformed(number, what);
            }
            (at, number) = (end + 1, number + 1);
        }
        sink.found.lines += number;
        Ok(())
    }
}

/// Whether a line is one of an access log.
pub(super) fn is_line(line: &[u8]) -> bool {
    std::str::from_utf8(line)
        .is_ok_and(|line| Line::read(line).is_ok_and(|line| parse_common_log(line.time.as_bytes()).is_some()))
}

#[cfg(test)]
mod tests;
