//! The data directory: whose journal it is, and that nobody else writes it.
//!
//! `lock` is held locked by the gateway and holds its process id; `node` is a random number made once; `boot` counts the starts, so that ids
//! of two starts never meet; `journal/` holds the segments.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::JournalError;
use crate::map::effective_user;
use crate::segment::{self, RingId};

/// Where Linux keeps files that live in memory.
const SHARED_MEMORY: &str = "/dev/shm";

/// An open and locked data directory.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    node: u64,
    boot: u32,
    rings_beside_segments: bool,
    /// Locked until the last copy of this handle is closed.
    _lock: File,
}

impl DataDir {
    /// Makes the directory if needed (mode 0700), locks it, and counts one more start.
    ///
    /// # Errors
    ///
    /// When another gateway holds the directory, or its files cannot be made, read or written.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        make_dir(path)?;
        let lock = take_lock(path)?;
        make_dir(&journal_dir(path))?;
        let node = node_id(path)?;
        let boot = next_boot(path)?;
        Ok(Self { path: path.into(), node, boot, rings_beside_segments: false, _lock: lock })
    }

    /// Keeps the rings in the data directory although there is shared memory: for containers that lose `/dev/shm` with their process.
    #[must_use]
    pub fn with_rings_beside_segments(mut self) -> Self {
        self.rings_beside_segments = true;
        self
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Random number that names this node in every id.
    #[must_use]
    pub fn node(&self) -> u64 {
        self.node
    }

    /// How often the node has been started, this time included.
    #[must_use]
    pub fn boot(&self) -> u32 {
        self.boot
    }

    /// Makes a worker's empty ring file: in shared memory if that works, else in the data directory.
    pub(crate) fn create_ring<T>(
        &self,
        worker: u16,
        mut prepare: impl FnMut(&File) -> io::Result<T>,
    ) -> Result<(PathBuf, T), JournalError> {
        let names =
            RingNames::of(&self.path, self.node).map_err(JournalError::file("look at", &self.path))?;
        let ring = RingId { boot: self.boot, worker };
        if !self.rings_beside_segments {
            let path = names.in_shared_memory(ring);
            if let Ok(made) = create_prepared(&path, &mut prepare) {
                return Ok((path, made));
            }
        }
        let path = names.beside_segments(ring);
        let made = create_prepared(&path, &mut prepare).map_err(JournalError::file("create", &path))?;
        Ok((path, made))
    }
}

fn create_prepared<T>(path: &Path, prepare: &mut impl FnMut(&File) -> io::Result<T>) -> io::Result<T> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)?;
    prepare(&file).inspect_err(|_| drop(std::fs::remove_file(path)))
}

/// Where the segments of the data directory `path` are.
pub(crate) fn journal_dir(path: &Path) -> PathBuf {
    path.join("journal")
}

/// The names a node's rings can have.
pub(crate) struct RingNames {
    journal_dir: PathBuf,
    shared_prefix: String,
    owners: [u32; 2],
}

impl RingNames {
    /// Finds the names from the directory's identity: a copy of it is another directory and has other rings.
    pub(crate) fn of(data_dir: &Path, node: u64) -> io::Result<Self> {
        let meta = std::fs::metadata(data_dir)?;
        Ok(Self {
            journal_dir: journal_dir(data_dir),
            shared_prefix: format!("lockgate-{node:016x}-{:x}-{:x}-", meta.dev(), meta.ino()),
            owners: [meta.uid(), effective_user()],
        })
    }

    fn in_shared_memory(&self, ring: RingId) -> PathBuf {
        Path::new(SHARED_MEMORY).join(format!("{}{}", self.shared_prefix, file_name(ring)))
    }

    fn beside_segments(&self, ring: RingId) -> PathBuf {
        self.journal_dir.join(file_name(ring))
    }

    /// The rings that exist, oldest start first. Files of strangers in the shared directory are passed over.
    pub(crate) fn list(&self) -> io::Result<Vec<(RingId, PathBuf)>> {
        let mut rings = Vec::new();
        collect_rings(&self.journal_dir, "", &mut rings)?;
        if let Err(error) = collect_rings(Path::new(SHARED_MEMORY), &self.shared_prefix, &mut rings)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        rings.retain(|(_, path)| self.is_ours(path));
        rings.sort_by_key(|(ring, _)| (ring.boot, ring.worker));
        Ok(rings)
    }

    fn is_ours(&self, path: &Path) -> bool {
        std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && self.owners.contains(&meta.uid()))
    }
}

fn file_name(ring: RingId) -> String {
    format!("{:08x}-{:04x}.ring", ring.boot, ring.worker)
}

fn collect_rings(dir: &Path, prefix: &str, rings: &mut Vec<(RingId, PathBuf)>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(ring) = name.to_str().and_then(|name| ring_of_name(name.strip_prefix(prefix)?)) {
            rings.push((ring, entry.path()));
        }
    }
    Ok(())
}

fn ring_of_name(name: &str) -> Option<RingId> {
    let (boot, worker) = name.strip_suffix(".ring")?.split_once('-')?;
    let hexadecimal = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    if boot.len() != 8 || worker.len() != 4 || !hexadecimal(boot) || !hexadecimal(worker) {
        return None;
    }
    Some(RingId { boot: u32::from_str_radix(boot, 16).ok()?, worker: u16::from_str_radix(worker, 16).ok()? })
}

fn make_dir(path: &Path) -> Result<(), JournalError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(JournalError::file("create directory", path))
}

fn take_lock(data_dir: &Path) -> Result<File, JournalError> {
    let path = data_dir.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(JournalError::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(JournalError::Locked { path: data_dir.into(), pid: holder_of(&mut file) });
        }
        Err(TryLockError::Error(error)) => return Err(JournalError::file("lock", &path)(error)),
    }
    // Of one width, in place: cutting the file off first costs milliseconds on a journaling file system.
    let pid = format!("{:<10}\n", std::process::id());
    file.write_all_at(pid.as_bytes(), 0).map_err(JournalError::file("write", &path))?;
    Ok(file)
}

fn holder_of(lock: &mut File) -> String {
    let mut text = String::new();
    match lock.take(32).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().into(),
        _ => "unknown".into(),
    }
}

/// Reads the node's number, or makes it.
fn node_id(data_dir: &Path) -> Result<u64, JournalError> {
    let path = data_dir.join("node");
    match read_node(data_dir) {
        Ok(Some(node)) => return Ok(node),
        Ok(None) => return Err(JournalError::Damaged { path, what: "it should hold 16 hexadecimal digits" }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(JournalError::file("read", path)(error)),
    }
    let node = getrandom::u64().map_err(|error| JournalError::Random(io::Error::other(error)))?;
    write_durably(data_dir, "node", format!("{node:016x}\n").as_bytes())
        .map_err(JournalError::file("write", path))?;
    Ok(node)
}

/// The node's number, `None` when the file holds something else.
pub(crate) fn read_node(data_dir: &Path) -> io::Result<Option<u64>> {
    let text = std::fs::read_to_string(data_dir.join("node"))?;
    let digits = text.trim_end();
    Ok(if digits.len() == 16 { u64::from_str_radix(digits, 16).ok() } else { None })
}

/// Counts this start, durably. A counter that cannot be read goes on behind the newest segment or ring there is.
fn next_boot(data_dir: &Path) -> Result<u32, JournalError> {
    let path = data_dir.join("boot");
    let last = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim_end().parse().unwrap_or(0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(JournalError::file("read", path)(error)),
    };
    let seen = newest_boot_seen(data_dir).map_err(JournalError::file("list", journal_dir(data_dir)))?;
    let boot = last
        .max(seen)
        .checked_add(1)
        .ok_or(JournalError::Damaged { path: path.clone(), what: "no start is left to count" })?;
    store_boot(data_dir, &path, boot).map_err(JournalError::file("write", path))?;
    Ok(boot)
}

fn newest_boot_seen(data_dir: &Path) -> io::Result<u32> {
    let mut newest = 0;
    for entry in std::fs::read_dir(journal_dir(data_dir))? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        let boot = segment::boot_of_name(name).or_else(|| ring_of_name(name).map(|ring| ring.boot));
        newest = newest.max(boot.unwrap_or(0));
    }
    Ok(newest)
}

/// Ten digits in place: one sector, so a crash leaves the old number or the new one, and one write of data to wait for.
fn store_boot(data_dir: &Path, path: &Path, boot: u32) -> io::Result<()> {
    let text = format!("{boot:010}\n");
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => {
            file.write_all_at(text.as_bytes(), 0)?;
            file.sync_data()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write_durably(data_dir, "boot", text.as_bytes())
        }
        Err(error) => Err(error),
    }
}

/// Makes a file that is there whole or not at all.
fn write_durably(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unnamed = dir.join(format!("{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unnamed)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unnamed, dir.join(name))?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests;
