//! An upstream's whole connection of HTTP/2: whatever its endpoint does, what is sent to it is what RFC 9113 has it be, exchanges get what
//! it has answered and nothing else, and all of them end.

mod asked;
mod endpoint;
mod judge;
mod script;

use proxy::fuzz::h2::upstream::ask;

use self::judge::Judge;
use self::script::Script;

/// Takes bytes that say how the connection behaves, what is asked on it and what its endpoint does, step by step: see [`Script`].
pub fn h2_upstream(data: &[u8]) {
    let script = Script::read(data);
    let transcript = ask(&script.plan);
    Judge::new(&script.plan, &transcript).judge();
}
