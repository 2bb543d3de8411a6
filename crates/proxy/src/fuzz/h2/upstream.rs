//! An upstream's whole connection of HTTP/2 in memory: what is asked on it and what its endpoint does are a list, what goes over it is
//! kept, and time passes as the list says.

mod endpoint;
mod exchange;

use std::cell::RefCell;
use std::rc::Rc;

use tokio::task::JoinHandle;

pub use super::wire::Moment;
pub use super::{End, Travel, pattern};

use self::endpoint::Endpoint;
use self::exchange::Exchange;
use super::gateway::{Gateway, with_gateway};
use super::wire::{InMemory, Wire};
use super::{TURNS, turns};
use crate::h2::{self, Handle};
use crate::limits::{UPSTREAM_STREAMS, UPSTREAM_WINDOW_BYTES};

/// Most streams that are begun at once, whatever the endpoint takes.
pub const STREAMS: usize = UPSTREAM_STREAMS;
/// Bytes of one answer that the endpoint may send unasked.
pub const STREAM_WINDOW: u32 = UPSTREAM_WINDOW_BYTES;
/// The same of all answers.
pub const CONNECTION_WINDOW: u32 = UPSTREAM_WINDOW_BYTES * UPSTREAM_STREAMS as u32;
/// Ticks without anything to do within which every wait is over.
const TICKS_TO_END: u32 = 400;

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The gateway asks.
    Ask(Question),
    /// The exchange with this number is given up.
    GiveUp(usize),
    /// Nobody asks any more, so that the connection ends with the exchanges that are under way.
    Leave,
    /// The endpoint sends frames.
    Send(Frames),
    /// It waits for so many ticks.
    Wait(u32),
    /// It takes this many bytes more, and no others until it says so.
    Take(usize),
    /// It takes all there is from now on.
    TakeAll,
}

/// What is asked. The exchange that begins as the n-th asks for the path `/n`, and its body is [`pattern`] from n on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// GET, HEAD or another.
    pub method: &'static str,
    /// Whether a WebSocket is asked for by GET: the body is what goes up once it is open.
    pub is_tunnel: bool,
    /// Bytes of the body.
    pub count: usize,
    /// Whether the head says how many there are.
    pub says_length: bool,
    /// How many of them are handed on at once.
    pub piece: usize,
    /// Whether the end comes behind the last of them.
    pub ends_apart: bool,
    /// Whether there are trailers.
    pub has_trailers: bool,
    /// Whether a tick passes before each piece of the body and of the answer's.
    pub is_slow: bool,
    /// After how many bytes of the answer it is given up.
    pub gives_up_at: Option<usize>,
}

impl Question {
    /// Whether the head is all of it.
    pub const fn is_head_only(&self) -> bool {
        self.count == 0 && !self.says_length && !self.ends_apart && !self.has_trailers
    }
}

/// Frames that go out together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frames {
    /// All of them.
    pub bytes: Vec<u8>,
    /// When they may; otherwise they are left out.
    pub when: Option<When>,
}

/// When an endpoint that keeps to the rules may send what it sends of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The stream, which has to have begun.
    pub stream: u32,
    /// How far its answer has to be.
    pub progress: Progress,
    /// How far it is then.
    pub then: Progress,
    /// For how many bytes of DATA there has to be room.
    pub flow: u32,
}

/// How far an answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// It has not begun, but for interim heads.
    #[default]
    Asked,
    /// The head has gone out.
    Begun,
    /// All has, or the stream was reset.
    Over,
}

/// What happens, and how bytes travel.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What happens.
    pub acts: Vec<Act>,
    /// How bytes travel; it is the endpoint that ends the connection.
    pub travel: Travel,
}

/// What an exchange was answered.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What it asked.
    pub question: Question,
    /// Interim heads.
    pub interim: u32,
    /// Status of the final head.
    pub status: Option<u16>,
    /// What the field `x-mark` says.
    pub mark: Option<Vec<u8>>,
    /// Bytes of the body.
    pub body: Vec<u8>,
    /// The trailer `x-trailer`.
    pub trailer: Option<Vec<u8>>,
    /// How it ended; `None`: it has not.
    pub ended: Option<Ended>,
    /// When it did.
    pub at: Moment,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was answered whole.
    Whole,
    /// Nobody wanted the rest.
    GaveUp,
    /// Nothing came in time.
    TimedOut,
    /// The connection ended without an answer.
    Closed,
    /// The endpoint has not looked at the request.
    Unprocessed,
    /// The endpoint takes no tunnels, so that it was not asked for one.
    NoTunnel,
    /// The stream was reset, or the connection ended, before all had come.
    Reset,
    /// The head, or what is behind it, is malformed.
    Malformed,
}

/// How things stand when nothing moves any more although nobody keeps it.
#[derive(Clone, Debug)]
pub struct Rest {
    /// How far both directions are.
    pub moment: Moment,
    /// Exchanges that have not ended.
    pub waiting: Vec<usize>,
    /// Bytes of answers for which the endpoint is not to be told that it may send others.
    pub held: Option<usize>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// All that the endpoint has sent, whether it was read or not.
    pub sent: Vec<u8>,
    /// All that it was sent.
    pub written: Vec<u8>,
    /// How much of the first was read, and of the second written, at each write.
    pub moments: Vec<Moment>,
    /// How much of the first was read in the end.
    pub read: usize,
    /// The exchanges in the order in which they began.
    pub outcomes: Vec<Outcome>,
    /// `None`: the connection was over before, or the endpoint does not take what it is sent.
    pub rest: Option<Rest>,
}

/// Has everything be done to the end.
///
/// # Panics
/// When the connection or one of its exchanges does not end.
pub fn ask(plan: &Plan) -> Transcript {
    with_gateway(|gateway| gateway.runtime.block_on(Asked::new(gateway, plan).run()))
}

/// A connection on which exchanges ask.
struct Asked<'a> {
    gateway: &'a Gateway,
    plan: &'a Plan,
    wire: InMemory,
    endpoint: Endpoint,
    /// For the next exchange, as long as there may be one.
    handle: Option<Handle>,
    outcomes: Rc<RefCell<Vec<Outcome>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl<'a> Asked<'a> {
    fn new(gateway: &'a Gateway, plan: &'a Plan) -> Self {
        Self {
            gateway,
            plan,
            wire: InMemory::new(Wire::new(plan.travel)),
            endpoint: Endpoint::new(),
            handle: None,
            outcomes: Rc::default(),
            tasks: Vec::new(),
        }
    }

    async fn run(mut self) -> Transcript {
        let timers = self.gateway.worker.timers.clone();
        let (handle, driving) = h2::begin(self.wire.clone(), timers, false);
        self.handle = Some(handle);
        let driving = self.gateway.runtime.spawn_local(driving);
        for act in &self.plan.acts {
            self.act(act).await;
            turns(self.plan.travel.turns).await;
        }
        let rest = self.rest(&driving).await;
        self.wire.wire(|wire| wire.end(self.plan.travel.end));
        self.handle = None;
        let is_over = |asked: &Self| driving.is_finished() && asked.tasks.iter().all(JoinHandle::is_finished);
        for _ in 0..TICKS_TO_END {
            turns(TURNS).await;
            if is_over(&self) {
                break;
            }
            self.gateway.tick();
        }
        assert!(driving.is_finished(), "the connection ends: {:?}", self.plan);
        assert!(is_over(&self), "every exchange ends: {:?}", self.plan);
        driving.await.expect("the connection's task does not panic");
        for task in std::mem::take(&mut self.tasks) {
            assert!(task.await.err().is_none_or(|error| error.is_cancelled()), "no exchange panics");
        }
        self.gateway.check_rest().await;
        let read = self.wire.wire(|wire| wire.moment().read);
        let (sent, written, moments) = self.wire.wire(Wire::take);
        Transcript { sent, written, moments, read, outcomes: self.outcomes.take(), rest }
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Ask(question) => self.ask(question),
            Act::GiveUp(at) => self.give_up(*at),
            Act::Leave => self.handle = None,
            Act::Send(frames) => {
                self.wire.wire(|wire| self.endpoint.hear(wire.written()));
                if frames.when.is_none_or(|when| self.endpoint.may_send(when)) {
                    self.wire.wire(|wire| wire.send(&frames.bytes));
                }
            }
            Act::Take(count) => self.wire.wire(|wire| wire.allow(*count)),
            Act::TakeAll => self.wire.wire(|wire| wire.allow(usize::MAX)),
            Act::Wait(ticks) => {
                for _ in 0..*ticks {
                    self.gateway.tick();
                    turns(1).await;
                }
            }
        }
    }

    fn ask(&mut self, question: &Question) {
        let Some(handle) = self.handle.clone() else { return };
        let at = self.outcomes.borrow().len();
        self.outcomes.borrow_mut().push(Outcome { question: question.clone(), ..Outcome::default() });
        let exchange = Exchange {
            at,
            question: question.clone(),
            worker: self.gateway.worker.clone(),
            wire: self.wire.clone(),
            moved: self.gateway.moved.clone(),
            outcomes: self.outcomes.clone(),
        };
        self.tasks.push(self.gateway.runtime.spawn_local(exchange.run(handle)));
    }

    fn give_up(&self, at: usize) {
        let Some(task) = self.tasks.get(at) else { return };
        task.abort();
        let moment = self.wire.wire(|wire| wire.moment());
        let outcome = &mut self.outcomes.borrow_mut()[at];
        if outcome.ended.is_none() {
            (outcome.ended, outcome.at) = (Some(Ended::GaveUp), moment);
        }
    }

    /// Goes on until nothing moves any more, where the endpoint takes all there is.
    async fn rest(&self, driving: &JoinHandle<()>) -> Option<Rest> {
        self.gateway.settle(&self.wire).await;
        if !self.wire.wire(|wire| wire.takes_all()) {
            return None;
        }
        let outcomes = self.outcomes.borrow();
        let waiting = (0..outcomes.len()).filter(|&at| outcomes[at].ended.is_none());
        let rest = Rest {
            moment: self.wire.wire(|wire| wire.moment()),
            waiting: waiting.collect(),
            held: self.handle.as_ref().map(Handle::held),
        };
        (!driving.is_finished()).then_some(rest)
    }
}
