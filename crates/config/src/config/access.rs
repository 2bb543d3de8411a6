//! Who may use a route, how much of it, and what is counted.

use std::str::FromStr;
use std::time::Duration;

/// `access`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Anybody; nobody is asked who they are.
    #[default]
    Open,
    /// Whoever presents a key: 401 without a known one, 403 with one that is not for this route.
    Key,
}

/// A route has at most this many limits: each is looked up for every request.
pub const LIMITS_PER_ROUTE_MAX: usize = 8;

/// `limit`: at least one of `rate` and `concurrency` is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Requests in a time; 429 beyond it.
    pub rate: Option<Rate>,
    /// Requests at the same time; 429 beyond it.
    pub concurrency: Option<u32>,
    /// Whose requests are counted together.
    pub per: Per,
}

/// `rate` and `burst`: in any time t, at most `burst` + `requests` · t / `period` requests pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests in one period, at least 1.
    pub requests: u32,
    /// The period: a second, a minute, an hour or a day.
    pub period: Duration,
    /// Requests that may come at once, at least 1; default: `requests`.
    pub burst: u32,
}

/// Most requests in one period.
const RATE_REQUESTS_MAX: u32 = 1_000_000_000;

/// Periods by the letter that stands for each.
const PERIODS: [(&str, Duration); 4] = [
    ("s", Duration::from_secs(1)),
    ("m", Duration::from_secs(60)),
    ("h", Duration::from_secs(3600)),
    ("d", Duration::from_secs(86_400)),
];

/// Why a text is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// It is not a number, a slash and a period.
    #[error("not a number of requests and a period; write it as in \"100/s\"; periods are s, m, h and d")]
    Form,
    /// The period is not a letter, but a word for one.
    #[error("unknown period; write \"{requests}/{letter}\"")]
    Word {
        /// The letter it stands for.
        letter: &'static str,
        /// The number before it.
        requests: u32,
    },
    /// The period is nothing like one of the letters.
    #[error("unknown period; periods are s, m, h and d, such as \"100/m\"")]
    Period,
    /// The number is not 1 to 1,000,000,000.
    #[error("a rate has 1 to {RATE_REQUESTS_MAX} requests in its period; for no limit take the limit out")]
    Requests,
}

/// Reads `100/s`: a number and one of s, m, h, d, with the number for a burst.
impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (number, period) = text.split_once('/').ok_or(RateError::Form)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RateError::Form);
        }
        let requests = number.parse().ok().filter(|requests| (1..=RATE_REQUESTS_MAX).contains(requests));
        let requests: u32 = requests.ok_or(RateError::Requests)?;
        match PERIODS.iter().find(|(letter, _)| *letter == period) {
            Some((_, period)) => Ok(Self { requests, period: *period, burst: requests }),
            None => {
                Err(letter(period).map_or(RateError::Period, |letter| RateError::Word { letter, requests }))
            }
        }
    }
}

/// The letter for a period that is written as a word.
fn letter(word: &str) -> Option<&'static str> {
    match word.trim().to_ascii_lowercase().trim_end_matches('s') {
        "" | "sec" | "second" => Some("s"),
        "m" | "min" | "minute" if word != "ms" => Some("m"),
        "h" | "hr" | "hour" => Some("h"),
        "d" | "day" => Some("d"),
        _ => None,
    }
}

/// `per`: whose requests a limit counts together, on its route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Per {
    /// Those of one user; only where `access` asks who that is.
    User,
    /// Those with one key; only where `access` asks for one.
    Key,
    /// Those of one client address; of one /64 with IPv6.
    Address,
    /// All on the route.
    Route,
    /// Those with one value of this header (lower case); those without it count together.
    Header(String),
}

/// `meter`: what the value of an event is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Meter {
    /// 1 for each request (default).
    #[default]
    Requests,
    /// The number in this header (lower case) of the response; 0 where there is none that is one.
    ResponseHeader(String),
    /// Bytes of the bodies of request and response.
    Bytes,
    /// Bytes of the request's body.
    BytesIn,
    /// Bytes of the response's body.
    BytesOut,
    /// Milliseconds from the request's head to the end of its response.
    Milliseconds,
}
