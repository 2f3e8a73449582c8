//! What a workflow's document may ask of a shop: that which its action needs, of the action's own object. Nothing is called here.

use std::collections::BTreeMap;

use async_graphql_parser::parse_query;
use async_graphql_parser::types::{Field, OperationType, Selection, SelectionSet};
use async_graphql_value::Value as Argument;
use domain::kind::RecordKind;
use domain::workflow::{Action, Verb};
use serde_json::{Map, Value};

use super::{api, fields, wire};
use crate::proxy::Effect;

/// A document may make so many changes at once.
const MOST: usize = 10;

/// What payloads show of what is wrong, and of what is gone.
const PAYLOAD: &str = "userErrors { field message code } deletedCustomerId deletedProductId deletedId deletedMetafields { key namespace ownerId }";

/// Whichever metafield it is.
const OWN_FIELD: &str = "own: metafield(namespace: \"\", key: \"\") { value jsonValue }";

/// A change that an action may need: its field, the arguments it may be given, and where they name the object.
struct Permit {
    field: &'static str,
    arguments: &'static [&'static str],
    own: &'static str,
}

const fn permit(field: &'static str, arguments: &'static [&'static str], own: &'static str) -> Permit {
    Permit { field, arguments, own }
}

/// The objects of a list, instead of one place.
const OWNERS: &str = "/metafields/*/ownerId";

fn permits(action: Action) -> &'static [Permit] {
    const CONTACT: &[Permit] = &[
        permit("customerUpdate", &["input"], "/input/id"),
        permit("customerAddressUpdate", &["customerId", "address", "addressId", "setAsDefault"], "/customerId"),
        permit("customerAddressCreate", &["customerId", "address", "setAsDefault"], "/customerId"),
        permit("metafieldsDelete", &["metafields"], OWNERS),
    ];
    const PRODUCT: &[Permit] = &[
        permit("productUpdate", &["product"], "/product/id"),
        permit("productVariantsBulkUpdate", &["productId", "variants"], "/productId"),
        permit("metafieldsDelete", &["metafields"], OWNERS),
    ];
    const ORDER: &[Permit] =
        &[permit("orderUpdate", &["input"], "/input/id"), permit("metafieldsDelete", &["metafields"], OWNERS)];
    match (action.verb, action.kind) {
        (Verb::Create, RecordKind::Contact) => &const { [permit("customerCreate", &["input"], "")] },
        (Verb::Create, RecordKind::Product) => &const { [permit("productCreate", &["product"], "")] },
        (Verb::Create, RecordKind::Order) => &const { [permit("orderCreate", &["order"], "")] },
        (Verb::Update, RecordKind::Contact) => CONTACT,
        (Verb::Update, RecordKind::Product) => PRODUCT,
        (Verb::Update, RecordKind::Order) => ORDER,
        (Verb::Delete, RecordKind::Contact) => &const { [permit("customerDelete", &["input"], "/input/id")] },
        (Verb::Delete, RecordKind::Product) => &const { [permit("productDelete", &["input"], "/input/id")] },
        (Verb::Delete, RecordKind::Order) => &const { [permit("orderDelete", &["orderId"], "/orderId")] },
        (_, RecordKind::Deal | RecordKind::Activity) => &[],
    }
}

/// What a posted document does, where the action needs all of it; `own` is the action's object.
pub(crate) fn effect(action: Action, body: &Value, own: Option<&str>) -> Option<Effect> {
    let document = Document::read(body)?;
    let own = own.and_then(|id| api::gid(action.kind, id).ok());
    let (one, _) = api::names(action.kind).ok()?;
    let all = document.fields.len();
    if document.is_mutation {
        let permitted = |field: &Field| {
            let permit = permits(action).iter().find(|permit| permit.field == field.name.node.as_str())?;
            let given = document.arguments(field, permit.arguments)?;
            let is_own = permit.own.is_empty() || names_only(&given, permit.own, own.as_deref()?);
            let shown = format!("{one} {{ {} {OWN_FIELD} }} {PAYLOAD}", readable(action.kind));
            (is_own && is_plain(&given) && is_within(&field.selection_set.node, &tree(&shown)?)).then_some(())
        };
        document.fields.iter().try_for_each(permitted)?;
        // Our key is put into the one variable of the one field.
        let is_create = action.verb == Verb::Create;
        return if is_create {
            (all == 1 && document.created_by().is_some()).then_some(Effect::Create)
        } else {
            (1..=MOST).contains(&all).then_some(Effect::Write)
        };
    }
    let own = own?;
    let shown = format!("{} {OWN_FIELD}", readable(action.kind));
    let permitted = |field: &Field| {
        let given = document.arguments(field, &["id"])?;
        let is_own = field.name.node == one && names_only(&given, "/id", &own);
        (is_own && is_within(&field.selection_set.node, &tree(&shown)?)).then_some(())
    };
    document.fields.iter().try_for_each(permitted)?;
    (1..=MOST).contains(&all).then_some(Effect::Read)
}

/// The variable that holds what a create makes.
pub(crate) fn created_by(body: &Value) -> Option<String> {
    Document::read(body)?.created_by()
}

/// All that an object of a kind can be asked for.
pub(crate) fn readable(kind: RecordKind) -> String {
    let names: Vec<String> = fields::of_kind(kind).iter().map(|field| field.name.to_owned()).collect();
    let also = match kind {
        RecordKind::Contact => "defaultAddress { id }",
        RecordKind::Product => "variants(first: 1) { nodes { id } }",
        RecordKind::Order | RecordKind::Deal | RecordKind::Activity => "",
    };
    format!("{} {also}", wire::selection(kind, names.iter()))
}

/// One operation, of which nothing depends on what is not in sight: no fragment, no directive, no default.
struct Document<'a> {
    is_mutation: bool,
    fields: Vec<Field>,
    variables: Option<&'a Map<String, Value>>,
}

impl<'a> Document<'a> {
    fn read(body: &'a Value) -> Option<Self> {
        let posted = body.as_object()?;
        if !posted.keys().all(|name| ["query", "variables"].contains(&name.as_str())) {
            return None;
        }
        let parsed = parse_query(posted.get("query")?.as_str()?).ok()?;
        let mut operations = parsed.operations.iter();
        let (Some((_, operation)), None) = (operations.next(), operations.next()) else { return None };
        let operation = &operation.node;
        let is_bare = |variable: &async_graphql_parser::types::VariableDefinition| {
            variable.default_value.is_none() && variable.directives.is_empty()
        };
        let declared = operation.variable_definitions.iter().all(|variable| is_bare(&variable.node));
        if !parsed.fragments.is_empty() || !operation.directives.is_empty() || !declared {
            return None;
        }
        let is_mutation = match operation.ty {
            OperationType::Query => false,
            OperationType::Mutation => true,
            OperationType::Subscription => return None,
        };
        let fields = operation.selection_set.node.items.iter();
        let fields: Option<Vec<Field>> = fields.map(|item| bare(&item.node).cloned()).collect();
        let variables = posted.get("variables").and_then(Value::as_object);
        Some(Self { is_mutation, fields: fields?, variables })
    }

    /// What a field is given, where each argument is one of these, comes once, and is a variable as a whole, or yes or no.
    fn arguments(&self, field: &Field, allowed: &[&str]) -> Option<Value> {
        let mut given = Map::new();
        for (name, value) in &field.arguments {
            let value = match &value.node {
                Argument::Variable(name) => self.variables?.get(name.as_str())?.clone(),
                Argument::Boolean(yes) => Value::Bool(*yes),
                Argument::Null
                | Argument::Number(_)
                | Argument::String(_)
                | Argument::Binary(_)
                | Argument::Enum(_)
                | Argument::List(_)
                | Argument::Object(_) => return None,
            };
            let name = name.node.as_str();
            if !allowed.contains(&name) || given.insert(name.to_owned(), value).is_some() {
                return None;
            }
        }
        Some(given.into())
    }

    fn created_by(&self) -> Option<String> {
        let [field] = self.fields.as_slice() else { return None };
        let [(_, value)] = field.arguments.as_slice() else { return None };
        let Argument::Variable(name) = &value.node else { return None };
        Some(name.to_string())
    }
}

/// A field without directives; `None` for a fragment.
fn bare(selection: &Selection) -> Option<&Field> {
    let Selection::Field(field) = selection else { return None };
    field.node.directives.is_empty().then_some(&field.node)
}

/// Whether what an argument names is this object, and in a list nothing else.
fn names_only(given: &Value, at: &str, own: &str) -> bool {
    match at.split_once("/*") {
        None => given.pointer(at).and_then(Value::as_str) == Some(own),
        Some((list, rest)) => {
            let items = given.pointer(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            !items.is_empty() && items.iter().all(|item| names_only(item, rest, own))
        }
    }
}

/// An order belongs to a customer who is there already: none is made with it, unlooked for.
fn is_plain(given: &Value) -> bool {
    given.pointer("/order/customer/toUpsert").is_none()
}

/// The names of a selection, each with what is selected of it.
#[derive(Default)]
struct Tree(BTreeMap<String, Self>);

fn tree(selection: &str) -> Option<Tree> {
    let document = parse_query(format!("{{ {selection} }}")).ok()?;
    let (_, operation) = document.operations.iter().next()?;
    let mut tree = Tree::default();
    grow(&mut tree, &operation.node.selection_set.node);
    Some(tree)
}

fn grow(tree: &mut Tree, selection: &SelectionSet) {
    for field in selection.items.iter().filter_map(|item| bare(&item.node)) {
        let inner = tree.0.entry(field.name.node.to_string()).or_default();
        grow(inner, &field.selection_set.node);
    }
}

/// Whether everything that is selected is of what may be. Only where a field has to say which, it may be given constants.
fn is_within(selection: &SelectionSet, permitted: &Tree) -> bool {
    selection.items.iter().all(|item| {
        let Some(field) = bare(&item.node) else { return false };
        let name = field.name.node.as_str();
        let known: &[&str] = match name {
            "metafield" => &["namespace", "key"],
            "variants" => &["first"],
            _ => &[],
        };
        let are_known = field.arguments.iter().all(|(name, _)| known.contains(&name.node.as_str()));
        let inner = permitted.0.get(name);
        are_known && inner.is_some_and(|inner| is_within(&field.selection_set.node, inner))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(verb: Verb, query: &str, variables: Value) -> Option<Effect> {
        let action = Action { verb, kind: RecordKind::Contact };
        effect(action, &json!({"query": query, "variables": variables}), Some("7").filter(|_| verb != Verb::Create))
    }

    fn own() -> Value {
        json!({"id": "gid://shopify/Customer/7", "input": {"id": "gid://shopify/Customer/7", "note": "x"}})
    }

    #[test]
    fn what_an_action_needs_is_told_by_what_it_does() {
        let create = "mutation Make($input: CustomerInput!) { customerCreate(input: $input) { customer { id } userErrors { field message } } }";
        assert_eq!(judged(Verb::Create, create, json!({"input": {"email": "zoe@x.fr"}})), Some(Effect::Create));
        let change = "mutation($input: CustomerInput!) { a: customerUpdate(input: $input) { customer { id firstName key: metafield(namespace: \"custom\", key: \"a\") { jsonValue value } } } }";
        assert_eq!(judged(Verb::Update, change, own()), Some(Effect::Write));
        let read = "query($id: ID!) { customer(id: $id) { id defaultEmailAddress { emailAddress } } }";
        assert_eq!(judged(Verb::Update, read, own()), Some(Effect::Read));
        assert_eq!(judged(Verb::Delete, read, own()), Some(Effect::Read));
    }

    #[test]
    fn what_it_does_not_need_is_none_of_its_calls() {
        let other = json!({"id": "gid://shopify/Customer/8", "input": {"id": "gid://shopify/Customer/8"}});
        let update = "mutation($input: CustomerInput!) { customerUpdate(input: $input) { customer { id } } }";
        assert_eq!(judged(Verb::Update, update, own()), Some(Effect::Write));
        assert_eq!(judged(Verb::Update, update, other.clone()), None, "somebody else");
        assert_eq!(judged(Verb::Delete, update, own()), None, "another verb");
        for query in [
            "query($id: ID!) { customer(id: $id) { orders(first: 5) { nodes { id } } } }",
            "query($id: ID!) { shop { name } customer(id: $id) { id } }",
            "query { customers(first: 5) { nodes { id } } }",
            "query($id: ID!) { customer(id: $id) { ...All } } fragment All on Customer { id }",
            "query($id: ID!) { customer(id: $id) { ... on Customer { id } } }",
            "query($id: ID!) { customer(id: $id) @skip(if: false) { id } }",
            "query($id: ID = \"gid://shopify/Customer/8\") { customer(id: $id) { id } }",
            "query { customer(id: \"gid://shopify/Customer/8\") { id } }",
            "query A($id: ID!) { customer(id: $id) { id } } query B { shop { name } }",
            "mutation($input: CustomerInput!) { customerUpdate(input: $input) { customer { id } } appUninstall { app { id } } }",
            "mutation($input: CustomerInput!) { customerUpdate(input: {id: \"gid://shopify/Customer/8\"}) { customer { id } } }",
            "mutation($input: CustomerInput!, $id: ID!) { customerUpdate(input: $input, input: $id) { customer { id } } }",
            "mutation($input: CustomerInput!) { customerUpdate(input: $input) { customer { lastOrder { id } } } }",
            "mutation($input: CustomerInput!) { customerUpdate(input: $absent) { customer { id } } }",
            "subscription { customer { id } }",
            "mutation($id: ID!) {",
            "",
        ] {
            assert_eq!(judged(Verb::Update, query, own()), None, "{query}");
        }
        let twice = "mutation($input: CustomerInput!) { a: customerCreate(input: $input) { customer { id } } b: customerCreate(input: $input) { customer { id } } }";
        assert_eq!(judged(Verb::Create, twice, own()), None);
        let named = json!({"query": update, "variables": own(), "operationName": "A"});
        assert_eq!(effect(Action { verb: Verb::Update, kind: RecordKind::Contact }, &named, Some("7")), None);
    }

    #[test]
    fn what_is_cleared_is_all_of_one_object_and_an_order_makes_no_customer() {
        let clear = "mutation($metafields: [MetafieldIdentifierInput!]!) { metafieldsDelete(metafields: $metafields) { userErrors { field } } }";
        let of = |ids: &[&str]| {
            let all: Vec<Value> =
                ids.iter().map(|id| json!({"ownerId": format!("gid://shopify/Customer/{id}")})).collect();
            json!({ "metafields": all })
        };
        assert_eq!(judged(Verb::Update, clear, of(&["7", "7"])), Some(Effect::Write));
        assert_eq!(judged(Verb::Update, clear, of(&["7", "8"])), None);
        assert_eq!(judged(Verb::Update, clear, of(&[])), None);
        let order = "mutation($o: OrderCreateOrderInput!) { orderCreate(order: $o) { order { id } } }";
        let action = Action { verb: Verb::Create, kind: RecordKind::Order };
        let customer = |customer: Value| json!({"query": order, "variables": {"o": {"customer": customer}}});
        let known = customer(json!({"toAssociate": {"id": "gid://shopify/Customer/7"}}));
        assert_eq!(effect(action, &known, None), Some(Effect::Create));
        assert_eq!(effect(action, &customer(json!({"toUpsert": {"email": "zoe@x.fr"}})), None), None);
    }
}
