//! The admin API as the commands ask it.

mod link;
mod pages;
mod place;
mod refusal;
mod request;
mod user;

use std::io::Read;
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::Response;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

pub(crate) use pages::Pages;
pub(crate) use place::{AdminUrl, Place};
pub(crate) use request::Request;
pub(crate) use user::{User, UserName};

/// Longest wait for a connection, for an answer's head, and for each piece of its body.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest time of an answer that is sent whole, to its end: longer than the gateway gives it.
const WHOLE_WITHIN: Duration = Duration::from_secs(630);
/// Longest answer that is read as a whole, bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// The admin API of one gateway.
pub(crate) struct Client {
    http: reqwest::blocking::Client,
    place: Place,
}

impl Client {
    /// Prepares to ask; nothing is sent yet.
    pub(crate) fn new(place: Place) -> Result<Self, Failure> {
        let mut token = HeaderValue::try_from(format!("Bearer {}", place.token)).map_err(|_| {
            Failure::new("the admin token cannot be sent")
                .because(format!("the one from {} has characters that no token has", place.token_from))
        })?;
        token.set_sensitive(true);
        let http = reqwest::blocking::Client::builder()
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, token)]))
            .user_agent(concat!("lockgate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(ANSWER_WITHIN)
            .timeout(ANSWER_WITHIN)
            // The token is for the gateway alone.
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Failure::new("cannot make an HTTP client").caused_by(&error))?;
        Ok(Self { http, place })
    }

    /// Asks, and gives the answer's head when the answer is a success.
    pub(crate) fn send(&self, request: &Request) -> Result<Response, Failure> {
        self.send_to(self.url(request), request)
    }

    /// Asks, and reads the answer.
    pub(crate) fn text(&self, request: &Request) -> Result<String, Failure> {
        let response = self.send(request)?;
        self.read(request, response)
    }

    /// Asks, and understands the answer.
    pub(crate) fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Failure> {
        self.parse(&self.text(request)?)
    }

    /// Asks for something that need not be there, and understands the answer.
    pub(crate) fn find<T: DeserializeOwned>(&self, request: &Request) -> Result<Option<T>, Failure> {
        let response = self.ask(self.url(request), request)?;
        if refusal::is_missing(&response) {
            return Ok(None);
        }
        let response = self.admitted(request, response)?;
        self.parse(&self.read(request, response)?).map(Some)
    }

    /// Asks for a list, page by page.
    pub(crate) fn pages(&self, request: Request) -> Pages<'_> {
        Pages::new(self, request)
    }

    /// Understands an answer, or a part of it.
    pub(crate) fn parse<T: DeserializeOwned>(&self, text: &str) -> Result<T, Failure> {
        serde_json::from_str(text).map_err(|error| self.not_understood().caused_by(&error))
    }

    fn url(&self, request: &Request) -> Url {
        let mut url = self.place.url.origin();
        url.set_path(&request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        url
    }

    fn send_to(&self, url: Url, request: &Request) -> Result<Response, Failure> {
        let response = self.ask(url, request)?;
        self.admitted(request, response)
    }

    fn ask(&self, url: Url, request: &Request) -> Result<Response, Failure> {
        let builder = self.http.request(request.method.clone(), url);
        let builder = match &request.body {
            Some(body) => builder.json(body),
            None => builder,
        };
        let builder = match request.is_whole {
            true => builder.timeout(WHOLE_WITHIN),
            false => builder,
        };
        builder.send().map_err(|error| self.no_answer(request, error))
    }

    /// The answer, if it is a success.
    fn admitted(&self, request: &Request, response: Response) -> Result<Response, Failure> {
        if response.status().is_success() { Ok(response) } else { Err(self.refused(request, response)) }
    }

    fn read(&self, request: &Request, response: Response) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        let read = response.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes);
        let read = read.map_err(|error| self.broken_off(request, &error))?;
        if read as u64 > ANSWER_BYTES_MAX {
            return Err(self.not_understood().because(format!("it is longer than {ANSWER_BYTES_MAX} bytes")));
        }
        String::from_utf8(bytes).map_err(|error| self.not_understood().caused_by(&error))
    }

    fn not_understood(&self) -> Failure {
        Failure::new(format!("the answer of {} is not that of a gateway's admin API", self.place.url))
            .hint("say where the admin API listens with `--admin URL`; it may also be of another version")
    }
}
