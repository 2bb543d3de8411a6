//! What reading a head and writing it again costs: `head_cost [request|response|both] [ROUNDS]`.
//!
//! Prints nanoseconds per head. Instructions per head are the difference of two runs of different length:
//! `valgrind --tool=callgrind head_cost request 1000`, then 2000.

use std::hint::black_box;
use std::time::Instant;

use http1::{HeadLimits, encode_request, encode_response, parse_request, parse_response};
use message::{Method, Request, Response, Version};

/// What a browser sends for a small resource, about 400 bytes.
const REQUEST: &[u8] = b"GET /api/v1/orders/4711?fields=name,state HTTP/1.1\r\n\
    Host: api.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: application/json, text/plain, */*\r\n\
    Accept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\
    Referer: https://shop.example.com/orders\r\n\
    Connection: keep-alive\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef\r\n\
    Cache-Control: no-cache\r\n\r\n";

/// What an application server answers.
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Date: Sat, 21 Nov 2026 09:00:00 GMT\r\n\
    Server: nginx\r\n\
    Content-Type: application/json; charset=utf-8\r\n\
    Content-Length: 1256\r\n\
    Connection: keep-alive\r\n\
    ETag: W/\"4e8-1a2b3c4d5e6f\"\r\n\
    Vary: Accept-Encoding\r\n\
    Cache-Control: private, max-age=0\r\n\r\n";

#[inline(never)]
fn request_once(limits: &HeadLimits, request: &mut Request, out: &mut Vec<u8>) {
    out.clear();
    let parsed = parse_request(black_box(REQUEST), limits, request);
    assert_eq!(parsed, Ok(Some(REQUEST.len())));
    encode_request(request, out);
    black_box(&*out);
}

#[inline(never)]
fn response_once(limits: &HeadLimits, response: &mut Response, out: &mut Vec<u8>) {
    out.clear();
    let parsed = parse_response(black_box(RESPONSE), limits, Method::Get, response);
    assert_eq!(parsed, Ok(Some(RESPONSE.len())));
    encode_response(response, Version::Http11, true, out);
    black_box(&*out);
}

#[allow(clippy::print_stdout, reason = "its output is what it is for")]
fn measure(what: &str, rounds: u32, mut once: impl FnMut()) {
    let before = Instant::now();
    for _ in 0..rounds {
        once();
    }
    println!("{what}: {:.0} ns", before.elapsed().as_nanos() as f64 / f64::from(rounds));
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_else(|| "both".to_owned());
    let rounds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let (limits, mut out) = (HeadLimits::default(), Vec::with_capacity(4096));
    let (mut request, mut response) = (Request::default(), Response::default());
    if what != "response" {
        measure("request, read and written", rounds, || request_once(&limits, &mut request, &mut out));
    }
    if what != "request" {
        measure("response, read and written", rounds, || response_once(&limits, &mut response, &mut out));
    }
}
