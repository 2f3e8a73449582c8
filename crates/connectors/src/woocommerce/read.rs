//! Reading objects by id, and looking for what may be there already.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::field::FieldValue;
use domain::kind::RecordKind;
use serde_json::Value;

use super::{BATCH, WooCommerce, api, wire};
use crate::account::Account;
use crate::connector::{Found, Reader, Wanted};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::singly;

#[async_trait]
impl Reader for WooCommerce {
    async fn read(&self, account: &Account, kind: RecordKind, ids: &[String], fields: &[String]) -> Found {
        let mut found = HashMap::new();
        // What is no number is no id of a shop's.
        let numbers: Vec<&str> = ids.iter().map(String::as_str).filter(|id| id.parse::<u64>().is_ok()).collect();
        for part in numbers.chunks(BATCH) {
            let call = listing(kind, fields)?.with("include", part.join(",")).with("per_page", BATCH.to_string());
            let (objects, _) = api::list(account, call).await?;
            for object in objects.iter().filter(|object| !wire::is_in_trash(object)) {
                if let Some(object) = wire::to_remote(object, kind, fields) {
                    found.insert(object.external_id.clone(), object);
                }
            }
        }
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn find(&self, account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
        let found = match kind {
            RecordKind::Contact => by_address(account, wanted, fields).await?,
            RecordKind::Product | RecordKind::Order => by_key(account, kind, wanted, fields).await?,
            RecordKind::Deal | RecordKind::Activity => return Err(ConnectorError::unsupported("WooCommerce", kind)),
        };
        Ok(found.into_iter().map(|object| object.and_then(|object| wire::to_remote(&object, kind, fields))).collect())
    }
}

/// A listing of a kind that shows these fields, whatever the role or status of its objects.
pub(crate) fn listing(kind: RecordKind, fields: &[String]) -> Result<Call, ConnectorError> {
    let call = Call::get(&[&api::objects(kind, "")?]).with("_fields", wire::asking_for(fields));
    Ok(match kind {
        // Whoever runs the shop has an account there as well, and it blocks a customer of that address.
        RecordKind::Contact => call.with("role", "all"),
        RecordKind::Product | RecordKind::Order | RecordKind::Deal | RecordKind::Activity => call.with("status", "any"),
    })
}

/// A customer by its address; what a shop holds of it, a look by address shows at once.
pub(crate) async fn customer(
    account: &Account,
    address: &str,
    fields: &[String],
) -> Result<Option<Value>, ConnectorError> {
    let call = listing(RecordKind::Contact, fields)?.with("email", address);
    match api::list(account, call).await {
        Ok((customers, _)) => Ok(customers.into_iter().next()),
        // What cannot be an address identifies nobody; the write will say what is wrong with it.
        Err(error) if error.code == "rest_invalid_param" => Ok(None),
        Err(error) => Err(error),
    }
}

async fn by_address(
    account: &Account,
    wanted: &[Wanted],
    fields: &[String],
) -> Result<Vec<Option<Value>>, ConnectorError> {
    let look = |wanted: &'_ Wanted| {
        let address = text_of(wanted, "email").map(str::to_owned);
        async move {
            match address {
                Some(address) => customer(account, &address, fields).await,
                None => Ok(None),
            }
        }
    };
    singly::all(wanted.iter().map(look).collect()).await
}

/// A product by its SKU, and whatever was made lately by the key that we left there: nothing else can be looked for.
async fn by_key(
    account: &Account,
    kind: RecordKind,
    wanted: &[Wanted],
    fields: &[String],
) -> Result<Vec<Option<Value>>, ConnectorError> {
    let mut candidates = Vec::new();
    let skus: Vec<&str> = wanted.iter().filter_map(|wanted| text_of(wanted, "sku")).collect();
    let asked: Vec<String> = fields.iter().cloned().chain(["sku".to_owned()]).collect();
    for part in skus.chunks(BATCH) {
        let call = listing(kind, &asked)?.with("sku", part.join(",")).with("per_page", BATCH.to_string());
        candidates.extend(api::list(account, call).await?.0);
    }
    let latest =
        listing(kind, &asked)?.with("orderby", "date").with("order", "desc").with("per_page", BATCH.to_string());
    candidates.extend(api::list(account, latest).await?.0);
    let find = |wanted: &Wanted| {
        let key = wanted.key.to_string();
        let by_key = candidates.iter().find(|object| wire::key_of(object) == Some(&key));
        by_key.or_else(|| {
            let sku = text_of(wanted, "sku").filter(|_| kind == RecordKind::Product)?;
            candidates.iter().find(|object| object.get("sku").and_then(Value::as_str) == Some(sku))
        })
    };
    Ok(wanted.iter().map(|wanted| find(wanted).cloned()).collect())
}

fn text_of<'a>(wanted: &'a Wanted, name: &str) -> Option<&'a str> {
    wanted.identifiers.iter().find(|(known, _)| known == name).and_then(|(_, value)| FieldValue::as_text(value))
}
