//! A proxy of one's own: the header `x-color` chooses one of two services.
//!
//! Try it: `cargo run --example my_proxy -p proxy`, with services on ports 9001 and 9002.

use proxy::{ProxyHttp, Request, Standalone};

const CONFIGURATION: &str = r#"
    listener = [{ address = "127.0.0.1:8080" }]
    upstream.blue = { endpoints = ["127.0.0.1:9001"] }
    upstream.green = { endpoints = ["127.0.0.1:9002"] }
    route = [{ path = "/*", upstream = "blue" }]
"#;

#[derive(Clone)]
struct ByColor;

impl ProxyHttp for ByColor {
    type Context = ();

    fn new_context(&self) {}

    fn upstream_peer(&self, request: &Request, (): &mut ()) -> Option<&str> {
        request.has_field("x-color", Some("green")).then_some("green")
    }
}

fn main() -> Result<(), proxy::StandaloneError> {
    Standalone::start(CONFIGURATION, &ByColor)?.wait();
    Ok(())
}
