//! Keeps calls to addresses that a tenant typed away from our own network. The check is made on the resolved address, by the
//! resolver of the connection itself, so that a name cannot change between the check and the call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Nothing at that name may be called from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address does not lead to a public host")]
pub(crate) struct NotPublic;

/// Resolves names, and keeps only public addresses.
#[derive(Clone, Debug)]
pub(crate) struct PublicOnly<L>(pub(crate) Arc<L>);

/// Looks a name up.
pub(crate) trait Lookup: Send + Sync + 'static {
    /// The addresses of a name, as they are now.
    fn lookup(&self, name: String) -> impl Future<Output = std::io::Result<Vec<SocketAddr>>> + Send;
}

/// The system's own resolver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System;

impl Lookup for System {
    async fn lookup(&self, name: String) -> std::io::Result<Vec<SocketAddr>> {
        // The port is set by the connection afterwards.
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

impl<L: Lookup> Resolve for PublicOnly<L> {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = Arc::clone(&self.0);
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let mut found = lookup.lookup(name).await?;
            found.retain(|address| is_public(address.ip()));
            if found.is_empty() {
                return Err(NotPublic.into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// Checks what the resolver is never asked about: an address in the URL itself, and the scheme.
///
/// # Errors
/// When the URL is not HTTPS, or names an address that is not public.
pub(crate) fn check_url(url: &Url) -> Result<(), NotPublic> {
    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    if public && url.scheme() == "https" { Ok(()) } else { Err(NotPublic) }
}

/// Whether an address belongs to the public internet. What is not known to is not.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// By the IANA registry of special-purpose IPv4 addresses.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // "This network", private, loopback, multicast and reserved.
        (0 | 10 | 127, ..) | (224.., ..) => true,
        // Shared by carriers.
        (100, 64..=127, _) => true,
        // Link-local: the metadata services of the clouds live here.
        (169, 254, _) => true,
        (172, 16..=31, _) | (192, 168, _) => true,
        // Protocol assignments, documentation, 6to4 relays, benchmarks.
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => true,
        _ => false,
    };
    !special
}

/// Global unicast only, and of that nothing that leads elsewhere.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    let [a, b, ..] = address.segments();
    let global_unicast = a & 0xe000 == 0x2000;
    let special = match (a, b) {
        // Protocol assignments, Teredo among them, and documentation.
        (0x2001, 0..=0x01ff | 0x0db8) => true,
        // 6to4 carries an IPv4 address that nobody has checked.
        (0x2002, _) => true,
        (0x3fff, 0..=0x0fff) => true,
        _ => false,
    };
    global_unicast && !special
}

/// The IPv4 address inside of a mapped, compatible or translated (`64:ff9b::/96`) one.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [[g0, g1], [h0, h1]] = [g.to_be_bytes(), h.to_be_bytes()];
            Some(Ipv4Addr::new(g0, g1, h0, h1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;

    const REFUSED: &[&str] = &[
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    const ALLOWED: &[&str] = &[
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "223.255.255.255",
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
        "2606:4700::1111",
        "2a00:1450:4007::1",
    ];

    #[test]
    fn tells_our_own_networks_from_the_public_one() {
        for text in REFUSED {
            assert!(!is_public(text.parse().unwrap()), "{text} must be refused");
        }
        for text in ALLOWED {
            assert!(is_public(text.parse().unwrap()), "{text} must be allowed");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_judged_the_same_when_mapped_into_ipv6(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            prop_assert_eq!(is_public(IpAddr::V4(v4)), is_public(IpAddr::V6(v4.to_ipv6_mapped())));
        }
    }

    #[test]
    fn sees_through_every_way_to_write_an_address() {
        for text in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://169.254.169.254/latest/meta-data/",
            "http://shop.example/",
            "file:///etc/passwd",
        ] {
            assert_eq!(check_url(&text.parse().unwrap()), Err(NotPublic), "{text}");
        }
        assert_eq!(check_url(&"https://shop.example/wp-json".parse().unwrap()), Ok(()));
    }

    /// Answers with one list after the other.
    struct Changing(Mutex<Vec<Vec<SocketAddr>>>);

    impl Lookup for Changing {
        async fn lookup(&self, _name: String) -> std::io::Result<Vec<SocketAddr>> {
            Ok(self.0.lock().unwrap().pop().unwrap())
        }
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect()
    }

    #[tokio::test]
    async fn a_name_that_turns_to_a_private_address_is_refused_at_the_next_connection() {
        let answers = vec![addresses(&["127.0.0.1"]), addresses(&["1.1.1.1", "10.0.0.1"])];
        let resolver = PublicOnly(Arc::new(Changing(Mutex::new(answers))));
        let first: Vec<_> = resolver.resolve("shop.example".parse().unwrap()).await.unwrap().collect();
        assert_eq!(first, addresses(&["1.1.1.1"]));
        let second = resolver.resolve("shop.example".parse().unwrap()).await;
        assert!(second.err().unwrap().is::<NotPublic>());
    }
}
