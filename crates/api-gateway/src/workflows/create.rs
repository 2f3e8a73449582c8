//! A create that a workflow makes through us: looked for first, made once, and remembered, so that a repetition gets the first result.

use std::time::Duration;

use connectors::connector::Wanted;
use connectors::error::ConnectorError;
use connectors::http::RawAnswer;
use connectors::proxy::{self, Forward};
use domain::link::RemoteObject;
use domain::time::Timestamp;
use persistence::records::store;
use persistence::workflows::{self, Begun, NewCreate};
use persistence::{Scope, mappings};
use runtime::http::Problem;

use super::errand::{Errand, unanswered};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Makes the object, unless it is there already or is being made.
pub(super) async fn create(gateway: &Gateway, errand: &Errand, call: Forward) -> Result<RawAnswer, Problem> {
    let silent = |error: ConnectorError| unanswered(errand, &error);
    if let Some(first) = begin(gateway, errand).await? {
        return Ok(first);
    }
    let found = match find(gateway, errand).await {
        Ok(found) => found,
        Err(problem) => {
            // Nothing was made yet, and it may be tried again at once.
            forget(gateway, errand).await?;
            return Err(problem);
        }
    };
    let made = match found {
        Some(object) => show(errand, &object).await,
        None => make(errand, call).await,
    };
    match made {
        Ok(answer) => {
            match errand.proxy.refusal(&answer) {
                None => remember(gateway, errand, &answer).await?,
                // What may have been made although this came back is looked for when the workflow comes again.
                Some(refused) if refused.outcome_is_unknown() => {}
                Some(_) => forget(gateway, errand).await?,
            }
            Ok(answer)
        }
        Err(error) => {
            if !error.outcome_is_unknown() {
                forget(gateway, errand).await?;
            }
            Err(silent(error))
        }
    }
}

fn named(errand: &Errand) -> NewCreate {
    let pass = &errand.pass;
    NewCreate { tenant: pass.tenant_id, integration: pass.integration_id, link: pass.link_id, event: pass.event_id }
}

/// Claims the create; answers the first result where there is one.
async fn begin(gateway: &Gateway, errand: &Errand) -> Result<Option<RawAnswer>, Problem> {
    // As long as this, a create of which nobody knows what came of it may be under way, or not be found yet.
    let window = gateway.platform_timeout + errand.connector.descriptor().lookup_lag;
    let new = named(errand);
    let mut tx = gateway.database.begin(Scope::Tenant(new.tenant)).await?;
    let begun = workflows::begin_create(&mut tx, &new, window).await?;
    let outcome = match begun {
        Begun::First => Ok(None),
        Begun::Answered { status, answer } => Ok(Some(RawAnswer { status, body: answer, retry_after: None })),
        Begun::UnderWay { since } => {
            let rest = Timestamp::now().until(since.plus(window));
            if rest.is_zero() && workflows::take_up_create(&mut tx, &new, since).await? {
                Ok(None)
            } else {
                Err(Refusal::CreateUnderWay(rest.max(Duration::from_secs(1))))
            }
        }
    };
    tx.commit().await?;
    Ok(outcome?)
}

/// Looks by our key, then by the record's strongest identifier, as for every create.
async fn find(gateway: &Gateway, errand: &Errand) -> Result<Option<RemoteObject>, Problem> {
    let (pass, kind) = (&errand.pass, errand.pass.action.kind);
    let mut tx = gateway.database.begin(Scope::Tenant(pass.tenant_id)).await?;
    let record = store::get(&mut tx, pass.tenant_id, pass.record_id).await?;
    let mapping = mappings::get(&mut tx, pass.tenant_id, pass.integration_id, kind).await?.unwrap_or_default();
    tx.commit().await?;
    let record = record.ok_or(Refusal::ErrandOver)?;
    let reader = errand.connector.reader().ok_or(Refusal::CallNotAllowed)?;
    let identifiers = mapping.identifiers(&record.fields).into_iter().take(1).collect();
    let wanted = [Wanted { key: record.id, identifiers }];
    let found = reader.find(&errand.account, kind, &wanted, &[]).await.map_err(|error| unanswered(errand, &error))?;
    Ok(found.into_iter().next().flatten())
}

/// The object that is there, as the platform itself shows it.
async fn show(errand: &Errand, object: &RemoteObject) -> Result<RawAnswer, ConnectorError> {
    let account = &errand.account;
    let read = errand.proxy.show(account, errand.pass.action.kind, &object.external_id)?;
    proxy::forward(account, read).await
}

/// Creates it with our key, which an account that was never made ready does not know.
async fn make(errand: &Errand, call: Forward) -> Result<RawAnswer, ConnectorError> {
    let (proxy, account, kind) = (errand.proxy, &errand.account, errand.pass.action.kind);
    let keyed = proxy.keyed(account, kind, call.clone(), errand.pass.record_id).await?;
    let answer = proxy::forward(account, keyed).await?;
    let lacks_key = proxy.refusal(&answer).is_some_and(|refused| proxy.lacks_key(account, kind, &refused));
    if lacks_key { proxy::forward(account, call).await } else { Ok(answer) }
}

async fn remember(gateway: &Gateway, errand: &Errand, answer: &RawAnswer) -> Result<(), Problem> {
    let new = named(errand);
    let mut tx = gateway.database.begin(Scope::Tenant(new.tenant)).await?;
    workflows::end_create(&mut tx, &new, answer.status, answer.body.clone()).await?;
    Ok(tx.commit().await?)
}

async fn forget(gateway: &Gateway, errand: &Errand) -> Result<(), Problem> {
    let new = named(errand);
    let mut tx = gateway.database.begin(Scope::Tenant(new.tenant)).await?;
    workflows::forget_create(&mut tx, &new).await?;
    Ok(tx.commit().await?)
}
