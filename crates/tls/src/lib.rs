//! Certificates, keys and what is demanded of TLS (RFC 8446, RFC 5246), as rustls takes it.
//!
//! Files become [`Identity`] and [`Authority`]; with a [`Policy`] they make a [`Terminator`], which a listener answers handshakes
//! by, and with a [`Trust`] a [`Connector`], which begins them with upstreams. Nothing here does I/O but reading those files, and the
//! operating system's list of authorities.

mod anyone;
mod authority;
mod connector;
mod identity;
mod names;
mod peer;
mod pem;
mod platform;
mod policy;
mod self_signed;
mod server_name;
mod terminator;

pub use authority::{Authority, AuthorityError};
pub use connector::{Connector, ConnectorError, ConnectorTerms, Offer, Trust};
pub use identity::{Identity, IdentityError};
pub use peer::{ClientCertificate, Session, Version};
pub use platform::PlatformError;
pub use policy::Policy;
pub use rustls::pki_types::ServerName;
pub use self_signed::{SelfSigned, self_signed};
pub use server_name::server_name;
pub use terminator::{ClientCertificates, Terminator, Terms};
