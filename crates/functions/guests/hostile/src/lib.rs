//! Does, by its path, whatever a function should not do or cannot do.

mod answer;
mod answers;
mod memory;
mod outgoing;
mod query;
mod secret;
mod sockets;
mod time;
mod world;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use query::Query;

struct Hostile;

wasip2::http::proxy::export!(Hostile);

impl Guest for Hostile {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = Query::new(query);
        match path {
            "/spin" => time::spin(),
            "/busy" => time::busy(&query, out),
            "/hold" => time::hold(),
            "/sleep" => time::sleep(&query, out),
            "/allocate" => memory::allocate(&query, out),
            "/recurse" => memory::recurse(&query, out),
            "/bulk" => memory::bulk(&query, out),
            "/random" => memory::random(&query, out),
            "/secret-write" => secret::write(&query, out),
            "/secret-look" => secret::look(&query, out),
            "/headers" => answers::headers(&query, out),
            "/stream" => answers::stream(out),
            "/big-chunk" => answers::big_chunk(&query, out),
            "/status" => answers::status(&query, out),
            "/content-length" => answers::content_length(&query, out),
            "/forbidden-headers" => answers::forbidden_headers(out),
            "/trailers" => answers::trailers(out),
            "/no-answer" => drop(out),
            "/error-code" => answers::error_code(out),
            "/trap-before-head" => answers::trap(),
            "/trap-after-head" => answers::trap_after_head(out),
            "/trap-in-body" => answers::trap_in_body(out),
            "/panic" => panic!("this guest panics when it is asked to"),
            "/exit" => std::process::exit(3),
            "/call" => outgoing::call(&query, out),
            "/hoard" => outgoing::hoard(&query, out),
            "/log" => world::log(&query, out),
            "/env" => world::environment(out),
            "/files" => world::files(out),
            "/file-error" => world::file_error(out),
            "/config" => world::config(out),
            "/whoami" => world::whoami(&request, out),
            "/leak" => world::leak(out),
            "/echo" => world::echo(&request, out),
            _ => answer::not_found(out),
        }
    }
}
