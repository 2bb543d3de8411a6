//! The limit of open file descriptors, raised at start to what the operating system allows.

/// Raises the soft limit of file descriptors to the hard one; answers what it is now.
///
/// A process may always do so; where it cannot after all, the limit stays as it was, and too many connections are refused.
pub(crate) fn raise_descriptors() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live `rlimit`, which the call only writes.
    #[allow(unsafe_code, reason = "the standard library has no resource limits")]
    let known = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0;
    if !known || limit.rlim_cur == limit.rlim_max {
        return limit.rlim_cur;
    }
    let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
    // SAFETY: the pointer is to a live `rlimit`, which the call only reads.
    #[allow(unsafe_code, reason = "the standard library has no resource limits")]
    let done = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } == 0;
    if done { raised.rlim_cur } else { limit.rlim_cur }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_again_changes_nothing() {
        let raised = raise_descriptors();
        assert!(raised > 0);
        assert_eq!(raise_descriptors(), raised);
    }
}
