//! Pipedrive's webhooks: one for each kind, calling with the name and password that we chose.

use async_trait::async_trait;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::webhooks::USER;
use super::{Pipedrive, api, wire};
use crate::account::Account;
use crate::error::ConnectorError;
use crate::http::Call;
use crate::subscriptions::{New, Subscription, Subscriptions, Target};
use crate::values::id_of;

/// What people see of them.
const NAME: &str = "Coccinelle";

const TOPICS: &[&str] = &["person", "deal", "activity"];

#[async_trait]
impl Subscriptions for Pipedrive {
    fn topics(&self) -> &'static [&'static str] {
        TOPICS
    }

    async fn list(&self, account: &Account) -> Result<Vec<Subscription>, ConnectorError> {
        let body = api::send(account, Call::get(&[api::V1, "webhooks"])).await?;
        Ok(wire::rows(&body).iter().filter_map(read).collect())
    }

    async fn subscribe(&self, account: &Account, topic: &'static str, target: &Target) -> Result<New, ConnectorError> {
        let body = json!({
            "name": format!("{NAME} ({topic})"),
            "subscription_url": target.url.as_str(),
            "event_action": "*",
            "event_object": topic,
            "version": "2.0",
            "http_auth_user": USER,
            "http_auth_password": target.secret.as_ref().map(ExposeSecret::expose_secret),
        });
        let answer = api::send(account, Call::post(&[api::V1, "webhooks"], body)).await?;
        let id = answer.pointer("/data/id").and_then(id_of);
        Ok(New { id, secret: None })
    }

    async fn unsubscribe(&self, account: &Account, id: &str) -> Result<(), ConnectorError> {
        let call = Call::new(Method::DELETE, &[api::V1, "webhooks", id]);
        api::send(account, call).await.map(drop).or_else(ConnectorError::unless_gone)
    }
}

/// One that is not for every action, or of the version before, is of no topic of ours.
fn read(row: &Value) -> Option<Subscription> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_whole = text("event_action") == "*" && text("version").starts_with('2');
    let is_active = match row.get("is_active")? {
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_u64() == Some(1),
        Value::String(text) => matches!(text.as_str(), "1" | "true"),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    Some(Subscription {
        id: id_of(row.get("id")?)?,
        topic: if is_whole { text("event_object").to_owned() } else { String::new() },
        url: text("subscription_url").to_owned(),
        is_active,
    })
}
