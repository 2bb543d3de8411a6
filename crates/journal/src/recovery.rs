//! What an earlier process left: a segment that was live, perhaps with a torn end, and rings with records that are in no segment yet.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::data_dir::{RingNames, journal_dir};
use crate::disk::Disk;
use crate::error::ReadError;
use crate::leftover::{RingFile, Snapshot};
use crate::retention::SealedSegment;
use crate::segment::{self, RingId, SegmentReader, SegmentWriter, Step, Summary, UNNAMED_SUFFIX};

/// A dead process's ring: what of it is in no segment, and the file to remove when that has changed.
pub(crate) struct Leftover {
    pub(crate) snapshot: Snapshot,
    pub(crate) path: PathBuf,
}

/// The state to go on from.
pub(crate) struct Recovered {
    /// What was live, to be sealed before anything is written.
    pub(crate) live: Option<SegmentWriter>,
    /// Oldest first.
    pub(crate) sealed: Vec<SealedSegment>,
    pub(crate) leftovers: Vec<Leftover>,
    /// Time of the newest segment, microseconds since 1970-01-01T00:00:00Z.
    pub(crate) newest_us: u64,
}

/// Looks at everything in the data directory that belongs to starts before `boot`.
pub(crate) fn recover(data_dir: &Path, node: u64, boot: u32, disk: &dyn Disk) -> io::Result<Recovered> {
    let journal = journal_dir(data_dir);
    remove_unnamed(&journal, disk)?;
    let mut paths = segment::list(&journal)?;
    let newest = paths.pop();
    let mut recovered = Recovered { live: None, sealed: Vec::new(), leftovers: Vec::new(), newest_us: 0 };
    for path in paths {
        recovered.sealed.push(sealed_segment(path)?);
    }
    let mut positions = HashMap::new();
    if let Some(path) = newest {
        positions = resume_newest(&path, node, disk, &mut recovered)?;
    }
    recovered.leftovers = leftovers(data_dir, node, boot, &positions, disk)?;
    Ok(recovered)
}

/// Segments that never got their name have no record.
fn remove_unnamed(journal: &Path, disk: &dyn Disk) -> io::Result<()> {
    for entry in std::fs::read_dir(journal)? {
        let path = entry?.path();
        if path.to_str().is_some_and(|path| path.ends_with(UNNAMED_SUFFIX)) {
            disk.remove(&path)?;
        }
    }
    Ok(())
}

fn sealed_segment(path: PathBuf) -> io::Result<SealedSegment> {
    let meta = std::fs::metadata(&path)?;
    let sealed_at = meta.modified()?;
    Ok(SealedSegment::new(path, meta.len(), sealed_at))
}

/// Takes the newest segment over unless it is sealed; returns how far it says each ring has come.
fn resume_newest(
    path: &Path,
    node: u64,
    disk: &dyn Disk,
    recovered: &mut Recovered,
) -> io::Result<HashMap<RingId, u64>> {
    let name = path.file_name().and_then(|name| name.to_str());
    recovered.newest_us = name.and_then(segment::created_of_name).unwrap_or(0);
    let mut reader = match SegmentReader::open(path) {
        Ok(reader) => reader,
        Err(ReadError::File { source, .. }) => return Err(source),
        Err(damaged) => {
            tracing::error!(%damaged, "the newest segment cannot be sealed and is left as it is");
            recovered.sealed.push(sealed_segment(path.into())?);
            return Ok(HashMap::new());
        }
    };
    recovered.newest_us = recovered.newest_us.max(reader.created_us());
    let footer = reader.footer().unwrap_or_else(|damaged| {
        tracing::error!(%damaged, "the newest segment's footer cannot be read");
        None
    });
    if let Some(footer) = footer {
        recovered.sealed.push(sealed_segment(path.into())?);
        return Ok(footer.positions.into_iter().collect());
    }
    let summary = scan(&mut reader).map_err(|error| match error {
        ReadError::File { source, .. } => source,
        damaged @ ReadError::Damaged { .. } => io::Error::other(damaged),
    })?;
    let positions = summary.positions().clone();
    if reader.header().is_some_and(|header| header.node == node) {
        recovered.live =
            Some(SegmentWriter::resume(disk, path, reader.created_us(), reader.offset(), summary)?);
    } else {
        // Damaged, or brought here from another node: its records are read, but nothing is added to them.
        recovered.sealed.push(sealed_segment(path.into())?);
    }
    Ok(positions)
}

/// Reads a live segment up to the end of its last whole block.
fn scan(reader: &mut SegmentReader) -> Result<Summary, ReadError> {
    let mut summary = Summary::starting_at(reader.header().map_or(&[], |header| &header.positions));
    loop {
        match reader.next_block()? {
            Step::Block => {
                if let Some((block, offset, payload)) = reader.block() {
                    summary.add_block(block, offset, payload);
                }
            }
            Step::Damaged { offset, what } => {
                tracing::error!(segment = %reader.path().display(), offset, what, "the live segment is damaged");
            }
            Step::End | Step::Sealed => return Ok(summary),
        }
    }
}

fn leftovers(
    data_dir: &Path,
    node: u64,
    boot: u32,
    positions: &HashMap<RingId, u64>,
    disk: &dyn Disk,
) -> io::Result<Vec<Leftover>> {
    let mut leftovers = Vec::new();
    for (ring, path) in RingNames::of(data_dir, node)?.list()? {
        if ring.boot == boot {
            continue;
        }
        let file = RingFile::open(&path, ring, node)?;
        let snapshot = file.map(|file| file.recover(positions.get(&ring).copied())).transpose()?.flatten();
        match snapshot {
            Some(snapshot) => leftovers.push(Leftover { snapshot, path }),
            // Killed before it was ready to be written to, or not a ring.
            None => disk.remove(&path)?,
        }
    }
    Ok(leftovers)
}
