//! Accounts of the tenant at other platforms than the CRM: connected as the gateway does it, heard of as the ingest hands it over.

use std::collections::{BTreeMap, BTreeSet};

use connectors::connector::Connector;
use connectors::registry::Platform;
use domain::credentials::Credentials;
use domain::id::{IntegrationId, RecordId, TenantId, WebhookLogId};
use domain::integration::{Delivery, Direction, Frequency, Integration};
use domain::kind::RecordKind;
use domain::message::WebhookApply;
use domain::record::Record;
use domain::time::Timestamp;
use messaging::Context;
use persistence::integrations::NewIntegration;
use persistence::records::{links, store};
use persistence::{integrations, mappings, subscriptions};
use testkit::wait;

use crate::crm::Crm;
use crate::scheduling::undisturbed;
use crate::world::{DEADLINE, World};

/// Where the stand-ins are whose address is the operator's to say.
pub(crate) fn places(crm: &Crm) -> Vec<(&'static str, String)> {
    let of_account = |platform| crm.platform_url(platform, "{account}");
    let allowed = || "true".to_owned();
    vec![
        ("PLATFORMS__PIPEDRIVE__BASE_URL", crm.platform_url("pipedrive", "")),
        ("PLATFORMS__SALESFORCE__BASE_URL", of_account("salesforce")),
        ("PLATFORMS__SALESFORCE__ALLOW_PRIVATE_ADDRESSES", allowed()),
        ("PLATFORMS__SHOPIFY__BASE_URL", of_account("shopify")),
        ("PLATFORMS__SHOPIFY__ALLOW_PRIVATE_ADDRESSES", allowed()),
        ("PLATFORMS__WOOCOMMERCE__ALLOW_PRIVATE_ADDRESSES", allowed()),
        ("PLATFORMS__ZENDESK__BASE_URL", of_account("zendesk")),
        ("PLATFORMS__ZENDESK__ALLOW_PRIVATE_ADDRESSES", allowed()),
    ]
}

/// A delivery of our app's at a platform, as the ingest hands it over.
pub(crate) fn delivery(platform: Platform, headers: &[(&str, &str)], body: String) -> WebhookApply {
    WebhookApply {
        delivery: WebhookLogId::new(),
        platform: platform.connector().descriptor().slug.parse().unwrap(),
        integration_id: None,
        received_at: Timestamp::now(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body,
    }
}

/// An account at a platform's stand-in.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) platform: Platform,
    /// As the stand-in calls it.
    pub(crate) account: &'static str,
    /// As the platform calls it; of a shop with an address of its own, that is its address.
    pub(crate) account_id: &'static str,
    /// The site that the tenant names.
    pub(crate) site: Option<&'static str>,
    /// With its other half, where it has one.
    pub(crate) key: (&'static str, Option<&'static str>),
}

pub(crate) const PIPEDRIVE: Peer =
    Peer { platform: Platform::Pipedrive, account: "900", account_id: "900", site: None, key: ("pd-900-secret", None) };

pub(crate) const SALESFORCE: Peer = Peer {
    platform: Platform::Salesforce,
    account: "00D000000000001EAA",
    account_id: "00D000000000001EAA",
    site: Some("00D000000000001EAA"),
    key: ("00D000000000001EAA!secret", None),
};

pub(crate) const SHOPIFY: Peer = Peer {
    platform: Platform::Shopify,
    account: "acme",
    account_id: "acme.myshopify.com",
    site: Some("acme"),
    key: ("shpat_acme_secret", None),
};

pub(crate) const WOOCOMMERCE: Peer = Peer {
    platform: Platform::WooCommerce,
    account: "demo",
    account_id: "",
    site: None,
    key: ("ck_1111111111111111111111111111111111111111", Some("cs_1111111111111111111111111111111111111111")),
};

pub(crate) const ZENDESK: Peer = Peer {
    platform: Platform::Zendesk,
    account: "acme",
    account_id: "acme",
    site: Some("acme"),
    key: ("zd-acme-secret", None),
};

/// What is peculiar to how it is connected.
#[derive(Default)]
pub(crate) struct Wishes {
    pub(crate) directions: BTreeMap<RecordKind, Direction>,
    pub(crate) options: BTreeMap<String, String>,
}

impl Peer {
    fn connector(&self) -> &'static dyn Connector {
        self.platform.connector()
    }

    /// As the paths of the sandbox name it.
    pub(crate) fn place(&self) -> String {
        format!("{}/{}", self.connector().descriptor().slug, self.account)
    }

    /// As a tenant configures it.
    fn integration(&self, world: &World, tenant_id: TenantId, wishes: Wishes) -> Integration {
        let descriptor = self.connector().descriptor();
        let address = descriptor.needs_url.then(|| world.crm.platform_url(descriptor.slug, self.account));
        Integration {
            id: undisturbed(),
            tenant_id,
            platform: descriptor.slug.parse().unwrap(),
            name: descriptor.name.to_owned(),
            enabled: true,
            direction: Direction::Bidirectional,
            kind_directions: wishes.directions,
            options: wishes.options,
            frequency: Frequency::Realtime,
            delivery: Delivery::Direct,
            account_id: Some(address.clone().unwrap_or_else(|| self.account_id.to_owned())),
            account_name: None,
            url: address.or(self.site.map(str::to_owned)),
            workflow_url: None,
            alerts: domain::alert::Alerts::default(),
            version: 1,
        }
    }

    fn credentials(&self) -> Credentials {
        let (key, secret) = (self.key.0.to_owned().into(), self.key.1.map(|secret| secret.to_owned().into()));
        match self.connector().descriptor().key_fields() {
            Some(_) => Credentials::ApiKey { key, secret },
            None => Credentials::Bearer { access_token: key },
        }
    }

    /// Connects it to the tenant of the world, and makes it ready.
    pub(crate) async fn connect(&self, world: &World, wishes: Wishes) -> Integration {
        self.connect_to(world, world.tenant, wishes).await
    }

    /// Connects it to a tenant. Nobody looks after its subscriptions unasked: making them is writing there, at a moment that no test
    /// knows, and would meet what a test has in store for its own write.
    pub(crate) async fn connect_to(&self, world: &World, tenant: TenantId, wishes: Wishes) -> Integration {
        let (integration, connector) = (self.integration(world, tenant, wishes), self.connector());
        let of = (tenant, integration.id);
        let mut tx = world.begin().await;
        let sealed = world.accounts().seal(&mut tx, of, &self.credentials()).await.unwrap();
        let new = NewIntegration { integration: integration.clone(), sealed: Some(sealed.into()) };
        integrations::create(&mut tx, &new).await.unwrap();
        for kind in connector.descriptor().kinds {
            mappings::replace(&mut tx, of, *kind, &connector.default_mapping(*kind).fields).await.unwrap();
        }
        // In the transaction that shows the integration to dispatchers, so that none of them is faster.
        let platforms = std::slice::from_ref(&integration.platform);
        subscriptions::take_due(&mut tx, platforms, Timestamp::now(), 100).await.unwrap();
        tx.commit().await.unwrap();
        let account = world.accounts().open(&integration).await.unwrap();
        connector.probe().prepare(&account).await.unwrap();
        integration
    }
}

impl World {
    /// Hands over a delivery of another platform.
    pub(crate) async fn tell(
        &self,
        platform: Platform,
        integration_id: Option<IntegrationId>,
        headers: &[(&str, &str)],
        body: String,
    ) {
        let message = WebhookApply { integration_id, ..delivery(platform, headers, body) };
        self.broker.publish(&message, &Context::new()).await.unwrap();
    }

    /// Waits until all events are merged and another integration than the CRM's is owed nothing.
    pub(crate) async fn in_step(&self, integration: IntegrationId) {
        wait::until("another platform to be in step", DEADLINE, || async {
            self.is_taken_in().await?;
            let owed = self.drift_of(integration).await;
            if owed == 0 { Ok(()) } else { Err(format!("{owed} links are owed")) }
        })
        .await;
    }

    /// The record that another platform's object became, once it is in the state that is wanted.
    pub(crate) async fn record_at(
        &self,
        (integration, kind, id): (IntegrationId, RecordKind, &str),
        wanted: impl Fn(&Record) -> bool,
    ) -> Record {
        wait::until("the record of another platform's object", DEADLINE, || async {
            let mut tx = self.begin().await;
            let links = links::by_external_id(&mut tx, integration, kind, &[id.to_owned()].into()).await.unwrap();
            let ids: BTreeSet<RecordId> = links.values().filter_map(|link| link.record).collect();
            let tenant = integrations::get_any(&mut tx, integration).await.unwrap().unwrap().tenant_id;
            let found = store::get_many(&mut tx, tenant, &ids).await.unwrap().into_iter().next();
            tx.commit().await.unwrap();
            found.filter(|record| wanted(record)).ok_or(format!("{kind} {id} is not so yet"))
        })
        .await
    }
}
