//! Zendesk's webhooks: one for everything that happens to users. The secret that signs its deliveries is Zendesk's to choose.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Zendesk, api};
use crate::account::Account;
use crate::error::ConnectorError;
use crate::http::Call;
use crate::subscriptions::{New, Subscription, Subscriptions, Target};

/// What people see of it.
const NAME: &str = "Coccinelle";

const USERS: &str = "users";

/// What changes a user, in the order of Zendesk's own list.
const EVENTS: [&str; 14] = [
    "created",
    "deleted",
    "merged",
    "active_changed",
    "alias_changed",
    "custom_field_changed",
    "details_changed",
    "identity_changed",
    "identity_created",
    "identity_deleted",
    "name_changed",
    "notes_changed",
    "tags_changed",
    "time_zone_changed",
];

#[async_trait]
impl Subscriptions for Zendesk {
    fn topics(&self) -> &'static [&'static str] {
        const { &[USERS] }
    }

    async fn list(&self, account: &Account) -> Result<Vec<Subscription>, ConnectorError> {
        Ok(api::all(account, "webhooks").await?.iter().filter_map(read).collect())
    }

    async fn subscribe(&self, account: &Account, _topic: &'static str, target: &Target) -> Result<New, ConnectorError> {
        let webhook = json!({"webhook": {
            "name": NAME,
            "status": "active",
            "endpoint": target.url.as_str(),
            "http_method": "POST",
            "request_format": "json",
            "subscriptions": EVENTS.map(full_name),
        }});
        let answer = api::send(account, Call::post(&[api::V2, "webhooks"], webhook)).await?;
        let id = answer.pointer("/webhook/id").and_then(Value::as_str).ok_or_else(ConnectorError::unanswered)?;
        let answer = api::get(account, &["webhooks", id, "signing_secret"]).await?;
        let secret = answer.pointer("/signing_secret/secret").and_then(Value::as_str);
        Ok(New { id: Some(id.to_owned()), secret: secret.map(|secret| secret.to_owned().into()) })
    }

    async fn unsubscribe(&self, account: &Account, id: &str) -> Result<(), ConnectorError> {
        api::delete(account, &["webhooks", id]).await.or_else(ConnectorError::unless_gone)
    }
}

fn full_name(event: &str) -> String {
    format!("zen:event-type:user.{event}")
}

/// One that lacks an event is of no topic of ours.
fn read(row: &Value) -> Option<Subscription> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let heard: Vec<&str> = row.get("subscriptions")?.as_array()?.iter().filter_map(Value::as_str).collect();
    let is_whole = EVENTS.iter().all(|event| heard.contains(&full_name(event).as_str()));
    Some(Subscription {
        id: row.get("id")?.as_str()?.to_owned(),
        topic: if is_whole { USERS.to_owned() } else { String::new() },
        url: text("endpoint").to_owned(),
        is_active: text("status") == "active",
    })
}
