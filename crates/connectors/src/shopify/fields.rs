//! Fields: what every shop has, where each lies in an answer and in a change, and the metafields that a shop has defined itself.

use async_trait::async_trait;
use domain::kind::RecordKind;
use serde_json::{Value, json};

use super::{KEY, Shopify, api};
use crate::account::Account;
use crate::discovery::{Discovery, RemoteField, RemoteFieldType, RemoteOption};
use crate::error::ConnectorError;

/// Under this name the metafields that a shop has defined are offered: behind it the namespace, a dot, and the key.
pub(crate) const METAFIELD: &str = "metafields.";

/// Pages of definitions that are read at most; no shop has so many.
const PAGES: usize = 10;

/// A field that every shop has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    label: &'static str,
    pub(crate) holds: RemoteFieldType,
    /// What a document selects for it, and where in the object that lies.
    pub(crate) select: &'static str,
    pub(crate) at: &'static str,
    pub(crate) written: Part,
}

/// Which part of a change a field belongs to, under which name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// Only the shop says what it holds.
    None,
    Own(&'static str),
    Address(&'static str),
    Variant(&'static str),
}

use Part::{Address, None as Never, Own, Variant};
use RemoteFieldType::{Bool, Choice, DateTime, Number, Other, Phone, Text};

const fn field(
    (name, label): (&'static str, &'static str),
    holds: RemoteFieldType,
    (select, at): (&'static str, &'static str),
    written: Part,
) -> Field {
    Field { name, label, holds, select, at, written }
}

const CUSTOMER: &[Field] = &[
    field(
        ("email", "Email"),
        Text,
        ("defaultEmailAddress{emailAddress}", "/defaultEmailAddress/emailAddress"),
        Own("email"),
    ),
    field(
        ("phone", "Phone"),
        Phone,
        ("defaultPhoneNumber{phoneNumber}", "/defaultPhoneNumber/phoneNumber"),
        Own("phone"),
    ),
    field(("firstName", "First name"), Text, ("firstName", "/firstName"), Own("firstName")),
    field(("lastName", "Last name"), Text, ("lastName", "/lastName"), Own("lastName")),
    field(("note", "Note"), Text, ("note", "/note"), Own("note")),
    field(("locale", "Language"), Text, ("locale", "/locale"), Own("locale")),
    field(("taxExempt", "Tax exempt"), Bool, ("taxExempt", "/taxExempt"), Own("taxExempt")),
    // A list is written as a whole: whoever wrote one tag would take the others away.
    field(("tags", "Tags"), Other, ("tags", "/tags"), Never),
    field(("state", "Account state"), Choice, ("state", "/state"), Never),
    field(("numberOfOrders", "Orders"), Number, ("numberOfOrders", "/numberOfOrders"), Never),
    field(("amountSpent", "Amount spent"), Number, ("amountSpent{amount}", "/amountSpent/amount"), Never),
    field(("createdAt", "Created"), DateTime, ("createdAt", "/createdAt"), Never),
    field(
        ("defaultAddress.company", "Address › company"),
        Text,
        ("defaultAddress{company}", "/defaultAddress/company"),
        Address("company"),
    ),
    field(
        ("defaultAddress.address1", "Address › line 1"),
        Text,
        ("defaultAddress{address1}", "/defaultAddress/address1"),
        Address("address1"),
    ),
    field(
        ("defaultAddress.address2", "Address › line 2"),
        Text,
        ("defaultAddress{address2}", "/defaultAddress/address2"),
        Address("address2"),
    ),
    field(
        ("defaultAddress.zip", "Address › postal code"),
        Text,
        ("defaultAddress{zip}", "/defaultAddress/zip"),
        Address("zip"),
    ),
    field(
        ("defaultAddress.city", "Address › city"),
        Text,
        ("defaultAddress{city}", "/defaultAddress/city"),
        Address("city"),
    ),
    field(
        ("defaultAddress.provinceCode", "Address › province"),
        Text,
        ("defaultAddress{provinceCode}", "/defaultAddress/provinceCode"),
        Address("provinceCode"),
    ),
    field(
        ("defaultAddress.countryCode", "Address › country code"),
        Text,
        ("defaultAddress{countryCodeV2}", "/defaultAddress/countryCodeV2"),
        Address("countryCode"),
    ),
    field(
        ("defaultAddress.country", "Address › country"),
        Text,
        ("defaultAddress{country}", "/defaultAddress/country"),
        Never,
    ),
];

const PRODUCT: &[Field] = &[
    field(("title", "Title"), Text, ("title", "/title"), Own("title")),
    field(("descriptionHtml", "Description"), Text, ("descriptionHtml", "/descriptionHtml"), Own("descriptionHtml")),
    field(("handle", "Handle"), Text, ("handle", "/handle"), Own("handle")),
    field(("vendor", "Vendor"), Text, ("vendor", "/vendor"), Own("vendor")),
    field(("productType", "Type"), Text, ("productType", "/productType"), Own("productType")),
    field(("status", "Status"), Choice, ("status", "/status"), Own("status")),
    field(("tags", "Tags"), Other, ("tags", "/tags"), Never),
    // Most products have one variant; of others the first stands for all.
    field(("variant.sku", "SKU"), Text, ("variants(first:1){nodes{sku}}", "/variants/nodes/0/sku"), Variant("sku")),
    field(
        ("variant.price", "Price"),
        Number,
        ("variants(first:1){nodes{price}}", "/variants/nodes/0/price"),
        Variant("price"),
    ),
    field(
        ("variant.compareAtPrice", "Compare-at price"),
        Number,
        ("variants(first:1){nodes{compareAtPrice}}", "/variants/nodes/0/compareAtPrice"),
        Variant("compareAtPrice"),
    ),
    field(
        ("variant.barcode", "Barcode"),
        Text,
        ("variants(first:1){nodes{barcode}}", "/variants/nodes/0/barcode"),
        Variant("barcode"),
    ),
    field(("totalInventory", "In stock"), Number, ("totalInventory", "/totalInventory"), Never),
    field(("createdAt", "Created"), DateTime, ("createdAt", "/createdAt"), Never),
    field(("publishedAt", "Published"), DateTime, ("publishedAt", "/publishedAt"), Never),
];

const ORDER: &[Field] = &[
    field(("name", "Number"), Text, ("name", "/name"), Never),
    field(("email", "Email"), Text, ("email", "/email"), Own("email")),
    field(("phone", "Phone"), Phone, ("phone", "/phone"), Own("phone")),
    field(("note", "Note"), Text, ("note", "/note"), Own("note")),
    field(("poNumber", "Purchase order"), Text, ("poNumber", "/poNumber"), Own("poNumber")),
    field(("displayFinancialStatus", "Payment"), Choice, ("displayFinancialStatus", "/displayFinancialStatus"), Never),
    field(
        ("displayFulfillmentStatus", "Delivery"),
        Choice,
        ("displayFulfillmentStatus", "/displayFulfillmentStatus"),
        Never,
    ),
    field(
        ("currentTotal", "Total now"),
        Number,
        ("currentTotalPriceSet{shopMoney{amount}}", "/currentTotalPriceSet/shopMoney/amount"),
        Never,
    ),
    field(
        ("total", "Total at first"),
        Number,
        ("totalPriceSet{shopMoney{amount}}", "/totalPriceSet/shopMoney/amount"),
        Never,
    ),
    field(("currencyCode", "Currency"), Text, ("currencyCode", "/currencyCode"), Never),
    field(("tags", "Tags"), Other, ("tags", "/tags"), Never),
    field(("createdAt", "Created"), DateTime, ("createdAt", "/createdAt"), Never),
    field(("processedAt", "Ordered"), DateTime, ("processedAt", "/processedAt"), Never),
    field(("cancelledAt", "Cancelled"), DateTime, ("cancelledAt", "/cancelledAt"), Never),
    field(("closedAt", "Archived"), DateTime, ("closedAt", "/closedAt"), Never),
];

/// The fields that every shop has of a kind.
pub(crate) fn of_kind(kind: RecordKind) -> &'static [Field] {
    match kind {
        RecordKind::Contact => CUSTOMER,
        RecordKind::Product => PRODUCT,
        RecordKind::Order => ORDER,
        RecordKind::Deal | RecordKind::Activity => &[],
    }
}

/// The field of that name; `None` for one that no shop has by itself.
pub(crate) fn find(kind: RecordKind, name: &str) -> Option<&'static Field> {
    of_kind(kind).iter().find(|field| field.name == name)
}

/// The namespace and the key of a metafield.
pub(crate) fn metafield(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(METAFIELD)?.split_once('.').filter(|(namespace, key)| !namespace.is_empty() && !key.is_empty())
}

#[async_trait]
impl Discovery for Shopify {
    async fn fields(&self, account: &Account, kind: RecordKind) -> Result<Vec<RemoteField>, ConnectorError> {
        let owner = api::names(kind)?.1.to_uppercase();
        let document = format!(
            "query($after: String) {{ metafieldDefinitions(ownerType: {owner}, first: 100, after: $after) \
             {{ nodes {{ namespace key name type {{ name }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        let mut fields: Vec<RemoteField> = of_kind(kind).iter().map(described).collect();
        let mut after = Value::Null;
        for _ in 0..PAGES {
            let data = api::ask(account, &document, json!({"after": after})).await?;
            let nodes = data.pointer("/metafieldDefinitions/nodes").and_then(Value::as_array);
            fields.extend(nodes.into_iter().flatten().filter_map(defined));
            let page = data.pointer("/metafieldDefinitions/pageInfo");
            after = page.and_then(|page| page.get("endCursor")).cloned().unwrap_or_default();
            if page.and_then(|page| page.get("hasNextPage")) != Some(&Value::Bool(true)) {
                break;
            }
        }
        Ok(fields)
    }
}

fn described(field: &Field) -> RemoteField {
    let words: &[&str] = match field.name {
        "status" => &["ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED"],
        "state" => &["DECLINED", "DISABLED", "ENABLED", "INVITED"],
        "displayFinancialStatus" => {
            &["AUTHORIZED", "EXPIRED", "PAID", "PARTIALLY_PAID", "PARTIALLY_REFUNDED", "PENDING", "REFUNDED", "VOIDED"]
        }
        "displayFulfillmentStatus" => {
            &["FULFILLED", "IN_PROGRESS", "ON_HOLD", "PARTIALLY_FULFILLED", "SCHEDULED", "UNFULFILLED"]
        }
        _ => &[],
    };
    let option = |word: &&str| RemoteOption { value: (*word).to_owned(), label: (*word).to_owned() };
    RemoteField {
        name: field.name.to_owned(),
        label: field.label.to_owned(),
        field_type: field.holds,
        options: words.iter().map(option).collect(),
        read_only: matches!(field.written, Never),
        unique: matches!(field.name, "email" | "phone" | "handle"),
        custom: false,
    }
}

/// A metafield that the shop has defined; ours is nobody's to map.
fn defined(definition: &Value) -> Option<RemoteField> {
    let text = |path: &str| definition.pointer(path).and_then(Value::as_str);
    let (namespace, key, holds) = (text("/namespace")?, text("/key")?, text("/type/name")?);
    if key == KEY.1 && holds == "id" {
        return None;
    }
    let field_type = match holds {
        "single_line_text_field" | "multi_line_text_field" | "id" | "url" | "color" => Text,
        "number_integer" | "number_decimal" => Number,
        "date" => RemoteFieldType::Date,
        "date_time" => DateTime,
        "boolean" => Bool,
        _ => Other,
    };
    Some(RemoteField {
        name: format!("{METAFIELD}{namespace}.{key}"),
        label: text("/name").unwrap_or(key).to_owned(),
        field_type,
        options: Vec::new(),
        // What is no plain value, such as a reference to a product, is not written as one.
        read_only: field_type == Other,
        unique: holds == "id",
        custom: true,
    })
}
