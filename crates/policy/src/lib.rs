//! Pure decisions: path form, route match, balance, addresses; the clock is an argument.

mod address;
mod balance;
mod client;
mod path;
mod pattern;
mod rest;
mod router;

pub use address::{AddressSet, Cidr, CidrError};
pub use balance::{SmoothWeighted, WeightedChoice};
pub use client::client_address;
pub use path::{PathError, PathFacts, normalize_path};
pub use pattern::{HostPattern, HostPatternError, PathPattern, PathPatternError};
pub use rest::RestPolicy;
pub use router::{Routed, Router, Rule, Subject};
