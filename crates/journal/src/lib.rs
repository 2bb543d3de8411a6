//! The ring in shared memory, the segments on disk, and their readers.
//!
//! A worker writes one record per exchange through its [`RingWriter`]: no system call, no lock, one release store. The [`Journal`]'s own
//! thread drains the rings into append-only segment files and shows what it wrote to every [`EventReader`]. A [`JournalReader`] works on
//! the files alone, whether a gateway runs or not.
//!
//! What is promised, over a kill of the process at any instant:
//!
//! - a record that [`RingWriter::write`] accepted is found exactly once by every [`JournalReader`], as long as its ring file exists; the
//!   next start moves it into a segment and only then removes the ring;
//! - a whole block in a segment never changes, and a sealed segment never changes at all;
//! - what could not be accepted is counted, in the ring, by the writer.
//!
//! Rings lie in `/dev/shm`, where a crash of the machine loses them; segments are synced every [`JournalOptions::sync`], so such a crash
//! costs at most what was answered since then. A container that loses `/dev/shm` with its process should keep the rings in the data
//! directory, by [`DataDir::with_rings_beside_segments`].
//!
//! The way of a record names the files: `ring` (the worker's side) over `map` (shared memory, all unsafe code) → `drainer` with `recovery`,
//! `syncer` and `retention` → `segment` (the file format) → `readers` inside the process, `reader` on the files alone. `journal` starts and
//! stops it, `data_dir` says whose it is.

mod batch;
mod data_dir;
mod disk;
mod drainer;
mod error;
mod journal;
mod leftover;
mod map;
mod reader;
mod readers;
mod recovery;
mod retention;
mod ring;
mod segment;
mod status;
mod syncer;

pub use batch::{Batch, RawRecord, RecordPlace};
pub use data_dir::DataDir;
pub use error::{JournalError, ReadError};
pub use journal::{Journal, JournalHandle, JournalOptions, WhenFull};
pub use reader::{JournalReader, Passage, SegmentsReader, Start, StoredRecord, read_dir};
pub use readers::{EventReader, SubscriptionId};
pub use ring::{Reservation, RingFull, RingWriter};
pub use segment::{Footer, RingId, SegmentReader};
pub use status::{JournalStatus, RingStatus};
