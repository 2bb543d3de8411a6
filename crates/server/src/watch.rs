//! Notices that the configuration file, or a file it names, has changed.

use std::path::PathBuf;
use std::sync::Arc;

use config::Stamp;
use tokio::time::{MissedTickBehavior, interval};

use crate::limits::WATCH_EVERY;
use crate::running::{Running, Unloadable};

/// Notices a change of content once the file has come to rest.
#[derive(Debug)]
pub(crate) struct Watcher {
    path: PathBuf,
    stamp: Option<Stamp>,
    content: Option<Vec<u8>>,
    /// The last look found another stamp: writing may still be under way.
    restless: bool,
}

impl Watcher {
    /// Starts from the file as it is now.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { stamp: Stamp::of(&path), content: std::fs::read(&path).ok(), path, restless: false }
    }

    /// Looks; answers whether the content is another one. A file that is away for a moment has not changed.
    fn look(&mut self) -> bool {
        let stamp = Stamp::of(&self.path);
        if stamp != self.stamp {
            self.stamp = stamp;
            self.restless = true;
            return false;
        }
        if !std::mem::take(&mut self.restless) {
            return false;
        }
        match std::fs::read(&self.path) {
            Ok(content) if self.content.as_ref() != Some(&content) => {
                self.content = Some(content);
                true
            }
            _ => false,
        }
    }
}

/// Reloads when the file's content has changed, for ever.
pub(crate) async fn watch(mut watcher: Watcher, running: Arc<Running>) {
    let mut ticks = interval(WATCH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A file on a network disk may take its time.
        let looked = tokio::task::spawn_blocking(move || {
            let changed = watcher.look();
            (watcher, changed)
        });
        let Ok((returned, changed)) = looked.await else { return };
        watcher = returned;
        if changed {
            running.reload_and_tell("the configuration file changed", Unloadable::Refuses).await;
        }
    }
}

/// Reloads when the component of a function in force, or a certificate or key, has changed and come to rest, for ever. A file that is away for a moment has
/// not changed. What was refused is tried again when one of these files changes, comes back, or goes away.
pub(crate) async fn watch_named(running: Arc<Running>) {
    let mut ticks = interval(WATCH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Vec<Differing> = Vec::new();
    let mut tried: Vec<Differing> = Vec::new();
    loop {
        ticks.tick().await;
        let in_force = running.named_files();
        if in_force.is_empty() {
            continue;
        }
        let looked = tokio::task::spawn_blocking(move || {
            let look = |(path, read): (PathBuf, Option<Stamp>)| (Stamp::of(&path), path, read);
            in_force.into_iter().map(look).collect::<Vec<_>>()
        });
        let Ok(looked) = looked.await else { return };
        let differing: Vec<Differing> = looked
            .into_iter()
            .filter(|(now, _, read)| now != read)
            .map(|(now, path, _)| (path, now))
            .collect();
        let at_rest: Vec<_> = differing.iter().filter(|one| before.contains(one)).cloned().collect();
        before = differing;
        if at_rest == tried {
            continue;
        }
        let is_something_there = at_rest.iter().any(|(_, now)| now.is_some());
        tried = at_rest;
        if is_something_there {
            running.reload_and_tell("a component or a certificate changed", Unloadable::StaysAsItWas).await;
        }
    }
}

/// A file that is not as it was when it was read, and how it is now; away, if it has no stamp.
type Differing = (PathBuf, Option<Stamp>);

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn looks(watcher: &mut Watcher) -> [bool; 3] {
        [watcher.look(), watcher.look(), watcher.look()]
    }

    #[test]
    fn a_change_is_noticed_once_and_only_at_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lockgate.toml");
        fs::write(&path, "a").unwrap();
        let mut watcher = Watcher::new(path.clone());
        assert_eq!(looks(&mut watcher), [false; 3]);
        fs::write(&path, "a longer text").unwrap();
        assert_eq!(looks(&mut watcher), [false, true, false]);
        fs::rename(&path, dir.path().join("away")).unwrap();
        assert_eq!(looks(&mut watcher), [false; 3]);
        fs::write(&path, "a longer text").unwrap();
        assert_eq!(looks(&mut watcher), [false; 3], "the same content is no change");
        let replacement = dir.path().join("new");
        fs::write(&replacement, "b longer text").unwrap();
        fs::rename(&replacement, &path).unwrap();
        assert_eq!(looks(&mut watcher), [false, true, false]);
    }
}
