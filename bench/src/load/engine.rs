//! The loop that keeps connections busy and counts what comes back.

use std::time::{Duration, Instant};

use super::Options;
use super::connection::{Connection, Turn};
use super::pace::{Pace, Schedule};
use super::report::{LoadReport, Tally};
use super::rotation::Rotation;
use crate::poll::{Interest, Poll};

/// Answers may be this much later than the last request of a fixed rate.
const GRACE: Duration = Duration::from_secs(2);

/// All connections of one run.
pub(crate) struct Engine<'a> {
    options: &'a Options,
    poll: Poll,
    connections: Vec<Connection>,
    /// Where each request differs from the one before.
    rotation: Option<Rotation>,
    interests: Vec<Interest>,
    /// Connections without a request under way, last used first.
    free: Vec<usize>,
    tally: Tally,
    buffer: Vec<u8>,
}

impl<'a> Engine<'a> {
    /// Opens all connections, one after another.
    pub(crate) fn connect(options: &'a Options) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(options.connections);
        for index in 0..options.connections {
            let prefix = prefix(index, options);
            let connection = Connection::open(options.target, options.work, &prefix)?;
            poll.add(&connection.stream, index, Interest::Read)?;
            connections.push(connection);
        }
        Ok(Self {
            options,
            poll,
            interests: vec![Interest::Read; connections.len()],
            free: (0..connections.len()).collect(),
            connections,
            rotation: Rotation::of(options)?,
            tally: Tally::new(),
            buffer: vec![0; 256 * 1024],
        })
    }

    /// Warms up, calls `begin`, measures.
    pub(crate) fn run(mut self, begin: impl FnOnce() -> std::io::Result<()>) -> anyhow::Result<LoadReport> {
        let warm_up = Duration::from_secs_f64(self.options.warm_up);
        let measured = Duration::from_secs_f64(self.options.seconds);
        let start = Instant::now() + warm_up;
        let end = start + measured;
        let mut pace = match self.options.rate {
            None => Pace::Closed,
            Some(rate) => Pace::Fixed(Schedule::new(rate, Instant::now(), end)),
        };
        self.drive(&mut pace, start)?;
        self.tally.begin();
        begin()?;
        let start = Instant::now();
        self.drive(&mut pace, end)?;
        let measured = start.elapsed();
        pace.advance(end);
        let unanswered = self.settle(&mut pace)?;
        Ok(self.tally.finish(measured, unanswered))
    }

    /// Sends and receives until `end`, or until the first fault.
    fn drive(&mut self, pace: &mut Pace, end: Instant) -> anyhow::Result<()> {
        while !self.tally.is_faulty() {
            let now = Instant::now();
            if now >= end {
                break;
            }
            pace.advance(now);
            self.send(pace, now)?;
            let rest = end - now;
            self.receive(pace.quiet_for(now).map_or(rest, |quiet| quiet.min(rest)))?;
        }
        Ok(())
    }

    /// Sends what is due, as far as connections are free.
    fn send(&mut self, pace: &mut Pace, now: Instant) -> anyhow::Result<()> {
        while let Some(&index) = self.free.last() {
            let Some(since) = pace.take(now) else { break };
            self.free.pop();
            if let Some(rotation) = &mut self.rotation {
                rotation.write_next(&mut self.connections[index].request);
            }
            let turn = self.connections[index].start(since);
            self.note(index, turn)?;
        }
        Ok(())
    }

    /// Sends the rest and waits for the answers that are still under way at a fixed rate; returns how many never came.
    fn settle(&mut self, pace: &mut Pace) -> anyhow::Result<usize> {
        if matches!(pace, Pace::Closed) {
            return Ok(0);
        }
        let end = Instant::now() + GRACE;
        while !self.tally.is_faulty() {
            let now = Instant::now();
            self.send(pace, now)?;
            if self.free.len() == self.connections.len() || now >= end {
                break;
            }
            self.receive(end - now)?;
        }
        let now = Instant::now();
        let open = self.connections.iter().filter_map(|connection| connection.since);
        let missing: Vec<Instant> = open.chain(pace.left()).collect();
        missing.iter().for_each(|since| self.tally.late(now - *since));
        Ok(missing.len())
    }

    fn receive(&mut self, timeout: Duration) -> anyhow::Result<()> {
        let found = self.poll.wait(Some(timeout))?;
        for event in 0..found {
            let index = self.poll.token(event);
            let turn = self.connections[index].turn(&mut self.buffer);
            self.note(index, turn)?;
        }
        Ok(())
    }

    fn note(&mut self, index: usize, turn: Result<Turn, String>) -> anyhow::Result<()> {
        let wanted = match turn {
            Ok(Turn::Blocked) => Interest::ReadWrite,
            Ok(Turn::Waiting) => Interest::Read,
            Ok(Turn::Answered(since)) => {
                self.tally.answer(since.elapsed());
                self.free.push(index);
                Interest::Read
            }
            Err(fault) => {
                self.tally.fault(|| format!("connection {index}: {fault}"));
                return Ok(());
            }
        };
        if wanted != self.interests[index] {
            self.interests[index] = wanted;
            self.poll.modify(&self.connections[index].stream, index, wanted)?;
        }
        Ok(())
    }
}

/// Each connection asks on one route; together they ask all over the table.
fn prefix(index: usize, options: &Options) -> String {
    match options.routes {
        0 => String::new(),
        routes => format!("/service-{}", (index * 7919 + routes / 2) % routes),
    }
}

#[cfg(test)]
#[path = "engine/tests.rs"]
mod tests;
