//! Makes pictures small: those that are sent, those of the upstream `pictures`, or one that it brings along.
//!
//! `POST /thumbnails/?width=320&height=240` with a picture as body, `GET /thumbnails/cats/1.jpg?width=320` for
//! `http://pictures.internal/cats/1.jpg`, `GET /thumbnails/` for the sample.

mod picture;
mod source;

use std::borrow::Cow;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use picture::{PictureError, Thumbnail};
use source::SourceError;

struct Thumbnails;

wasip2::http::proxy::export!(Thumbnails);

/// What a thumbnail has to fit into, pixels, where nothing is asked for.
const EDGE_DEFAULT: u32 = 320;
/// What is shown where no picture is named.
const SAMPLE: &[u8] = include_bytes!("../sample.jpg");

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("pictures are asked for with GET, or sent with POST")]
    Method,
    #[error("`{0}` is not a number of pixels")]
    Edge(&'static str),
    #[error("{0}")]
    Picture(#[from] PictureError),
    #[error("{0}")]
    Source(#[from] SourceError),
}

impl Failure {
    fn status(&self) -> u16 {
        match self {
            Self::Edge(_) | Self::Picture(PictureError::Size(..)) | Self::Source(SourceError::Body) => 400,
            Self::Source(SourceError::Missing) => 404,
            Self::Method => 405,
            Self::Picture(PictureError::TooLarge) | Self::Source(SourceError::TooLarge) => 413,
            Self::Picture(PictureError::Unknown) => 415,
            Self::Picture(PictureError::Damaged(_)) => 422,
            Self::Picture(PictureError::NotWritten(_)) => 500,
            Self::Source(SourceError::NotReached(_)) => 502,
        }
    }
}

impl Guest for Thumbnails {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match thumbnail(&request) {
            Ok(thumbnail) => answer(out, 200, &[("content-type", thumbnail.media_type)], &thumbnail.bytes),
            Err(failure) => {
                // A 405 has to say what is allowed: RFC 9110, section 15.5.6.
                let fields = [("content-type", "text/plain; charset=utf-8"), ("allow", "GET, HEAD, POST")];
                let fields = if matches!(failure, Failure::Method) { &fields[..] } else { &fields[..1] };
                answer(out, failure.status(), fields, format!("{failure}\n").as_bytes());
            }
        }
    }
}

fn thumbnail(request: &IncomingRequest) -> Result<Thumbnail, Failure> {
    let target = request.path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (width, height) = (edge(query, "width")?, edge(query, "height")?);
    // The first part of the path is where the function is: `/thumbnails/`.
    let name = path.trim_start_matches('/').split_once('/').map_or("", |(_, name)| name);
    let source = match request.method() {
        Method::Post => Cow::Owned(source::sent(request)?),
        Method::Get | Method::Head if name.is_empty() => Cow::Borrowed(SAMPLE),
        Method::Get | Method::Head => Cow::Owned(source::fetched(name)?),
        _ => return Err(Failure::Method),
    };
    Ok(picture::thumbnail(&source, width, height)?)
}

/// The number of pixels that `name` has in the query.
fn edge(query: &str, name: &'static str) -> Result<u32, Failure> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.find(|(key, _)| *key == name).map(|(_, value)| value);
    value.map_or(Ok(EDGE_DEFAULT), |value| value.parse().map_err(|_| Failure::Edge(name)))
}

fn answer(out: ResponseOutparam, status: u16, said: &[(&str, &str)], bytes: &[u8]) {
    let fields = Fields::new();
    let length = bytes.len().to_string();
    for (name, value) in said.iter().copied().chain([("content-length", length.as_str())]) {
        fields.append(name, value.as_bytes()).expect("a field that may be set");
    }
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).expect("a status that exists");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    // A client that went away makes this fail, and nobody is left to be told.
    let written = bytes.chunks(4096).all(|piece| stream.blocking_write_and_flush(piece).is_ok());
    drop(stream);
    if written {
        _ = OutgoingBody::finish(body, None);
    }
}
