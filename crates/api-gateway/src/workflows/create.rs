//! A create that a workflow makes through us: looked for first, made once, and remembered, so that a repetition gets the first result.

use std::time::Duration;

use connectors::connector::Wanted;
use connectors::error::ConnectorError;
use connectors::http::RawAnswer;
use connectors::proxy::{self, Forward};
use domain::link::RemoteObject;
use domain::step::Step;
use domain::time::Timestamp;
use persistence::records::store;
use persistence::workflows::{self, Begun, NewCreate};
use persistence::{Scope, mappings};
use runtime::http::Problem;

use super::errand::{Errand, unanswered};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// How soon it is worth coming again for a create that somebody else is at.
const MOMENT: Duration = Duration::from_secs(1);

/// Makes the object, unless it is there already or is being made.
pub(super) async fn create(gateway: &Gateway, errand: &Errand, call: Forward) -> Result<RawAnswer, Problem> {
    let mut claim = match begin(gateway, errand).await? {
        Place::Ours(claim) => claim,
        Place::Answered(first) => return Ok(first),
    };
    let found = match find(gateway, errand).await {
        Ok(found) => found,
        Err(problem) => {
            // Nothing was made yet, and it may be tried again at once.
            forget(gateway, errand, claim).await?;
            return Err(problem);
        }
    };
    let made = match found {
        Some(object) => show(errand, &object).await,
        None => {
            claim = go_on(gateway, errand, claim).await?;
            gateway.database.steps().reached(Step::ProxyBefore);
            let made = make(errand, call).await;
            gateway.database.steps().reached(Step::ProxyAfter);
            made
        }
    };
    match made {
        Ok(answer) => {
            match errand.proxy.refusal(&answer) {
                None => remember(gateway, errand, &answer).await?,
                // What may have been made although this came back is looked for when the workflow comes again.
                Some(refused) if refused.outcome_is_unknown() => {}
                Some(_) => forget(gateway, errand, claim).await?,
            }
            Ok(answer)
        }
        Err(error) => {
            if !error.outcome_is_unknown() {
                forget(gateway, errand, claim).await?;
            }
            Err(unanswered(gateway, errand, &error).await)
        }
    }
}

fn named(errand: &Errand) -> NewCreate {
    let pass = &errand.pass;
    NewCreate { tenant: pass.tenant_id, integration: pass.integration_id, link: pass.link_id, event: pass.event_id }
}

/// Who is at the create.
enum Place {
    /// We are, by this claim.
    Ours(Timestamp),
    /// Nobody any more: this is the first result.
    Answered(RawAnswer),
}

/// Claims the create, unless it was made.
async fn begin(gateway: &Gateway, errand: &Errand) -> Result<Place, Problem> {
    // As long as this, a create of which nobody knows what came of it may be under way, or not be found yet.
    let window = gateway.platform_timeout + errand.connector.descriptor().lookup_lag;
    let new = named(errand);
    let mut tx = gateway.database.begin(Scope::Tenant(new.tenant)).await?;
    let begun = workflows::begin_create(&mut tx, &new, window).await?;
    let outcome = match begun {
        Begun::First { claim } => Ok(Place::Ours(claim)),
        Begun::Answered { status, answer } => {
            Ok(Place::Answered(RawAnswer { status, body: answer, retry_after: None }))
        }
        Begun::UnderWay { claim, rest } => {
            let ours = if rest.is_zero() { workflows::take_up_create(&mut tx, &new, claim).await? } else { None };
            ours.map(Place::Ours).ok_or_else(|| Refusal::CreateUnderWay(rest.max(MOMENT)))
        }
    };
    tx.commit().await?;
    Ok(outcome?)
}

/// Claims it anew before the call that makes it: looking may have taken longer than a claim lasts.
async fn go_on(gateway: &Gateway, errand: &Errand, claim: Timestamp) -> Result<Timestamp, Problem> {
    let new = named(errand);
    let mut tx = gateway.database.begin(Scope::Tenant(new.tenant)).await?;
    let renewed = workflows::take_up_create(&mut tx, &new, claim).await?;
    tx.commit().await?;
    Ok(renewed.ok_or(Refusal::CreateUnderWay(MOMENT))?)
}

/// Looks by our key, then by an identifier of what was to be written and by the record's own, as for every create.
async fn find(gateway: &Gateway, errand: &Errand) -> Result<Option<RemoteObject>, Problem> {
    let (pass, kind) = (&errand.pass, errand.pass.action.kind);
    let mut tx = gateway.database.begin(Scope::Tenant(pass.tenant_id)).await?;
    let record = store::get(&mut tx, pass.tenant_id, pass.record_id).await?;
    let mapping = mappings::get(&mut tx, pass.tenant_id, pass.integration_id, kind).await?.unwrap_or_default();
    tx.commit().await?;
    let record = record.ok_or(Refusal::ErrandOver)?;
    let reader = errand.connector.reader().ok_or(Refusal::CallNotAllowed)?;
    let mut identifiers = mapping.looked_for_by(errand.intended.as_ref(), &record.fields).into_iter();
    let first = identifiers.next().into_iter().collect();
    let mut wanted = Wanted { key: record.id, identifiers: first, tried: errand.tried.clone() };
    loop {
        let found = reader.find(&errand.account, kind, std::slice::from_ref(&wanted), &[]).await;
        let object = match found {
            Ok(found) => found.into_iter().next().flatten(),
            Err(error) => return Err(unanswered(gateway, errand, &error).await),
        };
        match identifiers.next().filter(|_| object.is_none()) {
            Some(identifier) => wanted.identifiers = vec![identifier],
            None => return Ok(object),
        }
    }
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
    if !lacks_key {
        return Ok(answer);
    }
    proxy::forward(account, proxy.noted(kind, call, errand.pass.record_id)).await
}

async fn remember(gateway: &Gateway, errand: &Errand, answer: &RawAnswer) -> Result<(), Problem> {
    let new = named(errand);
    let mut tx = gateway.database.begin(Scope::Tenant(new.tenant)).await?;
    workflows::end_create(&mut tx, &new, answer.status, answer.body.clone()).await?;
    Ok(tx.commit().await?)
}

async fn forget(gateway: &Gateway, errand: &Errand, claim: Timestamp) -> Result<(), Problem> {
    let new = named(errand);
    let mut tx = gateway.database.begin(Scope::Tenant(new.tenant)).await?;
    workflows::forget_create(&mut tx, &new, claim).await?;
    Ok(tx.commit().await?)
}
