//! Shopify's grants. Each shop has a site of its own, and what it sends back to us is signed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::credentials::Credentials;
use domain::fault::FaultKind;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::{DESCRIPTOR, Shopify, api};
use crate::account::{Account, Learnt, Unlimited};
use crate::descriptor::{KeyShown, SiteField, Terms, Words};
use crate::error::ConnectorError;
use crate::http::Client;
use crate::oauth::{
    App, Authorization, BadCallback, BadSite, Callback, ClientAuth, Code, Endpoint, Grant, OAuth, below,
};
use crate::signature;

/// What stands behind the name of a shop; nothing else is one.
const DOMAIN: &str = ".myshopify.com";

/// How the browser shows the same shop to its owner.
const ADMIN: &str = "admin.shopify.com/store/";

/// How far the time of a callback may lie from ours, in seconds.
const WINDOW: i64 = 90;

/// Our token in every call.
const TOKEN: KeyShown = KeyShown::InHeader("x-shopify-access-token");

/// What each scope is for.
const PURPOSES: &[(&str, Words)] = &[
    ("read_customers", Words::new("lire les clients", "read customers")),
    ("write_customers", Words::new("créer et modifier les clients", "create and change customers")),
    ("read_products", Words::new("lire les produits", "read products")),
    ("write_products", Words::new("créer et modifier les produits", "create and change products")),
    ("read_orders", Words::new("lire les commandes", "read orders")),
    ("write_orders", Words::new("créer et modifier les commandes", "create and change orders")),
];

pub(super) const TERMS: Terms = Terms {
    scopes: &["read_customers", "write_customers", "read_products", "write_products", "read_orders", "write_orders"],
    purposes: PURPOSES,
    pkce: false,
    site: Some(SiteField {
        label: Words::new("Boutique", "Shop"),
        hint: Words::new(
            "L'adresse de votre boutique chez Shopify, par exemple « ma-boutique.myshopify.com ».",
            "The address of your shop at Shopify, such as “acme.myshopify.com”.",
        ),
        required: true,
    }),
    // A token that is not said to expire does not.
    assumed_life: None,
    refresh_ahead: Duration::from_secs(600),
    // The one before stays good until its successor is used, so that an answer that was lost can be asked for again.
    single_use_refresh: false,
    // A refresh token lives for ninety days.
    keep_alive: Some(Duration::from_secs(30 * 86_400)),
};

#[async_trait]
impl OAuth for Shopify {
    fn site(&self, typed: Option<&str>) -> Result<Option<String>, BadSite> {
        let typed = typed.ok_or(BadSite("is needed: the address of your shop, such as “acme.myshopify.com”"))?;
        let name = typed.trim().to_lowercase();
        let name = name.strip_prefix("https://").unwrap_or(&name);
        let name = match name.strip_prefix(ADMIN) {
            Some(rest) => rest.split('/').next().unwrap_or_default(),
            None => {
                let host = name.strip_suffix("/admin").unwrap_or(name).trim_end_matches('/');
                host.strip_suffix(DOMAIN).unwrap_or(host)
            }
        };
        let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=60).contains(&name.len()) && name.bytes().all(is_sign) && !name.starts_with('-');
        if is_name {
            Ok(Some(name.to_owned()))
        } else {
            Err(BadSite("must be a shop such as “acme.myshopify.com”"))
        }
    }

    fn authorize_url(&self, app: &App, request: &Authorization<'_>) -> Url {
        let mut url = below(&app.authorize_base, "admin/oauth/authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &app.client_id)
            .append_pair("scope", &request.scopes.join(","))
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("state", request.state);
        url
    }

    fn check_callback(&self, app: &App, callback: &Callback<'_>) -> Result<(), BadCallback> {
        let given = callback.get("hmac").ok_or(BadCallback::Unsigned)?;
        let signed = signature::hmac_sha256_hex(&app.client_secret, &[signed_text(callback.query).as_bytes()]);
        if app.client_secret.expose_secret().is_empty() || !signature::is_same(given.as_bytes(), signed.as_bytes()) {
            return Err(BadCallback::Unsigned);
        }
        let at: i64 = callback.get("timestamp").and_then(|at| at.parse().ok()).ok_or(BadCallback::OutsideWindow)?;
        let now = callback.received_at.as_millis().div_euclid(1_000);
        if at.abs_diff(now) > WINDOW.unsigned_abs() {
            return Err(BadCallback::OutsideWindow);
        }
        let shop = callback.get("shop").map(str::to_lowercase);
        let asked = app.site.as_ref().map(|site| format!("{site}{DOMAIN}"));
        if shop.is_some() && shop == asked { Ok(()) } else { Err(BadCallback::OtherSite) }
    }

    async fn exchange(&self, app: &App, http: &Client, code: &Code<'_>) -> Result<Grant, ConnectorError> {
        // Without the last, the token would not expire, and Shopify would soon refuse it for that.
        let fields = [("code", code.code.expose_secret()), ("expiring", "1")];
        let (grant, _) = endpoint(app, http).grant(&fields).await?;
        Ok(at_home(grant, app))
    }

    async fn refresh(&self, app: &App, http: &Client, refresh: &SecretString) -> Result<Grant, ConnectorError> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        let (grant, _) = endpoint(app, http).grant(&fields).await?;
        Ok(at_home(grant, app))
    }

    /// Our app leaves the shop, and every token of it ends.
    async fn revoke(&self, app: &App, http: &Client, grant: &Grant) -> Result<(), ConnectorError> {
        let account = Account {
            platform: DESCRIPTOR.slug.parse().map_err(|_bad| ConnectorError::unanswered())?,
            account_id: None,
            base_url: app.token_base.clone(),
            credentials: Credentials::Bearer { access_token: grant.access_token.clone() },
            shown: TOKEN,
            http: http.clone(),
            budget: Arc::new(Unlimited),
            learnt: Learnt::default(),
            options: BTreeMap::new(),
            region: domain::identity::HOME,
        };
        let document = "mutation { appUninstall { userErrors { field message } } }";
        match api::change(&account, "appUninstall", document, json!({})).await {
            Err(error) if error.kind == FaultKind::Unauthorized => Ok(()),
            other => other.map(drop),
        }
    }

    fn token_shown(&self) -> KeyShown {
        TOKEN
    }

    /// Whoever may write may read, and is not told so again.
    fn lacking(&self, needed: &[&'static str], granted: &[String]) -> Vec<&'static str> {
        let has = |scope: &str| granted.iter().any(|granted| granted == scope);
        let is_granted = |scope: &&'static str| {
            has(scope) || scope.strip_prefix("read_").is_some_and(|what| has(&format!("write_{what}")))
        };
        needed.iter().copied().filter(|scope| !is_granted(scope)).collect()
    }
}

/// What Shopify signs of a callback: every other parameter, by name.
fn signed_text(query: &[(String, String)]) -> String {
    let mut signed: Vec<_> = query.iter().filter(|(name, _)| name != "hmac" && name != "signature").collect();
    signed.sort_by(|(one, _), (other, _)| one.cmp(other));
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let pairs: Vec<String> =
        signed.into_iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

/// A shop's interface is where its tokens are made.
fn at_home(grant: Grant, app: &App) -> Grant {
    let account_id = app.site.as_ref().map(|site| format!("{site}{DOMAIN}"));
    Grant { base_url: app.base_url.clone(), account_id, ..grant }
}

fn endpoint<'a>(app: &'a App, http: &'a Client) -> Endpoint<'a> {
    Endpoint { app, http, path: "admin/oauth/access_token".to_owned(), client: ClientAuth::InJson }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_shop_of_shopifys_is_one() {
        for typed in [
            "acme",
            " Acme.MyShopify.com ",
            "https://acme.myshopify.com/",
            "https://acme.myshopify.com/admin",
            "https://admin.shopify.com/store/acme/products",
        ] {
            assert_eq!(Shopify.site(Some(typed)).unwrap().as_deref(), Some("acme"), "{typed}");
        }
        for typed in [
            "",
            "shop.example.com",
            "http://acme.myshopify.com",
            "acme.myshopify.com.evil.example",
            "evil.example/acme.myshopify.com",
            "acme.myshopify.com@evil.example",
            "acme.myshopify.com:8080",
            "acme.shopify.com",
            "127.0.0.1",
            "-acme",
            "é",
            "https://admin.shopify.com/store/",
        ] {
            assert!(Shopify.site(Some(typed)).is_err(), "{typed}");
        }
        assert!(Shopify.site(None).is_err());
    }

    #[test]
    fn whoever_may_write_may_read() {
        let granted = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        assert!(
            Shopify.lacking(TERMS.scopes, &granted(&["write_customers", "write_products", "write_orders"])).is_empty()
        );
        assert_eq!(Shopify.lacking(&["write_orders"], &granted(&["read_orders"])), ["write_orders"]);
    }
}
