//! Trying a connection, and making an organisation ready.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde_json::{Value, json};

use super::{DESCRIPTOR, Salesforce, api, fields, ids};
use crate::account::Account;
use crate::connector::{Identified, Prepared, Probe};
use crate::error::ConnectorError;
use crate::http::Call;

#[async_trait]
impl Probe for Salesforce {
    async fn test(&self, account: &Account) -> Result<Identified, ConnectorError> {
        // Anybody may ask who they are; whether the API is open to them is seen by trying. And first: where the session is over, the
        // API says so in the way that gets another token.
        let limits = api::send(account, Call::get(&[api::DATA, "limits"])).await?;
        let me = api::send(account, Call::get(&["services/oauth2/userinfo"])).await?;
        let organisation = text(&me, "organization_id").and_then(ids::whole).ok_or_else(foreign)?;
        look(account, RecordKind::Contact).await?;
        let deals = match look(account, RecordKind::Deal).await {
            Ok(()) => true,
            Err(error) if matches!(error.kind, FaultKind::Forbidden | FaultKind::Invalid) => false,
            Err(error) => return Err(error),
        };
        let user = text(&me, "preferred_username").or_else(|| text(&me, "name")).unwrap_or_default();
        let host = account.base_url.host_str().unwrap_or("salesforce.com");
        Ok(Identified {
            account_id: organisation,
            name: format!("Salesforce {host}"),
            details: json!({
                "user": user,
                "instance": host,
                "daily_requests": limits.get("DailyApiRequests"),
                "contacts": true,
                "deals": deals,
            }),
        })
    }

    /// The REST interface makes no fields: an administrator adds ours, an external id that is unique. Without it, a create is
    /// guarded by the look before it.
    async fn prepare(&self, account: &Account) -> Result<Prepared, ConnectorError> {
        let mut keyed = Vec::new();
        for kind in DESCRIPTOR.kinds {
            if fields::has_key(account, *kind).await? {
                keyed.push(*kind);
            }
        }
        Ok(Prepared { keyed })
    }
}

async fn look(account: &Account, kind: RecordKind) -> Result<(), ConnectorError> {
    let soql = format!("SELECT Id FROM {} LIMIT 1", api::object_type(account, kind)?);
    api::query(account, &soql).await.map(drop)
}

fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn foreign() -> ConnectorError {
    ConnectorError::new(FaultKind::Invalid, "not_salesforce", "what answers at this address is not Salesforce")
}
