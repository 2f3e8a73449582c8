//! What a workflow may call of Zendesk: the one object of its action, by single calls. By a workflow, every call is a ticket of its own.

use async_trait::async_trait;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::workflow::{Action, Verb};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Zendesk, api, errors, read, ticket, user, wire, write};
use crate::account::Account;
use crate::connector::Update;
use crate::error::ConnectorError;
use crate::http::RawAnswer;
use crate::names;
use crate::proxy::{self, Effect, Forward, Intended, Proxy};
use crate::values::id_of;

#[async_trait]
impl Proxy for Zendesk {
    /// What is said in somebody else's ticket is ours to add to, and neither to change nor to take away.
    fn admit(&self, _account: &Account, action: Action, call: &Forward, own: Option<&str>) -> Option<Effect> {
        let (plural, one) = api::names(action.kind).ok()?;
        let routes = proxy::routes(action.verb, &format!("{}/{plural}", api::V2), Method::PUT);
        let effect = proxy::effect(&routes, call, own.map(read::ticket_of))?;
        let fields = call.at(&format!("/{one}"));
        let is_note = own.is_some_and(read::is_note);
        let adds = fields.as_object().is_some_and(|fields| fields.keys().all(|name| name == ticket::COMMENT));
        let is_right = match effect {
            Effect::Read => true,
            Effect::Write if is_note => action.verb == Verb::Update && adds,
            Effect::Create | Effect::Write => fields.get("id").is_none(),
        };
        is_right.then_some(effect)
    }

    async fn request(
        &self,
        account: &Account,
        kind: RecordKind,
        write: Intended<'_>,
    ) -> Result<Forward, ConnectorError> {
        let (plural, one) = api::names(kind)?;
        let path = |id: &str| format!("{}/{plural}/{}", api::V2, read::ticket_of(id));
        Ok(match write {
            Intended::Create(create) => {
                let body = if kind == RecordKind::Contact {
                    write::new_user(create)
                } else {
                    ticket::new(&create.fields, create.key, create.contact.as_deref())
                };
                Forward::new(Method::POST, format!("{}/{plural}", api::V2)).with(json!({ one: body }))
            }
            Intended::Update(update) if kind == RecordKind::Contact => {
                let body = changed_user(account, update).await?;
                Forward::new(Method::PUT, path(&update.external_id)).with(json!({ one: body }))
            }
            Intended::Update(update) => {
                let body = write::changed_ticket(update);
                Forward::new(Method::PUT, path(&update.external_id)).with(json!({ one: body }))
            }
            // A note stays in its ticket.
            Intended::Delete(id) if read::is_note(id) => Forward::new(Method::GET, path(id)),
            Intended::Delete(id) => Forward::new(Method::DELETE, path(id)),
        })
    }

    fn remote(&self, body: &Value) -> Value {
        body.get("user").or_else(|| body.get("ticket")).cloned().unwrap_or_default()
    }

    fn show(&self, _account: &Account, kind: RecordKind, id: &str) -> Result<Forward, ConnectorError> {
        let (plural, _) = api::names(kind)?;
        Ok(Forward::new(Method::GET, format!("{}/{plural}/{}", api::V2, read::ticket_of(id))))
    }

    async fn keyed(
        &self,
        _account: &Account,
        kind: RecordKind,
        create: Forward,
        key: RecordId,
    ) -> Result<Forward, ConnectorError> {
        let (_, one) = api::names(kind)?;
        Ok(create.adding(&format!("/{one}"), "external_id", json!(key.to_string())))
    }

    fn refusal(&self, answer: &RawAnswer) -> Option<ConnectorError> {
        answer.refused().map(errors::refine)
    }

    /// Every account has it.
    fn lacks_key(&self, _account: &Account, _kind: RecordKind, _error: &ConnectorError) -> bool {
        false
    }

    fn id_of(&self, answer: &Value) -> Option<String> {
        id_of(answer.pointer("/user/id").or_else(|| answer.pointer("/ticket/id"))?)
    }

    /// An address that is written to a user becomes one more of his: it is made the one that counts.
    async fn settle(&self, account: &Account, call: &Forward, answer: RawAnswer) -> Result<RawAnswer, ConnectorError> {
        let (written, Some(user)) = (call.at("/user/email"), wire::object(&answer.body, "user")) else {
            return Ok(answer);
        };
        match written.as_str().filter(|email| !email.is_empty()) {
            Some(email) if user.text(user::EMAIL).to_lowercase() != email.to_lowercase() => {
                write::make_primary(account, &user.id, email).await?;
                let body = api::get(account, &["users", &user.id]).await?;
                Ok(RawAnswer { body, ..answer })
            }
            Some(_) | None => Ok(answer),
        }
    }
}

async fn changed_user(account: &Account, update: &Update) -> Result<Value, ConnectorError> {
    let mut name = String::new();
    if names::is_half(&update.fields) {
        let there = read::by_id(account, RecordKind::Contact, std::slice::from_ref(&update.external_id)).await?;
        name = there.get(&update.external_id).map_or("", |user| user.text("name")).to_owned();
    }
    Ok(write::changed_user(update, &name).into())
}
