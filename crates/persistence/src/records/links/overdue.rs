//! What the reconciler looks for: links owed for too long, records without a link. Outcomes never published are `unpublished`'s.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::message::RecordPush;
use domain::platform::PlatformSlug;

use super::{PushRow, into_pushes};
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// Names what is owed and was not announced for `too_long`, or whose lease ran out; it counts as announced from now on. Where a
/// platform is named, only what is owed there.
///
/// Integrations take turns, so that one that is owed much keeps nobody's little waiting. Of one that does not take changes at
/// once, only while a run of it is under way; of one whose breaker is open, or its platform's, nothing. What waits for its contact
/// is announced with that: here only where it was missed, since nothing is to come of the contact any more, or rarely, in case the
/// integration has ceased to take contacts.
///
/// # Errors
/// When the database does not answer.
pub async fn overdue(
    tx: &mut Transaction,
    too_long: Duration,
    limit: i64,
    platform: Option<&PlatformSlug>,
) -> Result<Vec<RecordPush>, PersistenceError> {
    let rows: Vec<PushRow> = sql_query(
        "WITH late AS (
             SELECT owed.id FROM tenant_integrations AS integration
             LEFT JOIN integration_health AS health ON health.integration_id = integration.id
             CROSS JOIN LATERAL (
                 SELECT id, announced_at, row_number() OVER (ORDER BY announced_at NULLS FIRST, id) AS turn FROM (
                     SELECT id, announced_at FROM record_links AS link
                     WHERE integration_id = integration.id AND owed AND (lease_until IS NULL OR lease_until < now())
                       AND (not_before IS NULL OR not_before < now() - make_interval(secs => $1))
                       AND (announced_at IS NULL OR announced_at < now() - make_interval(secs => $1)
                            OR lease_until > announced_at)
                       AND (waits_for IS NULL OR announced_at < now() - make_interval(secs => 60 * $1) OR EXISTS (
                           SELECT FROM records AS record JOIN record_links AS contact
                             ON contact.integration_id = link.integration_id AND contact.record_id = record.contact_id
                           WHERE record.id = link.record_id
                             AND (contact.external_id IS NOT NULL OR contact.gone OR NOT contact.owed)))
                     ORDER BY announced_at NULLS FIRST, id LIMIT $2
                 ) AS oldest
             ) AS owed
             WHERE integration.enabled AND integration.deleted_at IS NULL AND integration.platform <> 'coccinelle'
               AND ($3 IS NULL OR integration.platform = $3)
               AND health.status IS DISTINCT FROM 'reauth_required'
               AND NOT EXISTS (
                   SELECT FROM breakers AS breaker
                   WHERE breaker.subject IN (integration.id, integration.platform) AND breaker.opened_at IS NOT NULL)
               AND (integration.frequency = 'realtime' OR EXISTS (
                   SELECT FROM sync_runs AS run
                   WHERE run.integration_id = integration.id AND run.state = 'running'))
             ORDER BY owed.turn, owed.announced_at NULLS FIRST LIMIT $2
         )
         UPDATE record_links AS link SET announced_at = now()
         WHERE link.id IN (
             SELECT id FROM record_links WHERE id IN (SELECT id FROM late) ORDER BY id FOR UPDATE SKIP LOCKED)
         RETURNING link.id, link.tenant_id, link.integration_id",
    )
    .bind::<Double, _>(too_long.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .bind::<Nullable<Text>, _>(platform.map(PlatformSlug::as_str))
    .load(&mut **tx)
    .await?;
    into_pushes(rows)
}

/// A stretch of a walk over a tenant's records of a kind, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    /// The last of its records, behind which the next stretch begins; `None` where the walk has come to its end.
    pub last: Option<RecordId>,
    /// Those of its records, with their versions, that have no link in the integration, or one that was left behind: that knows an
    /// older mapping only, or was not told of the record's newest version, while the integration was switched off or did not take
    /// the kind.
    pub unlinked: Vec<(RecordId, i64)>,
}

/// Looks at the next `limit` records behind `after`, whether they have their links in an integration.
///
/// Each stretch costs the same. Asked for those without a link alone, PostgreSQL would pass all again that were given theirs.
///
/// # Errors
/// When the database does not answer.
pub async fn stretch(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    kind: RecordKind,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Stretch, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = BigInt)]
        version: i64,
        #[diesel(sql_type = Bool)]
        is_linked: bool,
    }
    // The integration is named with each record, so that each link is looked for by itself, as `named` explains: of one that was just
    // switched on, PostgreSQL would else read all links that it has by now, and for each record anew.
    let rows: Vec<Row> = sql_query(
        "SELECT id, version, EXISTS (
             SELECT FROM record_links AS link
             LEFT JOIN integration_mapping_versions AS mapping USING (integration_id, kind)
             WHERE link.integration_id = record.integration_id AND link.record_id = record.id
               AND link.wanted_mapping >= coalesce(mapping.version, 0)
               AND greatest(link.wanted_version, link.synced_version) >= record.version) AS is_linked
         FROM (
             SELECT id, version, $2 AS integration_id FROM records
             WHERE tenant_id = $1 AND kind = $3 AND version > 0 AND id > $4 ORDER BY id LIMIT $5
         ) AS record ORDER BY id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(kind.as_str())
    .bind::<Text, _>(after.map(|id| id.to_string()).unwrap_or_default())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    let mut stretch = Stretch::default();
    for row in rows {
        let id = parse("id", &row.id)?;
        stretch.last = Some(id);
        if !row.is_linked {
            stretch.unlinked.push((id, row.version));
        }
    }
    Ok(stretch)
}

/// An integration that is switched on and whose records have not all been given a link since it last changed.
#[derive(Clone, Copy, Debug)]
pub struct Unlinked {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub integration: IntegrationId,
    /// The version of its configuration.
    pub version: i64,
}

/// The integrations whose records still have to be given links.
///
/// # Errors
/// When the database does not answer.
pub async fn integrations_to_link(tx: &mut Transaction) -> Result<Vec<Unlinked>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = Text)]
        tenant_id: String,
        #[diesel(sql_type = BigInt)]
        version: i64,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT id, tenant_id, version FROM tenant_integrations
         WHERE enabled AND deleted_at IS NULL AND platform <> 'coccinelle' AND linked_version < version
         ORDER BY id LIMIT 100",
    )
    .load(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (tenant, integration) = (parse("tenant_id", &row.tenant_id)?, parse("id", &row.id)?);
            Ok(Unlinked { tenant, integration, version: row.version })
        })
        .collect()
}

/// Notes that every record has a link. Not within a minute of the change: a merge that began before it could still
/// commit a record without one.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_linked(tx: &mut Transaction, linked: &Unlinked) -> Result<(), PersistenceError> {
    sql_query(
        "UPDATE tenant_integrations SET linked_version = $2
         WHERE id = $1 AND updated_at < now() - interval '1 minute'",
    )
    .bind::<Text, _>(linked.integration.to_string())
    .bind::<BigInt, _>(linked.version)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Names what an integration owes and could be worked on now; it counts as announced from now on.
///
/// # Errors
/// When the database does not answer.
pub async fn due_of(
    tx: &mut Transaction,
    integration: IntegrationId,
    limit: i64,
) -> Result<Vec<RecordPush>, PersistenceError> {
    // As a list, of which PostgreSQL expects little. Of a limit that it does not know it expects a tenth of what is owed, and would join
    // that with all links there are.
    let rows: Vec<PushRow> = sql_query(
        "UPDATE record_links AS link SET announced_at = now()
         WHERE link.id = ANY(ARRAY(
             SELECT id FROM record_links
             WHERE integration_id = $1 AND owed AND waits_for IS NULL
               AND (lease_until IS NULL OR lease_until < now()) AND (not_before IS NULL OR not_before <= now())
             ORDER BY announced_at NULLS FIRST LIMIT $2 FOR UPDATE SKIP LOCKED
         ))
         RETURNING link.id, link.tenant_id, link.integration_id",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    into_pushes(rows)
}

/// Those of some links that are owed, due and held by nobody at this moment.
///
/// # Errors
/// When the database does not answer.
pub async fn due_among(tx: &mut Transaction, links: &[LinkId]) -> Result<Vec<RecordPush>, PersistenceError> {
    let rows: Vec<PushRow> = sql_query(
        "SELECT id, tenant_id, integration_id FROM record_links
         WHERE id = ANY($1) AND owed::int = 1 AND (lease_until IS NULL OR lease_until < now())
           AND (not_before IS NULL OR not_before <= now())",
    )
    .bind::<Array<Text>, _>(links.iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    into_pushes(rows)
}
