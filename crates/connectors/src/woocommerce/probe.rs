//! Trying a connection: whether a shop is there at all, before any key is sent to it, and what the key opens.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde_json::{Value, json};
use url::{Host, Url};

use super::{DESCRIPTOR, WooCommerce, api, errors};
use crate::account::Account;
use crate::connector::{Identified, Prepared, Probe};
use crate::error::ConnectorError;
use crate::http::{Call, Look};

#[async_trait]
impl Probe for WooCommerce {
    async fn test(&self, account: &Account) -> Result<Identified, ConnectorError> {
        check_scheme(&account.base_url)?;
        let name = site(account).await?;
        api::send(account, api::look(RecordKind::Contact)?).await.map_err(told)?;
        // Nothing is written by this, and yet a key that may only read is refused it: by that, no webhook could be made.
        let nothing = Call::post(&[&api::objects(RecordKind::Order, "/batch")?], json!({}));
        match api::send(account, nothing).await {
            // What the key's owner may do in the shop is another matter, and seen kind by kind.
            Err(error) if error.kind == FaultKind::Forbidden && !errors::is_of_key(&error) => {}
            other => drop(other?),
        }
        let mut opens = Vec::new();
        for kind in DESCRIPTOR.kinds {
            match api::send(account, api::look(*kind)?).await {
                Ok(_) => opens.push(kind.as_str()),
                Err(error) if matches!(error.kind, FaultKind::Forbidden | FaultKind::Unauthorized) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Identified {
            account_id: address(&account.base_url),
            name,
            details: json!({
                "url": account.base_url.as_str(),
                "opens": opens,
                // Of customers the shop does not say which have changed: all are gone through, and compared.
                "full_walk": [RecordKind::Contact.as_str()],
            }),
        })
    }

    /// A shop needs nothing of ours: each object takes our key as it is, and addresses and SKUs are unique by themselves.
    async fn prepare(&self, _account: &Account) -> Result<Prepared, ConnectorError> {
        Ok(Prepared { keyed: DESCRIPTOR.kinds.to_vec() })
    }
}

/// Over plain http a shop takes no key, and everybody on the way could read it.
fn check_scheme(url: &Url) -> Result<(), ConnectorError> {
    let is_local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    if url.scheme() == "https" || is_local {
        return Ok(());
    }
    let message = "the address must begin with https://: by http a shop accepts no key";
    Err(ConnectorError::new(FaultKind::Invalid, "https_required", message))
}

/// The name of the site, which says that it is a shop.
async fn site(account: &Account) -> Result<String, ConnectorError> {
    let call = Call::get(&["wp-json", ""]).with("_fields", "name,namespaces");
    let Look { status, location, body } = account.http.look(account, call).await.map_err(nobody_there)?;
    let refuse = |code: &str, message: String| {
        Err(ConnectorError { status: Some(status), ..ConnectorError::new(FaultKind::Invalid, code, message) })
    };
    match (status, location) {
        (300..400, Some(place)) => {
            let place = place.split("wp-json").next().unwrap_or_default().trim_end_matches('/').to_owned();
            return refuse("redirected", format!("the address leads on to {place}: give that one, if it is yours"));
        }
        (429 | 500.., _) => {
            let message = format!("the shop answers with status {status}: look at it in a browser, then try again");
            return Err(ConnectorError {
                status: Some(status),
                ..ConnectorError::new(FaultKind::Unavailable, "shop_is_down", message)
            });
        }
        _ => {}
    }
    let namespaces = body.get("namespaces").and_then(Value::as_array);
    let code = body.get("code").and_then(Value::as_str).unwrap_or_default();
    match namespaces {
        // It is a WordPress by the form of its refusal; whether there is a shop is seen by the key.
        None if is_closed(Some(status), code) => Ok(address(&account.base_url)),
        None => Err(ConnectorError { status: Some(status), ..api::not_a_shop() }),
        Some(all) if !all.iter().any(|name| name == "wc/v3") => refuse(
            "no_woocommerce",
            "the site is a WordPress without WooCommerce: activate the plugin there".to_owned(),
        ),
        Some(_) => {
            let name = body.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
            Ok(name.map_or_else(|| address(&account.base_url), str::to_owned))
        }
    }
}

/// An address at which nobody is may be mistyped; whoever typed it can tell.
fn nobody_there(error: ConnectorError) -> ConnectorError {
    if error.code == "unreachable" {
        let message = "nothing answers at this address: check how it is written";
        ConnectorError { kind: FaultKind::Invalid, message: message.to_owned(), ..error }
    } else {
        error
    }
}

/// Whether a plugin keeps the site's whole interface closed: the shop's own refusals have other codes.
fn is_closed(status: Option<u16>, code: &str) -> bool {
    matches!(status, Some(401 | 403)) && code.starts_with("rest_")
}

/// A shop behind a proxy that ends TLS takes every key for unknown, unless it is told that it is called by HTTPS.
fn told(error: ConnectorError) -> ConnectorError {
    if is_closed(error.status, &error.code) {
        let message = "the site's REST API is closed, even to this key: open it in the plugin that closes it";
        ConnectorError {
            kind: FaultKind::Invalid,
            code: "rest_closed".to_owned(),
            message: message.to_owned(),
            ..error
        }
    } else if error.code == "woocommerce_rest_cannot_view" {
        let message = "the shop does not know this key, or does not see that it is called by HTTPS";
        ConnectorError { message: message.to_owned(), ..error }
    } else {
        error
    }
}

/// What tells a shop from all others: its address without the scheme.
fn address(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}{}", url.host_str().unwrap_or_default(), url.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        let code = |url: &str| check_scheme(&url.parse().unwrap()).err().map(|error| error.code);
        assert_eq!(code("https://shop.example.com"), None);
        assert_eq!(code("http://127.0.0.1:8080/shop"), None);
        assert_eq!(code("http://shop.example.com").as_deref(), Some("https_required"));
    }

    #[test]
    fn an_interface_that_is_closed_to_everybody_is_no_wrong_key() {
        let refused = |status, code: &str| {
            let bare = ConnectorError::new(FaultKind::Unauthorized, code, "no");
            let error = told(ConnectorError { status: Some(status), ..bare });
            (error.kind, error.code)
        };
        for (status, code) in [(401, "rest_cannot_access"), (403, "rest_forbidden")] {
            assert_eq!(refused(status, code), (FaultKind::Invalid, "rest_closed".to_owned()));
        }
        for code in ["woocommerce_rest_cannot_view", "woocommerce_rest_authentication_error"] {
            assert_eq!(refused(401, code), (FaultKind::Unauthorized, code.to_owned()));
        }
    }

    #[test]
    fn a_shop_is_known_by_its_address() {
        let known = |url: &str| address(&url.parse().unwrap());
        assert_eq!(known("https://Shop.Example.com/"), "shop.example.com");
        assert_eq!(known("https://example.com/boutique/"), "example.com/boutique");
        assert_eq!(known("http://127.0.0.1:8080/demo"), "127.0.0.1:8080/demo");
    }
}
