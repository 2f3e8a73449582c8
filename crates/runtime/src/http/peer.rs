//! From which address a request comes, where proxies stand in between. What is done with it is the service's.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The proxies whose word is taken.
#[derive(Clone, Debug)]
pub(super) struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    fn include(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Goes back from the socket to the first address that is not one of ours. What stands before it, anybody could have
    /// written.
    fn origin(&self, socket: IpAddr, forwarded: &[&str]) -> IpAddr {
        let mut origin = socket.to_canonical();
        let mut before = forwarded.iter().rev().flat_map(|line| line.rsplit(','));
        while self.include(origin) {
            let Some(address) = before.next().and_then(|text| text.trim().parse::<IpAddr>().ok()) else { break };
            origin = address.to_canonical();
        }
        origin
    }
}

/// The address that a request comes from: the socket's or, behind a trusted proxy, the one that the proxy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// That of a request; `None` only where there is no socket, as in a unit test.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        let socket = request.peer_addr()?.ip();
        let lines = request.headers().get_all("x-forwarded-for");
        let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
        let trusted = request.app_data::<TrustedProxies>();
        Some(Self(trusted.map_or(socket.to_canonical(), |trusted| trusted.origin(socket, &lines))))
    }

    /// The one that a header names who came through proxies alone that are trusted; `None` where it names nobody. For `crates/fuzz`.
    #[cfg(fuzzing)]
    #[must_use]
    pub fn behind_proxies(forwarded: &str) -> Option<Self> {
        let socket = IpAddr::from(std::net::Ipv4Addr::LOCALHOST);
        let everybody = [IpNet::V4(ipnet::Ipv4Net::default()), IpNet::V6(ipnet::Ipv6Net::default())];
        let origin = TrustedProxies::new(&everybody).origin(socket, &[forwarded]);
        (origin != socket).then_some(Self(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(trusted: &[&str], socket: &str, forwarded: &[&str]) -> String {
        let networks: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        TrustedProxies::new(&networks).origin(socket.parse().unwrap(), forwarded).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_named() {
        assert_eq!(origin(&[], "127.0.0.1", &["203.0.113.7"]), "127.0.0.1");
        assert_eq!(origin(&["10.0.0.0/8"], "203.0.113.9", &["203.0.113.7"]), "203.0.113.9");
    }

    #[test]
    fn the_nearest_address_that_is_not_ours_is_the_callers_whatever_stands_before_it() {
        let trusted = ["10.0.0.0/8", "192.0.2.1/32"];
        assert_eq!(origin(&trusted, "10.1.2.3", &["6.6.6.6, 203.0.113.7, 192.0.2.1"]), "203.0.113.7");
        assert_eq!(origin(&trusted, "10.1.2.3", &["6.6.6.6", "203.0.113.7", "10.9.9.9"]), "203.0.113.7");
        assert_eq!(origin(&trusted, "::ffff:10.1.2.3", &["::ffff:203.0.113.7"]), "203.0.113.7");
    }

    #[test]
    fn a_chain_that_ends_or_makes_no_sense_stops_at_what_is_known() {
        for forwarded in [vec![], vec![""], vec!["unknown"], vec!["6.6.6.6, _hidden"]] {
            assert_eq!(origin(&["10.0.0.0/8"], "10.1.2.3", &forwarded), "10.1.2.3", "{forwarded:?}");
        }
        assert_eq!(origin(&["10.0.0.0/8"], "10.1.2.3", &["10.4.4.4"]), "10.4.4.4");
    }
}
