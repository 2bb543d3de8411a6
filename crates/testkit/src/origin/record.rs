//! What one connection to an origin carried.

/// How a connection ended, seen from the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer closed.
    ByPeer,
    /// The peer reset, or the socket failed.
    Failed,
    /// The script closed.
    ByScript,
}

/// Bytes kept of each connection; the rest is only counted.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

/// What one connection carried.
#[derive(Clone, Default)]
pub struct ConnectionRecord {
    /// The first 16 MiB received.
    pub bytes: Vec<u8>,
    /// Bytes received.
    pub total: u64,
    /// Request heads received.
    pub heads: usize,
    /// Requests received to the end of their bodies.
    pub complete: usize,
    /// Where a tunnel began in `bytes`, after which there are no requests.
    pub tunnel_at: Option<usize>,
    /// Whether all body bytes received so far continue the test pattern.
    pub pattern: crate::answer::PatternCheck,
    /// How it ended, if it has.
    pub end: Option<End>,
}

impl ConnectionRecord {
    /// The bytes before a tunnel began.
    pub fn request_bytes(&self) -> &[u8] {
        &self.bytes[..self.tunnel_at.unwrap_or(self.bytes.len()).min(self.bytes.len())]
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        let room = KEPT_BYTES - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.total += bytes.len() as u64;
    }
}

impl std::fmt::Debug for ConnectionRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &self.bytes[..self.bytes.len().min(2000)];
        write!(f, "{} bytes, {} heads, {} complete, ", self.total, self.heads, self.complete)?;
        write!(f, "end {:?}: \"{}\"", self.end, shown.escape_ascii())
    }
}
