//! Tenants for the benchmark, each with a HubSpot account of its own in the sandbox, whose limits are lifted.

use anyhow::{Context as _, bail};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::session::{Service, Session, Tenant};

/// The first of the sandbox's accounts that nobody else uses.
const FIRST_PORTAL: u64 = 70_001;

/// Makes so many tenants and connects each with an account of its own.
///
/// # Errors
/// Fails with the answer of the part that refused.
pub(super) async fn make(session: &Session, count: u64) -> anyhow::Result<Vec<Tenant>> {
    let mut tenants = Vec::new();
    for portal in portals(count) {
        lift_limits(session, &portal).await?;
        tenants.push(one(session, &portal).await?);
    }
    Ok(tenants)
}

/// The accounts of so many tenants.
pub(super) fn portals(count: u64) -> impl Iterator<Item = String> {
    (FIRST_PORTAL..).zip(0..count).map(|(portal, _)| portal.to_string())
}

/// Lets the stand-in answer at once, and as often as it is asked.
///
/// # Errors
/// Fails when the sandbox refuses.
pub(super) async fn lift_limits(session: &Session, portal: &str) -> anyhow::Result<()> {
    let url = format!("{}/_sandbox/hubspot/{portal}/faults", session.url(Service::Sandbox));
    let wish = json!({ "latency_ms": 0, "rate_limit_per_10s": null, "search_limit_per_s": null });
    let response = session.client().put(url).json(&wish).send().await?;
    response.error_for_status().context("the sandbox does not lift its limits")?;
    Ok(())
}

async fn one(session: &Session, portal: &str) -> anyhow::Result<Tenant> {
    let printed = session.admin(&["create-tenant", "--name", &format!("Bench {portal}"), "--json"]).await?;
    let answer: Value = serde_json::from_str(&printed).context("`admin create-tenant --json` printed no JSON")?;
    let id = string(&answer, "tenant_id")?;
    let admin_token = token(session, &id, "admin").await?;
    let service_token = token(session, &id, "service").await?;
    let wish = json!({
        "name": "HubSpot",
        "platform": "hubspot",
        "credentials": { "api_key": format!("pat-eu1-{portal}-bench") },
        "direction": "bidirectional",
        "frequency": "realtime",
        "delivery": "direct",
    });
    let (status, body) = session.call(Method::POST, "/api/v1/integrations", &admin_token, Some(&wish)).await?;
    if status != StatusCode::CREATED {
        bail!("an integration was refused with {status}: {body}");
    }
    let integration = string(&body, "id")?;
    let path = format!("/api/v1/integrations/{integration}/enable");
    let (status, body) = session.call(Method::POST, &path, &admin_token, None).await?;
    if !status.is_success() {
        bail!("POST {path} was answered {status}: {body}");
    }
    Ok(Tenant { id, integration, admin_token, service_token })
}

async fn token(session: &Session, tenant: &str, role: &str) -> anyhow::Result<SecretString> {
    let arguments = ["issue-token", "--tenant", tenant, "--subject", "bench", "--role", role, "--ttl", "1d"];
    Ok(session.admin(&arguments).await?.into())
}

fn string(body: &Value, key: &str) -> anyhow::Result<String> {
    let text = body.get(key).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("the answer has no `{key}`: {body}"))
}
