//! Pipedrive's grants. The scopes are those of the app, a company has an address of its own, and a grant that nobody uses for
//! 60 days dies.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::Pipedrive;
use crate::descriptor::{Terms, Words};
use crate::error::ConnectorError;
use crate::http::Client;
use crate::oauth::{
    App, Authorization, BadCallback, BadSite, Callback, ClientAuth, Code, Endpoint, Grant, INVALID_GRANT, OAuth, below,
    home,
};

const DAY: Duration = Duration::from_secs(86_400);

/// What each scope is for.
const PURPOSES: &[(&str, Words)] = &[
    ("base", Words::new("savoir quel compte est connecté", "know which account is connected")),
    ("contacts:full", Words::new("lire, créer et modifier les personnes", "read, create and change people")),
    ("deals:full", Words::new("lire, créer et modifier les affaires", "read, create and change deals")),
    ("activities:full", Words::new("lire, créer et modifier les activités", "read, create and change activities")),
    ("recents:read", Words::new("voir ce qui a changé", "see what has changed")),
    ("search:read", Words::new("chercher une fiche avant de la créer", "look for a record before it is created")),
    ("admin", Words::new("installer les webhooks et le champ de Coccinelle", "set up webhooks and Coccinelle's field")),
];

pub(super) const TERMS: Terms = Terms {
    scopes: &["base", "contacts:full", "deals:full", "activities:full", "recents:read", "search:read", "admin"],
    purposes: PURPOSES,
    pkce: false,
    site: None,
    assumed_life: Some(Duration::from_secs(3_600)),
    refresh_ahead: Duration::from_secs(300),
    single_use_refresh: false,
    keep_alive: Some(DAY.saturating_mul(20)),
};

#[async_trait]
impl OAuth for Pipedrive {
    fn site(&self, typed: Option<&str>) -> Result<Option<String>, BadSite> {
        match typed {
            None => Ok(None),
            Some(_) => Err(BadSite("is not used by this platform: the company is chosen on Pipedrive's own page")),
        }
    }

    fn authorize_url(&self, app: &App, request: &Authorization<'_>) -> Url {
        let mut url = below(&app.authorize_base, "oauth/authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &app.client_id)
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("state", request.state);
        url
    }

    /// Pipedrive signs nothing of a callback: it holds our state, and a code that is worth nothing without our app's secret.
    fn check_callback(&self, _app: &App, _callback: &Callback<'_>) -> Result<(), BadCallback> {
        Ok(())
    }

    async fn exchange(&self, app: &App, http: &Client, code: &Code<'_>) -> Result<Grant, ConnectorError> {
        let (grant, body) = endpoint(app, http, "token").grant(&code.form()).await?;
        Ok(at_home(app, grant, &body))
    }

    async fn refresh(&self, app: &App, http: &Client, refresh: &SecretString) -> Result<Grant, ConnectorError> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        let (grant, body) = endpoint(app, http, "token").grant(&fields).await?;
        Ok(at_home(app, grant, &body))
    }

    async fn revoke(&self, app: &App, http: &Client, grant: &Grant) -> Result<(), ConnectorError> {
        let (token, hint) = match &grant.refresh_token {
            Some(refresh) => (refresh, "refresh_token"),
            None => (&grant.access_token, "access_token"),
        };
        let fields = [("token", token.expose_secret()), ("token_type_hint", hint)];
        match endpoint(app, http, "revoke").call(&fields).await {
            Ok(_) => Ok(()),
            Err(error) if error.code == INVALID_GRANT => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The company's own address, where its interface is.
fn at_home(app: &App, grant: Grant, body: &Value) -> Grant {
    Grant { base_url: home(app, body, "api_domain", "pipedrive.com"), ..grant }
}

fn endpoint<'a>(app: &'a App, http: &'a Client, tail: &str) -> Endpoint<'a> {
    Endpoint { app, http, path: format!("oauth/{tail}"), client: ClientAuth::InHeader }
}
