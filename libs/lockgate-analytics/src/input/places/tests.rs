//! Places mean the files people expect.

use std::string::{String, ToString};

use super::*;

/// A folder with empty files of these names.
fn folder_of(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

/// Expands places within the folder, and says the files as they are called there; or what is wrong.
fn expanded(folder: &Path, places: &[&str]) -> Result<Vec<String>, String> {
    let places: Vec<_> =
        places.iter().map(|place| if *place == "-" { place.into() } else { folder.join(place) }).collect();
    let files = expand(&places).map_err(|error| error.to_string())?;
    let name = |file: &PathBuf| file.strip_prefix(folder).unwrap_or(file).to_str().unwrap().to_owned();
    Ok(files.iter().map(name).collect())
}

#[track_caller]
fn check(names: &[&str], places: &[&str], expected: &[&str]) {
    let folder = folder_of(names);
    assert_eq!(expanded(folder.path(), places).unwrap(), expected, "{places:?}");
}

#[track_caller]
fn check_wrong(names: &[&str], place: &str, expected: &str) {
    let folder = folder_of(names);
    let said = expanded(folder.path(), &[place]).unwrap_err();
    assert!(said.contains(expected) && said.contains(place), "{place}: {said}");
}

#[test]
fn a_file_is_itself_whatever_it_is_called() {
    check(&["notes.txt", "a.log"], &["notes.txt", "a.log"], &["notes.txt", "a.log"]);
    check(&["a[1].log", "a1.log"], &["a[1].log"], &["a[1].log"]);
    check(&["a.log"], &["-", "a.log", "-"], &["-", "a.log"]);
}

#[test]
fn a_folder_is_the_files_in_it_that_can_be_read() {
    let names = [
        "b.csv",
        "a.log",
        "a.log.1.gz",
        "sub/c.ndjson.zst",
        "sub/deep/d.segment",
        "notes.txt",
        "README",
        "sub/x.gz",
    ];
    check(&names, &[""], &["a.log", "a.log.1.gz", "b.csv", "sub/c.ndjson.zst", "sub/deep/d.segment"]);
    check(&names, &["sub"], &["sub/c.ndjson.zst", "sub/deep/d.segment"]);
}

#[test]
fn a_data_directory_is_its_segments() {
    let names = [
        "data/journal/2.segment",
        "data/journal/1.segment",
        "data/journal/1-1.ring",
        "data/node",
        "data/old.log",
    ];
    check(&names, &["data"], &["data/journal/1.segment", "data/journal/2.segment"]);
    check(&names, &[""], &["data/journal/1.segment", "data/journal/2.segment"]);
    check(&["log/journal/machine/x.journal", "log/a.log"], &["log"], &["log/a.log"]);
}

#[test]
fn patterns_match_files_in_order() {
    let names = ["b.log", "a.log", "c.txt", "x/a.log", "x/y/a.log"];
    check(&names, &["*.log"], &["a.log", "b.log"]);
    check(&names, &["[ac].*"], &["a.log", "c.txt"]);
    check(&names, &["?.txt"], &["c.txt"]);
    check(&names, &["**/a.log"], &["a.log", "x/a.log", "x/y/a.log"]);
    check(&names, &["x*"], &["x/a.log", "x/y/a.log"]);
}

#[test]
fn a_file_that_two_places_mean_is_there_once() {
    check(&["a.log", "b.log"], &["b.log", "*.log"], &["b.log", "a.log"]);
}

#[test]
fn a_file_of_two_spellings_is_there_once() {
    check(&["a.log", "sub/b.log"], &["./a.log", "a.log", "sub/../a.log"], &["a.log"]);
    check(&["a.log", "sub/b.log"], &["sub/../a.log", ".", "a.log"], &["sub/../a.log", "sub/b.log"]);
}

#[cfg(unix)]
#[test]
fn a_file_and_what_links_to_it_are_there_once() {
    let folder = folder_of(&["a.log", "b.log"]);
    let within = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink("a.log", within("current.log")).unwrap();
    fs::hard_link(within("b.log"), within("c.log")).unwrap();
    assert_eq!(expanded(folder.path(), &["current.log", ""]).unwrap(), ["current.log", "b.log"]);
    assert_eq!(expanded(folder.path(), &["*.log", "c.log"]).unwrap(), ["a.log", "b.log"]);
}

#[test]
fn a_place_that_means_nothing_is_named() {
    check_wrong(&["a.log"], "b.log", "nothing is found");
    check_wrong(&["a.log"], "*.csv", "nothing is found");
    check_wrong(&["sub/notes.txt"], "sub", "holds no file");
    check_wrong(&["sub/notes.txt"], "s*", "nothing is found");
    check_wrong(&["a.log"], "a[.log", "no pattern");
    check_wrong(&["a.log"], &["a*"; 200].concat(), "nothing is found");
    check_wrong(&["a.log"], "a.log/b", "looking at");
}

#[cfg(unix)]
#[test]
fn links_to_files_are_read_and_loops_end() {
    let folder = folder_of(&["real/a.txt"]);
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(folder.path().join(to), folder.path().join(name)).unwrap()
    };
    link("real/a.txt", "real/a.log");
    link("real", "real/again");
    link("nowhere", "real/broken.log");
    assert_eq!(expanded(folder.path(), &["real"]).unwrap(), ["real/a.log"]);
}
