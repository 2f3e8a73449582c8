//! An object as a document sees it, every field of it that is spoken of here; and as a delivery tells it.

use serde_json::{Map, Value, json};

use super::{
    ledger::{label, resolved},
    shop::{CUSTOMERS, ORDERS, PRODUCTS, map},
};
use crate::{
    clock::{self, Millis},
    store::Object,
};

/// Without fractions, as Shopify writes times.
pub(crate) fn seconds(at: Millis) -> String {
    let text = clock::iso(at);
    text.split_once('.').map_or(text.clone(), |(whole, _)| format!("{whole}Z"))
}

pub(crate) fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{}/{id}", label(kind))
}

/// The number at the end of a global id, where it is of that kind.
pub(crate) fn number(kind: &str, gid: &str) -> Option<u64> {
    gid.strip_prefix(&format!("gid://shopify/{}/", label(kind)))?.parse().ok()
}

/// As it is now.
pub(crate) fn whole(kind: &str, object: &Object) -> Value {
    at(kind, object, (object.updated_at(), object.fields()))
}

/// With these fields, which it may have held a while ago.
pub(crate) fn at(kind: &str, object: &Object, (updated_at, fields): (Millis, &Map<String, Value>)) -> Value {
    let get = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let mut shown = map(json!({
        "__typename": label(kind), "id": gid(kind, object.id), "legacyResourceId": object.id.to_string(),
        "createdAt": seconds(object.created_at), "updatedAt": seconds(updated_at), "tags": get("tags"),
        "__metafields": get("metafields"),
    }));
    let own = match kind {
        CUSTOMERS => customer(object.id, &get),
        PRODUCTS => product(object, &get),
        ORDERS => order(object, &get),
        _ => json!({}),
    };
    shown.extend(map(own));
    Value::Object(shown)
}

fn customer(id: u64, get: &impl Fn(&str) -> Value) -> Value {
    let within = |name: &str, value: Value| if value.is_null() { Value::Null } else { json!({ name: value }) };
    let address = match get("address") {
        Value::Object(written) => {
            let part = |name: &str| written.get(name).cloned().unwrap_or_default();
            let country = if part("countryCode") == "FR" { json!("France") } else { part("countryCode") };
            json!({
                "id": format!("gid://shopify/MailingAddress/{id}?model_name=CustomerAddress"),
                "company": part("company"), "address1": part("address1"), "address2": part("address2"),
                "zip": part("zip"), "city": part("city"), "provinceCode": part("provinceCode"),
                "countryCodeV2": part("countryCode"), "country": country,
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Value::Null,
    };
    json!({
        "firstName": get("firstName"), "lastName": get("lastName"), "note": get("note"), "locale": get("locale"),
        "taxExempt": get("taxExempt"), "state": get("state"), "numberOfOrders": "0",
        "amountSpent": {"amount": "0.0", "currencyCode": "EUR"}, "defaultAddress": address,
        "defaultEmailAddress": within("emailAddress", get("email")),
        "defaultPhoneNumber": within("phoneNumber", get("phone")),
    })
}

fn product(object: &Object, get: &impl Fn(&str) -> Value) -> Value {
    let mut variant = map(get("variant"));
    let stock = variant.get("inventoryQuantity").cloned().unwrap_or_else(|| json!(0));
    variant.insert("id".to_owned(), json!(format!("gid://shopify/ProductVariant/{}", object.id)));
    json!({
        "title": get("title"), "descriptionHtml": get("descriptionHtml"), "handle": get("handle"),
        "vendor": get("vendor"), "productType": get("productType"), "status": get("status"),
        "totalInventory": stock, "publishedAt": seconds(object.created_at), "variants": {"nodes": [variant]},
    })
}

fn order(object: &Object, get: &impl Fn(&str) -> Value) -> Value {
    let total = json!({"shopMoney": {"amount": get("total"), "currencyCode": get("currency")}});
    let customer = get("customer").as_u64().map(|id| json!({"__typename": "Customer", "id": gid(CUSTOMERS, id)}));
    json!({
        "name": get("name"), "email": get("email"), "phone": get("phone"), "note": get("note"),
        "poNumber": get("poNumber"), "customer": customer, "currencyCode": get("currency"),
        "displayFinancialStatus": get("financial"), "displayFulfillmentStatus": get("fulfillment"),
        "currentTotalPriceSet": total, "totalPriceSet": total, "processedAt": seconds(object.created_at),
        "cancelledAt": get("cancelledAt"), "closedAt": get("closedAt"),
    })
}

/// A metafield as a document sees it; `Null` where there is none of that name.
pub(crate) fn metafield(all: &Value, namespace: &str, key: &str) -> Value {
    let namespace = resolved(namespace);
    let mut all = all.as_array().into_iter().flatten();
    let Some(found) =
        all.find(|one| one.get("namespace") == Some(&json!(namespace)) && one.get("key") == Some(&json!(key)))
    else {
        return Value::Null;
    };
    let text = found.get("value").and_then(Value::as_str).unwrap_or_default();
    let of = found.get("type").and_then(Value::as_str).unwrap_or("single_line_text_field");
    let is_plain =
        matches!(of, "id" | "single_line_text_field" | "multi_line_text_field" | "date" | "date_time" | "url");
    let value = if is_plain { json!(text) } else { serde_json::from_str(text).unwrap_or_else(|_| json!(text)) };
    json!({"namespace": namespace, "key": key, "type": of, "value": text, "jsonValue": value})
}

/// As a delivery tells it: in the form of the older interface.
pub(crate) fn told(kind: &str, object: &Object) -> Value {
    let text = |pointer: &str| object.value(pointer).cloned().unwrap_or_default();
    let mut told = map(json!({
        "id": object.id, "admin_graphql_api_id": gid(kind, object.id), "created_at": seconds(object.created_at),
        "updated_at": seconds(object.updated_at()), "tags": "",
    }));
    told.extend(map(match kind {
        CUSTOMERS => json!({
            "email": text("/email"), "phone": text("/phone"), "first_name": text("/firstName"),
            "last_name": text("/lastName"), "note": text("/note"), "addresses": [],
        }),
        PRODUCTS => json!({
            "title": text("/title"), "body_html": text("/descriptionHtml"), "vendor": text("/vendor"),
            "status": text("/status").as_str().unwrap_or_default().to_lowercase(),
            "variants": [{"id": object.id, "sku": text("/variant/sku"), "price": text("/variant/price")}],
        }),
        _ => json!({
            "name": text("/name"), "email": text("/email"), "total_price": text("/total"),
            "currency": text("/currency"), "customer": {"id": text("/customer")},
        }),
    }));
    Value::Object(told)
}
