//! What std does not offer of the operating system: cores, limits, timers, signals to a process group.
#![allow(unsafe_code, reason = "system calls without a wrapper in std")]

use std::io;
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// Open files that every process here may have, if the hard limit allows; 5,000 connections cost a proxy at most 10,000.
const OPEN_FILES: u64 = 65_536;
/// Connections that wait to be accepted; the kernel takes less where it is told to.
const BACKLOG: i32 = 4096;

/// Makes `command` run on `core` alone, in a process group of its own, with enough file descriptors.
pub(crate) fn confine(command: &mut Command, core: usize) -> &mut Command {
    command.process_group(0);
    // SAFETY: between fork and exec only two system calls run, on values made before; nothing is allocated.
    unsafe { command.pre_exec(move || pin(core).and_then(|()| raise_file_limit())) }
}

/// Keeps the calling thread on `core`.
pub(crate) fn pin(core: usize) -> io::Result<()> {
    pin_thread(0, core)
}

/// Keeps a thread, of whatever process, on `core`; 0 is the calling one.
pub(crate) fn pin_thread(thread: u32, core: usize) -> io::Result<()> {
    let thread = libc::pid_t::try_from(thread).map_err(io::Error::other)?;
    // SAFETY: an all-zero set is valid, CPU_SET checks its bounds, and the size given is the set's.
    check(unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(thread, size_of::<libc::cpu_set_t>(), &set)
    })
}

/// Raises this process's limit of open files to what the benchmark needs.
pub(crate) fn raise_file_limit() -> io::Result<()> {
    // SAFETY: `limit` is a valid rlimit over both calls.
    unsafe {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        check(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit))?;
        limit.rlim_cur = limit.rlim_max.min(OPEN_FILES);
        check(libc::setrlimit(libc::RLIMIT_NOFILE, &limit))
    }
}

/// Lets timers of this thread fire on time: by default the kernel may delay them by 50 µs, which is most of a small latency.
pub(crate) fn sharpen_timers() -> io::Result<()> {
    // SAFETY: PR_SET_TIMERSLACK takes one integer (nanoseconds) and no pointer.
    check(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64) })
}

/// Has the kernel hold as many connections for `listener` as it may: std asks for 128, and a proxy that opens more at once waits a second.
pub(crate) fn widen_backlog(listener: &TcpListener) -> io::Result<()> {
    // SAFETY: no pointers are passed, and the descriptor is open as long as the listener.
    check(unsafe { libc::listen(listener.as_raw_fd(), BACKLOG) })
}

/// Lets the calling thread run only when nobody else on its core wants to.
pub(crate) fn give_way() -> io::Result<()> {
    // SAFETY: no pointers are passed; 0 is the calling thread on Linux.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) })
}

/// Ends every process of the group that `leader` leads; a group that is gone is no error.
pub(crate) fn kill_group(leader: u32) {
    let Ok(group) = libc::pid_t::try_from(leader) else { return };
    // SAFETY: no pointers are passed. The group was made by `confine`, so no stranger is in it.
    unsafe { libc::kill(-group, libc::SIGKILL) };
}

/// Asks the process `pid` to end.
pub(crate) fn ask_to_end(pid: u32) {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return };
    // SAFETY: no pointers are passed. The caller holds the child unreaped, so the number is still its.
    unsafe { libc::kill(pid, libc::SIGTERM) };
}

/// How a process ended, and what it used.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// In user mode and in the kernel, all threads.
    pub(crate) cpu: Duration,
    /// Most memory it had at once, bytes.
    pub(crate) peak_bytes: u64,
}

/// Waits for the end of the child `pid`, which nobody else waits for.
pub(crate) fn wait(pid: u32) -> io::Result<Ended> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: both pointers are to what the call writes.
    check(unsafe { libc::wait4(pid, &mut status, 0, usage.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, which wrote it; all zeroes are valid, too.
    let usage = unsafe { usage.assume_init() };
    let time = |part: libc::timeval| Duration::new(part.tv_sec as u64, part.tv_usec as u32 * 1000);
    Ok(Ended {
        status: ExitStatus::from_raw(status),
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        // Linux counts in KiB.
        peak_bytes: usage.ru_maxrss as u64 * 1024,
    })
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confined_command_sees_one_core_and_leads_its_group() {
        let mut command = Command::new("cat");
        command.arg("/proc/self/status");
        let output = confine(&mut command, 0).output().unwrap();
        let status = String::from_utf8(output.stdout).unwrap();
        assert!(status.lines().any(|line| line == "Cpus_allowed_list:\t0"), "{status}");
    }
}
