//! A session's n8n: found or installed, made ready, started and asked, where one is wanted.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::Session;
use crate::n8n::{Executions, N8n, Place, install};
use crate::secrets;
use crate::services::ports::is_free;

/// It takes about 20 seconds on a quiet machine.
const READY_LIMIT: Duration = Duration::from_secs(240);

/// Whose n8n a system uses.
#[derive(Clone, Debug, Default)]
pub enum Workflows {
    /// None.
    #[default]
    None,
    /// One of its own, with a database in its own PostgreSQL.
    Own,
    /// One that was made ready before, in its place; it is not started by [`Session::bring_up`].
    Ready(Place),
}

impl Session {
    /// Finds or installs n8n; must come before the services are started, which are told of it.
    pub(super) async fn find_n8n(&mut self) -> anyhow::Result<()> {
        let place = match &self.options.workflows {
            Workflows::None => return Ok(()),
            Workflows::Ready(place) => place.clone(),
            Workflows::Own => {
                let services = self.services.as_ref().context("n8n needs a PostgreSQL of this system's own")?;
                Place {
                    database: services.postgres.further_database(N8n::NAME).await?,
                    home: self.home.path("n8n"),
                    signing: secrets::kept(&self.home.path("n8n.signing"))?,
                    key: secrets::kept(&self.home.path("n8n.key"))?,
                }
            }
        };
        let install = install::needed(&self.console).await?;
        self.n8n = Some(N8n::new(install, place, (self.ports.n8n, self.ports.n8n_broker)));
        Ok(())
    }

    /// Makes the system's own n8n ready, starts it and waits until it takes what it is sent.
    pub(super) async fn bring_up_n8n(&mut self) -> anyhow::Result<()> {
        let (Workflows::Own, Some(n8n)) = (&self.options.workflows, &self.n8n) else { return Ok(()) };
        let step = self.console.step("import and publish n8n's workflows");
        n8n.prepare(Executions::Failed, |line| step.detail(line)).await?;
        step.done();
        let step = self.console.step("start n8n");
        self.start_n8n()?;
        self.n8n_ready().await?;
        step.done();
        Ok(())
    }

    /// Starts n8n, which is kept running like our own services; it may not be ready yet.
    ///
    /// # Errors
    /// Fails when none is wanted, or its port has been taken meanwhile.
    pub fn start_n8n(&mut self) -> anyhow::Result<()> {
        let n8n = self.n8n.as_ref().context("this system has no n8n")?;
        if !is_free(self.ports.n8n) {
            bail!("port {} of n8n is taken by another program", self.ports.n8n);
        }
        self.stack.start(n8n.program()?)
    }

    /// Waits until n8n takes what it is sent.
    ///
    /// # Errors
    /// Fails after four minutes, with its last answer and the end of its log.
    pub async fn n8n_ready(&self) -> anyhow::Result<()> {
        let n8n = self.n8n.as_ref().context("this system has no n8n")?;
        let started = Instant::now();
        loop {
            let Err(answer) = n8n.answers(&self.client).await else { return Ok(()) };
            if started.elapsed() > READY_LIMIT {
                let log = self.stack.tail(N8n::NAME, 20);
                bail!("n8n is not ready ({answer:#}); its log ends with:\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// This system's n8n, if it has one.
    #[must_use]
    pub fn n8n(&self) -> Option<&N8n> {
        self.n8n.as_ref()
    }
}
