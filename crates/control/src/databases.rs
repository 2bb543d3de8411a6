//! Which database the records of this node's journal belong to: ids of users and keys mean somebody in the database they come from, and
//! somebody else in another one.
//!
//! The file `databases` in the data directory has a line for each database that the node came to: the start (as the file `boot` counts) and
//! the microsecond since 1970-01-01T00:00:00Z from which requests belong to it, and its name. So a database that comes back goes on with
//! what is its own, and lacks nothing but what the journal does not have any more.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use store::DatabaseId;

use crate::limits::DATABASES_KEPT;

const FILE: &str = "databases";

/// The databases of a data directory, by the time they came.
#[derive(Clone, Debug)]
pub struct Databases {
    data_dir: PathBuf,
    known: Vec<Since>,
}

/// A database, and the first request that may be its own. Within one start that goes by the clock: one that is stepped back behind the time
/// at which another database came leaves requests to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Since {
    boot: u32,
    us: u64,
    database: DatabaseId,
}

impl Databases {
    /// Reads what is known; nothing where there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub fn read(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(FILE);
        let known = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            text => {
                let text = text?;
                text.lines().map(parse).collect::<Option<_>>().ok_or_else(|| damaged(&path))?
            }
        };
        Ok(Self { data_dir: data_dir.into(), known })
    }

    /// Whether the last one known is another one.
    #[must_use]
    pub fn is_other(&self, database: DatabaseId) -> bool {
        self.known.last().is_some_and(|last| last.database != database)
    }

    /// Notes, safe from a crash of the machine, that requests belong to this database: all there ever were if it is the first one, those of
    /// start `boot` from `now_us` on if there was another one before.
    ///
    /// # Errors
    /// When the file cannot be written; it is as it was then.
    pub fn note(&mut self, database: DatabaseId, boot: u32, now_us: u64) -> io::Result<()> {
        let Some(last) = self.known.last().copied() else {
            return self.write(vec![Since { boot: 0, us: 0, database }]);
        };
        if last.database == database {
            return Ok(());
        }
        let mut known = self.known.clone();
        // A count of starts that was lost begins anew.
        known.retain(|since| (since.boot, since.us) < (boot, now_us));
        known.push(Since { boot, us: now_us, database });
        known.drain(..known.len().saturating_sub(DATABASES_KEPT));
        self.write(known)?;
        tracing::warn!(
            %database,
            before = %last.database,
            "this is not the database that usage was counted in before: what the journal holds from before now is not counted in it; \
             to count what the other one lacks, start with that one again while the journal has it (`data.keep`)"
        );
        Ok(())
    }

    /// Whether a request belongs to a database, by the start it was recorded in and when it began.
    pub(crate) fn gives(&self, database: DatabaseId, boot: u32, began_us: u64) -> bool {
        let until = self.known.partition_point(|since| (since.boot, since.us) <= (boot, began_us));
        let owner = until.checked_sub(1).and_then(|last| self.known.get(last));
        owner.is_some_and(|since| since.database == database)
    }

    fn write(&mut self, known: Vec<Since>) -> io::Result<()> {
        let lines = known.iter().map(|since| format!("{} {} {}\n", since.boot, since.us, since.database));
        let draft = self.data_dir.join("databases.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(lines.collect::<String>().as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, self.data_dir.join(FILE))?;
        File::open(&self.data_dir)?.sync_all()?;
        self.known = known;
        Ok(())
    }
}

fn parse(line: &str) -> Option<Since> {
    let mut words = line.split(' ');
    let (boot, us, name) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?);
    let is_whole = words.next().is_none() && name.len() == 32;
    let database = DatabaseId(u128::from_str_radix(name, 16).ok()?);
    is_whole.then_some(Since { boot, us, database })
}

fn damaged(path: &Path) -> io::Error {
    let path = path.display();
    io::Error::other(format!(
        "`{path}` should hold a start, a time and a database's name in each line; without the file, all the journal holds is taken for this database's"
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const A: DatabaseId = DatabaseId(0xa);
    const B: DatabaseId = DatabaseId(u128::MAX);

    fn read(dir: &Path) -> Databases {
        Databases::read(dir).unwrap()
    }

    #[track_caller]
    fn check(dir: &Path, boot: u32, began_us: u64, owner: Option<DatabaseId>) {
        let databases = read(dir);
        let owners: Vec<_> = [A, B].into_iter().filter(|id| databases.gives(*id, boot, began_us)).collect();
        assert_eq!(owners, Vec::from_iter(owner));
    }

    #[test]
    fn the_first_database_has_everything() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!read(dir.path()).is_other(A));
        read(dir.path()).note(A, 7, 1000).unwrap();
        check(dir.path(), 0, 0, Some(A));
        check(dir.path(), u32::MAX, u64::MAX, Some(A));
        assert_eq!((read(dir.path()).is_other(A), read(dir.path()).is_other(B)), (false, true));
        let rights = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(rights & 0o777, 0o600);
    }

    #[test]
    fn each_database_has_what_began_while_it_was_there() {
        let dir = tempfile::tempdir().unwrap();
        for (database, boot, now_us) in [(A, 1, 10), (A, 2, 20), (B, 4, 40), (B, 5, 1), (A, 5, 50), (B, 6, 6)]
        {
            read(dir.path()).note(database, boot, now_us).unwrap();
        }
        for (boot, began_us, owner) in [
            (1, 99, A),
            (3, 99, A),
            (4, 39, A),
            (4, 40, B),
            (5, 0, B),
            (5, 49, B),
            (5, 50, A),
            (6, 5, A),
            (6, 6, B),
        ] {
            check(dir.path(), boot, began_us, Some(owner));
        }
    }

    #[test]
    fn what_is_too_long_ago_to_be_known_is_nobody_s() {
        let dir = tempfile::tempdir().unwrap();
        for boot in 1..=2 * DATABASES_KEPT as u32 {
            read(dir.path()).note([A, B][boot as usize % 2], boot, 0).unwrap();
        }
        assert_eq!(read(dir.path()).known.len(), DATABASES_KEPT);
        check(dir.path(), 1, 0, None);
        check(dir.path(), 2 * DATABASES_KEPT as u32, 0, Some(A));
    }

    #[test]
    fn a_lost_count_of_starts_takes_nothing_from_the_database_in_use() {
        let dir = tempfile::tempdir().unwrap();
        for (database, boot) in [(A, 8), (B, 9), (A, 2)] {
            read(dir.path()).note(database, boot, 5).unwrap();
        }
        check(dir.path(), 2, 6, Some(A));
        check(dir.path(), 3, 0, Some(A));
    }

    #[test]
    fn a_damaged_file_is_no_guess() {
        let dir = tempfile::tempdir().unwrap();
        read(dir.path()).note(A, 1, 1).unwrap();
        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        for damaged in [&text[1..], &text[..text.len() - 2], "0 0", "\n", "0 0 g\n"] {
            fs::write(dir.path().join(FILE), damaged).unwrap();
            let error = Databases::read(dir.path()).unwrap_err().to_string();
            assert!(error.contains("databases` should hold"), "{error}");
        }
    }
}
