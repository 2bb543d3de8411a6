//! What a tool was installed by, kept beside it: it is installed again when its pins change.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Installs a tool by `how`, unless it `is_there` and the copy in `kept` says that the same pins were installed.
pub(super) fn install(
    pins: &[u8],
    kept: &Path,
    is_there: bool,
    how: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if is_there && fs::read(kept).is_ok_and(|kept| kept == pins) {
        return Ok(());
    }
    let why = || format!("keeping what was installed in {}", kept.display());
    // What is installed half is neither the old nor the new.
    if kept.exists() {
        fs::remove_file(kept).with_context(why)?;
    }
    how()?;
    if let Some(folder) = kept.parent() {
        fs::create_dir_all(folder).with_context(why)?;
    }
    fs::write(kept, pins).with_context(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_installed_again_when_it_is_gone_or_its_pins_have_changed() {
        let directory = tempfile::tempdir().unwrap();
        let kept = directory.path().join("tool/pins");
        let installs = |pins: &[u8], is_there| {
            let mut installed = false;
            install(pins, &kept, is_there, || {
                installed = true;
                Ok(())
            })
            .unwrap();
            installed
        };
        assert!(installs(b"tool 1", true), "nobody knows which is there");
        assert!(!installs(b"tool 1", true));
        assert!(installs(b"tool 2", true));
        assert!(!installs(b"tool 2", true));
        assert!(installs(b"tool 2", false));
    }

    #[test]
    fn what_failed_to_be_installed_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let kept = directory.path().join("pins");
        install(b"1", &kept, true, || Ok(())).unwrap();
        assert!(install(b"2", &kept, true, || anyhow::bail!("no network")).is_err());
        assert!(!kept.exists());
    }
}
