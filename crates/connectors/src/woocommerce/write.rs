//! Creating, changing and deleting objects. Stock and totals are left out by `wire`, whatever is asked.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::field::RemoteFields;
use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{KEY, WooCommerce, api, batch, errors, read, wire};
use crate::account::Account;
use crate::connector::{Create, Done, Each, Tie, Update, Writer, Written, Wrote};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::singly;

#[async_trait]
impl Writer for WooCommerce {
    /// Addresses and SKUs are unique in a shop: what is there already by one of them is taken over and brought up to date.
    async fn create(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        let mut each = self.create_unguarded(account, kind, items).await?;
        for (result, item) in each.iter_mut().zip(items) {
            let Err(error) = result else { continue };
            match holder(account, error, item).await {
                Ok(Some(id)) => *result = take_over(account, kind, id, item).await,
                Ok(None) => {}
                // The others are made, whatever becomes of this one.
                Err(error) => *result = Err(error),
            }
        }
        Ok(each)
    }

    async fn create_unguarded(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        let (places, bodies): (Vec<usize>, Vec<Value>) = items
            .iter()
            .enumerate()
            .filter(|(_, item)| lacks_address(kind, item).is_none())
            .map(|(at, item)| (at, Value::Object(new_body(kind, item))))
            .unzip();
        let mut each: Each<Written> = items
            .iter()
            .map(|item| Err(lacks_address(kind, item).unwrap_or_else(ConnectorError::unanswered)))
            .collect();
        for (at, answer) in places.into_iter().zip(batch::send(account, kind, "create", bodies).await?) {
            if let (Some(place), Some(item)) = (each.get_mut(at), items.get(at)) {
                *place = answer.map(|object| written(&object, &item.fields, true));
            }
        }
        Ok(each)
    }

    async fn update(&self, account: &Account, kind: RecordKind, items: &[Update]) -> Wrote {
        let bodies = items.iter().map(|item| changed_body(&item.external_id, &item.fields)).collect();
        let each = batch::send(account, kind, "update", bodies).await?;
        Ok(each.into_iter().zip(items).map(|(answer, item)| Ok(written(&answer?, &item.fields, false))).collect())
    }

    /// Customers go for good, since a shop has no trash for them; all else goes to the trash, from where people can get it back.
    async fn delete(&self, account: &Account, kind: RecordKind, ids: &[String]) -> Done {
        if kind == RecordKind::Contact {
            let numbers = ids.iter().map(|id| id.parse::<u64>().map_or(Value::Null, Value::from)).collect();
            let answers = batch::send(account, kind, "delete", numbers).await?;
            return Ok(answers
                .into_iter()
                .map(|answer| answer.map(drop).or_else(ConnectorError::unless_gone))
                .collect());
        }
        Ok(singly::each(ids.iter().map(|id| trash(account, kind, id)).collect()).await)
    }

    /// An order belongs to one customer; a product to nobody.
    async fn associate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        own(account, kind, ties, |tie| tie.contact.parse().unwrap_or_default()).await
    }

    async fn dissociate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        let each = own(account, kind, ties, |_| 0).await?;
        Ok(each.into_iter().map(|result| result.or_else(ConnectorError::unless_gone)).collect())
    }
}

async fn trash(account: &Account, kind: RecordKind, id: &str) -> Result<(), ConnectorError> {
    let call = Call::new(Method::DELETE, &[&api::objects(kind, &format!("/{id}"))?]);
    api::send(account, call).await.map(drop).or_else(ConnectorError::unless_gone)
}

async fn own(account: &Account, kind: RecordKind, ties: &[Tie], owner: impl Fn(&Tie) -> u64) -> Done {
    if kind != RecordKind::Order {
        return Ok(ties.iter().map(|_| Ok(())).collect());
    }
    let body = |tie: &Tie| json!({"id": number(&tie.external_id), "customer_id": owner(tie)});
    let each = batch::send(account, kind, "update", ties.iter().map(body).collect()).await?;
    Ok(each.into_iter().map(|answer| answer.map(drop)).collect())
}

/// Who has what was to be unique, where a create was refused for that.
async fn holder(account: &Account, error: &ConnectorError, item: &Create) -> Result<Option<String>, ConnectorError> {
    if let Some(id) = errors::holder(error) {
        return Ok(Some(id.to_string()));
    }
    let address = item.fields.get("email").and_then(|value| value.as_text());
    match address.filter(|_| errors::is_taken_address(error)) {
        Some(address) => Ok(read::customer(account, address, &[]).await?.as_ref().and_then(wire::id_of)),
        None => Ok(None),
    }
}

async fn take_over(account: &Account, kind: RecordKind, id: String, item: &Create) -> Result<Written, ConnectorError> {
    let mut fields = item.fields.clone();
    // What is there and we have nothing of stays.
    fields.retain(|_, value| !value.is_null());
    let bodies = vec![changed_body(&id, &fields)];
    let answer = batch::send(account, kind, "update", bodies).await?.pop();
    Ok(written(&answer.unwrap_or_else(|| Err(ConnectorError::unanswered()))?, &item.fields, false))
}

/// A shop knows its customers by their addresses.
fn lacks_address(kind: RecordKind, item: &Create) -> Option<ConnectorError> {
    let has_one = item.fields.get("email").is_some_and(|value| value.as_text().is_some());
    let message = "a customer of a shop needs an e-mail address";
    (kind == RecordKind::Contact && !has_one).then(|| ConnectorError::new(FaultKind::Invalid, "no_email", message))
}

/// All of a new object, our key and its customer among it.
pub(crate) fn new_body(kind: RecordKind, item: &Create) -> Map<String, Value> {
    let mut fields = item.fields.clone();
    // A new object has nothing to clear.
    fields.retain(|_, value| !value.is_null());
    let mut body = wire::body(&fields);
    put_key(&mut body, json!({"key": KEY, "value": item.key.to_string()}));
    if let (RecordKind::Order, Some(contact)) = (kind, &item.contact) {
        body.insert("customer_id".to_owned(), number(contact));
    }
    body
}

/// Puts our key among the custom fields.
pub(crate) fn put_key(body: &mut Map<String, Value>, key: Value) {
    match body.get_mut("meta_data") {
        Some(Value::Array(customs)) => customs.push(key),
        Some(_) | None => {
            body.insert("meta_data".to_owned(), json!([key]));
        }
    }
}

/// Takes our key from among them, whoever put it there.
pub(crate) fn without_key(body: &mut Map<String, Value>) {
    let Some(Value::Array(customs)) = body.get_mut("meta_data") else { return };
    customs.retain(|custom| custom.get("key").and_then(Value::as_str) != Some(KEY));
    if customs.is_empty() {
        body.remove("meta_data");
    }
}

fn changed_body(id: &str, fields: &RemoteFields) -> Value {
    let mut body = wire::body(fields);
    body.insert("id".to_owned(), number(id));
    Value::Object(body)
}

fn number(id: &str) -> Value {
    id.parse::<u64>().map_or(Value::Null, Value::from)
}

fn written(object: &Value, fields: &RemoteFields, created: bool) -> Written {
    Written {
        external_id: wire::id_of(object).unwrap_or_default(),
        shown: wire::shown(object, fields.keys()),
        created,
        modified_at: wire::modified_at(object),
    }
}
