//! A replica of PostgreSQL, which holds all that was acknowledged, and takes the place of the server that it followed.

use anyhow::Context as _;

use super::kinds::{CALM, WHILE, restart_all};
use super::line::Line;
use crate::crash::services;
use crate::services::postgres::Postgres;
use crate::session::Session;

/// It, and the line by which the services reach whoever takes their writes.
#[derive(Debug)]
pub(super) struct Replica {
    server: Postgres,
    line: Line,
}

impl Replica {
    /// Has a replica follow, for which every commit waits.
    pub(super) async fn follow(session: &mut Session) -> anyhow::Result<Self> {
        let server = services(session)?.postgres.follow().await?;
        let ports = session.ports();
        let line = Line::to(ports.postgres).await?;
        session.go_by(line.port, ports.amqp)?;
        restart_all(session).await?;
        Ok(Self { server, line })
    }

    /// Kills the server for good, and promotes the replica after a while, as an operator's program would.
    pub(super) async fn take_over(&self, session: &Session) -> anyhow::Result<()> {
        services(session)?.postgres.kill().await?;
        tokio::time::sleep(CALM).await;
        self.server.promote().await?;
        self.line.leads_to(self.server.url().port().context("the replica has no port")?);
        tokio::time::sleep(WHILE).await;
        Ok(())
    }
}
