//! Opens keep-alive connections, uses each once, and holds them.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::response::{Progress, Response};
use super::work::Work;

/// How many connections to hold, and to whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct IdleOptions {
    /// Address of the proxy.
    #[arg(long)]
    pub(crate) target: SocketAddr,
    /// Connections to hold.
    #[arg(long, default_value_t = 5000)]
    pub(crate) connections: usize,
}

/// The line that says all connections are open and idle.
pub(crate) const SETTLED: &str = "settled";

/// Opens them, prints [`SETTLED`], waits for the end of standard input, and prints how many are still open.
pub(crate) fn hold_idle(options: &IdleOptions) -> anyhow::Result<()> {
    crate::os::raise_file_limit().context("raising the limit of open files")?;
    let streams =
        (0..options.connections).map(|_| open_and_use(options.target)).collect::<Result<Vec<_>, _>>()?;
    super::announce(SETTLED)?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    super::announce(&count_open(&streams)?.to_string())?;
    Ok(())
}

/// One small request and its whole answer.
pub(crate) fn ask(stream: &mut (impl Read + Write), request: &[u8]) -> anyhow::Result<()> {
    stream.write_all(request)?;
    stream.flush()?;
    let mut response = Response::new(Work::Small);
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer)?;
        anyhow::ensure!(length > 0, "closed before the answer");
        if response.feed(&buffer[..length]).map_err(anyhow::Error::msg)? == Progress::Whole {
            return Ok(());
        }
    }
}

fn open_and_use(target: SocketAddr) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(target).with_context(|| format!("connecting to {target}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    ask(&mut stream, &Work::Small.request(""))?;
    Ok(stream)
}

fn count_open(streams: &[TcpStream]) -> anyhow::Result<usize> {
    let mut open = 0;
    for stream in streams {
        stream.set_nonblocking(true)?;
        match stream.peek(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => open += 1,
            _ => {}
        }
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_connection_is_not_counted_as_open() {
        let origin = crate::origin::spawn_for_tests();
        let streams: Vec<_> = (0..3).map(|_| open_and_use(origin).unwrap()).collect();
        streams[1].shutdown(std::net::Shutdown::Both).unwrap();
        assert_eq!(count_open(&streams).unwrap(), 2);
    }
}
