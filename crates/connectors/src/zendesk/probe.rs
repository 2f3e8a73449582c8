//! Trying a connection, and making an account ready.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde_json::{Value, json};
use url::Url;

use super::{DESCRIPTOR, Zendesk, api, wire};
use crate::account::Account;
use crate::connector::{Identified, Prepared, Probe};
use crate::error::ConnectorError;
use crate::http::Call;

#[async_trait]
impl Probe for Zendesk {
    async fn test(&self, account: &Account) -> Result<Identified, ConnectorError> {
        // Anybody may ask who they are, even nobody; only somebody's answer has an id.
        let body = api::get(account, &["users", "me"]).await?;
        let me = body.get("user").ok_or_else(foreign)?;
        let Some(user) = wire::object(&body, "user") else {
            let message = "Zendesk does not know who we are: the token is not valid, or no longer";
            return Err(ConnectorError::new(FaultKind::Unauthorized, "anonymous", message));
        };
        if !matches!(user.text("role"), "admin" | "agent") {
            let message = "this Zendesk user is no agent: connect as an administrator";
            return Err(ConnectorError::new(FaultKind::Forbidden, "not_an_agent", message));
        }
        let call = Call::get(&[api::V2, "users"]).with("page[size]", "1");
        api::send(account, call).await?;
        let site = site_of(&account.base_url);
        Ok(Identified {
            name: format!("Zendesk {site}"),
            account_id: site,
            details: json!({
                "user": me.get("name"),
                "role": me.get("role"),
                "time_zone": me.get("time_zone"),
                // Only an administrator may export what changed, and subscribe to webhooks.
                "may_export": me.get("role").and_then(Value::as_str) == Some("admin"),
            }),
        })
    }

    /// Every user and ticket has room for our key.
    async fn prepare(&self, _account: &Account) -> Result<Prepared, ConnectorError> {
        let keyed: Vec<RecordKind> = DESCRIPTOR.kinds.to_vec();
        Ok(Prepared { keyed })
    }
}

/// The name of an account's site: the first part of its host, or the end of the path where an operator's address has one.
fn site_of(url: &Url) -> String {
    let of_path = url.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
    let of_host = || url.host_str().and_then(|host| host.split('.').next()).unwrap_or_default();
    of_path.unwrap_or_else(of_host).to_owned()
}

fn foreign() -> ConnectorError {
    ConnectorError::new(FaultKind::Invalid, "not_zendesk", "what answers at this address is not Zendesk")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_known_by_the_name_of_its_site() {
        for (url, site) in [
            ("https://acme.zendesk.com", "acme"),
            ("https://acme.zendesk.com/", "acme"),
            ("http://127.0.0.1:8080/zendesk/acme", "acme"),
        ] {
            assert_eq!(site_of(&url.parse().unwrap()), site);
        }
    }
}
