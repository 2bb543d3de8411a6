//! Certificates to try things with, which nobody else vouches for.

use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::ServerName;

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct SelfSigned {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// Makes a certificate for these names and addresses, with an ECDSA P-256 key, valid from yesterday for as many days as given.
///
/// # Errors
/// What is wrong with a name.
pub fn self_signed(names: &[String], days: u32) -> Result<SelfSigned, String> {
    if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
        return Err(format!("`{wrong}` is neither a host name nor an address"));
    }
    let failed = |error: rcgen::Error| error.to_string();
    let mut parameters = CertificateParams::new(names).map_err(failed)?;
    let day = Duration::from_secs(86_400);
    let now = SystemTime::now();
    // Clocks differ.
    parameters.not_before = (now - day).into();
    parameters.not_after = (now + day * days).into();
    let name = names.first().map_or("lockgate", String::as_str);
    parameters.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = parameters.self_signed(&key).map_err(failed)?;
    Ok(SelfSigned { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// A host name, with `*.` before it or not, or an address.
fn is_name(text: &str) -> bool {
    let host = text.strip_prefix("*.").unwrap_or(text);
    ServerName::try_from(host).is_ok_and(|name| matches!(name, ServerName::DnsName(_)) || host == text)
}

impl std::fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SelfSigned").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
