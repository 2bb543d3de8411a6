//! Everything about a configuration that can fail, done before anything changes: addresses are bound, routes compiled.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use config::Config;
use proxy::{Listener, Snapshot};

use crate::error::{BindError, BindErrors};
use crate::functions::{InForce, loaded};
use crate::sockets::{self, Bound};

/// A listener in force.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    /// The address the configuration gives, by which a reload finds it again.
    pub(crate) configured: SocketAddr,
    pub(crate) listener: Arc<Listener>,
}

/// A configuration ready to be put in force.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) config: Config,
    pub(crate) snapshot: Arc<Snapshot>,
    /// In the order of the configuration.
    pub(crate) functions: Vec<InForce>,
    /// One for each listener of the configuration, in its order.
    pub(crate) places: Vec<Place>,
}

/// What becomes of a listener.
#[derive(Debug)]
pub(crate) enum Place {
    /// It is in force already; its settings may change.
    Kept(Open),
    /// It is new, with the sockets made for it, one per worker.
    New(Open, Bound),
}

/// What is in force while another configuration is prepared.
#[derive(Debug, Default)]
pub(crate) struct Present<'a> {
    pub(crate) snapshot: Option<&'a Snapshot>,
    pub(crate) open: &'a [Open],
    /// Ports this process has listened on: another socket there is its own, even one that is just being closed.
    pub(crate) own_ports: BTreeSet<u16>,
}

impl Prepared {
    /// Prepares a configuration. What it shares with the present one is kept.
    ///
    /// # Errors
    /// All addresses that cannot be listened on.
    pub(crate) fn new(
        config: Config,
        functions: Vec<InForce>,
        present: &Present<'_>,
        workers: usize,
    ) -> Result<Self, BindErrors> {
        let places = places(&config, present, workers)?;
        let snapshot = Snapshot::compile(&config, &loaded(&functions), present.snapshot);
        Ok(Self { config, snapshot, functions, places })
    }
}

fn places(config: &Config, present: &Present<'_>, workers: usize) -> Result<Vec<Place>, BindErrors> {
    let kept = keep(config, present.open);
    let mut errors = Vec::new();
    // All are looked at before one is bound, so that `0.0.0.0:80` and `[::]:80` do not find each other.
    let looks: Vec<_> = config
        .listeners
        .iter()
        .zip(&kept)
        .map(|(listener, kept)| match kept {
            None if stranger_possible(listener.address, present) => sockets::probe(listener.address),
            _ => Ok(()),
        })
        .collect();
    let mut places = Vec::with_capacity(kept.len());
    for ((listener, kept), look) in config.listeners.iter().zip(kept).zip(looks) {
        match kept {
            Some(open) => places.push(Place::Kept(open)),
            None => match look.and_then(|()| sockets::bind(listener.address, workers)) {
                Ok(bound) => places.push(Place::New(open(listener, &bound), bound)),
                Err(source) => {
                    errors.push(BindError { address: listener.address, purpose: "traffic", source });
                }
            },
        }
    }
    if errors.is_empty() { Ok(places) } else { Err(BindErrors(errors)) }
}

fn stranger_possible(address: SocketAddr, present: &Present<'_>) -> bool {
    address.port() != 0 && !present.own_ports.contains(&address.port())
}

fn open(listener: &config::Listener, bound: &Bound) -> Open {
    Open { configured: listener.address, listener: Listener::new(listener, bound.address) }
}

/// For each configured listener the one in force on its address. Several may ask for any free port: they are told apart by order.
fn keep(config: &Config, open: &[Open]) -> Vec<Option<Open>> {
    let mut left = open.to_vec();
    let mut take = |address: SocketAddr| {
        let at = left.iter().position(|open| open.configured == address)?;
        Some(left.remove(at))
    };
    config.listeners.iter().map(|listener| take(listener.address)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn config(addresses: &[String]) -> Config {
        let listeners: String =
            addresses.iter().map(|address| format!("[[listener]]\naddress = \"{address}\"\n")).collect();
        let text = format!("{listeners}[[route]]\npath = \"/*\"\nrespond = {{ body = \"ok\" }}\n");
        config::load_text("test", "".as_ref(), &text, &config::ProcessEnvironment).unwrap().config
    }

    fn open_of(prepared: &Prepared) -> Vec<Open> {
        let open = |place: &Place| match place {
            Place::Kept(open) | Place::New(open, _) => open.clone(),
        };
        prepared.places.iter().map(open).collect()
    }

    #[test]
    fn every_taken_address_is_named_at_once() {
        let taken = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()];
        let addresses: Vec<_> = taken.iter().map(|socket| socket.local_addr().unwrap().to_string()).collect();
        let wanted = [addresses[0].clone(), "127.0.0.1:0".into(), addresses[1].clone()];
        let errors = Prepared::new(config(&wanted), Vec::new(), &Present::default(), 2).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.address.to_string()).collect::<Vec<_>>(), addresses);
    }

    #[test]
    fn a_listener_on_any_port_is_kept_and_not_bound_again() {
        let any = || "127.0.0.1:0".to_owned();
        let first = Prepared::new(config(&[any(), any()]), Vec::new(), &Present::default(), 1).unwrap();
        let open = open_of(&first);
        let present = Present { open: &open, ..Present::default() };
        let second = Prepared::new(config(&[any(), any(), any()]), Vec::new(), &present, 1).unwrap();
        let kept = |place: &Place| matches!(place, Place::Kept(_));
        assert_eq!(second.places.iter().map(kept).collect::<Vec<_>>(), [true, true, false]);
        assert!(
            open.iter().zip(open_of(&second)).all(|(a, b)| Arc::ptr_eq(&a.listener, &b.listener)),
            "{second:?}"
        );
    }

    #[test]
    fn both_families_may_have_the_same_port() {
        let free = testkit::FreeAddress::new();
        let (_, port) = free.address().split_once(':').unwrap();
        let both = [format!("0.0.0.0:{port}"), format!("[::]:{port}")];
        if TcpListener::bind("[::1]:0").is_ok() {
            Prepared::new(config(&both), Vec::new(), &Present::default(), 2).unwrap();
        }
    }
}
