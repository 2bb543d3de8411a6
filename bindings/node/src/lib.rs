//! Questions about events for programs in Node: the core of `lockgate process` behind six functions, which `index.js` makes one of.
//!
//! - Nothing is read by the thread that runs JavaScript: a job has threads of its own (`job`).
//! - What a stream gives is handed to them in pieces, and its source waits while there are too many (`feed`).
//! - What a job came to goes back as texts: reports may be large, and JavaScript makes objects of texts faster than this could (`answer`).

mod answer;
mod ended;
mod feed;
mod functions;
mod job;
