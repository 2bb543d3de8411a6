//! Moment 4: which user is asking.
//!
//! On a route that asks for a key, the key stands in `Authorization: Bearer` or in `X-API-Key`. What begins like a key of ours is one;
//! when only one of the two fields does, the other is the upstream's business and is left alone. The field that held the key is taken
//! out of the request. A key that is in no table is unknown, whether it was revoked or has never been one.

mod presented;
mod watch;

use std::sync::Arc;

use config::Access;
use message::{Fields, Request};
use policy::{KeyHash, KeyRefusal};

use crate::exchange::Exchange;
use crate::hooks::ProxyHttp;
use crate::keys::KeyTable;
use crate::refusal::Refusal;
use crate::route::{Route, is_own_preflight};
use presented::{Places, presented};
pub(crate) use watch::{Watch, Watched};

/// A user who asks, by one of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    user_id: u64,
    key_id: u64,
}

impl Identity {
    /// The user.
    #[must_use]
    pub fn user_id(&self) -> u64 {
        self.user_id
    }

    /// The key.
    #[must_use]
    pub fn key_id(&self) -> u64 {
        self.key_id
    }
}

/// A request and whoever asks it.
#[derive(Debug)]
pub(crate) struct Identified {
    route: Arc<Route>,
    caller: Caller,
}

#[derive(Debug)]
enum Caller {
    /// The route asks nobody.
    Anybody,
    User(Identity, KeyHash),
    /// A preflight, which carries no key and is answered by the gateway.
    Preflight,
}

/// A request that may be forwarded: it carries who asks, where its route wants to know. Nothing else makes one but the moment that
/// identifies, and nothing is forwarded without one.
#[derive(Debug)]
pub struct Admitted {
    route: Arc<Route>,
    caller: Option<(Identity, KeyHash)>,
}

impl Admitted {
    pub(crate) fn route(&self) -> &Arc<Route> {
        &self.route
    }

    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.caller.as_ref().map(|(identity, _)| identity)
    }

    /// The same for a request that a function makes while it serves this one.
    #[cfg(feature = "functions")]
    pub(crate) fn on_behalf(&self) -> Self {
        Self { route: self.route.clone(), caller: self.caller }
    }

    /// What stands for the key in the table.
    pub(crate) fn key(&self) -> Option<&KeyHash> {
        self.caller.as_ref().map(|(_, key)| key)
    }
}

impl Identified {
    pub(crate) fn route(&self) -> &Arc<Route> {
        &self.route
    }

    pub(crate) fn identity(&self) -> Option<&Identity> {
        match &self.caller {
            Caller::User(identity, _) => Some(identity),
            Caller::Anybody | Caller::Preflight => None,
        }
    }

    /// Says that the request may be forwarded. A preflight may be when it needs nobody to be known; a hook can have made another
    /// request of one, and that is not answered for it.
    pub(crate) fn admitted(self) -> Result<Admitted, Refusal> {
        match self.caller {
            Caller::Anybody => Ok(Admitted { route: self.route, caller: None }),
            Caller::User(identity, key) => Ok(Admitted { route: self.route, caller: Some((identity, key)) }),
            Caller::Preflight => Err(Refusal::KEY_MISSING),
        }
    }
}

/// Finds out who asks, as far as the route wants to know.
pub(crate) fn identify<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    route: Arc<Route>,
    request: &mut Request,
) -> Result<Identified, Refusal> {
    let caller = match route.config.access {
        Access::Open => Caller::Anybody,
        Access::Key if is_own_preflight(&route, request) => Caller::Preflight,
        Access::Key => by_key(exchange, &route, request)?,
    };
    Ok(Identified { route, caller })
}

fn by_key<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    route: &Route,
    request: &mut Request,
) -> Result<Caller, Refusal> {
    let found =
        FoundKey::of(&request.fields, exchange.worker.plane.keys(), route.name(), exchange.asked_us())?;
    // Whoever holds a key that does not do is in the record, too.
    exchange.identified(&found.identity);
    let identity = found.accept(&mut request.fields)?;
    exchange.worker.hooks.identified(&identity, exchange.context.get_mut());
    Ok(Caller::User(identity, found.key))
}

/// The key that a request comes with, found in the table.
#[derive(Clone, Copy, Debug)]
pub struct FoundKey {
    identity: Identity,
    key: KeyHash,
    places: Places,
    checked: Result<(), KeyRefusal>,
}

impl FoundKey {
    /// Finds the key of a request for a route, at a time in microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// When there is no key, none that is known, or more than one.
    pub fn of(fields: &Fields, keys: &KeyTable, route: &str, now_us: u64) -> Result<Self, Refusal> {
        let presented = presented(fields)?;
        let key = KeyHash::of_presented(presented.text).ok_or(Refusal::KEY_UNKNOWN)?;
        let found = keys.find(&key, |facts| Self {
            identity: Identity { user_id: facts.user_id, key_id: facts.key_id },
            key,
            places: presented.places,
            checked: facts.check(route, now_us),
        });
        found.ok_or_else(|| if keys.is_loaded() { Refusal::KEY_UNKNOWN } else { Refusal::KEYS_UNAVAILABLE })
    }

    /// Takes the key out of the request and says whose it is.
    ///
    /// # Errors
    /// When the key has expired or is not for the route.
    pub fn accept(&self, fields: &mut Fields) -> Result<Identity, Refusal> {
        self.checked?;
        self.places.strip(fields);
        Ok(self.identity)
    }
}

impl From<KeyRefusal> for Refusal {
    fn from(refusal: KeyRefusal) -> Self {
        match refusal {
            KeyRefusal::Expired => Self::KEY_EXPIRED,
            KeyRefusal::Scope => Self::KEY_SCOPE,
        }
    }
}
