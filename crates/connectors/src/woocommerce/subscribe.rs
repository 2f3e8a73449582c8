//! A shop's webhooks. One that failed too often is listed as disabled, and is replaced.

use async_trait::async_trait;
use domain::fault::FaultKind;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{BATCH, WooCommerce, api, wire};
use crate::account::Account;
use crate::error::ConnectorError;
use crate::http::Call;
use crate::subscriptions::{New, Subscription, Subscriptions, Target};

const TOPICS: &[&str] = &[
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "product.created",
    "product.updated",
    "product.deleted",
    "product.restored",
    "order.created",
    "order.updated",
    "order.deleted",
    "order.restored",
];

/// Pages of webhooks that are read at most; no shop has so many.
const MOST_PAGES: usize = 20;

#[async_trait]
impl Subscriptions for WooCommerce {
    fn topics(&self) -> &'static [&'static str] {
        TOPICS
    }

    async fn list(&self, account: &Account) -> Result<Vec<Subscription>, ConnectorError> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let call = Call::get(&[&path("")]).with("per_page", BATCH.to_string()).with("page", page.to_string());
            let (hooks, _) = api::list(account, call).await?;
            all.extend(hooks.iter().filter_map(subscription));
            if hooks.len() < BATCH {
                break;
            }
        }
        Ok(all)
    }

    /// The secret is always ours: one that the shop makes is never shown.
    async fn subscribe(&self, account: &Account, topic: &'static str, target: &Target) -> Result<New, ConnectorError> {
        let secret = target.secret.as_ref().map(|secret| secret.expose_secret().to_owned()).ok_or_else(|| {
            ConnectorError::new(FaultKind::Internal, "no_secret", "a webhook of a shop needs a secret of ours")
        })?;
        let body = json!({
            "name": format!("Coccinelle: {topic}"),
            "topic": topic,
            "delivery_url": target.url.as_str(),
            "secret": secret,
            "status": "active",
        });
        let made = api::send(account, Call::post(&[&path("")], body)).await?;
        Ok(New { id: wire::id_of(&made.body), secret: None })
    }

    async fn unsubscribe(&self, account: &Account, id: &str) -> Result<(), ConnectorError> {
        let call = Call::new(Method::DELETE, &[&path(&format!("/{id}"))]).with("force", "true");
        api::send(account, call).await.map(drop).or_else(ConnectorError::unless_gone)
    }
}

fn path(tail: &str) -> String {
    format!("{}/webhooks{tail}", api::ROOT)
}

fn subscription(hook: &Value) -> Option<Subscription> {
    let text = |name: &str| hook.get(name).and_then(Value::as_str);
    Some(Subscription {
        id: wire::id_of(hook)?,
        topic: text("topic")?.to_owned(),
        url: text("delivery_url")?.to_owned(),
        is_active: text("status") == Some("active"),
    })
}
