//! Connecting the account by a consent, so that there are tokens to refresh, as a person's browser does.

use anyhow::{Context as _, ensure};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, Response, Url};
use serde_json::{Value, json};

use crate::session::{PORTAL, Service, Session, Tenant};

/// Connects the tenant's integration to the same account as before, by a grant.
pub(super) async fn give(session: &Session, tenant: &Tenant) -> anyhow::Result<()> {
    let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build()?;
    let url = |path: &str| format!("{}/api/v1/integrations/{path}", session.url(Service::ApiGateway));
    let begin = browser.request(Method::POST, url(&format!("{}/oauth/start", tenant.integration)));
    let begin = begin.bearer_auth(secrecy::ExposeSecret::expose_secret(&tenant.admin_token)).json(&json!({}));
    let begun = begin.send().await?.error_for_status().context("no consent can be begun")?;
    let cookie = header(&begun, SET_COOKIE)?.split(';').next().unwrap_or_default().to_owned();
    let page: Value = begun.json().await?;
    let page: Url = page.get("authorize_url").and_then(Value::as_str).context("there is no page")?.parse()?;
    let mut decision: Vec<(String, String)> = page.query_pairs().into_owned().collect();
    decision
        .extend([("account", PORTAL), ("decision", "grant")].map(|(key, value)| (key.to_owned(), value.to_owned())));
    let decided = browser.post(page).form(&decision).send().await?;
    let back = header(&decided, LOCATION)?;
    let ended = browser.get(back).header(COOKIE, cookie).send().await?;
    let shown = header(&ended, LOCATION)?;
    ensure!(shown.contains("connected=1"), "the account was not connected by a consent: {shown}");
    Ok(())
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> anyhow::Result<String> {
    let value = response.headers().get(&name).with_context(|| format!("{} without `{name}`", response.status()))?;
    Ok(value.to_str()?.to_owned())
}
