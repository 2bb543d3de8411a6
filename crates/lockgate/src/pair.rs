//! A certificate and its key as files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tls::SelfSigned;

use crate::failure::Failure;

/// Where a certificate and its key lie.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Pair {
    /// `certificate.pem` and `key.pem` in a folder.
    pub(crate) fn within(folder: &Path) -> Self {
        Self { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
    }

    /// Makes a self-signed certificate and writes both files, the key for its owner's eyes only.
    ///
    /// # Errors
    /// A name that no certificate can have, or a file that cannot be written; without `overwrite` also one that is there.
    pub(crate) fn self_signed(&self, names: &[String], days: u32, overwrite: bool) -> Result<(), Failure> {
        let SelfSigned { certificate, key } = tls::self_signed(names, days)
            .map_err(|why| Failure::new("no certificate can be made for these names").because(why))?;
        write(&self.key, &key, 0o600, overwrite)?;
        write(&self.certificate, &certificate, 0o644, overwrite)
    }
}

fn write(path: &Path, text: &str, mode: u32, overwrite: bool) -> Result<(), Failure> {
    let written = || -> io::Result<()> {
        if overwrite && path.exists() {
            // Whatever rights it has, the new one has its own.
            fs::remove_file(path)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())
    };
    written().map_err(|error| {
        let failure = Failure::new(format!("cannot write `{}`", path.display())).caused_by(&error);
        let exists = error.kind() == io::ErrorKind::AlreadyExists;
        failure.hint(exists.then_some("`--force` replaces what is there"))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_pair_is_made_and_none_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair::within(folder.path());
        let names = ["a.example".to_owned()];
        pair.self_signed(&names, 1, false).unwrap();
        let rights = fs::metadata(&pair.key).unwrap().permissions().mode() & 0o777;
        let before = fs::read(&pair.certificate).unwrap();
        assert_eq!(rights, 0o600);
        tls::Identity::load(&pair.certificate, &pair.key).unwrap();
        assert!(pair.self_signed(&names, 1, false).is_err());
        assert_eq!(fs::read(&pair.certificate).unwrap(), before);
        pair.self_signed(&names, 1, true).unwrap();
        assert_ne!(fs::read(&pair.certificate).unwrap(), before);
        tls::Identity::load(&pair.certificate, &pair.key).unwrap();
        assert!(pair.self_signed(&["not a name".to_owned()], 1, true).is_err());
    }
}
