//! Which integrations a record has to reach, and in which version. How it gets there is `converge`'s.

use connectors::registry::Platform;
use domain::id::{RecordId, TenantId};
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::message::RecordPush;
use persistence::records::links::{self, Stretch, Wanted};
use persistence::{PersistenceError, Transaction, integrations, mappings};

/// A record's name, kind and version.
pub(crate) type Versioned = (RecordId, RecordKind, i64);

/// Whether an integration takes records of a kind from us.
pub(crate) fn takes(integration: &Integration, kind: RecordKind) -> bool {
    let holds = Platform::from_slug(&integration.platform)
        .is_some_and(|platform| platform.connector().descriptor().kinds.contains(&kind));
    holds && integration.direction_of(kind).writes()
}

/// What all integrations of a tenant should reach of some records. Records without content are nobody's yet.
pub(crate) async fn wanted(
    tx: &mut Transaction,
    tenant: TenantId,
    records: &[Versioned],
) -> Result<Vec<Wanted>, PersistenceError> {
    let integrations = integrations::enabled_for(tx, tenant).await?;
    wanted_by_each(tx, tenant, &integrations, records).await
}

/// What one integration should reach of some records.
async fn wanted_by(
    tx: &mut Transaction,
    integration: &Integration,
    records: &[Versioned],
) -> Result<Vec<Wanted>, PersistenceError> {
    wanted_by_each(tx, integration.tenant_id, std::slice::from_ref(integration), records).await
}

async fn wanted_by_each(
    tx: &mut Transaction,
    tenant: TenantId,
    integrations: &[Integration],
    records: &[Versioned],
) -> Result<Vec<Wanted>, PersistenceError> {
    let ids: Vec<_> = integrations.iter().map(|integration| integration.id).collect();
    // Of all at once: this is asked for every message that is merged.
    let versions = mappings::versions(tx, tenant, &ids).await?;
    let mut wanted = Vec::new();
    for integration in integrations {
        for kind in RecordKind::ALL.into_iter().filter(|kind| takes(integration, *kind)) {
            let mapping = versions.get(&(integration.id, kind)).copied().unwrap_or_default();
            let of_kind = records.iter().filter(|(_, of, version)| *of == kind && *version > 0);
            wanted.extend(of_kind.map(|(record, _, version)| Wanted {
                integration: integration.id,
                record: *record,
                kind,
                version: *version,
                mapping,
            }));
        }
    }
    Ok(wanted)
}

/// Looks at the next `limit` records of a kind behind `after`, and gives links to those that have none in an integration, or one that
/// was left behind.
pub(crate) async fn link(
    tx: &mut Transaction,
    integration: &Integration,
    kind: RecordKind,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Stretch, PersistenceError> {
    let tenant = integration.tenant_id;
    let stretch = links::stretch(tx, (tenant, integration.id), kind, after, limit).await?;
    let records: Vec<Versioned> = stretch.unlinked.iter().map(|(record, version)| (*record, kind, *version)).collect();
    let wanted = wanted_by(tx, integration, &records).await?;
    links::raise(tx, tenant, &wanted).await?;
    Ok(stretch)
}

/// Raises the mapping that links of kinds which are only read should reach, so many of each kind: what it maps since has to be
/// looked at. Returns them; a record without a link is given none.
pub(crate) async fn raise_read(
    tx: &mut Transaction,
    integration: &Integration,
    limit: i64,
) -> Result<Vec<RecordPush>, PersistenceError> {
    let whose = (integration.tenant_id, integration.id);
    let mut raised = Vec::new();
    for kind in RecordKind::ALL.into_iter().filter(|kind| !takes(integration, *kind)) {
        if let Some(mapping) = mappings::get(tx, whose.0, whose.1, kind).await? {
            raised.extend(links::raise_mapping(tx, whose, (kind, mapping.version), limit).await?);
        }
    }
    Ok(raised)
}
