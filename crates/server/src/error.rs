//! Why the process does not start, and why a configuration is not put in force.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use config::Diagnostics;
use control::{ReloadProblem, TokenError, chain_of};
use journal::JournalError;
use serde_json::json;
use store::StoreError;

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Addresses cannot be listened on.
    #[error("not every address can be listened on")]
    Bind(#[from] BindErrors),
    /// Functions cannot be loaded.
    #[error("not every function can be loaded")]
    Functions(#[from] FunctionErrors),
    /// The data directory or the journal in it cannot be used.
    #[error("the journal cannot start")]
    Journal(#[from] JournalError),
    /// The admin side has no tokens.
    #[error("the admin side has no tokens")]
    Tokens(#[from] TokenError),
    /// The database of users, keys and usage cannot be used.
    #[error("the database of users, keys and usage cannot be used")]
    Store(#[from] StoreError),
    /// The operating system gave no thread, or no event loop.
    #[error("the operating system gives no thread or event loop")]
    Thread(#[source] io::Error),
    /// The file that says where the gateway listens cannot be written.
    #[error("cannot write the ports file `{}`", path.display())]
    PortsFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl StartError {
    /// How to fix it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Bind(errors) => errors.hint(),
            Self::Journal(JournalError::Locked { .. }) => {
                Some("stop that gateway, or give this one another `data.dir`".into())
            }
            Self::Journal(JournalError::File { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Some("give `data.dir` a folder that the gateway's user can write to".into())
            }
            Self::Store(StoreError::Newer { .. }) => Some(
                "run the version of lockgate that made it, or give this one another `data.database`".into(),
            ),
            Self::Tokens(TokenError::Malformed { .. }) => {
                Some("make one with `openssl rand -hex 32`, or remove it to have one made".into())
            }
            _ => None,
        }
    }
}

/// A function that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// Its component does not do.
    #[error("function `{name}` cannot be loaded from `{}`: {}", path.display(), chain_of(&**source))]
    Component {
        /// Its name.
        name: String,
        /// Its component.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What runs functions cannot be set up.
    #[error("functions cannot be run here: {}", chain_of(&**.0))]
    Runtime(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// This build runs no functions.
    #[error("function `{name}` cannot be loaded: this lockgate was built without functions")]
    NotBuilt {
        /// Its name.
        name: String,
    },
}

/// All functions that cannot be loaded; never empty.
#[derive(Debug)]
pub struct FunctionErrors(pub(crate) Vec<FunctionError>);

impl FunctionErrors {
    /// Each of them, in the order of the configuration.
    pub fn iter(&self) -> std::slice::Iter<'_, FunctionError> {
        self.0.iter()
    }
}

impl fmt::Display for FunctionErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let line_end = if at == 0 { "" } else { "\n" };
            write!(f, "{line_end}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FunctionErrors {}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {purpose}: {source}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// `traffic` or `the admin side`.
    pub purpose: &'static str,
    /// What the operating system said.
    pub source: io::Error,
}

impl BindError {
    /// How to fix it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self.source.kind() {
            io::ErrorKind::AddrInUse => {
                Some("another process listens there: find it with `ss -ltnp`, or choose another port".into())
            }
            io::ErrorKind::PermissionDenied => Some(
                "ports below 1024 need a privilege: choose a higher one, or \
                 `setcap cap_net_bind_service=+ep` the program"
                    .into(),
            ),
            io::ErrorKind::AddrNotAvailable => {
                Some("no network interface of this machine has that address: see `ip address`".into())
            }
            _ => None,
        }
    }
}

/// All addresses that cannot be listened on; never empty.
#[derive(Debug)]
pub struct BindErrors(pub(crate) Vec<BindError>);

impl BindErrors {
    /// Each of them, in the order of the configuration.
    pub fn iter(&self) -> std::slice::Iter<'_, BindError> {
        self.0.iter()
    }

    /// What to do about them, once per kind of problem.
    pub fn hint(&self) -> Option<String> {
        let mut hints: Vec<String> = self.0.iter().filter_map(BindError::hint).collect();
        hints.sort_unstable();
        hints.dedup();
        (!hints.is_empty()).then(|| hints.join("\n"))
    }
}

impl fmt::Display for BindErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let line_end = if at == 0 { "" } else { "\n" };
            write!(f, "{line_end}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BindErrors {}

/// Why a configuration was not put in force; the one before is.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// It has problems.
    #[error("the configuration was refused: {} problems", .0.len())]
    Refused(Diagnostics),
    /// Addresses it adds cannot be listened on.
    #[error("not every new address can be listened on")]
    Bind(#[from] BindErrors),
    /// Functions cannot be loaded.
    #[error("not every function can be loaded")]
    Functions(#[from] FunctionErrors),
    /// The gateway is about to end.
    #[error("the gateway is draining and takes no other configuration")]
    Draining,
    /// Reading it failed inside the gateway.
    #[error("reading the configuration failed inside the gateway")]
    Internal,
}

impl From<ReloadError> for ReloadProblem {
    fn from(error: ReloadError) -> Self {
        match error {
            ReloadError::Refused(diagnostics) => {
                Self { rendered: diagnostics.render(false), diagnostics: json_list(&diagnostics) }
            }
            ReloadError::Bind(errors) => Self {
                rendered: errors.iter().map(rendered).collect(),
                diagnostics: errors.iter().map(as_json).collect(),
            },
            ReloadError::Functions(errors) => Self {
                rendered: errors.iter().map(|error| format!("error: {error}\n")).collect(),
                diagnostics: errors
                    .iter()
                    .map(|error| json!({ "severity": "error", "message": error.to_string() }))
                    .collect(),
            },
            ReloadError::Draining | ReloadError::Internal => Self {
                rendered: format!("error: {error}\n"),
                diagnostics: vec![json!({ "severity": "error", "message": error.to_string() })],
            },
        }
    }
}

/// Diagnostics as a list of JSON objects.
pub(crate) fn json_list(diagnostics: &Diagnostics) -> Vec<serde_json::Value> {
    match diagnostics.to_json() {
        serde_json::Value::Array(list) => list,
        other => vec![other],
    }
}

fn rendered(error: &BindError) -> String {
    let hint = error.hint().map(|hint| format!("  help: {hint}\n")).unwrap_or_default();
    format!("error: {error}\n{hint}")
}

fn as_json(error: &BindError) -> serde_json::Value {
    json!({ "severity": "error", "message": error.to_string(), "hint": error.hint() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(port: u16, kind: io::ErrorKind) -> BindError {
        BindError { address: ([127, 0, 0, 1], port).into(), purpose: "traffic", source: kind.into() }
    }

    #[test]
    fn each_address_is_named_and_each_hint_given_once() {
        use io::ErrorKind::{AddrInUse, PermissionDenied};
        let errors = BindErrors(vec![
            error(80, PermissionDenied),
            error(8080, AddrInUse),
            error(443, PermissionDenied),
        ]);
        let text = errors.to_string();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("127.0.0.1:443") && text.contains("127.0.0.1:8080"), "{text}");
        let hint = errors.hint().unwrap();
        assert_eq!(hint.matches("setcap").count(), 1, "{hint}");
        assert_eq!(hint.lines().count(), 2, "{hint}");
    }

    #[test]
    fn a_problem_has_one_object_for_each_address() {
        let errors = BindErrors(vec![error(1, io::ErrorKind::AddrInUse), error(2, io::ErrorKind::Other)]);
        let problem = ReloadProblem::from(ReloadError::Bind(errors));
        assert_eq!(problem.diagnostics.len(), 2);
        assert_eq!(problem.rendered.matches("error: ").count(), 2, "{}", problem.rendered);
        assert!(problem.diagnostics[1]["hint"].is_null(), "{:?}", problem.diagnostics);
    }
}
