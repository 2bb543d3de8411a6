//! Certificates and keys in files: read with the configuration, and what is wrong with them is said where they are named.

use std::path::Path;
use std::time::SystemTime;

use tls::{Authority, Identity};

use crate::diagnostics::Diagnostic;
use crate::document::PemPath;
use crate::form::At;
use crate::reader::Reader;
use crate::stamp::ReadFile;

/// Files in a folder, and those that have been read of them.
pub(super) struct PemFiles<'f> {
    base_dir: &'f Path,
    read: Vec<ReadFile>,
}

impl<'f> PemFiles<'f> {
    pub(super) fn new(base_dir: &'f Path) -> Self {
        Self { base_dir, read: Vec::new() }
    }

    /// The files that have been read.
    pub(super) fn into_read(self) -> Vec<ReadFile> {
        self.read
    }

    /// A certificate with its key; `None`: there are reports why not.
    pub(super) fn identity(
        &mut self,
        certificate: &At<PemPath>,
        key: &At<PemPath>,
        reader: &mut Reader<'_>,
    ) -> Option<Identity> {
        let both = [certificate, key].map(|word| ReadFile::before(self.base_dir.join(&word.value.0)));
        let identity = Identity::load(&both[0].path, &both[1].path);
        self.read.extend(both);
        match identity {
            Ok(identity) => {
                if identity.not_after() < SystemTime::now() {
                    reader.report(
                        Diagnostic::warning(certificate.span, "the certificate has expired")
                            .label("whoever is shown it will refuse it")
                            .hint("renew it; the new file is taken over without a restart"),
                    );
                }
                Some(identity)
            }
            Err(error) => {
                let span = if error.is_of_key() { key.span } else { certificate.span };
                let problem = Diagnostic::error(span, error.to_string()).label("this file");
                reader.report(
                    problem.hint("`lockgate certificate self-signed` makes a pair to try things with"),
                );
                None
            }
        }
    }

    /// One or more authorities; `None`: there are reports why not.
    pub(super) fn authority(&mut self, path: &At<PemPath>, reader: &mut Reader<'_>) -> Option<Authority> {
        let file = ReadFile::before(self.base_dir.join(&path.value.0));
        let authority = Authority::load(&file.path);
        self.read.push(file);
        authority
            .map_err(|error| {
                reader.report(
                    Diagnostic::error(path.span, format!("no authority: {error}")).label("this file"),
                );
            })
            .ok()
    }
}
