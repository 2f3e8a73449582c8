//! Users: reads, writes, and their further addresses.

use actix_web::{
    HttpResponse,
    web::{Json, Path, Query},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    errors::ApiError,
    gate::Caller,
    show,
    site::{self, AS_END_USER, USERS},
};
use crate::{journal::By, store::Object};

/// The id of the account at Google among what a user is known by.
const OF_GOOGLE: usize = 1_000;

pub(crate) async fn me(caller: Caller) -> HttpResponse {
    let role = if caller.read(|state| state.faults.is_on(AS_END_USER)) { "end-user" } else { "admin" };
    HttpResponse::Ok().json(json!({"user": {"id": 1, "name": "Camille Rousseau", "email": "admin@exemple.fr",
                                            "role": role, "time_zone": "Paris"}}))
}

/// The body of a write.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    user: Map<String, Value>,
}

/// Those that are asked for by id, or by the key of another system.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Named {
    ids: String,
    external_ids: String,
}

pub(crate) async fn list(caller: Caller) -> HttpResponse {
    let users: Vec<Value> =
        caller.read(|state| state.store.all(USERS).take(100).map(|user| show::whole(USERS, user)).collect());
    HttpResponse::Ok().json(json!({"users": users, "meta": {"has_more": false}}))
}

pub(crate) async fn show_many(caller: Caller, named: Query<Named>) -> Result<HttpResponse, ApiError> {
    let ids: Vec<&str> = named.ids.split(',').filter(|id| !id.is_empty()).collect();
    let keys: Vec<&str> = named.external_ids.split(',').filter(|key| !key.is_empty()).collect();
    if ids.len().max(keys.len()) > 100 {
        return Err(ApiError::malformed("too many ids"));
    }
    let is_named =
        |user: &&Object| ids.contains(&user.id.to_string().as_str()) || keys.contains(&user.text("/external_id"));
    let users: Vec<Value> =
        caller.read(|state| state.store.all(USERS).filter(is_named).map(|user| show::whole(USERS, user)).collect());
    Ok(HttpResponse::Ok().json(json!({"users": users, "count": users.len()})))
}

/// Who was deleted is still shown, but not active.
pub(crate) async fn get(caller: Caller, path: Path<(String, u64)>) -> Result<HttpResponse, ApiError> {
    caller.read(|state| {
        let user = state.store.any(USERS, path.1).ok_or_else(ApiError::not_found)?;
        Ok(HttpResponse::Ok().json(json!({"user": show::whole(USERS, user)})))
    })
}

/// What a body may hold; what only its path may say is left out.
fn fields_of(body: Body) -> Map<String, Value> {
    let mut fields = body.user;
    for beside in ["skip_verify_email", "id", "others", "google"] {
        fields.remove(beside);
    }
    fields
}

/// A user whose address or key somebody has already is refused.
pub(crate) async fn create(caller: Caller, body: Json<Body>) -> Result<HttpResponse, ApiError> {
    let fields = fields_of(body.into_inner());
    caller.write(By::Api, |ledger| {
        let id = site::create(ledger, USERS, fields)?;
        let user = ledger.state.store.get(USERS, id).ok_or_else(ApiError::not_found)?;
        Ok(HttpResponse::Created().json(json!({"user": show::whole(USERS, user)})))
    })
}

pub(crate) async fn create_or_update(caller: Caller, body: Json<Body>) -> Result<HttpResponse, ApiError> {
    let fields = fields_of(body.into_inner());
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (email, key) = (text("email"), text("external_id"));
    caller.write(By::Api, |ledger| {
        let is_it = |user: &&Object| {
            (!key.is_empty() && user.text("/external_id") == key)
                || (!email.is_empty() && user.text("/email").eq_ignore_ascii_case(&email))
        };
        let known = ledger.state.store.all(USERS).find(is_it).map(|user| user.id);
        let id = match known {
            Some(id) => site::update(ledger, USERS, id, fields).map(|()| id)?,
            None => site::create(ledger, USERS, fields)?,
        };
        let user = ledger.state.store.get(USERS, id).ok_or_else(ApiError::not_found)?;
        let mut answer = if known.is_some() { HttpResponse::Ok() } else { HttpResponse::Created() };
        Ok(answer.json(json!({"user": show::whole(USERS, user)})))
    })
}

/// An address that is written to somebody who has one becomes one more.
pub(crate) async fn update(
    caller: Caller,
    path: Path<(String, u64)>,
    body: Json<Body>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = fields_of(body.into_inner());
    caller.write(By::Api, |ledger| {
        let user = ledger.state.store.get(USERS, path.1).ok_or_else(ApiError::not_found)?;
        let now = user.text("/email").to_owned();
        let email = fields.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !now.is_empty() && !email.is_empty() && !now.eq_ignore_ascii_case(&email) {
            let mut others = user.value("/others").and_then(Value::as_array).cloned().unwrap_or_default();
            others.push(json!(email));
            fields.remove("email");
            fields.insert("others".to_owned(), Value::Array(others));
        }
        site::update(ledger, USERS, path.1, fields)?;
        let user = ledger.state.store.get(USERS, path.1).ok_or_else(ApiError::not_found)?;
        Ok(HttpResponse::Ok().json(json!({"user": show::whole(USERS, user)})))
    })
}

pub(crate) async fn remove(caller: Caller, path: Path<(String, u64)>) -> Result<HttpResponse, ApiError> {
    caller.write(By::Api, |ledger| {
        site::remove(ledger, USERS, path.1)?;
        let user = ledger.state.store.any(USERS, path.1).ok_or_else(ApiError::not_found)?;
        Ok(HttpResponse::Ok().json(json!({"user": show::whole(USERS, user)})))
    })
}

/// The primary address is the first, and is 0 here.
fn addresses(user: &Object) -> Vec<String> {
    let others = user.value("/others").and_then(Value::as_array).into_iter().flatten();
    let all = [user.text("/email")].into_iter().chain(others.filter_map(Value::as_str));
    all.filter(|address| !address.is_empty()).map(str::to_owned).collect()
}

/// By what a user is known: the addresses, and before them the account at Google that goes by one of them, where there is any.
pub(crate) async fn identities(caller: Caller, path: Path<(String, u64)>) -> Result<HttpResponse, ApiError> {
    caller.read(|state| {
        let user = state.store.get(USERS, path.1).ok_or_else(ApiError::not_found)?;
        let identity = |id: usize, sort: &str, value: &str| {
            json!({"id": id, "user_id": user.id, "type": sort, "value": value, "primary": id == 0, "verified": true})
        };
        let google = Some(user.text("/google")).filter(|value| !value.is_empty());
        let google = google.map(|value| identity(OF_GOOGLE, "google", value));
        let emails = addresses(user).into_iter().enumerate().map(|(at, value)| identity(at, "email", &value));
        let all: Vec<Value> = google.into_iter().chain(emails).collect();
        Ok(HttpResponse::Ok().json(json!({"identities": all, "count": all.len()})))
    })
}

/// Changes the addresses of a user, of which a path names the one at a place.
fn readdress(
    caller: &Caller,
    path: Path<(String, u64, usize)>,
    change: impl FnOnce(&mut Vec<String>, usize),
) -> Result<(), ApiError> {
    let (_, id, at) = path.into_inner();
    caller.write(By::Api, |ledger| {
        let user = ledger.state.store.get(USERS, id).ok_or_else(ApiError::not_found)?;
        let mut all = addresses(user);
        if at >= all.len() {
            return Err(ApiError::not_found());
        }
        change(&mut all, at);
        let others = all.split_off(all.len().min(1));
        let fields = json!({"email": all.pop(), "others": others});
        site::update(ledger, USERS, id, fields.as_object().cloned().unwrap_or_default())
    })
}

pub(crate) async fn make_primary(caller: Caller, path: Path<(String, u64, usize)>) -> Result<HttpResponse, ApiError> {
    readdress(&caller, path, |all, at| {
        let first = all.remove(at);
        all.insert(0, first);
    })?;
    Ok(HttpResponse::Ok().json(json!({"identities": []})))
}

/// Where the primary one is taken away, the next takes its place.
pub(crate) async fn remove_identity(
    caller: Caller,
    path: Path<(String, u64, usize)>,
) -> Result<HttpResponse, ApiError> {
    readdress(&caller, path, |all, at| drop(all.remove(at)))?;
    Ok(HttpResponse::NoContent().finish())
}
