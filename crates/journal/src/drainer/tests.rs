//! The drainer on disks that fail, fill up, stall, or are the last thing a process sees.

mod crash;
mod faulty;
mod trouble;

pub(crate) use faulty::event as plain_event;
