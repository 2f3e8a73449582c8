//! Zendesk's grants. Each account has a site of its own, tokens expire, and a refresh token is good for one use.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::credentials::Credentials;
use domain::fault::FaultKind;
use domain::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::{DESCRIPTOR, Zendesk, api};
use crate::account::{Account, Learnt, Unlimited};
use crate::descriptor::{KeyShown, SiteField, Terms, Words};
use crate::error::ConnectorError;
use crate::http::Client;
use crate::oauth::{App, Authorization, BadCallback, BadSite, Callback, ClientAuth, Code, Endpoint, Grant, OAuth};

/// The clocks of two machines may differ by so much.
const MARGIN: Duration = Duration::from_secs(5);

const DAY: Duration = Duration::from_secs(86_400);

/// Asked for with every token, or the next one would live shorter: two days and ninety, the most that Zendesk gives.
const LIVES: [(&str, &str); 2] = [("expires_in", "172800"), ("refresh_token_expires_in", "7776000")];

/// What each scope is for.
const PURPOSES: &[(&str, Words)] = &[
    ("read", Words::new("lire les utilisateurs et les tickets", "read users and tickets")),
    (
        "write",
        Words::new(
            "créer et modifier les utilisateurs et les tickets, installer les webhooks",
            "create and change users and tickets, set up webhooks",
        ),
    ),
];

pub(super) const TERMS: Terms = Terms {
    // The narrow ones hold neither the fields of an account's own nor the addresses of a user, which have no scopes of theirs.
    scopes: &["read", "write"],
    purposes: PURPOSES,
    pkce: true,
    site: Some(SiteField {
        label: Words::new("Sous-domaine", "Subdomain"),
        hint: Words::new(
            "Ce qui précède « .zendesk.com » dans l'adresse de votre Zendesk, par exemple « acme ».",
            "What stands before “.zendesk.com” in the address of your Zendesk, such as “acme”.",
        ),
        required: true,
    }),
    assumed_life: Some(Duration::from_secs(1_800)),
    refresh_ahead: Duration::from_secs(600),
    single_use_refresh: true,
    keep_alive: Some(DAY.saturating_mul(10)),
};

#[async_trait]
impl OAuth for Zendesk {
    fn site(&self, typed: Option<&str>) -> Result<Option<String>, BadSite> {
        let typed =
            typed.ok_or(BadSite("is needed: what stands before “.zendesk.com” in the address of your Zendesk"))?;
        let name = typed.trim().to_lowercase();
        let name = name.strip_prefix("https://").unwrap_or(&name);
        let name = name.trim_end_matches('/').trim_end_matches(".zendesk.com");
        let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (2..=63).contains(&name.len()) && name.bytes().all(is_sign) && !name.starts_with('-');
        if is_name { Ok(Some(name.to_owned())) } else { Err(BadSite("must be a name such as “acme”")) }
    }

    fn authorize_url(&self, app: &App, request: &Authorization<'_>) -> Url {
        request.page(app, "oauth/authorizations/new")
    }

    /// Zendesk signs nothing of a callback: it holds our state, and a code that is worth nothing without our app's secret.
    fn check_callback(&self, _app: &App, _callback: &Callback<'_>) -> Result<(), BadCallback> {
        Ok(())
    }

    async fn exchange(&self, app: &App, http: &Client, code: &Code<'_>) -> Result<Grant, ConnectorError> {
        let scope = code.scopes.join(" ");
        let fields = [&code.form()[..], &[("scope", scope.as_str())], &LIVES[..]].concat();
        let (grant, _) = endpoint(app, http).grant(&fields).await?;
        Ok(at_home(grant, app))
    }

    async fn refresh(&self, app: &App, http: &Client, refresh: &SecretString) -> Result<Grant, ConnectorError> {
        let own = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        let (grant, _) = endpoint(app, http).grant(&[&own[..], &LIVES[..]].concat()).await?;
        Ok(at_home(grant, app))
    }

    /// A token gives itself back, and its refresh token with it.
    async fn revoke(&self, app: &App, http: &Client, grant: &Grant) -> Result<(), ConnectorError> {
        match api::delete(&opened(app, http, grant)?, &["oauth", "tokens", "current"]).await {
            Err(error) if matches!(error.kind, FaultKind::Unauthorized | FaultKind::NotFound) => Ok(()),
            other => other,
        }
    }

    /// A refresh ends the access token that was, so one that still opens the account was not refreshed. Once its own time is over
    /// it says nothing any more.
    async fn is_unspent(&self, app: &App, http: &Client, grant: &Grant) -> Result<Option<bool>, ConnectorError> {
        if grant.expires_at.is_none_or(|end| end <= Timestamp::now().plus(MARGIN)) {
            return Ok(None);
        }
        match api::get(&opened(app, http, grant)?, &["users", "me"]).await {
            // Nobody in particular may ask as well, and is told so by an id that is missing.
            Ok(body) => Ok(Some(body.pointer("/user/id").is_some_and(Value::is_u64))),
            Err(error) if error.kind == FaultKind::Unauthorized => Ok(Some(false)),
            Err(error) => Err(error),
        }
    }
}

/// The account that a grant opens by itself, without anything that would replace a refused token.
fn opened(app: &App, http: &Client, grant: &Grant) -> Result<Account, ConnectorError> {
    Ok(Account {
        platform: DESCRIPTOR.slug.parse().map_err(|_bad| ConnectorError::unanswered())?,
        account_id: None,
        base_url: app.token_base.clone(),
        credentials: Credentials::Bearer { access_token: grant.access_token.clone() },
        shown: KeyShown::AsBearer,
        http: http.clone(),
        budget: Arc::new(Unlimited),
        learnt: Learnt::default(),
        options: BTreeMap::new(),
        region: domain::identity::HOME,
    })
}

/// A site's interface is where its tokens are made.
fn at_home(grant: Grant, app: &App) -> Grant {
    Grant { base_url: app.base_url.clone(), account_id: app.site.clone(), ..grant }
}

fn endpoint<'a>(app: &'a App, http: &'a Client) -> Endpoint<'a> {
    Endpoint { app, http, path: "oauth/tokens".to_owned(), client: ClientAuth::InForm }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_leads_to_a_site_and_never_out_of_zendesk() {
        for typed in ["acme", " Acme ", "https://acme.zendesk.com/", "acme.zendesk.com"] {
            assert_eq!(Zendesk.site(Some(typed)).unwrap().as_deref(), Some("acme"), "{typed}");
        }
        for typed in ["", "a", "evil.example/", "acme.evil.example", "a@b", "acme#", "acme:8080", "-acme", "é"] {
            assert!(Zendesk.site(Some(typed)).is_err(), "{typed}");
        }
        assert!(Zendesk.site(None).is_err());
    }
}
