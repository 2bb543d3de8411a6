//! What stands for the loader of functions in a build without them.

use std::convert::Infallible;
use std::path::PathBuf;

use config::Config;
use control::FunctionInfo;
use proxy::LoadedFunction;

use crate::error::{FunctionError, FunctionErrors};
use crate::running::Unloadable;
use config::Stamp;

/// What says that there are no functions.
pub(crate) struct FunctionLoader;

/// There is none.
#[derive(Clone, Debug)]
pub(crate) struct InForce {
    pub(crate) function: Infallible,
}

impl InForce {
    pub(crate) fn path(&self) -> &PathBuf {
        match self.function {}
    }

    pub(crate) fn stamp(&self) -> Option<Stamp> {
        match self.function {}
    }

    pub(crate) fn info(&self, _config: &Config, _at: usize) -> FunctionInfo {
        match self.function {}
    }
}

impl FunctionLoader {
    pub(crate) fn new(_config: &Config, _compiler: Option<PathBuf>) -> Self {
        Self
    }

    /// Refuses every function.
    ///
    /// # Errors
    /// When there is one.
    pub(crate) fn load(
        &self,
        config: &Config,
        _present: &[InForce],
        _unloadable: Unloadable,
    ) -> Result<Vec<InForce>, FunctionErrors> {
        let refused = |function: &config::Function| FunctionError::NotBuilt { name: function.name.clone() };
        let errors: Vec<_> = config.functions.iter().map(refused).collect();
        if errors.is_empty() { Ok(Vec::new()) } else { Err(FunctionErrors(errors)) }
    }
}

/// The functions as the data plane takes them.
pub(crate) fn loaded(_functions: &[InForce]) -> Vec<LoadedFunction> {
    Vec::new()
}
