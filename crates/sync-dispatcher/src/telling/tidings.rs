//! News of what a transaction changes: noted in it, announced once it is committed. Telling it is the parent's.

use std::collections::BTreeMap;

use domain::id::{IntegrationId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::message::{BackendTell, RecordChanged, RecordLinked};
use domain::trace::TraceParent;
use messaging::Context;
use persistence::Transaction;
use persistence::records::links;

use crate::engine::{DispatchError, Engine};
use crate::targets::Versioned;

/// Records and what they are.
pub(crate) type Kinds = BTreeMap<RecordId, RecordKind>;

/// The records of which some versions are.
pub(crate) fn kinds_of(records: &[Versioned]) -> Kinds {
    records.iter().map(|(record, kind, _)| (*record, *kind)).collect()
}

/// News of records that a transaction has changed or linked, to be told once it is committed.
#[derive(Debug, Default)]
pub(crate) struct Tidings {
    tells: Vec<BackendTell>,
    changed: Vec<RecordChanged>,
    linked: Vec<RecordLinked>,
}

impl Tidings {
    /// Notes what changed of a tenant's records: for other services, and for the backend those that it holds otherwise. Before
    /// links to platforms are written to in the same transaction.
    pub(crate) async fn of(
        engine: &Engine,
        tx: &mut Transaction,
        of: (TenantId, IntegrationId),
        (changed, untold): (&[Versioned], &Kinds),
    ) -> Result<Self, DispatchError> {
        let changed = changed.iter().filter(|(.., version)| *version > 0).map(|(record_id, kind, version)| {
            RecordChanged { tenant_id: of.0, record_id: *record_id, kind: *kind, version: *version }
        });
        Ok(Self { tells: note(engine, tx, of, untold).await?, changed: changed.collect(), linked: Vec::new() })
    }

    /// Notes which of a tenant's records have other counterparts in an integration: for other services, and for the backend.
    pub(crate) async fn of_links(
        engine: &Engine,
        tx: &mut Transaction,
        of: (TenantId, IntegrationId),
        (integration_id, relinked): (IntegrationId, &Kinds),
    ) -> Result<Self, DispatchError> {
        let tells = note(engine, tx, of, relinked).await?;
        let linked = relinked.iter().map(|(record_id, kind)| RecordLinked {
            tenant_id: of.0,
            record_id: *record_id,
            kind: *kind,
            integration_id,
        });
        Ok(Self { tells, changed: Vec::new(), linked: linked.collect() })
    }

    /// Says it.
    pub(crate) async fn announce(&self, engine: &Engine, trace: TraceParent) -> Result<(), DispatchError> {
        let context = Context::continuing(trace);
        let (told, changed, linked) = tokio::join!(
            engine.announce_telling(&self.tells, trace),
            engine.broker.proclaim(&self.changed, &context),
            engine.broker.proclaim(&self.linked, &context),
        );
        changed.into_iter().chain(linked).collect::<Result<(), _>>()?;
        told
    }
}

/// Notes news for the backend, if there is anybody to tell it to.
async fn note(
    engine: &Engine,
    tx: &mut Transaction,
    of: (TenantId, IntegrationId),
    records: &Kinds,
) -> Result<Vec<BackendTell>, DispatchError> {
    if !engine.backend.is_known() { Ok(Vec::new()) } else { Ok(links::note_news(tx, of, records).await?) }
}
