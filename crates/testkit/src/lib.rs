//! Origins that misbehave on request, raw clients, a gateway process, oracles; for tests only.
//!
//! Everything here is naive on purpose: blocking sockets, one thread per connection, a parser that allocates
//! freely. Nothing but [`fuzz`] depends on the crates it judges, so that a mistake made there is not repeated here.
//!
//! - [`Origin`] is a service that answers by a script of [`Step`]s and remembers every byte it was sent.
//! - [`RawClient`] sends bytes as they are given and reads responses strictly.
//! - [`GatewayProcess`] runs the real binary in a directory of its own, [`Postgres`] a real database server.
//! - [`Porter`] takes PROXY headers off before an origin.
//! - [`oracle`] is a second HTTP/1.1 parser; [`websocket`] speaks just enough frames for tunnels.

mod address;
mod answer;
mod client;
mod command;
mod component;
mod conn;
mod disk;
pub mod fuzz;
mod gateway;
pub mod oracle;
mod origin;
mod porter;
mod postgres;
mod process;
pub mod random;
mod skip;
pub mod websocket;
mod wire;

pub use address::{FreeAddress, SilentAddress};
pub use answer::{Answer, Gate, PatternCheck, Step, pattern};
pub use client::{ClientError, RawClient, Response, ask};
pub use command::Done;
pub use component::component;
pub use conn::Conn;
pub use disk::Disk;
pub use gateway::{GatewayError, GatewayProcess, Ports, single_upstream};
pub use origin::{ConnectionRecord, End, Origin, Received};
pub use porter::Porter;
pub use postgres::{Postgres, PostgresError};
pub use process::{ProcessFigures, figures_of};
pub use skip::skip;
