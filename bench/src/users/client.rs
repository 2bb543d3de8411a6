//! One kept connection that asks and waits: for preparing and checking, not for measuring.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context;

use crate::load::whole_body;

/// A write that waits for the disk behind many others is answered within this.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// A connection with a token or key.
pub(crate) struct Client {
    stream: TcpStream,
    token: String,
    /// What has arrived and was not taken.
    rest: Vec<u8>,
}

impl Client {
    /// Connects.
    pub(crate) fn open(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        Ok(Self { stream, token: token.to_owned(), rest: Vec::new() })
    }

    /// Asks; returns status and body.
    pub(crate) fn get(&mut self, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        self.call(&format!("GET {path} HTTP/1.1\r\n{}\r\n", self.fields()))
    }

    /// Sends JSON; returns what the answer of 201 says.
    pub(crate) fn create(&mut self, path: &str, body: &str) -> anyhow::Result<serde_json::Value> {
        let fields = self.fields();
        let length = body.len();
        let (status, answer) = self.call(&format!(
            "POST {path} HTTP/1.1\r\n{fields}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ))?;
        anyhow::ensure!(status == 201, "{path} answered {status}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).with_context(|| format!("the answer of {path}"))
    }

    fn fields(&self) -> String {
        format!("Host: api.example.com\r\nAuthorization: Bearer {}\r\n", self.token)
    }

    fn call(&mut self, request: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        self.stream.write_all(request.as_bytes())?;
        let mut buffer = [0; 16 * 1024];
        loop {
            if let Some((status, body, used)) = whole_answer(&self.rest)? {
                self.rest.drain(..used);
                return Ok((status, body));
            }
            let length = self.stream.read(&mut buffer)?;
            anyhow::ensure!(length > 0, "closed before the answer");
            self.rest.extend_from_slice(&buffer[..length]);
        }
    }
}

/// Status, body and length of the answer at the start of `bytes`, if all of it is there.
fn whole_answer(bytes: &[u8]) -> anyhow::Result<Option<(u16, Vec<u8>, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut answer = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head) = answer.parse(bytes)? else { return Ok(None) };
    let status = answer.code.context("an answer without a status")?;
    let body = whole_body(answer.headers, &bytes[head..]).map_err(anyhow::Error::msg)?;
    Ok(body.map(|(body, used)| (status, body, head + used)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_when_it_is_whole() {
        let bytes = b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabcHTTP";
        assert_eq!(whole_answer(&bytes[..bytes.len() - 5]).unwrap(), None);
        assert_eq!(whole_answer(bytes).unwrap(), Some((404, b"abc".to_vec(), bytes.len() - 4)));
        assert!(whole_answer(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn one_connection_asks_again_and_again() {
        let mut client = Client::open(crate::origin::spawn_for_tests(), "secret").unwrap();
        for _ in 0..2 {
            let (status, body) = client.get("/mirror").unwrap();
            assert_eq!(status, 200);
            assert!(String::from_utf8(body).unwrap().contains("Authorization: Bearer secret\r\n"));
            assert_eq!(client.get("/nothing").unwrap().0, 404);
        }
    }
}
