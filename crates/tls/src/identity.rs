//! A certificate with its key: what a server proves to be.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::pem;
use crate::policy::provider;

/// A certificate chain, its key, and the names it is for. Two are equal when their chains are.
pub struct Identity {
    pub(crate) certified: Arc<CertifiedKey>,
    names: Vec<Box<str>>,
    not_after: SystemTime,
}

/// Why a certificate and a key are no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The certificate's file cannot be read.
    #[error("the certificate cannot be read: {0}")]
    CertificateUnreadable(#[source] io::Error),
    /// The certificate's file holds none.
    #[error("the file has no certificate in PEM")]
    NoCertificate,
    /// The certificate is malformed.
    #[error("the certificate is malformed")]
    CertificateMalformed,
    /// The key's file cannot be read.
    #[error("the key cannot be read: {0}")]
    KeyUnreadable(#[source] io::Error),
    /// The key's file holds none.
    #[error("the file has no private key in PEM")]
    NoKey,
    /// The key is of a kind that is not used with TLS, or malformed.
    #[error("the private key cannot be used: {0}")]
    KeyUnusable(String),
    /// The key is another certificate's.
    #[error("the key does not belong to the certificate")]
    Mismatch,
}

impl IdentityError {
    /// Whether it is the key's file that is wrong, rather than the certificate's.
    pub fn is_of_key(&self) -> bool {
        matches!(self, Self::KeyUnreadable(_) | Self::NoKey | Self::KeyUnusable(_) | Self::Mismatch)
    }
}

impl Identity {
    /// Reads a chain, the server's own certificate first, and its key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, IdentityError> {
        let certificate = pem::read(certificate).map_err(IdentityError::CertificateUnreadable)?;
        let key = pem::read(key).map_err(IdentityError::KeyUnreadable)?;
        Self::from_pem(&certificate, &key)
    }

    /// The same, of the files' content.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| IdentityError::CertificateMalformed)?;
        let own = chain.first().ok_or(IdentityError::NoCertificate)?;
        let (_, parsed) = X509Certificate::from_der(own).map_err(|_| IdentityError::CertificateMalformed)?;
        let names = dns_names(&parsed);
        let not_after = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| IdentityError::NoKey)?;
        let key = provider()
            .key_provider
            .load_private_key(key)
            .map_err(|error| IdentityError::KeyUnusable(error.to_string()))?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|_| IdentityError::Mismatch)?;
        Ok(Self {
            certified: Arc::new(certified),
            names,
            not_after: SystemTime::UNIX_EPOCH + Duration::from_secs(not_after),
        })
    }

    /// The host names it is for, in lower case; `*.example.com` stands for all names with one label more (RFC 6125 §6.4.3).
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// When it ends to be valid.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }
}

/// The DNS names among its alternative names (RFC 5280 §4.2.1.6). A common name is not looked at, as by clients.
fn dns_names(certificate: &X509Certificate<'_>) -> Vec<Box<str>> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names = alternative.iter().flat_map(|extension| &extension.value.general_names);
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase().into()),
            _ => None,
        })
        .collect()
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("names", &self.names).finish_non_exhaustive()
    }
}
