//! Certificates for the measured peers, made for the run.

use std::path::Path;

use anyhow::Context;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use super::task::Key;

/// The host that the certificates are made out to, and that requests are for.
pub(crate) const HOST: &str = "api.example.com";

/// Writes certificate.pem, key.pem and both.pem into `folder`.
pub(crate) fn write(key: Key, folder: &Path) -> anyhow::Result<()> {
    let pair = match key {
        Key::P256 => KeyPair::generate()?,
        Key::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?,
    };
    let certificate = CertificateParams::new([HOST.to_owned()])?.self_signed(&pair)?.pem();
    let key = pair.serialize_pem();
    std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let both = format!("{certificate}{key}");
    for (name, text) in [("certificate.pem", &certificate), ("key.pem", &key), ("both.pem", &both)] {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}
