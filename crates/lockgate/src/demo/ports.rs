//! Which ports the demonstration takes beside the one it is given.

use std::ops::Range;

/// Where the admin side is looked for first, and on how many ports after that.
pub(super) const ADMIN_PORTS: Range<u16> = 9180..9200;
/// Where it answers by TLS.
const TLS_PORT: u16 = 8443;

/// The ports of one attempt; 0 is any free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) gateway: u16,
    pub(super) admin: u16,
    pub(super) tls: u16,
}

impl Ports {
    /// Those to try first: the usual ones, as far as they are not the gateway's.
    pub(super) fn first(gateway: u16) -> Self {
        // Any port, where that was asked for.
        let tls = if gateway == 0 || gateway == TLS_PORT { 0 } else { TLS_PORT };
        Self { gateway, admin: admin_port(ADMIN_PORTS, gateway), tls }
    }

    /// Those to try when some of these are taken: the next for the admin side, any for TLS. None where another one is taken, which
    /// nobody but the user can change.
    pub(super) fn after(self, taken: impl IntoIterator<Item = u16>) -> Option<Self> {
        let mut next = self;
        for port in taken {
            match port {
                0 => return None,
                port if port == self.admin => {
                    next.admin = admin_port(port + 1..ADMIN_PORTS.end, self.gateway)
                }
                port if port == self.tls => next.tls = 0,
                _ => return None,
            }
        }
        (next != self).then_some(next)
    }
}

fn admin_port(mut ports: Range<u16>, gateway: u16) -> u16 {
    ports.find(|port| *port != gateway).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(gateway: u16, expected: [u16; 2]) {
        let Ports { gateway: own, admin, tls } = Ports::first(gateway);
        assert_eq!((own, [admin, tls]), (gateway, expected));
    }

    #[test]
    fn the_port_asked_for_is_left_to_the_gateway() {
        check(8080, [9180, 8443]);
        check(9180, [9181, 8443]);
        check(8443, [9180, 0]);
        check(0, [9180, 0]);
    }

    #[test]
    fn a_taken_port_gives_way_to_the_next_and_then_to_any() {
        let first = Ports::first(9181);
        assert_eq!(first.after([9180]), Some(Ports { admin: 9182, ..first }));
        assert_eq!(first.after([8443]), Some(Ports { tls: 0, ..first }));
        assert_eq!(first.after([8443, 9180]), Some(Ports { admin: 9182, tls: 0, ..first }));
        let last = Ports { admin: 9199, ..first };
        assert_eq!(last.after([9199]), Some(Ports { admin: 0, ..first }));
    }

    #[test]
    fn the_gateways_own_port_is_for_the_user_to_change() {
        let first = Ports::first(8080);
        assert_eq!(first.after([8080]), None);
        assert_eq!(first.after([9180, 8080]), None);
        assert_eq!(Ports { admin: 0, ..first }.after([0]), None);
        assert_eq!(first.after([]), None);
    }
}
