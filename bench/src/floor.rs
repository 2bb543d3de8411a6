//! The floor: the least a proxy can do and still forward the same bytes. One tokio thread, httparse, a local pool; no routes, no
//! limits, no checks, no log. What any proxy here costs beyond it is what its features cost.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Pool = Rc<RefCell<Vec<TcpStream>>>;

/// Listens on `listen`, prints it, and forwards to `origin` until killed.
pub(crate) fn run(listen: SocketAddr, origin: SocketAddr) -> anyhow::Result<()> {
    crate::os::raise_file_limit()?;
    serve(std::net::TcpListener::bind(listen)?, origin)
}

fn serve(listener: std::net::TcpListener, origin: SocketAddr) -> anyhow::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::from_std(listener)?;
        let pool = Pool::default();
        loop {
            let (client, _) = listener.accept().await?;
            client.set_nodelay(true)?;
            // A client that leaves or misbehaves ends its own task only.
            tokio::task::spawn_local(forward(client, origin, Rc::clone(&pool)));
        }
    })
}

async fn forward(mut client: TcpStream, origin: SocketAddr, pool: Pool) -> Option<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let request = read_head(&mut client, &mut buffer, request_head).await?;
        let pooled = pool.borrow_mut().pop();
        let mut upstream = match pooled {
            Some(upstream) => upstream,
            None => connect(origin).await?,
        };
        relay(&mut client, &mut upstream, &mut buffer, &request).await?;
        let response = read_head(&mut upstream, &mut buffer, response_head).await?;
        relay(&mut upstream, &mut client, &mut buffer, &response).await?;
        if response.status == Some(101) {
            return tokio::io::copy_bidirectional(&mut client, &mut upstream).await.ok().map(drop);
        }
        pool.borrow_mut().push(upstream);
    }
}

/// What must be known of a head to forward it and its body.
struct Head {
    bytes: usize,
    body_bytes: usize,
    status: Option<u16>,
    /// Bytes read so far, head and body.
    filled: usize,
}

async fn read_head(
    from: &mut TcpStream,
    buffer: &mut [u8],
    parse: fn(&[u8]) -> Option<Head>,
) -> Option<Head> {
    let mut filled = 0;
    loop {
        match from.read(&mut buffer[filled..]).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => filled += length,
        }
        if let Some(head) = parse(&buffer[..filled]) {
            return Some(Head { filled, ..head });
        }
    }
}

async fn relay(from: &mut TcpStream, to: &mut TcpStream, buffer: &mut [u8], head: &Head) -> Option<()> {
    to.write_all(&buffer[..head.filled]).await.ok()?;
    let mut left = (head.bytes + head.body_bytes).checked_sub(head.filled)?;
    while left > 0 {
        let most = left.min(buffer.len());
        let length = from.read(&mut buffer[..most]).await.ok().filter(|length| *length > 0)?;
        to.write_all(&buffer[..length]).await.ok()?;
        left -= length;
    }
    Some(())
}

fn request_head(bytes: &[u8]) -> Option<Head> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let length = request.parse(bytes).ok()?;
    head(length, None, request.headers)
}

fn response_head(bytes: &[u8]) -> Option<Head> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let length = response.parse(bytes).ok()?;
    head(length, response.code, response.headers)
}

fn head(
    length: httparse::Status<usize>,
    status: Option<u16>,
    fields: &[httparse::Header<'_>],
) -> Option<Head> {
    let httparse::Status::Complete(bytes) = length else { return None };
    let stated = fields.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let body_bytes =
        stated.and_then(|field| std::str::from_utf8(field.value).ok()?.parse().ok()).unwrap_or(0);
    Some(Head { bytes, body_bytes, status, filled: 0 })
}

async fn connect(origin: SocketAddr) -> Option<TcpStream> {
    let upstream = TcpStream::connect(origin).await.ok()?;
    upstream.set_nodelay(true).ok()?;
    Some(upstream)
}

/// A floor in a thread that lasts as long as the test process.
#[cfg(test)]
pub(crate) fn spawn_for_tests(origin: SocketAddr) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || serve(listener, origin).map_err(|error| panic!("{error:#}")));
    address
}
