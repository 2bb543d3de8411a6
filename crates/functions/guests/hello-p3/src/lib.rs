//! Greets through `wasi:http` 0.3; by its path it also does a few things wrong.

use std::hint::black_box;

use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::filesystem::preopens::get_directories;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::sockets::ip_name_lookup::resolve_addresses;
use wasip3::sockets::types::{IpAddressFamily, TcpSocket, UdpSocket};
use wasip3::{spawn_local, wit_future, wit_stream};

struct Hello;

wasip3::http::service::export!(Hello);

const DAY_NS: u64 = 24 * 60 * 60 * 1_000_000_000;

/// What follows the body's pieces.
#[derive(Clone, Copy)]
enum Then {
    End,
    Trap,
    Again,
}

impl Guest for Hello {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        match target.split('?').next().unwrap_or_default() {
            "/spin" => spin(),
            "/hold" => monotonic_clock::wait_for(DAY_NS).await,
            "/panic" => panic!("this guest panics when it is asked to"),
            "/trap-in-body" => return Ok(answer(b"so far\n".to_vec(), Then::Trap)),
            "/stream" => return Ok(answer(vec![b'x'; 4096], Then::Again)),
            "/echo" => return Ok(echo(request)),
            "/files" => return Ok(answer(files().await.into_bytes(), Then::End)),
            _ => {}
        }
        Ok(answer(format!("Hello from Rust, {target}\n").into_bytes(), Then::End))
    }
}

/// Tries files and sockets; a line for each says what came of it.
async fn files() -> String {
    format!(
        "directories: {}\ntcp: {:?}\nudp: {:?}\nname: {:?}\n",
        get_directories().len(),
        TcpSocket::create(IpAddressFamily::Ipv4).map(drop),
        UdpSocket::create(IpAddressFamily::Ipv6).map(drop),
        resolve_addresses("localhost".to_owned()).await.map(|found| found.len()),
    )
}

fn spin() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns).wrapping_add(1);
    }
}

/// The piece as a body, which is written while the head is on its way.
fn answer(piece: Vec<u8>, then: Then) -> Response {
    let fields = Fields::new();
    fields.append("content-type", b"text/plain; charset=utf-8").expect("a field that may be set");
    let (mut body, reader) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    spawn_local(async move {
        // What is left over was not wanted: the client went away.
        while body.write_all(piece.clone()).await.is_empty() {
            match then {
                Then::End => break,
                Then::Trap => core::arch::wasm32::unreachable(),
                Then::Again => {}
            }
        }
    });
    Response::new(fields, Some(reader), trailers).0
}

/// The request's body and trailers, without a look at them.
fn echo(request: Request) -> Response {
    let (_, taken) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, taken);
    Response::new(Fields::new(), Some(body), trailers).0
}
