//! Looking for what may be there already: by our key, by e-mail address, by telephone number.

use domain::kind::RecordKind;
use domain::link::RemoteObject;

use super::ticket::{self, Form};
use super::wire::{self, Object};
use super::{BATCH, api, user};
use crate::account::Account;
use crate::connector::{Found, Wanted};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::names::{is_same_number, notations};
use crate::singly;

pub(crate) async fn find(account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
    if kind == RecordKind::Activity {
        let calls = wanted.iter().map(|wanted| ticket(account, wanted, fields));
        return singly::all(calls.collect()).await;
    }
    api::names(kind)?;
    let mut by_key = Vec::new();
    for part in wanted.chunks(BATCH) {
        let keys: Vec<String> = part.iter().map(|wanted| wanted.key.to_string()).collect();
        let call = Call::get(&[api::V2, "users", "show_many"]).with("external_ids", keys.join(","));
        by_key.extend(wire::objects(&api::send(account, call).await?, "users"));
    }
    by_key.retain(Object::is_there);
    let calls = wanted.iter().map(|wanted| {
        let known = by_key.iter().find(|user| user.key() == Some(wanted.key)).cloned();
        async move {
            match known {
                Some(user) => Ok(Some(user)),
                None => person(account, wanted).await,
            }
        }
    });
    let found: Vec<Option<Object>> = singly::all(calls.collect()).await?;
    Ok(found.into_iter().map(|user| user.map(|user| user.to_remote(kind, fields))).collect())
}

/// Somebody with this address, else with this number, against whose being the same person nothing speaks.
async fn person(account: &Account, wanted: &Wanted) -> Result<Option<Object>, ConnectorError> {
    let text = |name: &str| {
        let value = wanted.identifiers.iter().find(|(known, _)| known == name).map(|(_, value)| value)?;
        value.as_text().map(str::trim).filter(|text| !text.is_empty())
    };
    let is_nobody_elses = |user: &Object| user.key().is_none_or(|key| key == wanted.key);
    let email = text(user::EMAIL).map(str::to_lowercase);
    let email_of = |user: &Object| Some(user.text(user::EMAIL).to_lowercase()).filter(|email| !email.is_empty());
    if let Some(email) = &email {
        let found = search(account, &format!("email:\"{}\"", email.replace('"', ""))).await?;
        let has_it = |user: &Object| email_of(user).as_ref() == Some(email);
        if let Some(user) = found.into_iter().find(|user| has_it(user) && is_nobody_elses(user)) {
            return Ok(Some(user));
        }
    }
    let Some(number) = text(user::PHONE) else { return Ok(None) };
    // Each notation is a search of its own. Whoever has an address is looked for in the one that Zendesk gives to callers.
    let notations = if email.is_some() { vec![number.to_owned()] } else { notations(number, account.region) };
    let may_be = |user: &Object| email.is_none() || email_of(user).is_none_or(|theirs| Some(&theirs) == email.as_ref());
    for notation in notations {
        let found = search(account, &format!("phone:\"{}\"", notation.replace('"', ""))).await?;
        let has_it = |user: &Object| is_same_number(user.text(user::PHONE), number, account.region);
        if let Some(user) = found.into_iter().find(|user| has_it(user) && may_be(user) && is_nobody_elses(user)) {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// Users, the oldest first. What was written in the last seconds may not be found yet.
async fn search(account: &Account, query: &str) -> Result<Vec<Object>, ConnectorError> {
    let call = Call::get(&[api::V2, "users", "search"]).with("query", query).with("per_page", "100");
    let mut found = wire::objects(&api::send(account, call).await?, "users");
    found.retain(Object::is_there);
    found.sort_by_key(|user| (user.id.len(), user.id.clone()));
    Ok(found)
}

/// The ticket that carries our key, or the one with a note that does.
async fn ticket(account: &Account, wanted: &Wanted, fields: &[String]) -> Result<Option<RemoteObject>, ConnectorError> {
    let key = wanted.key.to_string();
    let call = Call::get(&[api::V2, "tickets"]).with("external_id", key.clone());
    let mut found = wire::objects(&api::send(account, call).await?, "tickets");
    found.retain(|ticket| ticket.is_there() && ticket.key() == Some(wanted.key));
    if let Some(ticket) = found.first() {
        return Ok(Some(ticket.to_remote(RecordKind::Activity, fields)));
    }
    if ticket::form(account) == Form::Ticket {
        return Ok(None);
    }
    let query = format!("type:ticket \"{}\"", ticket::mark(wanted.key));
    let body = api::send(account, Call::get(&[api::V2, "search"]).with("query", query)).await?;
    let Some(found) = wire::objects(&body, "results").into_iter().find(Object::is_there) else { return Ok(None) };
    let remote = found.to_remote(RecordKind::Activity, fields);
    Ok(Some(RemoteObject { external_id: format!("{}-{key}", found.id), key: Some(wanted.key), ..remote }))
}
