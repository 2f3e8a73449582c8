//! Addresses that tenants type: none is called that the standard library, asked apart from our own list, says is no public one.

use std::net::{Ipv4Addr, Ipv6Addr};

use connectors::http::may_be_called;
use url::{Host, Url};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(address) = Url::parse(text) else { return };
    if !may_be_called(&address) {
        return;
    }
    assert_eq!(address.scheme(), "https", "{address}");
    assert!(address.username().is_empty() && address.password().is_none(), "{address}");
    let inside = match address.host() {
        Some(Host::Ipv4(host)) => is_inside(host),
        Some(Host::Ipv6(host)) => is_inside_v6(host),
        Some(Host::Domain(_)) => false,
        None => true,
    };
    assert!(!inside, "{address}");
}

fn is_inside(host: Ipv4Addr) -> bool {
    host.is_private()
        || host.is_loopback()
        || host.is_link_local()
        || host.is_unspecified()
        || host.is_broadcast()
        || host.is_multicast()
        || host.is_documentation()
}

fn is_inside_v6(host: Ipv6Addr) -> bool {
    host.is_loopback()
        || host.is_unspecified()
        || host.is_unique_local()
        || host.is_unicast_link_local()
        || host.is_multicast()
        || host.to_ipv4_mapped().is_some_and(is_inside)
}
