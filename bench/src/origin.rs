//! A cheap, exact origin: one thread, one epoll loop, answers made once.

pub(crate) mod answers;
mod exchange;

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use anyhow::Context;

use crate::poll::{Interest, Poll};
use exchange::{Exchange, Piece};

const LISTENER: usize = 0;

/// A client connection and what is still to be written to it.
struct Client {
    stream: TcpStream,
    exchange: Exchange,
    pending: VecDeque<Piece>,
    written: usize,
    interest: Interest,
}

/// What is left to do with a client.
#[derive(PartialEq, Eq)]
enum Next {
    Wait,
    Close,
}

/// Listens, prints the address, and answers until killed.
pub(crate) fn run(listen: SocketAddr) -> anyhow::Result<()> {
    crate::os::raise_file_limit().context("raising the limit of open files")?;
    let listener = TcpListener::bind(listen).with_context(|| format!("listening on {listen}"))?;
    crate::os::widen_backlog(&listener).context("widening the backlog")?;
    println!("{}", listener.local_addr()?);
    serve(&listener)
}

fn serve(listener: &TcpListener) -> anyhow::Result<()> {
    listener.set_nonblocking(true)?;
    let mut poll = Poll::new()?;
    poll.add(listener, LISTENER, Interest::Read)?;
    let mut clients: HashMap<usize, Client> = HashMap::new();
    let mut next_token = LISTENER;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let found = poll.wait(None)?;
        for index in 0..found {
            let token = poll.token(index);
            if token == LISTENER {
                accept_all(listener, &poll, &mut clients, &mut next_token)?;
            } else if let Some(client) = clients.get_mut(&token)
                && client.turn(&poll, token, &mut buffer) == Next::Close
            {
                clients.remove(&token);
            }
        }
    }
}

fn accept_all(
    listener: &TcpListener,
    poll: &Poll,
    clients: &mut HashMap<usize, Client>,
    next_token: &mut usize,
) -> anyhow::Result<()> {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // The client gave up before it was accepted: its affair.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
            Err(error) => return Err(error).context("accepting a connection"),
        };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        *next_token += 1;
        poll.add(&stream, *next_token, Interest::Read)?;
        clients.insert(*next_token, Client::new(stream));
    }
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            exchange: Exchange::default(),
            pending: VecDeque::new(),
            written: 0,
            interest: Interest::Read,
        }
    }

    /// Reads once (epoll is level-triggered and calls again), answers, and writes what fits.
    fn turn(&mut self, poll: &Poll, token: usize, buffer: &mut [u8]) -> Next {
        // Nothing more is read from a client that does not take its answers.
        if self.pending.is_empty() && self.read(buffer) == Next::Close {
            return Next::Close;
        }
        if self.write() == Next::Close {
            return Next::Close;
        }
        let wanted = if self.pending.is_empty() { Interest::Read } else { Interest::ReadWrite };
        if wanted != self.interest {
            self.interest = wanted;
            if poll.modify(&self.stream, token, wanted).is_err() {
                return Next::Close;
            }
        }
        Next::Wait
    }

    fn read(&mut self, buffer: &mut [u8]) -> Next {
        match self.stream.read(buffer) {
            Ok(0) => Next::Close,
            Ok(length) => match self.exchange.feed(&buffer[..length], &mut self.pending) {
                Ok(()) => Next::Wait,
                Err(exchange::Refused) => Next::Close,
            },
            Err(error) if error.kind() == ErrorKind::WouldBlock => Next::Wait,
            Err(_) => Next::Close,
        }
    }

    fn write(&mut self) -> Next {
        while let Some(piece) = self.pending.front() {
            match self.stream.write(&piece[self.written..]) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Next::Wait,
                Err(_) => return Next::Close,
            }
            if self.written == piece.len() {
                self.pending.pop_front();
                self.written = 0;
            }
        }
        Next::Wait
    }
}

/// An origin in a thread that lasts as long as the test process.
#[cfg(test)]
pub(crate) fn spawn_for_tests() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || serve(&listener).map_err(|error| panic!("{error:#}")));
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelined_requests_are_answered_in_order_over_a_socket() {
        let mut client = TcpStream::connect(spawn_for_tests()).unwrap();
        client
            .write_all(b"GET /1m HTTP/1.1\r\nhost: a\r\n\r\nGET /nothing HTTP/1.1\r\nhost: a\r\n\r\n")
            .unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // The half-closed connection ends only after both answers.
        let _ = client.read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
        assert!(answer.len() > 1024 * 1024);
        let tail = String::from_utf8_lossy(&answer[answer.len() - 200..]).into_owned();
        assert!(tail.contains("HTTP/1.1 404 Not Found"), "{tail}");
    }
}
