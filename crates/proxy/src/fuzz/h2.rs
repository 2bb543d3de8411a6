//! A client's whole connection of HTTP/2 in memory: what it does is a list, what it is sent is kept, and time passes as the list says.

mod gateway;
mod origin;
pub mod upstream;
mod wire;

use std::rc::Rc;

pub use wire::Moment;

use gateway::{Gateway, with_gateway};
use wire::{InMemory, Wire};

/// Ticks without anything to do within which every wait of a connection is over.
const TICKS_TO_END: u32 = 1_200;
/// Ticks after which nobody waits for the rest of a request any more that has been answered, and everybody else still does.
const TICKS_TO_REST: u32 = 25;
/// How often the tasks get their turn while nothing comes.
const TURNS: u32 = 4;

/// What a client does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// It sends bytes.
    Send(Vec<u8>),
    /// It waits for so many ticks.
    Wait(u32),
    /// It takes this many bytes more, and no others until it says so.
    Take(usize),
    /// It takes all there is from now on.
    TakeAll,
    /// The gateway drains from now on.
    Drain,
}

/// How the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client closes it.
    Close,
    /// It fails.
    Fail,
    /// The client says and takes nothing more, so that the gateway has to end it.
    Silence,
}

/// How bytes travel, and how the connection ends.
#[derive(Clone, Copy, Debug)]
pub struct Travel {
    /// How it ends.
    pub end: End,
    /// Most bytes that are read at once.
    pub read_bytes: usize,
    /// Most bytes that are written at once.
    pub write_bytes: usize,
    /// Whether readiness now and then says more than there is.
    pub is_fickle: bool,
    /// How often the tasks get their turn behind each act.
    pub turns: u32,
}

/// A client, and how its bytes travel.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it does.
    pub acts: Vec<Act>,
    /// How its bytes travel.
    pub travel: Travel,
    /// Which listener it comes to, counted modulo their number.
    pub listener: usize,
}

/// What a listener allows its clients.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// Bytes of one request that may come unasked.
    pub stream_window: u32,
    /// The same of all requests.
    pub connection_window: u32,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// All that the client has sent, whether it was read or not.
    pub sent: Vec<u8>,
    /// All that it was sent.
    pub written: Vec<u8>,
    /// How much of it was read in the end.
    pub read: usize,
    /// How much of the first was read, and of the second written, at each write.
    pub moments: Vec<Moment>,
    /// The same when nothing has moved any more although nobody kept it; `None`: the connection was over before.
    pub rest: Option<Moment>,
    /// What the client was allowed.
    pub allowed: Allowed,
}

/// A byte of the bodies that the gateway of [`converse`] answers with.
pub const fn pattern(at: usize) -> u8 {
    (at % 251) as u8
}

/// Lets a client have its connection, to the end.
///
/// Paths: `/N` is answered with N bytes of a pattern, `/late/N` the same when a tick has passed, `/fixed` from the configuration,
/// `/echo` with what the request brings; everything else is refused.
///
/// # Panics
/// When the connection or one of its streams does not end.
pub fn converse(plan: &Plan) -> Transcript {
    with_gateway(|gateway| gateway.runtime.block_on(gateway.converse(plan)))
}

impl Gateway {
    async fn converse(&self, plan: &Plan) -> Transcript {
        let client = InMemory::new(Wire::new(plan.travel));
        let listener = self.listener(plan.listener);
        let http2 = listener.settings().http2;
        let task = self.serve(&listener, client.clone());
        for act in &plan.acts {
            self.act(act, &client).await;
            turns(plan.travel.turns).await;
        }
        let rest = self.rest(plan, &client, || task.is_finished()).await;
        client.wire(|wire| wire.end(plan.travel.end));
        let is_over = || task.is_finished() && listener.connections_open() == 0;
        let mut ticks = 0;
        while !is_over() && ticks < TICKS_TO_END {
            if !self.moves(&client).await {
                self.tick();
                ticks += 1;
            }
        }
        assert!(task.is_finished(), "the connection ends: {plan:?}");
        assert_eq!(listener.connections_open(), 0, "every stream ends: {plan:?}");
        task.await.expect("the connection's task does not panic");
        self.worker.draining().set(false);
        self.check_rest().await;
        let read = client.wire(|wire| wire.moment().read);
        let (sent, written, moments) = client.wire(Wire::take);
        let allowed =
            Allowed { stream_window: http2.stream_window, connection_window: http2.connection_window };
        Transcript { sent, written, read, moments, rest, allowed }
    }

    async fn act(&self, act: &Act, client: &InMemory) {
        match act {
            Act::Send(bytes) => client.wire(|wire| wire.send(bytes)),
            Act::Take(count) => client.wire(|wire| wire.allow(*count)),
            Act::TakeAll => client.wire(|wire| wire.allow(usize::MAX)),
            Act::Drain => {
                self.worker.draining().set(true);
                self.worker.timers.wake_all();
            }
            Act::Wait(ticks) => {
                for _ in 0..*ticks {
                    self.tick();
                    turns(1).await;
                }
            }
        }
    }

    /// Goes on until nothing moves any more, where the client takes all there is.
    async fn rest(&self, plan: &Plan, client: &InMemory, is_over: impl Fn() -> bool) -> Option<Moment> {
        if plan.travel.end != End::Silence || !client.wire(|wire| wire.takes_all()) {
            return None;
        }
        self.settle(client).await;
        for _ in 0..TICKS_TO_REST {
            self.tick();
            self.settle(client).await;
        }
        (!is_over()).then(|| client.wire(|wire| wire.moment()))
    }

    /// Lets the tasks go on until nothing moves any more.
    async fn settle(&self, client: &InMemory) {
        while self.moves(client).await {}
    }

    /// Lets the tasks go on; whether anything has moved.
    async fn moves(&self, client: &InMemory) -> bool {
        let moment = || (client.wire(|wire| wire.moment()), self.moved.get());
        let before = moment();
        turns(TURNS).await;
        moment() != before
    }

    /// Nothing is left of a connection that is over.
    async fn check_rest(&self) {
        assert_eq!(self.worker.gauges.exchanges_in_flight(), 0);
        while !self.worker.stream_tasks.are_gone() {
            self.worker.stream_tasks.trim(&self.worker);
        }
        turns(TURNS).await;
        assert_eq!(self.worker.timers.taken(), 0, "every task is over");
        assert_eq!(Rc::strong_count(&self.worker), 1);
    }
}

/// Lets the tasks go on.
async fn turns(count: u32) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}
