//! The faults: what each needs before the load, and what happens while it goes on.

use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;

use super::certificate::Certificates;
use super::clock::{self, Clock};
use super::full::Full;
use super::line::{Line, State};
use super::nodes::Nodes;
use super::replica::Replica;
use crate::crash::{Deaths, services};
use crate::processes;
use crate::services::install::{has_programs, program};
use crate::services::postgres::{Durability, disk};
use crate::session::{Service, Session};

/// How long each part of a fault lasts: longer than what waits for a confirm, shorter than the sender's patience.
pub(super) const WHILE: Duration = Duration::from_secs(15);
/// Load before and between.
pub(super) const CALM: Duration = Duration::from_secs(5);

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// PostgreSQL is killed, and recovers.
    PostgresRestart,
    /// PostgreSQL is killed for good, and a replica is promoted.
    PostgresPromotion,
    /// PostgreSQL's disk is full, until it has room again.
    DiskFull,
    /// The node of RabbitMQ's cluster that leads the queues is killed, and comes back.
    BrokerNode,
    /// RabbitMQ finds its disk too full, and takes nothing until there is room.
    BrokerDiskFull,
    /// The lines to broker and database are silent, then refuse, each for a while.
    NetworkCut,
    /// The dispatcher's clock is an hour ahead, then an hour behind.
    ClockJump,
    /// Those who consume stand still with what they hold, and go on.
    SlowConsumer,
    /// PostgreSQL's certificate has expired, and is renewed.
    CertificateExpiry,
}

impl Fault {
    /// In the order in which they happen.
    pub const ALL: [Self; 9] = [
        Self::PostgresRestart,
        Self::PostgresPromotion,
        Self::DiskFull,
        Self::BrokerNode,
        Self::BrokerDiskFull,
        Self::NetworkCut,
        Self::ClockJump,
        Self::SlowConsumer,
        Self::CertificateExpiry,
    ];

    /// As it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PostgresRestart => "postgres-restart",
            Self::PostgresPromotion => "postgres-promotion",
            Self::DiskFull => "disk-full",
            Self::BrokerNode => "broker-node",
            Self::BrokerDiskFull => "broker-disk-full",
            Self::NetworkCut => "network-cut",
            Self::ClockJump => "clock-jump",
            Self::SlowConsumer => "slow-consumer",
            Self::CertificateExpiry => "certificate-expiry",
        }
    }

    /// Why it cannot happen here, if it cannot.
    pub(super) async fn can_happen(self) -> Result<(), String> {
        match self {
            Self::ClockJump if clock::faketime().await.is_none() => {
                Err("libfaketime (Debian's package) is not there, and apt cannot bring it".to_owned())
            }
            Self::PostgresPromotion | Self::DiskFull | Self::BrokerNode if !has_programs().await => {
                Err("the servers are containers here, whose files and neighbours are not ours".to_owned())
            }
            Self::DiskFull => {
                disk::can_be_mounted().await.map_err(|error| format!("no disk can be mounted here: {error:#}"))
            }
            Self::CertificateExpiry if program("openssl").is_none() => Err("`openssl` is not there".to_owned()),
            Self::PostgresRestart
            | Self::PostgresPromotion
            | Self::BrokerNode
            | Self::BrokerDiskFull
            | Self::NetworkCut
            | Self::ClockJump
            | Self::SlowConsumer
            | Self::CertificateExpiry => Ok(()),
        }
    }
}

/// A fault that is ready to happen.
#[derive(Debug)]
pub(super) enum Scene {
    PostgresRestart,
    Replica(Box<Replica>),
    Full(Full),
    Nodes(Box<Nodes>),
    BrokerDiskFull,
    Lines { database: Line, broker: Line },
    Clock(Clock),
    SlowConsumer,
    Certificate(Certificates),
}

/// Puts lines, clocks and further servers where the fault needs them; the services concerned are started anew.
pub(super) async fn prepare(fault: Fault, session: &mut Session) -> anyhow::Result<Scene> {
    match fault {
        Fault::PostgresRestart => Ok(Scene::PostgresRestart),
        Fault::PostgresPromotion => Replica::follow(session).await.map(|replica| Scene::Replica(Box::new(replica))),
        Fault::DiskFull => Full::prepare(session).await.map(Scene::Full),
        Fault::BrokerNode => Nodes::gather(session).await.map(|nodes| Scene::Nodes(Box::new(nodes))),
        Fault::BrokerDiskFull => Ok(Scene::BrokerDiskFull),
        Fault::SlowConsumer => Ok(Scene::SlowConsumer),
        Fault::NetworkCut => {
            let (database, broker) = (Line::to(session.ports().postgres).await?, Line::to(session.ports().amqp).await?);
            session.go_by(database.port, broker.port)?;
            restart_all(session).await?;
            Ok(Scene::Lines { database, broker })
        }
        Fault::CertificateExpiry => {
            let certificates = Certificates::make(session.home().path("tls")).await?;
            certificates.begin(&services(session)?.postgres).await?;
            session.trust(&certificates.authority())?;
            restart_all(session).await?;
            Ok(Scene::Certificate(certificates))
        }
        Fault::ClockJump => Clock::give(session).await.map(Scene::Clock),
    }
}

/// The services that go by the servers.
pub(super) fn ours() -> impl Iterator<Item = Service> {
    Service::ALL.into_iter().filter(|service| *service != Service::Sandbox)
}

pub(super) async fn restart_all(session: &mut Session) -> anyhow::Result<()> {
    for service in ours() {
        session.restart(service, &[]).await?;
    }
    Ok(())
}

impl Scene {
    /// Has it happen, and ends when it is over.
    pub(super) async fn happen(&self, session: &Session) -> anyhow::Result<Deaths> {
        tokio::time::sleep(CALM).await;
        match self {
            Self::PostgresRestart => {
                let postgres = &services(session)?.postgres;
                postgres.kill().await?;
                tokio::time::sleep(WHILE).await;
                postgres.boot(Durability::Kept).await?;
            }
            Self::Replica(replica) => replica.take_over(session).await?,
            Self::Full(disk) => disk.happen(session).await?,
            Self::Nodes(nodes) => nodes.lose_one(session).await?,
            Self::BrokerDiskFull => {
                // More than any disk has free, in the largest unit that 3.10 knows; then what the node was started with.
                for limit in ["1000000GB", "200MB"] {
                    services(session)?.rabbitmq.control(&["set_disk_free_limit", limit]).await?;
                    tokio::time::sleep(WHILE).await;
                }
            }
            Self::Lines { database, broker } => {
                for line in [broker, database] {
                    for state in [State::Silent, State::Refuses] {
                        line.becomes(state);
                        tokio::time::sleep(WHILE).await;
                        line.becomes(State::Carries);
                        tokio::time::sleep(CALM).await;
                    }
                }
            }
            Self::Certificate(certificates) => certificates.expire(session).await?,
            Self::Clock(clock) => clock.jump(session).await?,
            Self::SlowConsumer => {
                let names = [Service::SyncDispatcher, Service::LogWriter].map(Service::name);
                for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
                    for name in names {
                        let pid = session.stack.pid(name).with_context(|| format!("{name} does not run"))?;
                        processes::signal(pid, signal)?;
                    }
                    // The broker closes what has been silent for two of its heartbeats, and leases run out long before.
                    tokio::time::sleep(WHILE * 3).await;
                }
            }
        }
        tokio::time::sleep(CALM).await;
        Ok(Deaths::new())
    }
}
