//! The ring in shared memory, the segments on disk, and their readers.
