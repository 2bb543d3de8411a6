//! Who vouches for certificates: those that clients show, or those of upstreams.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::pem;

/// One or more authorities. Two are equal when their certificates are.
#[derive(Clone)]
pub struct Authority {
    certificates: Vec<CertificateDer<'static>>,
    pub(crate) roots: Arc<RootCertStore>,
}

/// Why a file holds no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// It holds no certificate.
    #[error("the file has no certificate in PEM")]
    NoCertificate,
    /// A certificate is malformed.
    #[error("a certificate in it is malformed")]
    Malformed,
}

impl Authority {
    /// Reads the certificates of one or more authorities.
    ///
    /// # Errors
    /// See [`AuthorityError`].
    pub fn load(path: &Path) -> Result<Self, AuthorityError> {
        Self::from_pem(&pem::read(path).map_err(AuthorityError::Unreadable)?)
    }

    /// The same, of the file's content.
    ///
    /// # Errors
    /// See [`AuthorityError`].
    pub fn from_pem(bytes: &[u8]) -> Result<Self, AuthorityError> {
        let certificates = CertificateDer::pem_slice_iter(bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| AuthorityError::Malformed)?;
        if certificates.is_empty() {
            return Err(AuthorityError::NoCertificate);
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|_| AuthorityError::Malformed)?;
        }
        Ok(Self { certificates, roots: Arc::new(roots) })
    }
}

impl PartialEq for Authority {
    fn eq(&self, other: &Self) -> bool {
        self.certificates == other.certificates
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("certificates", &self.certificates.len()).finish_non_exhaustive()
    }
}
