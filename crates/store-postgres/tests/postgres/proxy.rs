//! A way to the server that breaks at a commit.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Where the next commit breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server never hears of it.
    Asked,
    /// The server commits, and its answer is lost.
    Answered,
}

/// Passes bytes between clients and a server, one cut at a time.
pub(crate) struct Proxy {
    port: u16,
    next: Arc<Mutex<Option<Cut>>>,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let next = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&next);
        thread::spawn(move || {
            for client in listener.incoming() {
                pass(client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap(), &shared);
            }
        });
        Self { port, next }
    }

    /// The URL by this way.
    pub(crate) fn url(&self, direct: &str, server: u16) -> String {
        direct.replace(&format!(":{server}/"), &format!(":{}/", self.port))
    }

    pub(crate) fn cut_next(&self, cut: Cut) {
        *self.next.lock().unwrap() = Some(cut);
    }
}

fn pass(client: TcpStream, server: TcpStream, next: &Arc<Mutex<Option<Cut>>>) {
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let lost = Arc::new(AtomicBool::new(false));
    let (next, answer_lost) = (Arc::clone(next), Arc::clone(&lost));
    thread::spawn(move || {
        copy(&mut from_client, &mut to_server, |bytes| {
            let commits = bytes.windows(6).any(|word| word == b"COMMIT");
            let cut = if commits { next.lock().unwrap().take() } else { None };
            answer_lost.fetch_or(cut == Some(Cut::Answered), Ordering::SeqCst);
            cut != Some(Cut::Asked)
        });
    });
    let (mut from_server, mut to_client) = (server, client);
    thread::spawn(move || copy(&mut from_server, &mut to_client, |_| !lost.load(Ordering::SeqCst)));
}

/// Hands bytes on while `passes` says so, and then breaks both ways.
fn copy(from: &mut TcpStream, to: &mut TcpStream, mut passes: impl FnMut(&[u8]) -> bool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !passes(&buffer[..count]) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
