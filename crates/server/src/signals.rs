//! SIGHUP reloads; SIGTERM and SIGINT ask for the end, and a second one ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::limits::LAST_WORDS;
use crate::running::{Running, Unloadable};

/// Exit status of a process that a second signal ends: its drain was cut short.
const CUT_SHORT: i32 = 1;

/// The signals of a process, taken over from their default meaning.
pub(crate) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    asked: Sender<()>,
}

impl Signals {
    /// Takes the signals over; needs a runtime. The receiver hears of the first that asks for the end.
    pub(crate) fn take() -> io::Result<(Self, Receiver<()>)> {
        let (asked, heard) = channel();
        let signals = Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            asked,
        };
        Ok((signals, heard))
    }

    /// Obeys signals for ever.
    pub(crate) async fn obey(mut self, running: Arc<Running>) {
        let mut ending = false;
        loop {
            let name = tokio::select! {
                _ = self.hangup.recv() => {
                    // Beside this, since it may take its time: signals that ask for the end are heard meanwhile.
                    let running = running.clone();
                    tokio::spawn(async move { running.reload_and_tell("SIGHUP", Unloadable::Refuses).await });
                    continue;
                }
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
            };
            if std::mem::replace(&mut ending, true) {
                tracing::warn!(signal = name, "second signal: ending at once");
                // For the log, which another thread may write.
                std::thread::sleep(LAST_WORDS);
                std::process::exit(CUT_SHORT);
            }
            tracing::info!(signal = name, "draining; a second signal ends the process at once");
            // Nobody waits any more when the process is ending for another reason.
            let _ = self.asked.send(());
        }
    }
}
