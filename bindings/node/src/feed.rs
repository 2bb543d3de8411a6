//! Pieces on their way from a thread that has them to one that reads them, never more than a few megabytes.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that may wait for the reader; the piece that passes this is the last until half of them are read.
const WAITING_BYTES_MAX: usize = 4 << 20;
/// What keeping a piece takes beside its bytes.
const PIECE_OVERHEAD_BYTES: usize = 64;

/// Called once there is room again.
type OnRoom = Box<dyn FnOnce() + Send>;

/// The writing end.
#[derive(Default)]
pub(crate) struct Feed {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pieces: VecDeque<Vec<u8>>,
    bytes: usize,
    end: End,
    on_room: Option<OnRoom>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum End {
    /// More may come.
    #[default]
    Open,
    /// Nothing comes any more.
    Whole,
    /// What has come is not all there was.
    Broken,
    /// Nobody reads any more.
    Unread,
}

impl Feed {
    /// Takes a piece. If there is no room for another one then, `on_room` makes what is called once there is; else it is not called.
    pub(crate) fn push(&self, piece: Vec<u8>, on_room: impl FnOnce() -> OnRoom) {
        let mut state = self.lock();
        if state.end == End::Unread || piece.is_empty() {
            return;
        }
        state.bytes += weight(&piece);
        state.pieces.push_back(piece);
        if state.bytes > WAITING_BYTES_MAX {
            state.on_room = Some(on_room());
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Says that nothing comes any more.
    pub(crate) fn end(&self) {
        self.end_as(End::Whole);
    }

    /// Says that what has come is not all there was: reading fails.
    pub(crate) fn break_off(&self) {
        self.end_as(End::Broken);
    }

    fn end_as(&self, end: End) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.end = end;
        }
        drop(state);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece; `None` at the end.
    fn take(&self) -> io::Result<Option<Vec<u8>>> {
        let waits = |state: &mut State| state.pieces.is_empty() && state.end == End::Open;
        let mut state = self.changed.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        if state.end == End::Broken {
            return Err(io::Error::other("it was broken off"));
        }
        let piece = state.pieces.pop_front();
        state.bytes -= piece.as_deref().map_or(0, weight);
        let on_room = if state.bytes <= WAITING_BYTES_MAX / 2 { state.on_room.take() } else { None };
        drop(state);
        on_room.into_iter().for_each(|call| call());
        Ok(piece)
    }
}

fn weight(piece: &[u8]) -> usize {
    piece.len() + PIECE_OVERHEAD_BYTES
}

/// The reading end. Once it is gone, what is pushed is dropped.
pub(crate) struct FeedReader {
    feed: Arc<Feed>,
    piece: Vec<u8>,
    /// Bytes of the piece that have been read.
    read: usize,
}

impl FeedReader {
    pub(crate) fn new(feed: Arc<Feed>) -> Self {
        Self { feed, piece: Vec::new(), read: 0 }
    }
}

impl Read for FeedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.piece.len() {
            (self.piece, self.read) = (self.feed.take()?.unwrap_or_default(), 0);
        }
        let length = buffer.len().min(self.piece.len() - self.read);
        buffer[..length].copy_from_slice(&self.piece[self.read..][..length]);
        self.read += length;
        Ok(length)
    }
}

impl Drop for FeedReader {
    fn drop(&mut self) {
        let mut state = self.feed.lock();
        state.end = End::Unread;
        let pieces = std::mem::take(&mut state.pieces);
        let on_room = state.on_room.take();
        drop(state);
        drop(pieces);
        on_room.into_iter().for_each(|call| call());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{TryRecvError, channel};
    use std::thread;

    /// Pushes a piece, and waits where there is no room.
    fn push(feed: &Feed, piece: Vec<u8>) {
        let (room, is_room) = channel::<()>();
        feed.push(piece, || Box::new(move || drop(room)));
        // The sender goes when there is room, or at once.
        assert!(is_room.recv().is_err());
    }

    #[test]
    fn what_is_pushed_is_read_in_order_and_memory_stays_bounded() {
        let (feed, most) = (Arc::new(Feed::default()), Mutex::new(0));
        let mut reader = FeedReader::new(Arc::clone(&feed));
        let read = thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..200_u8 {
                    push(&feed, vec![number; 100_000]);
                    let bytes = feed.lock().bytes;
                    let mut most = most.lock().unwrap();
                    *most = bytes.max(*most);
                }
                feed.end();
            });
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            read
        });
        assert_eq!(read.len(), 200 * 100_000);
        assert!(
            read.chunks(100_000)
                .enumerate()
                .all(|(at, chunk)| chunk.iter().all(|byte| usize::from(*byte) == at))
        );
        assert!(*most.lock().unwrap() <= WAITING_BYTES_MAX + 100_000 + PIECE_OVERHEAD_BYTES);
    }

    #[test]
    fn a_feed_that_is_broken_off_is_no_end() {
        let feed = Arc::new(Feed::default());
        let mut reader = FeedReader::new(Arc::clone(&feed));
        push(&feed, b"ab".to_vec());
        feed.break_off();
        feed.end();
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
    }

    #[test]
    fn nobody_waits_for_a_reader_that_has_gone() {
        let feed = Arc::new(Feed::default());
        let reader = FeedReader::new(Arc::clone(&feed));
        let (room, is_room) = channel();
        feed.push(vec![0; WAITING_BYTES_MAX], || Box::new(move || room.send("room").unwrap()));
        assert_eq!(is_room.try_recv(), Err(TryRecvError::Empty));
        drop(reader);
        assert_eq!(is_room.recv(), Ok("room"));
        push(&feed, vec![0; 2 * WAITING_BYTES_MAX]);
        assert!(feed.lock().pieces.is_empty());
    }
}
