//! Which ports a running system uses: chosen once, remembered, and moved only when somebody else took one.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::home::{read_json, write_json};

/// The ephemeral range starts at 32768 on Linux: above it, any outgoing connection may sit on our port.
const LIMIT: u16 = 32_700;
/// The offsets below differ modulo 100, so that moved ports never meet each other.
const STEP: usize = 100;

/// The ports of one running system, all on 127.0.0.1.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Ports {
    /// PostgreSQL.
    pub postgres: u16,
    /// RabbitMQ: AMQP 0-9-1.
    pub amqp: u16,
    /// RabbitMQ: Erlang distribution.
    pub dist: u16,
    /// RabbitMQ: management HTTP API.
    pub management: u16,
    /// RabbitMQ: Prometheus metrics.
    pub prometheus: u16,
    /// Erlang's port mapper, one for each node of ours.
    pub epmd: u16,
    /// `api-gateway`.
    pub gateway: u16,
    /// `webhook-ingest`.
    pub ingest: u16,
    /// `sync-dispatcher`, for its health and metrics.
    pub dispatcher: u16,
    /// `log-writer`, for its health and metrics.
    pub log_writer: u16,
    /// The stand-in of the platforms.
    pub sandbox: u16,
    /// n8n, where one is wanted.
    #[serde(default = "n8n_of_old")]
    pub n8n: u16,
    /// Where n8n's own helpers come to it.
    #[serde(default = "n8n_broker_of_old")]
    pub n8n_broker: u16,
}

/// For a folder that was made before there was an n8n: taken ports are moved anyway.
fn n8n_of_old() -> u16 {
    20_678
}

fn n8n_broker_of_old() -> u16 {
    20_679
}

impl Ports {
    /// The ports wished for with this base, free or not.
    #[must_use]
    pub fn wished(base: u16) -> Self {
        let at = |offset: u16| base.saturating_add(offset);
        Self {
            postgres: at(432),
            amqp: at(672),
            dist: at(673),
            management: at(674),
            prometheus: at(675),
            epmd: at(369),
            gateway: at(80),
            ingest: at(81),
            dispatcher: at(82),
            log_writer: at(83),
            sandbox: at(90),
            n8n: at(678),
            n8n_broker: at(679),
        }
    }

    /// Takes the ports remembered in `file` or wished for by `base`, moves those that are taken, and remembers them.
    ///
    /// `ours` says of a taken port that its holder is an instance of ours which will be used again.
    ///
    /// # Errors
    /// Fails when no free port is left below the ephemeral range, or the file cannot be read or written.
    pub fn choose(file: &Path, base: u16, ours: impl Fn(u16) -> bool) -> anyhow::Result<Self> {
        let before = read_json::<Self>(file)?;
        let chosen = before.unwrap_or_else(|| Self::wished(base)).moved(|port| is_free(port) || ours(port))?;
        if before != Some(chosen) {
            write_json(file, &chosen)?;
        }
        Ok(chosen)
    }

    fn moved(self, usable: impl Fn(u16) -> bool) -> anyhow::Result<Self> {
        let place = |wish: u16| next(wish, &usable);
        Ok(Self {
            postgres: place(self.postgres)?,
            amqp: place(self.amqp)?,
            dist: place(self.dist)?,
            management: place(self.management)?,
            prometheus: place(self.prometheus)?,
            epmd: place(self.epmd)?,
            gateway: place(self.gateway)?,
            ingest: place(self.ingest)?,
            dispatcher: place(self.dispatcher)?,
            log_writer: place(self.log_writer)?,
            sandbox: place(self.sandbox)?,
            n8n: place(self.n8n)?,
            n8n_broker: place(self.n8n_broker)?,
        })
    }
}

/// A free port for another server of the kind of the one on this port: the second, third and so on.
pub(super) fn beside(port: u16, number: u16) -> anyhow::Result<u16> {
    // Two steps for each, as rabbitmqctl's own ports follow those of its node.
    let wish = port.saturating_add(number.saturating_sub(1).saturating_mul(200));
    next(wish, is_free)
}

/// The wished port, or the first after it that is usable.
fn next(wish: u16, usable: impl Fn(u16) -> bool) -> anyhow::Result<u16> {
    let mut candidates = (wish..LIMIT).step_by(STEP);
    candidates.find(|port| usable(*port)).with_context(|| format!("no free port from {wish} on"))
}

/// Whether nobody listens on the port.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all(ports: Ports) -> BTreeSet<u64> {
        let object = serde_json::to_value(ports).unwrap();
        object.as_object().unwrap().values().map(|port| port.as_u64().unwrap()).collect()
    }

    #[test]
    fn moves_only_what_is_taken() {
        let wished = Ports::wished(20_000);
        let chosen = wished.moved(|port| port != wished.postgres && port != wished.gateway).unwrap();
        assert_eq!(chosen, Ports { postgres: 20_532, gateway: 20_180, ..wished });
    }

    #[test]
    fn never_gives_one_port_twice() {
        for step in 0..20_u16 {
            let chosen = Ports::wished(20_000).moved(|port| port % 7 != step % 7 && port > 20_000 + step * 50).unwrap();
            assert_eq!(all(chosen).len(), 13);
        }
    }

    #[test]
    fn a_choice_from_before_there_was_an_n8n_is_kept() {
        let mut old = serde_json::to_value(Ports::wished(20_000)).unwrap();
        old.as_object_mut().unwrap().retain(|name, _| !name.starts_with("n8n"));
        assert_eq!(serde_json::from_value::<Ports>(old).unwrap(), Ports::wished(20_000));
    }

    #[test]
    fn another_server_of_a_kind_has_a_port_of_its_own() {
        let (second, third) = (beside(26_672, 2).unwrap(), beside(26_672, 3).unwrap());
        assert!(second > 26_672 && third > second, "{second}, {third}");
        assert!(beside(LIMIT, 2).is_err());
    }

    #[test]
    fn says_so_when_no_port_is_left() {
        assert!(Ports::wished(20_000).moved(|_| false).is_err());
    }

    #[test]
    fn remembers_the_choice_while_another_holds_the_port() {
        let file = std::env::temp_dir().join(format!("xtask-ports-{}.json", std::process::id()));
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(!is_free(port));
        let chosen = Ports::choose(&file, 27_000, |_| false).unwrap();
        assert_eq!(Ports::choose(&file, 28_000, |_| false).unwrap(), chosen);
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn keeps_a_port_held_by_an_instance_of_ours() {
        let file = std::env::temp_dir().join(format!("xtask-own-ports-{}.json", std::process::id()));
        let chosen = Ports::choose(&file, 27_500, |_| false).unwrap();
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, chosen.postgres)).unwrap();
        assert_eq!(Ports::choose(&file, 27_500, |port| port == chosen.postgres).unwrap(), chosen);
        assert_ne!(Ports::choose(&file, 27_500, |_| false).unwrap(), chosen);
        drop(held);
        std::fs::remove_file(&file).unwrap();
    }
}
