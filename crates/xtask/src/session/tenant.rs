//! The demo tenant: made once through `admin` and the gateway's own API, and found again by later runs.

use anyhow::{Context as _, bail};
use reqwest::header::SET_COOKIE;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::programs::{CLIENT_SECRET, demo_key};
use super::{Service, Session};
use crate::home::{read_json, write_json};

/// The sandbox's account that the demo tenant is connected to.
pub const PORTAL: &str = "4242";

/// The demo tenant with its HubSpot integration, which points at the sandbox.
#[derive(Debug)]
pub struct Tenant {
    /// Its id (`ten_…`).
    pub id: String,
    /// Its integration's id (`int_…`).
    pub integration: String,
    /// A token of an administrator, for a month.
    pub admin_token: SecretString,
    /// A token of Coccinelle's backend, for a month.
    pub service_token: SecretString,
}

impl Tenant {
    /// What tells a shell of both tokens and of the integration: `SERVICE`, `ADMIN` and `INTEGRATION`, as the README's walk names
    /// them. It shows the tokens, and so is for their holder's eyes alone.
    #[must_use]
    pub fn exports(&self) -> String {
        let (service, admin) = (self.service_token.expose_secret(), self.admin_token.expose_secret());
        format!("export SERVICE={service} ADMIN={admin} INTEGRATION={}", self.integration)
    }
}

#[derive(Deserialize, Serialize)]
struct Remembered {
    tenant: String,
    integration: Option<String>,
}

impl Session {
    /// Makes the demo tenant and its integration unless an earlier run did, and points the sandbox's webhooks at us.
    ///
    /// # Errors
    /// Fails with the answer of the part that refused.
    pub async fn demo_tenant(&self) -> anyhow::Result<Tenant> {
        let step = self.console.step("make the demo tenant");
        let file = self.home.path("demo.json");
        let found = match read_json::<Remembered>(&file)? {
            // The folder may remember what another database knows: one that was given by URL then, or that is gone.
            Some(remembered) => self.equip(remembered).await.inspect_err(|error| {
                self.console.note(&format!("The tenant of an earlier run is of no use, another is made: {error:#}"));
            }),
            None => Err(anyhow::anyhow!("there is none yet")),
        };
        let tenant = match found {
            Ok(tenant) => tenant,
            Err(_) => {
                let made = Remembered { tenant: self.create_tenant().await?, integration: None };
                write_json(&file, &made)?;
                self.equip(made).await?
            }
        };
        write_json(&file, &Remembered { tenant: tenant.id.clone(), integration: Some(tenant.integration.clone()) })?;
        self.point_sandbox_at_us().await?;
        step.done();
        Ok(tenant)
    }

    /// Gives the tenant its tokens, and its integration where it has none; fails where the database does not know it.
    async fn equip(&self, remembered: Remembered) -> anyhow::Result<Tenant> {
        let id = remembered.tenant;
        let admin_token = self.token(&id, "demo-admin", "admin").await?;
        let service_token = self.token(&id, "demo-backend", "service").await?;
        let integration = match remembered.integration {
            Some(integration) if self.has_integration(&integration, &admin_token).await? => integration,
            Some(_) | None => self.create_integration(&admin_token).await?,
        };
        Ok(Tenant { id, integration, admin_token, service_token })
    }

    /// The integration as the gateway shows it.
    ///
    /// # Errors
    /// Fails when the gateway does not answer 200.
    pub async fn integration(&self, tenant: &Tenant) -> anyhow::Result<Value> {
        let path = format!("/api/v1/integrations/{}", tenant.integration);
        let (status, body) = self.call(Method::GET, &path, &tenant.admin_token, None).await?;
        if status != StatusCode::OK {
            bail!("GET {path} was answered {status}: {body}");
        }
        Ok(body)
    }

    /// Begins a browser's session for the tenant's administrator; its cookie, as a browser sends it back.
    ///
    /// # Errors
    /// Fails when the gateway begins none.
    pub async fn cookie(&self, tenant: &Tenant) -> anyhow::Result<String> {
        let url = format!("{}/api/v1/session", self.url(Service::ApiGateway));
        let asked = self.client.post(url).bearer_auth(tenant.admin_token.expose_secret());
        let begun = asked.send().await?.error_for_status().context("no session was begun")?;
        let set = begun.headers().get(SET_COOKIE).context("the session has no cookie")?.to_str()?;
        Ok(set.split(';').next().unwrap_or_default().to_owned())
    }

    /// The secret with which the sandbox, and so HubSpot's application in it, signs its deliveries.
    #[must_use]
    pub fn webhook_secret(&self) -> SecretString {
        CLIENT_SECRET.to_owned().into()
    }

    /// Calls the gateway with a token.
    ///
    /// # Errors
    /// Fails when no answer comes; any status is an answer. A body that is no JSON is `null`.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: &SecretString,
        body: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let url = format!("{}{path}", self.url(Service::ApiGateway));
        let mut request = self.client.request(method, url).bearer_auth(token.expose_secret());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.context("the gateway does not answer")?;
        let status = response.status();
        Ok((status, response.json().await.unwrap_or(Value::Null)))
    }

    async fn create_tenant(&self) -> anyhow::Result<String> {
        let printed = self.admin(&["create-tenant", "--name", "Démonstration", "--json"]).await?;
        let answer: Value = serde_json::from_str(&printed).context("`admin create-tenant --json` printed no JSON")?;
        string(&answer, "tenant_id")
    }

    async fn token(&self, tenant: &str, subject: &str, role: &str) -> anyhow::Result<SecretString> {
        let arguments = ["issue-token", "--tenant", tenant, "--subject", subject, "--role", role, "--ttl", "30d"];
        Ok(self.admin(&arguments).await?.into())
    }

    async fn has_integration(&self, id: &str, token: &SecretString) -> anyhow::Result<bool> {
        let (status, _) = self.call(Method::GET, &format!("/api/v1/integrations/{id}"), token, None).await?;
        Ok(status == StatusCode::OK)
    }

    async fn create_integration(&self, token: &SecretString) -> anyhow::Result<String> {
        let wish = json!({
            "name": "HubSpot (démo)",
            "platform": "hubspot",
            "credentials": { "api_key": demo_key() },
            "direction": "bidirectional",
            "frequency": "realtime",
            "delivery": "direct",
        });
        let (status, body) = self.call(Method::POST, "/api/v1/integrations", token, Some(&wish)).await?;
        if status != StatusCode::CREATED {
            bail!("the integration was refused with {status}: {body}");
        }
        let id = string(&body, "id")?;
        let path = format!("/api/v1/integrations/{id}/enable");
        let (status, body) = self.call(Method::POST, &path, token, None).await?;
        if !status.is_success() {
            bail!("POST {path} was answered {status}: {body}");
        }
        Ok(id)
    }

    async fn point_sandbox_at_us(&self) -> anyhow::Result<()> {
        let target = format!("{}/webhooks/integrations/hubspot", self.url(Service::WebhookIngest));
        let url = format!("{}/_sandbox/hubspot/{PORTAL}/webhook", self.url(Service::Sandbox));
        let wish = json!({ "target_url": target, "public_url": target, "client_secret": CLIENT_SECRET });
        let response = self.client.put(url).json(&wish).send().await?;
        response.error_for_status().context("the sandbox refused its webhook target")?;
        Ok(())
    }
}

fn string(body: &Value, key: &str) -> anyhow::Result<String> {
    let text = body.get(key).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("the answer has no `{key}`: {body}"))
}
