//! A service that speaks TLS, answers by script, and remembers who came.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use tls::{SelfSigned, Session};

/// Longest wait for what a connection is to do.
const WAIT: Duration = Duration::from_secs(20);

/// One connection whose handshake is done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visit {
    /// The name asked for by SNI.
    pub(crate) name: Option<String>,
    pub(crate) protocol: Option<Vec<u8>>,
    pub(crate) resumed: bool,
    /// Subject of the certificate shown.
    pub(crate) client: Option<String>,
    pub(crate) requests: usize,
    /// An answer was sent that nobody had asked for.
    pub(crate) unasked: bool,
    /// How it ended: whether the other side said that it was the end.
    pub(crate) ended: Option<bool>,
}

/// A request, its body as a whole.
pub(crate) struct Asked {
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
}

/// What becomes of a connection behind an answer.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Then {
    Keep,
    /// An answer to nothing comes behind it.
    Unasked,
    /// Closed as it should be.
    Close,
    /// Closed without a word: whoever stands in between could have done that.
    Cut,
    /// All that comes goes back, until the other side says that it is the end.
    Echo,
}

pub(crate) type Script = fn(&Asked) -> (Vec<u8>, Then);

/// An answer of known length.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// Always the same.
pub(crate) fn always_ok(_: &Asked) -> (Vec<u8>, Then) {
    (ok(b"ok"), Then::Keep)
}

#[derive(Default)]
struct Shared {
    accepted: Mutex<usize>,
    visits: Mutex<Vec<Visit>>,
    changed: Condvar,
}

/// It goes on until the test ends.
pub(crate) struct SecuredOrigin {
    address: String,
    shared: Arc<Shared>,
}

trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

impl SecuredOrigin {
    /// On a free port, with this certificate, both versions, and clients that need show nothing.
    pub(crate) fn start(own: &SelfSigned, script: Script) -> Self {
        Self::with(own, rustls::ALL_VERSIONS, None, script)
    }

    /// With these versions alone, and clients that must show a certificate of this authority's.
    pub(crate) fn with(
        own: &SelfSigned,
        versions: &[&'static SupportedProtocolVersion],
        clients: Option<&[&SelfSigned]>,
        script: Script,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let accept = move || {
            let stream = listener.accept()?.0;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Wire>)
        };
        Self::run(accept, address, config(own, versions, clients), script)
    }

    /// On a Unix socket.
    pub(crate) fn unix(path: &Path, own: &SelfSigned, script: Script) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let accept = move || Ok(Box::new(listener.accept()?.0) as Box<dyn Wire>);
        Self::run(accept, format!("unix:{}", path.display()), config(own, rustls::ALL_VERSIONS, None), script)
    }

    fn run(
        accept: impl Fn() -> io::Result<Box<dyn Wire>> + Send + 'static,
        address: String,
        config: Arc<ServerConfig>,
        script: Script,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let own = shared.clone();
        thread::spawn(move || {
            while let Ok(wire) = accept() {
                *own.accepted.lock().unwrap() += 1;
                let (shared, connection) = (own.clone(), ServerConnection::new(config.clone()).unwrap());
                thread::spawn(move || shared.serve(StreamOwned::new(connection, wire), script));
            }
        });
        Self { address, shared }
    }

    /// As an endpoint is written.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn port(&self) -> &str {
        self.address.rsplit_once(':').unwrap().1
    }

    /// Connections so far, those included whose handshake failed.
    pub(crate) fn accepted(&self) -> usize {
        *self.shared.accepted.lock().unwrap()
    }

    /// Connections whose handshake was done, in their order.
    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.shared.visits.lock().unwrap().clone()
    }

    /// Waits until all that is known of visits fulfills a condition.
    pub(crate) fn wait(&self, what: &str, condition: impl Fn(&[Visit]) -> bool) {
        let visits = self.shared.visits.lock().unwrap();
        let waited = self.shared.changed.wait_timeout_while(visits, WAIT, |visits| !condition(visits));
        let (visits, result) = waited.unwrap();
        assert!(!result.timed_out(), "waited in vain until {what}: {visits:?}");
    }
}

impl Shared {
    fn serve(&self, mut stream: StreamOwned<ServerConnection, Box<dyn Wire>>, script: Script) {
        while stream.conn.is_handshaking() {
            if stream.conn.complete_io(&mut stream.sock).is_err() {
                return;
            }
        }
        let session = Session::of(&stream.conn);
        let visit = Visit {
            name: stream.conn.server_name().map(str::to_owned),
            protocol: stream.conn.alpn_protocol().map(<[u8]>::to_vec),
            resumed: session.resumed,
            client: session.client.map(|client| client.subject),
            ..Visit::default()
        };
        let at = {
            let mut visits = self.visits.lock().unwrap();
            visits.push(visit);
            visits.len() - 1
        };
        let end = self.converse(at, &mut stream, script);
        // The socket is closed before anybody hears of it.
        drop(stream);
        self.note(at, |visit| visit.ended = Some(end.is_ok()));
    }

    fn converse(
        &self,
        at: usize,
        stream: &mut StreamOwned<ServerConnection, Box<dyn Wire>>,
        script: Script,
    ) -> io::Result<()> {
        while let Some(asked) = request(stream)? {
            self.note(at, |visit| visit.requests += 1);
            let (answer, then) = script(&asked);
            stream.write_all(&answer)?;
            stream.flush()?;
            match then {
                Then::Keep => continue,
                Then::Unasked => {
                    stream.write_all(&ok(b"unasked"))?;
                    stream.flush()?;
                    self.note(at, |visit| visit.unasked = true);
                    continue;
                }
                Then::Cut => return Ok(()),
                Then::Close => {}
                Then::Echo => {
                    let mut bytes = [0; 1024];
                    loop {
                        let count = stream.read(&mut bytes)?;
                        if count == 0 {
                            break;
                        }
                        stream.write_all(&bytes[..count])?;
                        stream.flush()?;
                    }
                }
            }
            stream.conn.send_close_notify();
            return stream.flush();
        }
        Ok(())
    }

    fn note(&self, at: usize, change: impl FnOnce(&mut Visit)) {
        change(&mut self.visits.lock().unwrap()[at]);
        self.changed.notify_all();
    }
}

/// The next request; `None`: the other side said that there is none.
fn request(stream: &mut impl Read) -> io::Result<Option<Asked>> {
    let Some(head) = until(stream, b"\r\n\r\n")? else { return Ok(None) };
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let mut body = vec![0; field("content-length:").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body)?;
    let mut chunk_follows = field("transfer-encoding:").is_some();
    while chunk_follows {
        let size = until(stream, b"\r\n")?.unwrap_or_default();
        let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk)?;
        body.extend_from_slice(&chunk[..size]);
        chunk_follows = size > 0;
    }
    let target = head.split(' ').nth(1).unwrap().to_owned();
    Ok(Some(Asked { target, body }))
}

fn until(stream: &mut impl Read, end: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        let mut byte = [0];
        match stream.read(&mut byte)? {
            0 if bytes.is_empty() => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => bytes.push(byte[0]),
        }
    }
    Ok(Some(bytes))
}

fn config(
    own: &SelfSigned,
    versions: &[&'static SupportedProtocolVersion],
    clients: Option<&[&SelfSigned]>,
) -> Arc<ServerConfig> {
    let certificate =
        |made: &SelfSigned| CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            authorities.iter().for_each(|made| roots.add(certificate(made)).unwrap());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(vec![certificate(own)], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}
