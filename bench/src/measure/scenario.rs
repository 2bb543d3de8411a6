//! The kinds of work that are measured.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::peer::Peer;
use crate::load::Work;

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// GET of 128 bytes.
    Small,
    /// The same, in a configuration of 10,000 routes.
    Routes,
    /// GET of 64 KiB.
    Medium,
    /// GET of 1 MiB.
    Large,
    /// POST of 1 MiB.
    Post,
    /// GET of 128 bytes on 1,000 connections.
    Connections,
    /// WebSocket echo of 64 bytes.
    Websocket,
}

/// Routes in the large configuration.
const ROUTES: usize = 10_000;

impl Scenario {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 7] = [
        Self::Small,
        Self::Routes,
        Self::Medium,
        Self::Large,
        Self::Post,
        Self::Connections,
        Self::Websocket,
    ];

    /// As a heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Small => "Small GET",
            Self::Routes => "Small GET, 10,000 routes",
            Self::Medium => "GET of 64 KiB",
            Self::Large => "GET of 1 MiB",
            Self::Post => "POST of 1 MiB",
            Self::Connections => "Small GET, 1,000 connections",
            Self::Websocket => "WebSocket echo, 64 bytes",
        }
    }

    /// What the load generator asks for.
    pub(crate) fn work(self) -> Work {
        match self {
            Self::Small | Self::Routes | Self::Connections => Work::Small,
            Self::Medium => Work::Medium,
            Self::Large => Work::Large,
            Self::Post => Work::Post,
            Self::Websocket => Work::Websocket,
        }
    }

    /// Connections that are kept busy. Fewer where one answer already fills the core.
    pub(crate) fn connections(self) -> usize {
        match self {
            Self::Connections => 1000,
            Self::Large | Self::Post => 16,
            _ => 64,
        }
    }

    /// Time before anything is counted: a thousand connections first open a thousand more to the origin.
    pub(crate) fn warm_up_seconds(self) -> f64 {
        if self == Self::Connections { 1.0 } else { 0.3 }
    }

    /// Routes in the proxy's configuration beside the one for everything.
    pub(crate) fn routes(self) -> usize {
        if self == Self::Routes { ROUTES } else { 0 }
    }

    /// Whether `peer` can be measured with it: those without a routing table have no routes to add.
    pub(crate) fn suits(self, peer: Peer) -> bool {
        self != Self::Routes || peer.has_routes()
    }
}
