//! Refreshing grants: ahead of their end and after a refusal, once for all replicas, and so that no crash and no outage costs one.
//!
//! A refresh token may be good for one use. So its use is noted before it is shown, nobody else shows it meanwhile, and what the
//! platform answers is kept before anything else is done with it. Whoever finds a use that was noted and never answered asks the
//! platform whether the token was spent, where that can be asked; else it is given up rather than shown a second time.

use std::time::Duration;

use connectors::error::ConnectorError;
use connectors::oauth::{Grant, INVALID_GRANT};
use domain::id::LeaseToken;
use domain::integration::{Integration, Status};
use domain::step::Step;
use domain::time::Timestamp;
use persistence::grants::{self as table, Taken};
use persistence::{Scope, health, integrations};
use secrecy::SecretString;
use tokio::time::{Instant, sleep};

use crate::accounts::Accounts;
use crate::doorway::Doorway;
use crate::error::AccountError;
use crate::grants::Held;

/// How often one who waits for another's refresh looks whether it is done.
const LOOK: Duration = Duration::from_millis(100);

/// The waits between attempts at keeping what the platform answered: from this, doubled up to that, for as long as that.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const KEEP_TRYING: Duration = Duration::from_hours(1);

/// How a grant comes to its end.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The platform does not accept it any more.
    Withdrawn,
    /// The one loss that nobody can prevent.
    Lost,
    /// There is no refresh token.
    Expired,
}

impl End {
    /// What the tenant is told.
    const fn cause(self) -> &'static str {
        match self {
            Self::Withdrawn => "L'autorisation a été retirée ou a expiré sur la plateforme : reconnectez le compte.",
            Self::Lost => {
                "Un renouvellement d'autorisation a été interrompu entre la plateforme et nous, et son jeton à usage unique ne peut \
                 pas être présenté une seconde fois : reconnectez le compte."
            }
            Self::Expired => {
                "L'autorisation a expiré et la plateforme n'en permet pas le renouvellement : reconnectez le compte."
            }
        }
    }

    /// How it is counted.
    const fn outcome(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Lost => "lost",
            Self::Expired => "expired",
        }
    }
}

impl Accounts {
    /// A grant that opens the account now: as it is, or refreshed where that is due.
    pub(crate) async fn fresh(&self, integration: &Integration, held: Held) -> Result<Held, AccountError> {
        let doorway = self.doorway(&integration.platform, integration.url.as_deref())?;
        if held.is_due(doorway.terms.refresh_ahead, Timestamp::now()) {
            self.refreshed(integration, doorway, held).await
        } else {
            Ok(held)
        }
    }

    /// Refreshes the grant of an integration now, whether or not it is due, for one that is idle.
    ///
    /// # Errors
    /// When the grant is no more, or nobody can be asked.
    pub async fn keep_alive(&self, integration: &Integration) -> Result<(), AccountError> {
        let mut tx = self.database().begin(Scope::Tenant(integration.tenant_id)).await?;
        let held = self.held(&mut tx, integration).await?;
        tx.commit().await?;
        let held = held.ok_or(AccountError::NoCredentials(integration.id))?;
        let doorway = self.doorway(&integration.platform, integration.url.as_deref())?;
        self.refreshed(integration, doorway, held).await.map(drop)
    }

    /// Grants that nobody used for so long that the platform would let them die are refreshed; returns how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep_idle_alive(&self, limit: i64) -> Result<usize, AccountError> {
        let mut kept = 0;
        for (platform, after) in self.with_keep_alive() {
            let mut tx = self.database().begin(Scope::System).await?;
            let since = tx.now().await?.minus(after);
            let idle = table::take_idle(&mut tx, &platform, since, limit).await?;
            tx.commit().await?;
            for (tenant, id) in idle {
                let mut tx = self.database().begin(Scope::System).await?;
                let integration = integrations::get(&mut tx, tenant, id).await?;
                tx.commit().await?;
                let Some(integration) = integration else { continue };
                match self.keep_alive(&integration).await {
                    Ok(()) => kept += 1,
                    Err(error) => tracing::warn!(integration.id = %id, %error, "an idle grant was not refreshed"),
                }
            }
        }
        Ok(kept)
    }

    /// Parks an integration whose account no longer lets us in, for a cause that the platform told us.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn park(&self, integration: &Integration, cause: &str) -> Result<(), AccountError> {
        let of @ (tenant, id) = (integration.tenant_id, integration.id);
        let mut tx = self.database().begin(Scope::Tenant(tenant)).await?;
        if let Some(held) = self.held(&mut tx, integration).await? {
            table::end(&mut tx, of, &held.edition, cause).await?;
        }
        health::set_status(&mut tx, tenant, id, Status::ReauthRequired, Some(cause)).await?;
        tx.commit().await?;
        self.forget(integration).await;
        tracing::warn!(tenant.id = %tenant, integration.id = %id, error.cause = cause, "an integration is parked");
        Ok(())
    }

    /// Detached from its caller: one who gives up must not stop between the platform's rotation and our commit.
    pub(crate) async fn refreshed(
        &self,
        integration: &Integration,
        doorway: Doorway,
        held: Held,
    ) -> Result<Held, AccountError> {
        let refresher = Refresher { accounts: self.clone(), integration: integration.clone(), doorway };
        tokio::spawn(async move { refresher.run(held).await }).await.map_err(|_panicked| AccountError::Interrupted)?
    }
}

struct Refresher {
    accounts: Accounts,
    integration: Integration,
    doorway: Doorway,
}

impl Refresher {
    /// The grant after a refresh, whoever did it.
    async fn run(&self, held: Held) -> Result<Held, AccountError> {
        let Some(refresh) = held.grant.refresh_token.clone() else {
            return if held.is_usable(Timestamp::now()) { Ok(held) } else { self.give_up(&held, End::Expired).await };
        };
        let lease = LeaseToken::new();
        let life = self.accounts.lease();
        let deadline = Instant::now() + life;
        loop {
            let mut tx = self.begin().await?;
            let of = (self.integration.tenant_id, self.integration.id);
            let taken = table::lease(&mut tx, of, &held.edition, (lease, life)).await?;
            let now_held =
                if taken.is_none() { self.accounts.held(&mut tx, &self.integration).await } else { Ok(None) };
            tx.commit().await?;
            if let Some(taken) = taken {
                return self.hold(held, (lease, taken), &refresh).await;
            }
            let now_held = now_held?.ok_or(AccountError::NoCredentials(self.integration.id))?;
            if now_held.edition != held.edition {
                return Ok(now_held);
            }
            if held.is_usable(Timestamp::now()) {
                return Ok(held);
            }
            if Instant::now() >= deadline {
                return Err(AccountError::Interrupted);
            }
            sleep(LOOK).await;
        }
    }

    /// What the holder of the lease does.
    async fn hold(
        &self,
        held: Held,
        (lease, taken): (LeaseToken, Taken),
        refresh: &SecretString,
    ) -> Result<Held, AccountError> {
        if self.doorway.single_use_refresh && taken.was_shown {
            match self.is_unspent(&held).await {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return self.give_up(&held, End::Lost).await,
                // Somebody died over it, and nobody can say when: it is not shown again.
                Ok(None) if taken.was_taken_over => return self.give_up(&held, End::Lost).await,
                // The platform was away. If it took the token then, the grant is lost already, and asking costs nothing more.
                Ok(None) => {}
                // The lease is left to run out: that somebody died over it must not be forgotten.
                Err(error) if taken.was_taken_over => return held.or(error),
                Err(error) => return self.put_off(held, lease, error, false).await,
            }
        }
        let oauth = self.doorway.oauth()?;
        match oauth.refresh(&self.doorway.app, &self.doorway.http, refresh).await {
            Ok(answer) => {
                self.accounts.database().steps().reached(Step::TokenAnswered);
                self.keep(held, answer).await
            }
            Err(error) if error.code == INVALID_GRANT => self.disbelieve(held).await,
            Err(error) => {
                let was_answered = error.status.is_some() || !error.outcome_is_unknown();
                self.put_off(held, lease, error, was_answered).await
            }
        }
    }

    async fn is_unspent(&self, held: &Held) -> Result<Option<bool>, ConnectorError> {
        let Ok(oauth) = self.doorway.oauth() else { return Ok(None) };
        oauth.is_unspent(&self.doorway.app, &self.doorway.http, &held.grant).await
    }

    /// Keeps what the platform answered, however long that takes: nobody else has it.
    async fn keep(&self, held: Held, answer: Grant) -> Result<Held, AccountError> {
        let grant = self.doorway.dated(held.grant.clone().renewed_by(answer));
        let (started, mut wait) = (Instant::now(), FIRST_WAIT);
        loop {
            match self.keep_once(&held, &grant).await {
                Ok(()) => break,
                Err(error) if started.elapsed() < KEEP_TRYING => {
                    tracing::warn!(integration.id = %self.integration.id, %error, "a refreshed grant could not be kept yet");
                }
                Err(error) => return Err(error),
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        self.accounts.database().steps().reached(Step::TokenKept);
        self.count("renewed");
        self.read().await?.ok_or(AccountError::NoCredentials(self.integration.id))
    }

    async fn keep_once(&self, held: &Held, grant: &Grant) -> Result<(), AccountError> {
        let of @ (tenant, id) = (self.integration.tenant_id, self.integration.id);
        let mut tx = self.begin().await?;
        let tokens = self.accounts.seal_tokens(&mut tx, of, grant).await?;
        let had_ended = table::renew(&mut tx, of, &held.edition, &tokens).await?;
        if had_ended == Some(true) {
            let status = if self.integration.enabled { Status::Active } else { Status::Inactive };
            health::set_status(&mut tx, tenant, id, status, None).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The platform says that the grant is no more. Who was faster may have spent the token, so it is read again first.
    async fn disbelieve(&self, held: Held) -> Result<Held, AccountError> {
        match self.read().await? {
            Some(now) if now.edition != held.edition => Ok(now),
            Some(_) => self.give_up(&held, End::Withdrawn).await,
            None => Err(AccountError::NoCredentials(self.integration.id)),
        }
    }

    /// The platform does not say. What there is stays, and is used for as long as it lasts.
    async fn put_off(
        &self,
        held: Held,
        lease: LeaseToken,
        error: ConnectorError,
        was_answered: bool,
    ) -> Result<Held, AccountError> {
        self.count("put_off");
        tracing::warn!(integration.id = %self.integration.id, %error, "a grant could not be refreshed");
        let mut tx = self.begin().await?;
        table::release(&mut tx, self.integration.id, lease, was_answered).await?;
        tx.commit().await?;
        held.or(error)
    }

    async fn give_up(&self, held: &Held, end: End) -> Result<Held, AccountError> {
        let cause = end.cause();
        let of @ (tenant, id) = (self.integration.tenant_id, self.integration.id);
        let mut tx = self.begin().await?;
        if table::end(&mut tx, of, &held.edition, cause).await? {
            health::set_status(&mut tx, tenant, id, Status::ReauthRequired, Some(cause)).await?;
        }
        tx.commit().await?;
        self.count(end.outcome());
        tracing::warn!(tenant.id = %tenant, integration.id = %id, error.cause = cause, "a grant is no more; the integration is parked");
        Err(AccountError::GrantEnded(cause.to_owned()))
    }

    fn count(&self, outcome: &'static str) {
        let labels = [("platform", self.integration.platform.to_string()), ("outcome", outcome.to_owned())];
        metrics::counter!("coccinelle_token_refreshes_total", &labels).increment(1);
    }

    async fn read(&self) -> Result<Option<Held>, AccountError> {
        let mut tx = self.begin().await?;
        let held = self.accounts.held(&mut tx, &self.integration).await?;
        tx.commit().await?;
        Ok(held)
    }

    async fn begin(&self) -> Result<persistence::Transaction, AccountError> {
        Ok(self.accounts.database().begin(Scope::Tenant(self.integration.tenant_id)).await?)
    }
}
