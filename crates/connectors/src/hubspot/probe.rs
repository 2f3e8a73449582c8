//! Trying a connection, and making an account ready.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde_json::{Value, json};

use super::{DESCRIPTOR, HubSpot, api, noted, properties};
use crate::account::Account;
use crate::connector::{Identified, Prepared, Probe};
use crate::error::ConnectorError;
use crate::http::Call;

#[async_trait]
impl Probe for HubSpot {
    async fn test(&self, account: &Account) -> Result<Identified, ConnectorError> {
        let path = format!("account-info/{}/details", api::VERSION);
        let info = api::send(account, Call::get(&[&path])).await?;
        let portal = info.get("portalId").and_then(Value::as_u64).ok_or_else(nameless)?;
        // Any key may ask for the account's details; whether it opens what we need is seen by trying.
        look(account, RecordKind::Contact).await?;
        let deals = match look(account, RecordKind::Deal).await {
            Ok(()) => true,
            Err(error) if error.kind == FaultKind::Forbidden => false,
            Err(error) => return Err(error),
        };
        let domain = info.get("uiDomain").and_then(Value::as_str).unwrap_or("app.hubspot.com");
        Ok(Identified {
            account_id: portal.to_string(),
            name: format!("HubSpot {portal} ({domain})"),
            details: json!({
                "account_type": info.get("accountType"),
                "time_zone": info.get("timeZone"),
                "currency": info.get("companyCurrency"),
                "ui_domain": domain,
                "contacts": true,
                "deals": deals,
            }),
        })
    }

    async fn prepare(&self, account: &Account) -> Result<Prepared, ConnectorError> {
        let mut keyed = Vec::new();
        for kind in DESCRIPTOR.kinds {
            if properties::ensure_key(account, *kind).await? {
                noted::has(account, *kind);
                keyed.push(*kind);
            }
        }
        Ok(Prepared { keyed })
    }
}

async fn look(account: &Account, kind: RecordKind) -> Result<(), ConnectorError> {
    let call = Call::get(&[&api::objects(kind, "")?]).with("limit", "1");
    api::send(account, call).await.map(drop)
}

fn nameless() -> ConnectorError {
    ConnectorError::new(FaultKind::Invalid, "not_hubspot", "what answers at this address is not HubSpot")
}
