//! One batch's view of an integration: its connector, account and mappings, and the lease under which it works.

use std::collections::BTreeMap;

use connectors::account::Account;
use connectors::connector::Connector;
use connectors::error::ConnectorError;
use connectors::registry::Platform;
use domain::id::{IntegrationId, LeaseToken, LinkId, TenantId};
use domain::identity::Region;
use domain::integration::{Integration, Status};
use domain::kind::RecordKind;
use domain::link::Arrival;
use domain::mapping::Mapping;
use domain::message::RecordPush;
use domain::time::Timestamp;
use domain::trace::TraceParent;
use persistence::records::links;
use persistence::{Scope, health, integrations, tenants};
use tokio::time::Instant;

use super::job::Job;
use super::load;
use crate::engine::{DispatchError, Engine};

/// The part of a lease that platform calls may use; the rest is for committing what came of them.
const SHARE_FOR_CALLS: f64 = 0.8;

pub(super) struct Session<'a> {
    pub(super) engine: &'a Engine,
    pub(super) integration: Integration,
    pub(super) connector: &'static dyn Connector,
    /// The opened account, or why it cannot be opened.
    pub(super) account: Result<Account, ConnectorError>,
    mappings: BTreeMap<RecordKind, Mapping>,
    pub(super) region: Region,
    pub(super) backend: IntegrationId,
    pub(super) token: LeaseToken,
    deadline: Instant,
    traces: BTreeMap<LinkId, TraceParent>,
}

impl<'a> Session<'a> {
    /// Takes those of the links that are owed and free. `None` where there is nothing to do, or nobody to do it with.
    pub(super) async fn open(
        engine: &'a Engine,
        (tenant, integration): (TenantId, IntegrationId),
        links: &BTreeMap<LinkId, TraceParent>,
    ) -> Result<Option<(Self, Vec<Job>)>, DispatchError> {
        let deadline = Instant::now() + engine.settings.lease.mul_f64(SHARE_FOR_CALLS);
        let mut tx = engine.database.begin(Scope::System).await?;
        let Some(integration) = integrations::get(&mut tx, tenant, integration).await? else { return Ok(None) };
        let Some(platform) = Platform::from_slug(&integration.platform) else { return Ok(None) };
        let is_parked = health::get(&mut tx, tenant, integration.id)
            .await?
            .is_some_and(|health| health.status == Status::ReauthRequired);
        if !integration.enabled || is_parked {
            return Ok(None);
        }
        let token = LeaseToken::new();
        let names: Vec<_> = links.keys().copied().collect();
        let leased = links::lease(&mut tx, &names, token, engine.settings.lease).await?;
        if leased.is_empty() {
            tx.commit().await?;
            return Ok(None);
        }
        let records = load::records(&mut tx, tenant, &leased).await?;
        let mappings = load::mappings(&mut tx, &integration).await?;
        let region = tenants::region(&mut tx, tenant).await?.unwrap_or(Region::FR);
        let backend = integrations::backend(&mut tx, tenant).await?;
        tx.commit().await?;
        let account = engine.accounts.open(&integration).await.map_err(|error| load::unusable(&error));
        let jobs = leased.into_iter().map(|leased| {
            let trace = links.get(&leased.push.link_id).copied().unwrap_or_else(TraceParent::generate);
            let record = leased.record.and_then(|id| records.get(&id).cloned());
            Job::new(leased, record, trace)
        });
        let jobs = jobs.collect();
        let connector = platform.connector();
        let traces = links.clone();
        let session =
            Self { engine, integration, connector, account, mappings, region, backend, token, deadline, traces };
        Ok(Some((session, jobs)))
    }

    /// The mapping of a kind, as far as the kind's direction allows.
    pub(super) fn mapping(&self, kind: RecordKind) -> Mapping {
        self.mappings.get(&kind).map(|mapping| mapping.within(self.integration.direction_of(kind))).unwrap_or_default()
    }

    /// How values that are read now arrive.
    pub(super) fn arrival(&self) -> Arrival {
        Arrival { origin: self.integration.id, rank: 0, at: Timestamp::now() }
    }

    /// Waits for a call of the platform, but not beyond the time that the lease leaves for it.
    pub(super) async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        match tokio::time::timeout_at(self.deadline, call).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(ConnectorError::out_of_time()),
        }
    }

    /// Announces links under the trace that led here.
    pub(super) async fn announce(&self, pushes: &[RecordPush]) -> Result<(), DispatchError> {
        let trace = self.traces.values().next().copied().unwrap_or_else(TraceParent::generate);
        self.engine.announce(pushes, trace).await
    }
}
