//! The kernel's epoll, level-triggered, in the four calls that origin and load generator need.
#![allow(unsafe_code, reason = "std has no readiness interface")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// One epoll instance and the events of its last wait.
pub(crate) struct Poll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

/// What a socket is watched for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Bytes or a connection to take.
    Read,
    /// The same, and room to write.
    ReadWrite,
}

impl Interest {
    fn bits(self) -> u32 {
        let bits = match self {
            Self::Read => libc::EPOLLIN,
            Self::ReadWrite => libc::EPOLLIN | libc::EPOLLOUT,
        };
        u32::try_from(bits).expect("epoll flags are positive")
    }
}

impl Poll {
    /// Makes an instance that reports at most 256 events per wait.
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: no pointers are passed.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor was made just now and nobody else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; 256] })
    }

    /// Starts to watch `socket`, whose events will carry `token`.
    pub(crate) fn add(&self, socket: &impl AsRawFd, token: usize, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket.as_raw_fd(), token, interest)
    }

    /// Changes what `socket` is watched for.
    pub(crate) fn modify(&self, socket: &impl AsRawFd, token: usize, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, socket.as_raw_fd(), token, interest)
    }

    fn control(&self, operation: i32, fd: RawFd, token: usize, interest: Interest) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest.bits(), u64: token as u64 };
        // SAFETY: `event` lives over the call, and the kernel keeps a copy only.
        check(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), operation, fd, &mut event) }).map(drop)
    }

    /// Waits for events, at most `timeout` (`None`: for ever), to the nanosecond; returns how many there are.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        let limit = timeout.map(|time| libc::timespec {
            tv_sec: libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let capacity = i32::try_from(self.events.len()).expect("256 fits");
        // SAFETY: `events` is valid for `capacity` entries; `limit` is null or lives over the call; a null mask is allowed.
        let found = check(unsafe {
            let events = self.events.as_mut_ptr();
            libc::epoll_pwait2(self.fd.as_raw_fd(), events, capacity, limit, std::ptr::null())
        });
        match found {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            other => Ok(usize::try_from(other?).expect("a count of events is not negative")),
        }
    }

    /// The token of the last wait's event number `index`.
    pub(crate) fn token(&self, index: usize) -> usize {
        usize::try_from(self.events[index].u64).expect("tokens were made from usize")
    }
}

fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_readable_socket_is_reported_with_its_token() {
        let (mut near, far) = UnixStream::pair().unwrap();
        let mut poll = Poll::new().unwrap();
        poll.add(&far, 7, Interest::Read).unwrap();
        assert_eq!(poll.wait(Some(Duration::ZERO)).unwrap(), 0);
        near.write_all(b"x").unwrap();
        assert_eq!(poll.wait(None).unwrap(), 1);
        assert_eq!(poll.token(0), 7);
    }

    #[test]
    fn room_to_write_is_reported_only_when_asked_for() {
        let (near, _far) = UnixStream::pair().unwrap();
        let mut poll = Poll::new().unwrap();
        poll.add(&near, 1, Interest::Read).unwrap();
        assert_eq!(poll.wait(Some(Duration::ZERO)).unwrap(), 0);
        poll.modify(&near, 1, Interest::ReadWrite).unwrap();
        assert_eq!(poll.wait(Some(Duration::ZERO)).unwrap(), 1);
    }
}
