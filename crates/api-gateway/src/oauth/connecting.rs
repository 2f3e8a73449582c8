//! From a code to a connected account: exchanged, held against what is needed and what is known, and only then kept.

use accounts::{AccountError, Doorway};
use connectors::connector::Identified;
use connectors::error::ConnectorError;
use connectors::oauth::{Code, Grant};
use domain::audit::{Action, FieldChange};
use domain::fault::{Fault, FaultKind};
use domain::integration::{Integration, Status};
use domain::kind::RecordKind;
use persistence::records::links::{self, Selection};
use persistence::{PersistenceError, health, integrations};

use super::outcome::Failure;
use crate::change::Change;
use crate::integrations::{Patience, announce, platform_of, see_that_it_calls, unkeyed_of};
use crate::state::Gateway;

/// A consent that was given.
#[derive(Debug)]
pub(super) struct Consent<'a> {
    /// What it is for, as it is before.
    pub(super) integration: Integration,
    /// The tenant's site at the platform.
    pub(super) site: Option<String>,
    /// Our app there.
    pub(super) doorway: &'a Doorway,
    /// What becomes the grant.
    pub(super) code: &'a Code<'a>,
}

/// Connects the account; returns the kinds that have no field for our key there. A grant that is not kept in the end is given back, unless it is of an account that is connected: at
/// some platforms that would take it from everybody.
pub(super) async fn connect(
    gateway: &Gateway,
    change: &Change,
    consent: Consent<'_>,
) -> Result<Vec<RecordKind>, Failure> {
    let patience = Patience::begins(gateway);
    let exchanged = patience.until(consent.doorway.exchange(consent.code)).await.ok_or(Failure::Away)?;
    let grant = exchanged.map_err(|error| failure(&error))?;
    let kept = keep(gateway, change, &consent, (&grant, patience)).await;
    if matches!(kept, Err(Failure::Lacking(_))) {
        give_back(consent.doorway.clone(), grant, patience).await;
    }
    let unkeyed = kept?;
    see_that_it_calls(gateway, (change.tenant_id, consent.integration.id), patience).await;
    Ok(unkeyed)
}

/// Gives a grant back that is of no use. Whoever waits need not know of it, so it goes on without them.
async fn give_back(doorway: Doorway, grant: Grant, patience: Patience) {
    let given_back = actix_web::rt::spawn(async move {
        if let Err(error) = doorway.revoke(&grant).await {
            tracing::info!(%error, "a grant that is of no use was not given back");
        }
    });
    if patience.until(given_back).await.is_none() {
        tracing::info!("a platform takes its time over taking a grant back");
    }
}

async fn keep(
    gateway: &Gateway,
    change: &Change,
    consent: &Consent<'_>,
    (grant, patience): (&Grant, Patience),
) -> Result<Vec<RecordKind>, Failure> {
    let (before, terms) = (&consent.integration, consent.doorway.terms);
    let lacking = consent.doorway.oauth().map_err(|error| failure(&error))?.lacking(terms.scopes, &grant.scopes);
    if !lacking.is_empty() {
        return Err(Failure::Lacking(lacking));
    }
    let account = gateway.accounts.with_grant(&before.platform, grant, consent.site.as_deref());
    let account = account.map_err(|error| failure(&error))?;
    let connector = platform_of(&before.platform).map_err(|error| failure(&error))?.connector();
    let probe = connector.probe();
    let found = patience.wait(probe.test(&account)).await.map_err(|error| refused(&error))?;
    if before.account_id.as_ref().is_some_and(|expected| *expected != found.account_id) {
        return Err(Failure::OtherAccount(format!("{} ({})", found.name, found.account_id)));
    }
    let prepared = patience.wait(probe.prepare(&account)).await.map_err(|error| refused(&error))?;
    save(gateway, change, consent, (grant, &found)).await?;
    Ok(unkeyed_of(connector, &prepared))
}

/// Saves the grant and whose account it is, all or nothing. What the grant before held up is let go.
async fn save(
    gateway: &Gateway,
    change: &Change,
    consent: &Consent<'_>,
    (grant, found): (&Grant, &Identified),
) -> Result<(), Failure> {
    let of @ (tenant, id) = (change.tenant_id, consent.integration.id);
    let mut tx = change.begin(gateway).await.map_err(|error| ours(&error))?;
    let others = integrations::list(&mut tx, tenant).await.map_err(|error| ours(&error))?;
    let is_taken = |other: &&Integration| {
        let is_same = other.account_id.as_deref() == Some(&found.account_id);
        other.id != id && other.platform == consent.integration.platform && is_same
    };
    if let Some(other) = others.iter().find(is_taken) {
        return Err(Failure::Taken(other.id));
    }
    let account = (found.account_id.as_str(), found.name.as_str());
    integrations::connect_by_grant(&mut tx, of, account, consent.site.as_deref()).await.map_err(taken)?;
    gateway.accounts.keep_grant(&mut tx, of, grant).await.map_err(|error| ours(&error))?;
    let mut freed = Vec::new();
    if consent.integration.enabled {
        health::set_status(&mut tx, tenant, id, Status::Active, None).await.map_err(|error| ours(&error))?;
        freed = links::replay(&mut tx, of, &Selection::default()).await.map_err(|error| ours(&error))?;
    }
    let told = [
        FieldChange::told("account_id", consent.integration.account_id.clone(), found.account_id.as_str()),
        Some(FieldChange::named("credentials")),
    ];
    let committed = tx.commit(Action::IntegrationUpdated, Some(id.to_string()), told.into_iter().flatten()).await;
    committed.map_err(taken)?;
    tracing::info!(tenant.id = %tenant, integration.id = %id, "an account was connected by a grant");
    announce(gateway, freed, change.trace).await;
    Ok(())
}

fn failure(error: &AccountError) -> Failure {
    if let AccountError::Platform(error) = error { refused(error) } else { ours(error) }
}

fn refused(error: &ConnectorError) -> Failure {
    match error.kind {
        FaultKind::RateLimited | FaultKind::Unavailable => Failure::Away,
        FaultKind::Internal => ours(error),
        FaultKind::Unauthorized
        | FaultKind::Forbidden
        | FaultKind::NotFound
        | FaultKind::Invalid
        | FaultKind::Conflict => Failure::Refused(error.message.clone()),
    }
}

/// Somebody else connected the account, and was faster by a moment; who it was is seen on the page of all.
fn taken(error: PersistenceError) -> Failure {
    if error.kind() == FaultKind::Conflict { Failure::TakenMeanwhile } else { ours(&error) }
}

pub(super) fn ours(error: &dyn std::error::Error) -> Failure {
    tracing::error!(%error, "a consent could not be ended");
    Failure::Ours
}
