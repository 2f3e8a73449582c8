//! Applying verified deliveries: what they name is marked for reading. The reading itself is `converge`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connectors::registry::Platform;
use connectors::webhook::RemoteChange;
use domain::fault::Fault as _;
use domain::id;
use domain::integration::{Frequency, Integration};
use domain::kind::RecordKind;
use domain::message::{Message as _, RecordPush, TracedDelivery, WebhookApply, WebhookApplyMany};
use domain::outcome::{WebhookOutcome, WebhookResult};
use domain::step::Step;
use messaging::Context;
use messaging::consumer::Handler;
use persistence::records::{
    guard,
    links::{self, Heard},
};
use persistence::{Scope, Transaction, integrations};
use tokio::sync::Semaphore;

use crate::engine::{DispatchError, Engine, Priority};
use crate::{affairs, converge::Lanes, suppressing};

/// How often applying is begun anew that got into somebody else's way.
const COLLISIONS: usize = 3;

/// Applies one delivery to every tenant that is connected to its account.
#[derive(Clone, Debug)]
pub(crate) struct Apply {
    pub(crate) engine: Engine,
    /// What is marked goes there next.
    pub(crate) lanes: Arc<Lanes<RecordPush>>,
    /// Deliveries that are written down at once, however they came.
    pub(crate) places: Arc<Semaphore>,
}

impl Handler<WebhookApply> for Apply {
    type Error = DispatchError;

    async fn handle(&self, message: &WebhookApply, context: &Context) -> Result<(), DispatchError> {
        let mut collisions = 0;
        loop {
            match self.apply(message, context).await {
                Err(DispatchError::Persistence(error)) if error.is_collision() && collisions < COLLISIONS => {
                    collisions += 1;
                }
                applied => return applied,
            }
        }
    }
}

/// Applies deliveries that were published together, each as if it had come alone.
#[derive(Clone, Debug)]
pub(crate) struct ApplyMany(pub(crate) Apply);

impl Handler<WebhookApplyMany> for ApplyMany {
    type Error = DispatchError;

    /// From the first that fails on, they go back to the queue, each alone: what is wrong with it then concerns it alone.
    async fn handle(&self, message: &WebhookApplyMany, context: &Context) -> Result<(), DispatchError> {
        let mut rest = message.deliveries.as_slice();
        // One that comes again was given back, or made us panic, by one of its deliveries.
        while context.attempt == 1
            && let [first, others @ ..] = rest
        {
            if let Err(error) = self.0.handle(&first.delivery, &Context::continuing(first.trace)).await {
                let (queue, code) = (WebhookApplyMany::QUEUE, error.code());
                tracing::warn!(queue, error.code = code, %error, messages = rest.len(), "given back, each alone");
                break;
            }
            rest = others;
        }
        let alone = |it: &TracedDelivery| (it.delivery.clone(), Context::continuing(it.trace));
        let alone: Vec<_> = rest.iter().map(alone).collect();
        self.0.engine.broker.publish_all(&alone).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(())
    }
}

impl Apply {
    async fn apply(&self, message: &WebhookApply, context: &Context) -> Result<(), DispatchError> {
        let platform = Platform::from_slug(&message.platform)
            .ok_or_else(|| DispatchError::UnknownPlatform(message.platform.clone()))?;
        let format = platform.connector().webhooks();
        if let Some(affair) = format.affair(&message.headers, &message.body) {
            let concerned = affairs::heed(&self.engine, message, &affair).await?;
            // Without its body, which names whoever is to be erased.
            return self
                .tell(message, context, concerned.iter().map(|it| applied(message, context, it, 0)).collect())
                .await;
        }
        let changes = format.parse(&message.headers, &message.body).map_err(DispatchError::Unreadable)?;
        let accounts = by_account(changes);
        let is_one_account = accounts.len() == 1;
        // Nobody closes it.
        let place = self.places.acquire().await.ok();
        let mut tx = self.engine.database.begin(Scope::System).await?;
        let (mut marked, mut outcomes, mut is_clean) = (Vec::new(), Vec::new(), true);
        for (account, changes) in accounts {
            for integration in listeners(&mut tx, message, account.as_deref()).await? {
                guard::share(&mut tx, integration.tenant_id).await?;
                let (of_it, names_erased) = mark(&self.engine, &mut tx, &integration, &changes).await?;
                is_clean &= !names_erased;
                outcomes.push(applied(message, context, &integration, of_it.len()));
                // The others are read when their run announces what is owed.
                if integration.frequency == Frequency::Realtime {
                    marked.extend(of_it);
                }
            }
        }
        tx.commit().await?;
        drop(place);
        self.engine.steps.reached(Step::HookApplied);
        // A platform that tells of thousands fills its lane at once: what is beyond would only stand before what others announce.
        marked.retain(|push| !self.lanes.would_leave(push.integration_id));
        self.engine.announce(Priority::Live, &marked, context.trace).await?;
        // A body that speaks of several accounts, or that several tenants are told of, is nobody's alone.
        // Nor is one kept that speaks of somebody who was erased.
        if let ([only], true, true) = (outcomes.as_mut_slice(), is_one_account, is_clean) {
            only.body = serde_json::from_str(&message.body).ok();
        }
        self.tell(message, context, outcomes).await
    }

    /// Tells the log what became of a delivery.
    async fn tell(
        &self,
        message: &WebhookApply,
        context: &Context,
        mut outcomes: Vec<WebhookOutcome>,
    ) -> Result<(), DispatchError> {
        if outcomes.is_empty() {
            outcomes.push(ignored(message, context));
        }
        // The first takes the id that the delivery was given at the door.
        if let Some(first) = outcomes.first_mut() {
            first.id = message.delivery;
        }
        let outcomes: Vec<_> =
            outcomes.into_iter().map(|outcome| (outcome, Context::continuing(context.trace))).collect();
        self.engine.broker.publish_all(&outcomes).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(())
    }
}

fn by_account(changes: Vec<RemoteChange>) -> BTreeMap<Option<String>, Vec<RemoteChange>> {
    let mut accounts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for change in changes {
        accounts.entry(change.account_id.clone()).or_default().push(change);
    }
    accounts
}

/// The integrations that a delivery is for: the one whose URL was called, or all that are connected to the account.
async fn listeners(
    tx: &mut Transaction,
    message: &WebhookApply,
    account: Option<&str>,
) -> Result<Vec<Integration>, DispatchError> {
    let found = match (message.integration_id, account) {
        (Some(id), _) => integrations::get_any(tx, id).await?.into_iter().collect(),
        (None, Some(account)) => integrations::of_account(tx, &message.platform, account).await?,
        (None, None) => Vec::new(),
    };
    let is_meant = |integration: &Integration| {
        let is_its_account = match (account, integration.account_id.as_deref()) {
            (Some(named), Some(connected)) => named == connected,
            (None, _) | (Some(_), None) => true,
        };
        integration.enabled && integration.platform == message.platform && is_its_account
    };
    Ok(found.into_iter().filter(is_meant).collect())
}

/// Marks what changed, and says whether anything was left out because it is of somebody who was erased.
async fn mark(
    engine: &Engine,
    tx: &mut Transaction,
    integration: &Integration,
    changes: &[RemoteChange],
) -> Result<(Vec<RecordPush>, bool), DispatchError> {
    let (mut marked, mut names_erased) = (Vec::new(), false);
    for kind in RecordKind::ALL {
        if !integration.direction_of(kind).reads() {
            continue;
        }
        let mut changed = heard(integration, kind, changes, false);
        names_erased |= suppressing::take_erased_out_of(engine, tx, &mut changed).await?;
        if !changed.external_ids.is_empty() {
            marked.extend(links::mark_dirty(tx, &changed).await?);
        }
        let mut deleted = heard(integration, kind, changes, true);
        names_erased |= suppressing::take_erased_out_of(engine, tx, &mut deleted).await?;
        if !deleted.external_ids.is_empty() {
            marked.extend(links::mark_known_dirty(tx, &deleted).await?);
        }
    }
    Ok((marked, names_erased))
}

/// What changed, or is said to be deleted, of one kind. What something was merged into has changed as well.
fn heard(integration: &Integration, kind: RecordKind, changes: &[RemoteChange], deleted: bool) -> Heard {
    let of_kind = || changes.iter().filter(|change| change.kind == kind);
    let named = of_kind().filter(|change| change.deleted == deleted).map(|change| &change.external_id);
    let merged = of_kind().filter_map(|change| change.merged_into.as_ref()).filter(|_| !deleted);
    let external_ids: BTreeSet<String> = named.chain(merged).cloned().collect();
    Heard { tenant: integration.tenant_id, integration: integration.id, kind, external_ids }
}

fn applied(message: &WebhookApply, context: &Context, integration: &Integration, marked: usize) -> WebhookOutcome {
    WebhookOutcome {
        // A delivery that is applied once more meets its own rows.
        id: id::for_integration(message.delivery, integration.id),
        tenant_id: Some(integration.tenant_id),
        integration_id: Some(integration.id),
        result: WebhookResult::Applied { marked: u32::try_from(marked).unwrap_or(u32::MAX) },
        ..ignored(message, context)
    }
}

/// A delivery of an account that nobody has connected: kept without its body, which is nobody's.
fn ignored(message: &WebhookApply, context: &Context) -> WebhookOutcome {
    WebhookOutcome {
        id: message.delivery,
        created_at: message.received_at,
        platform: message.platform.clone(),
        tenant_id: None,
        integration_id: None,
        delivery_id: None,
        result: WebhookResult::Ignored { reason: "unknown_account".to_owned() },
        body: None,
        correlation_id: context.trace.trace_id(),
    }
}
