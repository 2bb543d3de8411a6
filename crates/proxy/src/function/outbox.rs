//! Answers on their way back to the workers, a few at a time: to wake another thread costs as much as a short call.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, oneshot};

use super::call::Answered;
use crate::limits::ANSWERS_TOGETHER;

/// An answer, and the exchange that waits for it.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) to: oneshot::Sender<Answered>,
    pub(super) answered: Answered,
}

/// Where a worker takes answers from function threads.
#[derive(Clone, Debug)]
pub(crate) struct Letterbox(UnboundedSender<Vec<Letter>>);

impl Letterbox {
    /// A letterbox that is emptied by a task of the current runtime. As many answers lie in it as calls of the worker are under way.
    pub(super) fn new() -> Self {
        let (letterbox, letters) = mpsc::unbounded_channel();
        tokio::task::spawn_local(deliver(letters));
        Self(letterbox)
    }
}

async fn deliver(mut letters: UnboundedReceiver<Vec<Letter>>) {
    while let Some(together) = letters.recv().await {
        for Letter { to, answered } in together {
            // Whoever has gone does not want the answer, which is dropped here and so ends the guest.
            let _ = to.send(answered);
        }
    }
}

/// What the calls of one function thread have answered in this turn of its tasks.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    letters: RefCell<Vec<(Letterbox, Vec<Letter>)>>,
    /// When the first of them was put in.
    since: Cell<Option<Instant>>,
    filled: Notify,
}

impl Outbox {
    /// Takes an answer, and sends all that are there once the first has waited long enough.
    pub(super) fn put(&self, letterbox: &Letterbox, letter: Letter) {
        {
            let mut letters = self.letters.borrow_mut();
            match letters.iter_mut().find(|(other, _)| other.0.same_channel(&letterbox.0)) {
                Some((_, waiting)) => waiting.push(letter),
                None => letters.push((letterbox.clone(), vec![letter])),
            }
        }
        match self.since.get() {
            None => {
                self.since.set(Some(Instant::now()));
                self.filled.notify_one();
            }
            Some(since) if since.elapsed() >= ANSWERS_TOGETHER => self.send(),
            Some(_) => {}
        }
    }

    /// Sends what the calls that were ready have put in, as long as the thread lives.
    pub(super) async fn empty(&self) {
        loop {
            self.filled.notified().await;
            self.send();
        }
    }

    /// Sends what is there now.
    pub(super) fn send(&self) {
        if self.since.take().is_none() {
            return;
        }
        for (letterbox, letters) in self.letters.borrow_mut().drain(..) {
            // A worker that has gone wants nothing.
            let _ = letterbox.0.send(letters);
        }
    }
}

#[cfg(test)]
mod tests {
    use functions::Failure;

    use super::*;

    fn block_on<R>(future: impl Future<Output = R>) -> R {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.build_local(tokio::runtime::LocalOptions::default()).expect("a runtime");
        runtime.block_on(future)
    }

    fn answer() -> (Letter, oneshot::Receiver<Answered>) {
        let (to, waits) = oneshot::channel();
        (Letter { to, answered: Err(Failure::NoResponse) }, waits)
    }

    #[test]
    fn each_answer_reaches_whoever_waits() {
        block_on(async {
            let outbox = std::rc::Rc::new(Outbox::default());
            let emptied = outbox.clone();
            tokio::task::spawn_local(async move { emptied.empty().await });
            let letterboxes = [Letterbox::new(), Letterbox::new()];
            let (gone, _) = answer();
            outbox.put(&letterboxes[0], gone);
            for turn in 0..3 {
                let (answers, waiting): (Vec<_>, Vec<_>) = (0..4).map(|_| answer()).unzip();
                for (at, answer) in answers.into_iter().enumerate() {
                    outbox.put(&letterboxes[at % 2], answer);
                }
                for waits in waiting {
                    assert!(waits.await.is_ok(), "turn {turn}");
                }
            }
        });
    }

    #[test]
    fn none_waits_for_a_turn_that_takes_long() {
        block_on(async {
            let (outbox, letterbox) = (Outbox::default(), Letterbox::new());
            let ((first, mut waits), (second, waits_too)) = (answer(), answer());
            outbox.put(&letterbox, first);
            tokio::task::yield_now().await;
            assert!(waits.try_recv().is_err(), "the turn has not ended");
            let began = Instant::now();
            while began.elapsed() < ANSWERS_TOGETHER {}
            outbox.put(&letterbox, second);
            assert!(waits.await.is_ok() && waits_too.await.is_ok());
            let (third, waits) = answer();
            outbox.put(&letterbox, third);
            outbox.send();
            assert!(waits.await.is_ok());
        });
    }
}
