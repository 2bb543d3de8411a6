//! What is removed from the folder of compiled code.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Most files that are kept.
const FILES_MAX: usize = 4096;

/// Most that they take together, bytes; code that was just written is kept whatever it takes.
const BYTES_MAX: u64 = 1 << 30;

/// How old a file under way may be: writing takes seconds.
const WRITTEN_WITHIN: Duration = Duration::from_secs(3600);

/// Removes what was unused for longest, where there is too much beside what was just written.
pub(super) fn make_room(folder: &Path, written: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for (path, metadata) in files_of(folder)? {
        if path != written && writer(&path).is_none() {
            files.push((metadata.modified()?, metadata.len(), path));
        }
    }
    files.sort();
    let mut bytes = files.iter().fold(fs::metadata(written)?.len(), |sum, (_, bytes, _)| sum + bytes);
    let mut count = files.len() + 1;
    for (_, file_bytes, path) in files {
        if count <= FILES_MAX && bytes <= BYTES_MAX {
            break;
        }
        remove(&path)?;
        count -= 1;
        bytes -= file_bytes;
    }
    Ok(())
}

/// Removes what a process left behind that ended while it wrote.
pub(super) fn remove_left_over(folder: &Path) {
    let removed = files_of(folder).and_then(|files| {
        let mut left_over = files.into_iter().filter(|(path, metadata)| is_left_over(path, metadata));
        left_over.try_for_each(|(path, _)| remove(&path))
    });
    if let Err(error) = removed {
        tracing::warn!(target: "function", path = %folder.display(), "compiled code that was left behind cannot be removed: {error}");
    }
}

/// The name of a file under way ends with the number of the process that writes it.
fn writer(path: &Path) -> Option<u32> {
    path.extension()?.to_str()?.parse().ok()
}

fn is_left_over(path: &Path, metadata: &Metadata) -> bool {
    let Some(writer) = writer(path) else { return false };
    let writer = i32::try_from(writer).ok().and_then(Pid::from_raw);
    let is_gone = writer.is_none_or(|writer| test_kill_process(writer) == Err(Errno::SRCH));
    // In a container each gateway has the number of the one before.
    let age = metadata.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    is_gone || age.is_some_and(|age| age > WRITTEN_WITHIN)
}

fn files_of(folder: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) => files.push((entry.path(), metadata)),
            // Another gateway was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a folder"))
        }

        /// A file of that many bytes, of which none are on the disk, used that long ago.
        fn file(&self, name: &str, bytes: u64, age: Duration) -> PathBuf {
            let path = self.0.path().join(name);
            let file = File::create(&path).expect("a file");
            file.set_len(bytes).expect("a length");
            file.set_modified(SystemTime::now() - age).expect("a time");
            path
        }

        fn names(&self) -> Vec<String> {
            let files = files_of(self.0.path()).expect("files");
            let name = |path: &Path| path.file_name().and_then(|name| name.to_str().map(str::to_owned));
            let mut names: Vec<_> = files.iter().filter_map(|(path, _)| name(path)).collect();
            names.sort();
            names
        }
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn what_was_unused_for_longest_goes_when_there_are_too_many_bytes() {
        let folder = Folder::new();
        for (name, hours) in [("a", 3), ("b", 9), ("c", 5)] {
            folder.file(name, BYTES_MAX / 4, HOUR * hours);
        }
        let written = folder.file("new", BYTES_MAX / 4, HOUR * 99);
        make_room(folder.0.path(), &written).expect("room");
        assert_eq!(folder.names(), ["a", "b", "c", "new"], "all of them fit");
        let written = folder.file("new", BYTES_MAX / 2, HOUR * 99);
        make_room(folder.0.path(), &written).expect("room");
        assert_eq!(folder.names(), ["a", "c", "new"]);
        let written = folder.file("new", 2 * BYTES_MAX, HOUR * 99);
        make_room(folder.0.path(), &written).expect("room");
        assert_eq!(folder.names(), ["new"], "what was just written stays");
    }

    #[test]
    fn what_was_unused_for_longest_goes_when_there_are_too_many_files() {
        let folder = Folder::new();
        for at in 0..FILES_MAX as u32 {
            folder.file(&format!("{at:04}"), 1, HOUR * (at + 1));
        }
        let written = folder.file("new", 1, Duration::ZERO);
        make_room(folder.0.path(), &written).expect("room");
        let names = folder.names();
        assert_eq!((names.len(), names.contains(&format!("{:04}", FILES_MAX - 1))), (FILES_MAX, false));
    }

    #[test]
    fn what_a_process_left_behind_is_removed() {
        let folder = Folder::new();
        let ours = std::process::id();
        let mut gone = std::process::Command::new("true").spawn().expect("a process");
        let gone_id = gone.id();
        gone.wait().expect("its end");
        folder.file("a", 1, HOUR * 9);
        folder.file(&format!("b.{gone_id}"), 1, Duration::ZERO);
        folder.file(&format!("c.{ours}"), 1, Duration::ZERO);
        folder.file(&format!("d.{ours}"), 1, HOUR * 2);
        folder.file("e.0", 1, Duration::ZERO);
        remove_left_over(folder.0.path());
        assert_eq!(folder.names(), ["a".to_owned(), format!("c.{ours}")]);
    }
}
