//! A well-behaved client, and what it was answered.

use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// Longest wait for anything.
const WAIT: Duration = Duration::from_secs(20);

/// A connection. It is looked after only while something is asked.
pub(crate) struct Client {
    runtime: Runtime,
    pub(crate) send: SendRequest<Bytes>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A request for `test`.
pub(crate) fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("http://test{path}"))
}

impl Client {
    pub(crate) fn connect(address: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let send = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let (send, connection) = h2::client::handshake(stream).await.unwrap();
            tokio::spawn(async move {
                // Its end is seen by whoever asks.
                let _ = connection.await;
            });
            send
        });
        Self { runtime, send }
    }

    /// Runs something with the connection looked after.
    pub(crate) fn run<T>(&mut self, act: impl AsyncFnOnce(SendRequest<Bytes>) -> T) -> T {
        let send = self.send.clone();
        let limited = async { tokio::time::timeout(WAIT, act(send)).await };
        self.runtime.block_on(limited).expect("an answer comes in time")
    }

    /// Sends a request, with a body if there is one, and takes the whole answer.
    pub(crate) fn ask(&mut self, request: Request<()>, body: Option<&[u8]>) -> Result<Answer, h2::Error> {
        let body = body.map(Bytes::copy_from_slice);
        self.run(async |send| {
            let mut send = send.ready().await?;
            let (answer, mut sending) = send.send_request(request, body.is_none())?;
            if let Some(body) = body {
                sending.send_data(body, true)?;
            }
            let (head, stream) = answer.await?.into_parts();
            let (body, _) = read(stream).await?;
            Ok(Answer { status: head.status.as_u16(), fields: head.headers, body })
        })
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.ask(request("GET", path).body(()).unwrap(), None).unwrap()
    }
}

/// Waits until the gateway has offered tunnels (RFC 8441 §3).
pub(crate) async fn when_tunnels_are_offered(send: SendRequest<Bytes>) -> SendRequest<Bytes> {
    let send = send.ready().await.unwrap();
    while !send.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    send
}

/// Sends words on a tunnel to somebody who sends them back.
pub(crate) async fn exchange_words(sending: &mut SendStream<Bytes>, stream: &mut RecvStream) {
    for word in ["one", "two"] {
        sending.send_data(word.into(), false).unwrap();
        assert_eq!(stream.data().await.unwrap().unwrap(), word);
    }
}

/// Reads a body to its end.
pub(crate) async fn read(mut stream: RecvStream) -> Result<(Vec<u8>, Option<HeaderMap>), h2::Error> {
    let mut body = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        body.extend_from_slice(&data);
    }
    Ok((body, stream.trailers().await?))
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.to_str().unwrap())
    }
}
