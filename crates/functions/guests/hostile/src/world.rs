//! What is there beside the request: log, environment, files, configuration; and the request, shown.

use std::fmt::{Debug, Write};
use std::fs::{self, File};

use wasip2::filesystem::types::filesystem_error_code;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

use crate::answer::{self, Answer};
use crate::query::Query;
use crate::sockets;

wit_bindgen::generate!({
    inline: "
        package wasi:config@0.2.0-rc.1;

        interface store {
            variant error { upstream(string), io(string) }
            get: func(key: string) -> result<option<string>, error>;
            get-all: func() -> result<list<tuple<string, string>>, error>;
        }

        world configured {
            import store;
        }
    ",
});

/// `bytes` bytes of log, in lines of a hundred; half of them to standard output.
pub(crate) fn log(query: &Query<'_>, out: ResponseOutparam) {
    let lines = query.number("bytes", usize::MAX) / 100;
    for number in 0..lines {
        match number % 2 {
            0 => eprintln!("{number:099}"),
            _ => println!("{number:099}"),
        }
    }
    answer::text(out, &format!("{lines} lines\n"));
}

/// Arguments and variables.
pub(crate) fn environment(out: ResponseOutparam) {
    let arguments: Vec<String> = std::env::args().collect();
    let variables: Vec<(String, String)> = std::env::vars().collect();
    answer::text(out, &format!("arguments: {arguments:?}\nvariables: {variables:?}\n"));
}

/// Tries files and sockets; a line for each says whether it got one.
pub(crate) fn files(out: ResponseOutparam) {
    let lines = [
        tried("read a file", fs::read("/etc/passwd")),
        tried("read a folder", fs::read_dir("/").map(Iterator::count)),
        tried("read the working folder", fs::read_dir(".").map(Iterator::count)),
        tried("write a file", File::create("/tmp/hostile")),
        tried("connect", sockets::connect()),
        tried("listen", sockets::listen()),
        tried("bind", sockets::bind()),
        tried("look a name up", sockets::look_up()),
    ];
    answer::text(out, &lines.concat());
}

/// Asks of an error that comes of a body that is too long what a file had to do with it.
pub(crate) fn file_error(out: ResponseOutparam) {
    let fields = Fields::new();
    fields.append("content-length", b"1").expect("a field that may be set");
    let response = OutgoingResponse::new(fields);
    let body = response.body().expect("the body is taken once");
    let stream = body.write().expect("the stream is taken once");
    let said = match stream.blocking_write_and_flush(b"two") {
        Err(StreamError::LastOperationFailed(error)) => format!("{:?}\n", filesystem_error_code(&error)),
        other => format!("no such error: {other:?}\n"),
    };
    drop(stream);
    answer::text(out, &said);
}

fn tried<T: Debug, E: Debug>(what: &str, outcome: Result<T, E>) -> String {
    match outcome {
        Ok(got) => format!("{what}: GOT {got:?}\n"),
        Err(error) => format!("{what}: {error:?}\n"),
    }
}

/// Every value of the configuration, sorted.
pub(crate) fn config(out: ResponseOutparam) {
    match wasi::config::store::get_all() {
        Ok(mut values) => {
            values.sort();
            let lines: Vec<_> = values.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
            answer::text(out, &lines.concat());
        }
        Err(error) => answer::text(out, &format!("{error:?}\n")),
    }
}

/// The head of the request.
pub(crate) fn whoami(request: &IncomingRequest, out: ResponseOutparam) {
    let method = match request.method() {
        Method::Other(name) => name,
        known => format!("{known:?}").trim_start_matches("Method::").to_uppercase(),
    };
    let target = request.path_with_query().unwrap_or_default();
    let mut text =
        format!("{method} {target}\nscheme: {:?}\nauthority: {:?}\n", request.scheme(), request.authority());
    for (name, value) in request.headers().entries() {
        writeln!(text, "{name}: {}", String::from_utf8_lossy(&value)).expect("a string takes all");
    }
    answer::text(out, &text);
}

/// Keeps a thing of the host's for ever.
pub(crate) fn leak(out: ResponseOutparam) {
    std::mem::forget(Fields::new());
    answer::text(out, "leaked\n");
}

/// The body of the request and its trailers, as they come.
pub(crate) fn echo(request: &IncomingRequest, out: ResponseOutparam) {
    let body = request.consume().expect("the body is taken once");
    let stream = body.stream().expect("the stream is taken once");
    let answer = Answer::begin(out, Fields::new());
    while let Ok(piece) = stream.blocking_read(64 * 1024) {
        if answer.write(&piece).is_err() {
            return;
        }
    }
    drop(stream);
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    let trailers = trailers.get().and_then(Result::ok).and_then(Result::ok).flatten();
    answer.end(trailers);
}
