//! The section `[alerts]`: from where on something is trouble, who is told, and by which mail server.

use std::path::PathBuf;
use std::time::Duration;

use domain::settings::Language;
use secrecy::SecretString;
use serde::Deserialize;

use super::value;

/// The section `[alerts]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSettings {
    /// How often it is looked for trouble.
    #[serde(with = "humantime_serde")]
    pub check_every: Duration,
    /// How far back attempts and deliveries are looked at.
    #[serde(with = "humantime_serde")]
    pub window: Duration,
    /// Failures in a row that are trouble.
    pub failures_in_a_row: i64,
    /// For how long they must have gone on where most of them met nobody.
    #[serde(with = "humantime_serde")]
    pub unreachable_for: Duration,
    /// Failures among the last attempts that are trouble, in percent.
    pub failed_percent: i64,
    /// Attempts at least, for their percentage to count.
    pub attempts: i64,
    /// Refused deliveries, without a good one between, that are trouble.
    pub refused_webhooks: i64,
    /// Polls that found what no webhook had told of, without a delivery since, that are trouble.
    pub silent_polls: i64,
    /// Records out of step that are trouble.
    pub drift: i64,
    /// For how long they must have been.
    #[serde(with = "humantime_serde")]
    pub drift_window: Duration,
    /// The least time between two messages about one integration.
    #[serde(with = "humantime_serde")]
    pub pause: Duration,
    /// Messages to one tenant within that time, after which the rest comes together.
    pub storm: i64,
    /// The first wait before a message is sent again that did not get through.
    #[serde(with = "humantime_serde")]
    pub retry_wait: Duration,
    /// How long a mail server or a webhook may take.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Who is told of what concerns operators.
    #[serde(deserialize_with = "value::texts")]
    pub operators: Vec<String>,
    /// In which language they are told.
    pub operators_language: Language,
    /// The mail server; without it, no mail is written.
    pub smtp_host: Option<String>,
    /// Its port.
    pub smtp_port: u16,
    /// How the connection to it is kept secret.
    pub smtp_security: SmtpSecurity,
    /// Whom we log in as.
    pub smtp_username: Option<String>,
    /// With which password.
    pub smtp_password: Option<SecretString>,
    /// A certificate (PEM) that its own is signed by, where that is no public authority's.
    pub smtp_ca_file: Option<PathBuf>,
    /// Whom mails are from.
    pub from: String,
    /// Whether webhooks may lead to private addresses.
    pub allow_private_addresses: bool,
}

/// How a connection to a mail server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// By TLS from its first byte on.
    Tls,
    /// By TLS before anything else is said; a server without it gets nothing.
    Starttls,
    /// Not at all.
    None,
}
