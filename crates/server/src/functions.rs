//! The functions of a configuration: loaded before it is put in force, and again when their files change.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use config::{Config, Target};
use control::{FunctionInfo, FunctionLimits};
use functions::{CachePlace, CompilerProgram, FAILURE_REASONS, Runtime, RuntimeOptions, Settings};
use proxy::LoadedFunction;

use crate::error::{FunctionError, FunctionErrors};
use crate::running::Unloadable;
use config::Stamp;

/// What loads functions.
pub(crate) struct FunctionLoader {
    options: RuntimeOptions,
    /// Made for the first function: a gateway without any does not pay for it.
    runtime: OnceLock<Arc<Runtime>>,
}

/// A function in force, and the file it came from.
#[derive(Clone, Debug)]
pub(crate) struct InForce {
    path: PathBuf,
    stamp: Option<Stamp>,
    loaded_at: SystemTime,
    pub(crate) function: LoadedFunction,
}

impl InForce {
    /// The component's file.
    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// The file as it was when it was read.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// What the admin side shows of it, as the function at this place of the configuration.
    pub(crate) fn info(&self, config: &Config, at: usize) -> FunctionInfo {
        let named = |is_there: &dyn Fn(&config::Route) -> bool| {
            config.routes.iter().filter(|route| is_there(route)).map(|route| route.name.clone()).collect()
        };
        let settings = self.function.settings();
        let counts = self.function.counts();
        let failures = FAILURE_REASONS.into_iter().zip(counts.failures);
        FunctionInfo {
            name: settings.name.to_string(),
            component: self.path.display().to_string(),
            hash: self.function.component_hash().to_owned(),
            interface: self.function.world().to_owned(),
            loaded_at: self.loaded_at,
            routes: named(&|route| matches!(route.target, Target::Function(function) if function == at)),
            before: named(&|route| route.before.contains(&at)),
            outbound: settings.outbound.clone(),
            limits: limits(settings, config.functions.get(at).map_or(0, |function| function.request_bytes)),
            calls: counts.calls,
            failures: failures.filter(|(_, count)| *count > 0).collect(),
            running: counts.running,
            waiting: counts.waiting,
            cpu: Duration::from_nanos(counts.cpu_ns),
            memory_bytes_max: counts.memory_bytes_max,
        }
    }
}

fn limits(settings: &Settings, request_body_bytes: u64) -> FunctionLimits {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    FunctionLimits {
        memory_bytes: settings.memory_bytes,
        time_ms: ms(settings.time),
        cpu_ms: ms(settings.cpu),
        instances: settings.instances as u64,
        queue: settings.queue as u64,
        queue_time_ms: ms(settings.queue_time),
        request_body_bytes,
        response_body_bytes: settings.response_bytes,
        calls: settings.calls,
        log_bytes: settings.log_bytes,
        reuse: settings.reuse,
    }
}

impl FunctionLoader {
    pub(crate) fn new(config: &Config, compiler: Option<PathBuf>) -> Self {
        let dir = &config.data.dir;
        let cache = CachePlace { folder: dir.join("functions"), key_file: dir.join("functions.key") };
        let options = RuntimeOptions {
            instances: config.function_settings.instances,
            cache: Some(cache),
            compiler: compiler.map(|program| CompilerProgram {
                program,
                arguments: ["functions", "compile"].map(Into::into).to_vec(),
            }),
        };
        Self { options, runtime: OnceLock::new() }
    }

    /// Loads the functions of a configuration, in its order; those that are in force in the same form are kept. Takes half a minute
    /// for a component that holds a JavaScript engine and has not been compiled yet.
    ///
    /// # Errors
    /// All functions that cannot be loaded and are not to stay as they were.
    pub(crate) fn load(
        &self,
        config: &Config,
        present: &[InForce],
        unloadable: Unloadable,
    ) -> Result<Vec<InForce>, FunctionErrors> {
        let mut loaded = Vec::with_capacity(config.functions.len());
        let mut errors = Vec::new();
        for function in &config.functions {
            // Before it is read, so that a change meanwhile is noticed.
            let stamp = Stamp::of(&function.component);
            let settings = settings(function);
            let is_asked_for =
                |known: &&InForce| known.path == function.component && *known.function.settings() == settings;
            let known = present.iter().find(is_asked_for);
            if let Some(known) = known.filter(|known| stamp.is_some() && known.stamp == stamp) {
                loaded.push(known.clone());
                continue;
            }
            let may_stay = known.filter(|_| unloadable == Unloadable::StaysAsItWas);
            match self.runtime().and_then(|runtime| {
                runtime.load(&function.component, settings).map_err(|error| FunctionError::Component {
                    name: function.name.clone(),
                    path: function.component.clone(),
                    source: Box::new(error),
                })
            }) {
                Ok(made) => {
                    tracing::info!(
                        function = function.name,
                        component = made.component_hash(),
                        "function loaded"
                    );
                    let (path, loaded_at) = (function.component.clone(), SystemTime::now());
                    loaded.push(InForce { path, stamp, loaded_at, function: made });
                }
                Err(error) => match may_stay {
                    Some(known) => {
                        tracing::error!("{error}; the component before stays in force");
                        loaded.push(known.clone());
                    }
                    None => errors.push(error),
                },
            }
        }
        if errors.is_empty() { Ok(loaded) } else { Err(FunctionErrors(errors)) }
    }

    fn runtime(&self) -> Result<&Arc<Runtime>, FunctionError> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let made = Runtime::new(&self.options).map_err(|error| FunctionError::Runtime(Box::new(error)))?;
        Ok(self.runtime.get_or_init(|| made))
    }
}

/// The functions as the data plane takes them.
pub(crate) fn loaded(functions: &[InForce]) -> Vec<LoadedFunction> {
    functions.iter().map(|in_force| in_force.function.clone()).collect()
}

fn settings(function: &config::Function) -> Settings {
    let secrets = function.secrets.iter().map(|(name, secret)| (name.clone(), secret.expose().to_owned()));
    Settings {
        name: function.name.as_str().into(),
        memory_bytes: function.memory_bytes,
        time: function.time,
        cpu: function.cpu,
        instances: function.instances,
        queue: function.queue,
        queue_time: function.queue_time,
        response_bytes: function.response_bytes,
        calls: function.calls,
        log_bytes: function.log_bytes,
        reuse: function.reuse,
        values: function.values.iter().cloned().chain(secrets).collect(),
        outbound: function.outbound.iter().map(|to| to.origin.clone()).collect(),
    }
}
