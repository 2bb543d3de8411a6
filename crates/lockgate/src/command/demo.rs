//! `lockgate demo`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Outcome;
use crate::arguments::Global;
use crate::failure::Failure;
use crate::{demo, logging};

/// Run a gateway with sample services behind it and two users in front
///
/// Starts a few small services and the gateway in front of them, makes two users with a key each, sends a little traffic,
/// prints what to try, then one line per second on what the gateway does. Ctrl-C drains it and ends.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Port of the gateway on 127.0.0.1; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Answer by TLS, too, with a certificate made for this: on port 8443, or any free one
    #[arg(long)]
    tls: bool,
    /// End after this time, as 5s or 2m [default: at Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    exit_after: Option<Duration>,
    /// Data directory, kept; users found in it get new keys [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        // The summary speaks for the gateway as long as all is well.
        logging::start(global, "warn");
        demo::run(&demo::Wishes {
            port: self.port,
            tls: self.tls,
            exit_after: self.exit_after,
            data: self.data,
        })
    }
}

/// A whole number and `ms`, `s`, `m` or `h`, as in the configuration.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms));
    match ms {
        Some(ms) if unit_ms > 0 => Ok(Duration::from_millis(ms)),
        _ => Err("write a whole number and `ms`, `s`, `m` or `h`, as `5s`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "5", "s", "5 s", "-1s", "1.5s", "99999999999999999999h", "9999999999999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
