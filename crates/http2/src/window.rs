//! How much may be sent (RFC 9113 §5.2, §6.9).

/// Bytes that one side may still send, of a stream or of a connection. A stream's becomes negative when the initial size is lowered
/// (RFC 9113 §6.9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(i32);

impl Window {
    /// What every window begins with unless settings say something else, bytes.
    pub const DEFAULT: u32 = 65_535;
    /// The largest there may be, bytes.
    pub const MAX: u32 = i32::MAX as u32;

    /// Of so many bytes, at most [`Window::MAX`].
    pub const fn new(bytes: u32) -> Self {
        Self(if bytes > Self::MAX { i32::MAX } else { bytes as i32 })
    }

    /// Bytes that may be sent.
    pub const fn room(self) -> usize {
        if self.0 > 0 { self.0 as usize } else { 0 }
    }

    /// Less what has been sent; `None`: it was more than there was room for.
    pub fn less(self, bytes: usize) -> Option<Self> {
        if bytes > self.room() { None } else { Some(Self(self.0 - bytes as i32)) }
    }

    /// More; `None`: it would be larger than any may be.
    pub fn more(self, bytes: u32) -> Option<Self> {
        self.moved(i64::from(bytes))
    }

    /// As it is when the initial size changes under way; `None`: it would be larger than any may be.
    pub fn resized(self, before: u32, now: u32) -> Option<Self> {
        self.moved(i64::from(now) - i64::from(before))
    }

    fn moved(self, by: i64) -> Option<Self> {
        i32::try_from(i64::from(self.0) + by).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_may_be_sent_beyond_the_window() {
        let window = Window::new(10);
        assert_eq!(window.less(10).map(Window::room), Some(0));
        assert_eq!(window.less(11), None);
    }

    #[test]
    fn a_window_may_become_negative_and_recovers() {
        let window = Window::new(10).less(8).unwrap().resized(10, 0).unwrap();
        assert_eq!((window.room(), window.less(1)), (0, None));
        assert_eq!(window.more(8).unwrap().room(), 0);
        assert_eq!(window.more(9).unwrap().room(), 1);
    }

    #[test]
    fn no_window_exceeds_the_largest() {
        let window = Window::new(Window::MAX);
        assert_eq!(window.more(1), None);
        assert_eq!(Window::new(1).resized(0, Window::MAX), None);
        assert_eq!(window.more(0), Some(window));
    }
}
