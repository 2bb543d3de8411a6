//! What becomes of idle connections when a host name stands for another address.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;

use super::super::connect::{MakeRoom, Purpose, open};
use super::*;
use crate::timers::{Timer, Timers};

/// An upstream of one host name, and two servers that it stands for in turn.
struct Moving {
    upstream: Arc<Upstream>,
    servers: [TcpListener; 2],
    timer: Timer,
}

impl Moving {
    async fn new(keys: &str) -> Self {
        let text = format!(
            "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.a]\nendpoints = [\"b.internal:1\"]\n{keys}\n[[route]]\nupstream = \"a\"\n"
        );
        let loaded = config::load_text("test", "".as_ref(), &text, &config::ProcessEnvironment);
        let config = loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false))).config;
        let servers = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
        let timer = Timer::of_this_task(Rc::<Timers>::default()).await;
        Self { upstream: Arc::new(Upstream::new(config.upstreams[0].clone(), None)), servers, timer }
    }

    fn goes_to(&self, server: usize) {
        let address: SocketAddr = self.servers[server].local_addr().expect("it listens");
        self.upstream.resolved("b.internal", 1, &[address]);
    }

    async fn lease(&self, pools: &Pools) -> Result<Lease, Unobtainable> {
        let endpoint = pools.choose(&self.upstream, None)?;
        let opened =
            open(&self.upstream, &endpoint, MakeRoom::Anywhere, Purpose::Requests, None, &self.timer).await?;
        Ok(Lease::of(opened, endpoint))
    }

    /// Where a lease leads, by the number of the server.
    fn server_of(&self, lease: &Lease) -> Option<usize> {
        let is_it = |server: &TcpListener| {
            server.local_addr().is_ok_and(|address| address.to_string() == lease.endpoint.text())
        };
        self.servers.iter().position(is_it)
    }
}

#[tokio::test]
async fn connections_to_an_address_that_is_gone_take_no_place_from_others() {
    let moving = Moving::new("connections = 1").await;
    moving.goes_to(0);
    let (one, other) = (Pools::default(), Pools::default());
    let lease = moving.lease(&one).await.expect("the first connection");
    let gone = lease.endpoint.clone();
    assert!(matches!(moving.lease(&other).await, Err(Unobtainable::TooMany)));
    one.give_back(&moving.upstream, lease, 0);
    assert_eq!((gone.shelved(), moving.upstream.open_connections()), (1, 1));
    moving.goes_to(1);
    let lease = moving.lease(&other).await.expect("the idle one is closed for it");
    assert_eq!((moving.server_of(&lease), moving.upstream.open_connections()), (Some(1), 1));
    // Each address is another endpoint when it comes back.
    moving.goes_to(0);
    other.give_back(&moving.upstream, lease, 0);
    let lease = moving.lease(&one).await.expect("what was under way is closed at its end");
    assert_eq!(moving.server_of(&lease), Some(0));
}

#[tokio::test]
async fn nothing_is_shelved_for_an_endpoint_that_is_gone() {
    let moving = Moving::new("connections = 1").await;
    moving.goes_to(0);
    let Lease { connection, endpoint, permit, .. } =
        moving.lease(&Pools::default()).await.expect("the first connection");
    moving.goes_to(1);
    // As by a worker that had looked at the endpoints just before.
    let stream = connection.stream.deregister().expect("it is registered");
    endpoint.shelve(Shelved { stream, permit, since: std::time::Instant::now() });
    assert_eq!((endpoint.shelved(), moving.upstream.open_connections()), (0, 0));
}

#[tokio::test]
async fn a_sweep_closes_idle_connections_to_an_endpoint_that_is_gone() {
    let moving = Moving::new("").await;
    moving.goes_to(0);
    let pools = Pools::default();
    let lease = moving.lease(&pools).await.expect("a connection");
    pools.give_back(&moving.upstream, lease, 0);
    pools.sweep(0, |_| true);
    assert_eq!(moving.upstream.open_connections(), 1);
    moving.goes_to(1);
    pools.sweep(0, |_| true);
    assert_eq!(moving.upstream.open_connections(), 0);
}
