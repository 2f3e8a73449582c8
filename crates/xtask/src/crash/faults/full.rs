//! PostgreSQL on a small disk, which is filled until the server is refused room, and freed.

use std::time::{Duration, Instant};

use super::kinds::{CALM, WHILE, ours};
use crate::crash::services;
use crate::services::postgres::Durability;
use crate::services::postgres::disk::Disk;
use crate::session::Session;

const TAKE_AGAIN: Duration = Duration::from_millis(500);

/// The disk.
#[derive(Debug)]
pub(super) struct Full(Disk);

impl Full {
    /// Moves the database there; the services find it again by themselves.
    pub(super) async fn prepare(session: &Session) -> anyhow::Result<Self> {
        let postgres = &services(session)?.postgres;
        postgres.stop().await?;
        let disk = postgres.confine().await?;
        postgres.boot(Durability::Kept).await?;
        for service in ours() {
            session.ready(service).await?;
        }
        Ok(Self(disk))
    }

    /// Fills it for a while, frees it, and starts the server again where it has given up.
    pub(super) async fn happen(&self, session: &Session) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < WHILE {
            // Also what the server gives back meanwhile.
            self.0.fill()?;
            tokio::time::sleep(TAKE_AGAIN).await;
        }
        self.0.free()?;
        anyhow::ensure!(self.0.was_full()?, "the disk was full, and PostgreSQL was never refused room");
        // One that was just recovering goes on, or gives up in its own time.
        tokio::time::sleep(CALM).await;
        services(session)?.postgres.boot(Durability::Kept).await?;
        tokio::time::sleep(WHILE).await;
        Ok(())
    }
}
