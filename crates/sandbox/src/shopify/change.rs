//! What a document changes. A refusal is part of the payload, and the status a success all the same.

use serde_json::{Map, Value, json};

use super::{
    Shopify,
    document::Field,
    errors::{TopError, UserError},
    gate::Caller,
    ledger,
    query::hook,
    shop::{CUSTOMERS, DEFINITIONS, HOOKS, ORDERS, PRODUCTS, Trader, map},
    show,
};
use crate::{desk::Ledger, journal::By};

type Done = Result<Value, UserError>;

pub(crate) fn make(caller: &Caller, shopify: &Shopify, field: &Field) -> Result<Value, TopError> {
    let done = caller.write(By::Api, |ledger| match field.name.as_str() {
        "customerCreate" => Some(create(ledger, CUSTOMERS, input(field, "input"))),
        "customerUpdate" => Some(update(ledger, CUSTOMERS, input(field, "input"))),
        "productCreate" => Some(create(ledger, PRODUCTS, input(field, "product"))),
        "productUpdate" => Some(update(ledger, PRODUCTS, input(field, "product"))),
        "orderCreate" => Some(create_order(ledger, input(field, "order"))),
        "orderUpdate" => Some(update(ledger, ORDERS, input(field, "input"))),
        "customerDelete" => Some(remove(ledger, CUSTOMERS, field.argument("input").get("id"))),
        "productDelete" => Some(remove(ledger, PRODUCTS, field.argument("input").get("id"))),
        "orderDelete" => Some(remove(ledger, ORDERS, Some(field.argument("orderId")))),
        "customerAddressCreate" | "customerAddressUpdate" => Some(put_address(ledger, field)),
        "productVariantsBulkUpdate" => Some(put_variant(ledger, field)),
        "metafieldsDelete" => Some(clear_metafields(ledger, field)),
        "metafieldDefinitionCreate" => Some(define(ledger, input(field, "definition"))),
        "orderCustomerSet" => Some(put_customer(ledger, field, field.text("customerId"))),
        "orderCustomerRemove" => Some(put_customer(ledger, field, None)),
        "webhookSubscriptionCreate" => Some(subscribe(ledger, field)),
        "webhookSubscriptionDelete" => Some(unsubscribe(ledger, field)),
        "appUninstall" => {
            shopify.grants.end(&caller.grant);
            let hooks: Vec<u64> = ledger.state.store.all(HOOKS).map(|hook| hook.id).collect();
            hooks.into_iter().for_each(|id| ledger.remove(HOOKS, id));
            Some(Ok(json!({"app": {"id": "gid://shopify/App/4242"}})))
        }
        _ => None,
    });
    let Some(done) = done else {
        let message = format!("Field '{}' doesn't exist on type 'Mutation'", field.name);
        return Err(TopError::new("undefinedField", message));
    };
    let (mut payload, errors) = match done {
        Ok(payload) => (map(payload), Vec::new()),
        Err(error) => (Map::new(), vec![error.body()]),
    };
    // What a refused change would have shown is nothing.
    for name in ["customer", "product", "order", "webhookSubscription"] {
        payload.entry(name).or_insert(Value::Null);
    }
    payload.insert("userErrors".to_owned(), Value::Array(errors));
    Ok(Value::Object(payload))
}

/// What is written, in the form in which it is kept.
fn input(field: &Field, name: &str) -> Map<String, Value> {
    let mut fields = map(field.argument(name).clone());
    if let Some(Value::Array(metafields)) = fields.get_mut("metafields") {
        for metafield in metafields.iter_mut().filter_map(Value::as_object_mut) {
            let namespace = metafield.get("namespace").and_then(Value::as_str).unwrap_or("$app");
            let namespace = ledger::resolved(namespace);
            metafield.insert("namespace".to_owned(), json!(namespace));
        }
    }
    fields
}

fn shown(ledger: &Ledger<'_, Trader>, kind: &'static str, id: u64) -> Value {
    let object = ledger.state.store.get(kind, id).map(|object| show::whole(kind, object));
    json!({ ledger::label(kind).to_lowercase(): object })
}

fn create(ledger: &mut Ledger<'_, Trader>, kind: &'static str, fields: Map<String, Value>) -> Done {
    let id = ledger::create(ledger, kind, fields)?;
    Ok(shown(ledger, kind, id))
}

fn create_order(ledger: &mut Ledger<'_, Trader>, mut fields: Map<String, Value>) -> Done {
    if fields.get("lineItems").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Err(UserError::new(&["order", "lineItems"], "INVALID", "Line items must have at least one line item"));
    }
    if let Some(customer) = fields.remove("customer") {
        let gid = customer.pointer("/toAssociate/id").and_then(Value::as_str).unwrap_or_default();
        let id = show::number(CUSTOMERS, gid).filter(|id| ledger.state.store.get(CUSTOMERS, *id).is_some());
        fields.insert("customer".to_owned(), json!(id.ok_or_else(|| UserError::gone("Customer"))?));
    }
    create(ledger, ORDERS, fields)
}

fn update(ledger: &mut Ledger<'_, Trader>, kind: &'static str, mut fields: Map<String, Value>) -> Done {
    let gid = fields.remove("id").unwrap_or_default();
    let id = named(kind, Some(&gid))?;
    ledger::update(ledger, kind, id, fields)?;
    Ok(shown(ledger, kind, id))
}

fn remove(ledger: &mut Ledger<'_, Trader>, kind: &'static str, gid: Option<&Value>) -> Done {
    ledger::remove(ledger, kind, named(kind, gid)?)?;
    Ok(json!({}))
}

fn named(kind: &'static str, gid: Option<&Value>) -> Result<u64, UserError> {
    let gid = gid.and_then(Value::as_str).unwrap_or_default();
    show::number(kind, gid).ok_or_else(|| UserError::gone(ledger::label(kind)))
}

/// A customer has one address here.
fn put_address(ledger: &mut Ledger<'_, Trader>, field: &Field) -> Done {
    let id = named(CUSTOMERS, Some(field.argument("customerId")))?;
    let fields = Map::from_iter([("address".to_owned(), field.argument("address").clone())]);
    ledger::update(ledger, CUSTOMERS, id, fields)?;
    Ok(json!({}))
}

/// A product has one variant here, of its own number.
fn put_variant(ledger: &mut Ledger<'_, Trader>, field: &Field) -> Done {
    let id = named(PRODUCTS, Some(field.argument("productId")))?;
    let mut variant = map(field.argument("variants").get(0).cloned().unwrap_or_default());
    let is_known = variant.remove("id") == Some(json!(format!("gid://shopify/ProductVariant/{id}")));
    if !is_known {
        return Err(UserError::new(
            &["variants", "0", "id"],
            "PRODUCT_VARIANT_DOES_NOT_EXIST",
            "Product variant does not exist",
        ));
    }
    if let Some(item) = variant.remove("inventoryItem") {
        variant.insert("sku".to_owned(), item.get("sku").cloned().unwrap_or_default());
    }
    ledger::update(ledger, PRODUCTS, id, Map::from_iter([("variant".to_owned(), Value::Object(variant))]))?;
    Ok(json!({}))
}

fn clear_metafields(ledger: &mut Ledger<'_, Trader>, field: &Field) -> Done {
    for item in field.argument("metafields").as_array().into_iter().flatten() {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let found = [CUSTOMERS, PRODUCTS, ORDERS]
            .into_iter()
            .find_map(|kind| Some((kind, show::number(kind, text("ownerId"))?)));
        let (kind, id) = found.ok_or_else(|| UserError::gone("Owner"))?;
        let cleared = json!([{"namespace": ledger::resolved(text("namespace")), "key": text("key"), "value": null}]);
        ledger::update(ledger, kind, id, Map::from_iter([("metafields".to_owned(), cleared)]))?;
    }
    Ok(json!({}))
}

fn define(ledger: &mut Ledger<'_, Trader>, mut fields: Map<String, Value>) -> Done {
    let text = |fields: &Map<String, Value>, name: &str| {
        fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let namespace = ledger::resolved(&text(&fields, "namespace"));
    let (owner, key) = (text(&fields, "ownerType"), text(&fields, "key"));
    let is_it = |known: &crate::store::Object| {
        known.text("/ownerType") == owner && known.text("/namespace") == namespace && known.text("/key") == key
    };
    if ledger.state.store.all(DEFINITIONS).any(is_it) {
        let message = format!("Key is in use for {owner} metafields on the '{namespace}' namespace.");
        return Err(UserError::new(&["definition", "key"], "TAKEN", &message));
    }
    fields.insert("namespace".to_owned(), json!(namespace));
    ledger.create(DEFINITIONS, fields);
    Ok(json!({}))
}

fn put_customer(ledger: &mut Ledger<'_, Trader>, field: &Field, customer: Option<&str>) -> Done {
    let id = named(ORDERS, Some(field.argument("orderId")))?;
    let customer = match customer {
        Some(gid) => {
            let number = show::number(CUSTOMERS, gid).filter(|id| ledger.state.store.get(CUSTOMERS, *id).is_some());
            json!(number.ok_or_else(|| UserError::gone("Customer"))?)
        }
        None => Value::Null,
    };
    ledger::update(ledger, ORDERS, id, Map::from_iter([("customer".to_owned(), customer)]))?;
    Ok(json!({}))
}

fn subscribe(ledger: &mut Ledger<'_, Trader>, field: &Field) -> Done {
    let topic = field.text("topic").unwrap_or_default().to_owned();
    let uri = field.argument("webhookSubscription").get("uri").and_then(Value::as_str).unwrap_or_default().to_owned();
    if url::Url::parse(&uri).is_err() {
        return Err(UserError::new(&["webhookSubscription", "uri"], "INVALID", "Address is invalid"));
    }
    if ledger.state.store.all(HOOKS).any(|known| known.text("/topic") == topic && known.text("/uri") == uri) {
        let message = "Address for this topic has already been taken";
        return Err(UserError::new(&["webhookSubscription", "uri"], "TAKEN", message));
    }
    let fields = Map::from_iter([("topic".to_owned(), json!(topic)), ("uri".to_owned(), json!(uri))]);
    let id = ledger.create(HOOKS, fields);
    Ok(json!({"webhookSubscription": ledger.state.store.get(HOOKS, id).map(hook)}))
}

fn unsubscribe(ledger: &mut Ledger<'_, Trader>, field: &Field) -> Done {
    let id = field.text("id").and_then(|gid| gid.strip_prefix("gid://shopify/WebhookSubscription/")?.parse().ok());
    let id = id.filter(|id| ledger.state.store.get(HOOKS, *id).is_some());
    ledger
        .remove(HOOKS, id.ok_or_else(|| UserError::new(&["id"], "NOT_FOUND", "Webhook subscription does not exist"))?);
    Ok(json!({}))
}
