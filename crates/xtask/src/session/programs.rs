//! Our programs: their names, their ports, and the settings that make them one system.

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::{PORTAL, Servers, Session};
use crate::secrets::Secrets;
use crate::services::ports::Ports;
use crate::services::rabbitmq::RabbitMq;
use crate::stack::Program;

/// One of our long-running programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The stand-in of the platforms.
    Sandbox,
    /// REST and the dashboard.
    ApiGateway,
    /// The platforms' webhooks.
    WebhookIngest,
    /// Merging and pushing.
    SyncDispatcher,
    /// Outcomes into logs.
    LogWriter,
}

/// The database that belongs to one system in a private server.
pub(super) const DATABASE: &str = "coccinelle";

/// The sandbox knows one OAuth application.
const CLIENT_ID: &str = "sandbox-client";
pub(super) const CLIENT_SECRET: &str = "sandbox-secret";

impl Service {
    /// In the order in which they are started.
    pub const ALL: [Self; 5] =
        [Self::Sandbox, Self::ApiGateway, Self::WebhookIngest, Self::SyncDispatcher, Self::LogWriter];

    /// The name of its package and binary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::ApiGateway => "api-gateway",
            Self::WebhookIngest => "webhook-ingest",
            Self::SyncDispatcher => "sync-dispatcher",
            Self::LogWriter => "log-writer",
        }
    }

    /// The name of another process of it, beside the first.
    #[must_use]
    pub fn another(self) -> String {
        format!("{}-2", self.name())
    }

    /// Where it listens on 127.0.0.1.
    #[must_use]
    pub fn port(self, ports: Ports) -> u16 {
        match self {
            Self::Sandbox => ports.sandbox,
            Self::ApiGateway => ports.gateway,
            Self::WebhookIngest => ports.ingest,
            Self::SyncDispatcher => ports.dispatcher,
            Self::LogWriter => ports.log_writer,
        }
    }

    /// The path that answers 200 once it can do its work.
    pub(super) fn readiness(self) -> &'static str {
        match self {
            Self::Sandbox => "/",
            Self::ApiGateway | Self::WebhookIngest | Self::SyncDispatcher | Self::LogWriter => "/readyz",
        }
    }
}

/// A service with its arguments and settings.
pub(super) fn program(service: Service, session: &Session) -> anyhow::Result<Program> {
    let listen = format!("127.0.0.1:{}", service.port(session.ports));
    let (arguments, environment) = match service {
        Service::Sandbox => {
            let journal = session.home.path("sandbox.jsonl").into_os_string();
            (vec!["--listen".into(), listen.into(), "--journal".into(), journal], Vec::new())
        }
        Service::ApiGateway => (Vec::new(), settings(session, &listen, Role::Gateway)?),
        Service::WebhookIngest | Service::SyncDispatcher | Service::LogWriter => {
            (Vec::new(), settings(session, &listen, Role::Worker)?)
        }
    };
    Ok(Program {
        name: service.name().to_owned(),
        executable: session.binaries.join(service.name()),
        arguments,
        environment,
    })
}

/// The settings of `admin`: as a service's, but the database is the owner's.
pub(super) fn admin_environment(session: &Session) -> anyhow::Result<Vec<(String, String)>> {
    let (secrets, servers) = (&session.secrets, session.servers()?);
    let mut pairs = shared(session);
    pairs.push(pair("DATABASE", "URL", &servers.owner));
    pairs.push(pair("BROKER", "URL", &servers.broker));
    // Roles belong to a whole server: in one that others use as well, their passwords are not ours to set.
    if session.options.servers.is_none() {
        pairs.push(pair("DATABASE", "GATEWAY_PASSWORD", secrets.gateway_password.expose_secret()));
        pairs.push(pair("DATABASE", "WORKER_PASSWORD", secrets.worker_password.expose_secret()));
    }
    Ok(pairs)
}

#[derive(Clone, Copy)]
enum Role {
    Gateway,
    Worker,
}

fn settings(session: &Session, listen: &str, role: Role) -> anyhow::Result<Vec<(String, String)>> {
    let servers = session.servers()?;
    let database = match role {
        Role::Gateway => &servers.gateway,
        Role::Worker => &servers.worker,
    };
    let mut pairs = shared(session);
    pairs.push(pair("DATABASE", "URL", database));
    pairs.push(pair("BROKER", "URL", &servers.broker));
    pairs.push(pair("HTTP", "LISTEN", listen));
    if let Some(n8n) = &session.n8n {
        pairs.push(pair("N8N", "BASE_URL", n8n.url()));
        pairs.push(pair("N8N", "SIGNING_SECRET", n8n.place().signing.expose_secret()));
        pairs.push(pair("N8N", "CALLBACK_BASE_URL", format_args!("http://127.0.0.1:{}", session.ports.gateway)));
    }
    pairs.extend(session.options.settings.iter().cloned());
    Ok(pairs)
}

/// A session's own servers, where the roles log in with the session's passwords.
pub(super) fn own_servers(owner: Url, rabbitmq: &RabbitMq, secrets: &Secrets) -> anyhow::Result<Servers> {
    Ok(Servers {
        gateway: login(&owner, "coccinelle_gateway", &secrets.gateway_password)?,
        worker: login(&owner, "coccinelle_worker", &secrets.worker_password)?,
        owner,
        broker: rabbitmq.url().clone(),
        management: rabbitmq.management_url().cloned(),
    })
}

/// What all our programs are told alike.
fn shared(session: &Session) -> Vec<(String, String)> {
    let ports = session.ports;
    let stand_in = |path: &str| format!("http://127.0.0.1:{}/{path}", ports.sandbox);
    let of_apps = ["HUBSPOT", "PIPEDRIVE", "SALESFORCE", "SHOPIFY", "ZENDESK"].into_iter().flat_map(|platform| {
        let name = |key: &str| format!("{platform}__{key}");
        [pair("PLATFORMS", &name("CLIENT_ID"), CLIENT_ID), pair("PLATFORMS", &name("CLIENT_SECRET"), CLIENT_SECRET)]
    });
    let own = vec![
        pair("TELEMETRY", "FORMAT", "human"),
        pair("VAULT", "KEY_RING_FILE", session.home.path("key-ring.json").display()),
        pair("AUTH", "HS256_SECRET", session.secrets.hs256.expose_secret()),
        // The dashboard is reached by plain HTTP here.
        pair("AUTH", "SECURE_COOKIES", false),
        pair("WEBHOOKS", "PUBLIC_URL", format_args!("http://127.0.0.1:{}", ports.ingest)),
        pair("GATEWAY", "PUBLIC_URL", format_args!("http://127.0.0.1:{}", ports.gateway)),
        pair("PLATFORMS", "HUBSPOT__BASE_URL", stand_in("hubspot")),
        pair("PLATFORMS", "HUBSPOT__AUTHORIZE_URL", stand_in("hubspot")),
        pair("PLATFORMS", "PIPEDRIVE__BASE_URL", stand_in("pipedrive")),
        pair("PLATFORMS", "PIPEDRIVE__AUTHORIZE_URL", stand_in("pipedrive")),
        pair("PLATFORMS", "PIPEDRIVE__TOKEN_URL", stand_in("pipedrive")),
        pair("PLATFORMS", "SALESFORCE__BASE_URL", stand_in("salesforce")),
        pair("PLATFORMS", "SHOPIFY__BASE_URL", stand_in("shopify/{account}")),
        pair("PLATFORMS", "ZENDESK__BASE_URL", stand_in("zendesk/{account}")),
        // The stand-in's shops and sites are on this machine.
        pair("PLATFORMS", "SHOPIFY__ALLOW_PRIVATE_ADDRESSES", true),
        pair("PLATFORMS", "SALESFORCE__ALLOW_PRIVATE_ADDRESSES", true),
        pair("PLATFORMS", "WOOCOMMERCE__ALLOW_PRIVATE_ADDRESSES", true),
        pair("PLATFORMS", "ZENDESK__ALLOW_PRIVATE_ADDRESSES", true),
    ];
    own.into_iter().chain(of_apps).collect()
}

fn pair(section: &str, key: &str, value: impl std::fmt::Display) -> (String, String) {
    (format!("COCCINELLE__{section}__{key}"), value.to_string())
}

/// The owner's URL with another user.
fn login(owner: &Url, user: &str, password: &SecretString) -> anyhow::Result<Url> {
    let mut url = owner.clone();
    let refused = |()| anyhow::anyhow!("DATABASE_URL takes no user name");
    url.set_username(user).map_err(refused)?;
    url.set_password(Some(password.expose_secret())).map_err(refused)?;
    Ok(url)
}

/// The platform account that belongs to the demo tenant's key.
pub(super) fn demo_key() -> String {
    format!("pat-eu1-{PORTAL}-demo")
}
