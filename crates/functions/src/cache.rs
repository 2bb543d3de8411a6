//! Compiled code on disk: found by what it was made of and by, believed only under our own key.

mod tidy;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wasmtime::Engine;

use crate::code::Code;
use crate::load::hex;

/// Part of every file's name, to be changed with the meaning of its content.
const FORM: &[u8] = concat!("lockgate functions 2 ", env!("CARGO_PKG_VERSION")).as_bytes();

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 32;

/// How much later a use must be to be noted.
const USE_NOTED_AFTER: Duration = Duration::from_secs(3600);

/// Where compiled code is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePlace {
    /// A folder of its own; made, and closed to others, on first use.
    pub folder: PathBuf,
    /// The key that proves the code to be the gateway's own, in another folder; made on first use.
    pub key_file: PathBuf,
}

pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
    /// What the engine is, as far as its code depends on it.
    engine: [u8; 32],
}

impl Cache {
    /// Makes folder and key where they are missing.
    pub(crate) fn open(place: &CachePlace, engine: &Engine) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&place.folder)?;
        fs::set_permissions(&place.folder, fs::Permissions::from_mode(0o700))?;
        let key = key(&place.key_file)?;
        tidy::remove_left_over(&place.folder);
        let mut hasher = Sha256Hasher(Sha256::new_with_prefix(FORM));
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder: place.folder.clone(), key, engine: hasher.0.finalize().into() })
    }

    /// Code of the component of that hash. What is there and is not ours is removed.
    pub(crate) fn get(&self, component_hash: &str) -> Option<Code> {
        match self.read(component_hash) {
            Ok(Some(code)) => {
                note_use(&self.path(component_hash));
                return Some(code);
            }
            Ok(None) => self.discard(component_hash, "it is not signed by this gateway"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.discard(component_hash, &error.to_string()),
        }
        None
    }

    /// Keeps code. A cache that cannot be written is slow, not broken, so that is only said in the log.
    pub(crate) fn put(&self, component_hash: &str, code: &Code) {
        let path = self.path(component_hash);
        let written = self.write(&path, component_hash, code.as_bytes());
        if let Err(error) = written.and_then(|()| tidy::make_room(&self.folder, &path)) {
            let path = path.display();
            tracing::warn!(target: "function", %path, "compiled code cannot be kept: {error}");
        }
    }

    fn path(&self, component_hash: &str) -> PathBuf {
        let name = Sha256::new().chain_update(self.engine).chain_update(component_hash).finalize();
        self.folder.join(hex(&name))
    }

    fn signature(&self, component_hash: &str) -> Hmac<Sha256> {
        let key = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        key.chain_update(self.engine).chain_update(component_hash)
    }

    /// Reads code; `None`: it is not our own.
    fn read(&self, component_hash: &str) -> io::Result<Option<Code>> {
        let mut file = File::open(self.path(component_hash))?;
        let mut code = Vec::with_capacity(usize::try_from(file.metadata()?.len()).unwrap_or_default());
        let mut tag = Vec::with_capacity(TAG_BYTES);
        (&mut file).take(TAG_BYTES as u64).read_to_end(&mut tag)?;
        file.read_to_end(&mut code)?;
        let signature = self.signature(component_hash).chain_update(&code);
        Ok(signature.verify_slice(&tag).ok().and_then(|()| Code::from_bytes(code)))
    }

    fn write(&self, path: &Path, component_hash: &str, code: &[u8]) -> io::Result<()> {
        let temporary = path.with_extension(std::process::id().to_string());
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&self.signature(component_hash).chain_update(code).finalize().into_bytes())?;
        file.write_all(code)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    }

    /// Removes code that is of no use, and says so.
    pub(crate) fn discard(&self, component_hash: &str, why: &str) {
        let path = self.path(component_hash);
        let shown = path.display();
        tracing::warn!(target: "function", path = %shown, "compiled code is thrown away and made anew: {why}");
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(target: "function", path = %shown, "it cannot be removed: {error}");
        }
    }
}

/// Notes a use by the file's time, now and then.
fn note_use(path: &Path) {
    let noted = || -> io::Result<()> {
        let now = SystemTime::now();
        let file = File::options().append(true).open(path)?;
        let is_old = now.duration_since(file.metadata()?.modified()?).is_ok_and(|age| age > USE_NOTED_AFTER);
        if is_old { file.set_modified(now) } else { Ok(()) }
    };
    if let Err(error) = noted() {
        tracing::debug!(target: "function", "the use of compiled code cannot be noted: {error}");
    }
}

/// Reads the key, or makes it: it appears whole, whoever else starts now.
fn key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    if !path.exists() {
        make_key(path)?;
    }
    let mut file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        let what =
            format!("others may read the key {}; remove it and its folder of compiled code", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    let mut key = [0; KEY_BYTES];
    file.read_exact(&mut key)?;
    Ok(key)
}

fn make_key(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key)?;
    let temporary = path.with_extension(std::process::id().to_string());
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&key)?;
    file.sync_all()?;
    let made = match fs::hard_link(&temporary, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    };
    fs::remove_file(&temporary)?;
    made
}

/// A hasher with all the bits.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        u64::from_le_bytes(std::array::from_fn(|at| digest[at]))
    }
}
