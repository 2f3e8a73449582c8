//! Grants: made of a code, renewed, asked about and given back.

use std::hint::black_box;

use connectors::oauth::{App, Code, Grant};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{Asked, heard};
use crate::consent::app;

/// Below these, and where our app's secret goes itself, accounts are at home.
const HOMES: [&str; 2] = [".pipedrive.com", ".salesforce.com"];

pub(super) async fn ask(asked: &Asked) {
    let Some(oauth) = asked.connector.oauth() else { return };
    let (app, secret) = (app("hush"), SecretString::from("spent"));
    let redirect_uri = Url::parse("https://app.example.com/oauth/callback").expect("an address is one");
    let code = Code { code: &secret, verifier: None, redirect_uri: &redirect_uri, scopes: &[] };
    let made = heard(oauth.exchange(&app, &asked.http(), &code).await);
    let renewed = heard(oauth.refresh(&app, &asked.http(), &secret).await);
    for grant in [made, renewed].into_iter().flatten() {
        opens(&app, &grant);
        black_box(heard(oauth.is_unspent(&app, &asked.http(), &grant).await));
        black_box(heard(oauth.revoke(&app, &asked.http(), &grant).await));
    }
}

/// There is a token in a grant, which is shown at the platform's own places and nowhere else.
fn opens(app: &App, grant: &Grant) {
    assert!(!grant.access_token.expose_secret().is_empty(), "a grant without a token");
    assert!(grant.refresh_token.as_ref().is_none_or(|token| !token.expose_secret().is_empty()));
    let Some(home) = grant.base_url.as_ref().filter(|home| home.origin() != app.token_base.origin()) else { return };
    let is_theirs = home.host_str().is_some_and(|host| HOMES.iter().any(|domain| host.ends_with(domain)));
    assert!(home.scheme() == "https" && is_theirs, "{home}");
}
