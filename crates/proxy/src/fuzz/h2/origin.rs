//! An origin that sends back what it is sent, piece by piece, trailers and all.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const END: &[u8] = b"\r\n\r\n";
/// Least room there is for what is received at once.
const PIECE_BYTES: usize = 4_096;
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Answers all who come. `moved` counts what happens, so that others can see whether something does.
pub(super) async fn answer_all(listener: TcpListener, moved: Rc<Cell<u64>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let moved = moved.clone();
        // One that a client gives up may end as it likes.
        tokio::task::spawn_local(async move { answer(stream, &moved).await.unwrap_or_default() });
    }
}

async fn answer(mut stream: TcpStream, moved: &Cell<u64>) -> io::Result<()> {
    // Ticks go by faster here than the kernel's clock.
    stream.set_nodelay(true)?;
    let mut bytes = Vec::new();
    let head = loop {
        receive(&mut stream, &mut bytes, moved).await?;
        if let Some(at) = bytes.windows(END.len()).position(|end| end == END) {
            break bytes.drain(..at + END.len()).collect::<Vec<u8>>();
        }
    };
    let head = head.to_ascii_lowercase();
    let says = |text: &[u8]| head.windows(text.len()).any(|part| part == text);
    stream.write_all(HEAD).await?;
    if says(b"transfer-encoding: chunked") {
        // Nothing of what is sent looks like the end but the end.
        let mut is_over = bytes.ends_with(END);
        stream.write_all(&bytes).await?;
        while !is_over {
            bytes.drain(..bytes.len().saturating_sub(END.len()));
            let count = receive(&mut stream, &mut bytes, moved).await?;
            stream.write_all(&bytes[bytes.len() - count..]).await?;
            moved.set(moved.get() + 1);
            is_over = bytes.ends_with(END);
        }
    } else if !head.starts_with(b"head") {
        stream.write_all(b"1\r\n.\r\n0\r\nx-trailer: 1\r\n\r\n").await?;
    }
    stream.shutdown().await?;
    // What is unread would reset the connection.
    while receive(&mut stream, &mut bytes, moved).await.is_ok() {}
    Ok(())
}

async fn receive(stream: &mut TcpStream, bytes: &mut Vec<u8>, moved: &Cell<u64>) -> io::Result<usize> {
    bytes.reserve(PIECE_BYTES);
    let count = stream.read_buf(bytes).await?;
    moved.set(moved.get() + 1);
    if count == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(count) }
}
