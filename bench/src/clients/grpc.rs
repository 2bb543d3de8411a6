//! Unary calls of gRPC: an origin that answers them all alike, and a client that keeps 100 under way.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{RecvStream, client, server};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, LocalSet, spawn_local};

use crate::load::{BEGIN, LoadReport, announce};

/// Bytes of a message behind its prefix: a question, and its answer.
const QUESTION_BYTES: usize = 64;
const ANSWER_BYTES: usize = 128;
const CONNECTIONS: usize = 4;
/// Calls under way on each.
const STREAMS: usize = 25;

/// One run of the client.
#[derive(Args, Clone, Debug)]
pub(crate) struct GrpcOptions {
    /// Address of the proxy.
    #[arg(long)]
    target: SocketAddr,
    /// Measured time, seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Time before anything is counted, seconds.
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,
}

/// A message with its prefix: not compressed, so long.
fn message(bytes: usize) -> Bytes {
    let length = u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    Bytes::from([&[0], &length[..], &vec![b'm'; bytes]].concat())
}

/// Listens, prints the address, and answers until killed.
pub(crate) fn serve(listen: SocketAddr) -> anyhow::Result<()> {
    on_one_thread(async move {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
        announce(&listener.local_addr()?.to_string())?;
        loop {
            let (socket, _) = listener.accept().await.context("accepting a connection")?;
            socket.set_nodelay(true)?;
            spawn_local(answer_all(socket));
        }
    })
}

async fn answer_all(socket: TcpStream) {
    let mut builder = server::Builder::new();
    builder.max_concurrent_streams(1000).initial_window_size(1 << 20).initial_connection_window_size(1 << 24);
    let Ok(mut connection) = builder.handshake::<_, Bytes>(socket).await else { return };
    let answer = message(ANSWER_BYTES);
    while let Some(Ok((request, respond))) = connection.accept().await {
        spawn_local(answer_one(request.into_body(), respond, answer.clone()));
    }
}

/// A call that is taken back is nobody's loss.
async fn answer_one(mut body: RecvStream, mut respond: SendResponse<Bytes>, answer: Bytes) {
    if read(&mut body).await.is_err() {
        return;
    }
    let mut head = Response::new(());
    head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    let Ok(mut stream) = respond.send_response(head, false) else { return };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    if stream.send_data(answer, false).is_ok() {
        let _ = stream.send_trailers(trailers);
    }
}

/// A whole body.
async fn read(body: &mut RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut whole = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

/// Calls, prints the report as one line of JSON, and fails when any answer was wrong.
pub(crate) fn call(options: &GrpcOptions) -> anyhow::Result<()> {
    let options = options.clone();
    on_one_thread(async move {
        let counted = Rc::new(Cell::new(0_u64));
        let mut callers = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let sender = connect(options.target).await?;
            for _ in 0..STREAMS {
                callers.spawn_local(call_again(sender.clone(), options.target, counted.clone()));
            }
        }
        let warm_up = tokio::time::sleep(Duration::from_secs_f64(options.warm_up));
        unless_one_fails(&mut callers, warm_up).await?;
        let (start, before) = (Instant::now(), counted.get());
        announce(BEGIN)?;
        let measured = tokio::time::sleep(Duration::from_secs_f64(options.seconds));
        unless_one_fails(&mut callers, measured).await?;
        let (requests, seconds) = (counted.get() - before, start.elapsed().as_secs_f64());
        announce(&serde_json::to_string(&LoadReport { requests, seconds, ..LoadReport::default() })?)?;
        Ok(())
    })
}

async fn connect(target: SocketAddr) -> anyhow::Result<SendRequest<Bytes>> {
    let socket = TcpStream::connect(target).await.with_context(|| format!("connecting to {target}"))?;
    socket.set_nodelay(true)?;
    let (sender, connection) = client::handshake(socket).await?;
    spawn_local(async move {
        // Whoever has a call under way is told.
        let _ = connection.await;
    });
    Ok(sender)
}

/// Waits for `time`, or for the first caller that ends: they end only by failing.
async fn unless_one_fails(
    callers: &mut JoinSet<anyhow::Result<()>>,
    time: tokio::time::Sleep,
) -> anyhow::Result<()> {
    let mut time = std::pin::pin!(time);
    std::future::poll_fn(|context| {
        if let std::task::Poll::Ready(Some(ended)) = callers.poll_join_next(context) {
            return std::task::Poll::Ready(ended.map_err(anyhow::Error::from).flatten());
        }
        time.as_mut().poll(context).map(Ok)
    })
    .await
}

async fn call_again(
    sender: SendRequest<Bytes>,
    target: SocketAddr,
    counted: Rc<Cell<u64>>,
) -> anyhow::Result<()> {
    let (question, right) = (message(QUESTION_BYTES), message(ANSWER_BYTES));
    let mut head = Request::new(());
    *head.method_mut() = Method::POST;
    *head.version_mut() = Version::HTTP_2;
    *head.uri_mut() = format!("http://{target}/bench.Orders/Show").parse()?;
    for (name, value) in [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("user-agent", "grpc-bench/1.0"),
        ("grpc-accept-encoding", "identity, deflate, gzip"),
        ("authorization", "Bearer 7f3c9a51d2e84b60a1c5f7e9031b6d48"),
    ] {
        head.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let mut sender = sender;
    loop {
        sender = sender.ready().await?;
        let (answer, mut body) = sender.send_request(head.clone(), false)?;
        body.send_data(question.clone(), true)?;
        let answer = answer.await?;
        anyhow::ensure!(answer.status() == 200, "status {}", answer.status());
        let mut body = answer.into_body();
        let found = read(&mut body).await?;
        anyhow::ensure!(found == right, "an answer of {} bytes, not {}", found.len(), right.len());
        let trailers = body.trailers().await?.context("an answer without trailers")?;
        let status = trailers.get("grpc-status");
        anyhow::ensure!(status.is_some_and(|status| status == "0"), "grpc-status {status:?}");
        counted.set(counted.get() + 1);
    }
}

fn on_one_thread(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_its_length() {
        assert_eq!(message(3)[..], [0, 0, 0, 0, 3, b'm', b'm', b'm']);
    }
}
