//! What a shop holds: the three kinds of objects, their fields as they stand at first, and how each is shown.

use serde_json::{Map, Value, json};

use super::errors::WooError;
use crate::{clock::Millis, store::Object};

/// A kind of objects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Resource {
    Customers,
    Products,
    Orders,
}

pub(crate) const ORDER_STATUSES: [&str; 9] = [
    "auto-draft",
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "checkout-draft",
];

/// The site's clock is an hour ahead, so that whoever takes its time for UTC finds out.
const OFFSET: Millis = 3_600_000;

impl Resource {
    pub(crate) fn parse(name: &str) -> Result<Self, WooError> {
        match name {
            "customers" => Ok(Self::Customers),
            "products" => Ok(Self::Products),
            "orders" => Ok(Self::Orders),
            _ => Err(WooError::no_route()),
        }
    }

    /// Its name in paths and in the journal.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Products => "products",
            Self::Orders => "orders",
        }
    }

    /// Its name in the topics of webhooks.
    pub(crate) const fn singular(self) -> &'static str {
        match self {
            Self::Customers => "customer",
            Self::Products => "product",
            Self::Orders => "order",
        }
    }

    /// There is no object of that id. A read says so by 404; a write by 400.
    pub(crate) fn unknown_id(self, status: u16) -> WooError {
        match (self, status) {
            (Self::Customers, 404) => WooError::new(404, "wc_user_invalid_id", "Invalid user ID."),
            (Self::Customers, _) => WooError::new(status, "woocommerce_rest_invalid_id", "Invalid resource ID."),
            (Self::Products, _) => WooError::new(status, "woocommerce_rest_product_invalid_id", "Invalid ID."),
            (Self::Orders, _) => WooError::new(status, "woocommerce_rest_shop_order_invalid_id", "Invalid ID."),
        }
    }

    /// The fields of an object of which nothing was said.
    pub(crate) fn blank(self) -> Map<String, Value> {
        let fields = match self {
            Self::Customers => json!({
                "email": "", "first_name": "", "last_name": "", "role": "customer", "username": "",
                "billing": address(true), "shipping": address(false), "is_paying_customer": false, "meta_data": [],
            }),
            Self::Products => json!({
                "name": "Product", "slug": "product", "type": "simple", "status": "publish", "featured": false,
                "catalog_visibility": "visible", "description": "", "short_description": "", "sku": "", "price": "",
                "regular_price": "", "sale_price": "", "on_sale": false, "purchasable": true, "total_sales": 0,
                "virtual": false, "downloadable": false, "tax_status": "taxable", "tax_class": "",
                "manage_stock": false, "stock_quantity": null, "stock_status": "instock", "weight": "",
                "dimensions": {"length": "", "width": "", "height": ""}, "parent_id": 0, "categories": [],
                "brands": [], "tags": [], "images": [], "attributes": [], "variations": [], "meta_data": [],
                "global_unique_id": "",
            }),
            Self::Orders => json!({
                "parent_id": 0, "status": "pending", "currency": "EUR", "version": "11.0.1",
                "prices_include_tax": false, "discount_total": "0.00", "discount_tax": "0.00",
                "shipping_total": "0.00", "shipping_tax": "0.00", "cart_tax": "0.00", "total": "0.00",
                "total_tax": "0.00", "customer_id": 0, "billing": address(true), "shipping": address(false),
                "payment_method": "", "payment_method_title": "", "transaction_id": "", "created_via": "rest-api",
                "customer_note": "", "date_paid": null, "date_completed": null, "number": "", "meta_data": [],
                "line_items": [], "tax_lines": [], "shipping_lines": [], "fee_lines": [], "coupon_lines": [],
                "refunds": [], "date_paid_gmt": null, "date_completed_gmt": null, "currency_symbol": "€",
            }),
        };
        match fields {
            Value::Object(fields) => fields,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
        }
    }

    /// As the API shows an object.
    pub(crate) fn show(self, object: &Object) -> Map<String, Value> {
        let mut shown = Map::from_iter([("id".to_owned(), json!(object.id))]);
        for (name, at) in [("date_created", object.created_at), ("date_modified", object.updated_at())] {
            shown.insert(name.to_owned(), json!(date(at.saturating_add(OFFSET))));
            shown.insert(format!("{name}_gmt"), json!(date(at)));
        }
        shown.extend(object.fields().clone());
        shown
    }
}

fn address(of_billing: bool) -> Value {
    let mut address = json!({
        "first_name": "", "last_name": "", "company": "", "address_1": "", "address_2": "", "city": "", "state": "",
        "postcode": "", "country": "", "phone": "",
    });
    if let Some(fields) = address.as_object_mut().filter(|_| of_billing) {
        fields.insert("email".to_owned(), json!(""));
    }
    address
}

/// Whole seconds, no zone.
pub(crate) fn date(at: Millis) -> String {
    crate::clock::iso(at).get(..19).unwrap_or_default().to_owned()
}

/// Reads a date in a query: with a zone as it is, else as the site's own time, or UTC where that is said.
pub(crate) fn read_date(text: &str, is_gmt: bool) -> Option<Millis> {
    if let Ok(instant) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(instant.timestamp_millis());
    }
    let local = text.parse::<chrono::NaiveDateTime>().ok()?.and_utc().timestamp_millis();
    Some(if is_gmt { local } else { local.saturating_sub(OFFSET) })
}
