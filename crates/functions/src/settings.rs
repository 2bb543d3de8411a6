//! What a function is allowed and given.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What one function is allowed and given. It has no fields that say where it stands; routes say that.
#[derive(Clone, PartialEq)]
pub struct Settings {
    /// Its name in the configuration, in logs and in the journal.
    pub name: Arc<str>,
    /// Most memory of an instance: all memories, tables and its garbage-collected heap together, bytes.
    pub memory_bytes: u64,
    /// Wall time of a call, from its start to the end of all it does.
    pub time: Duration,
    /// Processor time of a call.
    pub cpu: Duration,
    /// Calls at once.
    pub instances: usize,
    /// Calls that wait for an instance; 0: none waits.
    pub queue: usize,
    /// Longest wait in the queue.
    pub queue_time: Duration,
    /// Longest body of an answer, bytes; 0: no limit.
    pub response_bytes: u64,
    /// Outgoing requests of one call.
    pub calls: u32,
    /// Log of one call, bytes.
    pub log_bytes: u64,
    /// Calls that one instance serves; 1: a fresh instance for each.
    pub reuse: u32,
    /// Values of `wasi:config`, secrets among them: they are never printed.
    pub values: Vec<(String, String)>,
    /// Origins the function may ask, in lower case, `http://` and the scheme's usual port left out: `orders.internal`,
    /// `https://api.example.com`.
    pub outbound: Vec<String>,
}

impl Settings {
    /// The defaults of the reference, under a name.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            memory_bytes: 128 << 20,
            time: Duration::from_secs(10),
            cpu: Duration::from_secs(1),
            instances: 64,
            queue: 256,
            queue_time: Duration::from_secs(1),
            response_bytes: 64 << 20,
            calls: 32,
            log_bytes: 64 << 10,
            reuse: 1,
            values: Vec::new(),
            outbound: Vec::new(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.values.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Settings")
            .field("name", &self.name)
            .field("memory_bytes", &self.memory_bytes)
            .field("time", &self.time)
            .field("cpu", &self.cpu)
            .field("instances", &self.instances)
            .field("queue", &self.queue)
            .field("queue_time", &self.queue_time)
            .field("response_bytes", &self.response_bytes)
            .field("calls", &self.calls)
            .field("log_bytes", &self.log_bytes)
            .field("reuse", &self.reuse)
            .field("values", &names)
            .field("outbound", &self.outbound)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_never_printed() {
        let mut settings = Settings::named("a");
        settings.values.push(("token".into(), "hunter2".into()));
        let printed = format!("{settings:?}");
        assert!(printed.contains("token") && !printed.contains("hunter2"), "{printed}");
    }
}
