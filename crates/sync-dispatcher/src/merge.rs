//! Merging events of Coccinelle's backend into records. What then travels to which platform is `converge`'s.

mod existence;
mod workset;

use std::borrow::Cow;
use std::sync::Arc;

use domain::fault::{Fault as _, FaultKind};
use domain::id::RecordId;
use domain::message::{EventMerge, Message as _};
use domain::step::Step;
use domain::trace::TraceParent;
use messaging::Context;
use messaging::consumer::Handler;
use persistence::records::{guard, links};
use persistence::{Scope, Transaction, erasure};
use tokio::sync::Semaphore;

use crate::engine::{DispatchError, Engine};
use crate::telling::Tidings;
use crate::{suppressing, targets};
use workset::Workset;

/// Merges the events of one message.
///
/// One transaction: all events of the message are merged, or none. A repeated message finds nothing to change, and
/// announces again what is still owed. What follows from an event goes on in the trace of its own request.
#[derive(Clone, Debug)]
pub(crate) struct Merge {
    pub(crate) engine: Engine,
    /// What is merged at once by all lanes together; who waited longest is next, so that no lane keeps another waiting.
    pub(crate) turns: Arc<Semaphore>,
}

impl Handler<EventMerge> for Merge {
    type Error = DispatchError;

    async fn handle(&self, message: &EventMerge, context: &Context) -> Result<(), DispatchError> {
        self.engine.steps.reached(Step::EventTaken);
        let is_shared = message.is_shared();
        // One that comes again was given back, or made us panic, by one of its events.
        if is_shared && context.attempt > 1 {
            return self.give_back(message, context.trace).await;
        }
        match self.merge(message, context.trace).await {
            // Without the database none would fare better alone.
            Err(error) if is_shared && error.kind() != FaultKind::Unavailable => {
                let (queue, code) = (message.queue(), error.code());
                tracing::warn!(queue, error.code = code, %error, messages = message.events.len(), "given back, each alone");
                self.give_back(message, context.trace).await
            }
            merged => merged,
        }
    }
}

impl Merge {
    /// Publishes each event of several requests alone: what is wrong with it then concerns it alone.
    async fn give_back(&self, message: &EventMerge, trace: TraceParent) -> Result<(), DispatchError> {
        let alone = message.apart(trace).into_iter().map(|(message, trace)| (message, Context::continuing(trace)));
        let alone: Vec<_> = alone.collect();
        self.engine.broker.publish_all(&alone).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(())
    }

    async fn merge(&self, message: &EventMerge, trace: TraceParent) -> Result<(), DispatchError> {
        let tenant = message.tenant_id;
        // Nobody closes it.
        let _turn = self.turns.acquire().await.ok();
        let mut tx = self.engine.database.begin_keeping_plans(Scope::Tenant(tenant)).await?;
        let (message, mut workset) = match welcome(&self.engine, &mut tx, message).await {
            Err(error) if error.kind() == FaultKind::NotFound && erasure::is_erased(&mut tx, tenant).await? => {
                tracing::info!(tenant.id = %tenant, "events of a tenant that was erased are dropped");
                return Ok(tx.commit().await?);
            }
            loaded => loaded?,
        };
        for event in &message.events {
            workset.apply(event);
        }
        let (backend, traces) = (workset.backend(), workset.traces());
        let (records, untold) = workset.save(&mut tx).await?;
        let tidings = Tidings::of(&self.engine, &mut tx, (tenant, backend), (&records, &untold)).await?;
        let wanted = targets::wanted(&mut tx, tenant, &records).await?;
        links::raise(&mut tx, tenant, &wanted).await?;
        let ids: Vec<_> = records.iter().map(|(record, ..)| *record).collect();
        let owed = links::owed_by_record(&mut tx, tenant, &ids).await?;
        tx.commit().await?;
        self.engine.steps.reached(Step::EventMerged);
        metrics::counter!("coccinelle_events_merged_total").increment(message.events.len().try_into().unwrap_or(0));
        let trace_of = |record: &RecordId| traces.get(record).copied().unwrap_or(trace);
        let pushes: Vec<_> = owed.iter().map(|(record, push)| (*push, Context::continuing(trace_of(record)))).collect();
        let (told, announced) =
            tokio::join!(tidings.announce(&self.engine, trace), self.engine.broker.publish_all(&pushes));
        announced.into_iter().collect::<Result<Vec<()>, _>>()?;
        told
    }
}

/// The message without events of persons who were erased, and the records that it touches. Nobody is erased meanwhile.
async fn welcome<'a>(
    engine: &Engine,
    tx: &mut Transaction,
    message: &'a EventMerge,
) -> Result<(Cow<'a, EventMerge>, Workset), DispatchError> {
    guard::share(tx, message.tenant_id).await?;
    let message = suppressing::without_erased(engine, tx, message).await?;
    let workset = Workset::load(&engine.believed, tx, &message).await?;
    Ok((message, workset))
}
