//! Who may use a route, how much of it, and what is counted.

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
