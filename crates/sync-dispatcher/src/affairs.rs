//! What a platform says of an account itself: that our app was taken off it, or that somebody, or all of it, is to be erased.

use accounts::AccountError;
use connectors::registry::Platform;
use connectors::webhook::{Affair, Matter, PersonRef};
use domain::audit::{Action, Author, Entry};
use domain::fault::FaultKind;
use domain::field::FieldValue;
use domain::id::RecordId;
use domain::identity::Identity;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::message::WebhookApply;
use persistence::records::identities::{self, IdentityKey};
use persistence::records::{guard, links};
use persistence::{Scope, audit, integrations, people};

use crate::amend;
use crate::engine::{DispatchError, Engine};

/// What the tenant is told of an app that was taken off its account.
const REMOVED: &str =
    "L'application Coccinelle a été désinstallée sur la plateforme : reconnectez le compte pour la réinstaller.";

/// Records that are forgotten in one transaction.
const STEP: i64 = 1_000;

/// Does what an affair asks for, for everybody who is or was connected to the account; whom that concerned. May be repeated.
pub(crate) async fn heed(
    engine: &Engine,
    message: &WebhookApply,
    affair: &Affair,
) -> Result<Vec<Integration>, DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let of = (&message.platform, affair.account_id.as_str());
    let concerned = match affair.matter {
        Matter::AppRemoved => integrations::of_account(&mut tx, of.0, of.1).await?,
        Matter::PersonAsks(_) | Matter::ErasePerson(_) | Matter::EraseAccount => {
            integrations::ever_of_account(&mut tx, of.0, of.1).await?
        }
    };
    tx.commit().await?;
    let author = Author::platform(&message.platform, message.delivery);
    for integration in &concerned {
        match &affair.matter {
            Matter::AppRemoved if is_cut_off(engine, integration).await? => {
                engine.accounts.park(integration, REMOVED).await?;
            }
            Matter::EraseAccount if is_cut_off(engine, integration).await? => {
                forget(engine, integration, &author).await?;
            }
            // Whoever connected the account again meanwhile is not cut off by what comes late.
            Matter::AppRemoved | Matter::EraseAccount => {}
            Matter::PersonAsks(meant) => {
                if let Some(record) = person(engine, integration, meant).await? {
                    note(engine, integration, (Action::PersonDataRequested, record.to_string()), &author).await?;
                }
            }
            Matter::ErasePerson(meant) => {
                if let Some(record) = person(engine, integration, meant).await? {
                    amend::erase_now(engine, integration.tenant_id, record, &author).await?;
                }
            }
        }
    }
    Ok(concerned)
}

/// Whether the account refuses us, as it is said to: only itself is believed.
async fn is_cut_off(engine: &Engine, integration: &Integration) -> Result<bool, DispatchError> {
    let platform = Platform::from_slug(&integration.platform)
        .ok_or_else(|| DispatchError::UnknownPlatform(integration.platform.clone()))?;
    let account = match engine.accounts.open(integration).await {
        Ok(account) => account,
        Err(AccountError::NoCredentials(_) | AccountError::GrantEnded(_)) => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    match engine.asking(platform.connector().probe().test(&account)).await {
        Ok(_) => Ok(false),
        Err(error) if error.kind == FaultKind::Unauthorized => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// The record of the person whom the account means.
async fn person(
    engine: &Engine,
    integration: &Integration,
    meant: &PersonRef,
) -> Result<Option<RecordId>, DispatchError> {
    let (tenant, account) = (integration.tenant_id, integration.id);
    let mut tx = engine.database.begin(Scope::Tenant(tenant)).await?;
    let record = match meant {
        PersonRef::Id(id) => {
            let known = links::by_external_id(&mut tx, account, RecordKind::Contact, &[id.clone()].into()).await?;
            known.into_values().find_map(|link| link.record)
        }
        // Whom the account has not shown is none of its affair, whatever their address.
        PersonRef::Email(address) => {
            let identity = Identity::email(Some(&FieldValue::text(address)));
            let keys = identity.into_iter().map(|identity| IdentityKey { kind: RecordKind::Contact, identity });
            let held = identities::find(&mut tx, tenant, &keys.collect()).await?;
            let known = links::by_record(&mut tx, account, &held.into_values().collect()).await?;
            known.into_iter().find_map(|(record, link)| link.external_id.map(|_| record))
        }
    };
    tx.commit().await?;
    Ok(record)
}

async fn forget(engine: &Engine, integration: &Integration, author: &Author) -> Result<(), DispatchError> {
    let of = (integration.tenant_id, integration.id);
    loop {
        let mut tx = engine.database.begin(Scope::Tenant(of.0)).await?;
        guard::exclude(&mut tx, of.0).await?;
        let forgotten = people::forget_records(&mut tx, of, STEP).await?;
        tx.commit().await?;
        if forgotten == 0 {
            break;
        }
    }
    let mut tx = engine.database.begin(Scope::Tenant(of.0)).await?;
    guard::exclude(&mut tx, of.0).await?;
    people::forget_traces(&mut tx, of).await?;
    tx.commit().await?;
    note(engine, integration, (Action::IntegrationErased, integration.id.to_string()), author).await
}

async fn note(
    engine: &Engine,
    integration: &Integration,
    (action, target): (Action, String),
    author: &Author,
) -> Result<(), DispatchError> {
    let tenant_id = integration.tenant_id;
    let mut tx = engine.database.begin(Scope::Tenant(tenant_id)).await?;
    audit::record(&mut tx, &Entry { tenant_id, author, action, target: Some(target), changes: Vec::new() }).await?;
    Ok(tx.commit().await?)
}
