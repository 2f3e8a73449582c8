//! Looking for what may be there already: by our key, by e-mail address, by telephone number, by SKU.

use domain::identity::{Region, e164};
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use serde_json::{Value, json};

use super::{KEY, api, errors, probe, wire};
use crate::account::Account;
use crate::connector::{Found, Wanted};
use crate::error::ConnectorError;

/// How many are looked for by one call.
const AT_ONCE: usize = 10;

pub(crate) async fn find(account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
    let mut found = Vec::with_capacity(wanted.len());
    for part in wanted.chunks(AT_ONCE) {
        let document = document(kind, part, fields, account.region)?;
        let data = match api::ask(account, &document, json!({})).await {
            Err(error) if errors::lacks_key(&error) => {
                probe::define_key(account, kind).await?;
                api::ask(account, &document, json!({})).await?
            }
            other => other?,
        };
        found.extend(part.iter().enumerate().map(|(place, wanted)| hit(&data, (place, wanted), kind, fields)));
    }
    Ok(found)
}

/// Everybody is looked for in every way at once, under names that tell them apart.
fn document(kind: RecordKind, wanted: &[Wanted], fields: &[String], region: Region) -> Result<String, ConnectorError> {
    let (one, _) = api::names(kind)?;
    let selection = wire::selection(kind, fields.iter());
    let mut looks = Vec::new();
    for (place, wanted) in wanted.iter().enumerate() {
        let mut by = |way: &str, identifier: String| {
            looks.push(format!("{way}{place}: {one}ByIdentifier(identifier: {identifier}) {{ {selection} }}"));
        };
        let (namespace, key) = (api::quoted(KEY.0), api::quoted(KEY.1));
        let value = api::quoted(&wanted.key.to_string());
        by("k", format!("{{customId: {{namespace: {namespace}, key: {key}, value: {value}}}}}"));
        if kind == RecordKind::Contact {
            if let Some(email) = text(wanted, "email") {
                by("e", format!("{{emailAddress: {}}}", api::quoted(email)));
            }
            if let Some(number) = text(wanted, "phone").and_then(|number| e164(number, region)) {
                by("p", format!("{{phoneNumber: {}}}", api::quoted(&number)));
            }
        }
        if let Some(sku) = text(wanted, "variant.sku").filter(|_| kind == RecordKind::Product) {
            let query = api::quoted(&format!("sku:'{}'", sku.replace('\\', "\\\\").replace('\'', "\\'")));
            let variants = format!("productVariants(first: 5, query: {query})");
            looks.push(format!("s{place}: {variants} {{ nodes {{ sku product {{ {selection} }} }} }}"));
        }
    }
    Ok(format!("query {{ {} }}", looks.join(" ")))
}

/// What was found in the strongest way.
fn hit(data: &Value, (place, wanted): (usize, &Wanted), kind: RecordKind, fields: &[String]) -> Option<RemoteObject> {
    let by = |way: &str| data.get(format!("{way}{place}")).and_then(|object| wire::to_remote(object, kind, fields));
    let by_sku = || {
        let variants = data.get(format!("s{place}"))?.get("nodes")?.as_array()?;
        // A search finds what is like it, too.
        let is_it = |variant: &&Value| variant.get("sku").and_then(Value::as_str) == text(wanted, "variant.sku");
        variants.iter().filter(is_it).find_map(|variant| wire::to_remote(variant.get("product")?, kind, fields))
    };
    by("k").or_else(|| by("e")).or_else(|| by("p")).or_else(by_sku)
}

fn text<'a>(wanted: &'a Wanted, name: &str) -> Option<&'a str> {
    let value = wanted.identifiers.iter().find(|(known, _)| known == name).map(|(_, value)| value)?;
    value.as_text().map(str::trim).filter(|text| !text.is_empty())
}
