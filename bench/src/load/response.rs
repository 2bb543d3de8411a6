//! Reads one answer and says whether it is the right one.

use super::body::whole_body;
use super::work::{ECHO_BYTES, Work, is_accepted, is_echo};

/// Reads the answers of one connection, one after another.
pub(crate) struct Response {
    work: Work,
    state: State,
    /// A head or frame of which a part has arrived.
    rest: Vec<u8>,
}

enum State {
    Head,
    Body { left: usize },
    Handshake,
    Echo,
}

/// What the bytes so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More is to come.
    Partial,
    /// The answer is whole and right.
    Whole,
}

/// A head longer than this is not an answer of ours, bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

impl Response {
    /// A reader for a connection that does `work`; with WebSocket, the handshake's answer comes first.
    pub(crate) fn new(work: Work) -> Self {
        let state = if work == Work::Websocket { State::Handshake } else { State::Head };
        Self { work, state, rest: Vec::new() }
    }

    /// Takes what arrived.
    ///
    /// # Errors
    ///
    /// A sentence, when the answer is wrong or more arrived than was asked for.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Result<Progress, String> {
        if let State::Body { left } = self.state {
            return self.body(left, input.len());
        }
        if self.rest.is_empty() {
            return self.element(input);
        }
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(input);
        self.element(&bytes)
    }

    fn element(&mut self, bytes: &[u8]) -> Result<Progress, String> {
        match self.state {
            State::Echo => self.echo(bytes),
            _ => self.head(bytes),
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Progress, String> {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut fields);
        let length = match response.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Ok(self.keep(bytes)),
            Ok(httparse::Status::Partial) => return Err("a head without an end".into()),
            Err(error) => return Err(format!("no HTTP: {error}: {}", excerpt(bytes))),
        };
        let field = |name: &str| {
            response
                .headers
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(name))
                .map(|field| field.value)
        };
        if matches!(self.state, State::Handshake) {
            let accepted = field("sec-websocket-accept").is_some_and(is_accepted);
            if response.code != Some(101) || !accepted || length != bytes.len() {
                return Err(format!("handshake refused: {}", excerpt(bytes)));
            }
            self.state = State::Echo;
            return Ok(Progress::Whole);
        }
        let stated: Option<usize> =
            field("content-length").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let closes = field("connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
        let (code, status) = (response.code, self.work.answer_status());
        if let Some(text) = self.work.answer_text()
            && (code, closes) == (Some(status), false)
        {
            return self.text(response.headers, bytes, length, text);
        }
        let wanted = self.work.answer_bytes().or(stated).unwrap_or(0);
        if code != Some(status) || stated != Some(wanted) {
            return Err(format!("not a {status} of {wanted} bytes: {}", excerpt(bytes)));
        }
        if closes {
            return Err("the connection is not kept".into());
        }
        match self.work.answer_users() {
            // What is inside can be looked at only when all of it is there.
            Some(_) if bytes.len() < length + wanted => Ok(self.keep(bytes)),
            Some(users) if count_users(&bytes[length..]) != users => {
                Err(format!("not {users} users: {}", excerpt(bytes)))
            }
            _ => self.body(wanted, bytes.len() - length),
        }
    }

    /// The whole of an answer whose text is known, after a head of `length` bytes.
    fn text(
        &mut self,
        fields: &[httparse::Header<'_>],
        bytes: &[u8],
        length: usize,
        (start, end): (&str, &str),
    ) -> Result<Progress, String> {
        let Some((body, used)) = whole_body(fields, &bytes[length..])? else { return Ok(self.keep(bytes)) };
        let is_right = body.starts_with(start.as_bytes()) && body.ends_with(end.as_bytes());
        if is_right && length + used == bytes.len() {
            Ok(Progress::Whole)
        } else {
            Err(format!("not the text: {}", excerpt(bytes)))
        }
    }

    fn body(&mut self, left: usize, arrived: usize) -> Result<Progress, String> {
        let left = left.checked_sub(arrived).ok_or("more bytes than the answer has")?;
        self.state = if left == 0 { State::Head } else { State::Body { left } };
        Ok(if left == 0 { Progress::Whole } else { Progress::Partial })
    }

    fn echo(&mut self, bytes: &[u8]) -> Result<Progress, String> {
        if bytes.len() < ECHO_BYTES {
            return Ok(self.keep(bytes));
        }
        if is_echo(bytes) { Ok(Progress::Whole) } else { Err(format!("not our message: {}", excerpt(bytes))) }
    }

    fn keep(&mut self, bytes: &[u8]) -> Progress {
        self.rest.extend_from_slice(bytes);
        Progress::Partial
    }
}

/// Every service writes a user's address once, whatever else it says of it.
fn count_users(body: &[u8]) -> usize {
    memchr::memmem::find_iter(body, br#""email":"#).count()
}

fn excerpt(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(300)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` whole and byte by byte, and expects the same outcome of both.
    #[track_caller]
    fn check(input: &[u8], expected: &Result<Progress, &str>) {
        check_work(Work::Post, input, expected);
    }

    #[track_caller]
    fn check_work(work: Work, input: &[u8], expected: &Result<Progress, &str>) {
        for step in [input.len(), 1] {
            let mut response = Response::new(work);
            let mut outcome = Ok(Progress::Partial);
            for part in input.chunks(step) {
                outcome = response.feed(part);
                if outcome.is_err() {
                    break;
                }
            }
            match (&outcome, expected) {
                (Err(found), Err(wanted)) => assert!(found.contains(wanted), "{found}"),
                (found, wanted) => assert_eq!(found.as_ref().ok(), wanted.as_ref().ok(), "{found:?}"),
            }
        }
    }

    #[test]
    fn the_right_answer_is_whole_at_its_last_byte() {
        check(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n123456789012", &Ok(Progress::Whole));
        check(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n12345678901", &Ok(Progress::Partial));
    }

    #[test]
    fn every_other_answer_is_a_fault() {
        check(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 12\r\n\r\n", &Err("not a 200"));
        check(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n", &Err("not a 200 of 12"));
        check(b"HTTP/1.1 200 OK\r\n\r\n", &Err("not a 200 of 12"));
        check(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 12\r\n\r\n", &Err("not kept"));
        check(b"nonsense\r\n\r\n", &Err("no HTTP"));
    }

    #[test]
    fn an_answer_with_users_must_have_as_many_as_were_asked_for() {
        let one = b"HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n{\"id\":1,\"email\":\"a@\"}";
        check_work(Work::ShowUser, one, &Ok(Progress::Whole));
        check_work(Work::ShowUser, &one[..one.len() - 1], &Ok(Progress::Partial));
        check_work(Work::ListUsers, one, &Err("not 100 users"));
        check_work(Work::CreateUser, one, &Err("not a 201"));
        check_work(Work::ShowUser, b"HTTP/1.1 200 OK\r\n\r\n", &Err("not a 200"));
    }

    #[test]
    fn a_text_may_come_by_length_or_in_chunks() {
        let check_hello = |rest: &str, expected: &Result<Progress, &str>| {
            check_work(Work::Hello, format!("HTTP/1.1 200 OK\r\n{rest}").as_bytes(), expected);
        };
        check_hello("content-length: 18\r\n\r\nHello from /hello\n", &Ok(Progress::Whole));
        let chunks = "transfer-encoding: chunked\r\n\r\n4\r\nHell\r\ne\r\no from /hello\n\r\n0\r\n\r\n";
        check_hello(chunks, &Ok(Progress::Whole));
        check_hello(&chunks[..chunks.len() - 1], &Ok(Progress::Partial));
        check_hello("content-length: 4\r\n\r\nHell", &Err("not the text"));
        check_hello("connection: close\r\ncontent-length: 18\r\n\r\n", &Err("the connection is not kept"));
    }

    #[test]
    fn bytes_nobody_asked_for_are_a_fault() {
        let mut response = Response::new(Work::Post);
        assert!(response.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n1234567890123").is_err());
    }
}
