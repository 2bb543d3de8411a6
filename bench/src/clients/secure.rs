//! A client of TLS that takes one certificate and no other.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::Context;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    SupportedProtocolVersion,
};

use super::identity::HOST;

/// A connection of TLS, its handshake done by the first write.
pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Whether the server's signature is looked at. Where handshakes are counted it is not: the client shares its core with the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signatures {
    Checked,
    Taken,
}

/// How keys are agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    /// X25519, and P-256 for HAProxy, which by TLS 1.2 speaks nothing else unasked.
    Ordinary,
    /// X25519MLKEM768 and X25519, as browsers offer them.
    Hybrid,
}

/// What a client is to be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) version: &'static SupportedProtocolVersion,
    /// By ALPN.
    pub(crate) protocol: &'a str,
    pub(crate) groups: Groups,
    pub(crate) signatures: Signatures,
    /// Whether sessions are resumed.
    pub(crate) resumes: bool,
}

/// A client by `terms` that takes the certificate in `folder` alone.
pub(crate) fn config(terms: &Terms<'_>, folder: &Path) -> anyhow::Result<Arc<ClientConfig>> {
    let path = folder.join("certificate.pem");
    let certificate =
        CertificateDer::from_pem_file(&path).with_context(|| format!("reading {}", path.display()))?;
    let provider = provider(terms.groups);
    let verifier = Expected { certificate, signatures: terms.signatures, provider: provider.clone() };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[terms.version])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![terms.protocol.into()];
    config.resumption =
        if terms.resumes { Resumption::in_memory_sessions(8) } else { Resumption::disabled() };
    Ok(Arc::new(config))
}

/// Connects; the handshake is done by the first write.
pub(crate) fn connect(target: SocketAddr, config: &Arc<ClientConfig>) -> anyhow::Result<Stream> {
    let socket = TcpStream::connect(target).with_context(|| format!("connecting to {target}"))?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let name = ServerName::try_from(HOST).expect("it is a host name");
    Ok(StreamOwned::new(ClientConnection::new(config.clone(), name)?, socket))
}

fn provider(groups: Groups) -> Arc<CryptoProvider> {
    static ORDINARY: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        let kx_groups = vec![aws_lc_rs::kx_group::X25519, aws_lc_rs::kx_group::SECP256R1];
        Arc::new(CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() })
    });
    static HYBRID: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        let kx_groups = vec![aws_lc_rs::kx_group::X25519MLKEM768, aws_lc_rs::kx_group::X25519];
        Arc::new(CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() })
    });
    match groups {
        Groups::Ordinary => ORDINARY.clone(),
        Groups::Hybrid => HYBRID.clone(),
    }
}

/// Takes one certificate.
#[derive(Debug)]
struct Expected {
    certificate: CertificateDer<'static>,
    signatures: Signatures,
    provider: Arc<CryptoProvider>,
}

impl Expected {
    fn judge(
        &self,
        verify: impl FnOnce(&WebPkiSupportedAlgorithms) -> Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.signatures {
            Signatures::Taken => Ok(HandshakeSignatureValid::assertion()),
            Signatures::Checked => verify(&self.provider.signature_verification_algorithms),
        }
    }
}

impl ServerCertVerifier for Expected {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::General("another certificate".into()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge(|algorithms| verify_tls12_signature(message, certificate, signature, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge(|algorithms| verify_tls13_signature(message, certificate, signature, algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
