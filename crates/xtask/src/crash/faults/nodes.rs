//! A cluster of three RabbitMQ nodes, of which the one that leads the queues is lost while the services are connected to it.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Deserialize;

use super::kinds::{WHILE, ours, restart_all};
use super::line::Line;
use crate::crash::services;
use crate::services::rabbitmq::RabbitMq;
use crate::session::Session;

/// Nodes tell each other of their queues every few seconds.
const TOLD: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What `rabbitmqctl` is told to make the vhost anew.
const ANEW: [&[&str]; 3] =
    [&["delete_vhost", "/"], &["add_vhost", "/"], &["set_permissions", "guest", ".*", ".*", ".*"]];

/// The second and the third node; the first is the session's own, and shows the queues in the end.
#[derive(Debug)]
pub(super) struct Nodes {
    leader: RabbitMq,
    other: RabbitMq,
    line: Line,
}

/// A queue as the management API shows it, which learns of its members after a while.
#[derive(Debug, Deserialize)]
struct Queue {
    #[serde(default)]
    leader: Option<String>,
    #[serde(default)]
    members: Vec<String>,
}

impl Nodes {
    /// Has two more nodes join, and the services declare all queues anew at the first of them, which leads them then.
    pub(super) async fn gather(session: &mut Session) -> anyhow::Result<Self> {
        for service in ours() {
            session.stack.halt(service.name()).await;
        }
        let first = &services(session)?.rabbitmq;
        let (leader, other) = (first.join(2).await?, first.join(3).await?);
        // A queue has its members among the nodes that are there when it is declared.
        for words in ANEW {
            first.control(words).await?;
        }
        let line = Line::to(port(&leader)?).await?;
        let database = session.ports().postgres;
        session.go_by(database, line.port)?;
        restart_all(session).await?;
        Ok(Self { leader, other, line })
    }

    /// Kills the leader of all queues, leads the services to another node, and has the lost one come back.
    pub(super) async fn lose_one(&self, session: &Session) -> anyhow::Result<()> {
        self.leads_all(session).await?;
        self.leader.kill().await?;
        self.line.leads_to(port(&self.other)?);
        tokio::time::sleep(WHILE).await;
        self.leader.boot().await?;
        tokio::time::sleep(WHILE).await;
        Ok(())
    }

    /// Waits until every queue is known to have three members, of which this one leads.
    async fn leads_all(&self, session: &Session) -> anyhow::Result<()> {
        let management = self.other.management_url().context("RabbitMQ has no management API")?;
        let (url, began) = (management.join("api/queues/%2F")?, Instant::now());
        loop {
            let answer = session.client().get(url.clone()).send().await?.error_for_status()?;
            let queues: Vec<Queue> = answer.json().await?;
            let is_led = |queue: &Queue| queue.members.len() == 3 && queue.leader.as_deref() == self.leader.name();
            if !queues.is_empty() && queues.iter().all(is_led) {
                return Ok(());
            }
            anyhow::ensure!(began.elapsed() < TOLD, "not all queues have three members and this leader: {queues:?}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

fn port(node: &RabbitMq) -> anyhow::Result<u16> {
    node.url().port().context("a node has no port")
}
