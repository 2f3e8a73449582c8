//! What a workflow may call of a shop: documents about the one object of its action. Which those are is `permitted`'s.

use async_trait::async_trait;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::workflow::Action;
use reqwest::Method;
use serde_json::{Value, json};

use super::change::{self, Change};
use super::pieces::Pieces;
use super::{KEY, Shopify, api, errors, permitted, wire};
use crate::account::Account;
use crate::error::ConnectorError;
use crate::http::RawAnswer;
use crate::proxy::{Effect, Forward, Intended, Proxy};

#[async_trait]
impl Proxy for Shopify {
    fn admit(&self, _account: &Account, action: Action, call: &Forward, own: Option<&str>) -> Option<Effect> {
        let is_its_path = call.method == Method::POST && call.path == api::path() && call.query.is_empty();
        let body = call.body.as_ref().filter(|_| is_its_path)?;
        permitted::effect(action, body, own)
    }

    /// What a new object has beside itself, as an address, is a change of its own once it is there.
    async fn request(
        &self,
        account: &Account,
        kind: RecordKind,
        write: Intended<'_>,
    ) -> Result<Forward, ConnectorError> {
        let (one, _) = api::names(kind)?;
        let changes = match write {
            Intended::Create(create) => {
                vec![Change::creating(kind, create, Pieces::of_new(kind, &create.fields, None).own)?]
            }
            Intended::Update(update) => {
                change::of_pieces(account, kind, &update.external_id, Pieces::of(kind, &update.fields)).await?
            }
            Intended::Delete(id) => vec![Change::deleting(kind, id)?],
        };
        match write {
            // Nothing of it is ours to change there.
            Intended::Update(update) if changes.is_empty() => self.show(account, kind, &update.external_id),
            Intended::Create(_) => Ok(posted(change::document(&changes, &format!("{one} {{ id }}")))),
            Intended::Update(_) | Intended::Delete(_) => Ok(posted(change::document(&changes, ""))),
        }
    }

    fn remote(&self, body: &Value) -> Value {
        body.get("variables").cloned().unwrap_or_default()
    }

    fn show(&self, _account: &Account, kind: RecordKind, id: &str) -> Result<Forward, ConnectorError> {
        let (one, _) = api::names(kind)?;
        let document = format!("query($id: ID!) {{ {one}(id: $id) {{ {} }} }}", permitted::readable(kind));
        Ok(posted((document, json!({"id": api::gid(kind, id)?}))))
    }

    async fn keyed(
        &self,
        _account: &Account,
        _kind: RecordKind,
        mut create: Forward,
        key: RecordId,
    ) -> Result<Forward, ConnectorError> {
        let variable = create.body.as_ref().and_then(permitted::created_by).unwrap_or_default();
        let input =
            create.body.as_mut().and_then(|body| body.get_mut("variables")?.get_mut(&variable)?.as_object_mut());
        if let Some(input) = input {
            let metafields = input.entry("metafields").or_insert_with(|| json!([]));
            if let Some(all) = metafields.as_array_mut() {
                let (namespace, name) = KEY;
                let is_ours = |one: &Value| one.get("namespace") == Some(&json!(namespace));
                all.retain(|one| !is_ours(one));
                all.push(json!({"namespace": namespace, "key": name, "type": "id", "value": key.to_string()}));
            }
        }
        Ok(create)
    }

    fn refusal(&self, answer: &RawAnswer) -> Option<ConnectorError> {
        let fields = || answer.body.get("data").and_then(Value::as_object).into_iter().flatten();
        let refused = answer.refused().map(errors::refine).or_else(|| errors::of_answer(&answer.body));
        refused.or_else(|| fields().find_map(|(_, payload)| errors::of_change(payload)))
    }

    fn lacks_key(&self, _account: &Account, _kind: RecordKind, error: &ConnectorError) -> bool {
        errors::lacks_key(error)
    }

    fn id_of(&self, answer: &Value) -> Option<String> {
        let held = |payload: &Value| {
            let of_payload = ["customer", "product", "order"].into_iter().find_map(|one| payload.get(one));
            of_payload.and_then(wire::id_of).or_else(|| wire::id_of(payload))
        };
        answer.get("data")?.as_object()?.values().find_map(held)
    }
}

fn posted((query, variables): (String, Value)) -> Forward {
    Forward::new(Method::POST, api::path()).with(json!({"query": query, "variables": variables}))
}
