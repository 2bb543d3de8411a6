//! Certificates, keys and what a listener demands of TLS (RFC 8446, RFC 5246), as rustls takes it.
//!
//! Files become [`Identity`] and [`Authority`]; with a [`Policy`] they make a [`Terminator`], which a listener answers handshakes
//! by. Nothing here does I/O but reading those files.

mod authority;
mod identity;
mod names;
mod peer;
mod pem;
mod policy;
mod self_signed;
mod terminator;

pub use authority::{Authority, AuthorityError};
pub use identity::{Identity, IdentityError};
pub use peer::{ClientCertificate, Session};
pub use policy::Policy;
pub use self_signed::{SelfSigned, self_signed};
pub use terminator::{ClientCertificates, Terminator, Terms};
