//! A shop's webhooks. Shopify takes one away that failed too often, and then it is made anew.

use async_trait::async_trait;
use domain::fault::FaultKind;
use serde_json::{Value, json};

use super::{Shopify, api};
use crate::account::Account;
use crate::error::ConnectorError;
use crate::subscriptions::{New, Subscription, Subscriptions, Target};

/// Every payment, cancellation and refund is an update of its order as well. What the law asks of an app (`customers/redact` and
/// its like) is not subscribed to shop by shop: the app's own settings name our address for it.
const TOPICS: &[&str] = &[
    "APP_UNINSTALLED",
    "CUSTOMERS_CREATE",
    "CUSTOMERS_UPDATE",
    "CUSTOMERS_DELETE",
    "CUSTOMERS_MERGE",
    "PRODUCTS_CREATE",
    "PRODUCTS_UPDATE",
    "PRODUCTS_DELETE",
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_DELETE",
];

/// Pages of webhooks that are read at most; no shop has so many.
const PAGES: usize = 10;

#[async_trait]
impl Subscriptions for Shopify {
    fn topics(&self) -> &'static [&'static str] {
        TOPICS
    }

    async fn list(&self, account: &Account) -> Result<Vec<Subscription>, ConnectorError> {
        let document = "query($after: String) { webhookSubscriptions(first: 100, after: $after) \
                        { nodes { id topic uri } pageInfo { hasNextPage endCursor } } }";
        let (mut all, mut after) = (Vec::new(), Value::Null);
        for _ in 0..PAGES {
            let data = api::ask(account, document, json!({"after": after})).await?;
            let nodes = data.pointer("/webhookSubscriptions/nodes").and_then(Value::as_array);
            all.extend(nodes.into_iter().flatten().filter_map(subscription));
            after = data.pointer("/webhookSubscriptions/pageInfo/endCursor").cloned().unwrap_or_default();
            if data.pointer("/webhookSubscriptions/pageInfo/hasNextPage") != Some(&Value::Bool(true)) {
                break;
            }
        }
        Ok(all)
    }

    /// It is our app's secret that signs.
    async fn subscribe(&self, account: &Account, topic: &'static str, target: &Target) -> Result<New, ConnectorError> {
        let document = "mutation($topic: WebhookSubscriptionTopic!, $hook: WebhookSubscriptionInput!) \
                        { webhookSubscriptionCreate(topic: $topic, webhookSubscription: $hook) \
                        { webhookSubscription { id } userErrors { field message } } }";
        let hook = json!({"uri": target.url.as_str(), "format": "JSON"});
        let variables = json!({"topic": topic, "hook": hook});
        let made = api::change(account, "webhookSubscriptionCreate", document, variables).await?;
        let id = made.get("webhookSubscription").and_then(|made| made.get("id")?.as_str().map(str::to_owned));
        Ok(New { id, secret: None })
    }

    async fn unsubscribe(&self, account: &Account, id: &str) -> Result<(), ConnectorError> {
        let document = "mutation($id: ID!) { webhookSubscriptionDelete(id: $id) { userErrors { field message } } }";
        let deleted = api::change(account, "webhookSubscriptionDelete", document, json!({"id": id})).await;
        match deleted {
            Err(error) if error.kind == FaultKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }
}

fn subscription(hook: &Value) -> Option<Subscription> {
    let text = |name: &str| hook.get(name).and_then(Value::as_str).map(str::to_owned);
    // One that no longer calls is not listed.
    Some(Subscription { id: text("id")?, topic: text("topic")?, url: text("uri")?, is_active: true })
}
