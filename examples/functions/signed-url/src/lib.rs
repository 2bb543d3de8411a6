//! Lets a request pass whose URL is signed and has not expired; it stands before an upstream.

mod signature;

use wasip3::clocks::system_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wasip3::{wit_future, wit_stream};

struct SignedUrl;

wasip3::http::service::export!(SignedUrl);

wit_bindgen::generate!({
    inline: "
        package wasi:config@0.2.0-rc.1;

        interface store {
            variant error { upstream(string), io(string) }
            get: func(key: string) -> result<option<string>, error>;
        }

        world configured {
            import store;
        }
    ",
});

/// What stands behind this function in the gateway.
const UPSTREAM: &str = "upstream.internal";

impl Guest for SignedUrl {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let Ok(Some(key)) = wasi::config::store::get("key") else {
            eprintln!("there is no `key` in the configuration");
            return Err(ErrorCode::ConfigurationError);
        };
        let is_read = matches!(request.get_method(), Method::Get | Method::Head);
        let target = request.get_path_with_query().unwrap_or_default();
        match signature::check(&target, key.as_bytes(), system_clock::now().seconds) {
            Ok(()) if is_read => {}
            Ok(()) => return Ok(refusal("a signed URL may only be read")),
            Err(why) => return Ok(refusal(why)),
        }
        let refused = |()| ErrorCode::HttpRequestUriInvalid;
        request.set_scheme(Some(&Scheme::Http)).map_err(refused)?;
        request.set_authority(Some(UPSTREAM)).map_err(refused)?;
        // Its body is never seen here: the gateway passes it on.
        client::send(request).await
    }
}

fn refusal(why: &str) -> Response {
    let (mut body, reader) = wit_stream::new();
    let text = format!("{why}\n").into_bytes();
    let fields = Fields::new();
    fields.append("content-type", b"text/plain; charset=utf-8").expect("a field that may be set");
    wasip3::spawn_local(async move {
        // What is left over was not wanted: the client went away.
        body.write_all(text).await;
    });
    let (_, trailers) = wit_future::new(|| Ok(None));
    let response = Response::new(fields, Some(reader), trailers).0;
    response.set_status_code(403).expect("a status that exists");
    response
}
