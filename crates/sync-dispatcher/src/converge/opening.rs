//! Opening a session: who is to be called, what is owed and free, and what is known of it. The work itself is the other steps'.

use std::collections::{BTreeMap, BTreeSet};

use connectors::account::Account;
use connectors::connector::Writer;
use connectors::error::ConnectorError;
use connectors::registry::Platform;
use domain::fault::{Fault, FaultKind};
use domain::id::{IntegrationId, LeaseToken, LinkId, RecordId, TenantId};
use domain::integration::Integration;
use domain::message::RecordPush;
use domain::record::Record;
use domain::trace::TraceParent;
use persistence::records::{
    joining,
    links::{self, Leased},
    store,
};
use persistence::{Scope, Transaction, integrations};
use tokio::time::Instant;

use super::{clock::Clock, job::Job, session::Session};
use crate::{
    engine::{DispatchError, Engine, Priority},
    mapped::Narrowed,
    n8n::workflow_of,
};

/// The part of a lease that platform calls may use; the rest is for committing what came of them.
const SHARE_FOR_CALLS: f64 = 0.8;

/// What came of opening a session.
pub(super) enum Opened<'a> {
    /// There is something to do.
    Ready(Box<Session<'a>>, Vec<Job>),
    /// None of it is owed and free.
    Nothing,
    /// Nobody is to be called: the integration is switched off or parked, or does not answer.
    Shut,
}

/// Takes those of the links that are owed and free.
pub(super) async fn open<'a>(
    engine: &'a Engine,
    priority: Priority,
    (tenant, integration): (TenantId, IntegrationId),
    links: &BTreeMap<LinkId, TraceParent>,
) -> Result<Opened<'a>, DispatchError> {
    let turn = engine.turns.take(priority, tenant, links.len()).await;
    let deadline = Instant::now() + engine.settings.lease.mul_f64(SHARE_FOR_CALLS);
    let mut tx = engine.database.begin_committing_asynchronously(Scope::System).await?;
    let Some((integration, platform, watch)) = open_for_work(&mut tx, tenant, integration).await? else {
        tx.commit().await?;
        return Ok(Opened::Shut);
    };
    let token = LeaseToken::new();
    let names: Vec<LinkId> = links.keys().copied().collect();
    let most = platform.connector().writer().map_or(usize::MAX, Writer::at_once);
    let (now, _later) = names.split_at(most.min(names.len()));
    let leased = links::lease(&mut tx, (tenant, integration.id), now, token, engine.settings.lease).await?;
    let clock = leased.first().map(|leased| Clock::told(leased.at));
    let passed_over = passed_over(&mut tx, &names, &leased).await?;
    let trace = links.values().next().copied().unwrap_or_else(TraceParent::generate);
    let Some(clock) = clock else {
        // Most often somebody else has done it: of what is stale, nothing more is read.
        tx.commit().await?;
        drop(turn);
        engine.announce(priority, &passed_over, trace).await?;
        return Ok(Opened::Nothing);
    };
    let jobs = jobs(&mut tx, tenant, leased, links).await?;
    let configured = engine.mapped.of(&mut tx, tenant, integration.id).await?;
    let beliefs = engine.believed.of(&mut tx, tenant, integration.id).await?;
    let redactor = engine.redactors.of(&mut tx, tenant).await?;
    tx.commit().await?;
    drop(turn);
    if let Err(error) = engine.announce(priority, &passed_over, trace).await {
        super::give_up(engine, token, &jobs.iter().map(|job| job.leased.push.link_id).collect::<Vec<_>>()).await;
        return Err(error);
    }
    engine.steps.reached(domain::step::Step::LinkLeased);
    let account = account_of(engine, &integration, priority).await;
    let session = Session {
        engine,
        priority,
        workflow: workflow_of(&integration),
        mappings: Narrowed::new(&configured, &integration),
        integration,
        connector: platform.connector(),
        account,
        configured,
        region: beliefs.region,
        backend: beliefs.backend,
        beliefs,
        redactor,
        token,
        deadline,
        clock,
        traces: links.clone(),
        watch,
    };
    Ok(Opened::Ready(Box::new(session), jobs))
}

/// Those that are due and were not taken: somebody else was just then writing to them, or they are more than the platform takes in the
/// time of one batch.
async fn passed_over(
    tx: &mut Transaction,
    names: &[LinkId],
    leased: &[Leased],
) -> Result<Vec<RecordPush>, DispatchError> {
    if leased.len() == names.len() {
        return Ok(Vec::new());
    }
    Ok(links::due_among(tx, names).await?)
}

/// The opened account. What nobody waits for leaves some of its budget to what somebody does.
async fn account_of(engine: &Engine, integration: &Integration, priority: Priority) -> Result<Account, ConnectorError> {
    let account = engine.accounts.open(integration).await.map_err(|error| unusable(&error))?;
    Ok(if priority == Priority::Bulk { account.unhurried() } else { account })
}

/// The integration, where it is switched on, has a connector, is not parked, and answers as far as anybody knows.
async fn open_for_work(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
) -> Result<Option<(Integration, Platform, crate::breakers::Watch)>, DispatchError> {
    let Some(integration) = integrations::get(tx, tenant, integration).await? else { return Ok(None) };
    let Some(platform) = Platform::from_slug(&integration.platform) else { return Ok(None) };
    let watch = crate::breakers::Watch::over(tx, &integration).await?.filter(|_| integration.enabled);
    Ok(watch.map(|watch| (integration, platform, watch)))
}

/// What an account that cannot be opened means to its tenant.
pub(crate) fn unusable(error: &accounts::AccountError) -> ConnectorError {
    // What the platform said of a grant, and what that means, is told as it is.
    if let accounts::AccountError::Platform(error) = error {
        return (**error).clone();
    }
    if let accounts::AccountError::GrantEnded(cause) = error {
        return ConnectorError::new(FaultKind::Unauthorized, "reauth_required", cause);
    }
    tracing::error!(%error, "an account cannot be opened");
    let kind = if error.kind().is_transient() { FaultKind::Unavailable } else { FaultKind::Invalid };
    ConnectorError::new(
        kind,
        crate::breakers::UNUSABLE,
        "Intégration non configurée : ses identifiants ne s'ouvrent pas",
    )
}

/// The leased links, with their records as they are now.
async fn jobs(
    tx: &mut Transaction,
    tenant: TenantId,
    leased: Vec<Leased>,
    links: &BTreeMap<LinkId, TraceParent>,
) -> Result<Vec<Job>, DispatchError> {
    let ids: BTreeSet<RecordId> = leased.iter().filter_map(|leased| leased.record).collect();
    let records = store::get_many(tx, tenant, &ids).await?;
    let records: BTreeMap<RecordId, Record> = records.into_iter().map(|record| (record.id, record)).collect();
    let job = |leased: Leased| {
        let trace = links.get(&leased.push.link_id).copied().unwrap_or_else(TraceParent::generate);
        let record = leased.record.and_then(|id| records.get(&id).cloned());
        Job::new(leased, record, trace)
    };
    let mut jobs: Vec<Job> = leased.into_iter().map(job).collect();
    name_former(tx, tenant, &mut jobs).await?;
    Ok(jobs)
}

/// Says which records became that of a link, where what a write of ours made may bear their keys.
async fn name_former(tx: &mut Transaction, tenant: TenantId, jobs: &mut [Job]) -> Result<(), DispatchError> {
    let unaccounted =
        jobs.iter().map(|job| &job.leased).filter(|link| link.intent.is_some() || link.hinted_id.is_some());
    let ids: BTreeSet<RecordId> = unaccounted.filter_map(|link| link.record).collect();
    for (former, record) in joining::former(tx, tenant, &ids).await? {
        // One record has one link in an integration.
        if let Some(job) = jobs.iter_mut().find(|job| job.leased.record == Some(record)) {
            job.former.push(former);
        }
    }
    Ok(())
}
