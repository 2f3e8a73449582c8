//! What connected accounts say of their fields, asked once in a while. How it is shown is `fields`'.

use std::sync::Arc;
use std::time::Duration;

use accounts::AccountError;
use connectors::discovery::RemoteField;
use connectors::error::ConnectorError;
use domain::fault::FaultKind;
use domain::id::IntegrationId;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use moka::future::Cache;
use runtime::http::Problem;

use crate::integrations::{Patience, platform_of};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// For how long an account's description of its fields is believed.
const BELIEVED: Duration = Duration::from_secs(300);

/// Descriptions kept at once.
const KEPT: u64 = 1_000;

/// What accounts said of their fields, by the version of their configuration: new credentials may show others.
#[derive(Clone, Debug)]
pub(crate) struct Descriptions(Cache<(IntegrationId, i64, RecordKind), Arc<Described>>);

/// What an account said of its fields of a kind.
#[derive(Debug)]
pub(crate) struct Described {
    /// They.
    pub(crate) fields: Vec<RemoteField>,
    /// When it said so.
    pub(crate) at: Timestamp,
}

impl Descriptions {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(KEPT).time_to_live(BELIEVED).build())
    }

    /// What an account said a while ago; `None` where it was not asked.
    pub(crate) async fn kept(&self, integration: &Integration, kind: RecordKind) -> Option<Arc<Described>> {
        self.0.get(&(integration.id, integration.version, kind)).await
    }

    /// The fields that an account has; `None` where its platform describes none. A fresh answer that fails leaves the kept one.
    pub(super) async fn of(
        &self,
        (gateway, patience): (&Gateway, Patience),
        integration: &Integration,
        kind: RecordKind,
        is_fresh: bool,
    ) -> Result<Option<Arc<Described>>, Problem> {
        let connector = platform_of(&integration.platform)?.connector();
        let Some(discovery) = connector.discovery() else { return Ok(None) };
        let key = (integration.id, integration.version, kind);
        let kept = self.0.get(&key).await;
        if let Some(kept) = kept.as_ref().filter(|_| !is_fresh) {
            return Ok(Some(Arc::clone(kept)));
        }
        let name = connector.descriptor().name;
        let account = match patience.open(gateway, integration).await {
            Ok(account) => account,
            Err(closed) => return kept.map(Some).ok_or_else(|| unopened(closed, name)),
        };
        match patience.wait(discovery.fields(&account, kind)).await {
            Ok(fields) => {
                let described = Arc::new(Described { fields, at: Timestamp::now() });
                self.0.insert(key, Arc::clone(&described)).await;
                Ok(Some(described))
            }
            Err(error) => kept.map(Some).ok_or_else(|| unanswered(&error, name).into()),
        }
    }
}

/// Why an account cannot be asked.
pub(super) fn unopened(closed: AccountError, name: &'static str) -> Problem {
    if let AccountError::Platform(error) = closed {
        return unanswered(&error, name).into();
    }
    let is_over = matches!(closed, AccountError::NoCredentials(_) | AccountError::GrantEnded(_));
    if is_over { Refusal::NotConnected.into() } else { closed.into() }
}

/// Why the platform did not say what was asked of it.
fn unanswered(error: &ConnectorError, name: &'static str) -> Refusal {
    match error.kind {
        FaultKind::RateLimited | FaultKind::Unavailable | FaultKind::Internal => Refusal::PlatformAway(name),
        FaultKind::Unauthorized
        | FaultKind::Forbidden
        | FaultKind::NotFound
        | FaultKind::Invalid
        | FaultKind::Conflict => Refusal::PlatformRefuses(name, error.message.clone()),
    }
}
