//! `lockgate certificate`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Outcome;
use crate::failure::Failure;
use crate::output;
use crate::pair::{Existing, Pair};
use crate::toml_text::quoted;

/// Make a certificate to try TLS with
#[derive(Args, Debug)]
pub(crate) struct Certificate {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    SelfSigned(SelfSigned),
}

/// Make a certificate that nobody else vouches for, and its key
///
/// Writes `certificate.pem` and `key.pem`, an ECDSA key on P-256. Clients have to be told to trust it: `curl --cacert
/// certificate.pem`.
#[derive(Args, Debug)]
struct SelfSigned {
    /// Host names and addresses it is for; `*.example.com` stands for all names with one label more [default: localhost 127.0.0.1
    /// ::1]
    names: Vec<String>,
    /// Folder to write to
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// How long it is valid
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// What a certificate is made out to when nothing else is said.
pub(crate) const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

impl Certificate {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        let What::SelfSigned(SelfSigned { names, output, days, force }) = self.what;
        let names = if names.is_empty() { LOCAL_NAMES.map(str::to_owned).into() } else { names };
        let pair = Pair::within(&output);
        std::fs::create_dir_all(&output).map_err(|error| {
            Failure::new(format!("cannot make the folder `{}`", output.display())).caused_by(&error)
        })?;
        let existing = if force { Existing::Replace } else { Existing::Keep };
        pair.self_signed(&names, days, existing)?;
        let (certificate, key) = (pair.certificate.display(), pair.key.display());
        let said = format!(
            "{certificate}\n{key}\n\nFor {}, valid for {days} days. In the configuration:\n\n\
             [[listener]]\naddress = \"0.0.0.0:8443\"\ntls = [{{ certificate = {}, key = {} }}]\n",
            names.join(", "),
            quoted(&certificate.to_string()),
            quoted(&key.to_string()),
        );
        output::print(said.as_bytes())?;
        Ok(Outcome::Done)
    }
}
