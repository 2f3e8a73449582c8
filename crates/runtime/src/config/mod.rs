//! Reading the settings: compiled-in defaults, then a file, then the environment. The only module that reads the latter.

mod address;
mod alerts;
mod neighbours;
mod services;
mod settings;
mod value;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use url::Host;

pub use address::AddressTemplate;
pub use alerts::{AlertSettings, SmtpSecurity};
pub use neighbours::{BackendSettings, N8nSettings, PlatformSettings};
pub use services::{DispatcherSettings, GatewaySettings, IngestSettings, LogWriterSettings};
pub use settings::{
    AuthSettings, BrokerSettings, CrashSettings, DatabaseSettings, HttpSettings, Settings, VaultSettings,
    WebhookSettings,
};

const DEFAULTS: &str = include_str!("../../default.toml");

/// Names the file that is laid over the defaults.
const FILE_VARIABLE: &str = "COCCINELLE_CONFIG";

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source cannot be read, or is not TOML.
    #[error("the settings cannot be read")]
    Unreadable(#[source] config::ConfigError),
    /// A key is unknown or missing, or its value is of the wrong form.
    #[error("the setting `{key}` is not usable")]
    BadKey {
        /// The key's path, as in `http.listen`.
        key: String,
        /// What is wrong with it.
        source: config::ConfigError,
    },
    /// Two settings contradict one another.
    #[error("the setting `{key}` is not usable: {reason}")]
    Contradiction {
        /// The key's path.
        key: &'static str,
        /// What it contradicts.
        reason: &'static str,
    },
}

/// The settings of this process.
///
/// # Errors
/// When a source is unreadable, a key unknown or a value bad; the key is named.
pub fn load() -> Result<Settings, ConfigError> {
    let file = std::env::var_os(FILE_VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
    // Only text can be a setting; a variable of other bytes is not ours.
    let ours =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    read(file.as_deref(), ours)
}

/// The settings that these sources make: `file` over the defaults, and over that those of `variables` whose names begin
/// with `COCCINELLE__`.
///
/// # Errors
/// As [`load`].
pub fn read(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, ConfigError> {
    let variables: HashMap<_, _> = variables.into_iter().collect();
    let environment = Environment::with_prefix("COCCINELLE")
        .prefix_separator("__")
        .separator("__")
        .ignore_empty(true)
        .source(Some(variables.into_iter().collect()));
    let mut sources = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    if let Some(file) = file {
        sources = sources.add_source(File::from(file).format(FileFormat::Toml));
    }
    let merged = sources.add_source(environment).build().map_err(ConfigError::Unreadable)?;
    let settings = serde_path_to_error::deserialize(merged).map_err(|error| {
        let key = error.path().to_string();
        ConfigError::BadKey { key, source: error.into_inner() }
    })?;
    check(&settings)?;
    Ok(settings)
}

fn check(settings: &Settings) -> Result<(), ConfigError> {
    if settings.dispatcher.lease <= settings.dispatcher.platform_timeout {
        let reason = "it must be longer than dispatcher.platform_timeout, or two workers could write at once";
        return Err(ConfigError::Contradiction { key: "dispatcher.lease", reason });
    }
    if settings.ingest.bodies_limit < settings.ingest.body_limit.saturating_mul(4) {
        let reason = "it must be four times ingest.body_limit at least, or a large delivery would never find room";
        return Err(ConfigError::Contradiction { key: "ingest.bodies_limit", reason });
    }
    if settings.webhooks.public_url.cannot_be_a_base() {
        let reason = "it must be a web address such as https://hooks.example.com";
        return Err(ConfigError::Contradiction { key: "webhooks.public_url", reason });
    }
    if settings.gateway.public_url.cannot_be_a_base() {
        let reason = "it must be a web address such as https://app.example.com";
        return Err(ConfigError::Contradiction { key: "gateway.public_url", reason });
    }
    if settings.crash.plan_folder.is_some() && !crate::crash::ALLOWED {
        let reason = "only a build for development may be told to die";
        return Err(ConfigError::Contradiction { key: "crash.plan_folder", reason });
    }
    if settings.platforms.values().any(|platform| platform.app_id.is_some() != platform.developer_key.is_some()) {
        let reason = "an app_id and its developer_key are set together or not at all";
        return Err(ConfigError::Contradiction { key: "platforms", reason });
    }
    check_n8n(&settings.n8n)?;
    check_mail(&settings.alerts)?;
    check_backend(&settings.backend)?;
    check_auth(&settings.auth)
}

/// Tokens come from one issuer, are made for us, and their keys come by a way that nobody else can write on.
fn check_auth(auth: &AuthSettings) -> Result<(), ConfigError> {
    let contradiction = |key, reason| Err(ConfigError::Contradiction { key, reason });
    let Some(url) = &auth.jwks_url else { return Ok(()) };
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    if auth.hs256_secret.is_some() {
        contradiction("auth.jwks_url", "auth.hs256_secret is set as well, and tokens come from one issuer: unset one")
    } else if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback) {
        contradiction("auth.jwks_url", "keys must come by HTTPS, or from this machine")
    } else if auth.issuer.is_none() {
        contradiction("auth.issuer", "with auth.jwks_url it must be set, as the `iss` of our tokens")
    } else if auth.audience.is_none() {
        contradiction("auth.audience", "with auth.jwks_url it must be set, or tokens made for others would be taken")
    } else {
        Ok(())
    }
}

/// A password goes over no wire that others can read.
fn check_mail(alerts: &AlertSettings) -> Result<(), ConfigError> {
    let is_local = alerts.smtp_host.as_deref().is_none_or(|host| matches!(host, "localhost" | "127.0.0.1" | "::1"));
    if alerts.smtp_password.is_some() && alerts.smtp_security == SmtpSecurity::None && !is_local {
        let reason = "with it, alerts.smtp_password would be sent for everybody to read";
        return Err(ConfigError::Contradiction { key: "alerts.smtp_security", reason });
    }
    if alerts.smtp_username.is_some() != alerts.smtp_password.is_some() {
        let reason = "alerts.smtp_username and alerts.smtp_password are set together or not at all";
        return Err(ConfigError::Contradiction { key: "alerts.smtp_username", reason });
    }
    Ok(())
}

/// What the backend is told must be signed, or it could not tell our words from anybody's.
fn check_backend(backend: &BackendSettings) -> Result<(), ConfigError> {
    let contradiction = |key, reason| Err(ConfigError::Contradiction { key, reason });
    let Some(url) = &backend.url else { return Ok(()) };
    if url.cannot_be_a_base() {
        contradiction("backend.url", "it must be a web address")
    } else if backend.secrets.is_empty() {
        contradiction("backend.secrets", "with backend.url there must be one, or nobody could tell who sends")
    } else {
        Ok(())
    }
}

/// What n8n is sent must be signed, and lead back to us.
fn check_n8n(n8n: &N8nSettings) -> Result<(), ConfigError> {
    if n8n.base_url.is_some() && n8n.signing_secret.is_none() {
        let reason = "without it, n8n could not tell our writes from anybody's";
        return Err(ConfigError::Contradiction { key: "n8n.signing_secret", reason });
    }
    for (key, url) in [("n8n.base_url", n8n.base_url.as_ref()), ("n8n.callback_base_url", Some(&n8n.callback_base_url))]
    {
        if url.is_some_and(url::Url::cannot_be_a_base) {
            return Err(ConfigError::Contradiction { key, reason: "it must be a web address" });
        }
    }
    Ok(())
}
