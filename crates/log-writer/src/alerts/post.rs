//! Sending what is on its way: by mail and by webhook, again and again until the other side takes it or refuses it for good.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use accounts::Accounts;
use connectors::alert::Hooks;
use connectors::http::Reach;
use domain::fault::{Fault as _, FaultKind};
use persistence::incidents::{self, Channel, Letter};
use persistence::{Database, PersistenceError, Scope, settings as wishes};
use runtime::config::AlertSettings;
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;
use vault::Vault;

use super::smtp::{MailError, Smtp, Unsent};

/// Messages that are taken at once: few, since whoever is killed with them leaves them untouched until their lease is over.
const BATCH: u32 = 5;

/// What is refused for good is tried so many times: what a server refuses today it may take tomorrow, once somebody has looked.
const TRIES: i32 = 8;

/// The longest wait between two tries.
const LONGEST: Duration = Duration::from_hours(1);

/// How often it is looked for what is due, beside being woken.
const EVERY: Duration = Duration::from_secs(10);

/// What sends.
#[derive(Debug)]
pub(super) struct Post {
    database: Database,
    settings: AlertSettings,
    smtp: Option<Smtp>,
    hooks: Result<Hooks, String>,
    /// Opens the addresses of webhooks; made when it is first needed, since mails need no key.
    accounts: OnceCell<Accounts>,
    key_ring: PathBuf,
    work: Arc<Notify>,
}

/// What became of a message.
#[derive(Debug)]
enum Outcome {
    Sent,
    /// To be tried again, with why.
    Later(String),
    /// The same, and nothing else by this way will be taken now.
    Away(String),
    /// Refused, with why.
    Refused(String),
}

impl Post {
    pub(super) fn new(settings: &AlertSettings, database: Database, key_ring: PathBuf) -> Result<Self, MailError> {
        let reach = if settings.allow_private_addresses {
            Reach::Anywhere
        } else {
            Reach::PublicOnly { other_ports: Vec::new() }
        };
        Ok(Self {
            database,
            smtp: Smtp::new(settings)?,
            hooks: Hooks::new(settings.timeout, reach).map_err(|error| error.to_string()),
            settings: settings.clone(),
            accounts: OnceCell::new(),
            key_ring,
            work: Arc::default(),
        })
    }

    /// Something may be due.
    pub(super) fn wake(&self) {
        self.work.notify_one();
    }

    /// Sends until `shutdown`.
    pub(super) async fn run(&self, shutdown: &CancellationToken) {
        loop {
            if let Err(error) = self.send_due(shutdown).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "messages of alerts are not sent; trying again soon");
            }
            let every = EVERY.min(self.settings.retry_wait);
            let woken = async {
                tokio::select! {
                    () = self.work.notified() => {}
                    () = tokio::time::sleep(every) => {}
                }
            };
            if shutdown.run_until_cancelled(woken).await.is_none() {
                return;
            }
        }
    }

    async fn send_due(&self, shutdown: &CancellationToken) -> Result<(), PersistenceError> {
        while !shutdown.is_cancelled() {
            // Long enough for each of them to take its whole time.
            let lease = (self.settings.timeout + Duration::from_secs(1)) * BATCH;
            let mut tx = self.database.begin(Scope::System).await?;
            let letters = incidents::claim(&mut tx, BATCH, lease).await?;
            tx.commit().await?;
            if letters.is_empty() {
                return Ok(());
            }
            let mut away = None;
            for letter in letters {
                let outcome = match &away {
                    Some(why) if letter.channel == Channel::Email => Outcome::Later(String::clone(why)),
                    Some(_) | None => match shutdown.run_until_cancelled(self.send(&letter)).await {
                        Some(outcome) => outcome,
                        None => {
                            self.release(&letter).await?;
                            continue;
                        }
                    },
                };
                if let Outcome::Away(why) = &outcome {
                    away = Some(why.clone());
                }
                self.note(&letter, outcome).await?;
            }
        }
        Ok(())
    }

    /// Leaves it to the next who sends, as if nobody had tried.
    async fn release(&self, letter: &Letter) -> Result<(), PersistenceError> {
        let mut tx = self.database.begin(Scope::System).await?;
        incidents::release(&mut tx, letter.id).await?;
        tx.commit().await
    }

    async fn send(&self, letter: &Letter) -> Outcome {
        match letter.channel {
            Channel::Email => self.mail(letter).await,
            Channel::Webhook => self.hook(letter).await,
        }
    }

    async fn mail(&self, letter: &Letter) -> Outcome {
        let Some(smtp) = &self.smtp else { return Outcome::Away("no mail server is set".to_owned()) };
        match smtp.send(letter.id, &letter.target, &letter.content).await {
            Ok(()) => Outcome::Sent,
            Err(error @ Unsent::Away(_)) => Outcome::Away(error.to_string()),
            Err(error @ Unsent::Later(_)) => Outcome::Later(error.to_string()),
            Err(error @ (Unsent::Never(_) | Unsent::Malformed(_))) => Outcome::Refused(error.to_string()),
        }
    }

    async fn hook(&self, letter: &Letter) -> Outcome {
        let hooks = match &self.hooks {
            Ok(hooks) => hooks,
            Err(error) => return Outcome::Later(error.clone()),
        };
        let hook = match self.address(letter).await {
            Ok(Some(hook)) => hook,
            Ok(None) => return Outcome::Refused("the tenant has no webhook of this name any more".to_owned()),
            Err(error) => return Outcome::Later(error),
        };
        let told =
            hooks.tell(&hook.url, hook.secret.as_ref(), &letter.id.to_string(), letter.content.to_string()).await;
        match told {
            Ok(()) => Outcome::Sent,
            Err(error) if error.kind() == FaultKind::Invalid => Outcome::Refused(error.message),
            Err(error) => Outcome::Later(error.message),
        }
    }

    async fn address(&self, letter: &Letter) -> Result<Option<accounts::AlertHook>, String> {
        let Some(tenant) = letter.tenant else { return Ok(None) };
        let accounts = self.accounts.get_or_try_init(|| async { self.open_vault() }).await?;
        let mut tx = self.database.begin(Scope::System).await.map_err(|error| error.to_string())?;
        let wishes = wishes::get(&mut tx, tenant).await.map_err(|error| error.to_string())?;
        let Some(sealed) = wishes.sealed else { return Ok(None) };
        let hooks = accounts.open_alert_hooks(&mut tx, tenant, &sealed).await.map_err(|error| error.to_string())?;
        tx.commit().await.map_err(|error| error.to_string())?;
        Ok(hooks.get(&letter.target).cloned())
    }

    fn open_vault(&self) -> Result<Accounts, String> {
        let vault = Vault::watching(&self.key_ring).map_err(|error| {
            format!("the key ring {} cannot be used, so no webhook is told: {error}", self.key_ring.display())
        })?;
        let platforms = std::collections::BTreeMap::new();
        Accounts::new(self.database.clone(), vault, &platforms, self.settings.timeout)
            .map_err(|error| error.to_string())
    }

    async fn note(&self, letter: &Letter, outcome: Outcome) -> Result<(), PersistenceError> {
        let tries = letter.attempts.saturating_add(1);
        let mut tx = self.database.begin(Scope::System).await?;
        let word = match &outcome {
            Outcome::Sent => {
                incidents::note_sent(&mut tx, letter.id).await?;
                "sent"
            }
            Outcome::Refused(why) if tries >= TRIES => {
                incidents::give_up(&mut tx, letter.id, why).await?;
                "given_up"
            }
            Outcome::Refused(why) | Outcome::Later(why) | Outcome::Away(why) => {
                incidents::postpone(&mut tx, letter.id, self.wait(letter.attempts), why).await?;
                "postponed"
            }
        };
        tx.commit().await?;
        let channel = match letter.channel {
            Channel::Email => "email",
            Channel::Webhook => "webhook",
        };
        metrics::counter!("coccinelle_alert_messages_total", "channel" => channel, "outcome" => word).increment(1);
        if let Outcome::Refused(why) | Outcome::Later(why) | Outcome::Away(why) = outcome {
            tracing::warn!(message.id = %letter.id, channel, outcome = word, reason = why, attempt = tries, "an alert did not get through");
        }
        Ok(())
    }

    fn wait(&self, attempts: i32) -> Duration {
        let doubled = u32::try_from(attempts.clamp(0, 16)).unwrap_or(0);
        self.settings.retry_wait.saturating_mul(1 << doubled).min(LONGEST)
    }
}
