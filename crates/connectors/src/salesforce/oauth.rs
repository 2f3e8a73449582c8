//! Salesforce's grants. The answer to every code and every refresh says where the organisation is now, and not how long the token
//! lives; whether a refresh token is good for one use is a setting of our app.

use std::time::Duration;

use async_trait::async_trait;
use domain::fault::FaultKind;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::{Salesforce, ids};
use crate::descriptor::{SiteField, Terms, Words};
use crate::error::ConnectorError;
use crate::http::Client;
use crate::oauth::{
    App, Authorization, BadCallback, BadSite, Callback, ClientAuth, Code, Endpoint, Grant, INVALID_GRANT, OAuth, home,
};

/// What each scope is for.
const PURPOSES: &[(&str, Words)] = &[
    ("api", Words::new("lire, créer et modifier les fiches", "read, create and change records")),
    (
        "refresh_token",
        Words::new("rester connecté sans redemander votre accord", "stay connected without asking you again"),
    ),
];

pub(super) const TERMS: Terms = Terms {
    scopes: &["api", "refresh_token"],
    purposes: PURPOSES,
    pkce: true,
    site: Some(SiteField {
        label: Words::new("Mon domaine (facultatif)", "My Domain (optional)"),
        hint: Words::new(
            "Le nom qui précède « .my.salesforce.com », ou « test » pour une sandbox ; vide pour la page de connexion habituelle.",
            "The name before “.my.salesforce.com”, or “test” for a sandbox; empty for the usual login page.",
        ),
        required: false,
    }),
    // The session's time-out, where the organisation has not set another; a refused token is replaced at any time.
    assumed_life: Some(Duration::from_secs(7_200)),
    refresh_ahead: Duration::from_secs(600),
    // An app may be set so, and the safe reading costs nothing where it is not.
    single_use_refresh: true,
    keep_alive: None,
};

/// What stands between that and the name of an organisation that is not for production.
const PARTITIONS: [&str; 7] = ["sandbox", "develop", "scratch", "trailblaze", "demo", "free", "patch"];

/// Where an organisation's own address ends.
const MY_DOMAIN: &str = ".my";

#[async_trait]
impl OAuth for Salesforce {
    /// What stands before `.salesforce.com`: `login`, `test`, `acme.my` or `acme--box.sandbox.my`.
    fn site(&self, typed: Option<&str>) -> Result<Option<String>, BadSite> {
        const BAD: BadSite = BadSite("must be the name before .my.salesforce.com, or “test” for a sandbox");
        let Some(typed) = typed else { return Ok(Some("login".to_owned())) };
        let name = typed.to_ascii_lowercase();
        let name = name.strip_prefix("https://").unwrap_or(&name).trim_end_matches('/');
        let name = name.strip_suffix(".salesforce.com").unwrap_or(name);
        if matches!(name, "login" | "test") {
            return Ok(Some(name.to_owned()));
        }
        let name = name.strip_suffix(MY_DOMAIN).unwrap_or(name);
        let parts: Vec<&str> = name.split('.').collect();
        let is_sound = match parts.as_slice() {
            [domain] => is_label(domain),
            [domain, partition] => is_label(domain) && PARTITIONS.contains(partition),
            _ => false,
        };
        if is_sound { Ok(Some(format!("{name}{MY_DOMAIN}"))) } else { Err(BAD) }
    }

    fn authorize_url(&self, app: &App, request: &Authorization<'_>) -> Url {
        request.page(app, "services/oauth2/authorize")
    }

    /// Salesforce signs nothing of a callback: it holds our state, and a code that is worth nothing without our app's secret.
    fn check_callback(&self, _app: &App, _callback: &Callback<'_>) -> Result<(), BadCallback> {
        Ok(())
    }

    async fn exchange(&self, app: &App, http: &Client, code: &Code<'_>) -> Result<Grant, ConnectorError> {
        let (grant, body) = endpoint(app, http, "token").grant(&code.form()).await?;
        let grant = at_home(app, grant, &body);
        if grant.base_url.is_none() {
            let message = "the answer does not say where the organisation is";
            return Err(ConnectorError::new(FaultKind::Invalid, "not_salesforce", message));
        }
        Ok(grant)
    }

    async fn refresh(&self, app: &App, http: &Client, refresh: &SecretString) -> Result<Grant, ConnectorError> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        let (grant, body) = endpoint(app, http, "token").grant(&fields).await?;
        Ok(at_home(app, grant, &body))
    }

    async fn is_unspent(&self, app: &App, http: &Client, grant: &Grant) -> Result<Option<bool>, ConnectorError> {
        let Some(refresh) = &grant.refresh_token else { return Ok(None) };
        let fields = [("token", refresh.expose_secret()), ("token_type_hint", "refresh_token")];
        let body = endpoint(app, http, "introspect").call(&fields).await?;
        Ok(body.get("active").and_then(Value::as_bool))
    }

    /// The end of a refresh token is the end of its access tokens.
    async fn revoke(&self, app: &App, http: &Client, grant: &Grant) -> Result<(), ConnectorError> {
        let token = grant.refresh_token.as_ref().unwrap_or(&grant.access_token);
        match endpoint(app, http, "revoke").call(&[("token", token.expose_secret())]).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.code.as_str(), INVALID_GRANT | "invalid_token" | "unsupported_token_type") => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// `full` holds `api`, and the refresh token has two names.
    fn lacking(&self, needed: &[&'static str], granted: &[String]) -> Vec<&'static str> {
        let has = |name: &str| granted.iter().any(|granted| granted == name);
        let is_there = |scope: &&'static str| match *scope {
            "api" => has("api") || has("full"),
            "refresh_token" => has("refresh_token") || has("offline_access"),
            other => has(other),
        };
        needed.iter().copied().filter(|scope| !is_there(scope)).collect()
    }
}

fn is_label(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('-') && !text.ends_with('-')
}

/// A grant with where its organisation is. An answer that does not say so changes nothing: a refresh that was answered must not be
/// lost for it.
fn at_home(app: &App, grant: Grant, body: &Value) -> Grant {
    Grant { base_url: home(app, body, "instance_url", "salesforce.com"), account_id: organisation(body), ..grant }
}

/// The 18 characters of the organisation, from `…/id/<organisation>/<user>`.
fn organisation(body: &Value) -> Option<String> {
    let identity = Url::parse(body.get("id").and_then(Value::as_str)?).ok()?;
    let parts: Vec<&str> = identity.path_segments()?.collect();
    let at = parts.iter().position(|part| *part == "id")?;
    ids::whole(parts.get(at + 1)?)
}

fn endpoint<'a>(app: &'a App, http: &'a Client, tail: &str) -> Endpoint<'a> {
    Endpoint { app, http, path: format!("services/oauth2/{tail}"), client: ClientAuth::InForm }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_salesforces_own_or_none() {
        for (typed, site) in [
            (None, "login"),
            (Some("test"), "test"),
            (Some("Acme"), "acme.my"),
            (Some("https://acme.my.salesforce.com/"), "acme.my"),
            (Some("acme--box.sandbox.my.salesforce.com"), "acme--box.sandbox.my"),
            (Some("acme-dev-ed.develop.my.salesforce.com"), "acme-dev-ed.develop.my"),
            (Some("acme-dev-ed.trailblaze.my.salesforce.com"), "acme-dev-ed.trailblaze.my"),
        ] {
            assert_eq!(Salesforce.site(typed).unwrap().as_deref(), Some(site), "{typed:?}");
        }
        for bad in [
            "evil.com",
            "acme.evil.com/",
            "a/b",
            "acme@evil",
            "-acme",
            "acme.my.salesforce.com.evil.com",
            "acme.evil.my.salesforce.com",
            "a b",
            "é",
            "",
        ] {
            assert!(Salesforce.site(Some(bad)).is_err(), "{bad}");
        }
    }
}
