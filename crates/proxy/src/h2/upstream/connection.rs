//! A connection to an endpoint as its exchanges see it: how many streams it takes, who waits for one, and whether it goes on.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Poll;

use http2::{AnnouncedByClient, Code, Decoder, Header, TrailersReader, number_stream};

use super::answer::{Answer, Lost};
use crate::buffers::Output;
use crate::h2::budget::Budget;
use crate::h2::link::{Gone, LAST_STREAM, Link};
use crate::h2::peer::Peer;
use crate::h2::receive::pass_over;
use crate::h2::stream::Stream;
use crate::limits::{UNSENT_BYTES, UPSTREAM_HEAD_BYTES, UPSTREAM_STREAMS, UPSTREAM_WINDOW_BYTES};
use crate::timers::{Slot, Timers};

/// A connection, shared by its task and those who ask on it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) link: Link,
    pub(super) budget: Budget,
    pub(super) scheme: &'static str,
    state: Cell<State>,
    /// Whether the endpoint has said what it takes.
    is_settled: Cell<bool>,
    /// Those who wait for that.
    settling: RefCell<Vec<Slot>>,
    /// Exchanges that wait for a stream, in the order in which they came.
    waiting: RefCell<VecDeque<Slot>>,
}

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It takes streams.
    Open,
    /// It ends with those that are under way.
    Leaving,
    /// It has ended.
    Over,
}

impl Connection {
    /// One that has just been made, and says what the gateway takes (RFC 9113 §3.4).
    pub(super) fn new(timers: Rc<Timers>, scheme: &'static str) -> Self {
        let budget = Budget::new(timers.now());
        // Exchanges whose clients do not read hold their windows, and no others: there is one for each stream.
        let connection_window = UPSTREAM_WINDOW_BYTES * UPSTREAM_STREAMS as u32;
        let link = Link::new(timers, UPSTREAM_WINDOW_BYTES, connection_window);
        let announced = AnnouncedByClient {
            stream_window: UPSTREAM_WINDOW_BYTES,
            connection_window,
            head_bytes: UPSTREAM_HEAD_BYTES,
        };
        link.write(|out| announced.write(out));
        Self {
            link,
            budget,
            scheme,
            state: Cell::new(State::Open),
            is_settled: Cell::new(false),
            settling: RefCell::default(),
            waiting: RefCell::default(),
        }
    }

    /// Whether there are more streams to come.
    pub(super) fn takes_streams(&self) -> bool {
        self.state.get() == State::Open
    }

    /// Most streams at the same time. One may be begun before the endpoint has said how many it takes: it would refuse others. None are
    /// begun where the endpoint does not take what it is sent.
    pub(super) fn streams_max(&self) -> usize {
        if self.is_clogged() {
            return 0;
        }
        let announced = if self.is_settled.get() { self.link.peer.get().streams as usize } else { 1 };
        announced.min(UPSTREAM_STREAMS)
    }

    /// Whether more lies unsent than may.
    pub(super) fn is_clogged(&self) -> bool {
        self.link.unsent() >= UNSENT_BYTES
    }

    /// Whether the endpoint has said what it takes.
    pub(super) fn is_settled(&self) -> bool {
        self.is_settled.get()
    }

    /// Takes note that it has.
    pub(super) fn settle(&self) {
        if !self.is_settled.replace(true) {
            self.call_settling();
        }
    }

    /// Waits until the endpoint has said what it takes, or never will.
    pub(super) fn poll_settled(&self, slot: Slot) -> Poll<()> {
        if self.is_settled() || !self.takes_streams() {
            return Poll::Ready(());
        }
        let mut settling = self.settling.borrow_mut();
        if !settling.contains(&slot) {
            settling.push(slot);
        }
        Poll::Pending
    }

    fn call_settling(&self) {
        for slot in self.settling.take() {
            self.link.timers().wake(slot);
        }
    }

    fn next_id(&self) -> u32 {
        (self.link.last() + 1) | 1
    }

    /// How many streams may begin now.
    fn room(&self) -> usize {
        self.streams_max().saturating_sub(self.link.open())
    }

    /// Waits until a stream may begin, in turn with the others who do.
    ///
    /// # Errors
    /// When there will be none.
    pub(super) fn poll_turn(&self, slot: Slot) -> Poll<Result<(), Gone>> {
        if !self.takes_streams() {
            return Poll::Ready(Err(Gone));
        }
        let mut waiting = self.waiting.borrow_mut();
        let place = waiting.iter().position(|other| *other == slot);
        if place.unwrap_or(waiting.len()) < self.room() {
            place.map(|place| waiting.remove(place));
            return Poll::Ready(Ok(()));
        }
        if place.is_none() {
            waiting.push_back(slot);
        }
        Poll::Pending
    }

    /// Waits no more.
    pub(super) fn give_up_turn(&self, slot: Slot) {
        self.waiting.borrow_mut().retain(|other| *other != slot);
    }

    /// Wakes as many of those who wait as there is room for; they keep their places until they take it, so that none gets lost.
    pub(super) fn call_waiting(&self) {
        let waiting = self.waiting.borrow();
        if !waiting.is_empty() {
            waiting.iter().take(self.room()).for_each(|slot| self.link.timers().wake(*slot));
        }
    }

    /// Begins a stream with a head that has been encoded without a number; `is_whole`: nothing follows it.
    pub(super) fn begin(&self, mut head: Output, is_whole: bool, answer: Answer, slot: Slot) -> Rc<Stream> {
        let id = self.next_id();
        number_stream(&mut head.bytes, id);
        self.link.number(id);
        let stream = self.link.open_stream(id, false, Some(Box::new(answer)));
        stream.serve_by(slot);
        // It has just been opened, so that it takes one.
        let _ = self.link.send_head(&stream, head, is_whole);
        self.budget.asked();
        if self.next_id() > LAST_STREAM {
            // RFC 9113 §5.1.1
            self.leave();
        }
        stream
    }

    /// Takes no more streams.
    pub(super) fn leave(&self) {
        if self.state.get() == State::Open {
            self.state.set(State::Leaving);
            self.dismiss_waiting();
        }
    }

    /// Takes note that the connection is gone.
    pub(super) fn end(&self) {
        self.state.set(State::Over);
        self.link.end();
        self.dismiss_waiting();
    }

    /// Tells those who wait that they do so in vain.
    fn dismiss_waiting(&self) {
        self.call_settling();
        for slot in std::mem::take(&mut *self.waiting.borrow_mut()) {
            self.link.timers().wake(slot);
        }
    }
}

/// What the receiver asks and tells.
impl Peer for Connection {
    fn link(&self) -> &Link {
        &self.link
    }

    fn charge(&self, frame: Header) -> Result<(), Code> {
        self.budget.charge(frame, self.link.timers().now())
    }

    fn charge_excess(&self, bytes: usize) -> Result<(), Code> {
        self.budget.charge_excess(bytes)
    }

    /// There is one for each request at most, so that they cost nothing.
    fn fault(&self, stream: &Stream, code: Code) -> Result<(), Code> {
        if let Some(answer) = stream.unfinished_answer() {
            answer.lose(Lost::Body);
        }
        self.link.reset(stream, code);
        stream.wake(self.link.timers());
        Ok(())
    }

    fn head_bytes_max(&self) -> usize {
        UPSTREAM_HEAD_BYTES as usize
    }

    fn has_begun(&self, id: u32) -> bool {
        !id.is_multiple_of(2) && id <= self.link.last()
    }

    /// However long ago it ended: more may be under way than is remembered.
    fn passes_over(&self, id: u32) -> bool {
        self.has_begun(id)
    }

    fn receive_head(
        self: &Rc<Self>,
        decoder: &mut Decoder,
        id: u32,
        _: bool,
        block: &[u8],
    ) -> Result<(), Code> {
        if self.has_begun(id) { pass_over(self, decoder, block) } else { Err(Code::PROTOCOL_ERROR) }
    }

    fn trailers(&self, stream: &Stream) -> TrailersReader {
        let limits = stream.answer.as_ref().map(|answer| answer.limits).unwrap_or_default();
        TrailersReader::of_response(&limits)
    }

    /// What has been answered whole stays so: the endpoint does without the rest of the request (RFC 9113 §8.1).
    fn reset(&self, stream: &Stream, code: Code) {
        if let Some(answer) = stream.unfinished_answer() {
            answer.lose_by(code);
        }
        self.link.cancelled(stream);
    }

    /// Streams beyond the last have not been looked at.
    fn go_away(&self, last: u32) {
        self.leave();
        for stream in self.link.beyond(last) {
            self.reset(&stream, Code::REFUSED_STREAM);
        }
    }

    fn answer_ping(&self, _: [u8; 8]) {}
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use http1::HeadLimits;
    use message::Method;

    use super::*;
    use crate::timers::Timer;

    /// A connection whose endpoint takes so many streams, and those who ask on it.
    fn connection(streams: u8) -> (Connection, Vec<Timer>) {
        let timers = Rc::new(Timers::default());
        let timer = |_| match pin!(Timer::of_this_task(timers.clone()))
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(timer) => timer,
            Poll::Pending => panic!("a timer is there at once"),
        };
        let asking = (0..4).map(timer).collect();
        let connection = Connection::new(timers, "http");
        connection.link.settle(&[0, 3, 0, 0, 0, streams]).unwrap();
        (connection, asking)
    }

    fn begin(connection: &Connection, slot: Slot) -> Rc<Stream> {
        let answer = Answer::new(Method::Get, HeadLimits::default());
        connection.begin(Output::default(), true, answer, slot)
    }

    #[test]
    fn a_stream_is_had_in_turn() {
        let (connection, asking) = connection(1);
        connection.settle();
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|at: usize| asking[at].slot());
        assert_eq!(connection.poll_turn(first), Poll::Ready(Ok(())));
        let stream = begin(&connection, first);
        for slot in [second, third] {
            assert_eq!(connection.poll_turn(slot), Poll::Pending);
        }
        connection.link.give_up(&stream, Code::CANCEL);
        assert_eq!(connection.poll_turn(fourth), Poll::Pending, "others have waited longer");
        assert_eq!(connection.poll_turn(third), Poll::Pending);
        connection.give_up_turn(second);
        assert_eq!(connection.poll_turn(third), Poll::Ready(Ok(())));
        connection.leave();
        assert_eq!(connection.poll_turn(fourth), Poll::Ready(Err(Gone)));
    }

    #[test]
    fn one_stream_begins_before_it_is_known_how_many_may() {
        let (connection, asking) = connection(100);
        assert_eq!(connection.streams_max(), 1);
        assert_eq!(connection.poll_settled(asking[0].slot()), Poll::Pending);
        connection.settle();
        assert_eq!(connection.streams_max(), 100);
        assert_eq!(connection.poll_settled(asking[0].slot()), Poll::Ready(()));
    }

    #[test]
    fn no_stream_begins_behind_what_the_endpoint_does_not_take() {
        let (connection, asking) = connection(100);
        connection.settle();
        let slot = asking[0].slot();
        connection.link.write(|out| out.resize(UNSENT_BYTES, 0));
        assert_eq!((connection.streams_max(), connection.poll_turn(slot)), (0, Poll::Pending));
        drop(connection.link.take_unsent());
        assert_eq!((connection.streams_max(), connection.poll_turn(slot)), (100, Poll::Ready(Ok(()))));
    }

    #[test]
    fn numbers_run_out() {
        let (connection, asking) = connection(100);
        connection.link.number(LAST_STREAM - 4);
        assert_eq!(begin(&connection, asking[0].slot()).id, LAST_STREAM - 2);
        assert!(connection.takes_streams());
        let last = begin(&connection, asking[0].slot());
        assert_eq!(last.id, LAST_STREAM);
        assert!(!connection.takes_streams() && !last.is_gone.get(), "those that have begun go on");
    }

    #[test]
    fn a_goodbye_excludes_what_is_beyond_its_last() {
        let (connection, asking) = connection(100);
        let [one, three] = [0, 1].map(|at: usize| begin(&connection, asking[at].slot()));
        connection.go_away(1);
        assert!(!connection.takes_streams() && !one.is_gone.get() && three.is_gone.get());
        connection.end();
        assert!(one.is_gone.get());
    }
}
