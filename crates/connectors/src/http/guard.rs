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

/// The port of HTTPS.
const HTTPS: u16 = 443;

/// Where a cloud's machines reach their host: public by its number, and by nothing else.
const AZURE_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

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

/// Checks what the resolver is never asked about: an address in the URL itself, the scheme, the port, and what claims to be a
/// user's name.
///
/// # Errors
/// When the URL is not HTTPS, leads to another port than its own or one of these, or names an address that is not public.
pub(crate) fn check_url(url: &Url, other_ports: &[u16]) -> Result<(), NotPublic> {
    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    // Behind another port there may be anything that its owner did not mean for us.
    let port = url.port_or_known_default().is_some_and(|port| port == HTTPS || other_ports.contains(&port));
    // `https://shop.example@10.0.0.1/` is meant to be misread.
    let plain = url.username().is_empty() && url.password().is_none();
    if public && port && plain && url.scheme() == "https" { Ok(()) } else { Err(NotPublic) }
}

/// Whether an address that a tenant typed may lead out of our network.
///
/// HTTPS on its own port, with no user in it, and no host that is not public by its own form. What a name resolves to is
/// checked when it is called.
#[must_use]
pub fn may_be_called(url: &Url) -> bool {
    check_url(url, &[]).is_ok()
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
    !special && address != AZURE_HOST
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

/// The IPv4 address inside of a mapped or translated (`64:ff9b::/96`) one. The compatible form (`::a.b.c.d`) was given up and
/// is no global unicast, so it is refused whatever it holds.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [[g0, g1], [h0, h1]] = [g.to_be_bytes(), h.to_be_bytes()];
            Some(Ipv4Addr::new(g0, g1, h0, h1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
