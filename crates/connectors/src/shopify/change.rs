//! Changes as documents: one field each, its arguments all variables. Alone they are calls of ours, together one of a workflow's.

use domain::kind::RecordKind;
use serde_json::{Map, Value, json};

use super::pieces::Pieces;
use super::{api, write};
use crate::account::Account;
use crate::connector::Create;
use crate::error::ConnectorError;

/// One change. No two of those that may stand together name a variable alike.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) field: &'static str,
    /// The variables with their types, and how the field takes them.
    pub(crate) declared: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) variables: Map<String, Value>,
}

impl Change {
    fn new(
        field: &'static str,
        (declared, arguments): (&'static str, &'static str),
        variables: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { field, declared, arguments, variables }
    }

    /// A new object, of what lies in itself.
    pub(crate) fn creating(kind: RecordKind, item: &Create, own: Map<String, Value>) -> Result<Self, ConnectorError> {
        api::names(kind)?;
        let (field, form, input) = match kind {
            RecordKind::Contact => ("customerCreate", ("$input: CustomerInput!", "input: $input"), own),
            RecordKind::Product => ("productCreate", ("$input: ProductCreateInput!", "product: $input"), own),
            RecordKind::Order | RecordKind::Deal | RecordKind::Activity => {
                ("orderCreate", ("$input: OrderCreateOrderInput!", "order: $input"), write::order(own, item)?)
            }
        };
        Ok(Self::new(field, form, [("input", input.into())]))
    }

    pub(crate) fn deleting(kind: RecordKind, id: &str) -> Result<Self, ConnectorError> {
        let gid = api::gid(kind, id)?;
        let (field, form, variable) = match kind {
            RecordKind::Contact => {
                let form = ("$input: CustomerDeleteInput!", "input: $input");
                ("customerDelete", form, ("input", json!({"id": gid})))
            }
            RecordKind::Product => {
                ("productDelete", ("$input: ProductDeleteInput!", "input: $input"), ("input", json!({"id": gid})))
            }
            RecordKind::Order | RecordKind::Deal | RecordKind::Activity => {
                ("orderDelete", ("$order: ID!", "orderId: $order"), ("order", json!(gid)))
            }
        };
        Ok(Self::new(field, form, [variable]))
    }

    fn updating(kind: RecordKind, gid: &str, mut own: Map<String, Value>) -> Self {
        let (field, form) = match kind {
            RecordKind::Contact => ("customerUpdate", ("$input: CustomerInput!", "input: $input")),
            RecordKind::Product => ("productUpdate", ("$input: ProductUpdateInput!", "product: $input")),
            RecordKind::Order | RecordKind::Deal | RecordKind::Activity => {
                ("orderUpdate", ("$input: OrderInput!", "input: $input"))
            }
        };
        own.insert("id".to_owned(), json!(gid));
        Self::new(field, form, [("input", own.into())])
    }
}

/// The changes that an object which is there takes, in their order. It is asked for what it has already, where that matters.
pub(crate) async fn of_pieces(
    account: &Account,
    kind: RecordKind,
    id: &str,
    pieces: Pieces,
) -> Result<Vec<Change>, ConnectorError> {
    let gid = api::gid(kind, id)?;
    let mut changes = Vec::new();
    if !pieces.own.is_empty() {
        changes.push(Change::updating(kind, &gid, pieces.own));
    }
    if !pieces.address.is_empty() {
        changes.push(address(account, &gid, pieces.address).await?);
    }
    if !pieces.variant.is_empty() {
        changes.push(variant(account, &gid, pieces.variant).await?);
    }
    if !pieces.cleared.is_empty() {
        let named = |(namespace, key): &(String, String)| json!({"ownerId": gid, "namespace": namespace, "key": key});
        let metafields: Vec<Value> = pieces.cleared.iter().map(named).collect();
        let form = ("$metafields: [MetafieldIdentifierInput!]!", "metafields: $metafields");
        changes.push(Change::new("metafieldsDelete", form, [("metafields", metafields.into())]));
    }
    Ok(changes)
}

/// A change of a customer's own address, which is made where there is none. Others stay as they are.
async fn address(account: &Account, gid: &str, address: Map<String, Value>) -> Result<Change, ConnectorError> {
    let document = "query($id: ID!) { customer(id: $id) { defaultAddress { id } } }";
    let data = api::ask(account, document, json!({"id": gid})).await?;
    let known = data.pointer("/customer/defaultAddress/id").filter(|id| id.is_string());
    let common = [("customer", json!(gid)), ("address", address.into())];
    Ok(match known {
        Some(known) => Change::new(
            "customerAddressUpdate",
            (
                "$customer: ID!, $address: MailingAddressInput!, $addressId: ID!",
                "customerId: $customer, address: $address, addressId: $addressId, setAsDefault: true",
            ),
            common.into_iter().chain([("addressId", known.clone())]),
        ),
        None => Change::new(
            "customerAddressCreate",
            (
                "$customer: ID!, $address: MailingAddressInput!",
                "customerId: $customer, address: $address, setAsDefault: true",
            ),
            common,
        ),
    })
}

/// A change of the first variant of a product; every product has one.
async fn variant(account: &Account, gid: &str, mut variant: Map<String, Value>) -> Result<Change, ConnectorError> {
    let document = "query($id: ID!) { product(id: $id) { variants(first: 1) { nodes { id } } } }";
    let data = api::ask(account, document, json!({"id": gid})).await?;
    let first = data.pointer("/product/variants/nodes/0/id").cloned().ok_or_else(write::gone)?;
    variant.insert("id".to_owned(), first);
    let form = ("$product: ID!, $variants: [ProductVariantsBulkInput!]!", "productId: $product, variants: $variants");
    let variables = [("product", json!(gid)), ("variants", json!([variant]))];
    Ok(Change::new("productVariantsBulkUpdate", form, variables))
}

/// One mutation of these changes, each of which shows this besides its faults; and its variables.
pub(crate) fn document(changes: &[Change], shown: &str) -> (String, Value) {
    let declared: Vec<&str> = changes.iter().map(|change| change.declared).collect();
    // Few payloads have a code for what is wrong.
    let faults =
        |field: &str| if field == "productVariantsBulkUpdate" { "field message code" } else { "field message" };
    let field = |change: &Change| {
        let (field, arguments) = (change.field, change.arguments);
        format!("{field}({arguments}) {{ {shown} userErrors {{ {} }} }}", faults(field))
    };
    let fields: Vec<String> = changes.iter().map(field).collect();
    let variables: Map<String, Value> = changes.iter().flat_map(|change| change.variables.clone()).collect();
    (format!("mutation({}) {{ {} }}", declared.join(", "), fields.join(" ")), variables.into())
}

/// Makes one change; what its field answers.
pub(crate) async fn make(
    account: &Account,
    change: &Change,
    shown: &str,
) -> Result<Map<String, Value>, ConnectorError> {
    let (document, variables) = document(std::slice::from_ref(change), shown);
    api::change(account, change.field, &document, variables).await
}
