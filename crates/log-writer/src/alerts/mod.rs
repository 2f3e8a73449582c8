//! Trouble and who is told of it: looked for, written to whom it concerns in the same transaction, and sent by what stands apart
//! from both, so that a mail server that is away delays messages and loses none.

mod mail;
mod news;
mod pace;
mod post;
mod smtp;
mod trial;
mod watch;
mod wording;

use std::path::PathBuf;

use messaging::Broker;
use persistence::{Database, PersistenceError, Scope, incidents};
use runtime::config::{AlertSettings, Settings};
use tokio_util::sync::CancellationToken;
use url::Url;

use self::post::Post;
pub(crate) use self::smtp::MailError;

/// What looks for trouble, and what tells of it.
#[derive(Debug)]
pub(crate) struct Alerts {
    database: Database,
    broker: Broker,
    settings: AlertSettings,
    /// Where messages link to.
    dashboard: Url,
    post: Post,
}

impl Alerts {
    /// # Errors
    /// When the settings name a mail server or a certificate that cannot be used.
    pub(crate) fn new(settings: &Settings, database: Database, broker: Broker) -> Result<Self, MailError> {
        let ring: PathBuf = settings.vault.key_ring_file.clone();
        let post = Post::new(&settings.alerts, database.clone(), ring)?;
        Ok(Self {
            database,
            broker,
            settings: settings.alerts.clone(),
            dashboard: settings.gateway.public_url.clone(),
            post,
        })
    }

    /// Looks, tells and sends until `shutdown`.
    pub(crate) async fn run(&self, shutdown: &CancellationToken) {
        tokio::join!(self.watch(shutdown), self.post.run(shutdown));
    }

    async fn watch(&self, shutdown: &CancellationToken) {
        loop {
            if shutdown.run_until_cancelled(tokio::time::sleep(self.settings.check_every)).await.is_none() {
                return;
            }
            match shutdown.run_until_cancelled(self.look_and_tell()).await {
                None => return,
                Some(Ok(())) => self.post.wake(),
                Some(Err(error)) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "it was not looked for trouble; trying again soon");
                }
            }
        }
    }

    /// One transaction: what is noted as told is on its way.
    async fn look_and_tell(&self) -> Result<(), PersistenceError> {
        let dead = watch::dead_letters(&self.broker).await;
        let mut tx = self.database.begin(Scope::System).await?;
        // Where another process is at it, it does what there is to do.
        if incidents::try_hold(&mut tx).await? {
            let outages = watch::look(&mut tx, &self.settings, &dead).await?;
            news::tell(&mut tx, (&self.settings, &self.dashboard), &outages).await?;
            trial::tell(&mut tx, (&self.settings, &self.dashboard)).await?;
        }
        tx.commit().await
    }
}
