//! Components that behave and components that do not, called as the gateway calls them.

mod answers;
mod limits;
mod loading;
mod outbound;
mod prints;
mod room;
mod sandbox;
mod support;
