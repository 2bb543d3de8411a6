//! Where is searched: files, folders, journals, standard input.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::failure::Failure;

/// A place that is searched as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Stdin,
    File {
        path: PathBuf,
        /// Whether it was found in a folder, not named.
        is_found: bool,
    },
    /// The data directory whose journal it is.
    Journal(PathBuf),
    /// What is in it are other places.
    Folder(PathBuf),
}

impl Place {
    /// A place as the command line names it.
    pub(super) fn named(path: &Path) -> Self {
        if path == Path::new("-") {
            return Self::Stdin;
        }
        if !path.is_dir() {
            return Self::File { path: path.into(), is_found: false };
        }
        match data_dir_of(path) {
            Some(dir) => Self::Journal(dir),
            None => Self::Folder(path.into()),
        }
    }

    /// The journal of a data directory.
    pub(super) fn journal_of(data_dir: PathBuf) -> Result<Self, Failure> {
        if data_dir.join("journal").is_dir() {
            return Ok(Self::Journal(data_dir));
        }
        Err(Failure::new("there is no journal to search")
            .because(format!("`{}` is not the data directory of a gateway", data_dir.display()))
            .hint("`lockgate serve` makes it at its first start; search something else with `--path PATH`"))
    }
}

/// The data directory that a folder is, or whose `journal` it is.
fn data_dir_of(folder: &Path) -> Option<PathBuf> {
    let is_data_dir = |dir: &Path| dir.join("node").is_file() && dir.join("journal").is_dir();
    if is_data_dir(folder) {
        return Some(folder.into());
    }
    let real = folder.canonicalize().ok().filter(|real| real.ends_with("journal"))?;
    Some(real.parent()?.to_path_buf()).filter(|parent| is_data_dir(parent))
}

/// Puts for each folder what is in it, by name. Links are followed; what is neither file nor folder is passed over.
pub(super) fn expand(places: Vec<Place>) -> impl Iterator<Item = Result<Place, Failure>> + Send {
    places.into_iter().flat_map(|place| -> Box<dyn Iterator<Item = _> + Send> {
        match place {
            Place::Folder(path) => Box::new(in_folder(&path)),
            place => Box::new(std::iter::once(Ok(place))),
        }
    })
}

fn in_folder(folder: &Path) -> impl Iterator<Item = Result<Place, Failure>> + Send + use<> {
    let mut walk = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    std::iter::from_fn(move || {
        loop {
            let entry = match walk.next()? {
                Ok(entry) => entry,
                Err(error) => {
                    return Some(Err(Failure::new("a folder cannot be read in whole").caused_by(&error)));
                }
            };
            if entry.file_type().is_file() {
                return Some(Ok(Place::File { path: entry.into_path(), is_found: true }));
            }
            if entry.file_type().is_dir()
                && let Some(dir) = data_dir_of(entry.path())
            {
                walk.skip_current_dir();
                return Some(Ok(Place::Journal(dir)));
            }
        }
    })
}
