//! The live segment, written to at its end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{BlockHeader, SegmentHeader, Summary, UNNAMED_SUFFIX, name_of};
use crate::disk::{Disk, DiskFile, write_all_at};

/// A write that the disk did not take whole.
#[derive(Debug)]
pub(crate) struct WriteFailure {
    /// Bytes taken before the failure.
    pub(crate) written: usize,
    pub(crate) error: io::Error,
}

/// The one segment that still grows.
pub(crate) struct SegmentWriter {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    created_us: u64,
    /// End of the last whole block; what the file may have behind it does not count.
    length: u64,
    /// Whether the file may be longer than `length`.
    torn: bool,
    is_resumed: bool,
    pub(crate) summary: Summary,
}

impl SegmentWriter {
    /// Makes a segment: it gets its name once its header is written.
    pub(crate) fn create(disk: &dyn Disk, journal_dir: &Path, header: &SegmentHeader) -> io::Result<Self> {
        let path = journal_dir.join(name_of(header.created_us, header.boot));
        let mut unnamed = path.clone().into_os_string();
        unnamed.push(UNNAMED_SUFFIX);
        let unnamed = PathBuf::from(unnamed);
        let file = match disk.create(&unnamed) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                disk.remove(&unnamed)?;
                disk.create(&unnamed)?
            }
            made => made?,
        };
        let bytes = header.to_bytes();
        let written = write_all_at(&*file, &bytes, 0).map_err(|(_, error)| error);
        if let Err(error) = written.and_then(|()| disk.rename(&unnamed, &path)) {
            // The next try has another name: while the disk is full, there would be more of these each second.
            let _ = disk.remove(&unnamed);
            return Err(error);
        }
        Ok(Self {
            file,
            path,
            created_us: header.created_us,
            length: bytes.len() as u64,
            torn: false,
            is_resumed: false,
            summary: Summary::starting_at(&header.positions),
        })
    }

    /// Takes over a segment that an earlier start left; cuts off what follows its last whole block.
    ///
    /// It is only to be sealed: in a data directory that was put back from an older copy, usage may already count what once stood behind
    /// its end, and would take what is written there now for that.
    pub(crate) fn resume(
        disk: &dyn Disk,
        path: &Path,
        created_us: u64,
        length: u64,
        summary: Summary,
    ) -> io::Result<Self> {
        let file = disk.open(path)?;
        file.set_len(length)?;
        Ok(Self { file, path: path.into(), created_us, length, torn: false, is_resumed: true, summary })
    }

    /// Appends whole blocks. What was written before a failure stays; the caller commits the whole blocks of it and calls
    /// [`SegmentWriter::cut_torn`].
    pub(crate) fn append(&mut self, blocks: &[u8]) -> Result<(), WriteFailure> {
        write_all_at(&*self.file, blocks, self.length).map_err(|(written, error)| {
            self.torn = true;
            WriteFailure { written, error }
        })
    }

    /// Counts the next block of what was appended.
    pub(crate) fn commit(&mut self, header: &BlockHeader, payload: &[u8]) {
        self.summary.add_block(header, self.length, payload);
        self.length += header.block_bytes();
    }

    /// Removes what follows the last whole block. If that fails too, later writes cover it, and sealing tries again.
    pub(crate) fn cut_torn(&mut self) {
        self.torn = self.torn && self.file.set_len(self.length).is_err();
    }

    /// Writes footer and trailer, after which the file never changes; on failure it is still live.
    pub(crate) fn seal(&mut self) -> io::Result<u64> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        let bytes = self.summary.to_footer().to_bytes(self.length);
        match write_all_at(&*self.file, &bytes, self.length) {
            Ok(()) => Ok(self.length + bytes.len() as u64),
            Err((_, error)) => {
                self.torn = true;
                self.cut_torn();
                Err(error)
            }
        }
    }

    pub(crate) fn file(&self) -> &Arc<dyn DiskFile> {
        &self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn created_us(&self) -> u64 {
        self.created_us
    }

    /// Whether an earlier start made it.
    pub(crate) fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}
