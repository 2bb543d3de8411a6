//! A client that speaks TLS, one step at a time.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use tls::SelfSigned;

/// Whom a client trusts and what it shows; shared by clients that may take up each other's sessions.
#[derive(Clone)]
pub(crate) struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Any of these certificates.
    pub(crate) fn in_all(servers: &[&SelfSigned]) -> Self {
        Self::made(servers, None, rustls::ALL_VERSIONS)
    }

    /// The same, with one version alone.
    pub(crate) fn with_version(server: &SelfSigned, version: &'static SupportedProtocolVersion) -> Self {
        Self::made(&[server], None, &[version])
    }

    /// The same, and a certificate of its own is shown when it is asked for.
    pub(crate) fn showing(server: &SelfSigned, own: &SelfSigned) -> Self {
        Self::made(&[server], Some(own), rustls::ALL_VERSIONS)
    }

    /// What a client of HTTP/2 begins by.
    pub(crate) fn by_http2(&self) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.0);
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }

    fn made(
        servers: &[&SelfSigned],
        own: Option<&SelfSigned>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        for server in servers {
            roots.add(certificate(server)).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        Self(Arc::new(match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![certificate(own)], key).unwrap()
            }
        }))
    }
}

/// What a server or a client shows.
pub(crate) fn certificate(made: &SelfSigned) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap()
}

/// A connection whose handshake is done.
pub(crate) struct Client(StreamOwned<ClientConnection, TcpStream>);

impl Client {
    /// Connects and asks for `name` by SNI.
    pub(crate) fn connect(address: &str, name: &str, trust: &Trust) -> io::Result<Self> {
        Self::connect_behind("", address, name, trust)
    }

    /// The same behind these bytes.
    pub(crate) fn connect_behind(before: &str, address: &str, name: &str, trust: &Trust) -> io::Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        socket.write_all(before.as_bytes())?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(trust.0.clone(), name).map_err(io::Error::other)?;
        connection.complete_io(&mut socket)?;
        Ok(Self(StreamOwned::new(connection, socket)))
    }

    /// Sends a request and gives the whole answer, head and body; every answer here says how long it is.
    pub(crate) fn ask(&mut self, request: &str) -> io::Result<String> {
        self.0.write_all(request.as_bytes())?;
        self.answer()
    }

    /// Reads one answer, whose body, if any, has a length.
    pub(crate) fn answer(&mut self) -> io::Result<String> {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            text.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&text).to_ascii_lowercase();
        let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.split_once("\r\n"));
        let length = length.map_or(0, |(digits, _)| digits.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        text.extend(body);
        String::from_utf8(text).map_err(io::Error::other)
    }

    /// Both directions as bytes.
    pub(crate) fn stream(&mut self) -> &mut StreamOwned<ClientConnection, TcpStream> {
        &mut self.0
    }

    /// Whether keys of an earlier connection were taken up.
    pub(crate) fn is_resumed(&self) -> bool {
        self.0.conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Whether the server showed this certificate.
    pub(crate) fn was_shown(&self, made: &SelfSigned) -> bool {
        self.0.conn.peer_certificates().is_some_and(|chain| chain[0] == certificate(made))
    }
}
