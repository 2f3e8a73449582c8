//! Trying a connection, and making an account ready.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde_json::{Value, json};

use super::{DESCRIPTOR, Pipedrive, api, schema};
use crate::account::Account;
use crate::connector::{Identified, Prepared, Probe};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::values::id_of;

#[async_trait]
impl Probe for Pipedrive {
    async fn test(&self, account: &Account) -> Result<Identified, ConnectorError> {
        let body = api::send(account, Call::get(&[api::V1, "users", "me"])).await?;
        let me = body.get("data").ok_or_else(api::foreign)?;
        let company = me.get("company_id").and_then(id_of).ok_or_else(api::foreign)?;
        // Anybody may ask who they are; whether the token opens what we need is seen by trying.
        look(account, RecordKind::Contact).await?;
        let deals = match look(account, RecordKind::Deal).await {
            Ok(()) => true,
            Err(error) if error.kind == FaultKind::Forbidden => false,
            Err(error) => return Err(error),
        };
        let text = |name: &str| me.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = if text("company_name").is_empty() { text("company_domain") } else { text("company_name") };
        Ok(Identified {
            account_id: company,
            name: if name.is_empty() { "Pipedrive".to_owned() } else { format!("Pipedrive {name}") },
            details: json!({
                "company_domain": me.get("company_domain"),
                "user": me.get("name"),
                "time_zone": me.get("timezone_name"),
                "currency": me.get("default_currency"),
                "contacts": true,
                "deals": deals,
            }),
        })
    }

    async fn prepare(&self, account: &Account) -> Result<Prepared, ConnectorError> {
        let mut keyed = Vec::new();
        for kind in DESCRIPTOR.kinds {
            if schema::ensure_key(account, *kind).await? {
                keyed.push(*kind);
            }
        }
        Ok(Prepared { keyed })
    }
}

async fn look(account: &Account, kind: RecordKind) -> Result<(), ConnectorError> {
    api::send(account, Call::get(&[&api::objects(kind, "")?]).with("limit", "1")).await.map(drop)
}
