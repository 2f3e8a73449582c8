//! Tokens that are listed, as requests meet them: which are revoked, and which were used. The database is asked and told in the
//! background, so a token is checked without it. Signing one is `signer`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use domain::id::TokenId;
use domain::time::Timestamp;
use persistence::{Database, PersistenceError, Scope, tokens};
use tokio_util::sync::CancellationToken;

use super::token::TokenFault;
use crate::refusal::Refusal;

/// How often the database is asked: so late at most does a replica know what was revoked at another.
const EVERY: Duration = Duration::from_secs(5);

/// How long a revoked token is remembered beyond its end; longer than any clock of ours is wrong.
const SLACK: Duration = Duration::from_hours(1);

/// What is known of listed tokens without asking.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// The revoked ones, each with its end; `None` until they were read for the first time.
    revoked: RwLock<Option<BTreeMap<TokenId, Timestamp>>>,
    /// Those that let somebody in since the database was told last.
    used: Mutex<BTreeSet<TokenId>>,
}

impl Listed {
    /// Lets a listed token in, unless it is revoked. Before it was ever read what is revoked, nobody can say.
    pub(crate) fn admit(&self, id: TokenId) -> Result<(), Refusal> {
        match self.is_revoked(id) {
            None => Err(Refusal::CannotCheck),
            Some(true) => Err(Refusal::BadToken(TokenFault::Revoked)),
            Some(false) => {
                self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
                Ok(())
            }
        }
    }

    /// Whether a token is revoked; `None` where nobody can say yet.
    pub(crate) fn is_revoked(&self, id: TokenId) -> Option<bool> {
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner);
        revoked.as_ref().map(|revoked| revoked.contains_key(&id))
    }

    /// A token was just revoked here.
    pub(crate) fn revoke(&self, id: TokenId, ends: Timestamp) {
        // Where nothing was read yet, it will be read with the others.
        if let Some(revoked) = &mut *self.revoked.write().unwrap_or_else(PoisonError::into_inner) {
            revoked.insert(id, ends);
        }
    }

    /// Asks and tells the database now and then, until `shutdown`. While it is away, what is known stays.
    pub(crate) async fn keep_fresh(&self, database: &Database, shutdown: &CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Some(Err(error)) = shutdown.run_until_cancelled(self.refresh(database)).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the tokens that were known to be revoked last are refused further");
            }
        }
    }

    async fn refresh(&self, database: &Database) -> Result<(), PersistenceError> {
        let mut tx = database.begin(Scope::System).await?;
        self.learn(tokens::revoked(&mut tx).await?, Timestamp::now());
        let used = mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        if !used.is_empty() {
            // Where this fails, their next use is noted.
            tokens::note_used(&mut tx, &used).await?;
        }
        tx.commit().await
    }

    /// Adds what was read to what is known: one that was revoked here meanwhile may not be among it yet.
    fn learn(&self, read: Vec<(TokenId, Timestamp)>, now: Timestamp) {
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        let revoked = revoked.get_or_insert_default();
        revoked.retain(|_, ends| ends.plus(SLACK) > now);
        revoked.extend(read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_let_in_by_a_listed_token_before_it_is_known_what_is_revoked() {
        let (listed, id, now) = (Listed::default(), TokenId::new(), Timestamp::now());
        assert!(matches!(listed.admit(id), Err(Refusal::CannotCheck)));
        listed.revoke(TokenId::new(), now);
        assert!(matches!(listed.admit(id), Err(Refusal::CannotCheck)), "one that is known says nothing of the others");
        listed.learn(Vec::new(), now);
        assert!(listed.admit(id).is_ok());
    }

    #[test]
    fn what_is_revoked_stays_so_until_it_would_have_ended_whatever_is_read_meanwhile() {
        let (listed, here, there, now) = (Listed::default(), TokenId::new(), TokenId::new(), Timestamp::now());
        listed.learn(vec![(there, now.plus(SLACK))], now);
        listed.revoke(here, now);
        listed.learn(Vec::new(), now.plus(SLACK / 2));
        assert_eq!((listed.is_revoked(here), listed.is_revoked(there)), (Some(true), Some(true)));
        listed.learn(Vec::new(), now.plus(SLACK));
        assert_eq!((listed.is_revoked(here), listed.is_revoked(there)), (Some(false), Some(true)));
    }

    #[test]
    fn a_token_that_let_nobody_in_was_not_used() {
        let (listed, good, bad, now) = (Listed::default(), TokenId::new(), TokenId::new(), Timestamp::now());
        listed.learn(vec![(bad, now.plus(SLACK))], now);
        assert!(listed.admit(good).is_ok() && listed.admit(bad).is_err());
        assert_eq!(*listed.used.lock().unwrap(), BTreeSet::from([good]));
    }
}
