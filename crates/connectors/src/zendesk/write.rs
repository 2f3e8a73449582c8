//! Creating, changing and deleting objects, one call each.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::field::{FieldValue, RemoteFields};
use domain::kind::RecordKind;
use serde_json::{Map, Value, json};

use super::ticket::{self, Form};
use super::wire::{self, Object};
use super::{Zendesk, api, read, user};
use crate::account::Account;
use crate::connector::{Create, Done, Tie, Update, Writer, Written, Wrote};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::values::{id_of, number};
use crate::{names, singly};

/// The status of a write that made something.
const CREATED: u16 = 201;

/// Each takes a search or two and a call or two, and a minute takes a few hundred.
const AT_ONCE: usize = 25;

#[async_trait]
impl Writer for Zendesk {
    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn inseparable(&self, kind: RecordKind) -> &'static [&'static str] {
        names::halves(kind)
    }

    async fn create(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        api::names(kind)?;
        let calls = items.iter().map(|item| async move {
            if kind == RecordKind::Contact {
                create_user(account, item).await
            } else {
                create_ticket(account, item).await
            }
        });
        Ok(singly::each(calls.collect()).await)
    }

    async fn update(&self, account: &Account, kind: RecordKind, items: &[Update]) -> Wrote {
        api::names(kind)?;
        let half = items.iter().filter(|item| kind == RecordKind::Contact && names::is_half(&item.fields));
        let ids: Vec<String> = half.map(|item| item.external_id.clone()).collect();
        let current = read::by_id(account, kind, &ids).await?;
        let calls = items.iter().map(|item| {
            let name = current.get(&item.external_id).map_or("", |user| user.text("name"));
            async move {
                if kind == RecordKind::Contact {
                    update_user(account, item, name).await
                } else {
                    update_ticket(account, item).await
                }
            }
        });
        Ok(singly::each(calls.collect()).await)
    }

    async fn delete(&self, account: &Account, kind: RecordKind, ids: &[String]) -> Done {
        let (plural, _) = api::names(kind)?;
        let calls = ids.iter().map(|id| async move {
            // A note stays in its ticket, which is somebody else's.
            if read::is_note(id) { Ok(()) } else { api::delete(account, &[plural, id]).await }
        });
        let each = singly::each(calls.collect()).await;
        Ok(each.into_iter().map(|result| result.or_else(ConnectorError::unless_gone)).collect())
    }

    async fn associate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        api::names(kind)?;
        let calls = ties.iter().map(|tie| async move {
            if read::is_note(&tie.external_id) {
                return Ok(());
            }
            let body = json!({"ticket": {"requester_id": number(&tie.contact)}});
            api::put(account, &["tickets", &tie.external_id], body).await.map(drop)
        });
        Ok(singly::each(calls.collect()).await)
    }

    /// A ticket is always somebody's: a tie ends when another takes its place.
    async fn dissociate(&self, _account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        api::names(kind)?;
        Ok(vec![Ok(()); ties.len()])
    }
}

/// A create with the same key, or of somebody with the same address, changes the user that is there.
async fn create_user(account: &Account, item: &Create) -> Result<Written, ConnectorError> {
    let body = json!({"user": new_user(item)});
    let answer = api::ask(account, Call::post(&[api::V2, "users", "create_or_update"], body)).await?;
    let user = wire::object(&answer.body, "user").ok_or_else(ConnectorError::unanswered)?;
    // Only the status tells a new user from one that was there: the same written again does not even move its time.
    Ok(written(RecordKind::Contact, &user, &item.fields, answer.status == CREATED))
}

/// All of a new user: nobody is without a name there.
pub(crate) fn new_user(item: &Create) -> Map<String, Value> {
    let mut fields = item.fields.clone();
    fields.retain(|_, value| !value.is_null());
    let mut body = user::body(&fields, "");
    if !body.contains_key("name") {
        let known = [user::EMAIL, user::PHONE].into_iter().filter_map(|name| body.get(name)?.as_str());
        let name = known.map(str::to_owned).next().unwrap_or_else(|| "?".to_owned());
        body.insert("name".to_owned(), json!(name));
    }
    body.insert("external_id".to_owned(), json!(item.key.to_string()));
    // Nobody is written to because Sara took a call.
    body.insert("skip_verify_email".to_owned(), json!(true));
    body
}

/// What changes of a user; `name` is the one that is there.
pub(crate) fn changed_user(item: &Update, name: &str) -> Map<String, Value> {
    let mut body = user::body(&item.fields, name);
    body.insert("skip_verify_email".to_owned(), json!(true));
    body
}

async fn update_user(account: &Account, item: &Update, name: &str) -> Result<Written, ConnectorError> {
    let id = item.external_id.as_str();
    let answer = api::put(account, &["users", id], json!({"user": changed_user(item, name)})).await?;
    let user = wire::object(&answer, "user").ok_or_else(ConnectorError::unanswered)?;
    let user = with_address(account, item, user).await.map_err(ConnectorError::after_a_write)?;
    Ok(written(RecordKind::Contact, &user, &item.fields, false))
}

/// A user that was written, once the address that counts is the one that was meant: that takes calls of its own.
async fn with_address(account: &Account, item: &Update, user: Object) -> Result<Object, ConnectorError> {
    let (id, shown) = (item.external_id.as_str(), user.text(user::EMAIL));
    let changes = match item.fields.get(user::EMAIL) {
        Some(FieldValue::Null) if !shown.is_empty() => take_address(account, id, shown).await?,
        // An address that is written to a user becomes one more of his; the first he has stays the primary one.
        Some(FieldValue::Text(email)) if !email.is_empty() && shown.to_lowercase() != email.to_lowercase() => {
            make_primary(account, id, email).await?
        }
        Some(_) | None => false,
    };
    if !changes {
        return Ok(user);
    }
    let answer = api::get(account, &["users", id]).await?;
    wire::object(&answer, "user").ok_or_else(ConnectorError::unanswered)
}

/// Makes an address of a user the one that counts; whether it is one of his.
pub(crate) async fn make_primary(account: &Account, id: &str, email: &str) -> Result<bool, ConnectorError> {
    let Some(identity) = identity(account, id, email).await? else { return Ok(false) };
    api::put(account, &["users", id, "identities", &identity, "make_primary"], json!({})).await?;
    Ok(true)
}

/// Takes an address away from a user; whether it was one of his. Where he has others, the next of them counts from then on.
async fn take_address(account: &Account, id: &str, email: &str) -> Result<bool, ConnectorError> {
    let Some(identity) = identity(account, id, email).await? else { return Ok(false) };
    api::delete(account, &["users", id, "identities", &identity]).await.or_else(ConnectorError::unless_gone)?;
    Ok(true)
}

/// That by which a user has an address. An account of another sort, as of Google, may go by the same one, and is left alone.
async fn identity(account: &Account, id: &str, email: &str) -> Result<Option<String>, ConnectorError> {
    let body = api::get(account, &["users", id, "identities"]).await?;
    let identities = wire::objects(&body, "identities");
    let is_it = |one: &Object| one.text("type") == "email" && one.text("value").to_lowercase() == email.to_lowercase();
    Ok(identities.into_iter().find(is_it).map(|identity| identity.id))
}

async fn create_ticket(account: &Account, item: &Create) -> Result<Written, ConnectorError> {
    if let (Form::Comment, Some(contact)) = (ticket::form(account), item.contact.as_deref())
        && let Some(open) = open_ticket(account, contact).await?
    {
        let body = json!({"ticket": ticket::remark(&item.fields, item.key)});
        let answer = api::put(account, &["tickets", &open.id], body).await?;
        let note = answer.pointer("/audit/id").and_then(id_of).unwrap_or_else(|| item.key.to_string());
        return Ok(Written {
            external_id: format!("{}-{note}", open.id),
            shown: RemoteFields::new(),
            created: true,
            modified_at: wire::object(&answer, "ticket").and_then(|ticket| ticket.modified_at()),
        });
    }
    let body = json!({"ticket": ticket::new(&item.fields, item.key, item.contact.as_deref())});
    let answer = api::send(account, Call::post(&[api::V2, "tickets"], body)).await?;
    let ticket = wire::object(&answer, "ticket").ok_or_else(ConnectorError::unanswered)?;
    Ok(written(RecordKind::Activity, &ticket, &item.fields, true))
}

/// The newest ticket of a person in which nothing is settled yet.
async fn open_ticket(account: &Account, contact: &str) -> Result<Option<Object>, ConnectorError> {
    let call = Call::get(&[api::V2, "users", contact, "tickets", "requested"]);
    let call = call.with("sort_by", "created_at").with("sort_order", "desc").with("per_page", "100");
    let body = match api::send(account, call).await {
        Err(error) if error.kind == FaultKind::NotFound => Value::Null,
        other => other?,
    };
    let is_open = |ticket: &Object| matches!(ticket.text("status"), "new" | "open" | "pending" | "hold");
    Ok(wire::objects(&body, "tickets").into_iter().find(is_open))
}

/// What changes of a ticket. What else there is of the ticket in which a note stands is not the call's.
pub(crate) fn changed_ticket(item: &Update) -> Map<String, Value> {
    let mut body = ticket::body(&item.fields);
    if read::is_note(&item.external_id) {
        body.retain(|name, _| name == ticket::COMMENT);
    }
    body
}

async fn update_ticket(account: &Account, item: &Update) -> Result<Written, ConnectorError> {
    let (body, id) = (changed_ticket(item), read::ticket_of(&item.external_id));
    if body.is_empty() && read::is_note(&item.external_id) {
        let (external_id, shown) = (item.external_id.clone(), RemoteFields::new());
        return Ok(Written { external_id, shown, created: false, modified_at: None });
    }
    let answer = api::put(account, &["tickets", id], json!({ "ticket": body })).await?;
    let ticket = wire::object(&answer, "ticket").ok_or_else(ConnectorError::unanswered)?;
    let written = written(RecordKind::Activity, &ticket, &item.fields, false);
    Ok(Written { external_id: item.external_id.clone(), ..written })
}

fn written(kind: RecordKind, object: &Object, fields: &RemoteFields, created: bool) -> Written {
    Written {
        external_id: object.id.clone(),
        shown: object.shown(kind, fields.keys()),
        created,
        modified_at: object.modified_at(),
    }
}
