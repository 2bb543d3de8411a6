//! A client's whole connection of HTTP/2: whatever comes, what is sent in return is what RFC 9113 has it be, and it ends.

mod client;
mod judge;
mod script;

use proxy::fuzz::h2::converse;

use self::judge::Judge;
use self::script::Script;

/// Takes bytes that say how the connection behaves and what the client does on it, step by step: see [`Script`].
pub fn h2_connection(data: &[u8]) {
    let script = Script::read(data);
    let transcript = converse(&script.plan);
    Judge::new(&script, &transcript).judge();
}
