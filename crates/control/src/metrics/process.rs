//! What the operating system says of this process; `None` where it does not say.

use std::fs;

/// Clock ticks per second in `/proc`: 100 on every architecture Lockgate is built for (the kernel's USER_HZ).
const TICKS_PER_SECOND: i128 = 100;

/// Figures of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Process {
    pub(crate) cpu_us: Option<i128>,
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) virtual_bytes: Option<u64>,
    pub(crate) open_fds: Option<u64>,
    pub(crate) max_fds: Option<u64>,
}

impl Process {
    /// Reads `/proc/self`; everything is `None` on systems without it.
    pub(crate) fn read() -> Self {
        let text = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        let status = text("status");
        let memory = |field| status.as_deref().and_then(|status| status_bytes(status, field));
        Self {
            cpu_us: text("stat").as_deref().and_then(cpu_us),
            resident_bytes: memory("VmRSS:"),
            virtual_bytes: memory("VmSize:"),
            // The directory being read is open itself and is not counted.
            open_fds: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|entries| (entries.count() as u64).saturating_sub(1)),
            max_fds: text("limits").as_deref().and_then(max_fds),
        }
    }
}

/// Fields 14 and 15 of `stat`, user and system time in ticks; the command in field 2 may hold spaces.
fn cpu_us(stat: &str) -> Option<i128> {
    let (_, after_command) = stat.rsplit_once(')')?;
    let mut fields = after_command.split_ascii_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some((i128::from(user) + i128::from(system)) * (1_000_000 / TICKS_PER_SECOND))
}

fn status_bytes(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn max_fds(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_spaces_and_brackets_does_not_shift_the_fields() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
        assert_eq!(cpu_us(stat), Some(3_000_000));
        assert_eq!(cpu_us("7 (a) S 1"), None);
        assert_eq!(cpu_us(""), None);
    }

    #[test]
    fn figures_are_read_from_their_lines() {
        let status = "Name:\tx\nVmSize:\t    2048 kB\nVmRSS:\t     100 kB\n";
        assert_eq!(status_bytes(status, "VmRSS:"), Some(102_400));
        assert_eq!(status_bytes(status, "VmSwap:"), None);
        assert_eq!(
            max_fds("Limit  Soft  Hard\nMax open files            1024                 4096  files\n"),
            Some(1024)
        );
        assert_eq!(max_fds("Max open files            unlimited            unlimited  files\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_says_all_but_an_unlimited_number_of_files() {
        let process = Process::read();
        assert!(
            process.resident_bytes > Some(0) && process.virtual_bytes >= process.resident_bytes,
            "{process:?}"
        );
        assert!(process.open_fds >= Some(3) && process.cpu_us.is_some(), "{process:?}");
    }
}
