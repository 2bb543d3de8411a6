//! Standard input.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

/// Whether standard input is a file, a pipe or a socket, rather than a terminal or nothing.
pub(crate) fn is_piped_in() -> bool {
    let metadata = io::stdin().as_fd().try_clone_to_owned().and_then(|stdin| File::from(stdin).metadata());
    let kind = metadata.map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_file() || kind.is_fifo() || kind.is_socket())
}
