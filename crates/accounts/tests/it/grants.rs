//! What tests of grants share: processes over one database, an integration with a grant, how it stands, and the deaths of processes.

use std::collections::BTreeMap;
use std::time::Duration;

use accounts::Accounts;
use connectors::oauth::Grant;
use domain::id::IntegrationId;
use domain::integration::{Delivery, Direction, Frequency, Integration, Status};
use persistence::integrations::NewIntegration;
use persistence::{Database, Scope, health, integrations};
use reqwest::Response;
use reqwest::header::LOCATION;
use secrecy::SecretString;
use url::Url;

use crate::opening::World;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const REDIRECT: &str = "https://app.example.test/callback";
/// What the cause of a grant says that was lost between the platform's rotation and our commit.
pub(crate) const LOST: &str = "jeton à usage unique";

/// A grant whose token was noted as shown, and by whom is not known yet.
pub(crate) const SHOWN: &str =
    "SELECT count(*) FROM integration_oauth_tokens WHERE shown_at IS NOT NULL AND lease_token IS NOT NULL";

/// So that the death of a process need not be waited for.
pub(crate) const EXPIRE_LEASE: &str =
    "UPDATE integration_oauth_tokens SET lease_expires_at = now() - interval '1 second'";

impl World {
    /// The accounts as one more process has them, with these settings of its platforms.
    pub(crate) fn process<const N: usize>(&self, settings: [(&str, String); N], timeout: Duration) -> Accounts {
        let settings = settings.map(|(name, value)| (format!("COCCINELLE__PLATFORMS__{name}"), value));
        let platforms = runtime::config::read(None, settings).unwrap().platforms;
        let database = Database::new(&self.database.worker_url().into(), 4, Duration::from_secs(30));
        Accounts::new(database, self.vault(), &platforms, timeout).unwrap()
    }

    /// An integration that is kept nowhere yet.
    pub(crate) fn integration(&self, platform: &str, account: &str, url: Option<&str>) -> Integration {
        Integration {
            id: IntegrationId::new(),
            tenant_id: self.tenant,
            platform: platform.parse().unwrap(),
            name: platform.to_owned(),
            enabled: true,
            direction: Direction::Bidirectional,
            kind_directions: BTreeMap::new(),
            options: BTreeMap::new(),
            frequency: Frequency::Realtime,
            delivery: Delivery::Direct,
            account_id: Some(account.to_owned()),
            account_name: None,
            url: url.map(str::to_owned),
            workflow_url: None,
            alerts: domain::alert::Alerts::default(),
            version: 1,
        }
    }

    /// Keeps an integration with a grant that was just given.
    pub(crate) async fn keep_granted(&self, accounts: &Accounts, integration: &Integration, grant: &Grant) {
        let mut tx = self.owner().begin(Scope::System).await.unwrap();
        let new = NewIntegration { integration: integration.clone(), sealed: None };
        integrations::create(&mut tx, &new).await.unwrap();
        accounts.keep_grant(&mut tx, (self.tenant, integration.id), grant).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn standing(&self, integration: &Integration) -> (Status, Option<String>) {
        let mut tx = self.owner().begin(Scope::System).await.unwrap();
        let health = health::get(&mut tx, self.tenant, integration.id).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        (health.status, health.cause)
    }
}

/// The code with which a consent page sends a browser back.
pub(crate) fn code_in(answer: &Response) -> SecretString {
    let back: Url = answer.headers()[LOCATION].to_str().unwrap().parse().unwrap();
    back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned().into()
}
