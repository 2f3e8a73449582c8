//! Trying a connection, and making ready what our creates rely on: a metafield that Shopify keeps unique.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde_json::{Value, json};

use super::{DESCRIPTOR, KEY, Shopify, api};
use crate::account::Account;
use crate::connector::{Identified, Prepared, Probe};
use crate::error::ConnectorError;

#[async_trait]
impl Probe for Shopify {
    async fn test(&self, account: &Account) -> Result<Identified, ConnectorError> {
        let document = "query { shop { name myshopifyDomain currencyCode ianaTimezone } \
                        currentAppInstallation { accessScopes { handle } } }";
        let data = api::ask(account, document, json!({})).await?;
        let text = |path: &str| data.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
        let domain = text("/shop/myshopifyDomain").ok_or_else(api::not_shopify)?.to_lowercase();
        let scopes = data.pointer("/currentAppInstallation/accessScopes").and_then(Value::as_array);
        let scopes: Vec<&str> =
            scopes.into_iter().flatten().filter_map(|scope| scope.get("handle")?.as_str()).collect();
        Ok(Identified {
            name: text("/shop/name").unwrap_or(&domain).to_owned(),
            details: json!({
                "currency": text("/shop/currencyCode"),
                "timezone": text("/shop/ianaTimezone"),
                "scopes": scopes,
            }),
            account_id: domain,
        })
    }

    async fn prepare(&self, account: &Account) -> Result<Prepared, ConnectorError> {
        let mut keyed = Vec::new();
        for kind in DESCRIPTOR.kinds {
            match define_key(account, *kind).await {
                Ok(()) => keyed.push(*kind),
                Err(error) if matches!(error.kind, FaultKind::Forbidden | FaultKind::Invalid) => {
                    tracing::info!(%kind, %error, "a shop does not let our key be defined");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Prepared { keyed })
    }
}

/// Defines the metafield that carries our key; one that is defined already is no failure.
pub(crate) async fn define_key(account: &Account, kind: RecordKind) -> Result<(), ConnectorError> {
    let owner = api::names(kind)?.1.to_uppercase();
    let document = "mutation($definition: MetafieldDefinitionInput!) { metafieldDefinitionCreate\
                    (definition: $definition) { userErrors { field message code } } }";
    let (namespace, key) = KEY;
    let definition = json!({
        "name": "Coccinelle", "namespace": namespace, "key": key, "ownerType": owner, "type": "id",
        "description": "The record of this object in Coccinelle",
        "capabilities": {"uniqueValues": {"enabled": true}},
    });
    let variables = json!({"definition": definition});
    match api::change(account, "metafieldDefinitionCreate", document, variables).await {
        Err(error) if error.kind == FaultKind::Conflict => Ok(()),
        other => other.map(drop),
    }
}
