//! What a gateway may write, read by itself (RFC 9113 §4 to §6).

mod answer;

use std::collections::BTreeMap;

use http2::{
    ACK, CONTINUATION, Code, DATA, Decoder, END_HEADERS, END_STREAM, GOAWAY, HEADER_BYTES, HEADERS, Header,
    PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
};
use proxy::fuzz::h2::{Act, End, Moment, Transcript};

use self::answer::Answer;
use super::client::ClientSide;
use super::script::Script;
use crate::fuzz::h2_sides::{WINDOW_MAX, number, room};

const GOODBYE: &[u8; 8] = b"lockgate";

/// Reads what was written, frame by frame, each with what the client had said before.
#[derive(Debug)]
pub(super) struct Judge<'t> {
    script: &'t Script,
    transcript: &'t Transcript,
    client: ClientSide<'t>,
    moments: std::slice::Iter<'t, Moment>,
    moment: Moment,
    decoder: Decoder,
    answers: BTreeMap<u32, Answer>,
    /// A block that is not whole.
    block: Option<(Header, Vec<u8>)>,
    /// Settings of the client that have been acknowledged.
    settled: usize,
    /// What they say of windows and frames.
    stream_window: i64,
    frame_bytes: usize,
    /// Questions answered.
    pinged: usize,
    /// Bytes of DATA sent, and how many the client has been told that it may send.
    sent: u64,
    credited: u64,
    /// The last stream that is looked at, once that has been said.
    last: Option<u32>,
    goodbyes: u32,
    error: Option<Code>,
}

impl<'t> Judge<'t> {
    pub(super) fn new(script: &'t Script, transcript: &'t Transcript) -> Self {
        Self {
            script,
            transcript,
            client: ClientSide::new(&transcript.sent),
            moments: transcript.moments.iter(),
            moment: Moment::default(),
            decoder: Decoder::new(4_096),
            answers: BTreeMap::new(),
            block: None,
            settled: 0,
            stream_window: 65_535,
            frame_bytes: 16_384,
            pinged: 0,
            sent: 0,
            credited: 0,
            last: None,
            goodbyes: 0,
            error: None,
        }
    }

    pub(super) fn judge(mut self) {
        let written: &'t [u8] = &self.transcript.written;
        let mut at = 0;
        let mut rest = self.transcript.rest;
        while let Some(header) = Header::read(&written[at..]) {
            if let Some(moment) = rest.take_if(|moment| moment.written <= at) {
                self.check_rest(moment);
            }
            self.read_up_to(at);
            let end = at + HEADER_BYTES + header.length;
            let Some(payload) = written.get(at + HEADER_BYTES..end) else { break };
            assert!(at > 0 || (header.kind == SETTINGS && !header.has(ACK)), "SETTINGS come first");
            self.frame(header, payload);
            at = end;
        }
        let is_cut = self.script.plan.travel.end == End::Fail
            || self.script.plan.acts.iter().any(|act| matches!(act, Act::Take(_)));
        assert!(at == written.len() || is_cut, "only a client that does not take it gets less than a frame");
        if let Some(moment) = rest {
            self.check_rest(moment);
        }
        self.check_end();
    }

    /// What the client had said when the byte at `at` was written.
    fn read_up_to(&mut self, at: usize) {
        while self.moment.written <= at {
            let Some(&moment) = self.moments.next() else { break };
            self.moment = moment;
        }
        self.client.advance(self.moment.read);
    }

    fn frame(&mut self, header: Header, payload: &[u8]) {
        assert_eq!(self.error, None, "nothing follows an error");
        assert!(header.length <= self.frame_bytes, "{header:?} is too large");
        assert_eq!(header.check(self.frame_bytes), Ok(()), "{header:?}");
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
            RST_STREAM => {
                let code = Code(number(payload));
                self.answer(header).reset(code);
                // The client may have been too slow, or too early.
                let is_lawful = matches!(code, Code::NO_ERROR | Code::INTERNAL_ERROR | Code::REFUSED_STREAM);
                assert!(
                    is_lawful || !self.script.is_lawful,
                    "{code:?} is said to a client that keeps to the RFC"
                );
            }
            SETTINGS if header.has(ACK) => self.settle(),
            PING => self.ping(header, payload),
            GOAWAY => self.goaway(number(payload), Code(number(&payload[4..]))),
            WINDOW_UPDATE => self.credit(header, u64::from(number(payload))),
            SETTINGS => assert!(self.answers.is_empty(), "it has nothing else to say"),
            _ => panic!("{header:?} is nothing that it sends"),
        }
    }

    /// The answer that a frame belongs to, which the client has to have asked for.
    fn answer(&mut self, header: Header) -> &mut Answer {
        let stream = header.stream;
        let begun =
            self.client.streams.get(&stream).unwrap_or_else(|| panic!("{header:?} was not asked for"));
        assert!(self.last.is_none_or(|last| stream <= last), "{header:?} was said not to be looked at");
        let is_head = begun.is_head;
        let answer = self.answers.entry(stream).or_default();
        answer.is_head = is_head;
        answer
    }

    fn block(&mut self, first: Header, mut block: Vec<u8>, is_whole: bool, payload: &[u8]) {
        block.extend_from_slice(payload);
        if !is_whole {
            self.block = Some((first, block));
            return;
        }
        let mut fields = Vec::new();
        let field = |name: &[u8], value: &[u8]| fields.push((name.to_vec(), value.to_vec()));
        self.decoder.decode(&block, &mut Vec::new(), field).expect("a block can be decoded");
        self.answer(first).head(&fields, first.has(END_STREAM));
    }

    fn data(&mut self, header: Header, payload: &[u8]) {
        let stream_window = self.stream_window;
        let answer = self.answer(header);
        answer.data(payload, header.has(END_STREAM));
        let sent = answer.sent;
        let widened = self.client.streams.get(&header.stream).map_or(0, |begun| begun.widened);
        assert!(
            payload.is_empty() || room(stream_window, widened, sent) >= 0,
            "{header:?} is beyond its window"
        );
        self.sent += payload.len() as u64;
        assert!(self.sent <= 65_535 + self.client.widened, "{header:?} is beyond the connection's window");
    }

    fn settle(&mut self) {
        let said = self.client.settings.get(self.settled).expect("an acknowledgement has its settings");
        self.settled += 1;
        self.stream_window = said.stream_window.map_or(self.stream_window, i64::from);
        self.frame_bytes = said.frame_bytes.map_or(self.frame_bytes, |bytes| bytes as usize);
    }

    fn ping(&mut self, header: Header, payload: &[u8]) {
        if !header.has(ACK) {
            assert_eq!(payload, GOODBYE, "nothing else is asked");
            return;
        }
        let asked = self.client.pings.get(self.pinged).expect("an answer has its question");
        self.pinged += 1;
        assert_eq!(payload, asked.payload, "questions are answered in order");
        // Behind the answer comes nothing that was made before the question was read.
        for stream in &asked.reset {
            self.answers.entry(*stream).or_default().is_reset_by_client = true;
        }
    }

    fn goaway(&mut self, last: u32, code: Code) {
        assert!(self.last.is_none_or(|before| last <= before), "what was said to be looked at is");
        self.last = Some(last);
        self.goodbyes += 1;
        if code == Code::NO_ERROR {
            assert!(self.goodbyes <= 2, "a goodbye is said twice");
            return;
        }
        self.error = Some(code);
        let is_calm = code != Code::ENHANCE_YOUR_CALM;
        assert!(!(self.script.is_lawful && is_calm), "{code:?} is said to a client that keeps to the RFC");
    }

    /// Credit is for what has come.
    fn credit(&mut self, header: Header, bytes: u64) {
        assert!(bytes > 0 && bytes <= WINDOW_MAX, "{header:?}");
        let received = self.client.flow(header.stream);
        let allowed = self.transcript.allowed;
        if header.stream == 0 {
            let unasked = u64::from(allowed.connection_window.saturating_sub(65_535));
            self.credited += bytes;
            assert!(self.credited <= received + unasked, "{header:?} is more than has come");
            return;
        }
        let answer = self.answer(header);
        answer.credit(bytes);
        assert!(answer.credited <= received, "{header:?} is more than has come");
    }

    /// What has to be said has been said when nothing moves any more.
    fn check_rest(&mut self, moment: Moment) {
        self.client.advance(moment.read);
        if self.error.is_some() || self.goodbyes > 0 {
            return;
        }
        assert_eq!(self.settled, self.client.settings.len(), "settings are acknowledged");
        assert_eq!(self.pinged, self.client.pings.len(), "questions are answered");
        let connection_room = 65_535 + self.client.widened - self.sent;
        // Bytes that streams may hold which are not over.
        let mut held = 0;
        for (stream, begun) in &self.client.streams {
            let answer = self.answers.entry(*stream).or_default();
            let is_answered = answer.ended || answer.is_reset || begun.is_reset;
            let room = room(self.stream_window, begun.widened, answer.sent);
            if !(is_answered && (begun.is_over || answer.is_reset || begun.is_reset)) {
                held += self.client.flow(*stream) - answer.credited;
            }
            assert!(
                is_answered
                    || answer.has_head && (connection_room == 0 || room <= 0)
                    || begun.is_echo && !begun.is_over,
                "stream {stream} has its answer, or waits for room: {begun:?} {answer:?}"
            );
        }
        let allowed = u64::from(self.transcript.allowed.connection_window.max(65_535));
        let used = self.client.flow(0) + allowed.saturating_sub(65_535) - self.credited;
        // The gateway may not have looked at the last frame yet.
        let under_way = if self.client.is_within_data() { 2 * 16_384 } else { 0 };
        // What it is not told of is no more than it has room for.
        assert!(
            used <= allowed - used + held + under_way,
            "the client may send again: {used} of {allowed}, {held} held"
        );
    }

    /// Nothing is left open.
    fn check_end(&mut self) {
        if self.script.plan.travel.end != End::Silence
            || self.script.plan.acts.iter().any(|act| matches!(act, Act::Take(_)))
            || self.error.is_some()
        {
            return;
        }
        self.client.advance(self.transcript.read);
        // Behind the last of a goodbye, what comes may be read away.
        assert!(!self.client.is_at_fault || self.goodbyes == 2, "who breaks the rules is told so");
        for (stream, begun) in &self.client.streams {
            let answer = self.answers.entry(*stream).or_default();
            let is_over = answer.ended || answer.is_reset || begun.is_reset;
            assert!(is_over || self.last.is_some_and(|last| *stream > last), "stream {stream} is left open");
        }
    }
}
