//! Options of the commands that ask the admin API.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::Global;
use crate::client::{Client, Place};
use crate::failure::Failure;

/// How to find the token, and how answers are printed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Asking the gateway")]
pub(super) struct Asking {
    /// Data directory with the admin token [default: `$LOCKGATE_ADMIN_TOKEN` is the token, else `admin.token` or
    /// `data.dir` of the configuration says]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print what the admin API says, as JSON; a list as one array
    #[arg(long, global = true)]
    pub(super) json: bool,
}

impl Asking {
    /// Finds the admin API.
    pub(super) fn client(&self, global: &Global) -> Result<Client, Failure> {
        Client::new(Place::find(global, self.data.as_deref())?)
    }
}
