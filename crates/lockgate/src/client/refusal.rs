//! What to say when the admin API does not answer, or says no.

use std::error::Error;
use std::io;

use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use super::{ANSWER_WITHIN, Client, Request, WHOLE_WITHIN};
use crate::failure::Failure;

/// The media type of problem documents (RFC 9457).
const PROBLEM: &str = "application/problem+json";
/// What a gateway refuses with, when it is its caller who asked for something that cannot be.
const NOES: [StatusCode; 6] = [
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::CONFLICT,
    StatusCode::PRECONDITION_FAILED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNPROCESSABLE_ENTITY,
];

/// What is read of a problem document.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default)]
    detail: String,
    /// The fields that are not right.
    #[serde(default)]
    errors: Vec<FieldProblem>,
}

#[derive(Debug, Deserialize)]
struct FieldProblem {
    field: String,
    detail: String,
}

impl Problem {
    /// The reasons, one a line, as this program writes them: the fields that are not right, else the detail.
    fn reasons(&self) -> Vec<String> {
        if self.errors.is_empty() {
            return vec![uncapped(&self.detail)];
        }
        self.errors.iter().map(|error| format!("`{}`: {}", error.field, uncapped(&error.detail))).collect()
    }
}

/// What the operating system said, and not through whose hands it went.
fn deepest(mut error: &dyn Error) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A sentence without its capital and its full stop.
fn uncapped(sentence: &str) -> String {
    let mut rest = sentence.trim().trim_end_matches('.').chars();
    let first = rest.next().map(|first| first.to_lowercase().to_string());
    first.unwrap_or_default() + rest.as_str()
}

/// Whether the answer tells of a problem as a gateway does. Other servers refuse, too.
fn has_problem(response: &Response) -> bool {
    let media = response.headers().get(CONTENT_TYPE).and_then(|field| field.to_str().ok());
    media.is_some_and(|media| media.split(';').next().is_some_and(|kind| kind.trim() == PROBLEM))
}

/// Whether a gateway says that there is no such thing.
pub(super) fn is_missing(response: &Response) -> bool {
    response.status() == StatusCode::NOT_FOUND && has_problem(response)
}

/// Says of what was to be changed that nobody knows whether it was.
fn uncertain(request: &Request, failure: Failure) -> Failure {
    if request.method.is_safe() {
        return failure;
    }
    failure
        .because("what was asked for may have happened, or may still happen")
        .hint("look at what there is before you try again")
}

impl Client {
    /// The failure of an answer that stopped half way.
    pub(crate) fn broken_off(&self, request: &Request, error: &io::Error) -> Failure {
        let failure = Failure::new(format!("the answer of {} broke off", self.place.url));
        uncertain(request, failure.caused_by(error))
    }

    /// The failure of a request without an answer.
    pub(super) fn no_answer(&self, request: &Request, error: reqwest::Error) -> Failure {
        let (place, error) = (&self.place, error.without_url());
        if error.is_timeout() {
            let within = if request.is_whole { WHOLE_WITHIN } else { ANSWER_WITHIN }.as_secs();
            let failure = Failure::new(format!("{} did not answer within {within} seconds", place.url));
            return uncertain(request, failure.hint("look at the gateway's log, and at its machine"));
        }
        if !error.is_connect() {
            let failure = Failure::new(format!("the connection to {} broke off before an answer", place.url));
            let failure =
                failure.because(deepest(&error)).hint("look at the gateway's log, and at its machine");
            return uncertain(request, failure);
        }
        let failure = Failure::new(format!("no gateway answers at {}", place.url))
            .because(format!("the address is from {}", place.url_from))
            .because(deepest(&error));
        failure.hint(
            "start one with `lockgate serve` or `lockgate demo`, or say where its admin API listens with `--admin URL`",
        )
    }

    /// The failure of a request that was answered with a refusal.
    pub(super) fn refused(&self, request: &Request, response: Response) -> Failure {
        let status = response.status();
        // A refusal without a problem document is told by its status alone.
        let text = has_problem(&response).then(|| self.read(request, response).ok()).flatten();
        let problem = text.and_then(|text| serde_json::from_str::<Problem>(&text).ok());
        let place = &self.place;
        let failure = match status {
            StatusCode::UNAUTHORIZED => Failure::new(format!("{} does not take the admin token", place.url))
                .because(format!("the token is from {}", place.token_from))
                .hint("each gateway has its own: name its data directory with `--data DIR`, or put its token into `$LOCKGATE_ADMIN_TOKEN`"),
            StatusCode::FORBIDDEN => Failure::new(request.failure.as_str())
                .because(format!("the token from {} is not the admin token", place.token_from)),
            StatusCode::SERVICE_UNAVAILABLE => Failure::new(request.failure.as_str())
                .hint("try again later; the gateway's log says more, and traffic flows on"),
            status if status.is_server_error() => Failure::new(request.failure.as_str())
                .hint("the gateway's log says why"),
            status if NOES.contains(&status) && problem.is_some() => {
                Failure::new(request.failure.as_str()).says_no()
            }
            _ => self.not_understood(),
        };
        match problem {
            Some(problem) => problem.reasons().into_iter().fold(failure, Failure::because),
            None => failure.because(format!("{} answered {status}", place.url)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_becomes_a_reason() {
        assert_eq!(uncapped("There is no such user."), "there is no such user");
        assert_eq!(uncapped(" Été."), "été");
        assert_eq!(uncapped(""), "");
    }
}
