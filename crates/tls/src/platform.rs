//! The authorities that the operating system trusts.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::RootCertStore;
use rustls_native_certs::CertificateResult;

/// Why nobody is trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// There are no certificates where they are looked for.
    #[error("the operating system has no certificates of authorities")]
    None,
    /// They are there and cannot be used.
    #[error("the operating system's certificates of authorities cannot be read: {0}")]
    Unreadable(String),
}

/// All that can be used of them. They are read once; where there were none, they are looked for again by the next that asks, so that
/// an operator who installs them needs no restart.
pub(crate) fn roots() -> Result<Arc<RootCertStore>, PlatformError> {
    static ROOTS: Mutex<Option<Arc<RootCertStore>>> = Mutex::new(None);
    // It is set in one step, so a poisoned lock guards a sound value.
    let mut known = ROOTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(roots) = &*known {
        return Ok(roots.clone());
    }
    let roots = Arc::new(usable(rustls_native_certs::load_native_certs())?);
    Ok(known.insert(roots).clone())
}

/// A certificate that is malformed is passed over, as by others: a machine's store has hundreds.
fn usable(found: CertificateResult) -> Result<RootCertStore, PlatformError> {
    let mut roots = RootCertStore::empty();
    let (_, malformed) = roots.add_parsable_certificates(found.certs);
    match (roots.is_empty(), found.errors.first()) {
        (false, _) => Ok(roots),
        (true, Some(error)) => Err(PlatformError::Unreadable(error.to_string())),
        (true, None) if malformed > 0 => Err(PlatformError::Unreadable("they are malformed".to_owned())),
        (true, None) => Err(PlatformError::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_authorities_is_told_apart_from_one_with_broken_ones() {
        let found = |certs: &[&[u8]]| {
            let mut found = CertificateResult::default();
            found.certs = certs.iter().map(|der| der.to_vec().into()).collect();
            usable(found).map(|roots| roots.len())
        };
        let own = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let own: &[u8] = own.cert.der();
        assert_eq!(found(&[]), Err(PlatformError::None));
        assert!(matches!(found(&[b"no certificate"]), Err(PlatformError::Unreadable(_))));
        assert_eq!(found(&[b"no certificate", own]), Ok(1), "what is malformed is passed over");
    }
}
