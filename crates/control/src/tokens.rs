//! The two tokens of the admin side: where they come from, and the one comparison they are made for.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::hint::black_box;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::limits::{TOKEN_BYTES_MAX, TOKEN_BYTES_MIN};

/// Environment variable that gives the admin token where the configuration does not.
pub const ADMIN_TOKEN_VARIABLE: &str = "LOCKGATE_ADMIN_TOKEN";
/// File of the admin token in the data directory.
pub const ADMIN_TOKEN_FILE: &str = "admin-token";
/// File of the read-only token in the data directory.
pub const READ_TOKEN_FILE: &str = "read-token";

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A file could not be read or made.
    #[error("cannot {verb} the token file `{}`", path.display())]
    File {
        /// `read` or `make`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// No randomness from the operating system.
    #[error("cannot make a token: the operating system gives no random bytes")]
    Random,
    /// A token is too short, too long, or has characters a header field cannot carry.
    #[error(
        "the {which} token from {origin} must be {TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} letters, digits or `-._~+/=`"
    )]
    Malformed {
        /// `admin` or `read-only`.
        which: &'static str,
        /// A file, or `the configuration`.
        origin: String,
    },
    /// Both tokens are the same, which would make every scraper an administrator.
    #[error("the admin token and the read-only token are the same")]
    Same,
}

/// What a presented token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// To look.
    Read,
    /// To look and to change.
    Admin,
}

/// The admin token and the read-only token. `Debug` never shows them.
#[derive(Clone)]
pub struct Tokens {
    admin: String,
    read: String,
}

impl Tokens {
    /// Takes the tokens given (by the configuration, or `$LOCKGATE_ADMIN_TOKEN`), and for each that is not given
    /// the file in `data_dir`, which is made on the first start: 256 random bits, mode 0600.
    ///
    /// # Errors
    /// When a token is malformed, both are the same, or a file can neither be read nor made.
    pub fn load(data_dir: &Path, admin: Option<&str>, read: Option<&str>) -> Result<Self, TokenError> {
        let admin = obtain("admin", admin, &data_dir.join(ADMIN_TOKEN_FILE))?;
        let read = obtain("read-only", read, &data_dir.join(READ_TOKEN_FILE))?;
        if admin == read {
            return Err(TokenError::Same);
        }
        Ok(Self { admin, read })
    }

    /// The admin token itself, for the operator who started the process.
    pub fn expose_admin(&self) -> &str {
        &self.admin
    }

    /// The read-only token itself, for the operator who started the process.
    pub fn expose_read(&self) -> &str {
        &self.read
    }

    /// Says what `presented` allows; `None`: nothing. The time taken does not depend on where it differs.
    pub fn role_of(&self, presented: &str) -> Option<Role> {
        let admin = same(presented.as_bytes(), self.admin.as_bytes());
        let read = same(presented.as_bytes(), self.read.as_bytes());
        match (admin, read) {
            (true, _) => Some(Role::Admin),
            (false, true) => Some(Role::Read),
            (false, false) => None,
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

/// Compares without leaving early, so that the time taken says nothing of the secret but its length.
fn same(presented: &[u8], secret: &[u8]) -> bool {
    let differing = presented.iter().zip(secret).fold(0, |differing, (a, b)| black_box(differing | (a ^ b)));
    presented.len() == secret.len() && black_box(differing) == 0
}

fn obtain(which: &'static str, given: Option<&str>, path: &Path) -> Result<String, TokenError> {
    match given {
        Some(token) => checked(which, token, || "the configuration or the environment".into()),
        None => checked(which, &read_or_make(path)?, || format!("`{}`", path.display())),
    }
}

fn checked(which: &'static str, token: &str, origin: impl FnOnce() -> String) -> Result<String, TokenError> {
    // The alphabet of a bearer token: RFC 6750, section 2.1.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let length = TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX;
    if length.contains(&token.len()) && token.bytes().all(allowed) {
        Ok(token.to_owned())
    } else {
        Err(TokenError::Malformed { which, origin: origin() })
    }
}

fn read_or_make(path: &Path) -> Result<String, TokenError> {
    if let Some(token) = read(path)? {
        return Ok(token);
    }
    let token = random_token()?;
    match make(path, &token) {
        Ok(()) => Ok(token),
        // Another start was faster: its token is the one.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(read(path)?.unwrap_or_default()),
        Err(source) => Err(TokenError::File { verb: "make", path: path.to_owned(), source }),
    }
}

fn read(path: &Path) -> Result<Option<String>, TokenError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            warn_if_open_to_others(path);
            Ok(Some(text.trim_end().to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TokenError::File { verb: "read", path: path.to_owned(), source }),
    }
}

/// The operator may have opened the read-only token to a scraper's group on purpose, so this only speaks.
fn warn_if_open_to_others(path: &Path) {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        let mode = format!("{:04o}", mode & 0o7777);
        tracing::warn!(path = %path.display(), mode, "token file can be read by others than its owner");
    }
}

fn random_token() -> Result<String, TokenError> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| TokenError::Random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Makes the file in one step: it appears complete or not at all, and never replaces one that is there.
fn make(path: &Path, token: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let made = write_synced(&draft, token).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    made?;
    removed?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

fn write_synced(path: &Path, token: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // A draft left by an earlier process of this number may have been made by anyone with any mode.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(token.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
