//! What they are asked to do.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::contender::Contender;
use crate::load::Work;

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// A proxied GET with a key.
    Keyed,
    /// A JSON constant.
    Health,
    /// One user.
    Show,
    /// A page of users.
    List,
    /// A new user.
    Create,
}

impl Task {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 5] = [Self::Keyed, Self::Health, Self::Show, Self::List, Self::Create];

    /// As a heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Keyed => "Proxied GET with a key",
            Self::Health => "Plain JSON answer",
            Self::Show => "GET one user",
            Self::List => "GET a page of 100 users",
            Self::Create => "POST a new user",
        }
    }

    /// Those that do it, the subject first.
    pub(crate) fn contenders(self) -> &'static [Contender] {
        use Contender::{EnvoyKeys, EnvoyLua, Go, Lockgate, LockgateOpen, NginxLua, Node};
        match self {
            Self::Keyed => &[Lockgate, LockgateOpen, NginxLua, EnvoyLua, EnvoyKeys],
            _ => &[Lockgate, Go, Node],
        }
    }

    /// What the load generator sends.
    pub(crate) fn work(self) -> Work {
        match self {
            Self::Keyed => Work::Metered,
            Self::Health => Work::Health,
            Self::Show => Work::ShowUser,
            Self::List => Work::ListUsers,
            Self::Create => Work::CreateUser,
        }
    }

    /// Kept connections: a gateway has many clients, a users service some programs.
    pub(crate) fn connections(self) -> usize {
        if self == Self::Keyed { 64 } else { 16 }
    }

    /// The most of `other`'s CPU time per request that Lockgate is to need; `None`: no goal.
    pub(crate) fn cpu_goal(self, other: Contender) -> Option<f64> {
        match other {
            Contender::NginxLua | Contender::EnvoyLua => Some(0.4),
            Contender::Go | Contender::Node => Some(1.0),
            Contender::Lockgate | Contender::LockgateOpen | Contender::EnvoyKeys => None,
        }
    }
}
