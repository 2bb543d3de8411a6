//! One process: makes sockets, ties both planes together, reload, signals, drain.
//!
//! Start reading at `server.rs`, which starts and ends the process in the order that gives the first answer soonest. `running` is what
//! both planes share, with the one path that puts a configuration in force: starting is a reload from nothing. `prepared` does all of it
//! that can fail, before anything changes. `books` keeps users, keys and usage, beside the traffic. The rest is what the two need: `sockets`, `resolver`, `watch`, `signals`, and `gateway`,
//! which answers what the admin side asks.

mod access_log;
mod admin_side;
mod books;
mod error;
#[cfg_attr(not(feature = "functions"), path = "no_functions.rs")]
mod functions;
mod gateway;
mod late_store;
mod limits;
mod opening;
mod ports_file;
mod prepared;
mod resolver;
mod rlimit;
mod running;
mod server;
mod signals;
mod sockets;
mod source;
mod watch;

pub use error::{BindError, BindErrors, FunctionError, FunctionErrors, ReloadError, StartError};
pub use server::{Drained, Options, Server, Signals, TokenVariable};
pub use source::ConfigSource;
