//! Pure decisions: path form, route match, balance, addresses, keys, rates; the clock is an argument.

mod address;
mod balance;
mod client;
mod gcra;
mod health;
mod key;
mod path;
mod pattern;
pub mod proxy_protocol;
mod rest;
mod router;

pub use address::{AddressSet, Cidr, CidrError, is_public};
pub use balance::{SmoothWeighted, WeightedChoice};
pub use client::client_address;
pub use gcra::{Gcra, Pace};
pub use health::{Health, HealthPolicy, HealthState};
pub use key::{KEY_ENVIRONMENT_BYTES_MAX, KEY_START, KeyFacts, KeyHash, KeyRefusal, KeySecret, Scopes};
pub use path::{PathError, PathFacts, normalize_path};
pub use pattern::{HostPattern, HostPatternError, PathPattern, PathPatternError};
pub use rest::RestPolicy;
pub use router::{Routed, Router, Rule, Subject};
