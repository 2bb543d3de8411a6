//! What is read: files, folders, patterns, standard input; and what is said where it cannot be.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use lockgate_analytics::input::{Input, InputError, PlacesError, STANDARD_INPUT, Source, expand};

use crate::arguments::Global;
use crate::failure::Failure;
use crate::standard_input;

/// How to say what is read.
const WHERE: &str =
    "name what to read, as in `lockgate process access.log`, or the configuration with `--config FILE`";

/// What is read.
pub(super) struct Inputs {
    pub(super) inputs: Vec<Input<'static>>,
    /// Bytes of all of them on the disk, if they are known.
    pub(super) bytes: Option<u64>,
}

impl Inputs {
    /// Finds what places mean; without any, what is piped in, else the journal of the configuration.
    pub(super) fn find(places: &[PathBuf], global: &Global) -> Result<Self, Failure> {
        let places = match places {
            [] if standard_input::is_piped_in() => vec![STANDARD_INPUT.into()],
            [] => vec![global.data_dir().map_err(|failure| failure.hint(WHERE))?],
            named => named.to_vec(),
        };
        let files = expand(&places).map_err(|error| not_found(&error))?;
        let bytes = files.iter().map(|file| size(file)).sum();
        Ok(Self { inputs: files.into_iter().map(input).collect::<Result<_, _>>()?, bytes })
    }
}

/// Bytes of a file that has a size.
fn size(file: &Path) -> Option<u64> {
    let metadata = fs::metadata(file).ok().filter(|_| file != Path::new(STANDARD_INPUT))?;
    metadata.is_file().then_some(metadata.len())
}

fn input(path: PathBuf) -> Result<Input<'static>, Failure> {
    if path != Path::new(STANDARD_INPUT) {
        return Ok(Input { name: path.display().to_string(), source: Source::File(path) });
    }
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let stdin = stdin.map_err(|error| Failure::new("standard input cannot be read").caused_by(&error))?;
    Ok(Input { name: "standard input".into(), source: Source::Stream(Box::new(File::from(stdin))) })
}

fn not_found(error: &PlacesError) -> Failure {
    let hint = match error {
        PlacesError::Nothing(_) => {
            "name files, folders, a data directory, patterns in quotes as 'logs/*.gz', or - for standard input"
        }
        PlacesError::NothingKnown(_) => "a file that is named itself may be called anything",
        PlacesError::Pattern { .. } => {
            "a name with *, ? or [ in it is a pattern unless a file has that very name"
        }
        PlacesError::Look { .. } => "lockgate reads with the rights of the user who runs it",
    };
    Failure::new("there is nothing to read").caused_by(error).hint(hint)
}

/// Why reading ended before the end.
pub(super) fn unreadable(error: &InputError) -> Failure {
    let (what, hint) = match error {
        InputError::Read { .. } => ("an input cannot be read to its end", None),
        InputError::Unknown { .. } => (
            "an input is of no known format",
            Some("say what it is: `--input-format ndjson`, csv, combined or segment"),
        ),
        InputError::Groups(_) => (
            "the question makes too many groups",
            Some("group by fields with fewer values, or let fewer lines count with `--where`"),
        ),
        InputError::Malformed(_) => {
            ("a line cannot be read", Some("without `--strict`, such lines are counted and passed over"))
        }
        InputError::Interrupted => ("reading was interrupted", None),
    };
    Failure::new(what).caused_by(error).hint(hint)
}
