//! TLS in front of two origins of cleartext: what ALPN agrees on says which of them a connection leads to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::{Notify, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsAcceptor;

/// What it speaks, the first being preferred.
pub(crate) const BOTH: &[&str] = &["h2", "http/1.1"];
pub(crate) const HTTP1: &[&str] = &["http/1.1"];
pub(crate) const HTTP2: &[&str] = &["h2"];
/// It knows nothing of ALPN.
pub(crate) const NOTHING: &[&str] = &[];

/// It goes on until it is dropped.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    config: ServerConfig,
    speaks: Mutex<&'static [&'static str]>,
    agreed: Mutex<Vec<String>>,
    accepted: watch::Sender<usize>,
    /// Whether handshakes wait.
    held: watch::Sender<bool>,
    cut: Notify,
    stop: Notify,
    http1: String,
    http2: String,
}

impl Front {
    /// Before these origins.
    pub(crate) fn start(
        speaks: &'static [&'static str],
        http1: &testkit::Origin,
        http2: &crate::origin::Http2Origin,
    ) -> Self {
        let shared = Arc::new(Shared {
            config: config(),
            speaks: Mutex::new(speaks),
            agreed: Mutex::default(),
            accepted: watch::Sender::new(0),
            held: watch::Sender::new(false),
            cut: Notify::new(),
            stop: Notify::new(),
            http1: http1.address().to_owned(),
            http2: http2.address.to_string(),
        });
        let (tell, told) = std::sync::mpsc::channel();
        let serving = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            LocalSet::new().block_on(&runtime, async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = serving.stop.notified() => {}
                    () = serving.clone().accept(listener) => {}
                }
            });
        });
        Self { address: told.recv().unwrap(), shared, thread: Some(thread) }
    }

    /// Speaks something else from the next handshake on.
    pub(crate) fn speak(&self, speaks: &'static [&'static str]) {
        *self.shared.speaks.lock().unwrap() = speaks;
    }

    /// Closes all connections.
    pub(crate) fn cut(&self) {
        self.shared.cut.notify_waiters();
    }

    /// Lets handshakes wait, or go on.
    pub(crate) fn hold(&self, is_held: bool) {
        self.shared.held.send_replace(is_held);
    }

    /// Connections so far.
    pub(crate) fn accepted(&self) -> usize {
        *self.shared.accepted.borrow()
    }

    /// What each handshake that was done has agreed on.
    pub(crate) fn agreed(&self) -> Vec<String> {
        self.shared.agreed.lock().unwrap().clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.shared.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            self.accepted.send_modify(|count| *count += 1);
            let shared = self.clone();
            spawn_local(async move {
                let mut cut = std::pin::pin!(shared.cut.notified());
                cut.as_mut().enable();
                tokio::select! {
                    () = cut => {}
                    _ = shared.pass(stream) => {}
                }
            });
        }
    }

    async fn pass(&self, stream: TcpStream) -> std::io::Result<()> {
        let _ = self.held.subscribe().wait_for(|is_held| !is_held).await;
        let mut config = self.config.clone();
        let speaks = *self.speaks.lock().unwrap();
        config.alpn_protocols = speaks.iter().map(|name| name.as_bytes().to_vec()).collect();
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
        let agreed = stream.get_ref().1.alpn_protocol().unwrap_or_default().to_vec();
        let origin = if agreed == b"h2" { &self.http2 } else { &self.http1 };
        self.agreed.lock().unwrap().push(String::from_utf8(agreed).unwrap());
        let mut origin = TcpStream::connect(origin).await?;
        origin.set_nodelay(true)?;
        copy_bidirectional(&mut stream, &mut origin).await.map(|_| ())
    }
}

fn config() -> ServerConfig {
    let made = tls::self_signed(&["origin.internal".to_owned()], 2).unwrap();
    let certificate = CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()
}
