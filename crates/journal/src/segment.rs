//! The segment files: named, listed, written at their end and read. Their format is [`lockgate_event::segment`].
//!
//! Names are `<created>-<boot>.segment` with the time in digits of fixed width, so they sort by time.

mod errors;
mod reader;
mod summary;
mod writer;

pub(crate) use lockgate_event::segment::{
    BLOCK_HEADER_BYTES, BLOCK_PAYLOAD_BYTES_MAX, BlockHeader, SegmentHeader, Step, append_block, frames,
};
pub use lockgate_event::segment::{Footer, RingId};
pub use reader::SegmentReader;
pub(crate) use reader::{Errors, read_up_to};
pub(crate) use summary::Summary;
pub(crate) use writer::SegmentWriter;

use std::io;
use std::path::{Path, PathBuf};

use lockgate_event::Timestamp;

const SUFFIX: &str = ".segment";
/// A segment whose header is still being written.
pub(crate) const UNNAMED_SUFFIX: &str = ".new";

/// The file name of a segment made at `created_us`, microseconds since 1970-01-01T00:00:00Z.
pub(crate) fn name_of(created_us: u64, boot: u32) -> String {
    let Timestamp { year, month, day, hour, minute, second, microsecond } =
        Timestamp::from_unix_us(created_us);
    format!(
        "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{microsecond:06}Z-{boot:08x}{SUFFIX}"
    )
}

/// The start that made the segment of this name; `None` when it is no segment's name.
pub(crate) fn boot_of_name(name: &str) -> Option<u32> {
    let (time, boot) = name.strip_suffix(SUFFIX)?.split_once("Z-")?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (day, clock) = time.split_once('T')?;
    let well_formed =
        day.len() == 8 && digits(day) && clock.len() == 13 && clock.split('.').all(digits) && boot.len() == 8;
    if well_formed { u32::from_str_radix(boot, 16).ok() } else { None }
}

/// When the segment of this name was made, microseconds since 1970-01-01T00:00:00Z; `None` when it is no segment's name.
pub(crate) fn created_of_name(name: &str) -> Option<u64> {
    boot_of_name(name)?;
    let number = |from: usize, to: usize| name.get(from..to)?.parse::<u32>().ok();
    let part = |from: usize, to: usize| u8::try_from(number(from, to)?).ok();
    let time = Timestamp {
        year: number(0, 4)?.into(),
        month: part(4, 6)?,
        day: part(6, 8)?,
        hour: part(9, 11)?,
        minute: part(11, 13)?,
        second: part(13, 15)?,
        microsecond: number(16, 22)?,
    };
    time.to_unix_us()
}

/// The segments of a directory, oldest first.
pub(crate) fn list(journal_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(journal_dir)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| boot_of_name(name).is_some()) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_says_when_its_segment_was_made(created_us in 0..253_402_300_800_000_000_u64, boot: u32) {
            let name = name_of(created_us, boot);
            prop_assert_eq!((created_of_name(&name), boot_of_name(&name)), (Some(created_us), Some(boot)));
        }

        #[test]
        fn any_text_is_a_name_or_none(text in "[0-9]{8}T[0-9.]{13}Z-[0-9a-f]{8}.segment|.{0,60}") {
            let _ = created_of_name(&text);
        }
    }
}
