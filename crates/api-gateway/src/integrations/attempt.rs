//! Trying credentials that are not kept yet, and what the platform's refusal means to whoever typed them.

use accounts::AccountError;
use connectors::connector::{Connector, Identified};
use connectors::error::ConnectorError;
use domain::credentials::Credentials;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use runtime::http::Problem;

use super::Patience;
use super::trying::unkeyed_of;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Credentials that are not kept yet, and where they are to open an account.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    /// The platform.
    pub(super) platform: &'a PlatformSlug,
    /// What it may know us by.
    pub(super) credentials: Credentials,
    /// The address that was typed with them.
    pub(super) url: Option<&'a str>,
    /// The account that they must open; any where it is `None`.
    pub(super) expected: Option<&'a str>,
}

/// Asks the platform whose credentials these are, and makes the account ready for our writes; returns the kinds as well that have no
/// field for our key there.
pub(super) async fn tried(
    gateway: &Gateway,
    attempt: Attempt<'_>,
    connector: &dyn Connector,
    patience: Patience,
) -> Result<(Identified, Vec<RecordKind>), Problem> {
    let (name, has_url) = (connector.descriptor().name, attempt.url.is_some());
    let opened = gateway.accounts.with_credentials(attempt.platform, attempt.credentials, attempt.url);
    let account = opened.map_err(|error| {
        if matches!(error, AccountError::BadUrl) {
            Problem::from(Refusal::at("url", "must be the address of the account"))
        } else {
            Problem::from(error)
        }
    })?;
    let probe = connector.probe();
    let refuse = |error: ConnectorError| refused(&error, name, has_url);
    let found = patience.wait(probe.test(&account)).await.map_err(refuse)?;
    // Nothing is made ready in an account that is not the one that is meant.
    if attempt.expected.is_some_and(|expected| expected != found.account_id) {
        return Err(Refusal::OtherAccount { name: found.name, id: found.account_id }.into());
    }
    let prepared = patience.wait(probe.prepare(&account)).await.map_err(refuse)?;
    Ok((found, unkeyed_of(connector, &prepared)))
}

/// What the platform's refusal means to whoever filled in the form.
fn refused(error: &ConnectorError, name: &'static str, has_url: bool) -> Refusal {
    match error.kind {
        FaultKind::Unauthorized => Refusal::at(
            "credentials.api_key",
            format!("is not accepted by {name} ({error}): copy it there again, or make a new one"),
        ),
        FaultKind::Forbidden => Refusal::at(
            "credentials.api_key",
            format!("may do too little at {name} ({error}): give it the scopes that are missing"),
        ),
        FaultKind::NotFound | FaultKind::Invalid | FaultKind::Conflict => {
            let path = if has_url { "url" } else { "credentials.api_key" };
            Refusal::at(path, format!("leads to no account of {name}: {error}"))
        }
        FaultKind::RateLimited | FaultKind::Unavailable | FaultKind::Internal => Refusal::PlatformAway(name),
    }
}
