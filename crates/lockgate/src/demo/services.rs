//! Three sample services, one of them in two versions: small, but real HTTP/1.1.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::{handshake, websocket};

/// Longest line of a head, and longest body, that a service reads, bytes.
const LINE_BYTES_MAX: u64 = 16 << 10;
const BODY_BYTES_MAX: u64 = 16 << 20;
/// How long an order with `slow` in its path takes to find.
const SLOW: Duration = Duration::from_millis(300);

/// Where the sample services listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Services {
    pub(super) orders: SocketAddr,
    pub(super) orders_next: SocketAddr,
    pub(super) inventory: SocketAddr,
    pub(super) letters: SocketAddr,
}

/// Starts the services; they end with the process.
pub(super) fn start() -> io::Result<Services> {
    Ok(Services {
        orders: serve(|request| orders(request, "1"))?,
        orders_next: serve(|request| orders(request, "2"))?,
        inventory: serve(inventory)?,
        letters: serve(letters)?,
    })
}

/// What a service needs to know of a request.
#[derive(Debug, Default)]
struct Request {
    method: String,
    path: String,
    content_length: u64,
    chunked: bool,
    websocket_key: Option<String>,
}

struct Answer {
    status: &'static str,
    /// What the answer is worth, if the service says so.
    units: Option<String>,
    body: String,
}

fn orders(request: &Request, version: &str) -> Answer {
    let order = request.path.rsplit('/').next().unwrap_or_default();
    if order == "slow" {
        thread::sleep(SLOW);
    }
    match order.parse::<u32>() {
        Ok(number) => {
            let state = if number.is_multiple_of(2) { "shipped" } else { "packed" };
            ok(format!(r#"{{"order":{number},"state":"{state}","service":"orders","version":{version}}}"#))
        }
        Err(_) if order == "slow" || request.path == "/orders" => {
            ok(format!(r#"{{"orders":[6,7,8],"service":"orders","version":{version}}}"#))
        }
        Err(_) => {
            Answer { status: "404 Not Found", units: None, body: r#"{"error":"no such order"}"#.into() }
        }
    }
}

fn inventory(request: &Request) -> Answer {
    match request.path.rsplit('/').next().map(str::parse::<u32>) {
        Some(Ok(item)) => {
            ok(format!(r#"{{"item":{item},"stock":{},"service":"inventory"}}"#, item * 7 % 100))
        }
        _ => ok(r#"{"items":[7,8,9],"service":"inventory"}"#.into()),
    }
}

/// Counts the letters of a word, which costs a tenth of a unit each.
fn letters(request: &Request) -> Answer {
    let word = request.path.rsplit('/').next().unwrap_or_default();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    let units = format!("{}.{}", letters / 10, letters % 10);
    let body = format!(r#"{{"letters":{letters},"units":{units},"service":"letters"}}"#);
    Answer { units: Some(units), ..ok(body) }
}

fn ok(body: String) -> Answer {
    Answer { status: "200 OK", units: None, body }
}

/// Serves on a free port, each connection on a thread of its own.
fn serve(answer: impl Fn(&Request) -> Answer + Clone + Send + 'static) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::Builder::new().name("sample-service".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            // Without a thread, or when it fails, the connection is closed: the gateway tells its client.
            let _ = thread::Builder::new()
                .name("sample-service".into())
                .spawn(move || converse(&stream, &answer));
        }
    })?;
    Ok(address)
}

fn converse(stream: &TcpStream, answer: &impl Fn(&Request) -> Answer) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(request) = read_head(&mut reader)? {
        if let Some(key) = &request.websocket_key {
            writer.write_all(handshake::accept(key).as_bytes())?;
            return websocket::echo(&mut reader, &mut writer);
        }
        read_body(&mut reader, &request)?;
        let Answer { status, units, mut body } = answer(&request);
        let units = units.map(|units| format!("X-Units: {units}\r\n")).unwrap_or_default();
        let length = body.len() + 1;
        body = if request.method == "HEAD" { String::new() } else { body + "\n" };
        write!(
            writer,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{units}Content-Length: {length}\r\n\r\n{body}"
        )?;
    }
    Ok(())
}

/// Reads a request's head; `None` at the end of the connection. The gateway sends well-formed ones only.
fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let line = read_line(reader)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let path = target.split('?').next().unwrap_or_default();
    let mut request = Request { method: method.into(), path: path.into(), ..Request::default() };
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(':') else { return Ok(Some(request)) };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => request.content_length = value.parse().map_err(|_| malformed())?,
            "transfer-encoding" => request.chunked = true,
            "sec-websocket-key" => request.websocket_key = Some(value.to_owned()),
            _ => {}
        }
    }
}

/// Reads a body away: content-length or chunked (RFC 9112, section 6).
fn read_body(reader: &mut impl BufRead, request: &Request) -> io::Result<()> {
    if !request.chunked {
        return discard(reader, request.content_length);
    }
    loop {
        let line = read_line(reader)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| malformed())?;
        if size == 0 {
            break;
        }
        discard(reader, size)?;
        read_line(reader)?;
    }
    while !read_line(reader)?.is_empty() {}
    Ok(())
}

fn discard(reader: &mut impl BufRead, bytes: u64) -> io::Result<()> {
    if bytes > BODY_BYTES_MAX {
        return Err(malformed());
    }
    let read = io::copy(&mut reader.take(bytes), &mut io::sink())?;
    if read == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads a line without its end; an empty one at the end of the connection.
fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.take(LINE_BYTES_MAX).read_line(&mut line)?;
    if line.len() as u64 == LINE_BYTES_MAX {
        return Err(malformed());
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

fn malformed() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let request = Request { method: "GET".into(), path: path.into(), ..Request::default() };
        assert_eq!(orders(&request, "2").body, expected, "{path}");
    }

    #[test]
    fn an_order_is_found_by_its_number() {
        check("/orders/7", r#"{"order":7,"state":"packed","service":"orders","version":2}"#);
        check("/orders", r#"{"orders":[6,7,8],"service":"orders","version":2}"#);
        check("/orders/x", r#"{"error":"no such order"}"#);
    }

    #[test]
    fn a_letter_costs_a_tenth() {
        let request = Request { path: "/metered/hello-world".into(), ..Request::default() };
        let answer = letters(&request);
        assert_eq!(answer.body, r#"{"letters":10,"units":1.0,"service":"letters"}"#);
        assert_eq!(answer.units.as_deref(), Some("1.0"));
    }

    #[test]
    fn a_second_request_follows_a_chunked_body() {
        let mut text: &[u8] =
            b"POST /a?b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: 1\r\n\r\n\
            GET /b HTTP/1.1\r\n\r\n";
        let first = read_head(&mut text).unwrap().unwrap();
        assert_eq!((first.path.as_str(), first.chunked), ("/a", true));
        read_body(&mut text, &first).unwrap();
        assert_eq!(read_head(&mut text).unwrap().unwrap().path, "/b");
        assert!(read_head(&mut text).unwrap().is_none());
    }
}
