//! What a gateway may write to an upstream, read by itself (RFC 9113 §4 to §6), and what exchanges may be told.

mod exchange;
mod request;

use std::collections::BTreeMap;

use http2::{
    ACK, CONTINUATION, Code, DATA, Decoder, END_HEADERS, END_STREAM, GOAWAY, HEADER_BYTES, HEADERS, Header,
    PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
};
use proxy::fuzz::h2::upstream::{Act, CONNECTION_WINDOW, End, Moment, Plan, Rest, STREAMS, Transcript};

use self::request::Request;
use super::asked::Asked;
use super::endpoint::EndpointSide;
use crate::fuzz::h2_sides::{WINDOW_MAX, number, room};

/// More frames, or bytes, than this may be too many for the gateway.
const FRAMES_CALM: usize = 150;
const BYTES_CALM: usize = 200 << 10;

/// Reads what was written, frame by frame, each with what the endpoint had said before.
#[derive(Debug)]
pub(super) struct Judge<'t> {
    plan: &'t Plan,
    transcript: &'t Transcript,
    asked: Asked,
}

/// How far that is.
#[derive(Debug)]
struct Reading<'j> {
    transcript: &'j Transcript,
    asked: &'j Asked,
    endpoint: EndpointSide<'j>,
    moments: std::slice::Iter<'j, Moment>,
    moment: Moment,
    decoder: Decoder,
    requests: BTreeMap<u32, Request<'j>>,
    /// A block that is not whole.
    block: Option<(Header, Vec<u8>)>,
    has_settings: bool,
    /// Settings of the endpoint that have been acknowledged, and what they say.
    settled: usize,
    /// Whether it has said that it takes tunnels.
    takes_tunnels: bool,
    streams: usize,
    stream_window: i64,
    frame_bytes: usize,
    /// Questions answered.
    pinged: usize,
    /// Whether the gateway knows that the endpoint takes no more streams.
    has_heard_goodbye: bool,
    /// Bytes of DATA sent, and how many the endpoint has been told that it may send.
    sent: u64,
    credited: u64,
    has_said_goodbye: bool,
    error: Option<Code>,
}

impl<'t> Judge<'t> {
    pub(super) fn new(plan: &'t Plan, transcript: &'t Transcript) -> Self {
        Self { plan, transcript, asked: Asked::read(transcript) }
    }

    pub(super) fn judge(&self) {
        let mut reading = Reading::new(self.transcript, &self.asked);
        let takes_all = !self.plan.acts.iter().any(|act| matches!(act, Act::Take(_)));
        reading.read(takes_all && self.plan.travel.end != End::Fail);
        let is_told = reading.error.is_some() || !takes_all || self.plan.travel.end != End::Silence;
        reading.endpoint.advance(self.transcript.read);
        assert!(is_told || !reading.endpoint.is_at_fault, "who breaks the rules is told so");
        for (at, outcome) in self.transcript.outcomes.iter().enumerate() {
            let mut endpoint = EndpointSide::new(&self.asked, &self.transcript.sent);
            endpoint.advance(outcome.at.read);
            let is_lost = self.plan.travel.end != End::Silence
                || reading.error.is_some()
                || endpoint.is_at_fault
                || is_much(&endpoint, outcome.at);
            let is_calmed = reading.error == Some(Code::ENHANCE_YOUR_CALM);
            let known = exchange::Known { is_lost, is_calmed, takes_all };
            exchange::check(at, outcome, self.asked.stream_of(at), &endpoint, known);
        }
    }
}

impl<'j> Reading<'j> {
    fn new(transcript: &'j Transcript, asked: &'j Asked) -> Self {
        Self {
            transcript,
            asked,
            endpoint: EndpointSide::new(asked, &transcript.sent),
            moments: transcript.moments.iter(),
            moment: Moment::default(),
            decoder: Decoder::new(4_096),
            requests: BTreeMap::new(),
            block: None,
            has_settings: false,
            settled: 0,
            takes_tunnels: false,
            streams: 1,
            stream_window: 65_535,
            frame_bytes: 16_384,
            pinged: 0,
            has_heard_goodbye: false,
            sent: 0,
            credited: 0,
            has_said_goodbye: false,
            error: None,
        }
    }

    /// Reads all of it; `is_taken`: it was taken to the end.
    fn read(&mut self, is_taken: bool) {
        let written: &'j [u8] = &self.transcript.written;
        let known = written.len().min(PREFACE.len());
        assert_eq!(written[..known], PREFACE[..known], "the preface comes first");
        let mut at = known;
        let mut rest = self.transcript.rest.as_ref();
        while let Some(header) = Header::read(&written[at..]) {
            if let Some(rest) = rest.take_if(|rest| rest.moment.written <= at) {
                self.check_rest(rest);
            }
            self.read_up_to(at);
            let end = at + HEADER_BYTES + header.length;
            let Some(payload) = written.get(at + HEADER_BYTES..end) else { break };
            self.frame(header, payload);
            at = end;
        }
        assert!(
            at == written.len() || !is_taken,
            "only an endpoint that does not take it gets less than a frame"
        );
        if let Some(rest) = rest {
            self.check_rest(rest);
        }
    }

    /// What the endpoint had said when the byte at `at` was written.
    fn read_up_to(&mut self, at: usize) {
        while self.moment.written <= at {
            let Some(&moment) = self.moments.next() else { break };
            self.moment = moment;
        }
        self.endpoint.advance(self.moment.read);
    }

    fn frame(&mut self, header: Header, payload: &[u8]) {
        assert_eq!(self.error, None, "nothing follows an error");
        assert!(header.length <= self.frame_bytes, "{header:?} is too large");
        assert_eq!(header.check(self.frame_bytes), Ok(()), "{header:?}");
        let is_settings = header.kind == SETTINGS && !header.has(ACK);
        assert_ne!(self.has_settings, is_settings, "settings come first, and once");
        if let Some((block, _)) = &self.block {
            assert_eq!((header.kind, header.stream), (CONTINUATION, block.stream), "a block is in one piece");
        }
        match header.kind {
            HEADERS => self.block(header, Vec::new(), header.has(END_HEADERS), payload),
            CONTINUATION => {
                let (first, block) = self.block.take().expect("a block goes on");
                self.block(first, block, header.has(END_HEADERS), payload);
            }
            DATA => self.data(header, payload),
            RST_STREAM => self.reset(header, Code(number(payload))),
            SETTINGS if header.has(ACK) => self.settle(),
            SETTINGS => self.has_settings = true,
            PING => self.ping(header, payload),
            GOAWAY => self.goaway(number(payload), Code(number(&payload[4..]))),
            WINDOW_UPDATE => self.credit(header, u64::from(number(payload))),
            _ => panic!("{header:?} is nothing that it sends"),
        }
    }

    fn block(&mut self, first: Header, mut block: Vec<u8>, is_whole: bool, payload: &[u8]) {
        assert_eq!(first.flags & !(END_HEADERS | END_STREAM), 0, "{first:?}");
        block.extend_from_slice(payload);
        if !is_whole {
            self.block = Some((first, block));
            return;
        }
        let mut fields = Vec::new();
        let field = |name: &[u8], value: &[u8]| fields.push((name.to_vec(), value.to_vec()));
        self.decoder.decode(&block, &mut Vec::new(), field).expect("a block can be decoded");
        let ends = first.has(END_STREAM);
        if let Some(request) = self.requests.get_mut(&first.stream) {
            return request.trailers(&fields, ends);
        }
        self.check_begin(first);
        let exchange = self.asked.streams.get(&first.stream).expect("a request has its exchange").exchange;
        let is_new = self.requests.values().all(|request| request.exchange != exchange);
        assert!(is_new, "an exchange asks once");
        let question = &self.transcript.outcomes.get(exchange).expect("it was asked").question;
        assert!(self.takes_tunnels || !question.is_tunnel, "tunnels are asked of who takes them");
        let request = Request::new(exchange, question, &fields, ends);
        self.requests.insert(first.stream, request);
    }

    /// A stream may begin (RFC 9113 §5.1.1, §5.1.2, §6.8).
    fn check_begin(&self, header: Header) {
        let stream = header.stream;
        let last = self.requests.last_key_value().map_or(0, |(last, _)| *last);
        assert!(stream % 2 == 1 && stream > last, "{header:?} is no number for a stream");
        assert!(!self.has_heard_goodbye && !self.has_said_goodbye, "{header:?} comes behind a goodbye");
        let open = self.open();
        assert!(open < self.streams, "{header:?} is one too many: {open} are open");
    }

    /// How many streams are open.
    fn open(&self) -> usize {
        let is_open = |(stream, request): &(&u32, &Request<'_>)| {
            let answer = self.endpoint.answer(**stream);
            !request.is_reset
                && !answer.is_closed
                && !(request.ended && (answer.is_whole || answer.is_broken))
        };
        self.requests.iter().filter(is_open).count()
    }

    /// The request that a frame belongs to.
    fn request(&mut self, header: Header) -> &mut Request<'j> {
        self.requests.get_mut(&header.stream).unwrap_or_else(|| panic!("{header:?} comes before its request"))
    }

    fn data(&mut self, header: Header, payload: &[u8]) {
        assert!(!header.has(http2::PADDED), "{header:?}");
        let stream_window = self.stream_window;
        let answer = self.endpoint.answer(header.stream);
        let (widened, opens) = (answer.widened, answer.is_tunnel());
        let request = self.request(header);
        request.data(payload, header.has(END_STREAM), opens);
        let room = room(stream_window, widened, request.sent);
        assert!(payload.is_empty() || room >= 0, "{header:?} is beyond its window");
        self.sent += payload.len() as u64;
        assert!(self.sent <= 65_535 + self.endpoint.widened, "{header:?} is beyond the connection's window");
    }

    fn reset(&mut self, header: Header, code: Code) {
        self.request(header).reset();
        let answer = self.endpoint.answer(header.stream);
        let is_fault = matches!(code, Code::PROTOCOL_ERROR | Code::STREAM_CLOSED | Code::FLOW_CONTROL_ERROR);
        assert!(is_fault || code == Code::CANCEL, "{code:?} is nothing that it says");
        let is_lawful = !answer.is_suspect && !self.endpoint.is_unclear;
        assert!(!(is_fault && is_lawful), "{code:?} is said of an answer that keeps to the RFC");
    }

    fn settle(&mut self) {
        let said = *self.endpoint.settings.get(self.settled).expect("an acknowledgement has its settings");
        self.settled += 1;
        self.takes_tunnels |= said.takes_tunnels;
        let streams = said.streams.map(|streams| streams as usize);
        let before = if self.settled == 1 { STREAMS } else { self.streams };
        self.streams = streams.unwrap_or(before).min(STREAMS);
        self.stream_window = said.stream_window.map_or(self.stream_window, i64::from);
        self.frame_bytes = said.frame_bytes.map_or(self.frame_bytes, |bytes| bytes as usize);
    }

    fn ping(&mut self, header: Header, payload: &[u8]) {
        assert!(header.has(ACK), "nothing is asked");
        let asked = self.endpoint.pings.get(self.pinged).expect("an answer has its question");
        self.pinged += 1;
        assert_eq!(payload, asked.payload, "questions are answered in order");
        // Behind the answer comes nothing that was made before the question was read.
        self.has_heard_goodbye |= asked.has_left;
        for stream in &asked.reset {
            if let Some(request) = self.requests.get_mut(stream) {
                request.is_reset_by_endpoint = true;
            }
        }
    }

    fn goaway(&mut self, last: u32, code: Code) {
        assert_eq!(last, 0, "nothing is pushed");
        if code == Code::NO_ERROR {
            assert!(!self.has_said_goodbye, "a goodbye is said once");
            self.has_said_goodbye = true;
            assert_eq!(self.open(), 0, "a goodbye comes behind all answers");
            return;
        }
        self.error = Some(code);
        let endpoint = &self.endpoint;
        let is_lawful = !endpoint.is_at_fault && !endpoint.is_unclear;
        let is_calm = code == Code::ENHANCE_YOUR_CALM && is_much(endpoint, self.moment);
        assert!(!is_lawful || is_calm, "{code:?} is said to an endpoint that keeps to the RFC");
    }

    /// Credit is for what has come.
    fn credit(&mut self, header: Header, bytes: u64) {
        assert!(bytes > 0 && bytes <= WINDOW_MAX, "{header:?}");
        let received = self.endpoint.flow(header.stream);
        if header.stream == 0 {
            self.credited += bytes;
            let unasked = u64::from(CONNECTION_WINDOW) - 65_535;
            assert!(self.credited <= received + unasked, "{header:?} is more than has come");
            return;
        }
        let request = self.request(header);
        request.credit(bytes);
        assert!(request.credited <= received, "{header:?} is more than has come");
    }

    /// What has to be said and done has been when nothing moves any more.
    fn check_rest(&mut self, rest: &Rest) {
        self.endpoint.advance(rest.moment.read);
        let endpoint = &self.endpoint;
        if self.error.is_some() || self.has_said_goodbye || endpoint.is_at_fault || endpoint.is_unclear {
            return;
        }
        assert_eq!(self.settled, endpoint.settings.len(), "settings are acknowledged");
        assert_eq!(self.pinged, endpoint.pings.len(), "questions are answered");
        let connection_room = 65_535 + endpoint.widened - self.sent;
        for at in &rest.waiting {
            let outcome = &self.transcript.outcomes[*at];
            if outcome.question.is_slow {
                continue;
            }
            let Some((stream, request)) = self.requests.iter().find(|(_, request)| request.exchange == *at)
            else {
                let is_full = self.open() >= self.streams;
                let waits = is_full || outcome.question.is_tunnel && endpoint.settings.is_empty();
                assert!(waits && endpoint.last.is_none(), "exchange {at} has its stream, or waits for room");
                continue;
            };
            let answer = endpoint.answer(*stream);
            let goes_on = answer.is_tunnel() && answer.is_whole && !request.ended;
            assert!(
                !answer.is_over() || answer.is_unclear || goes_on,
                "stream {stream} has its answer: {answer:?}"
            );
            if outcome.question.is_tunnel && !answer.is_tunnel() {
                continue;
            }
            let room = room(self.stream_window, answer.widened, request.sent);
            assert!(
                request.ended || answer.is_unclear || connection_room == 0 || room <= 0,
                "stream {stream} is asked whole, or waits for room: {request:?}"
            );
        }
        let used = endpoint.flow(0) + u64::from(CONNECTION_WINDOW) - 65_535 - self.credited;
        let owed = rest.held.map_or(0, |held| used - held as u64);
        assert!(owed <= u64::from(CONNECTION_WINDOW) - used, "the endpoint may send again: {owed} of {used}");
        let is_quiet = rest.waiting.is_empty() && !endpoint.is_within_data();
        let held = rest.held.filter(|_| is_quiet);
        assert!(held.is_none_or(|held| held == 0), "the endpoint may send again: {held:?}");
    }
}

/// Whether an endpoint has sent so much that it may be told to calm down.
const fn is_much(endpoint: &EndpointSide<'_>, moment: Moment) -> bool {
    endpoint.frames > FRAMES_CALM || moment.read > BYTES_CALM
}
