//! The issuer of our callers' tokens: its keys, kept here while it is away. What a key is good for is `keys`'s.

use std::sync::Arc;
use std::time::Duration;

use connectors::error::ConnectorError;
use connectors::http::{Client, Reach, SetupError};
use jsonwebtoken::Algorithm;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::keys::{KeySet, Lookup, PublicKey};
use super::token::TokenFault;
use crate::refusal::Refusal;

/// How long the issuer may take; somebody may be waiting.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of its answer; more keys than that nobody has.
const ANSWER_LIMIT: usize = 256 * 1024;
/// How often the keys are fetched unasked.
const FRESH: Duration = Duration::from_mins(10);
/// How soon that is tried again when it failed; each time twice as long, up to the second.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// How often at most a token can make us ask: anybody can write a token with a key that nobody knows.
const PATIENCE: Duration = Duration::from_secs(30);

/// An issuer's keys by its JWKS address. Those that were fetched last stay good while it does not answer.
#[derive(Debug)]
pub(super) struct Issuer {
    client: Client,
    url: Url,
    keys: watch::Sender<Option<Arc<KeySet>>>,
    /// When a token last made us ask. Held while asking, so that those who want the same wait for one answer.
    asked: Mutex<Option<Instant>>,
}

/// Why there are no newer keys.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the issuer's keys cannot be fetched")]
    Away(#[from] ConnectorError),
    #[error("the issuer's document holds no key that can be used")]
    NoKeys,
}

impl Issuer {
    pub(super) fn new(url: Url) -> Result<Self, SetupError> {
        // An operator configured the address, so it may be one of our own network.
        let client = Client::new(TIMEOUT, Reach::Anywhere)?;
        Ok(Self { client, url, keys: watch::Sender::new(None), asked: Mutex::new(None) })
    }

    /// The key that a token means; asks the issuer for one that is not known, though not often.
    pub(super) async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<PublicKey, Refusal> {
        if let Some(known) = self.look_up(id, algorithm)? {
            return Ok(known);
        }
        let mut asked = self.asked.lock().await;
        // Whoever was here before may have brought it.
        if let Some(known) = self.look_up(id, algorithm)? {
            return Ok(known);
        }
        if asked.is_none_or(|at| at.elapsed() >= PATIENCE) {
            *asked = Some(Instant::now());
            self.fetch_and_tell().await;
        }
        drop(asked);
        let has_keys = self.keys.borrow().is_some();
        let refusal = if has_keys { Refusal::BadToken(TokenFault::UnknownKey) } else { Refusal::CannotCheck };
        self.look_up(id, algorithm)?.ok_or(refusal)
    }

    /// Fetches the keys now and then, until `shutdown`.
    pub(super) async fn keep_fresh(&self, shutdown: &CancellationToken) {
        let (first, longest) = AGAIN;
        let mut pause = first;
        while let Some(fetched) = shutdown.run_until_cancelled(self.fetch_and_tell()).await {
            let wait = if fetched { FRESH } else { pause };
            pause = if fetched { first } else { (pause * 2).min(longest) };
            if shutdown.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
        }
    }

    fn look_up(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Option<PublicKey>, Refusal> {
        let keys = self.keys.borrow();
        match keys.as_ref().map_or(Lookup::Unknown, |keys| keys.find(id, algorithm)) {
            Lookup::Found(key) => Ok(Some(key.clone())),
            Lookup::Refused => Err(Refusal::BadToken(TokenFault::WrongAlgorithm)),
            Lookup::Unknown => Ok(None),
        }
    }

    async fn fetch_and_tell(&self) -> bool {
        let fetched = self.fetch().await;
        if let Err(error) = &fetched {
            let error: &dyn std::error::Error = error;
            tracing::warn!(error, "the keys that were fetched last are used further");
        }
        fetched.is_ok()
    }

    async fn fetch(&self) -> Result<(), FetchError> {
        let document = self.client.fetch(&self.url, ANSWER_LIMIT).await?;
        let keys = KeySet::read(&document).ok_or(FetchError::NoKeys)?;
        self.keys.send_replace(Some(Arc::new(keys)));
        Ok(())
    }
}
