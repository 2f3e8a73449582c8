//! Writes to one shop, made under its lock: checked, applied, journalled, told to the webhooks.

use serde_json::{Map, Value, json};

use super::{
    Woo,
    errors::WooError,
    hooks, meta,
    resource::{ORDER_STATUSES, Resource, date},
};
use crate::desk::Ledger;

type Fields = Map<String, Value>;

/// What only the shop itself says.
const READ_ONLY: [&str; 14] = [
    "id",
    "date_created",
    "date_created_gmt",
    "date_modified",
    "date_modified_gmt",
    "price",
    "total",
    "total_tax",
    "number",
    "role",
    "is_paying_customer",
    "total_sales",
    "password",
    "avatar_url",
];

pub(crate) fn create(ledger: &mut Ledger<'_, Woo>, resource: Resource, written: Fields) -> Result<u64, WooError> {
    let written = distorted(ledger, resource, written);
    check(ledger, resource, None, &written)?;
    let mut fields = resource.blank();
    let set_paid = written.get("set_paid").and_then(Value::as_bool).unwrap_or_default();
    let changed = meta::laid_over(&fields, writable(written), &mut 0);
    fields.extend(changed);
    complete(ledger, resource, &mut fields, set_paid);
    let id = ledger.create(resource.kind(), fields);
    if resource == Resource::Orders {
        // A plugin may number otherwise; by itself an order's number is its id.
        let number = Fields::from_iter([("number".to_owned(), json!(id.to_string()))]);
        ledger.update(resource.kind(), id, number);
    }
    hooks::tell(ledger, resource, id, "created");
    // Both are told of what is new, and in this order as a rule.
    if resource != Resource::Products {
        hooks::tell(ledger, resource, id, "updated");
    }
    Ok(id)
}

pub(crate) fn update(
    ledger: &mut Ledger<'_, Woo>,
    resource: Resource,
    id: u64,
    written: Fields,
) -> Result<u64, WooError> {
    let written = distorted(ledger, resource, written);
    let object = ledger.state.store.get(resource.kind(), id).ok_or_else(|| resource.unknown_id(400))?;
    let (before, mut last) = (object.fields().clone(), meta::last_id(Some(object)));
    check(ledger, resource, Some(id), &written)?;
    let set_paid = written.get("set_paid").and_then(Value::as_bool).unwrap_or_default();
    let mut changed = meta::laid_over(&before, writable(written), &mut last);
    let mut whole = before;
    whole.extend(changed.clone());
    complete(ledger, resource, &mut whole, set_paid);
    for name in ["price", "on_sale", "line_items", "total", "date_paid", "date_paid_gmt"] {
        if let Some(value) = whole.get(name) {
            changed.insert(name.to_owned(), value.clone());
        }
    }
    ledger.update(resource.kind(), id, changed);
    hooks::tell(ledger, resource, id, "updated");
    Ok(id)
}

/// Into the trash, or away for good. What is forced away from where it stood tells nobody, but for customers.
pub(crate) fn remove(
    ledger: &mut Ledger<'_, Woo>,
    resource: Resource,
    id: u64,
    is_forced: bool,
) -> Result<u64, WooError> {
    let object = ledger.state.store.get(resource.kind(), id).ok_or_else(|| resource.unknown_id(404))?;
    let is_in_trash = object.text("/status") == "trash";
    match (resource, is_forced) {
        (Resource::Customers, false) => return Err(WooError::no_trash("Customers")),
        (Resource::Customers, true) => {
            ledger.remove(resource.kind(), id);
            hooks::tell(ledger, resource, id, "deleted");
        }
        (Resource::Products | Resource::Orders, true) => ledger.remove(resource.kind(), id),
        (Resource::Products | Resource::Orders, false) if is_in_trash => {
            let message = format!("The {} has already been deleted.", resource.singular());
            return Err(WooError::new(410, "woocommerce_rest_already_trashed", message));
        }
        (Resource::Products | Resource::Orders, false) => {
            let trash = Fields::from_iter([("status".to_owned(), json!("trash"))]);
            ledger.update(resource.kind(), id, trash);
            hooks::tell(ledger, resource, id, "deleted");
        }
    }
    Ok(id)
}

fn writable(mut written: Fields) -> Fields {
    written.retain(|name, _| !READ_ONLY.contains(&name.as_str()) && name != "set_paid");
    written
}

/// What the switches make of written values.
fn distorted(ledger: &Ledger<'_, Woo>, resource: Resource, mut written: Fields) -> Fields {
    let faults = &ledger.state.faults;
    let distort = |name: &str, value: &mut Value| {
        if let Value::String(text) = value {
            *text = faults.distort(name, text);
        }
    };
    if resource == Resource::Customers {
        for (name, value) in &mut written {
            match value {
                Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| distort(name, value)),
                other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                    distort(name, other);
                }
            }
        }
    }
    written
}

fn check(ledger: &Ledger<'_, Woo>, resource: Resource, own: Option<u64>, written: &Fields) -> Result<(), WooError> {
    let text = |name: &str| written.get(name).and_then(Value::as_str);
    match resource {
        Resource::Customers => check_customer(ledger, own, text("email")),
        Resource::Products => check_sku(ledger, own, text("sku").unwrap_or_default()),
        Resource::Orders => match text("status") {
            Some(status) if !ORDER_STATUSES.contains(&status) => {
                let (last, others) = ORDER_STATUSES.split_last().unwrap_or((&"", &[]));
                let message = format!("status is not one of {}, and {last}.", others.join(", "));
                Err(WooError::invalid("status", "rest_not_in_enum", &message))
            }
            Some(_) | None => Ok(()),
        },
    }
}

fn check_customer(ledger: &Ledger<'_, Woo>, own: Option<u64>, email: Option<&str>) -> Result<(), WooError> {
    let Some(email) = email else {
        let missing = WooError::new(400, "rest_missing_callback_param", "Missing parameter(s): email");
        return if own.is_some() { Ok(()) } else { Err(missing.with("params", json!(["email"]))) };
    };
    let is_address = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !is_address {
        return Err(WooError::new(400, "customer_invalid_email", "Invalid email address"));
    }
    let taken = ledger
        .state
        .store
        .all("customers")
        .any(|customer| Some(customer.id) != own && customer.text("/email").eq_ignore_ascii_case(email));
    match (taken, own) {
        (false, _) => Ok(()),
        (true, None) => {
            let message = format!(
                "An account is already registered with {email}. Please log in or use a different email address."
            );
            Err(WooError::new(400, "registration-error-email-exists", message))
        }
        (true, Some(_)) => Err(WooError::new(400, "customer_invalid_email", "Email address is already in use.")),
    }
}

fn check_sku(ledger: &Ledger<'_, Woo>, own: Option<u64>, sku: &str) -> Result<(), WooError> {
    let mut others = ledger.state.store.all("products").filter(|product| Some(product.id) != own);
    match others.find(|product| !sku.is_empty() && product.text("/sku") == sku) {
        None => Ok(()),
        Some(other) => Err(WooError::new(400, "product_invalid_sku", "Invalid or duplicated SKU.")
            .with("resource_id", other.id)
            .with("unique_sku", format!("{sku}-1"))),
    }
}

/// What the shop itself works out.
fn complete(ledger: &Ledger<'_, Woo>, resource: Resource, fields: &mut Fields, set_paid: bool) {
    let text = |fields: &Fields, name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match resource {
        Resource::Customers => {
            if text(fields, "username").is_empty() {
                let email = text(fields, "email");
                fields.insert("username".to_owned(), json!(email.split('@').next()));
            }
        }
        Resource::Products => {
            let (regular, sale) = (text(fields, "regular_price"), text(fields, "sale_price"));
            let on_sale = !sale.is_empty();
            fields.insert("price".to_owned(), json!(if on_sale { sale } else { regular }));
            fields.insert("on_sale".to_owned(), json!(on_sale));
        }
        Resource::Orders => {
            price_lines(ledger, fields);
            if set_paid {
                let now = json!(date(ledger.now));
                fields.insert("date_paid".to_owned(), now.clone());
                fields.insert("date_paid_gmt".to_owned(), now);
            }
        }
    }
}

/// A line without a total costs what the product costs; of an unknown product, nothing.
fn price_lines(ledger: &Ledger<'_, Woo>, fields: &mut Fields) {
    let Some(Value::Array(lines)) = fields.get_mut("line_items") else { return };
    let mut total = 0.0;
    for line in lines.iter_mut().filter_map(Value::as_object_mut) {
        let product = line.get("product_id").and_then(Value::as_u64);
        let product = product.and_then(|id| ledger.state.store.get("products", id));
        let quantity = line.get("quantity").and_then(Value::as_f64).unwrap_or(1.0);
        let price: f64 = product.and_then(|product| product.text("/price").parse().ok()).unwrap_or_default();
        let given = line.get("total").and_then(Value::as_str).and_then(|text| text.parse::<f64>().ok());
        let sum = given.unwrap_or(price * quantity);
        total += sum;
        line.insert("price".to_owned(), json!(if quantity > 0.0 { sum / quantity } else { 0.0 }));
        line.insert("subtotal".to_owned(), json!(format!("{sum:.2}")));
        line.insert("total".to_owned(), json!(format!("{sum:.2}")));
        line.entry("name").or_insert_with(|| json!(product.map_or("", |product| product.text("/name"))));
        line.entry("sku").or_insert_with(|| json!(product.map(|product| product.text("/sku"))));
    }
    fields.insert("total".to_owned(), json!(format!("{total:.2}")));
}
