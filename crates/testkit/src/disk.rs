//! A small file system of its own, which a test may fill, freeze and break.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::skip;

/// Size of the file system, bytes.
const DISK_BYTES: u64 = 24 << 20;

/// A file system on a loop device; it is unmounted when this is dropped.
pub struct Disk {
    directory: TempDir,
    frozen: bool,
}

impl Disk {
    /// Makes one of 24 MiB. Where that may not be done (it needs root), the test is skipped: see [`skip`].
    ///
    /// # Panics
    /// When there is no temporary directory for it.
    pub fn start_or_skip() -> Option<Self> {
        let directory = tempfile::tempdir().expect("there is a temporary directory");
        let (image, mount) = (directory.path().join("image"), directory.path().join("disk"));
        fs::create_dir(&mount).expect("a new directory takes another one");
        let sized = File::create(&image).and_then(|image| image.set_len(DISK_BYTES));
        sized.expect("a new directory takes a file");
        let (image, mount) = (image.display().to_string(), mount.display().to_string());
        let made = succeeds("mkfs.ext4", &["-q", "-m", "0", &image])
            && succeeds("mount", &["-o", "loop", &image, &mount]);
        if !made {
            skip("a loop device cannot be mounted here; run as root with e2fsprogs");
        }
        made.then_some(Self { directory, frozen: false })
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("disk")
    }

    /// Fills it to the last block.
    ///
    /// # Panics
    /// When not even a file can be made on it.
    pub fn fill(&self) {
        let mut ballast = File::create(self.ballast()).expect("an empty file needs no block");
        for size in [1 << 20, 1 << 12, 1 << 8] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
        drop(ballast.sync_all());
    }

    /// Gives back the room that [`Disk::fill`] took.
    ///
    /// # Panics
    /// When it was not filled.
    pub fn empty(&self) {
        fs::remove_file(self.ballast()).expect("it was filled");
    }

    /// Makes it read-only for good, as the kernel does after an error.
    pub fn break_down(&self) {
        self.run("mount", &["-o", "remount,abort"]);
    }

    /// Mounts it again so that it can only be read.
    pub fn make_read_only(&self) {
        self.run("mount", &["-o", "remount,ro"]);
    }

    /// Makes every write wait.
    pub fn freeze(&mut self) {
        self.run("fsfreeze", &["-f"]);
        self.frozen = true;
    }

    /// Lets writes go on.
    pub fn thaw(&mut self) {
        if std::mem::take(&mut self.frozen) {
            self.run("fsfreeze", &["-u"]);
        }
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = Command::new(program).args(arguments).arg(self.path()).status();
        assert!(status.is_ok_and(|status| status.success()), "{program} {arguments:?}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.frozen {
            let _ = Command::new("fsfreeze").arg("-u").arg(self.path()).status();
        }
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
