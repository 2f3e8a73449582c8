//! HubSpot's grants. One app serves every account, and a refresh token is good until it is revoked.

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::{HubSpot, api};
use crate::descriptor::Words;
use crate::error::ConnectorError;
use crate::http::Client;
use crate::oauth::{
    App, Authorization, BadCallback, BadSite, Callback, ClientAuth, Code, Endpoint, Grant, INVALID_GRANT, OAuth, below,
};

/// What we cannot do without.
pub(super) const SCOPES: &[&str] = &[
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
];

/// What each of them is for.
pub(super) const PURPOSES: &[(&str, Words)] = &[
    ("oauth", Words::new("savoir quel compte est connecté", "know which account is connected")),
    ("crm.objects.contacts.read", Words::new("lire les contacts et leurs appels", "read contacts and their calls")),
    (
        "crm.objects.contacts.write",
        Words::new("créer et modifier les contacts et leurs appels", "create and change contacts and their calls"),
    ),
    ("crm.objects.deals.read", Words::new("lire les affaires", "read deals")),
    ("crm.objects.deals.write", Words::new("créer et modifier les affaires", "create and change deals")),
];

/// What makes our own property, by which nothing is created twice. An account that does not grant it is guarded by addresses.
const WELCOME: &str =
    "crm.schemas.contacts.read crm.schemas.contacts.write crm.schemas.deals.read crm.schemas.deals.write";

#[async_trait]
impl OAuth for HubSpot {
    fn site(&self, typed: Option<&str>) -> Result<Option<String>, BadSite> {
        match typed {
            None => Ok(None),
            Some(_) => Err(BadSite("is not used by this platform: the account is chosen on HubSpot's own page")),
        }
    }

    fn authorize_url(&self, app: &App, request: &Authorization<'_>) -> Url {
        let mut url = below(&app.authorize_base, "oauth/authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &app.client_id)
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("scope", &request.scopes.join(" "))
            .append_pair("optional_scope", WELCOME)
            .append_pair("state", request.state);
        if let Some(challenge) = request.challenge {
            url.query_pairs_mut().append_pair("code_challenge", challenge).append_pair("code_challenge_method", "S256");
        }
        url
    }

    /// HubSpot signs nothing of a callback: it holds our state, and a code that is worth nothing without our app's secret.
    fn check_callback(&self, _app: &App, _callback: &Callback<'_>) -> Result<(), BadCallback> {
        Ok(())
    }

    async fn exchange(&self, app: &App, http: &Client, code: &Code<'_>) -> Result<Grant, ConnectorError> {
        let (grant, body) = endpoint(app, http, "token").grant(&code.form()).await?;
        Ok(identified(grant, &body))
    }

    async fn refresh(&self, app: &App, http: &Client, refresh: &SecretString) -> Result<Grant, ConnectorError> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        let (grant, body) = endpoint(app, http, "token").grant(&fields).await?;
        Ok(identified(grant, &body))
    }

    async fn is_unspent(&self, app: &App, http: &Client, grant: &Grant) -> Result<Option<bool>, ConnectorError> {
        match &grant.refresh_token {
            Some(refresh) => Self::is_active(app, http, refresh).await,
            None => Ok(None),
        }
    }

    async fn revoke(&self, app: &App, http: &Client, grant: &Grant) -> Result<(), ConnectorError> {
        let (token, hint) = match &grant.refresh_token {
            Some(refresh) => (refresh, "refresh_token"),
            None => (&grant.access_token, "access_token"),
        };
        let fields = [("token", token.expose_secret()), ("token_type_hint", hint)];
        match endpoint(app, http, "token/revoke").call(&fields).await {
            Ok(_) => Ok(()),
            Err(error) if error.code == INVALID_GRANT => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl HubSpot {
    /// Whether HubSpot still takes a token, asked without using it.
    async fn is_active(app: &App, http: &Client, token: &SecretString) -> Result<Option<bool>, ConnectorError> {
        let fields = [("token", token.expose_secret()), ("token_type_hint", "refresh_token")];
        let body = endpoint(app, http, "token/introspect").call(&fields).await?;
        Ok(body.get("active").and_then(Value::as_bool))
    }
}

fn identified(grant: Grant, body: &Value) -> Grant {
    Grant { account_id: body.get("hub_id").and_then(Value::as_u64).map(|id| id.to_string()), ..grant }
}

fn endpoint<'a>(app: &'a App, http: &'a Client, tail: &str) -> Endpoint<'a> {
    Endpoint { app, http, path: format!("oauth/{}/{tail}", api::VERSION), client: ClientAuth::InForm }
}
